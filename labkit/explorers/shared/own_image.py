"""Which image an explorer looks at: a sample, or one of the learner's own."""

import os
from collections.abc import Mapping
from threading import Lock

import ipywidgets as widgets
import numpy as np
import traitlets

from labkit.data import ImageSet
from labkit.data.read_image import ImageError, read_image
from labkit.explorers.shared.looks import complaint, row
from labkit.explorers.shared.upload import Upload
from labkit.text import _


class ImageChoice(widgets.VBox):
    """Samples to choose from, an upload button and a path; ``image`` is uint8 ``[32, 32, 3]``.

    ``name`` says what is shown; an image of the learner's own joins the list. ``message`` says why
    a file cannot be used; then the image that was shown before stays.
    """

    image = traitlets.Instance(np.ndarray)
    name = traitlets.Unicode()

    def __init__(self, samples: ImageSet | Mapping[str, np.ndarray]):
        """Offer ``samples``: named images, or one image of each class of a set."""
        self.samples = dict(one_of_each(samples) if isinstance(samples, ImageSet) else samples)
        self.choice = widgets.Dropdown(options=list(self.samples), description=_("Image"))
        self._busy = Lock()  # held while several controls change: draw once, after it
        hint = _("Upload an image of your own")
        self.upload = Upload(_("Your own …"), hint, self._receive, self._refuse)
        self.path = widgets.Text(
            description=_("or its path"), placeholder="cat.jpg", continuous_update=False
        )
        self.message = widgets.HTML()
        self.controls = row(self.choice, self.upload, self.path)
        super().__init__([self.controls, self.message])
        self.choice.observe(self._choose, "value")
        self.path.observe(self._open, "value")
        self.path.on_msg(self._open_again)
        self._choose()

    def _choose(self, _change=None) -> None:
        if not self._busy.locked():
            self.path.value = ""  # the same path may be typed again
            self.show(self.choice.value, self.samples[self.choice.value])

    def _receive(self, name: str, content: bytes) -> None:
        self.path.value = ""
        self._read(content, name)

    def _refuse(self, sentence: str) -> None:
        self.message.value = complaint(sentence)

    def _open(self, _change=None) -> None:
        path = self.path.value.strip().strip("'\"")
        if path:
            self._read(os.path.expanduser(path), path)

    def _open_again(self, _path, message, _buffers) -> None:
        """Look again for a file that could not be used, when Enter is pressed again."""
        if message.get("event") == "submit" and self.message.value:
            self._open()

    def _read(self, source: str | bytes, name: str) -> None:
        try:
            image = read_image(source, name=name)
        except ImageError as error:
            self._refuse(str(error))
        else:
            self.samples[name] = image
            with self._busy:
                self.choice.options, self.choice.value = list(self.samples), name
            self.show(name, image)

    def show(self, name: str, image: np.ndarray) -> None:
        """Show an image, uint8 ``[32, 32, 3]``, under a name."""
        self.message.value = ""
        with self.hold_trait_notifications():
            self.name, self.image = name, image


def one_of_each(images: ImageSet) -> dict[str, np.ndarray]:
    """Return the first image of each class that has one, by the name of the class."""
    return {
        name: images.data[images.targets.index(label)]
        for label, name in enumerate(images.classes)
        if label in images.targets
    }
