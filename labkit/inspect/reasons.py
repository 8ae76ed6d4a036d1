"""Say why the output of a step has the shape that it has."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.pooling import _AvgPoolNd, _MaxPoolNd

from labkit.inspect.recording import Call, Step
from labkit.text import _, written


@dataclass(frozen=True)
class Sliding:
    """The window of a convolution or a pooling, one number per axis of the map."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    def span(self, axis: int) -> int:
        """The pixels from the window's first to its last tap."""
        return self.dilation[axis] * (self.kernel[axis] - 1) + 1


def why(step: Step) -> str:
    """Return one clause that derives the output's shape and the parameters; it may be empty."""
    parts = [_why_size(step), _why_channels(step.call)]
    text = "; ".join(part for part in parts if part)
    if not text and step.inputs and step.shape == step.inputs[0]:
        text = _("the shape stays")
    return text


def sliding(call: Call) -> Sliding | None:
    """Return the window that a convolution or pooling slides over its input, else None."""
    weights = weight(call)
    if isinstance(call.module, (_ConvNd, _MaxPoolNd, _AvgPoolNd)):
        given = {name: getattr(call.module, name, None) for name in _WINDOW}
        kernel = call.module.kernel_size
    elif call.function is not None and call.function.__name__ in _SLIDING:
        given = _arguments(call)
        kernel = weights.shape[2:] if weights is not None else given["kernel_size"]
    else:
        return None
    axes = call.tensors[0].ndim - 2
    default = 1 if weights is not None else kernel  # pooling steps by its kernel
    numbers = (kernel, given["stride"] or default, given["padding"] or 0, given["dilation"] or 1)
    if axes < 1 or not all(map(_is_whole, numbers)):
        return None
    return Sliding(*(_each(number, axes) for number in numbers))


def weight(call: Call) -> torch.Tensor | None:
    """Return the weight of a convolution, a linear or a normalising step, else None."""
    if call.module is not None:
        found = getattr(call.module, "weight", None)
        return found if isinstance(found, torch.Tensor) else None
    if call.function is None or call.function.__name__ not in {"linear", *_CONVOLUTIONS}:
        return None
    found = call.options.get("weight")
    found = call.arguments[1] if found is None and len(call.arguments) > 1 else found
    return found if isinstance(found, torch.Tensor) else None


_WINDOW = ("stride", "padding", "dilation")
_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
_MAX_POOLINGS = ("max_pool1d", "max_pool2d", "max_pool3d")
_AVG_POOLINGS = ("avg_pool1d", "avg_pool2d", "avg_pool3d")
_SLIDING = {
    **dict.fromkeys(_CONVOLUTIONS, ("input", "weight", "bias", *_WINDOW)),
    **dict.fromkeys(_MAX_POOLINGS, ("input", "kernel_size", *_WINDOW)),
    **dict.fromkeys(_AVG_POOLINGS, ("input", "kernel_size", "stride", "padding")),
}


def _arguments(call: Call) -> dict[str, Any]:
    named = dict.fromkeys(("kernel_size", *_WINDOW))
    named.update(zip(_SLIDING[call.function.__name__], call.arguments, strict=False))
    return {**named, **call.options}


def _is_whole(value: Any) -> bool:
    values = value if isinstance(value, (tuple, list)) else (value,)
    return all(isinstance(number, int) for number in values)


def _each(value: Any, axes: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * axes
    values = tuple(value)
    return values * axes if len(values) == 1 else values


def _why_size(step: Step) -> str:
    window, before, after = sliding(step.call), (*step.inputs, ())[0], step.shape
    if window is not None:
        formulas = [_formula(n, window, axis) for axis, n in enumerate(before[2:])]
        if all(f.endswith(f"= {n}") for f, n in zip(formulas, after[2:], strict=True)):
            return ", ".join(dict.fromkeys(formulas))  # height and width once where they agree
    elif isinstance(step.call.module, _ADAPTIVE):
        return _("the layer fixes the size: {size}").format(size=_product(after[2:]))
    elif len(before) > 2 and after == (before[0], math.prod(before[1:])):
        return f"{_product(before[1:])} = {written(after[1], ',')}"
    return ""


_ADAPTIVE = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


def _formula(n: int, window: Sliding, axis: int) -> str:
    padding, stride, span = window.padding[axis], window.stride[axis], window.span(axis)
    size = (n + 2 * padding - span) // stride + 1
    if size < 1:
        return ""
    padded = f"{n} + 2·{padding}" if padding else f"{n}"
    return f"⌊({padded} − {span}) / {stride}⌋ + 1 = {size}"


def _why_channels(call: Call) -> str:
    weights, module = weight(call), call.module
    if isinstance(module, _BatchNorm) and weights is not None:
        return _("a scale and a shift for each of {n} channels").format(n=len(weights))
    function = getattr(call.function, "__name__", "")
    if weights is None:
        return ""
    if function in _CONVOLUTIONS or (isinstance(module, _ConvNd) and not module.transposed):
        text = _("{n} filters of {shape} weights")
        text = text.format(n=len(weights), shape=_product(weights.shape[1:]))
    elif (function == "linear" or isinstance(module, nn.Linear)) and weights.ndim == 2:
        text = _("{n} weighted sums of {inputs} numbers")
        text = text.format(n=len(weights), inputs=written(weights.shape[1], ","))
    else:
        return ""
    return text + (_(", a bias each") if getattr(module, "bias", None) is not None else "")


def _product(sizes) -> str:
    return " × ".join(str(size) for size in sizes)
