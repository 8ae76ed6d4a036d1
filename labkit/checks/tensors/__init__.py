"""Notebook 1: channels, broadcasting, sizes in memory, axes."""

from labkit.checks.tensors.axes import mosaic, standardise
from labkit.checks.tensors.colours import grey, swap_red_and_blue
from labkit.checks.tensors.memory import megabytes

__all__ = ["swap_red_and_blue", "grey", "megabytes", "standardise", "mosaic"]
