"""Is an edit sound? The whole pass runs with it, and what an image gives is its own."""

import math
import time
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from labkit.inspect.fixes import Fix, changed
from labkit.inspect.recording import Recording, is_layer

_SECONDS = 2.0
"""Of its own work, so that a busy computer says the same."""


def sound(
    tried: list[tuple[float, Fix]],
    broken: Recording,
    x: torch.Tensor,
    above: float,
    most: float,
    strict: bool = True,
) -> list[Fix]:
    """Return the likeliest edit with which the whole pass runs and keeps the images apart.

    tried: edits with their costs, the likeliest first
    broken, x: the pass that broke, and its input
    above, most: the costs that are tried, from more than the one to no more than the other
    strict: whether each image is to have a row of scores, or a map, of its own
    """
    until, known = time.thread_time() + _SECONDS, set()
    for cost, fix in tried:
        if cost > most or time.thread_time() > until:
            break
        if cost > above and fix.words not in known and _is_sound(fix, broken, x, strict):
            return [fix]
        known.add(fix.words)
    return []


def _is_sound(fix: Fix, broken: Recording, x: torch.Tensor, strict: bool) -> bool:
    """Tell whether the pass runs, and what it gives for each image depends on that image alone."""
    needed = _needed(broken.model)
    with changed(fix, replace(broken, live=broken.live or frozenset()), x) as (again, _fed):
        outputs = tensors_of(again.output)
    if again.error or not outputs or not all(all(step.shape) for step in again.steps):
        return False
    rows = all(len(out.shape) and len(out) == len(x) for out in outputs)
    if strict and not (rows and outputs[0].ndim in (2, x.ndim)):
        return False
    with torch.enable_grad():
        wholes = [out.sum() for out in outputs if out.requires_grad]
        if needed and not wholes:
            return False
        try:
            slopes = torch.autograd.grad(wholes, needed, allow_unused=True) if needed else ()
        except RuntimeError:  # what the edit changes in place was needed as it was
            return False
    if any(slope is None for slope in slopes):
        return False
    if x.is_meta:
        return outputs[0].ndim == 2
    images, calm = x if len(x) > 1 else torch.cat((x, x)), replace(broken, live=None)
    numbers = x.is_floating_point() and ".long()" not in fix.words
    before = None if numbers else _answers(fix, calm, images)
    for place in (0, len(images) - 1):
        spoilt, own = images.clone(), [n == place for n in range(len(images))]
        spoilt[place] = math.nan if numbers else images.flip(0)[place].roll(1, -1)
        after = _answers(fix, calm, spoilt)
        if before is not None and len(after) != len(before):
            return False
        if before is not None:  # whole numbers cannot be NaN: where has the answer changed?
            after = [torch.where(a == b, 0.0, math.nan) for a, b in zip(after, before, strict=True)]
            own = own if any(out.isnan().any() for out in after) else [False] * len(own)
        if not after or not all(touched(out, own) for out in after):
            return False
    return True


def _answers(fix: Fix, broken: Recording, images: torch.Tensor) -> list[torch.Tensor]:
    with changed(fix, broken, images) as (again, _fed):
        return [] if again.error else tensors_of(again.output)


def tensors_of(output: Any) -> list[torch.Tensor]:
    """Return the tensors of floats in what a model returned."""
    leaves = pytree.tree_leaves(output)
    return [x for x in leaves if isinstance(x, torch.Tensor) and x.is_floating_point()]


def touched(out: torch.Tensor, own: list[bool]) -> bool:
    """Tell whether along some axis just one image's place was touched, the first one if it fits."""
    axes = [axis for axis, size in enumerate(out.shape) if size == len(own)]
    rows = (out.isnan().movedim(axis, 0).flatten(1) for axis in axes if out.ndim > 1)
    return any(row.any(1).tolist() == own for row in rows) or out.isnan().tolist() == own


def _needed(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters to train of all that the model's own forward names."""
    used = getattr(type(model).forward, "__code__", _needed.__code__).co_names
    named = [(name.partition(".")[0], p) for name, p in model.named_parameters()]
    every = is_layer(model) or isinstance(model, nn.Sequential)
    return [p for name, p in named if p.requires_grad and (every or name in used)]
