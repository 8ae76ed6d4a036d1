"""The cache: each source as a few ``.npy`` files, which all processes map and share."""

import contextlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import AcquireReturnProxy, FileLock, Timeout

from labkit.data.split import hold_out, validation_size
from labkit.display import ExplainedError, tell
from labkit.files import own_folder
from labkit.text import _

SPLITS = ("train", "validation", "test")
FORMAT = 1


class DataError(ExplainedError):
    """The images cannot be loaded; the message says why, and what to do."""


class Arrays(NamedTuple):
    """What a source gives: images uint8 ``[N, 32, 32, 3]``, labels int64 ``[N]``, names.

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
        return Path(os.path.expanduser(named)).absolute()  # Path's own raises for ~nobody
    return own_folder("cache")


def downloads() -> Path:
    """Return the folder for archives in the cache, made unless the cache cannot be written.

    Whoever may write to the one, may to the other.
    """
    place = folder() / "downloads"
    if not place.is_dir():
        with contextlib.suppress(OSError):  # a file on this machine needs none; fetch says the rest
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(stat.S_IMODE(folder().stat().st_mode))
    return place


def find(name: str, key: str) -> Stored | None:
    """Return the entry ``name``-``key`` of the cache, or None where it is missing or damaged."""
    return _read(_entry(name, key))


def cached(name: str, key: str, make: Callable[[], Arrays]) -> Stored:
    """Return the entry ``name``-``key`` of the cache; ``make`` it first where it is missing.

    ``key`` is 16 hexadecimal digits that change when the images do. Processes that ask at
    the same time make the entry once. A damaged entry is made again, with a notice; older entries
    of the same ``name`` are removed. Where the cache cannot be written, the images stay in this
    process's memory, with a notice.
    """
    if stored := find(name, key) or _kept.get((name, key)):
        return stored
    try:
        lock = _locked(name)
    except OSError as error:
        return _keep(name, key, split(make()), error)
    with lock:
        if stored := find(name, key):
            return stored  # another process made it while this one waited
        _sweep(name)
        _tell_damaged(_entry(name, key))
        stored = split(make())
        try:
            _write(name, key, stored)
        except OSError as error:
            return _keep(name, key, stored, error)
        return find(name, key) or stored  # mapped, so that processes share it


def split(arrays: Arrays) -> Stored:
    """Hold the validation images out of the training images; raise ``DataError`` for too few."""
    held = hold_out(arrays.train_labels, validation_size(len(arrays.train_labels)))
    if not len(held):
        text = _(
            "There are too few images to hold some out, to choose and to test by: three of each "
            "class are enough."
        )
        raise DataError(text)
    kept = np.setdiff1d(np.arange(len(arrays.train_labels)), held)
    images, labels = arrays.train_images, arrays.train_labels
    return Stored(
        {"train": images[kept], "validation": images[held], "test": arrays.test_images},
        {"train": labels[kept], "validation": labels[held], "test": arrays.test_labels},
        tuple(arrays.classes),
        tuple(arrays.skipped),
    )


def mapped(path: Path) -> np.ndarray:
    """Map an array from a file, copy-on-write: nobody else sees what a learner writes to it."""
    return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))


def cannot_write(error: OSError) -> str:
    """Say in a sentence or two why the cache cannot be written, and what to do."""
    return _(
        "The cache {folder} cannot be written: {reason}. "
        "Set LABKIT_CACHE to a folder of your own with 400 MB free."
    ).format(folder=folder(), reason=error.strerror or _("the disk is probably full"))


_kept: dict[tuple[str, str], Stored] = {}


def _entry(name: str, key: str) -> Path:
    return folder() / f"{name}-{key}"


def _read(path: Path) -> Stored | None:
    try:
        meta = json.loads((path / "meta.json").read_text("utf-8"))
        images = {part: mapped(path / f"{part}_images.npy") for part in SPLITS}
        labels = {part: np.load(path / f"{part}_labels.npy") for part in SPLITS}
        stored = Stored(images, labels, tuple(meta["classes"]), tuple(meta["skipped"]))
        if meta["format"] == FORMAT and all(_whole(stored, part, meta) for part in SPLITS):
            return stored
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    return None


def _whole(stored: Stored, part: str, meta: dict) -> bool:
    images, labels, count = stored.images[part], stored.labels[part], meta["counts"][part]
    return (
        images.shape == (count, 32, 32, 3)
        and images.dtype == np.uint8
        and labels.shape == (count,)
        and labels.dtype == np.int64
        and (count == 0 or 0 <= labels.min() <= labels.max() < len(stored.classes))
    )


def _locked(name: str) -> AcquireReturnProxy:
    root = folder()
    if not root.is_dir():
        root.mkdir(parents=True)
        root.chmod(0o755)
    lock = FileLock(root / f".{name}.lock", mode=0o666)  # of whoever comes next, too
    try:
        return lock.acquire(timeout=2)
    except Timeout:
        tell(_("Another notebook is preparing the same images. This one waits for it."))
        return lock.acquire()


def _keep(name: str, key: str, stored: Stored, error: OSError) -> Stored:
    tell(_("The images could not be cached for the next time."), cannot_write(error))
    _kept[name, key] = stored
    return stored


def _tell_damaged(path: Path) -> None:
    if path.exists():
        text = _("The images cached in {path} are damaged, or of another version.")
        tell(text.format(path=path), _("They are prepared again."))


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
        (half / "meta.json").write_text(json.dumps(meta, indent=1), "utf-8")
        for file in half.iterdir():
            file.chmod(0o644)  # other learners on this machine may read it
        half.chmod(0o755)
        _remove(_entry(name, key))
        half.replace(_entry(name, key))
        for other in _entries(name):
            if other != _entry(name, key):
                _remove(other)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _entries(name: str) -> list[Path]:
    pattern = re.compile(re.escape(name) + "-[0-9a-f]{16}")
    return [path for path in folder().iterdir() if pattern.fullmatch(path.name)]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sweep(name: str) -> None:
    """Remove what a killed process left half-written; only the lock's holder may."""
    for orphan in folder().glob(f".{name}.*"):
        if orphan.is_dir():
            shutil.rmtree(orphan, ignore_errors=True)
