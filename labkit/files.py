"""Write a file in one step, so that nobody ever reads half of it."""

import os
import uuid
from pathlib import Path


def replace(path: Path, content: bytes | str) -> None:
    """Put ``content`` at ``path``: a crash leaves the old file or the new one; make its folder.

    Text is written as UTF-8. Raises ``OSError`` where the folder cannot be written or is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(half, "xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
