"""Keep the memory of one training step for the next, rather than give it back to the system."""

import ctypes
import platform
from collections.abc import Generator
from contextlib import contextmanager

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4
"""The names that glibc's ``mallopt`` knows; see its manual page, mallopt(3)."""

_KEEP = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 2**26}
"""Take no block straight from the system, return none, and take 64 MB at a time."""

_GIVE_BACK = {_MMAP_MAX: 65536, _MMAP_THRESHOLD: 2**25, _TRIM_THRESHOLD: 2**26, _TOP_PAD: 2**17}
"""About what glibc comes to by itself in a process that allocates much."""


@contextmanager
def kept(keep: bool = True) -> Generator[None]:
    """Keep freed memory until the block ends; does nothing where the C library is not glibc.

    A training step frees what the next one asks for again. By default glibc returns large blocks
    to the system, which clears every page before it hands it out again.
    """
    if not keep or platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    for name, value in _KEEP.items():
        libc.mallopt(name, value)
    try:
        yield
    finally:
        for name, value in _GIVE_BACK.items():
            libc.mallopt(name, value)
        libc.malloc_trim(0)  # what was kept goes back now
