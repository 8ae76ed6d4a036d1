"""The cache: each source as a few ``.npy`` files that any number of processes map and share."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from labkit.data.split import hold_out, validation_size
from labkit.notice import tell
from labkit.text import _

SPLITS = ("train", "validation", "test")
FORMAT = 1


class DataError(ValueError):
    """The pictures cannot be had; the message says why, and what to do."""


class Arrays(NamedTuple):
    """What a source gives: pictures uint8 ``[N, 32, 32, 3]``, labels int64 ``[N]``, names.

    ``skipped`` names the files that could not be used, each with the reason.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stored:
    """A source split in three: ``images`` and ``labels`` by the name of the split."""

    images: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    classes: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def folder() -> Path:
    """Return the folder of the cache: ``LABKIT_CACHE``, else this user's own."""
    if named := os.environ.get("LABKIT_CACHE"):
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("labkit", appauthor=False)


def cached(name: str, key: str, make: Callable[[], Arrays]) -> Stored:
    """Return the entry ``name``-``key`` of the cache; ``make`` it first where it is missing.

    Processes that ask at once make it once. An entry that cannot be read is made anew; older
    entries of the same ``name`` are removed. Where the cache cannot be written, the pictures
    stay in memory, with a notice.
    """
    try:
        return read(name, key)
    except _Unreadable:
        pass
    try:
        with _locked(name):
            return _read_or_make(name, key, make)
    except OSError as error:
        raise DataError(_cannot_write(error)) from error


def read(name: str, key: str) -> Stored:
    """Map the entry ``name``-``key``; raise ``Unreadable`` where it is not whole."""
    path = folder() / f"{name}-{key}"
    try:
        meta = json.loads((path / "meta.json").read_text("utf-8"))
        if meta["format"] != FORMAT:
            raise _Unreadable("format")
        classes = tuple(meta["classes"])
        images = {split: _map(path / f"{split}_images.npy") for split in SPLITS}
        labels = {split: _map(path / f"{split}_labels.npy") for split in SPLITS}
        for split in SPLITS:
            _check(images[split], labels[split], meta["counts"][split], len(classes))
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise _Unreadable(str(error)) from error
    return Stored(images, labels, classes, tuple(meta["skipped"]))


def split(arrays: Arrays) -> Stored:
    """Hold the validation pictures out of the training pictures."""
    held = hold_out(arrays.train_labels, validation_size(len(arrays.train_labels)))
    kept = np.setdiff1d(np.arange(len(arrays.train_labels)), held)
    images = (arrays.train_images[kept], arrays.train_images[held], arrays.test_images)
    labels = (arrays.train_labels[kept], arrays.train_labels[held], arrays.test_labels)
    return Stored(
        dict(zip(SPLITS, images, strict=True)),
        dict(zip(SPLITS, labels, strict=True)),
        tuple(arrays.classes),
        tuple(arrays.skipped),
    )


class _Unreadable(ValueError):
    pass


def _map(path: Path) -> np.ndarray:
    array = np.load(path, mmap_mode="c", allow_pickle=False)
    return array


def _check(images: np.ndarray, labels: np.ndarray, count: int, classes: int) -> None:
    good = (
        images.shape == (count, 32, 32, 3)
        and images.dtype == np.uint8
        and labels.shape == (count,)
        and labels.dtype == np.int64
        and (count == 0 or (labels.min() >= 0 and labels.max() < classes))
    )
    if not good:
        raise _Unreadable("shape")


def _read_or_make(name: str, key: str, make: Callable[[], Arrays]) -> Stored:
    try:
        return read(name, key)  # another process made it while this one waited
    except _Unreadable:
        pass
    _sweep(name)
    stored = split(make())
    _write(name, key, stored)
    return read(name, key)


def _locked(name: str) -> FileLock:
    root = folder()
    if not root.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o755)
    lock = FileLock(root / f".{name}.lock")
    try:
        lock.acquire(timeout=1)
    except Timeout:
        tell(_("Another notebook is preparing the same pictures. This one waits for it."))
        lock.acquire()
    return lock


def _write(name: str, key: str, stored: Stored) -> None:
    root = folder()
    half = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=root))
    try:
        for part in SPLITS:
            np.save(half / f"{part}_images.npy", stored.images[part], allow_pickle=False)
            np.save(half / f"{part}_labels.npy", stored.labels[part], allow_pickle=False)
        meta = {
            "format": FORMAT,
            "classes": stored.classes,
            "counts": {part: len(stored.labels[part]) for part in SPLITS},
            "skipped": stored.skipped,
        }
        (half / "meta.json").write_text(json.dumps(meta, ensure_ascii=False, indent=1), "utf-8")
        for file in half.iterdir():
            file.chmod(0o644)
        half.chmod(0o755)
        for old in root.glob(f"{name}-*"):
            shutil.rmtree(old, ignore_errors=True)
        half.replace(root / f"{name}-{key}")
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _sweep(name: str) -> None:
    for orphan in folder().glob(f".{name}.*"):
        if orphan.is_dir():
            shutil.rmtree(orphan, ignore_errors=True)


def _cannot_write(error: OSError) -> str:
    return _(
        "The cache of pictures in {folder} cannot be written ({reason}). "
        "Set LABKIT_CACHE to a folder that you may write to and that has 400 MB free."
    ).format(folder=folder(), reason=error.strerror or error)
