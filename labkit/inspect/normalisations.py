"""The rules of faults for layers that normalise: batch, instance, layer, group.

Each returns what the layer got, what it expected and the mend, or None where it does not apply.
"""

import math
import re

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from labkit.inspect.mends import function, mended, replaced, shape_text
from labkit.inspect.recording import Call
from labkit.text import _


def channelwise(call: Call, tensors: list, fed: torch.Size):
    """Tell the wrong number of channels, or of axes, of batch and instance normalisation."""
    if not isinstance(call.module, _NormBase) or tensors[0].ndim < 2:
        return None
    shape, wanted = tuple(tensors[0].shape), call.module.num_features
    expected, axes = {
        "1d": (_("a batch [N, {n}] or [N, {n}, length]"), (2, 3)),
        "2d": (_("a batch [N, {n}, height, width]"), (4,)),
        "3d": (_("a batch [N, {n}, depth, height, width]"), (5,)),
    }.get(call.kind[-2:], ("", (len(shape),)))
    if len(shape) not in axes:
        kind = f"{call.kind[:-2]}{max(len(shape) - 2, 1)}d"
        change = _("write nn.{kind}({n}), which takes {axes} axes")
        change = change.format(kind=kind, n=shape[1], axes=len(shape))
        return shape_text(shape), expected.format(n=wanted), change
    if shape[1] == wanted:
        return None
    expected = _("{n} channels (num_features={n})").format(n=wanted)
    return shape_text(shape), expected, mended(call, shape[1], "num_features")


def last_axes(call: Call, tensors: list, fed: torch.Size):
    """Tell the wrong last axes of layer and root-mean-square normalisation."""
    if isinstance(call.module, (nn.LayerNorm, nn.RMSNorm)):
        wanted = call.module.normalized_shape
    elif function(call) in {"layer_norm", "rms_norm"}:
        wanted = (*call.arguments[1:2], *call.options.get("normalized_shape", ()))
        wanted = wanted[0] if isinstance(wanted[0], (tuple, list)) else wanted
    else:
        return None
    shape, wanted = tuple(tensors[0].shape), tuple(wanted)
    last = shape[-len(wanted) :]
    if last == wanted:
        return None
    expected = _("{sizes} as its last axes (normalized_shape={sizes})")
    if len(wanted) == 1:
        expected = _("{n} numbers in its last axis (normalized_shape={n})").format(n=wanted[0])
    if len(shape) == 4 and shape[1:2] == wanted:
        change = _("move the channels to the end first, x.permute(0, 2, 3, 1)")
    elif call.module is None:
        change = _("give it normalized_shape={sizes}").format(sizes=shape_text(last))
    else:
        arguments = re.sub(r"^\([^)]*\)", shape_text(last), call.module.extra_repr())
        change = replaced(call, f"normalized_shape={shape_text(last)}", arguments)
    return shape_text(shape), expected.format(sizes=shape_text(wanted)), change


def groupwise(call: Call, tensors: list, fed: torch.Size):
    """Tell the channels of a group normalisation that are others, or make no equal groups."""
    shape = tuple(tensors[0].shape)
    if isinstance(call.module, nn.GroupNorm):
        groups, wanted = call.module.num_groups, call.module.num_channels
    elif function(call) == "group_norm":
        groups, wanted = (*call.arguments[1:2], call.options.get("num_groups"))[0], None
    else:
        return None
    if len(shape) < 2 or (wanted in (None, shape[1]) and shape[1] % groups == 0):
        return None
    fitting = math.gcd(groups, shape[1])
    if call.module is None:
        expected = _("a multiple of {n} channels (num_groups={n})").format(n=groups)
        return shape_text(shape), expected, _("give it num_groups={n}").format(n=fitting)
    expected = _("{n} channels (num_channels={n})").format(n=wanted)
    arguments = re.sub(r"^\d+, \d+", f"{fitting}, {shape[1]}", call.module.extra_repr())
    change = f"num_channels={shape[1]}"
    if fitting != groups:
        change = f"num_groups={fitting}, {change}"
    return shape_text(shape), expected, replaced(call, change, arguments)


RULES = (channelwise, last_axes, groupwise)
