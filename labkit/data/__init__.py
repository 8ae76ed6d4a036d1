"""Pictures to learn from: one way in, three sources, never a dead end."""

from labkit.data.choice import Choice, choose, chosen
from labkit.data.loaders import BatchLoader
from labkit.data.sets import ImageSet, Splits
from labkit.data.sources import Status, load, status
from labkit.data.store import DataError

__all__ = [
    "BatchLoader",
    "Choice",
    "DataError",
    "ImageSet",
    "Splits",
    "Status",
    "choose",
    "chosen",
    "load",
    "status",
]
