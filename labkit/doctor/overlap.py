"""Which images and labels do two sets have in common?"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import (
    ConcatDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
)

from labkit.doctor.catalogue import found
from labkit.doctor.findings import Finding
from labkit.doctor.sample import length
from labkit.inspect.recording import FAILURES

_A_FEW = 0.01
"""A smaller share of images that are in two sets is asked about: real sets hold doubles."""

_OFTEN = 0.2
"""A smaller share is asked about, too, where a set holds about as many doubles of its own."""

_FEW_NUMBERS = 64
"""Items of fewer numbers can be equal by chance, as words or short series can."""

_MOST, _A_SECOND = 2_000, 1.0
"""Items of a set of the learner's own that are compared, and the time for them."""


def look(loaders: dict[str, Any]) -> Iterator[Finding]:
    """Compare the images of the loaders, and the numbers that they give to classes."""
    yield from _overlap(loaders)
    yield from _other_numbers(loaders)


def noting(entries: list[tuple[bool, set[bytes]]], _copies: Any, model: nn.Module) -> None:
    """Let a model note for each pass whether it trains, and a digest of each image."""

    def note(module, given) -> None:
        if given and isinstance(given[0], torch.Tensor):
            trains = module.training and torch.is_grad_enabled()
            entries.append((trains, set(map(digest, given[0]))))

    model.register_forward_pre_hook(note)


def look_at_epochs(entries: list[tuple[bool, set[bytes]]], name: str) -> Iterator[Finding]:
    """Compare what a loop evaluates on with what it has learnt from in the epoch before."""
    epochs: list[tuple[set, set]] = []
    for trains, images in entries:
        if trains and (not epochs or epochs[-1][1]):
            epochs.append((set(), set()))
        if epochs:
            epochs[-1][0 if trains else 1].update(images)
    for (learnt, judged), (then, now) in pairwise(epochs):
        if judged & learnt or now & then or not now:
            continue  # it is also asked about what it learns from
        share = len(now & learnt) / len(now)
        if share > 0.2 and judged & then:
            yield found("split-again", name, share=share)
            return


def _overlap(loaders: dict[str, Any]) -> Iterator[Finding]:
    keys = {name: _keys(batches) for name, batches in loaders.items() if batches is not None}
    known = {name: set(every) for name, every in keys.items() if every}
    twice = {name: 1 - len(set(every)) / len(every) for name, every in keys.items() if every}
    small = any(_little(getattr(batches, "dataset", None)) for batches in loaders.values())
    for (name, these), (other, those) in combinations(known.items(), 2):
        both = len(these & those)
        if both:
            share = both / min(len(these), len(those))
            if small and max(twice[name], twice[other]) > share / 4:
                continue  # items are equal by chance, in one set and in two
            few = min(twice[name], twice[other]) > 0.5  # of few that there can be
            chance = few or share < _OFTEN and max(twice[name], twice[other]) > share / 4
            ask = small or share < _A_FEW or chance
            share = both / len(those)
            yield found("overlap", ask=ask, n=both, one=name, other=other, share=share)


def _keys(batches: Any) -> list[bytes] | None:
    """Return a digest of the raw pixels of each image that comes; None where they are not held."""
    held = digests(getattr(batches, "dataset", None))
    sampler = getattr(batches, "sampler", None)
    if held is not None and isinstance(sampler, SubsetRandomSampler):
        return [held[index] for index in sampler.indices]
    plain = sampler is None or type(sampler) in (SequentialSampler, RandomSampler)
    return held if held is not None and plain else None


def _little(dataset: Any) -> bool:
    """Tell whether an item has so few numbers that two may be equal by chance."""
    first = _first_item(dataset)
    return isinstance(first, torch.Tensor) and first.numel() < _FEW_NUMBERS


def _first_item(dataset: Any) -> Any:
    try:
        return image_of(dataset[0]) if length(dataset) else None
    except FAILURES:
        return None


def digest(item: Any) -> bytes:
    """Return a short stand-in for the numbers of an image."""
    item = item.detach().cpu().float().numpy() if isinstance(item, torch.Tensor) else item
    return hashlib.blake2b(np.ascontiguousarray(item).tobytes(), digest_size=8).digest()


def _asked_for(dataset: Any) -> list[bytes] | None:
    """Return the digests of a set of the learner's own, item by item, if there is time for it."""
    count, found_here, start = length(dataset) or 0, [], time.monotonic()
    if not hasattr(dataset, "__getitem__"):
        return None
    try:
        for index in range(min(count, _MOST)):
            item = image_of(dataset[index])
            if not isinstance(item, (torch.Tensor, np.ndarray)) or not item.ndim:
                return None
            found_here.append(digest(item))
            if time.monotonic() > start + _A_SECOND:
                break
    except FAILURES:
        return None
    return found_here


def digests(dataset: Any) -> list[bytes] | None:
    """Return the digest of each item; None where they cannot be read."""
    if isinstance(dataset, Subset):
        inner = digests(dataset.dataset)
        return None if inner is None else [inner[index] for index in dataset.indices]
    if isinstance(dataset, ConcatDataset):
        parts = [digests(part) for part in dataset.datasets]
        known = [part for part in parts if part is not None]
        complete = len(known) == len(parts)
        return [one for part in known for one in part] if complete else None
    samples = getattr(dataset, "samples", None)
    if isinstance(samples, list) and samples and isinstance(samples[0][0], str):  # one file each
        return [sample[0].encode() for sample in samples]
    data = dataset.tensors[0] if isinstance(dataset, TensorDataset) else None
    data = getattr(dataset, "data", None) if data is None else data
    if isinstance(data, torch.Tensor):
        data = data.detach().cpu().float().numpy()
    if not isinstance(data, np.ndarray) or data.ndim < 2:
        return _asked_for(dataset)
    return [digest(one) for one in data]


def _other_numbers(loaders: dict[str, Any]) -> Iterator[Finding]:
    """Compare the tables by which the sets turn the names of classes into numbers."""
    tables = [
        (name, table)
        for name, batches in loaders.items()
        for table in _tables(getattr(batches, "dataset", None))
    ]
    for (name, these), (other, those) in combinations(tables, 2):
        both = these.keys() & those.keys()
        wrong = [label for label in sorted(both) if these[label] != those[label]]
        if name != other and wrong and len(both) * 2 > len(these):
            label = wrong[0]
            values: dict[str, Any] = {"one": name, "other": other, "label": label}
            yield found("labels-numbered", **values, first=these[label], second=those[label])
            return


def _tables(dataset: Any) -> list[dict]:
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    return [
        value
        for value in getattr(dataset, "__dict__", {}).values()
        if isinstance(value, dict) and len(value) > 1
        if all(isinstance(name, str) for name in value)
        if all(isinstance(number, int) for number in value.values())
        if set(value.values()) == set(range(len(value)))
    ]


def image_of(item: Any) -> Any:
    """Return what is first in a pair, or the first entry of a dictionary that has numbers."""
    if isinstance(item, Mapping):
        return next((value for value in item.values() if np.ndim(np.asarray(value)) > 1), None)
    return item[0] if isinstance(item, (tuple, list)) else item
