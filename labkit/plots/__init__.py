"""Plain arrays in, a figure with its own alt text out. One file per subject."""

from labkit.plots.base import Plot
