"""Do the loaders give what they should: training shuffled, test untouched, many images?"""

import copy
import random
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from labkit.doctor import overlap
from labkit.doctor.calls import message
from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.findings import Finding
from labkit.doctor.forms import ignores_labels
from labkit.doctor.lines import line_of
from labkit.doctor.loss import all_targets
from labkit.doctor.overlap import digest, digests, image_of
from labkit.doctor.sample import first_batches, length, pairs, transform_steps
from labkit.inspect.recording import FAILURES
from labkit.sandbox import randomness


def look(case: Case) -> Iterator[Finding]:
    """Look at order, augmentation, overlap and worker seeds."""
    broken = [_breaks(name, case, batches) for name, batches in _named(case).items()]
    if any(broken):
        yield from filter(None, broken)
        return
    if case.train_batches is not None:
        yield from _batches(case)
        yield from _order(case)
        yield from _worker_seeds(case.train_batches)
    training, *judging = _named(case).items()
    for name, batches in judging:
        if batches is not None:
            yield from _augmented(batches, name)
    yield from _never_trained(case)
    yield from overlap.look(dict([training, *judging]))
    again = case.second_training
    if again and not (again.error or again.reset):
        yield from overlap.look_at_epochs(case.entries, getattr(case.train, "__name__", ""))


@contextmanager
def put_back(datasets: list) -> Generator[list[str]]:
    """Put arrays back where reading an item writes into them; yield the names of such sets."""
    changed, arrays = [], []
    for dataset in datasets:
        while isinstance(dataset, Subset):
            dataset = dataset.dataset
        held = [x for x in getattr(dataset, "__dict__", {}).values() if _holds(x, dataset)]
        before = [x[:_A_FEW].clone() if torch.is_tensor(x) else x[:_A_FEW].copy() for x in held]
        with suppress(*FAILURES):
            for index in range(_A_FEW if held else 0):
                dataset[index]
        touched = [not _same(x[:_A_FEW], old) for x, old in zip(held, before, strict=True)]
        for x, old in zip(held, before, strict=True):
            x[:_A_FEW] = old
        if any(touched):
            changed.append(type(dataset).__name__)
            arrays += [(x, copy.deepcopy(x)) for x in held]
    try:
        yield changed
    finally:
        for x, old in arrays:
            x[:] = old


_A_FEW = 6
"""Items that are read to see whether that changes them."""


def _holds(value: Any, dataset: Any) -> bool:
    """Tell whether it is an array of a learner's own set, which anything may write into."""
    array = isinstance(value, (torch.Tensor, np.ndarray)) and value.ndim > 1
    if not array or type(dataset).__module__.startswith(("torch", "labkit")):
        return False
    free = not value.requires_grad if torch.is_tensor(value) else value.flags.writeable
    return free and len(value) >= _A_FEW and len(value) == length(dataset)


def _named(case: Case) -> dict[str, Any]:
    return {
        phrase("training"): case.train_batches,
        phrase("validation"): case.validation_batches,
        phrase("test"): case.test_batches,
    }


def _breaks(name: str, case: Case, batches: Any) -> Finding | None:
    error = case.loader_errors.get(id(batches))
    if error is None and batches is not None and length(batches) == 0:
        return found("loader-breaks/empty", type(batches).__name__, split=name)
    if batches is None or error is None:
        return None
    where = phrase("loader and line", split=name, line=line_of(error))
    return found("loader-breaks", where, error=message(error))


def _order(case: Case) -> Iterator[Finding]:
    mixes, seen = shuffles(case.train_batches), case.rehearsal
    if case.train and seen and seen.given == seen.passes >= 3 and not mixes:
        yield found("first-batch-again", n=seen.passes)
        return
    if len(case.sample) < 2:
        return  # in one batch there is no order
    labels = [labels for _images, labels in pairs(case.sample)]
    where, sort = type(case.train_batches).__name__, sorted_by_class(labels)
    same = sort and len(torch.cat(labels).unique()) == 1
    if mixes or (mixes is None and not sort) or (same and mixes is not False):
        return
    if sort:
        yield found("not-shuffled", where)
    else:  # the images may have been mixed once, when they were prepared
        yield found("not-shuffled/order", f"{where}(..., shuffle=False)", ask=True)


def _batches(case: Case) -> Iterator[Finding]:
    """Look at what comes in the batches: all alike, one class, half empty, cut short."""
    both, name = pairs(case.sample), phrase("training batches")
    images = next((images for images, _labels in both if len(images) > 3), None)
    if images is not None and bool((images == images[:1]).all()):
        yield found("images-all-alike", name)
    else:
        yield from _again(case, both, name)
    labels = [labels for _images, labels in both]
    whole = labels and all(x.ndim == 1 and not x.is_floating_point() for x in labels)
    dataset = case.dataset
    if whole:
        every = all_targets(dataset)
        every = torch.cat(labels) if every is None else every
        counts = every.unique(return_counts=True)[1]
        share = counts.max().item() / len(every)
        if len(every) >= 32 and len(counts) == 1 and not ignores_labels(case):
            yield found("labels-all-alike", name, label=every[0].item())
        elif len(every) >= 100 and share > 0.8 and not ignores_labels(case):
            yield found("imbalance", name, share=share)
    yield from _cut_short(dataset)
    judged = next((images for images, _labels in pairs(case.judging_sample)), None)
    if images is not None and judged is not None and images.ndim == judged.ndim == 4:
        if _empty(images) > 0.5 and _empty(judged) < 0.2:
            yield found("mostly-empty", name)


def _never_trained(case: Case) -> Iterator[Finding]:
    """Look for classes that judge and that no training image belongs to."""
    taught, judged = ([y for _x, y in pairs(b)] for b in (case.many, case.judging_batches[0]))
    if not all(y.ndim == 1 and not y.is_floating_point() for y in [*taught, *judged]):
        return
    every = all_targets(case.dataset)
    whole = every is not None or len(case.many) == length(case.train_batches)
    if not taught or not judged or not (whole or shuffles(case.train_batches)):
        return
    taught, judged = torch.cat(taught) if every is None else every, torch.cat(judged)
    labels, counts = judged.unique(return_counts=True)
    shares = {int(c): n / len(judged) for c, n in zip(labels, counts.tolist(), strict=True)}
    never = [c for c, s in shares.items() if c not in taught and (1 - s) ** len(taught) < 1e-4]
    if never:
        name = phrase("validation") if case.validation_batches is not None else phrase("test")
        label, share = ", ".join(map(str, never[:4])), sum(shares[c] for c in never)
        yield found("classes-missing", label=label, split=name, share=share)


def _again(case: Case, both: list, name: str) -> Iterator[Finding]:
    """Count the images that come: a sampler may draw from a few of them only."""
    drawn = [digest(image) for images, _labels in both for image in images]
    dataset = case.dataset
    there = length(dataset) or 0
    few = len(set(drawn))
    sampler = getattr(case.train_batches, "sampler", None)
    if isinstance(sampler, WeightedRandomSampler) and len(sampler.weights) < there / 2:
        n = sampler.num_samples
        yield found("images-again", name, n=len(sampler.weights), drawn=n, there=there)
    elif len(drawn) >= 64 and few < len(drawn) / 4 and few < there / 4:
        chance = digests(dataset)
        if chance is None or len(set(chance)) > 2 * few:
            yield found("images-again", name, n=few, drawn=len(drawn), there=there)


def _empty(images: torch.Tensor) -> float:
    """Return the mean share of the pixels of an image that have its most frequent value."""
    shares = [
        row.unique(return_counts=True)[1].max().item() / len(row)
        for row in images[:, 0].flatten(1)[:16]
    ]
    return sum(shares) / len(shares)


def _cut_short(dataset: Any) -> Iterator[Finding]:
    """Compare the length of the learner's own data set with what it holds."""
    if dataset is None or type(dataset).__module__.startswith(("torch", "labkit")):
        return
    held = [
        len(value)
        for value in getattr(dataset, "__dict__", {}).values()
        if isinstance(value, (list, tuple)) or getattr(value, "ndim", 0)
        if hasattr(value, "__len__")
    ]
    count = length(dataset)
    most = max((n for n in held if held.count(n) > 1), default=0)
    if count and count < 0.9 * most:
        yield found("dataset-too-short", type(dataset).__name__, n=count, there=most)


def shuffles(batches: Any) -> bool | None:
    """Return whether a loader shuffles; None where it does not tell."""
    if isinstance(batches, DataLoader):
        if type(batches.batch_sampler) not in (BatchSampler, type(None)):
            return None
        sampler = getattr(batches.batch_sampler, "sampler", batches.sampler)
        if isinstance(sampler, SequentialSampler):
            return False
        if isinstance(sampler, (RandomSampler, SubsetRandomSampler)):
            return True
        return getattr(sampler, "shuffle", None)  # DistributedSampler
    return getattr(batches, "shuffle", None)


def sorted_by_class(labels: list[torch.Tensor]) -> bool:
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
        images = next((x for x, _labels in pairs(first_batches(batches, 1))), None)
        makes_other = images is not None and not _same(
            *(augment(images.clone(), torch.Generator().manual_seed(seed)) for seed in (1, 2))
        )
        where = f"augment={getattr(augment, '__name__', repr(augment))}"
    else:
        makes_other = items_vary(dataset)
        where = ", ".join(transform_steps(dataset))
    if makes_other:
        yield found("augmented", where, split=name)


def items_vary(dataset: Any) -> bool:
    """Tell whether an item is another one when it is read again, with the same target."""
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        return False
    for index in range(0, len(dataset), max(1, len(dataset) // 4))[:4]:
        try:
            views = _views(dataset, index)
        except FAILURES:
            return False
        if not all(_same(views[0][0], view[0]) for view in views[1:]):
            targets = [view[1] for view in views]
            return all(target is None or _same(targets[0], target) for target in targets)
    return False


def _views(dataset: Any, index: int) -> list[tuple[Any, Any]]:
    """Return image and target of an item, as several seeds make them."""
    views = []
    for seed in range(4):
        randomness.seed_all(seed)
        item = dataset[index]
        target = item[1] if isinstance(item, (tuple, list)) and len(item) > 1 else None
        views.append((image_of(item), target))
    return views


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    return np.array_equal(np.asarray(one), np.asarray(other))


def _worker_seeds(batches: Any) -> Iterator[Finding]:
    workers = getattr(batches, "num_workers", 0)
    if not isinstance(batches, DataLoader) or workers < 2:
        return
    start = batches.worker_init_fn
    if start is not None:
        fixed = _seeded_alike(start)
        own = []
    else:
        fixed, own = [], list(randomness.own_generators(batches.dataset))
    if fixed or own:
        name = getattr(start, "__name__", repr(start))
        how = "copies of a state" if own else "seeds alike"
        where = phrase(how, name=name, what=", ".join(fixed or own))
        yield found("worker-seeds", where, n=workers)


def _seeded_alike(start: Any) -> list[str]:
    """Return the libraries that draw the same after ``start`` in two workers."""
    draws = []
    for worker in (0, 1):
        with randomness.kept(1_000 + worker):  # as PyTorch seeds a worker
            try:
                start(worker)
            except FAILURES:
                return []  # it needs a real worker
            draws.append((torch.rand(1).item(), random.random(), np.random.rand()))
    names = ("torch", "random", "numpy.random")
    return [name for name, one, two in zip(names, *draws, strict=True) if one == two]
