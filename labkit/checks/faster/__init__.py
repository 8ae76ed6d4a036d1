"""Notebook 8: what a faster part brings, smoothed labels, shared gradients, batch norm."""

from labkit.checks.faster.norms import folded, normed_in_evaluation
from labkit.checks.faster.parts import combined_gradient, wanted_probabilities
from labkit.checks.faster.speedup import whole_speedup

__all__ = [
    "whole_speedup",
    "wanted_probabilities",
    "combined_gradient",
    "normed_in_evaluation",
    "folded",
]
