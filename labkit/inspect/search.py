"""The last resort, where no rule and no edit of a line has a fix, e.g. of a module without source.

Small changes of what a call is given are tried in turn: first the call alone, which takes no time,
then the whole pass.
"""

import math
from collections.abc import Callable, Generator
from itertools import combinations, islice
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.utils import _pytree as pytree

from labkit.inspect.fixes import Fix, computes, function, path, shape_text, twin
from labkit.inspect.joins import SUMS
from labkit.inspect.recording import Call, Recording, is_layer
from labkit.inspect.wants import want
from labkit.text import _

_TRIED = 24  # whole passes at most


def edits(broken: Recording) -> list[Fix]:
    """Return the changes with which the call that broke computes, the likeliest first."""
    call = broken.broken
    known = call and (call.module is None or is_layer(call.module))
    return list(islice(_computing(broken, call), _TRIED)) if call and known else []


def _computing(broken: Recording, call: Call) -> Generator[Fix]:
    run = call.module or call.function
    first = getattr(call.module, "batch_first", None)
    if first is not None:
        change, other = f"batch_first={not first}", twin(call.module, batch_first=not first)
        words = _("set {change} in {layer}").format(change=change, layer=path(call.name, call))
        if computes(_run, other, call.arguments, call.options):
            yield Fix(words, {call.name: other})
    leaves, _form = pytree.tree_flatten((call.arguments, call.options))
    tensors = [n for n, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
    groups = [[n] for n in tensors]
    for n in tensors:  # both halves of an LSTM's state, all that are joined
        alike = [m for m in tensors if leaves[m].shape == leaves[n].shape]
        groups += [alike] if len(alike) > 1 and alike[0] == n else []
    channels = {m.in_channels for m in broken.model.modules() if isinstance(m, _ConvNd)}
    text = _("give it {x}, where x is the tensor {shape}")
    tried = []
    for group in groups:
        x, shape = leaves[group[0]], shape_text(leaves[group[0]].shape)
        tried += [
            (group, text.format(x=e, shape=shape), e) for e in _expressions(x, call, channels)
        ]
    for group, words, expression in tried:
        given = _at(group, expression)
        if computes(lambda given=given: _run(run, *given(call.arguments, call.options))):
            yield Fix(words, given=given)


def _run(function: Callable, arguments: tuple, options: dict) -> Any:
    return function(*arguments, **options)


def _at(places: list[int], expression: str) -> Callable:
    """Return the change of the tensors at some places among all that a call is given."""

    def given(arguments: tuple, options: dict) -> tuple[tuple, dict]:
        leaves, form = pytree.tree_flatten((arguments, options))
        for n in places:
            leaves[n] = eval(expression, {"torch": torch, "x": leaves[n]})
        return pytree.tree_unflatten(leaves, form)

    return given


def _expressions(x: torch.Tensor, call: Call, channels: set[int]) -> Generator[str]:
    """Yield what may have been meant by a tensor instead, as Python."""
    if isinstance(x, nn.Parameter):
        return
    types = dict.fromkeys([*(t.dtype for t in call.tensors), torch.long, torch.bool])
    yield from (f"x.to({dtype})" for dtype in types if dtype != x.dtype)
    wanted = want(call)
    counts = channels if wanted is None else {wanted.count} if wanted.axis == 1 else set()
    for count in sorted(counts) if x.ndim == 2 else ():
        side = math.isqrt(x.shape[1] // count)
        if side**2 * count == x.shape[1]:
            yield f"x.unflatten(1, {(count, side, side)})"
    if x.ndim == 3 and math.isqrt(x.shape[1]) ** 2 == x.shape[1] > 1:
        side = math.isqrt(x.shape[1])
        yield f"x.transpose(1, 2).unflatten(2, {(side, side)})"
    if x.ndim == 4:
        yield from ("x.permute(0, 2, 3, 1)", "x.permute(0, 3, 1, 2)")
    for pair in sorted(combinations(range(x.ndim), 2), reverse=True):
        yield f"x.transpose{pair}"
    if function(call).strip("_") in SUMS:  # which takes almost any other number of axes
        return
    if x.ndim == 4:
        yield from ("x.flatten(2).transpose(1, 2)", "x.flatten(1)")
    yield from ("x.unsqueeze(1)", "x.unsqueeze(-1)", "x[:, :, None, None]", "x.unsqueeze(0)")
    yield from (f"x.squeeze({n})" for n, size in enumerate(x.shape) if size == 1 and n)
