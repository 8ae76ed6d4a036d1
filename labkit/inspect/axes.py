"""Changes of an earlier step, tried one by one: other axes, an axis kept, a permute left out.

Where a layer gets the wrong number, replacing the layer always lets it run. It is right only if
no step before it took the wrong axis; that is why these are tried first.
"""

import math
from collections.abc import Generator
from itertools import combinations, islice, permutations

import torch
from torch import nn

from labkit.inspect.fixes import Fix, argument, function, reach, resized
from labkit.inspect.recording import Recording, Step
from labkit.text import _

TURNS = ("permute", "transpose", "swapaxes", "swapdims", "movedim")
_REDUCES = ("mean", "sum", "amax", "amin", "max", "min", "std", "var")
_TRIED = 24  # passes at most


def otherwise(broken: Recording, x: torch.Tensor) -> list[Fix]:
    """Return the first change of a step before the break with which the whole pass runs.

    All layers stay as they are. None where no change of those tried does it.
    """
    steps = (broken.steps[number] for number in way(broken))
    tried = islice((fix for step in steps for fix in _variants(step, len(x))), _TRIED)
    return list(islice((fix for fix in tried if reach(fix, broken, x) == math.inf), 1))


def way(broken: Recording) -> list[int]:
    """Return the numbers of the steps that lead to the call that broke, the nearest first."""
    found, ahead = [], [n for n in broken.sources if n is not None]
    while ahead:
        number = max(ahead)
        found.append(number)
        more = [n for n in broken.steps[number].sources if n is not None]
        ahead = [*{*ahead, *more} - {number}]
    return found


def _variants(step: Step, batch: int) -> Generator[Fix]:
    """Yield what may have been meant by a step instead."""
    name, call = function(step.call).strip("_"), step.call
    axes = len(step.inputs[0]) if step.inputs else 0
    if name in TURNS:
        stay = tuple(range(axes)) if name == "permute" else (0, 0)
        text = _("leave {layer} out: the model runs without it").format(layer=step.layer)
        yield _with(step, text, stay)
        if name == "permute" and 2 < axes < 5:
            for order in permutations(range(1, axes)):
                yield _with(step, written(step, f"dims={(0, *order)}"), (0, *order))
    elif name in _REDUCES and argument(call, 1, "dim") is not None:
        given = argument(call, 1, "dim")
        old = {axis % axes for axis in ((given,) if isinstance(given, int) else given)}
        yield _with(step, written(step, "keepdim=True"), (given,), keepdim=True)
        for new in combinations(range(1, axes), len(old)):
            if {*new} != old and not (axes == 4 and 1 in new and 1 not in old):
                dim = new[0] if isinstance(given, int) else new
                yield _with(step, written(step, f"dim={dim}"), (dim,))
    elif name in ("expand", "repeat") and call.arguments[1:2] > (1,) != (batch,):
        sizes = call.arguments[2:]
        text = _("put the batch first, x.{name}({sizes}): it is {n} here")
        shown = ", ".join(map(str, ("len(x)", *sizes)))
        yield _with(step, text.format(name=name, sizes=shown, n=batch), (batch, *sizes))
    elif name == "unsqueeze":
        for dim in range(axes + 1):
            yield _with(step, written(step, f"dim={dim}"), (dim,))
    elif name in ("cat", "concat"):
        if (argument(call, 1, "dim") or 0) % axes != 1 < axes:
            yield _with(step, written(step, "dim=1"), (1,))
    elif name == "getitem" and isinstance(call.arguments[1], tuple):
        yield from _kept(step, call.arguments[1])
    elif isinstance(call.module, (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)):
        sizes = call.module.output_size
        if isinstance(sizes, tuple) and sizes[0] != sizes[1]:
            for size in (1, sizes[::-1]):
                yield from resized(call, output_size=size)


def written(step: Step, change: str) -> str:
    """Say what to set in a call of a function."""
    return _("set {change} in {layer}").format(change=change, layer=step.layer)


def _with(step: Step, words: str, arguments: tuple, **options) -> Fix:
    """Return the fix that gives a function other arguments behind its tensor."""
    return Fix(words, given=lambda given, old: ((given[0], *arguments), options), at=(step.layer,))


def _kept(step: Step, index: tuple) -> Generator[Fix]:
    """Yield the fixes of x[:, 3], which loses the axis that x[:, 3:4] keeps."""
    for place, item in enumerate(index):
        if isinstance(item, int) and place and all(isinstance(i, (int, slice)) for i in index):
            kept = (*index[:place], slice(item, item + 1 or None), *index[place + 1 :])
            text = _("write {x}, which keeps the axis").format(x=f"x[{', '.join(map(_cut, kept))}]")
            yield _with(step, text, (kept,))


def _cut(item: int | slice) -> str:
    if isinstance(item, int):
        return str(item)
    ends = ["" if end is None else str(end) for end in (item.start, item.stop)]
    return ":".join(ends if item.step is None else [*ends, str(item.step)])
