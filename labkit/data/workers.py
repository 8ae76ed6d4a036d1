"""How many workers a DataLoader can have here, and items signed by the worker that made them.

`SignedItems` is in a file and not in a notebook: a worker that starts as a fresh Python can
import it.
"""

import shutil
from pathlib import Path

from torch.utils.data import Dataset, get_worker_info

from labkit.device import cores

_BATCHES = 16 * 10**6
"""Bytes of shared memory that are enough for two workers with a few batches of images ahead."""


def usable_workers(wanted: int = 2, shared: Path = Path("/dev/shm")) -> int:
    """Return how many workers of a DataLoader to use here: ``wanted``, or one for each core.

    0 if ``shared`` has too little memory for a worker to hand over batches.
    """
    if shared.is_dir() and shutil.disk_usage(shared).free < _BATCHES:
        return 0
    return min(wanted, cores())


class SignedItems(Dataset):
    """``count`` items, each the number of the worker that made it: 0, 1, ... or -1.

    -1 is the main process, which makes the items where there are no workers.
    """

    def __init__(self, count: int = 16):
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        worker = get_worker_info()  # None in the main process
        return -1 if worker is None else worker.id
