"""Measure honestly: warm up, synchronise, repeat, report the median."""

from labkit.timing.clock import Setting, Timing, measure, training_step

__all__ = ["Setting", "Timing", "measure", "training_step"]
