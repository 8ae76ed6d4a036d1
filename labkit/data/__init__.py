"""Images to learn from: one ``load()`` for CIFAR-10, drawn images and the learner's own folder."""

from labkit.data.choice import Choice, choose, chosen
from labkit.data.loaders import BatchLoader
from labkit.data.pixel_values import denormalise, normalise
from labkit.data.sets import ImageSet, Splits
from labkit.data.sources import Status, load, status
from labkit.data.store import DataError
