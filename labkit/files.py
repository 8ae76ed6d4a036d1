"""Where a learner's own files go, and files that are written in one step."""

import os
import stat
import tempfile
import uuid
from pathlib import Path


def ours(kind: str) -> Path:
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
    user = os.getuid() if hasattr(os, "getuid") else ""
    return Path(tempfile.gettempdir()) / f"labkit-{user}" / kind


def place(name: str) -> Path:
    """Return the folder ``name`` for a learner's work: here, or if this is read-only, their own."""
    here = Path(name)
    writable = os.access(here if here.is_dir() else Path.cwd(), os.W_OK)
    return here if writable else ours("data") / name


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
