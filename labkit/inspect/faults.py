"""Say in words why a forward pass broke: the layer, what it got, what it expected, the mend."""

import linecache
import traceback
from dataclasses import dataclass
from difflib import get_close_matches

import torch
from torch import nn

from labkit.inspect.recording import Recording, is_layer
from labkit.inspect.rules import RULES, name, no_tensor, shape_text
from labkit.text import _


@dataclass(frozen=True)
class Fault:
    """Where a forward pass broke, and the change that would mend it."""

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
                _("To mend it: {change}.").format(change=self.change),
                _("The error says: {message}").format(message=self.message),
            ]
        )


def find_fault(recording: Recording, x: torch.Tensor) -> Fault:
    """Return the fault of a recording that ended in an error; ``x`` is what was fed in."""
    call = recording.broken
    message = f"{type(recording.error).__name__}: {recording.error}".split("\n")[0]
    tensors = call.tensors if call else [x]
    layer = _("The model") if call is None else name(call)
    got = _(" and ").join(shape_text(tensor.shape) for tensor in tensors) or _("no tensor")
    if call and call.module is not None and not is_layer(call.module):
        return Fault(layer, got, *_own_line(call.module, recording), message)
    found = no_tensor(call) if call else None
    for rule in RULES:
        found = found or (rule(call, tensors, x.shape) if call and tensors else None)
    if found:
        return Fault(layer, *found, message)
    return Fault(
        layer,
        got,
        _("something else, as the message says"),
        _("compare these shapes with the output of the layer before"),
        message,
    )


def _own_line(module: nn.Module, recording: Recording) -> tuple[str, str]:
    """Return what a forward pass expected, and the mend, where its own code raised the error."""
    error = recording.error
    code = getattr(type(module).forward, "__code__", None)
    frames = [f for f in traceback.walk_tb(error.__traceback__) if f[0].f_code is code]
    line = linecache.getline(code.co_filename, frames[-1][1]).strip() if frames else ""
    expected = _("to get past its own line: {line}").format(line=line)
    if not line:
        expected = _("to get to the end of its own forward")
    return expected, _missing(module, error) or _after(recording)


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


def _after(recording: Recording) -> str:
    if not recording.steps:
        return _("change this line: no layer has run before it")
    step = recording.steps[-1]
    text = _("change this line, or what comes before it: {layer} gave {shape}")
    return text.format(layer=name(step.call), shape=shape_text(step.shape))
