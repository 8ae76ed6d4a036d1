"""The rules of faults for recurrent layers, and for layers of two inputs.

Each returns what the layer got, what it expected and the mend, or None where it does not apply.
"""

import re

import torch
from torch import nn

from labkit.inspect.mends import mended, replaced, shape_text
from labkit.inspect.recording import Call
from labkit.text import _


def recurrent(call: Call, tensors: list, fed: torch.Size):
    """Tell the wrong numbers per step of nn.RNN, nn.LSTM, nn.GRU and their cells."""
    if not isinstance(call.module, (nn.RNNBase, nn.RNNCellBase)):
        return None
    shape, wanted = tuple(tensors[0].shape), call.module.input_size
    expected = _("{n} numbers at each step (input_size={n})").format(n=wanted)
    steps = []
    if len(shape) == 4:
        expected = _("a sequence, and {rest}").format(rest=expected)
        steps = [_("make one of the rows of the image, x.flatten(1, 2)")]
    if shape[-1] != wanted:
        steps.append(mended(call, shape[-1], "input_size"))
    return (shape_text(shape), expected, _(", and ").join(steps)) if steps else None


def bilinear(call: Call, tensors: list, fed: torch.Size):
    """Tell which of the two inputs of nn.Bilinear has other numbers, or another batch."""
    module, shapes = call.module, [tuple(tensor.shape) for tensor in tensors]
    if not isinstance(module, nn.Bilinear) or len(shapes) != 2 or not all(shapes):
        return None
    got = _(" and ").join(map(shape_text, shapes))
    wanted = {"in1_features": module.in1_features, "in2_features": module.in2_features}
    sizes = {name: shape[-1] for name, shape in zip(wanted, shapes, strict=True)}
    if sizes == wanted:
        expected = _("two inputs that agree in every axis but the last")
        return got, expected, _("give it two inputs of the same batch")
    listed = _(" and ").join(f"{n} ({name}={n})" for name, n in wanted.items())
    arguments, changes = module.extra_repr(), []
    for name, size in sizes.items():
        arguments = re.sub(rf"{name}=\d+", f"{name}={size}", arguments)
        changes += [f"{name}={size}"] if size != wanted[name] else []
    change = replaced(call, ", ".join(changes), arguments)
    return got, _("inputs of {sizes} numbers").format(sizes=listed), change


RULES = (recurrent, bilinear)
