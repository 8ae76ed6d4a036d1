"""Let a training in a thread and a look at its model take turns, and keep the look short."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

turn = threading.RLock()
"""Held by a run for each step, and by whatever looks into a model that might be training.

Between two steps a model is whole: its mode is its own, and no gradient is being written. Without
turns a look would switch the mode in mid-step, and reading ``grad`` while ``backward()`` writes it
can end the process.
"""


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in this block, or in this function, with one thread; other threads keep theirs.

    For a look at one picture: to wake PyTorch's other threads takes longer than the look, and
    once awake they spin for a while, in the way of the browser that is to show it.
    """
    with _controller().limit(limits=1, user_api="openmp"):
        yield


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # it searches the libraries that are loaded: 4 ms
