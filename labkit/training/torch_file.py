"""Files of ``torch.save``: find damage before anything is opened.

Such a file is a zip archive with a checksum of each part, which ``torch.load`` does not compare:
it says nothing about a flipped bit. ``zipfile`` compares.
"""

import os
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from labkit.text import _, written

_ZIP = b"PK\x03\x04"
_BEFORE_1_6 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files of ``torch.save`` began before PyTorch 1.6: no archive, no checksums."""

_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
    *(RuntimeError, EOFError, ValueError, OSError),  # seen with flipped bits in the directory
)


def fault(path: Path, file: BinaryIO) -> str:
    """Return what is wrong with a file, in a sentence; nothing if it is whole.

    Head and tail come first, so that a large file of another kind is not read.
    """
    head = file.read(len(_BEFORE_1_6))
    if head == _BEFORE_1_6:
        return _(
            "{path} was written by a PyTorch older than 1.6 and has no checksums. Convert it "
            "with: torch.save(torch.load({path!r}, weights_only=True), {path!r})."
        ).format(path=path.name)
    if not head.startswith(_ZIP):
        return _("{path} is not a checkpoint.").format(path=path.name)
    try:
        if zipfile.is_zipfile(file):
            return _fault_inside(path, file)
    except _DAMAGED:
        return damaged(path)
    size = file.seek(0, os.SEEK_END)
    text = _("{path} is cut short or damaged: it ends wrongly after {size} bytes.")
    return text.format(path=path.name, size=written(size, ","))


def _fault_inside(path: Path, file: BinaryIO) -> str:
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        names = {part.filename.partition("/")[2] for part in parts}
        if "constants.pkl" in names:
            return _(
                "{path} is a TorchScript program. Save the weights of its model instead: "
                "torch.save(model.state_dict(), {path!r})."
            ).format(path=path.name)
        plain = all(part.compress_type == zipfile.ZIP_STORED for part in parts)
        if not (plain and "data.pkl" in names):  # what is packed may swell to any size
            return _("{path} is a zip archive, but not a checkpoint.").format(path=path.name)
        return damaged(path) if archive.testzip() else ""


def damaged(path: Path) -> str:
    """Return the sentence for a file that is complete, but not as it was saved."""
    return _("{path} is damaged: its bytes are not those that were saved.").format(path=path.name)


def is_whole(path: Path) -> bool:
    """Return whether there is a file of ``torch.save`` without damage."""
    try:
        with path.open("rb") as file:
            return not fault(path, file)
    except OSError:
        return False


def sweep(path: Path) -> None:
    """Remove what a process that was killed while it wrote has left behind, after an hour."""
    for orphan in path.parent.glob(f".{path.name}.*"):
        with suppress(FileNotFoundError):  # another writer has just finished with it
            if time.time() - orphan.stat().st_mtime > 3600:
                orphan.unlink()


def no_device(device: object, error: Exception) -> str:
    """Return in words why weights cannot be put on a device."""
    text = _("The weights cannot be put on {device} here: {reason}. Leave out device.")
    return text.format(device=device, reason=str(error).partition("\n")[0].rstrip("."))
