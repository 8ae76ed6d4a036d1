"""The coach for any model: its real forward pass and, where it breaks, what would fix it."""

import math
import re
from collections.abc import Sequence

import ipywidgets as widgets
from torch import nn

from labkit.explorers.shared.looks import Explorer, Slider, reporting, row
from labkit.inspect import Summary, summary
from labkit.text import _

NUMBERS_AT_MOST = 10_000_000
"""What is fed in; the maps that layers make of it need many times the memory."""


class ForwardCoach(Explorer):
    """Send a batch of any shape through a model: every step's shape, or where it breaks and why.

    ``shape`` is the text of the input's shape; ``side`` sets its last two numbers to one;
    ``summary`` is what ``labkit.inspect.summary`` found. The model stays as it is.
    """

    def __init__(self, model: nn.Module, input_shape: Sequence[int] = (1, 3, 32, 32)):
        """Summarise ``model`` with zeros of ``input_shape``, the batch first."""
        self.model = model
        self.summary: Summary | None = None
        self.shape = widgets.Text(
            value=", ".join(map(str, input_shape)),
            description=_("Input shape"),
            continuous_update=False,
        )
        self.side = Slider(label=_("Image's side"), minimum=1, maximum=128)
        self.view = widgets.HTML()
        super().__init__(row(self.shape, self.side), screen=self.view)
        self.add_class("lk-forward")
        self._summarise()
        self.shape.observe(self._summarise, "value")
        self.side.observe(self._resize, "value")

    @reporting
    def _summarise(self, _change=None) -> None:
        shape = _read_shape(self.shape.value)
        self.summary = summary(self.model, shape)
        square = len(shape) == 4 and shape[2] == shape[3] <= self.side.maximum
        with self.side.hold_sync():
            self.side.disabled = not square
            self.side.value = shape[3] if square else self.side.value
        self.view.value = self.summary._repr_html_()

    @reporting
    def _resize(self, change) -> None:
        shape = _read_shape(self.shape.value)
        if len(shape) == 4 and set(shape[2:]) != {change["new"]}:
            self.shape.value = ", ".join(map(str, (*shape[:2], change["new"], change["new"])))

    def still(self) -> tuple[bytes, str]:
        """Return no picture, and what happened in a sentence or two."""
        if self.summary is None:
            return b"", _("The model was not run.")
        given = list(self.summary.input_shape)
        if self.summary.fault:
            text = _("With {shape} the forward pass breaks. {fault}")
            return b"", text.format(shape=given, fault=self.summary.fault)
        text = _("{shape} goes through {n} steps and comes out as {last}.")
        rows = self.summary.rows
        last = list(rows[-1].shape) if rows else given
        said = text.format(shape=given, n=len(rows), last=last)
        return b"", " ".join([said, *self.summary.warnings])

    def still_table(self) -> str:
        """Return the table of the steps, and the card of the fault."""
        return self.view.value


def _read_shape(text: str) -> tuple[int, ...]:
    words = re.findall(r"[^\s,;()\[\]x×]+", text)
    if not words or not all(word.isdecimal() for word in words):
        raise ValueError(_("A shape is whole numbers with commas between them: 1, 3, 32, 32."))
    shape = tuple(map(int, words))
    if math.prod(shape) > NUMBERS_AT_MOST:
        text = _("{shape} is more than {n} million numbers, take a smaller batch or image.")
        raise ValueError(text.format(shape=list(shape), n=NUMBERS_AT_MOST // 1_000_000))
    return shape
