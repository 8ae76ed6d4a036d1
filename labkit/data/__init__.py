"""Pictures to learn from: one way in, three sources, never a dead end."""

from labkit.data.sets import PictureSet, Splits
from labkit.data.sources import load
from labkit.data.store import DataError

__all__ = ["DataError", "PictureSet", "Splits", "load"]
