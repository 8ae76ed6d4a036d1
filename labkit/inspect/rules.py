"""The rules for layers: how many numbers each wants, along which axis, and of which kind.

A rule takes the recording of a forward pass that broke and what was fed in. It returns what the
layer got, what it expected and the fixes to try; None where it does not apply.
"""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from labkit.inspect.fixes import (
    Fix,
    argument,
    before,
    function,
    made,
    of_size,
    resized,
    shape_text,
    swapped,
)
from labkit.inspect.recording import Call, Recording, Step
from labkit.inspect.wants import OUTPUTS, Want, earlier, expected_by, want
from labkit.text import _

Diagnosis = tuple[str, str, list[Fix]] | None


_AXES = {"1d": (2, 3), "2d": (3, 4), "3d": (4, 5)}
_GIVEN = ("in_channels", "out_channels", "kernel_size", "num_features", "output_size", "p")


def counts(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a layer that was given another number of channels or features than it wants."""
    call, tensors = broken.call, broken.call.tensors
    wanted = want(call)
    if not wanted or not tensors or not tensors[0].ndim:
        return None
    shape, module = tuple(tensors[0].shape), call.module
    name, n = wanted.name, wanted.count
    axes = _AXES.get(call.kind[-2:], ())
    if isinstance(module, _NormBase):
        axes = {"1d": (2, 3), "2d": (4,), "3d": (5,)}[call.kind[-2:]] if axes else ()
    axis = len(shape) - 3 if isinstance(module, nn.Conv2d) and len(shape) == 3 else wanted.axis
    known = -len(shape) <= axis < len(shape)
    if known and shape[axis] == n and (not axes or len(shape) in axes):
        return None
    expected = expected_by(call, wanted)
    got = shape_text(shape)
    if name == "in_features" and len(shape) == 1 < x.ndim:
        got = _("{shape}, all images in one row").format(shape=got)
    elif name == "in_features" and len(shape) > 2:
        got = _("{shape}, {n} numbers per image").format(shape=got, n=math.prod(shape[1:]))
    fixes = _moved(broken, wanted, x)
    if axes and len(shape) not in axes:
        return got, expected, fixes + _other_kind(call, shape)
    again = _used_again(broken, axis, n)
    if again:
        return got, expected, again
    if name == "input_size" and len(shape) == 2 and shape[0] == len(x) and shape[1] % n == 0:
        fixes += _in_steps(call, n)
    groups = getattr(module, "num_groups", 1)
    if known and shape[axis] != n:
        if name == "normalized_shape" and len(shape) == 4 and shape[1] == n:
            return got, expected, fixes + _norm_of_maps(call, n)
        if name == "normalized_shape":
            size = shape[-len(module.normalized_shape) :]
            fixes += resized(call, normalized_shape=size[0] if len(size) == 1 else list(size))
        elif not _is_channels_last(wanted, shape):
            many = _as_many(call, name, shape[axis], groups)
            fixes += [replace(fix, certain=_in_rows(broken)) for fix in many]
        fixes += swapped(broken)
        mistyped = earlier(broken, broken.sources[0], shape[axis], n)
        for step in (broken.steps[n] for n in broken.way):  # pooled along one axis alone
            size = getattr(step.call.module, "output_size", 1)
            if isinstance(size, tuple) and len({*size}) > 1:
                for other in (size[::-1], 1):
                    fixes = resized(step.call, output_size=other) + fixes
        uneven = any(_is_uneven(broken.steps[n]) for n in broken.way)
        odd = uneven or shape[axis] % 2 > n % 2  # 65 is no 64
        fixes = mistyped + fixes if odd else fixes + mistyped
    return got, expected, fixes


def _is_channels_last(wanted: Want, shape: tuple[int, ...]) -> bool:
    """Tell whether a side of the image, and no channels, stands where they are wanted."""
    if len(shape) != 4:
        return False
    if wanted.axis == 1:
        return shape[3] == wanted.count and shape[1] == shape[2]
    return wanted.name == "in_features" and shape[2] == shape[3]


def _is_uneven(step: Step) -> bool:
    """Tell whether a step is chunk() with parts that are not alike, or turns channels to pixels."""
    if isinstance(step.call.module, nn.PixelShuffle):
        return True
    parts = argument(step.call, 1, "chunks") if function(step.call) == "chunk" else 1
    return bool(step.inputs and step.inputs[0][-1] % (parts or 1))


def _used_again(broken: Recording, axis: int, n: int) -> list[Fix]:
    """Return the fix of a call that should not be, or that should get what the last step gave."""
    call, last = broken.call, broken.steps[-1] if broken.steps else None
    if call.module and any(step.call.module is call.module for step in broken.steps):
        text = _("leave out this second call of {layer}, or call another layer here")
        return [Fix(text.format(layer=call.name))]
    skipped = last and broken.sources[0] is None and -len(last.shape) <= axis < len(last.shape)
    kept = isinstance(call.tensors[0], nn.Parameter)
    if kept or not skipped or last.shape[axis] != n or call.tensors[0].ndim != len(last.shape):
        return []
    text = _("give it what {layer} gave, and not the input again").format(layer=last.layer)
    return before(call, text, f"x.new_zeros({last.shape})")


def _as_many(call: Call, name: str, size: int, groups: int) -> list[Fix]:
    """Return the fix that gives the layer as many inputs as it got."""
    module = call.module
    swapped = []
    for kind, out in OUTPUTS:  # nn.Linear(10, 784) for nn.Linear(784, 10)
        if isinstance(module, kind) and getattr(module, out) == size and name.startswith("in_"):
            both: dict[str, Any] = {name: size, out: getattr(module, name)}
            swapped = resized(call, **both)
    changes: dict[str, Any] = {name: size}
    if groups != 1 and size % groups:
        changes = {"num_groups": math.gcd(groups, size), **changes}
    split = getattr(module, "groups", 1)
    if split == getattr(module, "in_channels", 0) != 1 and split != 1:  # depthwise
        outputs = getattr(module, "out_channels", split)
        changes.update(out_channels=size * (outputs // split), groups=size)
        if outputs % size == 0 != outputs - changes["out_channels"]:  # its outputs may be right
            swapped = resized(call, **{**changes, "out_channels": outputs})
    elif size % split:
        changes["groups"] = 1
    return swapped + resized(call, **changes)


def _moved(broken: Recording, wanted: Want, x: torch.Tensor) -> list[Fix]:
    """Return the fixes that give the layer the same numbers in another order."""
    call, n = broken.call, wanted.count
    shape = tuple(call.tensors[0].shape)
    if wanted.name == "in_features":
        return _flattened(broken, n, x)
    fixes = []
    if wanted.axis == 1:
        looks = len(shape) != 4 or abs(shape[1] - shape[2]) <= abs(shape[2] - shape[3])
        if len(shape) in (3, 4) and shape[-1] == n and looks:  # the other two are the sides
            order = "0, 3, 1, 2" if len(shape) == 4 else "0, 2, 1"
            text = _("move the channels to axis 1 first, {x}")
            fixes += before(call, text, f"x.permute({order})")
        if len(shape) == 5 and shape[1] != n == shape[2] and isinstance(call.module, nn.Conv3d):
            text = _("move the channels to axis 1 first, {x}")
            fixes += before(call, text, "x.transpose(1, 2)")
        if len(shape) == 3 and x.ndim == 4 and len(x) == shape[0] and n == 1:
            text = _("give each image its channel axis, x.unsqueeze(1)")
            fixes += before(call, text, "x.unsqueeze(1)")
        made = None if broken.sources[0] is None else broken.steps[broken.sources[0]].call
        if len(shape) == 5 and made and function(made) == "stack":
            text = _("join the channels with torch.cat(..., dim=1) in place of torch.stack")
            along = argument(made, 1, "dim") or 0
            fixes += before(call, text, f"x.movedim({along}, 1).flatten(1, 2)")
        if len(shape) == 5:
            fixes += before(call, _("leave out the axis that is too much, {x}"), "x.squeeze(1)")
    elif len(shape) in (3, 4) and shape[1] == n and not _in_rows(broken):
        order = "0, 2, 3, 1" if len(shape) == 4 else "0, 2, 1"
        fixes += before(call, _("move the channels to the end first, {x}"), f"x.permute({order})")
    return fixes


def _in_rows(broken: Recording) -> bool:
    """Tell whether what is given to an RNN was put in order by hand."""
    made = [function(broken.steps[n].call) for n in broken.way[:2]]
    ordered = made[:1] == ["flatten"] and made[-1] in ("permute", "transpose", "movedim")
    by_hand = made[:1] in (["view"], ["reshape"]) or ordered
    return isinstance(broken.call.module, nn.RNNBase) and by_hand


def _in_steps(call: Call, n: int) -> list[Fix]:
    """Return the fix of an RNN that gets the numbers of all its steps in one row."""
    if not call.module.batch_first:
        return []
    text = _("give each step its {n} numbers, {x}").format(n=n, x="{x}")
    fixes = before(call, text, f"x.view(len(x), -1, {n})")
    return [replace(fix, certain=True) for fix in fixes]


def _flattened(broken: Recording, n: int, x: torch.Tensor) -> list[Fix]:
    """Return the fixes of a linear layer that wants the numbers of an image in one row."""
    call = broken.call
    shape, fixes = tuple(call.tensors[0].shape), []
    if len(shape) == 1 < x.ndim:
        text = _("write torch.flatten(x, 1): without the 1 the batch is flattened too")
        fixes = before(call, text, f"x.reshape({len(x)}, -1)")
        size = shape[0] // len(x)
    else:
        size = math.prod(shape[1:])
        if len(shape) == 4 and shape[1] == n and call.module and _is_pooled(broken, call):
            return _other_kind(call, shape, "Conv2d", f"{n}, {call.module.out_features}, 1")
        if len(shape) == 4 and shape[1] == n and size != n:
            fixes += before(call, _("average each map first, {x}"), "x.mean((2, 3))")
        if len(shape) in (3, 4) and shape[1] == n and size != n:
            order = "0, 2, 3, 1" if len(shape) == 4 else "0, 2, 1"
            text = _("move the channels to the end first, {x}")
            return fixes + before(call, text, f"x.permute({order})")
        if len(shape) > 3 or (len(shape) == 3 and size == n):
            text = _("put {x} before it")
            if isinstance(_parent(broken, call), nn.Sequential):
                text = text.format(x="nn.Flatten()")
            fixes = before(call, text, "torch.flatten(x, 1)")
    if fixes and size != n and call.module:
        fixes = [first & second for first in fixes for second in resized(call, in_features=size)]
    if len(shape) == 4 and shape[1] * shape[3] == n != size and shape[2] != shape[3]:
        text = _("join the heads of attention first, {x}")
        fixes = before(call, text, "x.transpose(1, 2).flatten(2)") + fixes
    if x.ndim == 4 and x.shape[2] != x.shape[3] and size != n:  # Resize(64) keeps them oblong
        fixes = [of_size(min(x.shape[2:]), min(x.shape[2:])), *fixes]
    return fixes


def _parent(broken: Recording, call: Call) -> nn.Module:
    """Return the module that holds a layer; the model, if a function was called."""
    held = call.name.rpartition(".")[0] if call.module else ""
    return broken.model.get_submodule(held)


def _is_pooled(broken: Recording, call: Call) -> bool:
    """Tell whether a pooling comes behind a layer, as in the head of a SqueezeNet."""
    own = call.name.rpartition(".")[2]
    beside = dict(_parent(broken, call).named_children())
    behind = [*beside][[*beside].index(own) + 1 :] if own.isdigit() else []
    return any("Pool" in type(beside[key]).__name__ for key in behind)


def _other_kind(
    call: Call, shape: tuple[int, ...], kind: str | None = None, line: str = ""
) -> list[Fix]:
    """Return the fix of a layer for images that is written for sequences, or the reverse."""
    kind = kind or f"{call.kind[:-2]}{max(len(shape) - 2, 1)}d"
    if not call.module or not hasattr(nn, kind) or not len(shape) > 1:
        return []
    given = (getattr(call.module, name, None) for name in _GIVEN)
    given = (n[0] if isinstance(n, tuple) else n for n in given if n is not None)
    line = line or ", ".join(map(str, given))
    layer = made(kind, line, next(call.module.parameters(), None))
    text = _("write nn.{kind}({line}), which takes {n} axes")
    return [Fix(text.format(kind=kind, line=line, n=len(shape)), {call.name: layer})]


def axes(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a pooling or dropout of maps that is given sequences, or the reverse."""
    call, expected = broken.call, _AXES.get(broken.call.kind[-2:], ())
    if not call.module or not expected or not call.tensors or call.tensors[0].ndim in expected:
        return None
    shape = tuple(call.tensors[0].shape)
    fixes = _other_kind(call, shape) if len(shape) > 2 else []
    return shape_text(shape), _("something else, as the message says"), fixes


def _norm_of_maps(call: Call, n: int) -> list[Fix]:
    """Return the fix of a layer normalisation on maps, whose channels are not the last axis."""
    text = _("write nn.{kind}({line}), which takes {n} axes")
    layer = made("GroupNorm", f"1, {n}", next(call.module.parameters(), None))
    return [Fix(text.format(kind="GroupNorm", line=f"1, {n}", n=4), {call.name: layer})]
