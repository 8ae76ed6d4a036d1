"""What one recorded training run looks like, for readers who run nothing.

``python -m tests.benchmarks.record_training`` makes the file: the lab's recipe on photographs.
"""

import json
from pathlib import Path

import numpy as np

from draw.style import MUTED, Still, flat
from labkit.device import recorded
from labkit.plots.base import Plot
from labkit.plots.curves import loss_curve
from labkit.plots.results import class_accuracy, confusion
from labkit.text import _

RECORDED = json.loads(
    Path(__file__).with_name("recorded_training.json").read_text(encoding="utf-8")
)
EPOCHS = 2
"""The recipe's; the run goes on to eight, for the table in notebook 5."""


def run() -> dict:
    """Return the recorded run of the recipe: its losses, and its confusion matrix on the test."""
    return RECORDED["runs"]["8 epochs"]


def _signed(figure: Plot) -> Still:
    """Write under a figure where and when it was recorded, and make a file of it."""
    signature = _("recorded on {date}, {device}, torch {torch}").format(
        date=RECORDED["date"],
        device=recorded(RECORDED["device"]),
        torch=RECORDED["versions"]["torch"],
    )
    figure.supxlabel(signature, fontsize=8, color=MUTED)
    return Still(flat(figure), f"{figure.alt} {signature[0].upper()}{signature[1:]}.")


def draw_curve() -> Still:
    """Draw the running training loss of two epochs, and the validation loss after each."""
    at, losses = zip(*(row for row in run()["running_losses"] if row[0] <= EPOCHS), strict=True)
    validation = [loss for loss, _accuracy, _seconds in run()["after_epoch"][:EPOCHS]]
    return _signed(loss_curve(at, losses, validation))


def draw_accuracy() -> Still:
    """Draw the accuracy of each class on the test images."""
    matrix = np.array(run()["confusion"])
    shares = matrix.diagonal() / matrix.sum(axis=1)
    return _signed(class_accuracy(shares, RECORDED["classes"], run()["test_accuracy"]))


def draw_confusion() -> Still:
    """Draw the confusion matrix on the test images."""
    return _signed(confusion(np.array(run()["confusion"]), RECORDED["classes"]))
