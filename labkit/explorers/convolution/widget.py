"""Convolution, step by step: a image, a kernel, and the window between them."""

from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
from torch import nn

from labkit.data import ImageSet, normalise
from labkit.explorers.convolution.compute import HAND_MADE, Steps, convolve, read_kernel
from labkit.explorers.convolution.draw import in_and_out
from labkit.explorers.convolution.stage import WindowStage
from labkit.explorers.shared.looks import Explorer, Slider, reporting, row
from labkit.explorers.shared.own_image import ImageChoice
from labkit.inspect import first_convolution, first_filters
from labkit.sandbox.model_lock import one_thread
from labkit.text import _


class ConvolutionExplorer(Explorer):
    """Move a kernel over an image and watch the products add up to the output.

    Kernels are hand-made ones, the first filters of ``model``, or numbers typed in. A hand-made
    kernel sees pixels from 0 to 1, the model's filters see them from -1 to 1, as in training.
    ``steps`` holds the numbers shown.
    """

    def __init__(
        self, samples: ImageSet | Mapping[str, np.ndarray], model: nn.Module | None = None
    ):
        """Offer images of ``samples`` and, where there is one, the filters of ``model``."""
        self.model = model
        self.choice = ImageChoice(samples)
        self.kernel = widgets.Dropdown(options=self._kernels(), description=_("Kernel"))
        self.typed = widgets.Text(
            value="1 0 -1; 2 0 -2; 1 0 -1",
            description=_("Numbers"),
            continuous_update=False,
        )
        self.stride = Slider(label=_("Stride"), minimum=1, maximum=4, value=1)
        self.padding = Slider(label=_("Padding"), minimum=0, maximum=3, value=0)
        self.steps = self._convolve()
        self.stage = WindowStage(self.steps)
        controls = row(self.kernel, self.typed, self.stride, self.padding)
        super().__init__(self.choice, controls, screen=self.stage)
        self.add_class("lk-convolution")
        for control in (self.kernel, self.stride, self.padding):
            control.observe(self._redraw, "value")
        self.typed.observe(self._type, "value")
        self.choice.observe(self._redraw, "image")

    def _kernels(self) -> list[tuple[str, str]]:
        names = [(_(name), name) for name in HAND_MADE]
        if self.model is not None:
            count = len(first_filters(self.model))
            label = _("your network's filter {n}")
            names += [(label.format(n=n), f"filter {n}") for n in range(count)]
        return [*names, (_("numbers of your own"), "typed")]

    def _filter(self) -> tuple[np.ndarray, float]:
        """Return the chosen filter ``[C, k, k]`` and its bias."""
        chosen = self.kernel.value
        if self.model is not None and chosen.startswith("filter "):
            n, layer = int(chosen.removeprefix("filter ")), first_convolution(self.model)
            return first_filters(self.model)[n], 0.0 if layer.bias is None else layer.bias[n].item()
        plane = read_kernel(self.typed.value) if chosen == "typed" else np.array(HAND_MADE[chosen])
        return np.repeat(plane[None] / 3, 3, axis=0), 0.0  # it looks at the channels' mean

    @one_thread()
    def _convolve(self) -> Steps:
        kernel, bias = self._filter()
        learned = self.kernel.value.startswith("filter ")  # on what the network is shown
        image = self.choice.image.transpose(2, 0, 1) / 255
        if learned:
            image = normalise(self.choice.image).numpy()
        if len(kernel) == 1:
            image = image.mean(axis=0, keepdims=True)
        numbers = {"stride": self.stride.value, "padding": self.padding.value}
        return convolve(image, kernel, bias, **numbers, black=-1.0 if learned else 0.0)

    def _type(self, _change) -> None:
        """Take the numbers that were typed, whatever was chosen before."""
        if self.kernel.value == "typed":
            self._redraw()
        else:
            self.kernel.value = "typed"

    @reporting
    def _redraw(self, _change=None) -> None:
        self.steps = self._convolve()
        self.stage.show(self.steps)

    def still(self) -> tuple[bytes, str]:
        """Return image and output side by side, and what they show."""
        picture = in_and_out(self.steps, self.stage.position)
        return picture.png(), picture.alt
