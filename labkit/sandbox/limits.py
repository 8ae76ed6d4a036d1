"""Run a learner's code for a few seconds at most, and without leaving a mark."""

import copy
import ctypes
import random
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy
import torch
from torch import nn

from labkit.sandbox.model_lock import model_lock

_AGAIN = (0.1, 0.001)
"""Seconds until the time-out is repeated, at first and at the shortest.

Code that catches every exception and goes on is seldom outside of its ``try``: it is struck ever
more often.
"""

_SETTINGS = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, lambda device: torch.set_default_device(_or_none(device))),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (numpy.geterr, lambda kept: numpy.seterr(**kept)),
    (sys.getrecursionlimit, sys.setrecursionlimit),
)
"""What code may set for all that comes after it: how it is read, and how it is set."""


def _or_none(device: torch.device) -> torch.device | None:
    return None if device == torch.device("cpu") else device  # the CPU by name costs each call time


class TimeUp(BaseException):
    """Ends code that takes too long; no ``except Exception`` of the learner's holds it up."""


def within(seconds: float, function: Callable, *arguments):
    """Return ``function(*arguments)``; raise ``TimeUp`` if it takes longer than ``seconds``.

    The code is ended between two steps of Python or in the middle of a wait; a single long
    operation, the product of two huge matrices say, comes to its end first.
    """
    main = threading.current_thread() is threading.main_thread()
    limit = _alarm if main and hasattr(signal, "setitimer") else _watcher
    with limit(seconds):
        return _call(function, arguments)


def _call(function: Callable, arguments: tuple):
    """Call the learner's function: only what runs in here is ended."""
    return function(*arguments)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    waits, over = _waits(), threading.Event()

    def ring(_number, frame) -> None:
        if over.is_set():
            return  # one that was on its way; set anew, it would find the default handler, and kill
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
        if left:  # somebody else's alarm, pytest-timeout's say, goes on
            rest = max(left - (time.monotonic() - started), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


@contextmanager
def _watcher(seconds: float) -> Iterator[None]:
    """Do the same where there is no alarm: on Windows, and outside the main thread."""
    thread = ctypes.c_ulong(threading.get_ident())
    interrupt = ctypes.pythonapi.PyThreadState_SetAsyncExc
    over, striking = threading.Event(), threading.Lock()

    def watch() -> None:
        waits, wait = _waits(), seconds
        while not over.wait(wait):
            with striking:
                if not over.is_set() and _may_be_ended(sys._current_frames().get(thread.value)):
                    interrupt(thread, ctypes.py_object(TimeUp))
            wait = next(waits)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        with striking:
            over.set()
            interrupt(thread, None)  # one that is on its way, but came too late


def _waits() -> Iterator[float]:
    wait, shortest = _AGAIN
    while True:
        yield wait
        wait = max(wait / 2, shortest)


def _may_be_ended(frame: types.FrameType | None) -> bool:
    """Return whether the learner's code runs, and imports nothing: half a module stays broken."""
    while frame:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return False
        if frame.f_code is _call.__code__:
            return True
        frame = frame.f_back
    return False


@contextmanager
def settings_kept() -> Iterator[None]:
    """Run a block with gradients; afterwards the settings of PyTorch and Python are as before."""
    before = [(read, write, read()) for read, write in _SETTINGS]
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for read, write, kept in before:
            if read() != kept:
                write(kept)


@contextmanager
def unmarked(things: Iterable = ()) -> Iterator[None]:
    """Run a block with fixed random numbers; restore afterwards what it may have changed.

    Restored are the random states of Python, NumPy and PyTorch, the settings, and of the learner's
    ``things`` the weights, gradients, buffers and attributes of models, the states of optimizers,
    the numbers of tensors and arrays, and what lists, dictionaries and sets hold.
    """
    python, numbers = random.getstate(), numpy.random.get_state()
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with model_lock:
        restores = [restore for value in things for restore in _restores(value)]
    random.seed(0)
    numpy.random.seed(0)
    with torch.random.fork_rng(devices=gpus), settings_kept():
        torch.default_generator.manual_seed(0)
        try:
            yield
        finally:
            with model_lock:
                for restore in restores:
                    restore()
            random.setstate(python)
            numpy.random.set_state(numbers)


@contextmanager
def names_kept(namespace: dict) -> Iterator[None]:
    """Run a block; afterwards every name of the learner's notebook stands for what it did."""
    before = dict(namespace)
    try:
        yield
    finally:
        for name in namespace.keys() - before.keys():
            del namespace[name]
        for name, value in before.items():
            if name not in namespace or namespace[name] is not value:
                namespace[name] = value


def _restores(value) -> list[Callable[[], None]]:
    """Return functions that put a thing of the learner's back into the state it has now."""
    if isinstance(value, torch.optim.Optimizer):
        state = copy.deepcopy(value.state_dict())
        return [lambda: value.load_state_dict(state)]
    if type(value) in (list, dict, set):
        content = value.copy()
        return [lambda: _refill(value, content)]
    if isinstance(value, torch.Tensor):
        return [_refilling(value)] if _holds_numbers(value) else []
    if isinstance(value, numpy.ndarray) and value.flags.writeable:
        numbers = value.copy()
        return [lambda: numpy.copyto(value, numbers)]
    if not isinstance(value, nn.Module):
        return []
    tensors = [*value.parameters(), *value.buffers()]
    if not all(map(_holds_numbers, tensors)):
        return []
    numbers = list(map(_refilling, tensors))
    slopes = [(p, p.grad, None if p.grad is None else p.grad.clone()) for p in value.parameters()]
    attributes = [vars(module) for module in value.modules()]
    attributes += [part for names in attributes for part in names.values() if type(part) is dict]
    contents = [(names, names.copy()) for names in attributes]

    def restore() -> None:
        for names, content in contents:
            _refill(names, content)
        for refill in numbers:
            refill()
        with torch.no_grad():
            for parameter, gradient, before in slopes:
                parameter.grad = gradient
                if gradient is not None and not torch.equal(gradient, before):
                    gradient.copy_(before)

    return [restore]


def _holds_numbers(tensor: torch.Tensor) -> bool:
    """Return whether a tensor has numbers, and all of them: not on meta, lazy, sparse, nested."""
    without = tensor.is_meta or nn.parameter.is_lazy(tensor) or tensor.is_nested
    return not without and tensor.layout == torch.strided


def _refilling(tensor: torch.Tensor) -> Callable[[], None]:
    before, wants_grad = tensor.detach().clone(), tensor.requires_grad

    @torch.inference_mode(tensor.is_inference())  # such a one is changed in that mode only
    @torch.no_grad()
    def refill() -> None:
        if tensor.requires_grad != wants_grad and tensor.is_leaf:
            tensor.requires_grad_(wants_grad)
        if (tensor.shape, tensor.dtype) != (before.shape, before.dtype):
            tensor.data = before
        elif not torch.equal(tensor, before):  # a write would disturb a pending backward()
            tensor.copy_(before)

    return refill


def _refill(container: list | dict | set, content: list | dict | set) -> None:
    if _parts(container) == _parts(content):  # another thread may be reading
        return
    container.clear()
    (container.extend if isinstance(container, list) else container.update)(content)


def _parts(container: list | dict | set) -> list[int]:
    values = container.values() if isinstance(container, dict) else ()
    return [id(part) for part in (*container, *values)]
