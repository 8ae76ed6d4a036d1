"""Notebook 6: what a confusion matrix and probabilities tell, and a network asked twice."""

from labkit.checks.evaluation.matrices import most_confused, precision
from labkit.checks.evaluation.sureness import right_when_sure, share_in_top
from labkit.checks.evaluation.twice import seen_twice

__all__ = ["precision", "most_confused", "share_in_top", "right_when_sure", "seen_twice"]
