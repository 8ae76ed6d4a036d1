"""The rules for what is done with a tensor: view, permute, axes not there, changes in place."""

import math
import re
from dataclasses import replace
from itertools import takewhile

import torch

from labkit.inspect.fixes import Fix, before, both, function, path, reach, resized, shape_text, twin
from labkit.inspect.recording import Call, Recording, Step
from labkit.inspect.rules import Diagnosis
from labkit.inspect.wants import JOINS, earlier, want
from labkit.text import _


def _sizes(call: Call) -> tuple:
    sizes = call.arguments[1:] or tuple(call.options.values())
    return tuple(sizes[0]) if sizes and isinstance(sizes[0], (tuple, list)) else tuple(sizes)


def _with(words: str, *sizes: int) -> Fix:
    """Return the fix that gives a method, e.g. view, other sizes."""
    return Fix(words, given=lambda arguments, options: ((arguments[0], *sizes), {}))


def views(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a view or reshape to sizes that do not make up the numbers there are."""
    call, tensors = broken.call, broken.call.tensors
    sizes = _sizes(call)
    if function(call) not in ("view", "reshape") or not tensors:
        return None
    if not sizes or not all(isinstance(size, int) and size for size in sizes):
        return None
    shape, total = tuple(tensors[0].shape), tensors[0].numel()
    known = math.prod(size for size in sizes if size != -1)
    got = _("{shape}, {n} numbers").format(shape=shape_text(shape), n=total)
    if total % known == 0 and (sizes.count(-1) == 1 or total == known):
        text = _("use reshape: this tensor is not stored in one piece")
        made = before(call, text, "x.contiguous()")
        return got, _("a tensor stored in one piece"), made
    expected = _("a multiple of {n} numbers") if -1 in sizes else _("{n} numbers")
    expected = expected.format(n=known)
    if sizes.count(-1) > 1:
        expected = _("-1 at one place at most")
    fixes, name = [], function(call)
    for kept in (sizes[1:], sizes):
        if kept and -1 not in kept and math.prod(kept) == math.prod(shape[1:]):
            written = ", ".join(("len(x)", *map(str, kept)))
            text = _("put the batch first, x.{name}({sizes}): it is {n} here")
            words = text.format(name=name, sizes=written, n=len(x))
            fixes.append(_with(words, len(x), *kept))
    sides, left = math.prod(sizes[2:]), total // len(x)
    if len(sizes) == 4 and sizes[0] in (-1, len(x)) and sides > 0 and left % sides == 0 < left:
        text = _("put the batch first, x.{name}({sizes}): it is {n} here")
        kept = (left // sides, *sizes[2:])
        written = ", ".join(("len(x)", *map(str, kept)))
        fixes.append(_with(text.format(name=name, sizes=written, n=len(x)), len(x), *kept))
    size = math.prod(shape[1:])
    if not fixes and len(sizes) == 2:
        words = _("write torch.flatten(x, 1), and give the next linear layer in_features={n}")
        fixes = [_with(words.format(n=size), shape[0], size)]
    if len(sizes) > 2 and total // shape[1] * sizes[1] == known:  # only the channels differ
        fixes += earlier(broken, broken.sources[0], shape[1], sizes[1])
    if len(sizes) > 3 and -1 not in sizes and len(shape) == 4 and sizes[-2:] == shape[-2:]:
        n = known * shape[1] // max(total, 1)  # anchors * 5 + classes for anchors * (5 + classes)
        more = earlier(broken, broken.sources[0], shape[1], n) if n > shape[1] else []
        fixes += [replace(fix, certain=True) for fix in more]
    return got, expected, fixes or _regrouped(broken, x, shape, sizes)


def _regrouped(broken: Recording, x: torch.Tensor, shape: tuple, sizes: tuple) -> list[Fix]:
    """Return the fix of a view that splits or joins axes: the sizes in the middle that differ."""
    pairs = zip(shape, sizes, strict=False), zip(shape[::-1], sizes[::-1], strict=False)
    head, tail = (len(list(takewhile(lambda pair: pair[0] == pair[1], both))) for both in pairs)
    middle, total = sizes[head : len(sizes) - tail], math.prod(shape[head : len(shape) - tail])
    if not middle or -1 in middle:
        return []
    text = _("in place of {middle}, choose sizes whose product is {n}")
    words = text.format(middle=" x ".join(map(str, middle)), n=total)
    tried = _divided(broken, middle, total)
    if head == len(shape) - 1 and not tail:  # the layer before it gives too few, or too many
        tried += earlier(broken, broken.sources[0], shape[-1], math.prod(middle))
    return [fix for fix in tried if reach(fix, broken, x)] or [
        _with(words, *sizes[:head], *[1] * (len(middle) - 1), total, *sizes[len(sizes) - tail :])
    ]


def _divided(broken: Recording, middle: tuple[int, ...], total: int) -> list[Fix]:
    """Return the fixes of a number of heads or groups that does not divide what it is to split."""
    name = broken.call.name.partition(": ")[0] if ": " in broken.call.name else ""
    owner, fixes = broken.model.get_submodule(name), []
    known = {k: n for k, n in vars(owner).items() if type(n) is int and 1 < n and n in middle}
    for key, n in known.items():
        for other in sorted(
            (d for d in range(1, total) if total % d == 0), key=lambda d: abs(d - n)
        )[:6]:
            changes = {key: other}
            for beside, size in known.items():  # dim // heads, where it is kept, too
                whole = total // (math.prod(middle) // (n * size)) if beside != key else 1
                if whole // n == size and whole % other == 0:
                    changes[beside] = whole // other
            words = ", ".join(f"{k}={v}" for k, v in changes.items())
            text = _("set {change} in {layer}")
            words = text.format(change=words, layer=path(name) if name else "model")
            fixes.append(Fix(words, {name: twin(owner, **changes)}))
    return fixes


def permutes(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose an order of axes that leaves some out, or names some that are not there."""
    call, tensors = broken.call, broken.call.tensors
    if function(call) != "permute" or not tensors:
        return None
    axes, order = tensors[0].ndim, _sizes(call)
    if not all(isinstance(axis, int) for axis in order) or len(order) == axes:
        return None
    text = _("name them all, x.permute({order})")
    whole = [axis for axis in order if axis < axes]
    whole += [axis for axis in range(axes) if axis not in whole]
    turned = [(0, *range(n, axes), *range(1, n)) for n in range(2, axes)]
    wholes = [whole] * (len(whole) == axes) + turned
    fixes = [_with(text.format(order=", ".join(map(str, w))), *w) for w in wholes]
    return shape_text(tensors[0].shape), _("an order of {n} axes").format(n=axes), fixes


def no_such_axis(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose an axis beyond the last one."""
    call, error = broken.call, broken.error
    if not isinstance(error, IndexError) or not call.tensors:
        return None
    found = re.search(r"range of \[-\d+, (\d+)\], but got (-?\d+)", str(error))
    if not found:
        return None
    last, axis = map(int, found.groups())
    shape, summed = call.tensors[0].shape, "softmax" in (function(call) + call.kind).lower()
    expected = _("a tensor that has an axis {axis}").format(axis=axis)
    words = _("take axis {last}, the last one: dim={last}").format(last=last)
    if summed and last < len(shape) and shape[last] == 1 < last:  # a softmax of one number is 1
        last -= 1
        words = _("set {change} in {layer}").format(change=f"dim={last}", layer=broken.place)
    fixes = resized(call, dim=last) if hasattr(call.module, "dim") else []
    return shape_text(call.tensors[0].shape), expected, fixes or [_dimension(words, axis, last)]


def _dimension(words: str, axis: int, last: int) -> Fix:
    def given(arguments: tuple, options: dict) -> tuple[tuple, dict]:
        places = (instead(item) for item in arguments[1:])
        return (*arguments[:1], *places), {name: instead(item) for name, item in options.items()}

    def instead(item):
        if isinstance(item, (tuple, list)) and axis in item and last in item:
            return tuple(n for n in item if n != axis)
        return last if type(item) is int and item == axis else item

    return Fix(words, given=given)


def in_place(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a change in place of what may not be changed: a parameter, an expanded tensor."""
    call, text = broken.call, str(broken.error)
    if "in-place operation" not in text and "single memory location" not in text:
        return None
    expected, name = _("a tensor that may be changed in place"), function(call)
    got = both(tensor.shape for tensor in call.tensors)
    fixes = before(call, _("change a copy, {x}"), "x.clone()")
    if name.endswith("_") and not name.startswith("_"):
        text = _("make a new tensor: {name} without the underscore, or x = x + y for x += y")
        fixes = [replace(fix, words=text.format(name=name.strip("_"))) for fix in fixes]
    return got, expected, fixes


def batch_lost(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a squeeze() or a mean() that took the batch away, too."""
    call, tensors = broken.call, broken.call.tensors
    lost_here = isinstance(broken.error, IndexError) or function(call) in JOINS
    if not tensors or not (want(call) or call.module or lost_here):
        return None
    expected = _("a batch, also of one image")
    if not tensors[0].ndim:
        text = _("name the axes of the step that made one number of all, as in x.mean((2, 3))")
        return _("one number, of no axes"), expected, [Fix(text)]
    for step in broken.back(broken.sources[0]):
        if _bare(step) and step.inputs[0][:1] == (1,) == x.shape[:1]:
            ones = [n for n, size in enumerate(step.inputs[0]) if size == 1 and n]
            if x.ndim == len(step.inputs[0]) and x.shape[1] == step.inputs[0][1] == 1:
                ones.remove(1)  # the one channel that the image came with
            axes = ones[0] if len(ones) == 1 else tuple(ones)
            text = _("name the axes, x.squeeze({axes}): without them the batch of one goes, too")
            text = text.format(axes=axes)
            if not ones:
                text = _("leave {layer} out: it takes the batch of one away")
                text = text.format(layer=step.layer)
            alike = (broken.steps[n] for n in broken.way)
            at = tuple(s.layer for s in alike if _bare(s) and s.inputs == step.inputs)
            fixes = [
                Fix(text, given=lambda given, _o, kept=tuple(ones): ((given[0], kept), {}), at=at)
            ]
            return shape_text(tensors[0].shape), expected, fixes
    return None


def _bare(step: Step) -> bool:
    """Tell whether a step is squeeze() without the axes that it may take."""
    alone = len(step.call.arguments) == 1 and not step.call.options
    return function(step.call) == "squeeze" and alone
