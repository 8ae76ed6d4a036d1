"""Run a learner's code for a few seconds at most, from the same settings each time."""

import ctypes
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

import torch

_AGAIN = (0.1, 0.001)
"""Seconds until the time-out is raised again, at first and at the shortest.

A bare ``except`` can swallow it, so it is raised again at ever shorter intervals.
"""


class TimeUp(BaseException):
    """Ends code that takes too long; ``except Exception`` does not catch it."""


def within(seconds: float, function: Callable, *arguments):
    """Return ``function(*arguments)``; raise ``TimeUp`` if it takes longer than ``seconds``.

    The code is ended between two steps of Python or in the middle of a wait. A single long
    operation, e.g. the product of two huge matrices, comes to its end first.
    """
    main = threading.current_thread() is threading.main_thread()
    limit = _alarm if main and hasattr(signal, "setitimer") else _watcher
    with limit(seconds):
        return _call(function, arguments)


def _call(function: Callable, arguments: tuple):
    """Call the learner's function: only what runs in here is ended."""
    return function(*arguments)


@contextmanager
def _alarm(seconds: float) -> Generator[None]:
    waits, over = _waits(), threading.Event()

    def ring(_number, frame) -> None:
        if over.is_set():
            return  # it was already on its way; another one would find the default handler and kill
        signal.setitimer(signal.ITIMER_REAL, next(waits))
        if _may_be_ended(frame):
            raise TimeUp

    handler = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    started = time.monotonic()
    try:
        yield
    finally:
        over.set()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if left:  # somebody else's alarm, e.g. that of pytest-timeout, goes on
            rest = max(left - (time.monotonic() - started), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


@contextmanager
def _watcher(seconds: float) -> Generator[None]:
    """Do the same where there is no alarm: on Windows, and outside the main thread."""
    thread = ctypes.c_ulong(threading.get_ident())
    interrupt = ctypes.pythonapi.PyThreadState_SetAsyncExc
    over, ending = threading.Event(), threading.Lock()

    def watch() -> None:
        waits, wait = _waits(), seconds
        while not over.wait(wait):
            with ending:
                if not over.is_set() and _may_be_ended(sys._current_frames().get(thread.value)):
                    interrupt(thread, ctypes.py_object(TimeUp))
            wait = next(waits)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        with ending:
            over.set()
            interrupt(thread, None)  # takes back one that is on its way, but came too late


def _waits() -> Iterator[float]:
    wait, shortest = _AGAIN
    while True:
        yield wait
        wait = max(wait / 2, shortest)


def _may_be_ended(frame: types.FrameType | None) -> bool:
    """Return whether the learner's code runs, and no import: half a module would stay broken."""
    while frame:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return False
        if frame.f_code is _call.__code__:
            return True
        frame = frame.f_back
    return False


@contextmanager
def settings_kept() -> Generator[None]:
    """Run a block with PyTorch's settings of a new session; restore the learner's afterwards.

    That is: gradients are recorded, new tensors are ``float32`` and on the CPU.
    """
    dtype, device = torch.get_default_dtype(), default_device()
    _set_defaults(torch.float32, torch.device("cpu"))
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        _set_defaults(dtype, device)


def default_device() -> torch.device:
    """Return where new tensors are made.

    ``torch.get_default_device()`` of PyTorch 2.6 fails after ``set_default_device(None)``.
    """
    return torch.empty(0).device


def _set_defaults(dtype: torch.dtype, device: torch.device) -> None:
    torch.set_default_dtype(dtype)
    if default_device() != device:  # the CPU by name would cost time in each call of PyTorch
        torch.set_default_device(None if device == torch.device("cpu") else device)
