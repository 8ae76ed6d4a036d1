"""Notebook 5: steps, the loop, accuracy, when to stop, a large batch in small memory."""

from labkit.checks.training.judging import accuracy
from labkit.checks.training.loop import train_one_epoch
from labkit.checks.training.steps import steps_taken, train_in_portions
from labkit.checks.training.stopping import should_stop

__all__ = ["steps_taken", "train_one_epoch", "accuracy", "should_stop", "train_in_portions"]
