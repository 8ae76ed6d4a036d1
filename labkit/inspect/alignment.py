"""The rules for tensors whose axes do not line up: one is missing, too long, or split wrongly."""

import math

import torch

from labkit.inspect.fixes import Fix, before, both, function, reach, shape_text
from labkit.inspect.recording import Call, Recording
from labkit.inspect.rules import Diagnosis
from labkit.inspect.wants import JOINS, expected_by, want
from labkit.text import _


def lacking(call: Call, shape: tuple, other: tuple, place: int) -> list[Fix]:
    """Return the fix of a tensor that lacks an axis of the other, as a query that meets keys."""
    axes = range(1, len(other)) if len(shape) == len(other) - 1 else ()
    text = _("give {shape} the axis that it lacks, {x}").format(shape=list(shape), x="{x}")
    fits = [axis for axis in axes if shape == other[:axis] + other[axis + 1 :]]
    return [fix for axis in fits[:1] for fix in before(call, text, f"x.unsqueeze({axis})", place)]


def too_long(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a mask or a table that is kept for the longest input, and that was not cut."""
    call, tensors = broken.call, broken.call.tensors
    if "must match the size of tensor" not in str(broken.error) or len(tensors) < 2:
        return None
    own = {id(p) for p in (*broken.model.parameters(), *broken.model.buffers())}
    shapes = [tuple(tensor.shape) for tensor in tensors[:2]]
    for place in (1, 0):
        source = broken.sources[place]
        made_of = [tensors[place]] if source is None else broken.steps[source].call.tensors
        pairs = list(zip(shapes[place], shapes[1 - place], strict=False))
        longer = [a - b for a, b in pairs if a != b and 1 not in (a, b)]
        kept = all(id(t) in own or id(t._base) in own for t in made_of)
        if kept and len(set(map(len, shapes))) == 1 and longer and min(longer) > 1:  # 1: a token
            index = ", ".join(":" if a == b or 1 in (a, b) else f":{b}" for a, b in pairs)
            text = _("cut {shape} to the size of the other, {x}")
            text = text.format(shape=list(shapes[place]), x="{x}")
            fixes = before(call, text, f"x[{index}]", place)
            return both(shapes), _("shapes that agree, axis by axis"), fixes
    return None


def stacked(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose maps without a channel axis that were put one below the other, and not stacked."""
    wanted, way = want(broken.call), broken.way[:1]
    if wanted is None or wanted.axis != 1 or not way or not broken.call.tensors:
        return None
    step = broken.steps[way[0]]
    flat = all(len(part) == x.ndim - 1 and part[0] == len(x) for part in step.inputs)
    if function(step.call) not in JOINS or len(step.inputs) != wanted.count or not flat:
        return None

    def given(arguments: tuple, options: dict) -> tuple[tuple, dict]:
        return ([part.unsqueeze(1) for part in arguments[0]], 1), {}

    text = _("join them with torch.stack(..., dim=1): these maps have no channel axis")
    fix = Fix(text, given=given, at=(step.layer,), certain=True)
    got = shape_text(broken.call.tensors[0].shape)
    return got, expected_by(broken.call, wanted), [fix]


def swollen(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a view that makes more or fewer rows than there are images."""
    for step in (broken.steps[n] for n in broken.way if broken.call.tensors):
        rows = step.inputs[0][:1] == (len(x),) != step.shape[:1] if step.inputs else False
        if function(step.call) not in ("view", "reshape") or not rows or len(step.shape) < 2:
            continue
        n, left = divmod(math.prod(step.inputs[0][1:]), math.prod(step.shape[2:]))
        sizes = (-1, n, *step.shape[2:])

        def given(arguments: tuple, options: dict, sizes=sizes) -> tuple[tuple, dict]:
            return (arguments[0], *sizes), {}

        text = _("write x.{name}({sizes}): {layer} turned {n} images into {rows} rows")
        shown = ", ".join(map(str, sizes)) if len(sizes) > 2 else "len(x), -1"
        written = {"name": function(step.call), "sizes": shown}
        words = text.format(**written, layer=step.layer, rows=step.shape[0], n=len(x))
        fix = Fix(words, given=given, at=(step.layer,), certain=True)
        if left or reach(fix, broken, x) < math.inf:
            return None
        got = shape_text(broken.call.tensors[0].shape)
        return got, _("a batch of {n}").format(n=len(x)), [fix]
    return None


def turned(call: Call, first: tuple, second: tuple) -> list[Fix]:
    """Return the fix of a product of matrices whose factors are in the wrong order."""
    if len(first) != len(second) or first[-2] != second[-1]:
        return []
    text = _("multiply the other way round, {second} by {first}: the order matters")
    words = text.format(first=list(first), second=list(second))
    return [Fix(words, given=lambda old, options: ((old[1], old[0], *old[2:]), options))]
