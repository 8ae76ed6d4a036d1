"""A few batches of a loader, taken so that the loader does not notice."""

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from labkit.inspect.recording import FAILURES
from labkit.sandbox.copies import CANNOT_BE_COPIED
from labkit.sandbox.originals import equal
from labkit.text import _


class Enough(BaseException):
    """Ends a rehearsal from inside the learner's loop; no ``except Exception`` may hold it up."""


class Sample:
    """A few batches that can be looped over as the loader they came from.

    batches: given over and over again
    loader: whose ``dataset`` and the like these have (default: none)
    count: how many each pass gives (default: all)
    on_batch: is called with each before it is given, and with None when there are no more
    deadline: when ``Enough`` is raised, once there were three batches, in seconds of this thread's
    own work, so that a busy computer sees as much (default: never)
    most: after how many batches ``Enough`` is raised (default: never)
    turning: whether a batch's images come in another order in each pass (default: no)

    ``passes`` counts how often it was begun, ``finished`` how often it came to its end, ``given``
    the batches. ``spoilt`` tells whether one was written into that the loader would give again.
    """

    def __init__(
        self,
        batches: list,
        loader: Any = None,
        count: int | None = None,
        on_batch: Callable[[Any], None] = lambda batch: None,
        deadline: float = float("inf"),
        most: float = float("inf"),
        turning: bool = False,
    ):
        self._batches, self._loader, self._on_batch = batches, loader, on_batch
        self._count = len(batches) if count is None else count
        self._deadline, self._most, self._turning = deadline, most, turning
        self._kept = getattr(loader, "kept", isinstance(loader, (list, tuple)))
        self.passes = self.given = self.finished = 0
        self.spoilt = False

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator:
        self.passes += 1
        for number in range(self._count):
            late = self.given >= 3 and time.thread_time() > self._deadline
            if late or self.given >= self._most:
                raise Enough
            self.given += 1
            batch = self._batches[number % len(self._batches)]
            batch = _turned(batch, self.passes) if self._turning else batch
            given = _cloned(batch)
            self._on_batch(given)
            yield given
            self.spoilt = self.spoilt or (self._kept and not _alike(given, batch))
        self.finished += 1
        self._on_batch(None)

    def __getitem__(self, index):
        return self._batches[index]

    def set_epoch(self, epoch: int) -> None:
        """Do nothing: the sample is the same in every epoch."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._loader, name)


class _Few(TensorDataset):
    """Some of the images, which know the class names and the like of the set they stand for."""

    original: Any

    def __getattr__(self, name: str) -> Any:
        if name in ("original", "tensors"):
            raise AttributeError(name)
        value, own = getattr(self.original, name), self.tensors[1]
        if name != "targets" and not _are_labels(value, self.original):
            return value
        if isinstance(value, (torch.Tensor, np.ndarray)):
            return own if torch.is_tensor(value) else own.cpu().numpy()
        return own.tolist()


def _are_labels(value: Any, dataset: Any) -> bool:
    """Tell whether it holds the label of each item of a set."""
    try:
        if len(value) != len(dataset) or getattr(value, "ndim", 1) != 1:
            return False
        return all(float(value[n]) == float(dataset[n][1]) for n in (0, len(value) // 2, -1))
    except FAILURES:
        return False


class Part:
    """A loader of fewer batches: its data set is as short, and in another order if ``turned``."""

    def __init__(self, batches: list, loader: Any, turned: bool = False):
        self._loader = loader
        self.kept = isinstance(loader, (list, tuple))
        both = [(x, y) for x, y in pairs(batches) if len(x) == len(y)]
        if both and len(both) == len(batches) and len({x.shape[1:] for x, _y in both}) == 1:
            parts = (torch.cat(parts) for parts in zip(*both, strict=True))
            self.dataset = _Few(*(part.flip(0) if turned else part for part in parts))
            self.dataset.original = getattr(loader, "dataset", None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._loader, name)


def check_rewinds(batches: Any) -> None:
    """Raise ValueError for an iterator: to look at its batches would use them up."""
    if isinstance(batches, Iterator):
        raise ValueError(
            _(
                "The batches are an iterator: to look at them would use them up. Hand over the "
                "loader itself, not iter(loader)."
            )
        )


def first_batches(batches: Iterable, count: int, deadline: float = float("inf")) -> list:
    """Return up to ``count`` batches; order, epoch and generators of the loader stay as they were.

    No worker is started. After ``deadline`` there are no more.
    """
    if isinstance(batches, (list, tuple)):
        return list(batches[:count])
    found = []
    for batch in islice(iter(_double(batches)), count):
        found.append(batch)
        if time.monotonic() > deadline:
            break
    return found


def is_pair(batch: Any) -> bool:
    """Tell whether a batch is ``(images, labels)``, two tensors."""
    pair = isinstance(batch, (list, tuple)) and len(batch) == 2
    return pair and all(isinstance(part, torch.Tensor) for part in batch)


def pairs(batches: list) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return images and labels of batches, also of those by name or with more parts."""
    found = []
    for batch in batches:
        parts = list(batch.values()) if isinstance(batch, Mapping) else batch
        if is_pair(parts):
            found.append(tuple(parts))
        elif isinstance(parts, (list, tuple)):
            tensors = [part for part in parts if isinstance(part, torch.Tensor) and part.ndim]
            images = [part for part in tensors if part.ndim == 4]
            labels = [part for part in tensors if part.ndim == 1 and not part.is_floating_point()]
            if images and labels and len(images[0]) == len(labels[0]):
                found.append((images[0], labels[0]))
    return found


def fitting(images: torch.Tensor, model: nn.Module) -> torch.Tensor:
    """Return images on the device of the model's weights and, if they are floats, of their type."""
    weight = next(iter(model.parameters()), images)
    images = images.to(weight.device)
    return images.to(weight.dtype) if images.is_floating_point() else images


def length(batches: Any) -> int | None:
    """Return how many batches a loader has; None if it does not know."""
    try:
        return len(batches)
    except TypeError:
        return None


def transform_steps(dataset: Any) -> list[str]:
    """Return the names of what a data set's transform does, one after another."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    return _flat(getattr(dataset, "transform", None))


def _flat(transform: Any) -> list[str]:
    inner = getattr(transform, "transforms", None)
    if isinstance(inner, (list, tuple)):
        return [name for step in inner for name in _flat(step)]
    return [] if transform is None else [type(transform).__name__]


def _double(loader: Any) -> Iterable:
    """Return a loader that gives the same batches from this process, from states of its own."""
    memo: dict = {}
    dataset: Any = getattr(loader, "dataset", None)
    if dataset is not None and not isinstance(dataset, IterableDataset):
        memo[id(dataset)] = dataset
    if isinstance(loader, DataLoader):
        options: dict[str, Any]
        if isinstance(dataset, IterableDataset):
            options = {"batch_size": loader.batch_size, "drop_last": loader.drop_last}
            dataset = _deep(dataset, memo)
        elif loader.batch_sampler is None:
            options = {"batch_size": None, "sampler": _deep(loader.sampler, memo)}
        else:
            options = {"batch_sampler": _deep(loader.batch_sampler, memo)}
        generator = _deep(loader.generator, memo)
        return DataLoader(dataset, collate_fn=loader.collate_fn, generator=generator, **options)
    return _deep(loader, memo)


def _deep(thing: Any, memo: dict) -> Any:
    try:
        return copy.deepcopy(thing, memo)
    except CANNOT_BE_COPIED:
        return copy.copy(thing)


def _cloned(batch: Any) -> Any:
    """Return a batch that may be written into."""
    if isinstance(batch, torch.Tensor):
        return batch.clone()
    if isinstance(batch, (list, tuple)) and not hasattr(batch, "_fields"):
        return type(batch)(_cloned(part) for part in batch)
    return copy.deepcopy(batch)


def _turned(batch: Any, by: int) -> Any:
    """Return a batch with its images and labels in another order."""
    parts = batch.items() if isinstance(batch, Mapping) else enumerate(batch)
    turned = {n: x.roll(by, 0) if torch.is_tensor(x) and x.ndim else x for n, x in parts}
    return turned if isinstance(batch, Mapping) else list(turned.values())


def _alike(one: Any, other: Any) -> bool:
    """Tell whether two batches hold the same numbers."""
    if isinstance(one, torch.Tensor):
        return one.shape == other.shape and equal(one.detach(), other.detach())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_alike, one, other))
    return not isinstance(one, Mapping) or all(_alike(one[k], other[k]) for k in one if k in other)


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Tell whether two tensors have one shape and the same numbers."""
    return one.shape == other.shape and bool((one.cpu() == other.cpu()).all())
