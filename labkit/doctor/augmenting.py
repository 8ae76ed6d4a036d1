"""Is what the labels say still true after the augmentation, and is it another in each epoch?"""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.findings import Finding
from labkit.doctor.loading import items_vary
from labkit.doctor.redrawing import drawn, transforms
from labkit.doctor.sample import length
from labkit.doctor.shortcuts import guesses, images_and_labels
from labkit.inspect.recording import FAILURES
from labkit.sandbox import randomness

_LOST, _MORE, _OF_EACH = 0.38, 0.2, 20
"""A share of two classes that are taken for each other, how much more it is than of plain images,
and images of a class."""

_MASKS, _WIDE = 32, 48
"""Masks that are compared with their images, and pixels to which a side of them is brought."""


def look(case: Case) -> Iterator[Finding]:
    """Look at what reading a training image does: to random numbers, its mask, its class."""
    yield from _seeds(case.dataset)
    yield from _moved_masks(case)
    if items_vary(case.dataset):
        yield from _classes(case)


def _seeds(dataset: Any) -> Iterator[Finding]:
    """Read items after one seed and another: do the random numbers go on alike?"""

    def states(index: int) -> list[tuple]:
        after = []
        for seed in (1, 2):
            randomness.seed_all(seed)
            dataset[index]
            numbers: Any = np.random.get_state()
            state = torch.get_rng_state().numpy().tobytes(), numbers[1].tobytes(), random.getstate()
            after.append(state)
        return after

    try:
        with randomness.kept():
            (one, two), (other, _same) = states(0), states((length(dataset) or 0) // 2)
    except FAILURES:
        return
    everywhere = [a == b == c for a, b, c in zip(one, two, other, strict=True)]
    if one[0] == two[0] or any(everywhere):
        yield found("seeded-again/item", f"{type(dataset).__name__}[0]")


def _moved_masks(case: Case) -> Iterator[Finding]:
    """Shift and turn masks over their images: where do they fit best?"""
    taught, judged = (
        _places(getattr(b, "dataset", None)) for b in (case.train_batches, case.judging)
    )
    moved = [place for place in taught if place != (0, 0)]
    alike = len(set(moved)) < 3 and all(turn == 0 for turn, _shift in moved)
    if len(moved) > 0.2 * len(taught) > 1 and not alike:
        if sum(place != (0, 0) for place in judged) <= 0.1 * len(judged):
            yield found("mask-left-behind", type(case.dataset).__name__, ask=not judged)


def _places(dataset: Any) -> list[tuple[int, int]]:
    """Return for some items how the mask has to be turned and shifted to fit: 0, 0 if it does."""
    places = []
    try:
        for index in range(min(length(dataset) or 0, _MASKS)):
            image, mask, *_rest = dataset[index]
            mask = mask.squeeze()
            if mask.is_floating_point() and ((mask == 0) | (mask == 1)).all():
                mask = mask.long()
            if mask.is_floating_point() or mask.ndim != 2 or mask.shape != image.shape[-2:]:
                return []
            turned = [turn(mask) for turn in _TURNS]
            fit = torch.stack([_fits(image.float(), m) for m in turned if m.shape == mask.shape])
            best, at = fit.flatten().max(0)
            there = divmod(int(at), fit[0].numel())
            floor = min(0.1, 20 / mask.numel())  # by chance, at the luckiest of all places
            places.append(there if best > 2 * fit[0, 0, 0] + floor else (0, 0))
    except FAILURES:
        return []
    return places


_TURNS = (
    *(lambda x, k=k: x.rot90(k, (-2, -1)) for k in (0, 2, 1, 3)),
    *(lambda x, axis=axis: x.flip(axis) for axis in (-1, -2)),
)


def _fits(image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return for each shift of a mask the share of the variance of pixels that it explains."""
    by = max(1, max(mask.shape) // _WIDE)
    image = functional.avg_pool2d(image, by)
    mask = mask[::by, ::by][: image.shape[-2], : image.shape[-1]].long()
    image = image - image.mean((-2, -1), keepdim=True)
    parts = torch.stack([mask == label for label in mask.unique()]).float()
    spectra = torch.fft.rfft2(image), torch.fft.rfft2(parts)[:, None].conj()
    sums = torch.fft.irfft2(spectra[0] * spectra[1], s=tuple(mask.shape))
    return (sums.square().sum(1) / parts.sum((1, 2))[:, None, None]).sum(
        0
    ) / image.square().sum().clamp(min=1e-9)


def _classes(case: Case) -> Iterator[Finding]:
    """Ask a quick classifier that knows plain images about those that are augmented."""
    taught, judged = (images_and_labels(b) for b in (case.many, case.judging_batches[0]))
    changes = dict(transforms(case))
    clean = drawn(case, changes.pop("")) if "" in changes else judged
    if not (taught and judged and clean) or taught[0].shape[1:] != judged[0].shape[1:]:
        return
    classes = 1 + max(int(part[1].max()) for part in (taught, judged, clean))
    before, after = _confused(clean, judged, classes), _confused(clean, taught, classes)
    both = torch.minimum(after, after.T)
    both = both * (both > torch.maximum(before, before.T) + _MORE)
    share, at = both.fill_diagonal_(0).flatten().max(0)
    one, other = divmod(int(at), classes)
    few = min(int((part[1] == c).sum()) for part in (taught, clean) for c in (one, other))
    if share < _LOST or few < _OF_EACH:
        return
    if _told_apart(clean, one, other) < _told_apart(taught, one, other) + _MORE / 2:
        return
    without = ((step, drawn(case, new)) for step, new in changes.items())
    tables = ((step, _confused(clean, images, classes)) for step, images in without if images)
    steps = [
        step for step, table in tables if max(table[one, other], table[other, one]) < share / 2
    ]
    names = case.classes if isinstance(case.classes, (list, tuple)) else range(classes)
    where = ", ".join(steps) or phrase("transform")
    values: dict[str, Any] = {"one": names[min(one, other)], "other": names[max(one, other)]}
    yield found("changes-class", where, share=share.item(), **values)


def _confused(taught: tuple, asked: tuple, classes: int) -> torch.Tensor:
    """Return the share of the images of a class (row) that are taken for another (column)."""
    said = guesses(taught, asked[0])
    table = (asked[1] * classes + said).bincount(minlength=classes**2).reshape(classes, classes)
    return table / table.sum(1, keepdim=True).clamp(min=1)


def _told_apart(taught: tuple, one: int, other: int) -> float:
    """Return how many images of two classes are told apart by one who has learnt from the rest."""
    some = (taught[1] == one) | (taught[1] == other)
    x, y = taught[0][some], (taught[1][some] == one).long()
    even, odd = (slice(n, None, 2) for n in (0, 1))
    return (guesses((x[even], y[even]), x[odd]) == y[odd]).float().mean().item()
