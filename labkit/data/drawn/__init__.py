"""Images for when there is no network: the ten classes of CIFAR-10, drawn by code from a seed.

An image is a pure function of (seed, split, index), the same bytes on every machine: `dice`
throws the numbers, `pen` paints shapes, `scenes`, `vehicles`, `mammals` and `birds_and_frogs`
say what to paint, and `camera` puts an image together.
"""

import numpy as np

from labkit.data.drawn.camera import CLASSES, develop
from labkit.data.drawn.dice import Dice, keys
from labkit.data.store import Arrays
from labkit.text import _

TRAIN, TEST, SINGLE = range(3)  # the splits
ORDER = 0  # the stream of random numbers that shuffles the classes; `camera` has the others
STACK = 640  # images drawn at a time: enough to keep NumPy busy, few enough for the CPU's cache


def draw(train: int = 11_000, test: int = 2_000, seed: int = 0) -> Arrays:
    """Draw training and test images of the ten classes of CIFAR-10.

    Images uint8 ``[N, 32, 32, 3]``, labels int64 ``[N]``. Every run of ten labels holds each
    class once. Fewer images are the first of the many: image i is always the same.
    Raises ValueError where a number of images is negative.
    """
    if train < 0 or test < 0:
        problem = _("Cannot draw {train} and {test} images: ask for 0 or more of each.")
        raise ValueError(problem.format(train=train, test=test))
    return Arrays(*_split(train, seed, TRAIN), *_split(test, seed, TEST), CLASSES)


def draw_one(name: str, seed: int = 0, size: int = 256) -> np.ndarray:
    """Draw one image of the class ``name`` at any size: uint8 ``[size, size, 3]``."""
    if name not in CLASSES:
        problem = _("There is no class {name!r}: choose one of {names}.")
        raise ValueError(problem.format(name=name, names=", ".join(CLASSES)))
    return develop(keys(seed, SINGLE, np.arange(1)), np.array([CLASSES.index(name)]), size)[0]


def _split(count: int, seed: int, split: int) -> tuple[np.ndarray, np.ndarray]:
    labels = _labels(count, seed, split)
    images = np.empty((count, 32, 32, 3), dtype=np.uint8)
    for start in range(0, count, STACK):
        stack = np.arange(start, min(start + STACK, count))
        images[stack] = develop(keys(seed, split, stack), labels[stack])
    return images, labels


def _labels(count: int, seed: int, split: int) -> np.ndarray:
    """Shuffle the ten classes again for each run of ten images."""
    runs = keys(seed, split, np.arange(-(-count // len(CLASSES))))
    words = Dice(runs, ORDER).words(len(CLASSES))
    return np.argsort(words, axis=1, kind="stable").reshape(-1)[:count].astype(np.int64)
