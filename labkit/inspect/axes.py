"""The rules of faults for axes that are not there, told from the error or from steps before.

Each returns what the layer got, what it expected and the mend, or None where it does not apply.
"""

import re
from dataclasses import replace

import torch

from labkit.inspect.mends import function, shape_text
from labkit.inspect.recording import Call, Step
from labkit.inspect.rules import RULES
from labkit.text import _


def batch_squeezed(call: Call, tensors: list, steps: list[Step], fed: torch.Size):
    """Tell a squeeze() without an axis that took the batch of one away, too."""
    for step in reversed(steps):
        bare = len(step.call.arguments) == 1 and not step.call.options
        if function(step.call) != "squeeze" or not bare or not tensors:
            continue
        before = step.inputs[0]
        if fed[:1] != (1,) or before[:1] != (1,) or tuple(tensors[0].shape) != step.shape:
            return None
        ones = [axis for axis, size in enumerate(before) if size == 1 and axis]
        if len(fed) == len(before) and fed[1:2] == before[1:2] == (1,):
            ones.remove(1)  # the one channel that the picture came with
        change = _("name the axes, x.squeeze({axes}): without them the batch of one goes, too")
        change = change.format(axes=ones[0] if len(ones) == 1 else tuple(ones))
        if not ones:
            change = _("leave {layer} out: it takes the batch of one away").format(layer=step.layer)
        kept = [size for axis, size in enumerate(before) if axis not in ones]
        more = _beside(call, tensors[0].reshape(kept), fed)
        if more:
            change = _("{change}, and {more}").format(change=change, more=more)
        return shape_text(step.shape), _("a batch, also of one"), change
    return None


def no_axes(call: Call, tensors: list):
    """Tell a layer that is given one number, as a mean() over everything leaves it."""
    if call.module is None and function(call) not in {"linear", "prelu"}:
        return None
    if not tensors or tensors[0].ndim:
        return None
    change = _("name the axes of the step that made one number of all, as in x.mean((2, 3))")
    return _("one number, of no axes"), _("a batch"), change


def _beside(call: Call, x: torch.Tensor, fed: torch.Size) -> str:
    """Return the mend of what is still wrong where the call is given ``x``."""
    if not call.arguments or not isinstance(call.arguments[0], torch.Tensor):
        return ""
    again = replace(call, arguments=(x, *call.arguments[1:]))
    found = (rule(again, again.tensors, fed) for rule in RULES)
    return next((said[2] for said in found if said), "")


def no_such_axis(tensors: list, error: Exception):
    """Tell an axis, or an index in it, beyond the last one."""
    if not isinstance(error, IndexError) or not tensors:
        return None
    shape = shape_text(tensors[0].shape)
    if found := re.search(r"range of \[-\d+, (\d+)\], but got (-?\d+)", str(error)):
        last, axis = found.groups()
        expected = _("a tensor that has an axis {axis}").format(axis=axis)
        change = _("take axis {last}, the last one, or keep the axes that a step before took away")
        return shape, expected, change.format(last=last)
    if found := re.search(
        r"index -?\d+ is out of bounds for dimension (\d+) with size (\d+)", str(error)
    ):
        axis, size = map(int, found.groups())
        expected = _("an index below {n} in axis {axis}").format(n=size, axis=axis)
        return shape, expected, _("take {last}, or -1, for the last").format(last=size - 1)
    return None
