"""Fill a cache that others only read: ``python -m labkit.data.fill_cache FOLDER [SOURCE...]``.

A SOURCE is ``cifar10``, ``drawn`` (these two by default) or a folder of images. Learners then set
``LABKIT_CACHE=FOLDER``: they need no network, no lock and no right to write.
"""

import os
import sys
from pathlib import Path

from labkit.data.sources import load
from labkit.data.store import DataError


def main(folder: str, *sources: str) -> int:
    """Fill ``folder`` and let everybody read it; return 1 if a source could not be loaded."""
    place = Path(folder).absolute()
    os.environ["LABKIT_CACHE"] = str(place)
    place.mkdir(parents=True, exist_ok=True)
    status = 0
    for source in sources or ("cifar10", "drawn"):
        try:
            train, validation, test = load(source)
        except DataError as error:
            print(f"{source}: {error}", file=sys.stderr)
            status = 1
        else:
            print(f"{source}: {len(train) + len(validation) + len(test):,} images")
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    print(f"Learners set LABKIT_CACHE={place}")
    return status


if __name__ == "__main__":
    asks = len(sys.argv) < 2 or sys.argv[1].startswith("-")  # such as --help
    sys.exit(__doc__ if asks else main(*sys.argv[1:]))
