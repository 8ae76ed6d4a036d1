"""Max-pooling, step by step, and average pooling beside it for comparison."""

from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np

from labkit.data import ImageSet
from labkit.explorers.convolution.compute import Steps, pool
from labkit.explorers.convolution.draw import in_and_out
from labkit.explorers.convolution.stage import WindowStage
from labkit.explorers.shared.looks import Explorer, Slider, reporting, row
from labkit.explorers.shared.own_image import ImageChoice
from labkit.text import _


class PoolingExplorer(Explorer):
    """Move a window over one channel of an image: its largest or its mean value goes on.

    ``steps`` holds the numbers shown, of pixels from 0 to 1.
    """

    def __init__(self, samples: ImageSet | Mapping[str, np.ndarray]):
        """Offer the images of ``samples``."""
        self.choice = ImageChoice(samples)
        kinds = [(_("largest (max-pooling)"), "max"), (_("mean (average pooling)"), "average")]
        self.kind = widgets.Dropdown(options=kinds, description=_("Takes the"))
        channels = [(_("red"), 0), (_("green"), 1), (_("blue"), 2)]
        self.channel = widgets.Dropdown(options=channels, description=_("Channel")).add_class(
            "lk-narrow"
        )
        self.size = Slider(label=_("Kernel"), minimum=2, maximum=6, value=2)
        self.stride = Slider(label=_("Stride"), minimum=1, maximum=6, value=2)
        self.steps = self._pool()
        self.stage = WindowStage(self.steps)
        controls = (self.kind, self.channel, self.size, self.stride)
        super().__init__(self.choice, row(*controls), screen=self.stage)
        self.add_class("lk-pooling")
        for control in controls:
            control.observe(self._redraw, "value")
        self.choice.observe(self._redraw, "image")

    def _pool(self) -> Steps:
        image = self.choice.image.transpose(2, 0, 1) / 255
        kind, channel = self.kind.value, self.channel.value
        return pool(image, self.size.value, self.stride.value, kind=kind, channel=channel)

    @reporting
    def _redraw(self, _change=None) -> None:
        self.steps = self._pool()
        self.stage.show(self.steps)

    def still(self) -> tuple[bytes, str]:
        """Return image and output side by side, and what they show."""
        picture = in_and_out(self.steps, self.stage.position)
        return picture.png(), picture.alt
