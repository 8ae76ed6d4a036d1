"""A folder of one's own pictures: ``train/<class>/*`` and ``test/<class>/*``, or ``<class>/*``."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from labkit.data.split import hold_out
from labkit.data.store import Arrays, DataError
from labkit.pictures import PictureError, read_picture
from labkit.text import _

_NOT_PICTURES = {"thumbs.db", "desktop.ini"}

Listing = dict[str, list[os.DirEntry]]
"""The files of each class, by the class's name; both in the order of their names."""


def name_of(folder: Path) -> str:
    """Return the name under which this folder's arrays are cached."""
    return "folder-" + hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def survey(folder: Path) -> tuple[Listing, Listing]:
    """List the training and the test files of ``folder``; the second is empty where to split."""
    if folder.exists() and not folder.is_dir():
        raise DataError(
            _(
                "{folder} is a file, not a folder. Name the folder that holds one folder per class."
            ).format(folder=folder)
        )
    if not folder.is_dir():
        raise DataError(
            _("There is no folder {folder}. Check its name and LABKIT_DATA.").format(folder=folder)
        )
    inside = {entry.name: entry for entry in _visible(folder) if entry.is_dir()}
    if "train" in inside:
        train = _classes(Path(inside["train"].path))
        test = _classes(Path(inside["test"].path)) if "test" in inside else {}
    else:
        train, test = _classes(folder), {}
    _refuse_unusable(folder, train, test)
    return train, test


def fingerprint(train: Listing, test: Listing) -> str:
    """Return a key that changes when a file is added, removed or changed (name, size, time)."""
    digest = hashlib.sha256()
    for part in (train, test):
        digest.update(b"\0part")
        for name, files in part.items():
            digest.update(f"\0class {name}".encode("utf-8", "surrogateescape"))
            for file in files:
                stat = file.stat()
                line = f"\0{file.name} {stat.st_size} {stat.st_mtime_ns}"
                digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def decode(folder: Path, train: Listing, test: Listing) -> Arrays:
    """Read every picture; without test pictures, hold out one in five of each class."""
    classes = tuple(train)
    skipped: list[str] = []
    train_images, train_labels = _read(folder, train, classes, skipped)
    missing = [name for i, name in enumerate(classes) if not (train_labels == i).any()]
    if missing:
        raise DataError(
            _("No picture of the class {name} in {folder} can be read: {first}").format(
                name=missing[0],
                folder=folder,
                first=next((s for s in skipped if f"{missing[0]}" in s), ""),
            )
        )
    if test:
        test_images, test_labels = _read(folder, test, classes, skipped)
    else:
        held = hold_out(train_labels, max(1, round(len(train_labels) / 5)))
        kept = np.setdiff1d(np.arange(len(train_labels)), held)
        test_images, test_labels = train_images[held], train_labels[held]
        train_images, train_labels = train_images[kept], train_labels[kept]
    return Arrays(
        *_shuffled(train_images, train_labels),
        *_shuffled(test_images, test_labels),
        classes,
        tuple(skipped),
    )


def _visible(folder: Path) -> list[os.DirEntry]:
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(shown, key=lambda entry: entry.name)


def _classes(folder: Path) -> Listing:
    return {
        entry.name: [
            file
            for file in _visible(Path(entry.path))
            if file.is_file() and file.name.lower() not in _NOT_PICTURES
        ]
        for entry in _visible(folder)
        if entry.is_dir()
    }


def _refuse_unusable(folder: Path, train: Listing, test: Listing) -> None:
    if len(train) < 2:
        raise DataError(
            _(
                "{folder} holds {n} folders with pictures, and at least two classes are needed. "
                "Put the pictures of each class into a folder of its own: cat/1.jpg, dog/1.jpg."
            ).format(folder=folder, n=len(train))
        )
    for name, files in train.items():
        if not files:
            raise DataError(
                _("The class {name} in {folder} has no pictures: add some, or remove it.").format(
                    name=name, folder=folder
                )
            )
    for name in test:
        if name not in train:
            raise DataError(
                _("The class {name} is in test but not in train in {folder}.").format(
                    name=name, folder=folder
                )
            )


def _read(folder: Path, listing: Listing, classes: tuple[str, ...], skipped: list[str]):
    files = [(classes.index(name), file) for name, files in listing.items() for file in files]
    images = np.empty((len(files), 32, 32, 3), dtype=np.uint8)
    labels = np.array([label for label, _file in files], dtype=np.int64)
    good = np.ones(len(files), dtype=bool)

    def read(index: int) -> None:
        path = files[index][1].path
        try:
            images[index] = read_picture(path)
        except PictureError as error:
            good[index] = False
            skipped.append(str(error).replace(path, os.path.relpath(path, folder)))

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        for _done in pool.map(read, range(len(files))):
            pass
    return images[good], labels[good]


def _shuffled(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).permutation(len(labels))
    return images[order], labels[order]
