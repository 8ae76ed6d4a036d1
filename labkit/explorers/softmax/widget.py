"""From logits to the loss: sliders on the logits, and every number that follows from them."""

from collections.abc import Sequence
from pathlib import Path

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

from labkit.explorers.shared.looks import SHEET, Explorer, Slider, reporting, row
from labkit.explorers.softmax.compute import Prediction, predict
from labkit.plots.descent import softmax_bars
from labkit.text import _

LOGITS = (2.0, 1.0, -1.0, 0.5, -2.0)
"""Made up, for as many classes as are shown."""


class Bars(anywidget.AnyWidget):
    """A table of numbers, each with a bar, over a sentence."""

    _esm = Path(__file__).with_name("bars.js")
    _css = SHEET

    table = traitlets.Dict({"columns": [], "classes": [], "foot": []}).tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)


class SoftmaxExplorer(Explorer):
    """Move the logits of a few classes; choose the true class; add the same to all logits.

    ``prediction`` holds the numbers shown.
    """

    def __init__(self, classes: Sequence[str]):
        """Show the first five of ``classes``, or all where there are fewer; at least two."""
        self.classes = list(classes)[: len(LOGITS)]
        if len(self.classes) < 2:
            text = _("{n} classes leave nothing to choose: give at least 2.")
            raise ValueError(text.format(n=len(self.classes)))
        self.logits = tuple(
            Slider(label=name, minimum=-5.0, maximum=5.0, step=0.1, value=value)
            for name, value in zip(self.classes, LOGITS, strict=False)
        )
        options = [(name, label) for label, name in enumerate(self.classes)]
        self.label = widgets.Dropdown(options=options, value=1, description=_("True class"))
        self.added = Slider(label=_("Add to all logits"), minimum=-5.0, maximum=5.0, step=0.5)
        self.bars = Bars()
        sliders = widgets.VBox([widgets.HTML(f"<b>{_('logits')}</b>"), *self.logits])
        screen = widgets.HBox([sliders.add_class("lk-logits"), self.bars])
        super().__init__(row(self.label, self.added), screen=screen.add_class("lk-softmax"))
        for control in (*self.logits, self.label, self.added):
            control.observe(self._redraw, "value")
        self._redraw()

    @reporting
    def _redraw(self, _change=None) -> None:
        logits = [slider.value + self.added.value for slider in self.logits]
        self.prediction = predict(logits, self.label.value)
        with self.bars.hold_sync():
            self.bars.table = _table(self.prediction, self.classes, self.label.value)
            self.bars.sentence = self._sentence()
            self.bars.revision += 1

    def _sentence(self) -> str:
        shown, label = self.prediction, self.label.value
        likeliest = int(np.argmax(shown.probabilities))
        words = {
            "loss": shown.loss,
            "p": shown.probabilities[label],
            "true": self.classes[label],
            "other": self.classes[likeliest],
        }
        text = _("The true class, {true}, gets p = {p:.3f}, so the loss is −ln p = {loss:.3f}.")
        more = (
            _("It is the likeliest.")
            if likeliest == label
            else _("The network predicts {other}, which is wrong.")
        )
        return f"{text} {more}".format(**words)

    def still(self) -> tuple[bytes, str]:
        """Return logits and probabilities as bars, and what the loss is."""
        shown = self.prediction
        label = self.label.value
        picture = softmax_bars(self.classes, shown.logits, shown.probabilities, label)
        return picture.png(), self._sentence()


def _table(shown: Prediction, classes: list[str], label: int) -> dict:
    """Return the columns in words and bars, for the browser."""
    columns = [
        _column(_("logit z"), shown.logits, "{:.1f}"),
        _column(_("e to the z"), shown.powers, "{:,.2f}", shown.powers / shown.powers.max()),
        _column(_("probability"), shown.probabilities, "{:.3f}", shown.probabilities),
        _column(_("truth"), shown.truth, "{:.0f}"),
        _column(_("gradient"), shown.gradient, "{:+.3f}", shown.gradient, signed=True),
    ]
    return {
        "caption": _("class"),
        "classes": classes,
        "label": label,
        "columns": columns,
        "foot": [
            "",
            _("sum"),
            f"{shown.powers.sum():,.2f}",
            f"{shown.probabilities.sum():.3f}",
            f"{shown.truth.sum():.0f}",
            f"{abs(shown.gradient.sum()):.3f}",
        ],
    }


def _column(title: str, values: np.ndarray, form: str, lengths=None, *, signed=False) -> dict:
    """Return a column of the table; ``lengths`` of bars are from -1 to 1."""
    column = {"title": title, "texts": [form.format(v).replace("-", "−") for v in values]}
    return column if lengths is None else column | {"lengths": lengths.tolist(), "signed": signed}
