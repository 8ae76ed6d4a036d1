"""The rules of faults for what puts the same numbers into another shape.

Each returns what the layer got, what it expected and the mend, or None where it does not apply.
"""

import math

import torch
from torch import nn

from labkit.inspect.mends import argument, function, replaced, shape_text
from labkit.inspect.recording import Call
from labkit.text import _


def view(call: Call, tensors: list, fed: torch.Size):
    """Tell the sizes of a view or a reshape that do not make up the numbers there are."""
    if function(call) not in {"view", "reshape"}:
        return None
    x, sizes = tensors[0], _sizes(call)
    if not sizes or not all(isinstance(size, int) and size for size in sizes):
        return None
    total, known = x.numel(), math.prod(size for size in sizes if size != -1)
    got = _("{shape}, {n} numbers").format(shape=shape_text(x.shape), n=total)
    if sizes.count(-1) > 1:
        return got, _("-1 at one place at most"), _("write torch.flatten(x, 1), or the other size")
    if total % known == 0 and (-1 in sizes or total == known):
        change = _("use reshape: this tensor is not stored in one piece")
        return got, _("a tensor stored in one piece"), change
    expected = _("a multiple of {n} numbers") if -1 in sizes else _("{n} numbers")
    change = _("write torch.flatten(x, 1), and give the next linear layer in_features={n}").format(
        n=math.prod(x.shape[1:])
    )
    for kept in (sizes[1:], sizes):
        if kept and -1 not in kept and math.prod(kept) == math.prod(x.shape[1:]):
            written = ", ".join(("len(x)", *map(str, kept)))
            change = _("put the batch first, x.{name}({sizes}): it is {n} here").format(
                name=function(call), sizes=written, n=len(x)
            )
            break
    return got, expected.format(n=known), change


def _sizes(call: Call) -> tuple:
    sizes = call.arguments[1:] or tuple(call.options.values())
    return tuple(sizes[0]) if sizes and isinstance(sizes[0], (tuple, list)) else tuple(sizes)


def unflatten(call: Call, tensors: list, fed: torch.Size):
    """Tell the sizes of an unflatten whose product is not the axis that it splits."""
    if isinstance(call.module, nn.Unflatten):
        axis, sizes = call.module.dim, call.module.unflattened_size
    elif function(call) == "unflatten":
        axis, sizes = argument(call, 1, "dim"), argument(call, 2, "sizes")
    else:
        return None
    shape = tuple(tensors[0].shape)
    sizes = tuple(sizes) if isinstance(sizes, (tuple, list)) else ()
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape) or not sizes:
        return None
    if not all(isinstance(size, int) and (size > 0 or size == -1) for size in sizes):
        return None
    total, known = shape[axis], math.prod(size for size in sizes if size != -1)
    expected = _("{n} numbers in axis {axis}, for {sizes}")
    if -1 in sizes:
        expected = _("a multiple of {n} numbers in axis {axis}, for {sizes}")
    expected = expected.format(n=known, axis=axis, sizes=sizes)
    others = [n for n, size in enumerate(shape) if n and size == known]
    if others:
        return shape_text(shape), expected, _split(call, others[0], sizes, f"dim={others[0]}")
    fitting, changes = _fitting(total, sizes), []
    if fitting:
        changes = [_split(call, axis, fitting, f"unflattened_size={fitting}")]
    need = known * -(-total // known) if -1 in sizes else known
    if axis % len(shape):  # not the batch
        changes.append(_("give the layer before it {n} outputs").format(n=need))
    return (shape_text(shape), expected, _(", or ").join(changes)) if changes else None


def _split(call: Call, axis: int, sizes: tuple, change: str) -> str:
    if call.module is None:
        return _("write x.unflatten({axis}, {sizes})").format(axis=axis, sizes=sizes)
    return replaced(call, change, f"{axis}, {sizes}")


def _fitting(total: int, sizes: tuple) -> tuple:
    """Return sizes like these that make up ``total``: other channels, or another square."""
    rest = math.prod(sizes[1:])
    if -1 not in sizes and len(sizes) > 1 and total % rest == 0:
        return (total // rest, *sizes[1:])
    side = math.isqrt(total // sizes[0]) if sizes[0] > 0 else 0
    if len(sizes) == 3 and sizes[1] == sizes[2] and sizes[0] * side**2 == total:
        return (sizes[0], side, side)
    return ()


def pixels(call: Call, tensors: list, fed: torch.Size):
    """Tell the channels, or the sides, that a pixel shuffle cannot deal out evenly."""
    up = isinstance(call.module, nn.PixelShuffle) or function(call) == "pixel_shuffle"
    down = isinstance(call.module, nn.PixelUnshuffle) or function(call) == "pixel_unshuffle"
    if not up and not down:
        return None
    name, shape = "upscale_factor" if up else "downscale_factor", tuple(tensors[0].shape)
    factor = getattr(call.module, name, None) or argument(call, 1, name)
    if len(shape) < 3:
        expected = _("a batch of maps [N, channels, height, width]")
        return shape_text(shape), expected, _("feed it the maps before they are flattened")
    if not isinstance(factor, int) or factor < 1:
        return None
    if not up:
        return _uneven(shape, factor)
    channels, square = shape[-3], factor**2
    if channels % square == 0:
        return None
    expected = _("a multiple of {n} channels ({name}={factor})").format(
        n=square, name=name, factor=factor
    )
    change = _("give the layer before it {n} channels, or put nn.Conv2d({a}, {n}, 1) between")
    change += _(": {a} come out")
    return shape_text(shape), expected, change.format(n=channels * square, a=channels)


def _uneven(shape: tuple, factor: int):
    short = [-side % factor for side in shape[-2:]]
    if not any(short):
        return None
    expected = _("height and width that are multiples of {n} (downscale_factor={n})")
    change = _("pad it to {height} x {width} first, nn.functional.pad(x, (0, {right}, 0, {below}))")
    sides = dict(height=shape[-2] + short[0], width=shape[-1] + short[1])
    change = change.format(right=short[1], below=short[0], **sides)
    return shape_text(shape), expected.format(n=factor), change


def permute(call: Call, tensors: list, fed: torch.Size):
    """Tell an order of axes that leaves some out, or names some that are not there."""
    if function(call) != "permute":
        return None
    axes, order = tensors[0].ndim, _sizes(call)
    if not all(isinstance(axis, int) for axis in order) or len(order) == axes:
        return None
    whole = [axis for axis in order if axis < axes]
    whole += [axis for axis in range(axes) if axis not in whole]
    change = _("name them all, x.permute({order})").format(order=", ".join(map(str, whole)))
    if len(whole) != axes:
        change = _("name each of them once")
    expected = _("an order of {n} axes").format(n=axes)
    return shape_text(tensors[0].shape), expected, change


def glu(call: Call, tensors: list, fed: torch.Size):
    """Tell an axis that a gated linear unit cannot halve."""
    if not isinstance(call.module, nn.GLU) and function(call) != "glu":
        return None
    axis = call.module.dim if call.module else argument(call, 1, "dim")
    axis, shape = -1 if axis is None else axis, tuple(tensors[0].shape)
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape) or shape[axis] % 2 == 0:
        return None
    expected = _("an even number in axis {axis}, for it halves it").format(axis=axis)
    change = _("give the layer before it {n} outputs: {half} come out")
    return shape_text(shape), expected, change.format(n=2 * shape[axis], half=shape[axis])


def repeated(call: Call, tensors: list, fed: torch.Size):
    """Tell an expand or a repeat that says nothing of the last axes."""
    sizes, shape = _sizes(call), tuple(tensors[0].shape)
    if function(call) not in {"expand", "repeat"} or len(sizes) >= len(shape):
        return None
    kept = -1 if function(call) == "expand" else 1
    written = ", ".join(map(str, (*sizes, *[kept] * (len(shape) - len(sizes)))))
    change = _("write x.{name}({sizes})").format(name=function(call), sizes=written)
    return shape_text(shape), _("a number for each of {n} axes").format(n=len(shape)), change


def upsampling(call: Call, tensors: list, fed: torch.Size):
    """Tell a way of enlarging that is for other axes than these."""
    shape = tuple(tensors[0].shape)
    if isinstance(call.module, nn.Upsample):
        size, factor, mode = call.module.size, call.module.scale_factor, call.module.mode
    elif function(call) == "interpolate":
        names = ("size", "scale_factor", "mode")
        size, factor, mode = (argument(call, n, name) for n, name in enumerate(names, 1))
    else:
        return None
    if size is None and factor is None:
        expected, change = _("a size or a scale factor"), _("give it scale_factor=2")
        return shape_text(shape), expected, change
    wanted = {3: ("linear",), 4: ("bilinear", "bicubic"), 5: ("trilinear",)}
    axes = next((n for n, modes in wanted.items() if mode in modes), len(shape))
    if axes == len(shape) or len(shape) not in wanted:
        return None
    expected = _("{n} axes (mode={mode!r})").format(n=axes, mode=mode)
    return shape_text(shape), expected, _("set mode={mode!r}").format(mode=wanted[len(shape)][0])


RULES = (view, unflatten, pixels, permute, glu, repeated, upsampling)
