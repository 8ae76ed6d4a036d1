"""Do the loaders give what they should: training shuffled, test untouched, no image in both?"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    SequentialSampler,
    Subset,
    TensorDataset,
)

from labkit.doctor.case import Case, message
from labkit.doctor.findings import Finding
from labkit.doctor.lines import line_of
from labkit.doctor.sample import first_batches, is_pair, transform_steps
from labkit.inspect.recording import FAILURES
from labkit.sandbox.copies import own_generators, random_numbers_kept
from labkit.text import _, ngettext

_A_FEW = 0.01
"""A smaller share of images that are in two sets is asked about: real sets hold doubles."""


def look(case: Case) -> Iterator[Finding]:
    """Look at order, augmentation, overlap and worker seeds."""
    broken = [_breaks(name, case, batches) for name, batches in _named(case).items()]
    if any(broken):
        yield from filter(None, broken)
        return
    if case.train_batches is not None:
        yield from _order(case)
        yield from _worker_seeds(case.train_batches)
    training, *judging = _named(case).items()
    for name, batches in judging:
        if batches is not None:
            yield from _augmented(batches, name)
    yield from _overlap(dict([training, *judging]))


def _named(case: Case) -> dict[str, Any]:
    return {
        _("training"): case.train_batches,
        _("validation"): case.validation_batches,
        _("test"): case.test_batches,
    }


def _breaks(name: str, case: Case, batches: Any) -> Finding | None:
    error = case.loader_errors.get(id(batches))
    if batches is None or error is None:
        return None
    return Finding(
        "loader-breaks",
        message(error),
        _("the {split} loader; {line}").format(split=name, line=line_of(error)),
        _("No batch comes out of it, so nothing that needs one was looked at."),
        _("Try one item first, dataset[0], then next(iter(loader))."),
    )


def _order(case: Case) -> Iterator[Finding]:
    shuffles = _shuffles(case.train_batches)
    runs = _is_sorted([batch[1] for batch in case.sample if is_pair(batch)])
    if shuffles or (shuffles is None and not runs):
        return
    where = type(case.train_batches).__name__
    yield Finding(
        "not-shuffled",
        _("The training images come class by class.")
        if runs
        else _("The training images come in the same order in every epoch."),
        where if runs else _("{loader}(..., shuffle=False)").format(loader=where),
        _(
            "Neighbouring batches resemble each other, so each step undoes part of what the one "
            "before has learnt; and every epoch repeats the same steps."
        ),
        _("Give the training loader shuffle=True (and validation and test shuffle=False)."),
    )


def _shuffles(batches: Any) -> bool | None:
    """Return whether a loader shuffles; None where it does not tell."""
    if isinstance(batches, DataLoader):
        if type(batches.batch_sampler) not in (BatchSampler, type(None)):
            return None
        sampler = getattr(batches.batch_sampler, "sampler", batches.sampler)
        if isinstance(sampler, SequentialSampler):
            return False
        return getattr(sampler, "shuffle", None)  # DistributedSampler
    return getattr(batches, "shuffle", None)


def _is_sorted(labels: list[torch.Tensor]) -> bool:
    """Tell whether the labels come class by class: long runs of the same."""
    if not labels or any(part.ndim != 1 for part in labels):
        return False
    every = torch.cat(labels)
    changes = int((every.diff() != 0).sum())
    classes = len(every.unique())
    return len(every) >= 32 and (changes == 0 or (classes > 1 and changes < len(every) / 16))


def _augmented(batches: Any, name: str) -> Iterator[Finding]:
    dataset = getattr(batches, "dataset", None)
    augment = getattr(batches, "augment", None)
    if augment is not None:
        images = next((b[0] for b in first_batches(batches, 1) if is_pair(b)), None)
        makes_other = images is not None and not _same(
            *(augment(images.clone(), torch.Generator().manual_seed(seed)) for seed in (1, 2))
        )
        where = _("augment={name} of the {split} loader")
        where = where.format(name=getattr(augment, "__name__", repr(augment)), split=name)
    else:
        makes_other = _items_vary(dataset)
        where = _("the transform of the {split} set: {steps}").format(
            split=name, steps=", ".join(transform_steps(dataset)) or "?"
        )
    if makes_other:
        yield Finding(
            "augmented",
            _("The {split} images are changed at random.").format(split=name),
            where,
            _("Each evaluation judges other, harder images: the number is too low, and jumps."),
            _("Give this set a transform of its own, without anything random."),
        )


def _items_vary(dataset: Any) -> bool:
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        return False
    for index in range(0, len(dataset), max(1, len(dataset) // 4))[:4]:
        try:
            views = []
            for seed in range(4):
                torch.default_generator.manual_seed(seed)
                np.random.seed(seed)
                random.seed(seed)
                views.append(_picture_of(dataset[index]))
        except FAILURES:
            return False
        if not all(_same(views[0], view) for view in views[1:]):
            return True
    return False


def _picture_of(item: Any) -> Any:
    """Return what is first in a pair, or the first entry of a dictionary that has numbers."""
    if isinstance(item, Mapping):
        return next((value for value in item.values() if np.ndim(np.asarray(value)) > 1), None)
    return item[0] if isinstance(item, (tuple, list)) else item


def _same(one: Any, other: Any) -> bool:
    return np.array_equal(np.asarray(one), np.asarray(other))


def _overlap(loaders: dict[str, Any]) -> Iterator[Finding]:
    keys = {
        name: _keys(getattr(batches, "dataset", None))
        for name, batches in loaders.items()
        if batches is not None
    }
    known = {name: found for name, found in keys.items() if found}
    for (name, mine), (other, theirs) in combinations(known.items(), 2):
        both = len(mine & theirs)
        if both:
            share = both / min(len(mine), len(theirs))
            yield Finding(
                "overlap",
                ngettext(
                    "{n} image is in {one} and in {other}.",
                    "{n} images are in {one} and in {other}.",
                    both,
                ).format(n=f"{both:,}", one=name, other=other),
                _("{share:.1%} of the {split} images").format(
                    share=both / len(theirs), split=other
                ),
                _(
                    "The network is asked about images that it was trained on: what it knows by "
                    "heart counts as understood, and the accuracy is too high."
                ),
                _("Split once, by image, before anything else; then check that none is in both."),
                "fault" if share >= _A_FEW else "question",
            )


def _keys(dataset: Any) -> set[bytes] | None:
    """Return a digest of each image's raw pixels; None where they cannot be had."""
    if isinstance(dataset, Subset):
        digests = _digests(dataset.dataset)
        return None if digests is None else {digests[index] for index in dataset.indices}
    digests = _digests(dataset)
    return None if digests is None else set(digests)


def _digests(dataset: Any) -> list[bytes] | None:
    if isinstance(dataset, Subset):
        inner = _digests(dataset.dataset)
        return None if inner is None else [inner[index] for index in dataset.indices]
    if isinstance(dataset, ConcatDataset):
        parts = [_digests(part) for part in dataset.datasets]
        return None if None in parts else [digest for part in parts for digest in part]
    if isinstance(getattr(dataset, "samples", None), list):  # ImageFolder: one file each
        return [str(sample[0]).encode() for sample in dataset.samples]
    data = dataset.tensors[0] if isinstance(dataset, TensorDataset) else None
    data = getattr(dataset, "data", None) if data is None else data
    if isinstance(data, torch.Tensor):
        data = data.detach().cpu().numpy()
    if not isinstance(data, np.ndarray) or data.ndim < 2:
        return None
    return [hashlib.blake2b(np.ascontiguousarray(one), digest_size=8).digest() for one in data]


def _worker_seeds(batches: Any) -> Iterator[Finding]:
    workers = getattr(batches, "num_workers", 0)
    if not isinstance(batches, DataLoader) or workers < 2:
        return
    start = batches.worker_init_fn
    if start is not None:
        fixed = _seeded_alike(start)
        own = []
    else:
        fixed, own = [], list(own_generators(batches.dataset))
    if fixed or own:
        yield Finding(
            "worker-seeds",
            _("All workers draw the same random numbers."),
            _("worker_init_fn={name}, which seeds {what} alike").format(
                name=getattr(start, "__name__", repr(start)), what=", ".join(fixed)
            )
            if fixed
            else _("{names}: every worker gets a copy with the same state").format(
                names=", ".join(own)
            ),
            _(
                "{n} images at a time are then augmented in the same way: there is less variety "
                "than you think."
            ).format(n=workers),
            _(
                "Seed by worker: torch.initial_seed() % 2**32 differs in each. Without any "
                "worker_init_fn PyTorch seeds torch, random and numpy.random differently."
            ),
        )


def _seeded_alike(start: Any) -> list[str]:
    """Return the libraries that draw the same after ``start`` in two workers."""
    draws = []
    for worker in (0, 1):
        with random_numbers_kept():
            torch.default_generator.manual_seed(1_000 + worker)  # as PyTorch does in a worker
            random.seed(1_000 + worker)
            np.random.seed(1_000 + worker)
            try:
                start(worker)
            except FAILURES:
                return []  # it needs a real worker
            draws.append((torch.rand(1).item(), random.random(), np.random.rand()))
    names = ("torch", "random", "numpy.random")
    return [name for name, one, two in zip(names, *draws, strict=True) if one == two]
