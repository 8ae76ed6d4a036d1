"""The rules for tensors that meet: sums of branches, concatenation, products of matrices."""

import math
from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from labkit.inspect import alignment, functional
from labkit.inspect.fixes import (
    Fix,
    argument,
    before,
    both,
    computes,
    function,
    path,
    reach,
    resized,
)
from labkit.inspect.recording import Call, Recording, Step
from labkit.inspect.rules import Diagnosis
from labkit.inspect.wants import JOINS, earlier
from labkit.text import _

SUMS = ("add", "sub", "mul", "div", "truediv", "radd", "iadd", "rsub", "rmul", "addcmul")
_LOSSES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
           "binary_cross_entropy_with_logits")  # fmt: skip
_POOLS = (nn.MaxPool2d, nn.AvgPool2d)
_UPSAMPLING = (_ConvTransposeNd, nn.Upsample)


def sums(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose two branches of other shapes that are added, multiplied and so on."""
    call, tensors = broken.call, broken.call.tensors
    compared = function(call) in _LOSSES or isinstance(call.module, nn.modules.loss._Loss)
    if not (compared or function(call).strip("_") in SUMS) or len(tensors) < 2:
        return None
    if "single memory location" in str(broken.error):  # in place, on what expand() made
        return None
    first, second = (tuple(tensor.shape) for tensor in tensors[:2])
    maps = len(first) == len(second) == 4 and sorted(first) != sorted(second)
    fixes = functional.without_a_sum(broken, first, second) if maps else []
    fixes += _branches(broken, x, first, second) if maps else []
    for place, shape, other in ((0, first, second), (1, second, first)):
        if shape[:-1] == other[-len(shape) : -1] and 1 not in (shape[-1], other[-1]):
            fixes += earlier(broken, broken.sources[place], shape[-1], other[-1])
        fixes += functional.cut_off(broken, shape, other, place)
        fixes += alignment.lacking(call, shape, other, place)
        if compared and math.prod(shape) == math.prod(other) and len(other) == 2 < len(shape):
            text = _("give it {x}, where x is the tensor {shape}")
            text = text.format(x="{x}", shape=list(shape))
            return both((first, second)), text, before(call, text, "x.flatten(1)", place)
        text = _("give {shape} the axes of a map, {x}").format(shape=list(shape), x="{x}")
        if len(other) == 4 and len(shape) in (1, 2) and shape[-1] == other[1]:
            index = "[:, :, None, None]" if len(shape) == 2 else "[:, None, None]"
            fixes += before(call, text, f"x{index}", place)
        own = (*broken.model.parameters(), *broken.model.buffers())
        kept = any(tensors[place]._base is tensor for tensor in own)
        if kept or broken.sources[place] is None and tensors[place] is not x:  # such as positions
            fixes += _as_long(broken, place, shape, other)
        if maps and shape[1] < other[1] and shape[2:] == other[2:]:
            fixes += [] if fixes else _shortcut(call, place, shape, other, 1)
    return both((first, second)), _("shapes that agree, axis by axis"), fixes


def _as_long(broken: Recording, place: int, shape: tuple, other: tuple) -> list[Fix]:
    """Return the fix that gives a tensor the size that the other has in an axis."""
    pairs = enumerate(zip(shape, other, strict=False))
    differ = [n for n, sizes in pairs if sizes[0] != sizes[1] and 1 not in sizes]
    if len(differ) != 1 or len(shape) != len(other):
        return []
    axis, n, given = differ[0], other[differ[0]], broken.call.tensors[place]
    whole = given if given._base is None else given._base
    if whole.ndim == given.ndim and whole is not given and whole.shape[axis] >= n:
        return []  # it is long enough, and was cut
    kept = (*broken.model.named_parameters(), *broken.model.named_buffers())
    own = (name for name, p in kept if p is given or p is given._base)
    named = next((f"{path(name)} {list(shape)}" for name in own), list(shape))
    text = _("give {shape} the size {n} in axis {axis}, as the other has")
    words = text.format(shape=named, n=n, axis=axis)
    return before(
        broken.call, words, f"x.new_zeros({(*shape[:axis], n, *shape[axis + 1 :])})", place
    )


def _branches(
    broken: Recording, x: torch.Tensor, first: tuple, second: tuple, here: int = 0, there: int = 1
) -> list[Fix]:
    """Return the fixes of two branches: the padding, the stride, the channels of either."""
    ways = [[*broken.back(broken.sources[at])] for at in (here, there)]
    common = {id(step) for step in ways[0]} & {id(step) for step in ways[1]}
    ways = [[step for step in way if id(step) not in common] for way in ways]
    ways = [[s for s in way if not isinstance(s.call.module, nn.Identity)] for way in ways]
    pairs = ((0, first, second), (1, second, first))
    if any(_doubles(step.call) for way in ways for step in way):
        grown = 0 if any(_doubles(step.call) for step in ways[0]) else 1
        fixes = [fix for fix in doubling(ways[grown]) if reach(fix, broken, x)]
        return fixes or _interpolated(broken.call, *pairs[grown])
    fixes = _odd_kernels([step.call for way in ways for step in way])
    for place, shape, other in pairs:
        lost, factor = other[2] - shape[2], shape[2] / max(other[2], 1)
        for step in ways[place]:
            fixes += _padded(step, lost) if 0 < lost < 8 else []
        less = _steps_less(ways[place] if lost > 0 else ways[1 - place])
        if lost > 0:
            pools = [s.call for s in ways[place] if isinstance(s.call.module, _POOLS)]
            fixes += [fix for pool in pools for fix in resized(pool, stride=1)]
        if factor >= 2 and factor == int(factor) and not less:
            fixes += _strided(ways[place], int(factor))
        fixes += less
        if not ways[place] and factor >= 1 and shape[1] != 1 and other[2:] != (1, 1):
            fixes += _shortcut(broken.call, place, shape, other, round(factor))
    for place, shape, other in pairs:
        if shape[1] != other[1] and shape[2:] in (other[2:], (1, 1)):
            convolved = [s for s in ways[place] if isinstance(s.call.module, _ConvNd)][:1]
            for step in convolved:
                after = [s.call for s in ways[place][: ways[place].index(step)]]
                norms = [c for c in after if isinstance(c.module, _NormBase)]
                wider = [resized(c, num_features=other[1]) for c in norms]
                fixes += _at_once([resized(step.call, out_channels=other[1]), *wider[::-1]])
    return fixes


def _at_once(changes: Sequence[list[Fix]]) -> list[Fix]:
    """Return several changes, each a list of one fix, as one; nothing if one cannot be made."""
    return [reduce(and_, (fix for (fix,) in changes))] if changes and all(changes) else []


def doubling(way: list[Step]) -> list[Fix]:
    """Return the fixes of transposed convolutions that do not multiply the side by their stride."""
    found = []
    for call in (step.call for step in way if isinstance(step.call.module, _ConvTransposeNd)):
        module = call.module
        stride, size = module.stride[0], module.dilation[0] * (module.kernel_size[0] - 1) + 1
        padding = max(module.padding[0], (size - stride + 1) // 2) if size > stride else 0
        more = stride + 2 * padding - size
        if more >= stride:
            padding, more = (size - stride + 1) // 2, (size - stride) % 2
        wanted: dict[str, Any] = {"padding": padding, "output_padding": more}
        changes = {k: n for k, n in wanted.items() if n != getattr(module, k)[0]}
        found += [resized(call, **changes)] if changes and more >= 0 else []
    return [fix for one in found for fix in one] + _at_once(found[::-1] if len(found) > 1 else [])


def _padded(step: Step, lost: int) -> list[Fix]:
    module = step.call.module
    if isinstance(module, _POOLS) and module.stride in (1, (1, 1)) and lost % 2 == 0:
        return resized(step.call, padding=lost // 2)
    if function(step.call) in ("max_pool2d", "avg_pool2d") and lost % 2 == 0:
        padded = {"padding": lost // 2}
        words = _("set {change} in {layer}").format(change=f"padding={lost // 2}", layer=step.layer)
        return [
            Fix(words, given=lambda given, old: (given[:3], {**old, **padded}), at=(step.layer,))
        ]
    if lost % 2 or not isinstance(module, _ConvNd) or module.stride[0] > 1:
        return [] if not isinstance(module, nn.MaxPool2d) else resized(step.call, ceil_mode=True)
    if isinstance(module.padding, str) or module.padding[0] + lost // 2 >= module.kernel_size[0]:
        return []
    return resized(step.call, padding=module.padding[0] + lost // 2)


def _odd_kernels(calls: list[Call]) -> list[Fix]:
    """Return the fix of convolutions of even kernels: no padding keeps the side of their maps."""
    found = []
    for call in calls:
        module = call.module
        if isinstance(module, _ConvNd) and not module.transposed and module.stride[0] == 1:
            if not any(n % 2 for n in module.kernel_size) and not isinstance(module.padding, str):
                size = module.kernel_size[0] - 1
                padding = module.dilation[0] * (size - 1) // 2
                found += resized(call, kernel_size=size, padding=padding)
    return _at_once([[fix] for fix in found])


def _strided(way: list[Step], factor: int) -> list[Fix]:
    """Return the fix of a branch that is left too large: the stride of its convolution."""
    for step in way[::-1]:
        if isinstance(step.call.module, nn.Conv2d):
            return resized(step.call, stride=step.call.module.stride[0] * factor)
    return []


def _steps_less(way: list[Step]) -> list[Fix]:
    """Return the fix of a branch that is halved twice: the stride of its last convolution."""
    strided = [
        s for s in way if isinstance(s.call.module, nn.Conv2d) and s.call.module.stride[0] > 1
    ]
    return resized(strided[0].call, stride=1) if len(strided) > 1 else []


def _shortcut(call: Call, place: int, shape: tuple, other: tuple, stride: int) -> list[Fix]:
    """Return the fix of a shortcut that hands its input on as it is: a convolution of 1 x 1."""
    layer = f"nn.Conv2d({shape[1]}, {other[1]}, 1" + (f", stride={stride})" if stride > 1 else ")")
    text = _("give the shortcut its own convolution, {layer}").format(layer=layer)
    weights = call.arguments[place] if place < len(call.arguments) else None
    if not isinstance(weights, torch.Tensor):  # a part of what is concatenated
        return []
    expression = f"{layer}.to(device={str(weights.device)!r}, dtype={weights.dtype})(x)"
    return before(call, text, expression, place)


def _interpolated(call: Call, place: int, shape: tuple, other: tuple) -> list[Fix]:
    return before(call, _resize(shape), f"nn.functional.interpolate(x, {other[2:]})", place)


def _resize(shape: Sequence[int]) -> str:
    text = _("bring {shape} to the size of the other, {x}")
    return text.format(shape=list(shape), x="nn.functional.interpolate(x, other.shape[2:])")


def joined(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose branches that cannot be concatenated or stacked."""
    call, tensors = broken.call, broken.call.tensors
    if function(call) not in JOINS or len(tensors) < 2:
        return None
    listed, axis = call.arguments[0] if call.arguments else (), argument(call, 1, "dim") or 0
    if not isinstance(listed, (tuple, list)) or not isinstance(axis, int):
        return None
    shapes = [tuple(tensor.shape) for tensor in tensors]
    expected = _("shapes that agree in every axis but the one along which they are joined")
    usual, odd = _odd_one([(*shape[:axis], *shape[axis:][1:]) for shape in shapes])
    first, other = shapes[usual], shapes[odd]
    fixes = []
    pooled = [t.shape[2:] == (1, 1) for t in tensors]
    largest = max(shapes, key=math.prod)[2:]
    if len(first) == len(other) == 4 and any(pooled) and axis in (1, -3):
        text = _("bring the map of one pixel to the sides of the others, x.expand(-1, -1, {sides})")
        grown = [
            t.expand(-1, -1, *largest) if one else t for t, one in zip(listed, pooled, strict=False)
        ]
        fixes = [_listed(text.format(sides=", ".join(map(str, largest))), grown, axis)]
        made = (broken.steps[n].call for n in broken.sources if n is not None)
        pools = [c for c in made if getattr(c.module, "output_size", 1) not in (1, (1, 1))]
        fixes = _at_once([resized(call, output_size=1) for call in pools]) + fixes
    elif len(first) == len(other) == 4 and first[2:] != other[2:] and axis in (1, -3):
        fixes = _upsampled(broken, x, listed, axis) or _branches(
            broken, x, first, other, usual, odd
        )
    elif sorted((len(first), len(other))) == [2, 4] and axis in (1, -3):
        maps, flat = sorted((first, other), key=len, reverse=True)
        sides = maps[2] * maps[3]
        if flat[1] % sides == 0:
            form = ("len(x)", flat[1] // sides, *maps[2:])
            text = _("turn {shape} into maps first, {x}").format(
                shape=list(flat), x=f"x.view({', '.join(map(str, form))})"
            )
            made = [t if t.ndim == 4 else t.reshape(len(t), *form[1:]) for t in listed]
            fixes = [_listed(text, made, axis)]
    elif abs(len(first) - len(other)) == 1 and _parts(listed, axis):
        fixes = _parts(listed, axis)
    elif len(first) == len(other):
        pairs = enumerate(zip(first, other, strict=True))
        differ = [n for n, (a, b) in pairs if a != b and n != axis % len(first)]
        if len(differ) == 1 and differ != [0]:
            text = _("join them along the axis in which they differ, dim={n}")
            fixes = [_listed(text.format(n=differ[0]), listed, differ[0])]
        elif differ == [0] and 1 in (first[0], other[0]):
            text = _("repeat {shape} for the batch, .expand({sizes})")
            batch, single = max(first, other), min(first, other)
            sizes = ", ".join(("len(x)", *["-1"] * (len(single) - 1)))
            words = text.format(shape=list(single), sizes=sizes)
            grown = [t.expand(batch[0], *[-1] * (t.ndim - 1)) if len(t) == 1 else t for t in listed]
            fixes = [_listed(words, grown, axis)]
    return both(shapes), expected, fixes


def _odd_one(shapes: list[tuple]) -> tuple[int, int]:
    """Return where the commonest of some shapes is first, and where the first other one is."""
    usual = shapes.index(max(shapes, key=shapes.count))
    return usual, next((n for n, shape in enumerate(shapes) if shape != shapes[usual]), usual)


def _parts(listed: Sequence, axis: int) -> list[Fix]:
    """Return the fix that joins the last part of what has an axis more, as an LSTM's state has."""
    axes = min(t.ndim for t in listed)
    last = [t[-1] if t.ndim > axes else t for t in listed]
    can_be = computes(lambda: torch.cat(last, axis))
    words = _("take the part that you mean, x[{key!r}]").format(key=-1)
    return [_listed(words, last, axis)] if can_be else []


def _listed(words: str, tensors: Sequence, axis: int) -> Fix:
    return Fix(words, given=lambda arguments, options: ((tensors, axis), {}))


def _upsampled(broken: Recording, x: torch.Tensor, listed: Sequence, axis: int) -> list[Fix]:
    """Return the fix of a U-Net at an odd side: what was doubled gets the size of the other.

    Nothing where none was doubled: then a branch lacks its padding or its stride.
    """
    ways = [[*broken.back(source)][:4] for source in broken.sources]
    doubled = [any(_doubles(step.call) for step in way) for way in ways]
    if not any(doubled):
        return []
    fixes = [
        fix for way, grown in zip(ways, doubled, strict=True) if grown for fix in doubling(way)
    ]
    if fixes := [fix for fix in fixes if reach(fix, broken, x)]:
        return fixes
    kept = next((t for t, grown in zip(listed, doubled, strict=False) if not grown), listed[0])
    sizes = tuple(kept.shape[2:])
    other = next(t.shape for t in listed if tuple(t.shape[2:]) != sizes)
    fitted = [nn.functional.interpolate(t, sizes) if t.shape[2:] != sizes else t for t in listed]
    return [_listed(_resize(other), fitted, axis)]


def _doubles(call: Call) -> bool:
    return isinstance(call.module, _UPSAMPLING) or function(call) == "interpolate"


def products(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a product of matrices whose inner sizes differ."""
    call, tensors = broken.call, broken.call.tensors
    if function(call).strip("_") not in ("matmul", "mm", "bmm") or len(tensors) != 2:
        return None
    first, second = (tuple(tensor.shape) for tensor in tensors)
    if not first or len(second) < 2 or first[-1] == second[-2]:
        return None
    expected = _("as many columns on the left as there are rows on the right, {n}")
    fixes = []
    if first[-1] == second[-1]:
        fixes = before(call, _("transpose the right one, {x}"), "x.transpose(-2, -1)", 1)
    fixes += alignment.turned(call, first, second)
    return both((first, second)), expected.format(n=second[-2]), fixes
