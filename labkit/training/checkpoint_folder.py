"""Where checkpoints go."""

import contextlib
from functools import cache
from pathlib import Path

from labkit.display import tell
from labkit.files import full, temporary, work
from labkit.text import _


def folder() -> Path:
    """Return where checkpoints go (`labkit.files.work`), made unless that is not allowed.

    Where the disk is full, it is a temporary folder, and a notice says so once.
    """
    place = work()
    if full(place):
        place = temporary("data") / place.name
        _say_full(work().absolute(), place)
    with contextlib.suppress(OSError):  # whoever saves there is told why it does not work
        place.mkdir(parents=True, exist_ok=True)
    return place


@cache
def _say_full(usual: Path, place: Path) -> None:
    full = _("{folder} is full: no room is left on the disk, or in your part of it.")
    temporary = _(
        "Checkpoints go to {folder} now, where they may be deleted. To keep them, make room, "
        "restart the kernel, and run this notebook again."
    )
    tell(full.format(folder=usual), temporary.format(folder=place))
