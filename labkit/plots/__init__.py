"""Plain arrays in, a picture with its own alt text out. One file per kind of picture."""

from labkit.plots.base import Picture

__all__ = ["Picture"]
