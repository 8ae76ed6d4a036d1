"""What a change of brightness, blur, noise or rotation does to an image and to the accuracy."""

from collections.abc import Callable
from threading import Lock

import ipywidgets as widgets
import numpy as np
import torch
from torch import nn

from labkit.data import ImageSet
from labkit.display import escaped
from labkit.evaluation.corruptions import CORRUPTIONS, Corruption, accuracy_under, corrupt
from labkit.evaluation.scores import Share
from labkit.explorers.shared.bars import bars, prediction
from labkit.explorers.shared.contact_sheet import png
from labkit.explorers.shared.looks import Screen, Slider, reporting, row
from labkit.sandbox.model_lock import one_thread
from labkit.sandbox.untouched import untouched
from labkit.text import _


class ChangesView(widgets.VBox):
    """One image before and after a change, and the accuracy at each amount of it.

    ``measured`` holds the shares of correct predictions by kind, ``probabilities`` what the network
    predicts for the changed image.
    """

    def __init__(
        self,
        model: nn.Module,
        pictures: ImageSet,
        prepare: Callable[[np.ndarray], torch.Tensor],
    ):
        """Measure the accuracy on ``pictures``, once for each kind that is chosen.

        ``prepare`` turns an image, uint8 ``[32, 32, 3]``, into the ``[3, 32, 32]`` that the model
        takes. Nothing is measured before the first ``show``.
        """
        self.model, self.pictures, self.prepare = model, pictures, prepare
        self.measured: dict[str, list[Share]] = {}
        self.picture, self.title = pictures.data[0], ""
        self._before = self.probabilities = np.empty(0)
        self._busy = Lock()  # held while several controls change: draw once, after it
        self.kind = widgets.Dropdown(
            options=[(_(change.name), kind) for kind, change in CORRUPTIONS.items()],
            description=_("Change"),
        )
        self.amount = Slider.of(_("Amount"), ["–"])
        self.before, self.after = (Screen(width=164).add_class("lk-pixelated") for _ in "ab")
        self.answers = widgets.HTML(), widgets.HTML()
        self.accuracy, self.message = widgets.HTML(), widgets.HTML()
        columns = [
            widgets.VBox([self.before, self.answers[0]]),
            widgets.VBox([self.after, self.answers[1]]),
            self.accuracy.add_class("lk-accuracies"),
        ]
        amount = self.amount.add_class("lk-wide")
        shown = widgets.HBox(columns).add_class("lk-thirds")
        super().__init__([row(self.kind, amount), self.message, shown])
        self.add_class("lk-changes")
        self.kind.observe(self._choose, "value")
        self.amount.observe(self._move, "value")

    def show(self, picture: np.ndarray, title: str) -> None:
        """Show an image, uint8 ``[32, 32, 3]``, and say in ``title`` what it is."""
        self.picture, self.title = picture, title
        self._before = self._ask(picture)
        self.before.show(png(picture), title)
        self.answers[0].value = prediction(self.pictures.classes, self._before.tolist())
        if self.measured:
            self._draw()
        else:
            self._choose()

    @reporting
    def _choose(self, _change=None) -> None:
        """Measure the chosen kind, if it is new, and start at a moderate amount of it."""
        if not len(self._before):
            return  # there is no image yet
        kind = CORRUPTIONS[self.kind.value]
        words = [kind.say(amount) for amount in kind.amounts]
        with self._busy, self.amount.hold_sync():
            self.amount.texts, self.amount.maximum = words, len(words) - 1
            self.amount.value = kind.amounts.index(0) + 2
        if self.kind.value not in self.measured:
            self._draw_image()  # it need not wait for the others
            self.accuracy.value = f"<p>{escaped(_('Measuring on validation images ...'))}</p>"
            name, device = self.kind.value, self._device()
            self.measured[name] = accuracy_under(self.model, self.pictures, name, device=device)
        self._draw()

    @reporting
    def _move(self, _change) -> None:
        if self.measured and not self._busy.locked():
            self._draw()

    def _device(self) -> torch.device:
        return next((weight.device for weight in self.model.parameters()), torch.device("cpu"))

    def _ask(self, picture: np.ndarray) -> np.ndarray:
        """Return the probabilities that the model gives an image, float32 ``[C]``."""
        with untouched(self.model):
            outputs = self.model(self.prepare(picture)[None].to(self._device()))
        return outputs[0].float().softmax(0).cpu().numpy()

    @one_thread()
    def _draw_image(self) -> None:
        kind, place = CORRUPTIONS[self.kind.value], self.amount.value
        changed = corrupt(self.picture[None], self.kind.value, kind.amounts[place])[0]
        self.probabilities = self._ask(changed)
        self.after.show(png(changed), self._say_image(kind, place))
        self.answers[1].value = prediction(self.pictures.classes, self.probabilities.tolist())

    def _draw(self) -> None:
        self._draw_image()
        kind, place = CORRUPTIONS[self.kind.value], self.amount.value
        shares = self.measured[self.kind.value]
        low, high = shares[place].interval
        text = _(
            "With {name} {words}, {share:.1%} of {n:,} validation images are recognised (95% "
            "interval: {low:.0%} to {high:.0%})."
        )
        numbers = {"share": shares[place].value, "n": shares[place].of, "low": low, "high": high}
        words = [kind.say(amount) for amount in kind.amounts]
        said = text.format(name=_(kind.name), words=words[place], **numbers)
        values = [share.value for share in shares]
        self.accuracy.value = bars(words, values, said, place)

    def _say_image(self, kind: Corruption, place: int) -> str:
        names, best = self.pictures.classes, int(self.probabilities.argmax())
        before = int(self._before.argmax())
        text = (
            _("{title} With {name} {words}: still {after}.")
            if best == before
            else _("{title} With {name} {words}: no longer {before}, but {after}.")
        )
        return text.format(
            title=self.title,
            name=_(kind.name),
            words=kind.say(kind.amounts[place]),
            before=names[before],
            after=names[best],
        )
