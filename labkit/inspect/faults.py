"""Say in words why a forward pass broke: the layer, what it got, what it expected, the mend."""

import linecache
import traceback
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import Parameter, signature

import torch
from torch import nn

from labkit.inspect.axes import batch_squeezed, no_axes, no_such_axis
from labkit.inspect.mends import shape_text, unless_puzzled
from labkit.inspect.recording import Call, Recording, is_layer, numbered
from labkit.inspect.rules import RULES, no_tensor
from labkit.text import _

_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Fault:
    """Where a forward pass broke, and the change that would fix it."""

    layer: str
    got: str
    expected: str
    change: str
    message: str

    def __str__(self) -> str:
        return "\n".join(
            [
                _("{layer} got {got}.").format(layer=self.layer, got=self.got),
                _("It expected {expected}.").format(expected=self.expected),
                _("To fix it: {change}.").format(change=self.change),
                _("The error says: {message}").format(message=self.message),
            ]
        )


def find_fault(recording: Recording, x: torch.Tensor) -> Fault:
    """Return the fault of a recording that ended in an error; ``x`` is what was fed in."""
    call = recording.broken
    message = f"{type(recording.error).__name__}: {recording.error}".split("\n")[0]
    tensors = call.tensors if call else [x]
    layer = _("The model")
    if call:
        layer = _with_kind(numbered(call.name, call, recording.steps), call)
    got = _(" and ").join(shape_text(tensor.shape) for tensor in tensors) or _("no tensor")
    if call and call.module is not None and not is_layer(call.module):
        said = _missing_inputs(call, recording) or _own_line(call.module, recording)
        return Fault(layer, got, *said, message)
    found = unless_puzzled(_told, call, recording, x.shape) if call else None
    if found:
        return Fault(layer, *found, message)
    return Fault(
        layer,
        got,
        _("something else, as the message says"),
        _("compare these shapes with the output of the layer before"),
        message,
    )


def _told(call: Call, recording: Recording, fed: torch.Size) -> tuple[str, str, str] | None:
    """Return what the call got, what it expected and the mend, by the first rule that knows."""
    tensors, steps = call.tensors, recording.steps
    found = no_tensor(call, recording.error) or batch_squeezed(call, tensors, steps, fed)
    found = found or no_axes(call, tensors)
    for rule in RULES:
        found = found or (rule(call, tensors, fed) if tensors else None)
    found = found or no_such_axis(tensors, recording.error)
    if found or call.module is None:
        return found
    missing = _missing_inputs(call, recording)
    got = _(" and ").join(shape_text(tensor.shape) for tensor in tensors)
    return (got or _("no tensor"), *missing) if missing else None


def _missing_inputs(call: Call, recording: Recording) -> tuple[str, str] | None:
    """Return what a forward expected that was called with too few inputs, and the mend."""
    if not isinstance(recording.error, TypeError) or _reached(call.module, recording):
        return None
    inputs = list(signature(type(call.module).forward).parameters.values())[1:]
    names = [p.name for p in inputs if p.default is p.empty and p.kind in _BY_POSITION]
    missing = ", ".join(name for name in names[len(call.arguments) :] if name not in call.options)
    if not missing:
        return None
    expected = _("{n} inputs: {names}").format(n=len(names), names=", ".join(names))
    change = _("call it with {names}, too")
    if call.name == call.kind:  # the model itself
        change = _("give {names} a default value, for one tensor is fed in here")
    return expected, change.format(names=missing)


def _reached(module: nn.Module, recording: Recording) -> tuple[str, int] | None:
    """Return the file and the line that the module's own forward had reached, if it began."""
    code = getattr(type(module).forward, "__code__", None)
    frames = traceback.walk_tb(recording.error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code is code]
    return (code.co_filename, lines[-1]) if lines else None


def _own_line(module: nn.Module, recording: Recording) -> tuple[str, str]:
    """Return what a forward pass expected, and the mend, where its own code raised the error."""
    error, place = recording.error, _reached(module, recording)
    line = linecache.getline(*place).strip() if place else ""
    expected = _("to get past its own line: {line}").format(line=line)
    if not line:
        expected = _("to get to the end of its own forward")
    return expected, _missing(module, error) or _no_tuple(error) or _after(recording)


def _missing(module: nn.Module, error: Exception) -> str:
    """Return the mend of a name that the module does not have."""
    if not isinstance(error, AttributeError) or getattr(error, "obj", None) is not module:
        return ""
    known = [*dict(module.named_children()), *vars(module)]
    for close in get_close_matches(error.name, known, 1):
        text = _("write self.{close}: there is no self.{wrong}")
        return text.format(close=close, wrong=error.name)
    text = _("make self.{wrong} in __init__, where there is none yet")
    return text.format(wrong=error.name)


def _no_tuple(error: Exception) -> str:
    """Return the mend of a tuple given to one of PyTorch's functions, as torch.relu(lstm(x))."""
    if isinstance(error, TypeError) and str(error).endswith("must be Tensor, not tuple"):
        return _("take the part of the tuple that you mean, x[0]")
    return ""


def _after(recording: Recording) -> str:
    if not recording.steps:
        return _("change this line: no layer has run before it")
    step = recording.steps[-1]
    text = _("change this line, or what comes before it: {layer} gave {shape}")
    layer = _with_kind(step.layer, step.call)
    return text.format(layer=layer, shape=shape_text(step.shape))


def _with_kind(layer: str, call: Call) -> str:
    """Add the kind of a layer to its name: ``fc1 (Linear)``, ``view()``."""
    return layer if call.name == call.kind or not call.module else f"{layer} ({call.kind})"
