"""The rules for calls that ran, or were made, with one argument too few, or in a wrong place."""

import re
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn.modules.pooling import _MaxPoolNd, _MaxUnpoolNd

from labkit.inspect.fixes import Fix, argument, before, both, function, path, resized, shape_text
from labkit.inspect.recording import Recording, Step
from labkit.inspect.rules import Diagnosis
from labkit.inspect.wants import JOINS, earlier, expected_by, want
from labkit.text import _


def groups(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a convolution whose filters are one for each channel, and that is not told so."""
    call, tensors = broken.call, broken.call.tensors
    if not function(call).startswith("conv") or len(tensors) < 2 or tensors[0].ndim < 3:
        return None
    channels, filters = tensors[0].shape[1], tensors[1].shape[:2]
    if channels == 1 or filters[1] != 1 or filters[0] % channels or call.options.get("groups"):
        return None

    def given(arguments: tuple, options: dict) -> tuple[tuple, dict]:
        return arguments, {**options, "groups": channels}

    words = _("set {change} in {layer}").format(change=f"groups={channels}", layer=broken.place)
    expected = _("{n} channels in axis 1 ({name}={n})").format(n=1, name="in_channels")
    return shape_text(tensors[0].shape), expected, [Fix(words, given=given)]


def along_another_axis(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose branches joined along the batch or a side, where all their channels are wanted."""
    wanted, tensors = want(broken.call), broken.call.tensors
    if wanted is None or not tensors:
        return None
    for step in (broken.steps[n] for n in broken.way):
        shape = tuple(tensors[0].shape)
        if want(step.call):
            return None
        if function(step.call) not in JOINS or {len(shape)} != {len(p) for p in step.inputs}:
            continue
        axis = argument(step.call, 1, "dim") or 0
        along = wanted.axis % len(shape)
        if axis % len(shape) == along or sum(p[along] for p in step.inputs) != wanted.count:
            continue

        def given(arguments: tuple, options: dict, dim=along) -> tuple[tuple, dict]:
            return arguments[:1], {"dim": dim}

        text = _("set {change} in {layer}")
        if axis == 0 and along == 1:
            text = _("join the channels, dim=1: without it {layer} joins the images of the batch")
        words = text.format(change=f"dim={along}", layer=step.layer)
        fix = Fix(words, given=given, at=(step.layer,), certain=True)
        return shape_text(shape), expected_by(broken.call, wanted), [fix]
    return None


def smaller_than_meant(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose maps that were brought to a size of 2, where they were to be twice as large."""
    tensors = broken.call.tensors
    for source in broken.sources if len(tensors) > 1 else ():
        step = None if source is None else broken.steps[source]
        if step is None or function(step.call) != "interpolate":
            continue
        factor = argument(step.call, 1, "size")
        if not isinstance(factor, int) or not 1 < factor < min(step.inputs[0][2:]):
            continue

        def given(arguments: tuple, options: dict, factor=factor) -> tuple[tuple, dict]:
            return arguments[:1], {**options, "size": None, "scale_factor": factor}

        text = _("write scale_factor={n}: the second argument of {layer} is the size itself")
        words = text.format(n=factor, layer=step.layer)
        fix = Fix(words, given=given, at=(step.layer,))
        shapes = both(tensor.shape for tensor in tensors)
        return shapes, _("shapes that agree, axis by axis"), [fix]
    return None


def unpooled(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose an unpooling in a model one of whose poolings returns no indices."""
    call, text = broken.call, str(broken.error)
    pools = [step for step in broken.steps if _keeps_nothing(step)]
    if "values to unpack" in text:
        here = any(isinstance(m, _MaxUnpoolNd) for m in broken.model.modules())
        last = [step for step in broken.steps if function(step.call) != "unbind"][-1:]
        pools = [step for step in last if here and _keeps_nothing(step)]
    elif not isinstance(call.module, _MaxUnpoolNd) or "int64" not in text:
        return None
    if not pools:
        return None
    fixes = [fix for step in pools[:1] for fix in resized(step.call, return_indices=True)]
    return both(t.shape for t in call.tensors), _("the indices of a pooling"), fixes


def _keeps_nothing(step: Step) -> bool:
    module = step.call.module
    return isinstance(module, _MaxPoolNd) and not module.return_indices


def rows(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a table that has fewer rows than the numbers that choose among them."""
    call, tensors = broken.call, broken.call.tensors
    if function(call).strip("_") not in ("getitem", "index_select") or len(tensors) < 2:
        return None
    table, index = tensors[0], tensors[-1]
    if index.is_floating_point() or index.dtype == torch.bool or not index.numel():
        return None
    high = int(index.max())
    if not isinstance(broken.error, IndexError) or high < len(table) or int(index.min()) < 0:
        return None
    names: dict[int, str] = {id(p): path(name) for name, p in broken.model.named_parameters()}
    name = names.get(id(table), shape_text(table.shape))
    text = _("make {name} with {n} rows: the numbers go up to {high}")
    words = text.format(name=name, n=high + 1, high=high)
    got = _("numbers from {low} to {high}").format(low=int(index.min()), high=high)
    expected = _("numbers from {low} to {high}").format(low=0, high=len(table) - 1)
    sizes: tuple[Any, ...] = (high + 1, *table.shape[1:])
    return got, expected, before(call, words, f"x.new_zeros({sizes})", 0)


def channels_for(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose channels that are too few for the parts, or the pixels, that are made of them."""
    call, text = broken.call, str(broken.error)
    parts = re.search(r"not enough values to unpack \(expected (\d+), got (\d+)\)", text)
    step = broken.steps[-1] if broken.steps else None
    if parts and step and function(step.call) in ("split", "chunk") and len(step.inputs[0]) > 1:
        wanted, got = map(int, parts.groups())
        size, source, given = step.inputs[0][1], step.sources[0], step.inputs[0]
        n = size // got * wanted
    elif isinstance(call.module, nn.PixelShuffle) and call.tensors and call.tensors[0].ndim == 4:
        size, colours = call.tensors[0].shape[1], x.shape[1] if x.ndim == 4 else 0
        given, source = call.tensors[0].shape, broken.sources[0]
        n = colours * call.module.upscale_factor**2 if colours and size % colours == 0 else 0
    else:
        return None
    fixes = [replace(fix, certain=True) for fix in earlier(broken, source, size, n)] if n else []
    expected = _("{n} channels in axis 1 ({name}={n})").format(n=n, name="out_channels")
    return (shape_text(given), expected, fixes) if fixes else None


def odd_one(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose maps that became too small as one of several like convolutions is not like them."""
    if "Kernel size can't be greater" not in str(broken.error) or not broken.call.tensors:
        return None
    steps = [broken.steps[n] for n in broken.way]
    convs = [s for s in steps if isinstance(s.call.module, nn.Conv2d)]
    for odd, name in ((conv, name) for conv in convs for name in ("padding", "stride")):
        own = odd.call.module
        beside = [s.call.module for s in convs if s.call.module.kernel_size == own.kernel_size]
        if name == "padding":
            beside = [m for m in beside if m.stride == own.stride]
        values = {getattr(m, name) for m in beside if m is not own}
        if len(beside) > 2 and len(values) == 1 and getattr(own, name) not in values:
            value = values.pop()
            fixes = resized(odd.call, **{name: value[0]})
            text = _("larger maps: {layer} has {name}={own}, and the others like it have {value}")
            expected = text.format(
                layer=odd.layer, name=name, own=getattr(own, name)[0], value=value[0]
            )
            sure = [replace(fix, certain=True) for fix in fixes]
            return shape_text(broken.call.tensors[0].shape), expected, sure
    return None


def cut_off(broken: Recording, shape: tuple, other: tuple, place: int) -> list[Fix]:
    """Return the fix of a branch of causal convolutions, one of which is not cut at its end."""
    lost = shape[2] - other[2] if len(shape) == len(other) == 3 else 0
    for step in broken.back(broken.sources[place]) if lost > 0 else ():
        module = step.call.module
        if isinstance(module, nn.Conv1d) and module.padding == (lost,):
            text = _("cut off at the end what the padding of {layer} adds, {x}")
            words = text.format(layer=step.layer, x="{x}")
            return before(broken.call, words, f"x[:, :, :-{lost}]", place)
    return []


def without_a_sum(broken: Recording, first: tuple, second: tuple) -> list[Fix]:
    """Return the fix of a block that adds its input though it changes the shape: of its flag."""
    owner = broken.model.get_submodule(broken.call.name.rpartition(": ")[0])
    used = getattr(type(owner).forward, "__code__", cut_off.__code__).co_names
    flags = [key for key, value in vars(owner).items() if value is True and key in used]
    text = _(
        "let self.{flag} be True only where the shape stays the same: with stride=1, and as many "
        "channels out as in"
    )
    home = broken.call.name.rpartition(": ")[0]
    made = [n is not None and broken.steps[n].layer.startswith(home) for n in broken.sources]
    block = 1 if made[1] and not made[0] else 0  # what the block gives without the sum
    kept = f"x.new_zeros({(first, second)[block]})"
    words = [text.format(flag=flag) for flag in flags if flag != "training"]
    return [fix for said in words for fix in before(broken.call, said, kept, 1 - block)]
