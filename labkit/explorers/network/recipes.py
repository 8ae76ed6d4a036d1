"""How a layer makes each of its numbers, told in a few lists that hold for every layer.

A window is told by the places under it: ``rows[y]`` are the rows of the source that number
``(y, x)`` takes, ``columns[x]`` its columns; -1 is the padding, a 0. Stride, padding, dilation and
the uneven windows of adaptive pooling are all in these lists. The kinds of lines:

``products``
    The numbers under the window, in ``inputs`` maps of the source, each times its weight, plus
    the bias. Map c takes the maps from ``c // (C / groups) * inputs`` on. A linear layer is a
    window over all it takes.
``largest``, ``mean``
    Of the numbers under the window in the map of the same number. A mean divides by ``divisor``
    if there is one, else by how many numbers are under the window, padding included.
``scaled``
    Batch normalisation: ``(x - mean) / deviation * scale + shift``, ``scales[c]`` holding the four.
``sum``
    The number at the same place of each source, added.
``softmax``
    e to the power of a number, divided by the sum of all such powers.
``activation``
    A function of the number at the same place, where it could not join the line before it.
``unknown``
    Anything else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from labkit.inspect.recording import Step

_RESHAPES = {"flatten", "view", "reshape", "squeeze", "unsqueeze", "dropout", "dropout2d"}
_SAME = (nn.Flatten, nn.Unflatten, nn.Identity, nn.modules.dropout._DropoutNd)
"""What passes every number on as it is, in evaluation mode."""

_FUNCTIONS = {
    "relu": "ReLU",
    **{name: name for name in ("tanh", "sigmoid", "hardtanh", "clamp", "clip", "abs", "neg")},
    **{"leaky_relu": "LeakyReLU", "relu6": "ReLU6", "elu": "ELU", "selu": "SELU", "gelu": "GELU"},
    **{"silu": "SiLU", "mish": "Mish", "softplus": "Softplus", "hardswish": "Hardswish"},
    **{"div": "÷", "truediv": "÷", "mul": "×", "exp": "exp", "sqrt": "√", "square": "square"},
}
_NOT_ELEMENTWISE = (nn.Softmax, nn.LogSoftmax, nn.Softmin, nn.Softmax2d, nn.MultiheadAttention)
_MODES: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
_ADDING = {"add", "radd", "iadd"}


@dataclass(eq=False)
class Arithmetic:
    """A kind, what else the plan says of it, and its weights if it has any."""

    kind: str = "unknown"
    how: dict[str, Any] = field(default_factory=dict)
    filters: np.ndarray | None = None
    biases: np.ndarray | None = None


def is_reshape(step: Step) -> bool:
    """Say whether a step passes the same numbers on in the same order."""
    if step.call.module is not None:
        return isinstance(step.call.module, _SAME)
    return _name(step) in _RESHAPES


def activation(step: Step) -> str:
    """Return the name of the function that a step applies to each number alone, or ""."""
    module = step.call.module
    if module is not None:
        built_in = type(module).__module__ == "torch.nn.modules.activation"
        return (
            type(module).__name__ if built_in and not isinstance(module, _NOT_ELEMENTWISE) else ""
        )
    if len(step.call.tensors) != 1 or step.inputs[0] != step.shape:
        return ""
    name = _FUNCTIONS.get(_name(step), "")
    number = next((a for a in step.call.arguments if isinstance(a, (int, float))), None)
    return f"{name} {number:g}" if name in ("÷", "×") and number is not None else name


def recipe(step: Step, before: Sequence[np.ndarray | None], shape: tuple[int, ...]) -> Arithmetic:
    """Return how a step makes its output ``shape`` of the lines ``before`` it, ``[C, H, W]`` each.

    What is not known, or is made of numbers in another order, is of the kind "unknown".
    """
    known = [values for values in before if values is not None]
    if not known or len(known) < len(before):
        return Arithmetic()
    if len(known) > 1:
        same = all(values.shape == shape for values in known)
        plain = _name(step) in _ADDING and step.call.options.get("alpha", 1) == 1
        return Arithmetic("sum" if same and plain else "unknown")
    source, layer = known[0], _layer(step)
    for kinds, make in _MAKERS:
        if isinstance(layer, kinds):
            return make(layer, source, shape, step)
    if activation(step) and source.shape == shape:
        return Arithmetic("activation", {"activations": [activation(step)]})
    return Arithmetic()


def _name(step: Step) -> str:
    return (step.call.function.__name__ if step.call.function else "").strip("_")


def _layer(step: Step) -> nn.Module | SimpleNamespace | None:
    """Return the layer of a step, or the one that does what its function does."""
    call, name = step.call, _name(step)
    if call.module is not None:
        return call.module
    rest, options = call.arguments[1:], dict(call.options)
    for gone in ("inplace", "return_indices", "_stacklevel", "dtype", "input"):
        options.pop(gone, None)
    makers = {
        "max_pool2d": nn.MaxPool2d,
        "avg_pool2d": nn.AvgPool2d,
        "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d,
        "adaptive_max_pool2d": nn.AdaptiveMaxPool2d,
        "softmax": nn.Softmax,
    }
    if name in makers:
        return makers[name](*rest[:3], **options)
    if name in ("mean", "amax") and len(step.inputs[0]) == 4:
        axes = options.get("dim", rest[0] if rest else ())
        whole = sorted(a % 4 for a in (axes if isinstance(axes, (tuple, list)) else ())) == [2, 3]
        layer = nn.AdaptiveAvgPool2d if name == "mean" else nn.AdaptiveMaxPool2d
        return layer(1) if whole else None
    return None


def _products(layer: nn.Conv2d, source: np.ndarray, shape, step: Step) -> Arithmetic:
    if step.inputs[0][1:] != source.shape or len(step.inputs[0]) != 4:
        return Arithmetic()
    lines = []
    for axis in (0, 1):
        kernel, dilation = layer.kernel_size[axis], layer.dilation[axis]
        around = layer.padding
        if isinstance(around, str):
            total = dilation * (kernel - 1) if around == "same" else 0
            ends = total // 2, total - total // 2
        else:
            ends = around[axis], around[axis]
        places = np.arange(source.shape[1 + axis])
        mode = _MODES.get(layer.padding_mode)
        padded = np.pad(places, ends, mode) if mode else np.pad(places, ends, constant_values=-1)
        first = layer.stride[axis] * np.arange(shape[1 + axis])
        lines.append(padded[first[:, None] + dilation * np.arange(kernel)].tolist())
    how = {"rows": lines[0], "columns": lines[1], "groups": layer.groups}
    how["inputs"] = layer.in_channels // layer.groups
    return Arithmetic("products", how, *_weights(layer, layer.weight.shape))


def _linear(layer: nn.Linear, source: np.ndarray, shape, step: Step) -> Arithmetic:
    if step.inputs[0] != (1, source.size):
        return Arithmetic()
    channels, height, width = source.shape
    how = {"rows": [[*range(height)]], "columns": [[*range(width)]], "groups": 1}
    how["inputs"] = channels
    return Arithmetic("products", how, *_weights(layer, (layer.out_features, *source.shape)))


def _weights(layer: nn.Conv2d | nn.Linear, shape: Sequence[int]) -> list[np.ndarray | None]:
    filters = layer.weight.detach().float().cpu().numpy().reshape(tuple(shape))
    bias = layer.bias
    return [filters, None if bias is None else bias.detach().float().cpu().numpy()]


def _pool(layer: nn.MaxPool2d | nn.AvgPool2d, source: np.ndarray, shape, step: Step) -> Arithmetic:
    if step.inputs[0][1:] != source.shape:
        return Arithmetic()
    mean = isinstance(layer, nn.AvgPool2d)
    counted = mean and layer.count_include_pad  # then the padding is part of the mean
    names = ("kernel_size", "stride", "padding", "dilation")
    lines = []
    for axis in (0, 1):
        kernel, stride, padding, dilation = (_of(getattr(layer, n, 1), axis) for n in names)
        size = source.shape[1 + axis]
        windows = []
        for number in range(shape[1 + axis]):
            places = [number * stride - padding + dilation * n for n in range(kernel)]
            inside = [p if 0 <= p < size else -1 for p in places if p < size + padding]
            windows.append(inside if counted else [p for p in inside if p >= 0])
        lines.append(windows)
    how = {"rows": lines[0], "columns": lines[1]}
    if mean and layer.divisor_override:
        how["divisor"] = layer.divisor_override
    return Arithmetic("mean" if mean else "largest", how)


def _of(value: int | tuple[int, ...], axis: int) -> int:
    return value[axis] if isinstance(value, (tuple, list)) else value


def _adaptive(layer: nn.Module, source: np.ndarray, shape, step: Step) -> Arithmetic:
    if step.inputs[0][1:] != source.shape:
        return Arithmetic()
    lines = []
    for axis in (1, 2):
        size, count = source.shape[axis], shape[axis]
        ends = [(n * size // count, -(-(n + 1) * size // count)) for n in range(count)]
        lines.append([[*range(start, end)] for start, end in ends])
    kind = "mean" if isinstance(layer, nn.AdaptiveAvgPool2d) else "largest"
    return Arithmetic(kind, {"rows": lines[0], "columns": lines[1]})


def _norm(layer: nn.BatchNorm2d, source: np.ndarray, shape, step: Step) -> Arithmetic:
    mean, variance = layer.running_mean, layer.running_var
    if mean is None or variance is None or source.shape != shape:
        return Arithmetic()
    spread = torch.sqrt(variance + layer.eps)
    one, zero = torch.ones_like(spread), torch.zeros_like(spread)
    scale, shift = (one, zero) if layer.weight is None else (layer.weight, layer.bias)
    scales = torch.stack([mean, spread, scale, shift], dim=1)
    return Arithmetic("scaled", {"scales": scales.detach().float().cpu().tolist()})


def _softmax(layer: nn.Softmax, source: np.ndarray, shape, step: Step) -> Arithmetic:
    vector = shape[1:] == (1, 1) and source.shape == shape
    return Arithmetic("softmax") if vector and layer.dim in (1, -1) else Arithmetic()


_MAKERS: tuple[tuple[Any, Callable[..., Arithmetic]], ...] = (
    (nn.Conv2d, _products),
    (nn.Linear, _linear),
    ((nn.MaxPool2d, nn.AvgPool2d), _pool),
    ((nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d), _adaptive),
    ((nn.BatchNorm1d, nn.BatchNorm2d), _norm),
    (nn.Softmax, _softmax),
)
