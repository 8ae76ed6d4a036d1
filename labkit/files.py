"""Where a learner's own files go, and files that are written in one step."""

import errno
import os
import stat
import tempfile
import uuid
from pathlib import Path

from labkit.text import LANGUAGES


def own_folder(kind: str) -> Path:
    """Return this user's folder of labkit for ``kind``: "cache", "config" or "data".

    Where there is no home, as in some containers, it is in the system's temporary folder.
    """
    import platformdirs

    try:
        path = getattr(platformdirs, f"user_{kind}_path")("labkit", appauthor=False)
        if path.is_absolute():
            return path
    except RuntimeError:  # newer platformdirs; older ones leave the ~
        pass
    return temporary(kind)


def temporary(kind: str) -> Path:
    user = os.getuid() if hasattr(os, "getuid") else ""
    return Path(tempfile.gettempdir()) / f"labkit-{user}" / kind


def work() -> Path:
    """Return the folder for a learner's checkpoints; whatever else they make goes beside it.

    ``LABKIT_CHECKPOINTS`` decides. Without it, it is ``checkpoints`` beside the English notebooks,
    for all languages; where nothing may be written there, it is in the user's own folder.
    """
    if named := os.environ.get("LABKIT_CHECKPOINTS"):
        return Path(named)
    here, name = Path.cwd(), "checkpoints"
    edition = here.name in LANGUAGES and here.parent.name == "notebooks"
    usual = Path("..", name) if edition else Path(name)
    if Path("notebooks/00_setup.ipynb").is_file():  # asked from the folder of the workshop
        usual = Path("notebooks", name)
    places = (usual, own_folder("data") / name, temporary("data") / name)
    return next((path for path in places if os.access(existing(path), os.W_OK)), usual)


def existing(path: Path) -> Path:
    """Return ``path``, or the nearest folder above it that is there."""
    return next(one for one in (path, *path.resolve().parents) if os.path.exists(one))


def unwritable(folder: Path) -> str:
    """Return "full" where ``folder`` has no room for a megabyte, "locked" where it takes no file.

    Else "". Only writing tells: a quota is seen nowhere else. A folder that is missing counts as
    the nearest one above it.
    """
    try:
        with tempfile.TemporaryFile(dir=existing(folder)) as file:
            file.write(bytes(2**20))
    except OSError as error:
        return "full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "locked"
    return ""


def full(folder: Path) -> bool:
    """Return whether the disk or the quota of ``folder`` has no room for a megabyte."""
    return unwritable(folder) == "full"


def replace(path: Path, content: bytes | str, *, mode: int | None = None) -> None:
    """Put ``content`` at ``path``: a crash leaves the old file or the new one; make its folder.

    ``mode`` says who may read a new file; one that is there keeps its own (default: as this
    system makes files). Text is written as UTF-8. Raises ``OSError`` where the folder cannot be
    written or is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(half, "xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            half.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else mode)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
