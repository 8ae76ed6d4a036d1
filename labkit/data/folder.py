"""A folder of the learner's own images, read into arrays."""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from labkit.data import read_image
from labkit.data.layout import Listing, Survey, readable
from labkit.data.split import hold_out
from labkit.data.store import Arrays, DataError
from labkit.display import ProgressBar
from labkit.text import _


def name_of(folder: Path) -> str:
    """Return the name under which this folder's arrays are cached."""
    return "folder-" + hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def fingerprint(found: Survey) -> str:
    """Return a key that changes with the files (name, size, time) and the code that reads them."""
    digest = hashlib.sha256(Path(read_image.__file__).read_bytes())
    for part in (found.train, found.test):
        digest.update(b"\0part")
        for name, files in part.items():
            lines = [f"\0class {name}", *(f"\0{file.name} {_stamp(file)}" for file in files)]
            digest.update("".join(lines).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def decode(folder: Path, found: Survey) -> Arrays:
    """Read every image; without test files, hold out one in five, stratified.

    The images come in a shuffled order, the same every time. Raise ``DataError`` where no file
    of a class, or too few in all, can be read.
    """
    classes = tuple(found.train)
    images, labels, skipped = _read(folder, found.train, classes)
    for index, name in enumerate(classes):
        if index not in labels:
            first = next(why for label, why in skipped if label == index)
            text = _("No file of the class {name} can be read as an image. The first: {first}")
            raise DataError(text.format(name=name, first=first))
    if found.test:
        test_images, test_labels, more = _read(folder, found.test, classes)
        skipped += more
    else:
        held = hold_out(labels, max(len(classes), round(len(labels) / 5)))
        kept = np.setdiff1d(np.arange(len(labels)), held)
        test_images, test_labels = images[held], labels[held]
        images, labels = images[kept], labels[kept]
    if not len(test_labels):
        text = _("{folder} has no image to test with: add some to each class.")
        raise DataError(text.format(folder=folder))
    lines = [line for _label, line in skipped]
    for index, name in enumerate(classes):
        if index not in test_labels:
            lines.append(_("{name}: no test image of this class.").format(name=name))
    return Arrays(
        *_shuffled(images, labels), *_shuffled(test_images, test_labels), classes, tuple(lines)
    )


def _stamp(file: os.DirEntry) -> str:
    try:
        stat = file.stat()
    except OSError:  # a link to nowhere: reading it will say so
        return "unreadable"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _read(folder: Path, listing: Listing, classes: tuple[str, ...]):
    """Return images and labels, and label and reason for each file that is not an image."""
    files = [(file.path, classes.index(name)) for name, files in listing.items() for file in files]
    images = np.empty((len(files), 32, 32, 3), dtype=np.uint8)

    def read(number: int) -> str:
        path = files[number][0]
        name = os.sep.join(map(readable, os.path.relpath(path, folder).split(os.sep)))
        if os.path.isdir(path):
            text = _("{name}: a folder inside a class. What it holds is not used.")
            return text.format(name=name)
        try:
            images[number] = read_image.decode(path, name, large=large)
        except read_image.ImageError as error:
            return str(error)
        return ""

    with read_image.quiet(), ThreadPoolExecutor(2) as large, ThreadPoolExecutor() as pool:
        reasons = list(_shown(pool.map(read, range(len(files))), len(files)))
    good = np.array([not reason for reason in reasons], dtype=bool)
    labels = np.array([label for _path, label in files], dtype=np.int64)
    skipped = [(label, why) for label, why in zip(labels, reasons, strict=True) if why]
    return images[good], labels[good], skipped


def _shown(results: Iterable, count: int) -> Iterable:
    if count < 2_000:
        return results
    return ProgressBar(results, _("Reading the images, once"), total=count, leave=False)


def _shuffled(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).permutation(len(labels))
    return images[order], labels[order]
