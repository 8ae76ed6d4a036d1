"""The rules for numbers of another type than is wanted, or on another device."""

import re
from itertools import dropwhile

import torch
from torch import nn

from labkit.inspect.fixes import Fix, before, both, function, path, reach, resized, twin
from labkit.inspect.reasons import weight
from labkit.inspect.recording import Call, Recording
from labkit.inspect.rules import Diagnosis
from labkit.text import _


def types(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose numbers of another type than the layer's weights, or on another device."""
    call, tensors = broken.call, broken.call.tensors
    weights = weight(call)
    if function(call).endswith("_norm"):  # of a layer that PyTorch does not know
        weights = next((t for t in tensors if isinstance(t, nn.Parameter)), None)
    if weights is None or not tensors:
        return None
    first = tensors[0]
    if isinstance(call.module, nn.Embedding) or function(call) == "embedding":
        return _embedding(call, first)
    if first.device != weights.device:
        where = str(weights.device)
        got = _("a tensor on {device}").format(device=first.device)
        if lost := _unregistered(broken, weights, first):
            return got, where, lost
        if broken.sources[0] is not None or weights.is_meta:
            text = _("put the whole model in one place, model.to({device!r})")
            if weights.is_meta:
                text = _("make the layer without device='meta': there it has no numbers")
            return got, where, [Fix(text.format(device=str(first.device)))]
        fixes = before(call, _("move the batch to the model, {x}"), f"x.to({where!r})")
        return got, where, fixes
    if first.dtype == weights.dtype:
        return None
    got, expected = (str(t.dtype).removeprefix("torch.") for t in (first, weights))
    change = "x.float()" if weights.dtype == torch.float32 else f"x.to(torch.{expected})"
    change = "x.real" if first.is_complex() else change
    fixes = _unregistered(broken, weights, first)
    fixes = fixes or _where_it_came_in(broken, x, (first.dtype, weights.dtype), change)
    fixes = fixes or before(call, _("convert the input first, {x}"), change)
    return _("numbers of type {dtype}").format(dtype=got), expected, fixes


def plain(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose tensors that a module keeps without registering them: model.to() leaves them out."""
    like = next(broken.model.parameters(), x)
    if not re.search("device|type", str(broken.error)):
        return None
    layers, names = {}, []
    for name, module in broken.model.named_modules():
        kept = {k: t for k, t in vars(module).items() if isinstance(t, torch.Tensor)}
        moved = {
            k: t.to(like) if t.is_floating_point() else t.to(like.device) for k, t in kept.items()
        }
        left = [
            k
            for k, t in kept.items()
            if (t.device, t.dtype) == (torch.device("cpu"), torch.float32)
        ]
        left = [
            k for k in left if (kept[k].device, kept[k].dtype) != (moved[k].device, moved[k].dtype)
        ]
        names += left
        if left:
            layers[name] = twin(module, **moved)
    text = _(
        "register {names} with self.register_buffer({name!r}, ...): model.to() then moves buffers, "
        "too"
    )
    named = _(" and ").join(f"self.{name}" for name in names)
    fix = Fix(text.format(names=named, name=(*names, "")[0]), layers)
    got = both(t.shape for t in broken.call.tensors)
    found = got, _("something else, as the message says"), [fix]
    return found if names and reach(fix, broken, x) else None


def _unregistered(broken: Recording, weights: torch.Tensor, given: torch.Tensor) -> list[Fix]:
    """Return the fix of a layer in a list or dict of Python, which model.to() did not reach."""
    went = [(p.dtype, p.device) for p in broken.model.parameters()]
    if (given.dtype, given.device) not in went:
        return []
    kinds = {list: "ModuleList", tuple: "ModuleList", dict: "ModuleDict"}
    for owner, part in broken.model.named_modules():
        for name, value in vars(part).items():
            layers = value.values() if isinstance(value, dict) else value
            if type(value) not in kinds or name.startswith("_"):
                continue
            parts = (layer for layer in layers if isinstance(layer, nn.Module))
            if any(weights is parameter for layer in parts for parameter in layer.parameters()):
                text = _(
                    "make {layer} an nn.{kind}: in a Python {given}, model.to() and the optimizer "
                    "do not find its layers"
                )
                where, plain = path(f"{owner}.{name}".strip(".")), type(value).__name__
                return [Fix(text.format(layer=where, kind=kinds[type(value)], given=plain))]
    return []


def _embedding(call: Call, numbers: torch.Tensor) -> Diagnosis:
    if numbers.is_floating_point():
        dtype = str(numbers.dtype).removeprefix("torch.")
        text = _("convert what {layer} is given first, {x}").format(layer=call.name, x="{x}")
        got = _("numbers of type {dtype}").format(dtype=dtype)
        return got, "int64", before(call, text, "x.long()")
    count, low, high = call.module.num_embeddings, int(numbers.min()), int(numbers.max())
    got = _("numbers from {low} to {high}").format(low=low, high=high)
    expected = _("numbers from 0 to {high} (num_embeddings={n})").format(high=count - 1, n=count)
    size, fixes = call.module.embedding_dim, []
    if size > high:  # nn.Embedding(dim, words)
        fixes = resized(call, num_embeddings=size, embedding_dim=count)
    return got, expected, fixes + resized(call, num_embeddings=high + 1) if low >= 0 else []


def _where_it_came_in(
    broken: Recording, x: torch.Tensor, types: tuple[torch.dtype, torch.dtype], change: str
) -> list[Fix]:
    """Return the fix of the steps that were given tensors of both types, if it helps."""
    wrong, right = types
    parts = [(f"{name}.".lstrip("."), vars(part)) for name, part in broken.model.named_modules()]
    names = {id(t): path(name + key) for name, kept in parts for key, t in kept.items()}
    names |= {id(t): path(name) for name, t in broken.model.named_buffers()}
    names |= {id(t): path(name) for name, t in broken.model.named_parameters()}
    steps = (broken.steps[n] for n in sorted(broken.way))
    mixed = [*dropwhile(lambda s: not {wrong, right} <= {t.dtype for t in s.call.tensors}, steps)]
    tensors = [t for step in mixed for t in step.call.tensors if t.dtype == wrong]
    known = dict.fromkeys(names[id(t)] for t in tensors if id(t) in names)
    text = _("convert {names} first, {x}") if known else _("give {layer} tensors of one type, {x}")
    layer = mixed[0].layer if mixed else ""
    words = text.format(names=_(" and ").join(known), layer=layer, x=change)

    def given(arguments: tuple, options: dict) -> tuple[tuple, dict]:
        same = (
            item.to(right) if isinstance(item, torch.Tensor) and item.dtype == wrong else item
            for item in arguments
        )
        return tuple(same), options

    fix = Fix(words, given=given, at=tuple(step.layer for step in mixed))
    return [fix] if mixed and reach(fix, broken, x) else []
