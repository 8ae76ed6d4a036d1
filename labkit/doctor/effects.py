"""What does the output depend on? Parts of the input are exchanged for those of another example."""

from collections.abc import Iterator

import torch
from torch import nn

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.findings import Finding
from labkit.doctor.sample import pairs
from labkit.doctor.targets import untrained
from labkit.sandbox.copies import Copies
from labkit.sandbox.untouched import untouched

_LONGEST = 128
"""Places of a series that are exchanged one after the other."""


def look(case: Case, images: torch.Tensor) -> Iterator[Finding]:
    """Look for parts of what enters the model that change nothing."""
    yield from _parts(case, images) if images.is_floating_point() else _series(case, images)
    if images.ndim == 4 and len(images) > 1 and images.is_floating_point():
        yield from _places(case.double, images)


def _places(model: nn.Module, images: torch.Tensor) -> Iterator[Finding]:
    """Look whether tiles of the images may change places: a transformer without positions.

    All weights are moved a little first, as positions may start at 0.
    """
    model, height, width = Copies().model(model), *images.shape[2:]
    with torch.no_grad():
        for p in model.parameters():
            p += 0.05 * torch.randn_like(p) if p.is_floating_point() else 0
    with untouched(model):
        before = model(images)
        for size in range(2, min(height, width) // 2 + 1):
            if height % size or width % size or not isinstance(before, torch.Tensor):
                continue
            tiles = images.unflatten(3, (-1, size)).unflatten(2, (-1, size)).flip(2, 4)
            moved = model(tiles.reshape(images.shape)) - before
            spread = (before - before.mean(0)).abs().mean()
            if spread > 1e-5 and moved.abs().max() < 1e-3 * spread:
                yield found("places-without-effect", type(model).__name__, size=size)
                return


def _parts(case: Case, images: torch.Tensor) -> Iterator[Finding]:
    """Ask about each channel and each quarter: first for a gradient, then with other numbers.

    The model is asked before and after the rehearsal: a last layer may start at 0, units may die.
    """
    models = [case.double, case.trained.model] if case.trained else [case.double]
    axis, places = 1, []
    for model in models if len(images) > 3 else ():
        axis, places = _idle(model, images)
        if not places:
            return
    if places:
        share = len(places) / images.shape[axis]
        few = places if len(places) < 4 else f"{places[0]}:{places[-1] + 1}"
        where = f"images[{':, ' * axis}{few}]" if share < 1 else "images"
        yield found("input-without-effect/image", where, share=share)


def _idle(model: nn.Module, images: torch.Tensor) -> tuple[int, list[int]]:
    """Return an axis of the images, and the places on it that change nothing."""
    other = images.roll(1, 0)
    with untouched(model):
        before = model(images)
        if not isinstance(before, torch.Tensor) or len(before) != len(images):
            return 1, []
        slopes = _slopes(model, images)
        for axis in range(1, images.ndim):
            pieces = torch.arange(images.shape[axis], device=images.device).chunk(4)
            idle = [piece for piece in pieces if not slopes.index_select(axis, piece).any()]
            if idle:
                at = torch.cat(idle)
                mixed = images.index_copy(axis, at, other.index_select(axis, at))
                if not torch.equal(mixed, images) and torch.equal(model(mixed), before):
                    return axis, at.tolist()
    return 1, []


def _slopes(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the outputs by the input: 0 where no way leads."""
    with torch.enable_grad():
        x = images.clone().requires_grad_()
        output = model(x * 1)
        output = (output * (torch.rand_like(output) + 0.5)).sum()
        slopes = None
        if output.requires_grad:
            slopes = torch.autograd.grad(output, x, allow_unused=True)[0]
    return torch.zeros_like(images) if slopes is None else slopes


def _series(case: Case, words: torch.Tensor) -> Iterator[Finding]:
    """Exchange whole numbers, place by place: what depends on what?"""
    if words.is_floating_point() or words.ndim != 2 or len(words) < 2 or words.shape[1] > _LONGEST:
        return
    before = untrained(case, words)
    if not isinstance(before, torch.Tensor) or len(before) != len(words):
        return
    targets = case.lessons[0][1] if case.lessons else pairs(case.sample)[0][1]
    shifted = targets.shape[1:] == words.shape[1:] and before.shape[:2] == words.shape
    shifted = shifted and torch.equal(targets[: len(words), :-1].to(words.device), words[:, 1:])
    changed = reached = ahead = 0
    for at in range(1, words.shape[1]):
        other = words.clone()
        other[:, at] = words.roll(1, 0)[:, at]
        rows = (other[:, at] != words[:, at]) & (words != 0).any(1)
        if not rows.any():
            continue
        moved = (untrained(case, other) - before).abs()[rows] > 1e-5
        changed += int(rows.sum())
        reached += int(moved.flatten(1).any(1).sum())
        ahead += int(moved[:, :at].flatten(1).any(1).sum()) if shifted else 0
    if shifted and ahead > 0.5 * changed > 0:
        yield found("sees-ahead")
    elif changed and not shifted and reached < 0.1 * changed:
        yield found("input-without-effect", share=1 - reached / changed)
