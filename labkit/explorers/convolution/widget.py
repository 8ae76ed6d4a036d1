"""Convolution and pooling, step by step: an image, and a window that moves over it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import traitlets
from torch import nn
from torch.nn import functional

from labkit.data import ImageSet
from labkit.explorers.convolution.compute import HAND_MADE, hand_made, learned
from labkit.explorers.convolution.draw import in_and_out
from labkit.explorers.shared.looks import Explorer
from labkit.explorers.shared.own_image import ImageChoice
from labkit.explorers.shared.stage import Plan, Stage, field, menu, script, slider
from labkit.text import _

NUMBERS_AT_MOST = 7
"""A typed kernel has at most so many rows and columns: more could not be read."""


class WindowStage(Stage):
    """An image, the window, the numbers under it, and the output up to there."""

    _esm = script(*map(Path(__file__).with_name, ("windows.js", "stage.js")))

    image = traitlets.Bytes(help="uint8 [H, W, 3], and H and W as ``size``").tag(sync=True)
    size = traitlets.List([0, 0]).tag(sync=True)


class WindowExplorer(Explorer):
    """What convolution and pooling share. ``stage.settings`` says where the controls stand."""

    def __init__(
        self,
        samples: ImageSet | Mapping[str, np.ndarray],
        scene: dict,
        controls: list[Plan],
        settings: dict,
    ):
        self.choice = ImageChoice(samples)
        settings = settings | {"position": None}  # in the middle
        self.stage = WindowStage(scene=scene, words=_words(), controls=controls, settings=settings)
        super().__init__(self.choice, screen=self.stage)
        self.choice.observe(self._show, "image")
        self._show()

    def _show(self, _change=None) -> None:
        with self.stage.hold_sync():
            self.stage.size = list(self.choice.image.shape[:2])
            self.stage.image = self.choice.image.tobytes()


class ConvolutionExplorer(WindowExplorer):
    """Move a kernel over an image and watch the products add up to the output.

    Kernels are hand-made ones, the first filters of ``model``, or numbers typed in. A hand-made
    kernel sees pixels from 0 to 1, the model's filters see them from -1 to 1, as in training.
    """

    def __init__(
        self, samples: ImageSet | Mapping[str, np.ndarray], model: nn.Module | None = None
    ):
        """Offer images of ``samples`` and, where there is one, the filters of ``model``."""
        filters = [] if model is None else learned(model)
        names = [_(name) for name in HAND_MADE]
        names += [_("your network's filter {n}").format(n=n) for n in range(len(filters))]
        names.append(_("numbers of your own"))
        kernels = [*hand_made(), *filters, None]
        super().__init__(
            samples,
            {"kind": "convolution", "kernels": kernels, "most": NUMBERS_AT_MOST},
            [
                menu("kernel", _("Kernel"), names, wide=True),
                field("typed", _("Numbers"), wide=True),
                slider("stride", _("Stride"), 1, 4),
                slider("padding", _("Padding"), 0, 3),
            ],
            {"kernel": 0, "typed": "1 0 -1; 2 0 -2; 1 0 -1", "stride": 1, "padding": 0},
        )
        self.add_class("lk-convolution")

    def still(self) -> tuple[bytes, str]:
        """Return the image beside the output of the first kernel, and what they show."""
        image = self.choice.image / 255
        kernel = torch.tensor(next(iter(HAND_MADE.values())), dtype=torch.float64)
        output = functional.conv2d(torch.tensor(image.mean(axis=2))[None], kernel[None, None])
        picture = in_and_out(image, output[0].numpy(), 3, 1, _("a convolution"))
        return picture.png(), picture.alt


class PoolingExplorer(WindowExplorer):
    """Move a window over one channel of an image: its largest or its mean value goes on."""

    def __init__(self, samples: ImageSet | Mapping[str, np.ndarray]):
        """Offer the images of ``samples``."""
        kinds = [_("largest (max-pooling)"), _("mean (average pooling)")]
        super().__init__(
            samples,
            {"kind": "pooling"},
            [
                menu("kind", _("Takes the"), kinds, wide=True),
                menu("channel", _("Channel"), [_("red"), _("green"), _("blue")]),
                slider("size", _("Kernel"), 2, 6),
                slider("stride", _("Stride"), 1, 6),
            ],
            {"kind": 0, "channel": 0, "size": 2, "stride": 2},
        )
        self.add_class("lk-pooling")

    def still(self) -> tuple[bytes, str]:
        """Return the red channel beside its largest values, and what they show."""
        image = self.choice.image[..., 0] / 255
        output = functional.max_pool2d(torch.tensor(image)[None], 2)[0].numpy()
        picture = in_and_out(image, output, 2, 2, _("a pooling"))
        return picture.png(), picture.alt


def _words() -> dict:
    window = _("Window {n} of {total} (row {row}, column {column}): ")
    return {
        "picture": _("image, {height} x {width}"),
        "output": _("output, {height} x {width}"),
        "padding": _("hatched: padding with zeros"),
        "patch": _("pixels"),
        "kernel": _("kernel"),
        "products": _("products"),
        "channels": [_("red"), _("green"), _("blue")],
        "bias": _("bias"),
        "result convolution": _("output"),
        "result max": _("largest"),
        "result average": _("mean"),
        "range": _("black {low}, white {high}"),
        "position": _("Window"),
        "speed": _("Speed"),
        "a second": _("{n} a second"),
        "play": _("Play"),
        "pause": _("Pause"),
        "says convolution": window
        + _("the products add up to {sum}, with the bias {bias} to {value}."),
        "says max": window + _("{value} is the largest of {count} values and goes on alone."),
        "says average": window + _("the mean of {count} values is {value}."),
        "rectangle": _(
            "A kernel is rows of equally many numbers, for example 1 0 -1; 2 0 -2; 1 0 -1."
        ),
        "too large": _(
            "This kernel is {rows} x {columns}; {limit} x {limit} can be shown at most."
        ),
        "number": _('"{word}" is not a number: write 0.5, -1 or 1/9.'),
        "no fit": _("A window of {rows} x {columns} does not fit into {height} x {width} pixels."),
    }
