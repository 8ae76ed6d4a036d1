"""A table of layers to fill in: their numbers, the learner's guesses, the answers."""

from pathlib import Path

import anywidget
import traitlets

from labkit.explorers.shared.looks import SHEET
from labkit.inspect.shapes import Window
from labkit.text import _

LIMITS = {
    "kernel": (1, 64),
    "stride": (1, 16),
    "padding": (0, 16),
    "dilation": (1, 8),
    "filters": (1, 1024),
}
"""The least and the largest number of each kind that may be typed."""

_NUMBERS = ("kernel", "stride", "padding", "dilation")


class StackTable(anywidget.AnyWidget):
    """A line for each layer and one for the flattened length.

    A layer is a dict with "kind" ("conv" or "pool") and the numbers of ``LIMITS``; ``guesses`` are
    texts, and ``results`` dicts of texts ("answer", "why", "parameters", "field") with a "state".
    """

    _esm = Path(__file__).with_name("stack_table.js")
    _css = SHEET

    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    guesses = traitlets.List(traitlets.Unicode()).tag(sync=True)
    results = traitlets.List(traitlets.Dict()).tag(sync=True)
    limits = traitlets.Dict().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, windows):
        """Start with ``windows`` and no guesses."""
        self._count, self._kept = len(windows), []
        super().__init__(
            layers=[as_layer(window) for window in windows],
            guesses=[""] * (len(windows) + 1),
            limits={name: list(pair) for name, pair in LIMITS.items()},
            words=_words(),
        )

    def add(self, window: Window) -> None:
        """Put a layer at the end."""
        self._count += 1
        self._hold([*self.layers, as_layer(window)])

    def remove(self) -> None:
        """Take the last layer away."""
        self._count -= 1
        self._hold(self.layers[:-1])

    def _hold(self, layers: list[dict]) -> None:
        """Hold these layers, and a guess for each."""
        with self.hold_sync():
            self.guesses = [*self.guesses]  # made as many
            self.layers = layers

    @traitlets.validate("layers")
    def _as_many_layers(self, proposal):
        """Keep the number of layers: an edit may come late, after one was added or removed."""
        edited = proposal["value"][: self._count]
        self._kept = [*edited, *self._kept[len(edited) : self._count]]
        return self._kept

    @traitlets.validate("guesses")
    def _as_many_guesses(self, proposal):
        *guesses, flattened = proposal["value"]
        missing = [""] * (self._count - len(guesses))
        return [*guesses[: self._count], *missing, flattened]


def as_layer(window: Window) -> dict:
    """Return what the table holds of a ``Window``."""
    numbers = {name: getattr(window, name) for name in _NUMBERS}
    kind = "pool" if window.out_channels is None else "conv"
    return {"kind": kind, **numbers, "filters": window.out_channels or 16}


def as_window(layer: dict, number: int) -> Window:
    """Return a layer of the table as a ``Window``.

    Raises ValueError, with the ``number`` of the layer, for a number beyond its limits and for a
    padding that PyTorch refuses.
    """
    conv, names = layer["kind"] == "conv", _words()
    for name in [*_NUMBERS, *(["filters"] if conv else [])]:
        low, high = LIMITS[name]
        if not (isinstance(layer[name], int) and low <= layer[name] <= high):
            text = _("Layer {n}: {name} is a whole number from {low} to {high}, not {value}.")
            raise ValueError(
                text.format(n=number, name=names[name], low=low, high=high, value=layer[name])
            )
    if not conv and 2 * layer["padding"] > layer["kernel"]:
        text = _("Layer {n}: PyTorch pads a pooling by half its kernel at most, {most} here.")
        raise ValueError(text.format(n=number, most=layer["kernel"] // 2))
    numbers = [layer[name] for name in _NUMBERS]
    return Window(*numbers, out_channels=layer["filters"] if conv else None)


def _words() -> dict:
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
    }
