"""The rules by which a fault is told: what a layer got, what it expected, what would fix it.

Each rule takes the call that broke, the tensors given to it and the shape fed to the model; it
returns the three clauses, or None where it does not apply.
"""

import math

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from labkit.inspect import attending, joins, losses, normalisations, reshapes, sequences
from labkit.inspect.mends import argument, function, mended, shape_text
from labkit.inspect.reasons import Sliding, sliding, weight
from labkit.inspect.recording import Call
from labkit.text import _

_OF_LISTS = {"cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack", "einsum"}


def no_tensor(call: Call, error: Exception):
    """Tell a layer that was given something else, such as the tuple that an LSTM returns."""
    by_name = (*call.tensors, *call.options.values(), None)  # as in layer(input=x)
    given = call.arguments[0] if call.arguments else by_name[0]
    listed = isinstance(given, (tuple, list))
    takes = function(call) in _OF_LISTS or not isinstance(error, (TypeError, AttributeError))
    equation = isinstance(given, str)  # as torch.einsum takes
    if isinstance(given, torch.Tensor):
        return None
    if call.module is None and (equation or (listed and takes)):
        return None
    expected = _("a tensor")
    if given is None:
        change = _("let the forward before it end with return and its result")
        return "None", expected, change
    if isinstance(given, dict) and given:
        got = _("a dict of {keys}").format(keys=", ".join(map(repr, given)))
        return (
            got,
            expected,
            _("take the entry that you mean, x[{key!r}]").format(key=next(iter(given))),
        )
    if listed:
        got = _("a {kind} of {n}").format(kind=type(given).__name__, n=len(given))
        return got, expected, _("take the part that you mean, x[0]")
    got = _("an object of type {kind}").format(kind=type(given).__name__)
    return got, expected, _("give it a tensor")


def _wrong_type(call: Call, tensors: list, fed: torch.Size):
    weights = weight(call)
    embeds = isinstance(call.module, nn.Embedding)
    if weights is None or embeds or tensors[0].dtype == weights.dtype:
        return None
    got, expected = (str(t.dtype).removeprefix("torch.") for t in (tensors[0], weights))
    change = _("convert the input first, x.to(torch.{dtype})").format(dtype=expected)
    return _("numbers of type {dtype}").format(dtype=got), expected, change


def _wrong_device(call: Call, tensors: list, fed: torch.Size):
    weights = weight(call)
    if weights is None or tensors[0].device == weights.device:
        return None
    change = _("move the batch to the model, x.to({device!r})").format(device=str(weights.device))
    return _("a tensor on {device}").format(device=tensors[0].device), str(weights.device), change


def _embedding(call: Call, tensors: list, fed: torch.Size):
    if not isinstance(call.module, nn.Embedding) and function(call) != "embedding":
        return None
    weights = call.module.weight if call.module else argument(call, 1, "weight")
    if not isinstance(weights, torch.Tensor) or not weights.ndim or not tensors[0].numel():
        return None
    numbers, count = tensors[0], len(weights)
    if numbers.is_floating_point():
        dtype = str(numbers.dtype).removeprefix("torch.")
        change = _("convert the input first, x.to(torch.int64)")
        return _("numbers of type {dtype}").format(dtype=dtype), "int64", change
    low, high = numbers.min().item(), numbers.max().item()
    got = _("numbers from {low} to {high}").format(low=low, high=high)
    if 0 <= low <= high < count:
        return None
    change = mended(call, high + 1, "num_embeddings")
    if low < 0:
        change = _("give it no negative numbers")
    expected = _("numbers from 0 to {high} (num_embeddings={n})").format(high=count - 1, n=count)
    return got, expected, change


def _linear(call: Call, tensors: list, fed: torch.Size):
    weights = weight(call)
    if not isinstance(call.module, nn.Linear) and function(call) != "linear":
        return None
    if weights is None or weights.ndim != 2:
        return None
    wanted, shape = weights.shape[1], tuple(tensors[0].shape)
    expected = _("{n} numbers per image (in_features={n})").format(n=wanted)
    if len(shape) == 1 < len(fed):  # flattened with the batch
        count = shape[0] // fed[0]
        steps = [_("write torch.flatten(x, 1): without the 1 the batch is flattened too")]
    elif len(fed) == 3 and len(shape) == 2 and wanted == math.prod(shape):
        count = wanted
        steps = [_("feed it a batch, also of one image, x.unsqueeze(0)")]
    elif len(shape) in (3, 4) and shape[1] == wanted and math.prod(shape[2:]) > 1:
        count, order = wanted, "0, 2, 1" if len(shape) == 3 else "0, 2, 3, 1"
        change = _("move the channels to the end first, x.permute({order})").format(order=order)
        expected = _("{n} numbers in the last axis (in_features={n})").format(n=wanted)
        return shape_text(shape), expected, change
    elif len(shape) == 4 or (len(shape) == 3 and math.prod(shape[1:]) == wanted):
        count = math.prod(shape[1:])
        steps = [_("put torch.flatten(x, 1) before it")]
    else:
        count, steps = shape[-1], []
    if count != wanted:
        steps.append(mended(call, count, "in_features"))
    if not steps:
        return None
    got = _("{shape}, {n} numbers per image").format(shape=shape_text(shape), n=count)
    return got, expected, _(", and ").join(steps)


def _convolution(call: Call, tensors: list, fed: torch.Size):
    weights = weight(call)
    if weights is None or weights.ndim != 4 or not _convolves(call):
        return None
    shape = tuple(tensors[0].shape)
    groups = getattr(call.module, "groups", call.options.get("groups", 1))
    wanted = weights.shape[1] * groups
    expected = _("a batch [N, {n}, height, width]").format(n=wanted)
    if len(shape) not in (3, 4):
        change = _("feed it the maps before they are flattened")
    elif shape[-3] == wanted:
        return _too_small(call, shape)
    elif shape[-1] == wanted:
        order = "0, 3, 1, 2" if len(shape) == 4 else "2, 0, 1"
        change = _("move the channels to the front, x.permute({order})").format(order=order)
    else:
        change = mended(call, shape[-3], "in_channels")
    return shape_text(shape), expected, change


def _other_convolution(call: Call, tensors: list, fed: torch.Size):
    """Tell the channels of those in one or three dimensions, and of transposed ones."""
    module, shape = call.module, tuple(tensors[0].shape)
    if not isinstance(module, _ConvNd):
        return None
    wanted, axes = module.in_channels, module.weight.ndim
    if len(shape) == 4 != axes:
        expected = _("a batch [N, {n}, length]") if axes == 3 else _(
            "a batch [N, {n}, depth, height, width]"
        )  # fmt: skip
        kind = call.kind.replace(f"{axes - 2}d", "2d")
        change = _("write nn.{kind}, which slides over height and width").format(kind=kind)
        return shape_text(shape), expected.format(n=wanted), change
    if len(shape) != axes or shape[1] == wanted:
        return None
    expected = _("{n} channels (in_channels={n})").format(n=wanted)
    change = mended(call, shape[1], "in_channels")
    if axes == 3 and shape[2] == wanted:
        change = _("move the channels to axis 1 first, x.permute(0, 2, 1)")
    return shape_text(shape), expected, change


def _pooling(call: Call, tensors: list, fed: torch.Size):
    if isinstance(call.module, _POOLINGS_2D) or function(call) in {"max_pool2d", "avg_pool2d"}:
        if tensors[0].ndim < 3:
            change = _("feed it the maps before they are flattened")
            return shape_text(tensors[0].shape), _("a batch [N, channels, height, width]"), change
    if sliding(call) is None or weight(call) is not None:
        return None
    return _too_small(call, tuple(tensors[0].shape))


def _too_small(call: Call, shape: tuple[int, ...]):
    window = sliding(call)
    sides = shape[-len(window.kernel) :]
    short = [axis for axis, n in enumerate(sides) if window.span(axis) > n + _margin(window, axis)]
    if not short:
        return None
    axis = short[0]
    need = -(-(window.span(axis) - sides[axis]) // 2)
    least = window.span(axis) - _margin(window, axis)
    expected = _("maps of at least {n} pixels a side").format(n=least)
    change = _("pad it (padding={p}), take a smaller kernel, or feed larger images")
    if weight(call) is None:
        change = _("leave this pooling out, take a smaller kernel, or feed larger images")
    got = _("{shape}, maps of {height} x {width}").format(
        shape=shape_text(shape), height=sides[0], width=sides[-1]
    )
    return got, expected, change.format(p=need)


def _margin(window: Sliding, axis: int) -> int:
    return 2 * window.padding[axis]


def _prelu(call: Call, tensors: list, fed: torch.Size):
    if not isinstance(call.module, nn.PReLU) and function(call) != "prelu":
        return None
    slopes = call.module.weight if call.module else argument(call, 1, "weight")
    if not isinstance(slopes, torch.Tensor):
        return None
    shape, count = tuple(tensors[0].shape), slopes.numel()
    channels = shape[1] if len(shape) > 1 else 1
    if count in (1, channels):
        return None
    expected = _("{n} channels in axis 1 (num_parameters={n})").format(n=count)
    change = mended(call, channels, "num_parameters") + _(", or 1, one slope for all channels")
    if call.module is None:
        change = _("give the weight {n} numbers, or 1, one slope for all channels")
        change = change.format(n=channels)
    if shape[-1] == count and (len(shape) < 4 or shape[-2] != count):  # no square map
        change = _("move the channels to axis 1 first, x.movedim(-1, 1)")
    return shape_text(shape), expected, change


_POOLINGS_2D = (nn.MaxPool2d, nn.AvgPool2d)
RULES = (
    *losses.RULES,  # first, for the weights of a loss are none of its input's kind
    *(_wrong_type, _wrong_device, _embedding, _linear, _convolution, _other_convolution),
    *(_pooling, _prelu, *joins.RULES, *reshapes.RULES),
    *(*normalisations.RULES, *sequences.RULES, *attending.RULES),
)
"""In the order in which they are tried."""


def _convolves(call: Call) -> bool:
    return isinstance(call.module, nn.Conv2d) or function(call) == "conv2d"
