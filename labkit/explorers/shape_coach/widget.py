"""The shape coach: guess what a stack of layers makes of an image, then see it."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from labkit.display import table
from labkit.explorers.shape_coach.forward_coach import ForwardCoach
from labkit.explorers.shared.looks import STATIC, Explorer
from labkit.explorers.shared.stage import Stage, button, script, slider
from labkit.text import _

NUMBERS = {
    "kernel": (1, 64),
    "stride": (1, 16),
    "padding": (0, 16),
    "dilation": (1, 8),
    "filters": (1, 1024),
}
"""The least and the largest number of each kind that may be typed."""

LAYERS_AT_MOST = 6


def conv(kernel: int, filters: int, padding: int = 0) -> dict:
    """Return a convolution as a line of the table."""
    numbers = {"kernel": kernel, "stride": 1, "padding": padding, "dilation": 1}
    return {"kind": "conv", **numbers, "filters": filters}


def pool(kernel: int) -> dict:
    """Return a max-pooling whose windows lie side by side."""
    return conv(kernel, 16) | {"kind": "pool", "stride": kernel}


WORKSHOP = [conv(5, 6), pool(2), conv(5, 16), pool(2)]
"""The convolutions and poolings of the workshop's network."""


class ShapeStage(Stage):
    """A table of layers to fill in; below it the sides that are known by now."""

    _esm = script(STATIC / "chart.js", *map(Path(__file__).with_name, ("shapes.js", "stage.js")))


class ShapeCoach(Explorer):
    """Guess the side of every map and the flattened length; then see them, and why.

    ``stage.settings`` holds the "layers" with their numbers, the "guesses" (the flattened length
    last), the image's "size", whether all answers are shown ("reveal"), and which "unit" of the
    last map is followed.
    """

    def __init__(self, *, size: int = 32, channels: int = 3):
        """Start with the layers of the workshop's network and an image of ``size``."""
        self.stage = ShapeStage(
            scene={
                "channels": channels,
                "limits": NUMBERS,
                "most": LAYERS_AT_MOST,
                "new": conv(3, 16, padding=1),
            },
            words=_words(),
            controls=[
                slider("size", _("Image's side"), 4, 64),
                button("more", _("Add a layer")),
                button("fewer", _("Remove the last")),
                button("reveal", _("Show all answers")),
                slider("unit", _("Follow unit"), wide=True),
            ],
            settings={
                "size": size,
                "layers": WORKSHOP,
                "guesses": [""] * (len(WORKSHOP) + 1),
                "reveal": False,
                "unit": None,  # the middle one
            },
        )
        super().__init__(screen=self.stage)
        self.add_class("lk-shapes")

    @classmethod
    def of(cls, model: nn.Module, input_shape: Sequence[int]) -> ForwardCoach:
        """Return the coach for any model: its real forward pass, and where it breaks."""
        return ForwardCoach(model, input_shape)

    def still(self) -> tuple[bytes, str]:
        """Return no image, and the first question."""
        return b"", _words()["next"].format(sizes=self.stage.settings["size"], n=1)

    def still_table(self) -> str:
        """Return the layers with their numbers."""
        words, layers = _words(), self.stage.settings["layers"]
        rows = [
            (str(n), words[layer["kind"]], *(str(layer[name]) for name in NUMBERS))
            for n, layer in enumerate(layers, 1)
        ]
        return table(("", words["kind"], *map(words.__getitem__, NUMBERS)), rows)


def _words() -> dict[str, str]:
    return {
        "layer": _("Layer {n}"),
        "kind": _("kind"),
        "conv": _("convolution"),
        "pool": _("pooling"),
        "kernel": _("kernel"),
        "stride": _("stride"),
        "padding": _("padding"),
        "dilation": _("dilation"),
        "filters": _("filters"),
        "guess": _("your guess"),
        "answer": _("side"),
        "why": _("why"),
        "parameters": _("parameters"),
        "field": _("sees"),
        "flatten": _("flattened: how many numbers?"),
        "limits": _("Layer {n}: {name} is a whole number from {low} to {high}, not {value}."),
        "half a kernel": _(
            "Layer {n}: PyTorch pads a pooling by half its kernel at most, {most} here."
        ),
        "in layer": _("Layer {n}: {reason}"),
        "span": _(
            "The window spans {span} pixels, the image with its padding only {side}: "
            "take a smaller kernel, more padding or a larger image."
        ),
        "no fit": _("✗ does not fit"),
        "whole": _("a whole number?"),
        "small": _("too small"),
        "large": _("too large"),
        "wait": _("when all is guessed"),
        "next": _("{sizes} → ? Guess the side that layer {n} makes."),
        "ends": _("{sizes}, and there it ends: layer {n} does not fit."),
        "nothing": _("{sizes}. Unit {unit} of the last map sees nothing but padding."),
        "sees": _("{sizes}. Unit {unit} of the last map sees the pixels {first} to {last}."),
        "never": _("Layer {layer} never visits {n} of the {total} places along its side."),
        "unvisited": _("{n} never visited"),
        "image": _("image"),
        "short conv": _("conv"),
        "short pool": _("pool"),
        "room": _("There is room for {n} layers."),
        "one": _("One layer must stay."),
    }
