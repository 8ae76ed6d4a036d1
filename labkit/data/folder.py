"""A folder of one's own pictures: ``train/<class>/*`` and ``test/<class>/*``, or ``<class>/*``."""

import hashlib
import os
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from labkit.data import read_image as pictures
from labkit.data.split import hold_out
from labkit.data.store import Arrays, DataError
from labkit.text import _

_LEFT_ABOUT = {"thumbs.db", "desktop.ini", "__macosx", "$recycle.bin"}
"""What systems and their archives leave in a folder, beside what begins with a dot."""

_TEST_NAMES = ("test", "val", "valid", "validation")
"""The first of these that stands beside ``train`` is the test set: many have only ``val``."""

Listing = dict[str, list[os.DirEntry]]
"""What each class's folder holds, by the class's name; both in the order of their names."""


def name_of(folder: Path) -> str:
    """Return the name under which this folder's arrays are cached."""
    return "folder-" + hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def survey(folder: Path) -> tuple[Listing, Listing]:
    """List the training and the test files of ``folder``; without test files, the second is empty.

    Raise ``DataError`` where there is no such folder, or not two classes with files in it.
    """
    _refuse_no_folder(folder)
    parts = {entry.name.lower(): entry.path for entry in _visible(folder) if _is_folder(entry)}
    held = next((parts[name] for name in _TEST_NAMES if name in parts), None)
    # a folder "train" of pictures alone is a class like the others: pictures of trains
    split = "train" in parts and (held or any(map(_is_folder, _visible(parts["train"]))))
    learn = Path(parts["train"]) if split else folder
    train, test = _classes(learn), _classes(held) if split and held else {}
    _refuse_unusable(learn, train, test)
    return train, test


def fingerprint(train: Listing, test: Listing) -> str:
    """Return a key that changes with the files (name, size, time) and the code that reads them."""
    digest = hashlib.sha256(Path(pictures.__file__).read_bytes())
    for part in (train, test):
        digest.update(b"\0part")
        for name, files in part.items():
            digest.update(f"\0class {name}".encode("utf-8", "surrogateescape"))
            for file in files:
                line = f"\0{file.name} {_stamp(file)}"
                digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def decode(folder: Path, train: Listing, test: Listing) -> Arrays:
    """Read every picture; without test files, hold out one in five, stratified.

    The pictures come in a shuffled order, the same every time. Raise ``DataError`` where no
    file of a class, or too few in all, can be read.
    """
    classes = tuple(train)
    images, labels, skipped = _read(folder, train, classes)
    _refuse_unreadable(classes, labels, skipped)
    if test:
        test_images, test_labels, more = _read(folder, test, classes)
        skipped += more
    else:
        held = hold_out(labels, max(len(classes), round(len(labels) / 5)))
        kept = np.setdiff1d(np.arange(len(labels)), held)
        test_images, test_labels = images[held], labels[held]
        images, labels = images[kept], labels[kept]
    if not len(test_labels):
        text = _("{folder} has no picture to test with: add some to each class.")
        raise DataError(text.format(folder=folder))
    lines = [line for _label, line in skipped]
    for index, name in enumerate(classes):
        if index not in test_labels:
            lines.append(_("{name}: no test picture of this class.").format(name=name))
    return Arrays(
        *_shuffled(images, labels), *_shuffled(test_images, test_labels), classes, tuple(lines)
    )


def _visible(folder: str | Path) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            shown = [
                entry
                for entry in entries
                if not entry.name.startswith(".") and entry.name.lower() not in _LEFT_ABOUT
            ]
    except OSError as error:
        raise DataError(_cannot_open(folder, error)) from error
    return sorted(shown, key=lambda entry: entry.name)


def _cannot_open(folder: str | Path, error: OSError) -> str:
    text = _("The folder {folder} cannot be opened: {reason}.")
    return text.format(folder=folder, reason=error.strerror)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself, or where we may not look
        return False


def _classes(folder: str | Path) -> Listing:
    entries = _visible(folder)
    for entry in entries:
        if entry.is_symlink() and not os.path.exists(entry.path):
            text = _("The link {path} cannot be followed: mend it, or remove it.")
            raise DataError(text.format(path=entry.path))
    return {entry.name: _visible(entry.path) for entry in entries if _is_folder(entry)}


def _refuse_no_folder(folder: Path) -> None:
    try:
        there, is_folder = folder.exists(), folder.is_dir()
    except OSError as error:
        raise DataError(_cannot_open(folder, error)) from error
    if not there:
        text = _(
            "There is no folder {folder}. Look for a typing error in its name, "
            "or choose another source in 00_setup or with LABKIT_DATA."
        )
        raise DataError(text.format(folder=folder))
    if not is_folder:
        text = _("{folder} is a file. Name the folder that holds one folder per class.")
        raise DataError(text.format(folder=folder))


def _refuse_unusable(folder: Path, train: Listing, test: Listing) -> None:
    if len(train) < 2:
        text = _(
            "At least two classes are needed, and {folder} holds these folders: {names}. "
            "Put the pictures of each class into a folder of its own: cat/1.jpg, dog/1.jpg."
        )
        raise DataError(text.format(folder=folder, names=", ".join(train) or _("none")))
    for name, files in train.items():
        if not files:
            text = _("The folder {path} has no pictures: add some, or remove it.")
            raise DataError(text.format(path=folder / name))
        if all(map(_is_folder, files)):
            text = _(
                "The folder {path} holds folders and no pictures. The pictures of a class lie side "
                "by side: cat/1.jpg, or train/cat/1.jpg and test/cat/2.jpg."
            )
            raise DataError(text.format(path=folder / name))
    if strange := [name for name in test if name not in train]:
        text = _("The class {name} is in the test folder, but not in {folder}.")
        raise DataError(text.format(name=strange[0], folder=folder))


def _refuse_unreadable(classes: tuple[str, ...], labels: np.ndarray, skipped: list) -> None:
    for index, name in enumerate(classes):
        if index not in labels:
            first = next(why for label, why in skipped if label == index)
            text = _("No file of the class {name} can be read as a picture. The first: {first}")
            raise DataError(text.format(name=name, first=first))


def _stamp(file: os.DirEntry) -> str:
    try:
        stat = file.stat()
    except OSError:  # a link to nowhere: reading it will say so
        return "unreadable"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _read(folder: Path, listing: Listing, classes: tuple[str, ...]):
    """Return images and labels, and label and reason for each file that is not a picture."""
    index = {name: number for number, name in enumerate(classes)}
    files = [(file.path, index[name]) for name, files in listing.items() for file in files]
    images = np.empty((len(files), 32, 32, 3), dtype=np.uint8)

    def read(number: int) -> str:
        path = files[number][0]
        name = os.path.relpath(path, folder)
        if os.path.isdir(path):
            return _("{name}: a folder inside a class, what it holds is not used.").format(
                name=name
            )
        try:
            images[number] = pictures.read_image(path, name=name)
        except pictures.ImageError as error:
            return str(error)
        return ""

    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we say it ourselves
        reasons = list(_shown(pool.map(read, range(len(files))), len(files)))
    good = np.array([not reason for reason in reasons], dtype=bool)
    labels = np.array([label for _path, label in files], dtype=np.int64)
    skipped = [(label, why) for label, why in zip(labels, reasons, strict=True) if why]
    return images[good], labels[good], skipped


def _shown(results: Iterable, count: int) -> Iterable:
    if count < 2_000:
        return results
    from tqdm.auto import tqdm

    return tqdm(results, _("Reading the pictures, once"), total=count, leave=False)


def _shuffled(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).permutation(len(labels))
    return images[order], labels[order]
