"""Copies on which a learner's code can run: model, optimizer, and whatever a function refers to."""

import builtins
import contextlib
import copy
import functools
import io
import os
import shutil
import tempfile
import threading
import types
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CANNOT_BE_COPIED = (TypeError, RuntimeError, ValueError, AttributeError, NotImplementedError)
_CONTAINERS = (list, dict, set, deque)
_COPIED = (
    *_CONTAINERS,
    *(nn.Module, torch.Tensor, torch.Generator, torch.optim.Optimizer),
    *(torch.optim.lr_scheduler.LRScheduler, torch.amp.GradScaler),
)
_FUNCTIONS = (types.FunctionType, types.MethodType, functools.partial)
_LIBRARIES = {"torch", "torchvision", "labkit", "numpy", "sklearn", "tqdm"}


class Copies:
    """Copies that refer to each other as the originals do.

    An optimizer's copy steps the weights of the model's copy, and a copied function finds the
    copies where the original finds the originals: in its arguments, in the variables around it, and
    in the notebook's. ``instead(original, other)`` puts something else in an original's place.
    """

    def __init__(self):
        self._memo: dict[int, Any] = {}
        self._globals: dict[int, dict] = {}
        self._cells: dict[int, types.CellType] = {}
        self._modules: set[str] = set()  # where the learner's functions were written
        self._kept = []  # an id is only good as long as its object lives

    def instead(self, original: Any, other: Any) -> None:
        """Let ``other`` stand wherever the originals refer to ``original``."""
        self._memo[id(original)] = other
        self._kept.append(original)

    def made(self, kind: type | tuple[type, ...]) -> dict[int, Any]:
        """Return the copies of this kind that were made so far, by the originals' ids."""
        return {key: made for key, made in self._memo.items() if isinstance(made, kind)}

    def model(self, model: nn.Module) -> nn.Module:
        """Return the copy of a model; a graph that hangs on it is left behind."""
        for module in model.modules():
            for value in vars(module).values():
                if isinstance(value, torch.Tensor) and not value.is_leaf:
                    self.instead(value, value.detach().clone())
        return self.of(model)

    def optimizer(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """Return the copy of an optimizer, with the attributes that its class adds (LBFGS)."""
        copied = self.of(optimizer)
        for name, value in vars(optimizer).items():
            if name not in vars(copied) and name != "step":  # a scheduler wraps the step
                setattr(copied, name, self.of(value))
        return copied

    def of(self, thing: Any) -> Any:
        """Return the copy of anything."""
        if isinstance(thing, _FUNCTIONS):
            return self.function(thing)
        return copy.deepcopy(thing, self._memo)

    def function(self, function: Callable) -> Callable:
        """Return the same function at work on copies."""
        if id(function) in self._memo:
            return self._memo[id(function)]
        if isinstance(function, functools.partial):
            arguments = [self._tried(value) for value in function.args]
            options = {name: self._tried(value) for name, value in function.keywords.items()}
            return functools.partial(self.function(function.func), *arguments, **options)
        if isinstance(function, types.MethodType):
            return types.MethodType(
                self.function(function.__func__), self._tried(function.__self__)
            )
        if not isinstance(function, types.FunctionType):
            return self.of(function)
        if function.__closure__ is None and _root(function) in _LIBRARIES:
            return function
        return self._rebound(function)

    def _rebound(self, function: types.FunctionType) -> types.FunctionType:
        names, cells = self._globals_of(function), function.__closure__ or ()
        self._modules.add(function.__module__)
        new = [cell for cell in cells if id(cell) not in self._cells]
        self._cells.update((id(cell), types.CellType()) for cell in new)
        self._kept.extend(new)
        copied = types.FunctionType(
            function.__code__,
            names,
            function.__name__,
            tuple(self._tried(value) for value in function.__defaults__ or ()) or None,
            tuple(self._cells[id(cell)] for cell in cells),
        )
        copied.__kwdefaults__ = {
            name: self._tried(value) for name, value in (function.__kwdefaults__ or {}).items()
        }
        copied.__module__ = function.__module__
        self.instead(function, copied)
        for cell in new:
            with contextlib.suppress(ValueError):  # a variable that has no value yet
                self._cells[id(cell)].cell_contents = self._tried(cell.cell_contents)
        for name in _names(function.__code__) & function.__globals__.keys():
            if names[name] is function.__globals__[name]:
                value = names[name]
                foreign = isinstance(value, types.FunctionType) and _root(value) in _LIBRARIES
                names[name] = self._memo.get(id(value), value) if foreign else self._tried(value)
        return copied

    def _globals_of(self, function: types.FunctionType) -> dict:
        names = function.__globals__
        if id(names) not in self._globals:
            self._kept.append(names)
            self._globals[id(names)] = dict(names)
        return self._globals[id(names)]

    def _tried(self, value: Any) -> Any:
        """Return a copy of what a run could change, and anything else as it is."""
        if id(value) in self._memo:
            return self._memo[id(value)]
        own = type(value).__module__ in self._modules
        if isinstance(value, (type, Dataset, DataLoader)):
            return value
        if not own and not isinstance(value, (*_COPIED, *_FUNCTIONS)):
            return value
        try:
            if isinstance(value, nn.Module):
                return self.model(value)
            if isinstance(value, torch.optim.Optimizer):
                return self.optimizer(value)
            return self.of(value)
        except CANNOT_BE_COPIED:
            return copy.copy(value) if isinstance(value, _CONTAINERS) else value


def _root(function: Callable) -> str:
    return (getattr(function, "__module__", "") or "").partition(".")[0]


def _names(code: types.CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


@contextlib.contextmanager
def files_kept() -> Generator[None]:
    """Run a block that writes no file: what this thread writes goes to a temporary folder.

    What was written there is also read from there.
    """
    thread, places = threading.get_ident(), {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:

        def other(path: Any, writes: bool) -> Any:
            if threading.get_ident() != thread or not isinstance(path, (str, os.PathLike)):
                return path
            key = os.path.abspath(path)
            if writes and key not in places and not key.startswith(folder):
                place = os.path.join(folder, f"{len(places)}-{os.path.basename(key)}")
                if os.path.isfile(key):
                    shutil.copyfile(key, place)
                places[key] = place
            return places.get(key, path)

        def opened(real: Callable) -> Callable:
            def run(file, mode="r", *rest, **options):
                return real(other(file, bool(set(mode) & set("wax+"))), mode, *rest, **options)

            return run

        def saved(real: Callable) -> Callable:
            return lambda thing, f, *rest, **options: real(thing, other(f, True), *rest, **options)

        def loaded(real: Callable) -> Callable:
            return lambda f, *rest, **options: real(other(f, False), *rest, **options)

        def moved(real: Callable) -> Callable:
            return lambda old, new: real(other(old, True), other(new, True))

        def no_folder(real: Callable) -> Callable:
            current = threading.get_ident
            return lambda *rest, **options: None if current() == thread else real(*rest, **options)

        for owner, name, wrap in (
            *((builtins, "open", opened), (io, "open", opened)),
            *((torch, "save", saved), (torch, "load", loaded)),
            *((os, "replace", moved), (os, "rename", moved), (os, "mkdir", no_folder)),
        ):
            real = getattr(owner, name)
            stack.callback(setattr, owner, name, real)
            setattr(owner, name, functools.wraps(real)(wrap(real)))
        yield
