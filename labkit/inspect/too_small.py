"""The rule for windows that are larger than the map, and for images that are too small."""

import math
from dataclasses import replace

import torch

from labkit.inspect.fixes import Fix, before, of_size, reach, resized, shape_text
from labkit.inspect.reasons import sliding, weight
from labkit.inspect.recording import Recording
from labkit.inspect.rules import Diagnosis
from labkit.text import _


def windows(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a convolution or a pooling whose window is larger than the map."""
    call, tensors = broken.call, broken.call.tensors
    window = sliding(call) if tensors else None
    if window is None or len(window.kernel) >= tensors[0].ndim:
        return None
    sides = tuple(tensors[0].shape[-len(window.kernel) :])
    room = [side + 2 * pad for side, pad in zip(sides, window.padding, strict=True)]
    spans = [window.span(axis) for axis in range(len(sides))]
    short = [axis for axis, span in enumerate(spans) if span > room[axis]]
    if not short:
        return None
    axis = short[0]
    text = _("{shape}, maps of {size}")
    got = text.format(shape=shape_text(tensors[0].shape), size=" x ".join(map(str, sides)))
    text = _("maps of at least {n} pixels a side")
    expected = text.format(n=spans[axis] - 2 * window.padding[axis])
    fixes: list[Fix] = []
    places = range(len(sides))
    if weight(call) is None:
        wider = [
            (sides[n] - 1) * window.stride[n] + spans[n] - 2 * window.padding[n] for n in places
        ]
        text = _("leave this pooling out: its maps are too small to pool again")
        fixes = before(call, text, f"nn.functional.interpolate(x, {wider})")
        if call.module and min(sides) > 1:
            fixes += resized(call, kernel_size=min(sides), stride=min(sides))
    elif call.module:
        padding = max(-(-(spans[n] - sides[n]) // 2) for n in short)
        outputs, size = getattr(call.module, "out_channels", 0), max(window.kernel)
        if 1 < outputs < size == min(window.kernel):  # nn.Conv2d(3, 5, 32) for nn.Conv2d(3, 32, 5)
            turned = resized(call, out_channels=size, kernel_size=outputs)
            fixes = [replace(fix, certain=True) for fix in turned]
        fixes += resized(call, padding=padding) + resized(call, kernel_size=min(sides))
    return got, expected, fixes + larger(broken, x)


def larger(broken: Recording, x: torch.Tensor) -> list[Fix]:
    """Return the fix that feeds the smallest images that run, up to eight times as large."""
    if x.ndim != 4:
        return []
    for times in (3, 4, 8, 16):
        fix = of_size(*(side * times // 2 for side in x.shape[2:]))
        if reach(fix, broken, x) == math.inf:
            return [fix]
    return []
