"""One lock for everything that touches a model while it may be training in another thread."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

model_lock = threading.RLock()
"""Held by a run during each step, and by whatever looks into a model that might be training.

Between two steps a model is consistent: its mode is its own, and no gradient is being written.
Without the lock a look would switch the mode in the middle of a step, and reading ``grad`` while
``backward()`` writes it can crash the process.
"""


@contextmanager
def one_thread() -> Generator[None]:
    """Compute in this block, or in this function, with one thread; other threads keep theirs.

    Meant for one image: waking PyTorch's other threads takes longer than the forward pass, and
    once awake they spin for a while and slow down the browser that has to show the result.
    """
    with _controller().limit(limits=1, user_api="openmp"):
        yield


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # it searches the libraries that are loaded: 4 ms
