"""Measure honestly: warm up, synchronise, repeat, report the median."""

from labkit.timing.clock import Setting, Timing, measure, training_step
