"""A data set whose items are signed by the process that makes them.

It stands in a file and not in a notebook: a worker that starts as a fresh Python can import it.
"""

from torch.utils.data import Dataset, get_worker_info


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
