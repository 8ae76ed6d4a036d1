"""Do images and labels belong together, and is there an easier way to the label than the image?

Many training images are asked by ways that need no training: a ridge regression on what random
filters see, the most telling pixels alone, the nearest neighbours of the images that judge.
"""

import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch.nn import functional

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.findings import Finding
from labkit.doctor.loading import sorted_by_class
from labkit.doctor.sample import pairs

_MANY, _OF_EACH = 800, 40
"""Images, and images of a class, from which on it can be said that labels do not fit."""

_NEAR, _GAP = 0.35, 0.6
"""Distance to the nearest training image over that to the 20th: 0.8 or so where they are others.

Below 0.5 already where images of a class differ in a few numbers only, as drawn ones do; but there
no step from one neighbour to the next is as large as from the copies to the first other image.
"""


def look(case: Case) -> Iterator[Finding]:
    """Look at many training images at once."""
    yield from _copies(case)
    both = images_and_labels(case.many)
    if both is None:
        return
    images, labels = both
    if sorted_by_class(list(labels.split(32))) or len(labels) < _MANY:
        return
    counts = labels.bincount()
    if len(counts) < 2 or len(labels) < _OF_EACH * len(counts) or counts.max() > 0.9 * len(labels):
        return
    if knows(both) < _more_than_chance(labels):
        yield found("labels-unrelated", n=len(labels), classes=len(counts))
    else:
        yield from _stamp(images, labels)


def images_and_labels(batches: list) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return all images and their classes, each in one tensor; None if they are something else."""
    both = [(x, y) for x, y in pairs(batches) if x.ndim == 4 and x.is_floating_point()]
    whole = both and all(y.ndim == 1 and not y.is_floating_point() for _x, y in both)
    if not whole or len({x.shape[1:] for x, _y in both}) > 1:
        return None
    images, labels = (torch.cat(parts).cpu() for parts in zip(*both, strict=True))
    known = images.isfinite().all() and labels.min() >= 0
    return (images.float(), labels.long()) if known else None


def _copies(case: Case) -> Iterator[Finding]:
    """Compare the images that judge with their nearest training images, seen from afar."""
    sets = [
        [x.cpu().float() for x, _y in pairs(batches) if x.is_floating_point() and x.ndim > 1]
        for batches in (case.many, case.judging_sample)
    ]
    if len({x.shape[1:] for each in sets for x in each}) != 1 or not all(sets):
        return
    images, judging = map(torch.cat, sets)
    maps = images.ndim == 4 and min(images.shape[2:]) >= 8
    if len(images) < 100 or not maps and (images.ndim > 3 or images[0].numel() < 16):
        return
    seen = functools.partial(functional.adaptive_avg_pool2d, output_size=8)
    here, there = ((seen(x) if maps else x).flatten(1) for x in (images, judging[:200]))
    middle = here.mean(0)
    nearest = torch.cdist(there - middle, here - middle).topk(20, largest=False).values
    ratio = nearest[:, 0] / nearest[:, -1].clamp(min=1e-9)
    apart = (nearest[:, :-1] / nearest[:, 1:].clamp(min=1e-9)).amin(1) < _GAP
    share = ((ratio < _NEAR) & apart & (nearest[:, 0] > 1e-6)).float().mean().item()
    if share > 0.4:
        yield found("nearly-the-same", share=share)


def _seen_by_filters(images: torch.Tensor) -> torch.Tensor:
    """Return what random filters see in the images: [N, 1152], each with mean 0."""
    images = (images - images.mean()) / images.std().clamp(min=1e-9)
    if max(images.shape[2:]) > 32:
        images = functional.adaptive_avg_pool2d(images, 32)
    if min(images.shape[2:]) < 5:
        return images.flatten(1)
    draw = torch.Generator().manual_seed(0)
    filters = torch.randn(128, images.shape[1], 5, 5, generator=draw)
    filters = filters - filters.mean((1, 2, 3), keepdim=True)
    seen = functional.adaptive_avg_pool2d(functional.conv2d(images, filters, stride=2).relu(), 3)
    seen = seen.flatten(1).sqrt()
    return (seen - seen.mean(0)) / seen.std(0).clamp(min=1e-6)


def knows(taught: tuple, judged: tuple | None = None, most: int | None = None) -> float:
    """Fit a ridge regression to images and labels; return the accuracy on others.

    Without others, it is fitted to half of the images, ``most`` at the most, and asked about the
    other half.
    """
    if judged is None:
        images, labels = taught
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
        half = [part[:n] for part, n in zip(order.tensor_split(2), (most, None), strict=True)]
        seen = _seen_by_filters(images)
        (here, own), (there, others) = ((seen[part], labels[part]) for part in half)
    else:
        here, there = map(_seen_by_filters, (taught[0], judged[0]))
        own, others = taught[1], judged[1]
    return (_guessed(here, own, there) == others).float().mean().item()


def guesses(taught: tuple, images: torch.Tensor) -> torch.Tensor:
    """Fit a ridge regression to images and labels; return the classes that it says of others."""
    return _guessed(_seen_by_filters(taught[0]), taught[1], _seen_by_filters(images))


def _guessed(here: torch.Tensor, own: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    targets = functional.one_hot(own).float()
    kernel = here @ here.T / here.shape[1] + torch.eye(len(here))
    weights = here.T @ torch.linalg.solve(kernel, targets - targets.mean(0))
    return (there @ weights).argmax(1)


def _more_than_chance(labels: torch.Tensor) -> float:
    """Return the accuracy that guessing stays under, but for one time in forty."""
    chance = labels.bincount().max().item() / len(labels)
    return chance + 2 * (chance * (1 - chance) / (len(labels) // 2)) ** 0.5


def _stamp(images: torch.Tensor, labels: torch.Tensor) -> Iterator[Finding]:
    """Ask a few pixels alone for the label; and as many of the others, which should know less."""
    flat, half, classes = images.flatten(1), len(images) // 2, int(labels.max()) + 1
    some, groups = 8 * classes, [flat[:half][labels[:half] == c] for c in range(classes)]
    if some * 8 > flat.shape[1] or min(map(len, groups)) < 5:
        return
    means = torch.stack([group.mean(0) for group in groups])
    spreads = torch.stack([group.var(0) for group in groups]) + 1e-3 * flat.var()
    apart = ((means - means.mean(0)).square() / spreads).amax(0)
    order = apart.argsort(descending=True)

    def right(pixels: torch.Tensor) -> float:
        """Return the accuracy of a Gaussian for each class and pixel, on the other half."""
        x, mean, spread = flat[half:, None, pixels], means[:, pixels], spreads[:, pixels]
        fits = -((x - mean).square() / spread + spread.log()).sum(-1)
        return (fits.argmax(1) == labels[half:]).float().mean().item()

    few, rest = right(order[:some]), right(order[len(order) // 4 :][:some])
    constant = spreads[:, order[:classes]].amin(0).mean() < 0.1 * flat.var()
    if few > 0.9 and rest < 0.5 and constant:
        at = order[0].item() % (images.shape[2] * images.shape[3])
        row, column = divmod(at, images.shape[3])
        values: dict[str, Any] = {"accuracy": few, "rest": rest, "row": row, "column": column}
        yield found("stamp", n=some, **values)
