"""The stage on which a window moves over an image; every move is drawn in the browser."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from labkit.explorers.convolution.compute import Steps
from labkit.explorers.shared.looks import SHEET, STATIC, joined
from labkit.text import _


class WindowStage(anywidget.AnyWidget):
    """An image, the window, the numbers under it, and the output up to ``position``."""

    _esm = joined(
        STATIC / "stage.js", *map(Path(__file__).with_name, ("window_scene.js", "stage.js"))
    )
    _css = SHEET

    kind = traitlets.Unicode("convolution").tag(sync=True)
    image = traitlets.Bytes().tag(sync=True)
    image_shape = traitlets.List([0, 0, 0]).tag(sync=True)
    output = traitlets.Bytes().tag(sync=True)
    output_shape = traitlets.List([0, 0]).tag(sync=True)
    kernel = traitlets.Bytes().tag(sync=True)
    winners = traitlets.Bytes().tag(sync=True)
    size = traitlets.List([0, 0]).tag(sync=True)
    stride = traitlets.Int(1).tag(sync=True)
    padding = traitlets.Int(0).tag(sync=True)
    bias = traitlets.Float(0.0).tag(sync=True)
    channel = traitlets.Int(0).tag(sync=True)
    black = traitlets.Float(0.0).tag(sync=True)
    position = traitlets.Int(0).tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, steps: Steps):
        """Start with the window in the middle of ``steps``."""
        super().__init__(words=_words())
        self.show(steps)
        self.position = steps.output.size // 2 + steps.output.shape[1] // 2

    @traitlets.validate("position")
    def _inside(self, proposal):
        """Refuse a move that was made in a larger output, and came after a smaller one."""
        rows, columns = self.output_shape
        return min(proposal["value"], max(rows * columns - 1, 0))

    def show(self, steps: Steps) -> None:
        """Show other steps; the window stays where it is as far as it can."""
        kernel = steps.kernel if steps.kernel is not None else ()
        winners = steps.winners if steps.winners is not None else ()
        with self.hold_sync():
            self.kind, self.channel, self.bias = steps.kind, steps.channel, steps.bias
            self.image, self.image_shape = _bytes(steps.image), list(steps.image.shape)
            self.output, self.output_shape = _bytes(steps.output), list(steps.output.shape)
            self.kernel, self.winners = _bytes(kernel), _bytes(winners)
            self.size, self.stride, self.padding = list(steps.size), steps.stride, steps.padding
            self.black = steps.black
            self.position = min(self.position, steps.output.size - 1)
            self.revision += 1


def _bytes(values) -> bytes:
    return np.asarray(values, dtype="<f4").tobytes()


def _words() -> dict:
    """Return every word that the browser shows, translated here because it cannot do it."""
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
    }
