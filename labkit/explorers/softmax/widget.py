"""From logits to the loss: sliders on the logits, and every number that follows from them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labkit.explorers.shared.looks import Explorer
from labkit.explorers.shared.stage import Stage, menu, script, slider
from labkit.plots.descent import softmax_bars
from labkit.text import _

LOGITS = (2.0, 1.0, -1.0, 0.5, -2.0)
"""Made up, for as many classes as are shown."""


class SoftmaxStage(Stage):
    """A row for each class: its logit on a slider, and what softmax makes of it."""

    _esm = script(Path(__file__).with_name("stage.js"))


class SoftmaxExplorer(Explorer):
    """Move the logits of a few classes; choose the true class; add the same to all logits.

    ``stage.settings`` says where they stand: "logits", "added" and "label", the true class.
    """

    def __init__(self, classes: Sequence[str]):
        """Show the first five of ``classes``, or all where there are fewer; at least two."""
        self.classes = list(classes)[: len(LOGITS)]
        if len(self.classes) < 2:
            text = _("{n} classes leave nothing to choose: give at least 2.")
            raise ValueError(text.format(n=len(self.classes)))
        self.stage = SoftmaxStage(
            scene={"classes": self.classes},
            words=_words(),
            controls=[
                menu("label", _("True class"), self.classes),
                slider("added", _("Add to all logits"), -5, 5, 0.5, wide=True),
            ],
            settings={"logits": LOGITS[: len(self.classes)], "label": 1, "added": 0},
        )
        super().__init__(screen=self.stage)

    def still(self) -> tuple[bytes, str]:
        """Return logits and probabilities as bars, and what they are."""
        settings = self.stage.settings
        logits = np.array(settings["logits"]) + settings["added"]
        powers = np.exp(logits - logits.max())
        picture = softmax_bars(self.classes, logits, powers / powers.sum(), settings["label"])
        return picture.png(), picture.alt


def _words() -> dict[str, str]:
    return {
        "logit": _("logits"),
        "logits": _("logit z"),
        "powers": _("e to the z"),
        "probabilities": _("probability"),
        "truth": _("truth"),
        "gradient": _("gradient"),
        "sum": _("sum"),
        "says": _("The true class, {true}, gets p = {p:.3f}, so the loss is −ln p = {loss:.3f}."),
        "right": _("It is the likeliest."),
        "wrong": _("The network predicts {other}, which is wrong."),
    }
