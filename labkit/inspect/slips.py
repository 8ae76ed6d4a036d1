"""The rules for slips of the pen: a forgotten return, self. or pair of brackets, and their like.

A rule takes the recording of a forward pass that broke, and returns what there was, what was
expected and the fixes; None where it does not apply.
"""

import builtins
import re
import traceback
from difflib import get_close_matches
from inspect import Parameter, isroutine, signature
from types import ModuleType
from typing import Any

import torch
from torch import nn

from labkit.inspect.fixes import Fix, both, function, path, twin
from labkit.inspect.recording import Call, Recording
from labkit.inspect.rules import Diagnosis
from labkit.inspect.wants import JOINS
from labkit.text import _, ngettext

_OF_LISTS = {*JOINS, "stack", "hstack", "vstack", "dstack", "einsum"}
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def no_forward(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a module that has no forward: a list of layers, or a name misspelt."""
    call = broken.call
    if not isinstance(broken.error, NotImplementedError) or call.module is None:
        return None
    if type(call.module).forward is not nn.Module.forward:
        return None
    got, where = both(tensor.shape for tensor in call.tensors), path(call.name, call)
    expected = _("not to be called itself: it has no forward")
    if isinstance(call.module, nn.ModuleList):
        text = _(
            "call its layers in turn, for layer in {where}: x = layer(x), or make it an {kind}"
        )
        words = text.format(where=where, kind="nn.Sequential")
        each = _("call each of its layers, [layer(x) for layer in {where}]").format(where=where)
        ways = {words: _InTurn(*call.module), each: _Each(*call.module)}
        return got, expected, [Fix(words, {call.name: made}) for words, made in ways.items()]
    if isinstance(call.module, nn.ModuleDict):
        key = next(iter(call.module), "")
        return got, expected, [Fix(_("name the layer, {x}").format(x=f"{where}[{key!r}](x)"))]
    written = get_close_matches("forward", vars(type(call.module)), 1, 0.7)
    words = _("give {kind} a method def forward(self, x)").format(kind=call.kind)
    for name, method in vars(type(call.module)).items():
        inside = getattr(getattr(method, "__code__", None), "co_consts", ())
        if any(getattr(code, "co_name", "") == "forward" for code in inside):
            text = _("move def forward out of {name}: indent it as far as def {name} in {kind}")
            words = text.format(name=name, kind=call.kind)
    if written:
        words = _misspelt("forward", call.kind, written[0])
    return got, _("a method called forward"), [Fix(words)]


class _InTurn(nn.Sequential):
    """Layers that are called one after the other, each with all that is given beside x."""

    def forward(self, input, *rest):
        for layer in self:
            input = layer(input, *rest)
        return input


class _Each(nn.Sequential):
    """Layers that are called side by side, each with the same input."""

    def forward(self, input, *rest):
        return [layer(input, *rest) for layer in self]


def no_tensor(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a layer that was given something else, e.g. the tuple that an LSTM returns."""
    call, error = broken.call, broken.error
    given = call.arguments[0] if call.arguments else next(iter(call.options.values()), None)
    listed = isinstance(given, (tuple, list))
    takes = function(call) in _OF_LISTS or not isinstance(error, (TypeError, AttributeError))
    if isinstance(given, (torch.Tensor, bool)) or (call.module is None and isinstance(given, str)):
        return None
    if call.module is None and listed and takes:
        return None
    expected = _("a tensor")
    if given is None:
        words = _("let the function before it end with return and its result")
        return "None", expected, [Fix(words)]
    if isinstance(given, nn.Module):
        kind = type(given).__name__
        got = _("the layer {kind} itself").format(kind=kind)
        return got, expected, [called(broken, kind, given)]
    if isinstance(given, dict) and given:
        got = _("a dict of {keys}").format(keys=", ".join(map(repr, given)))
        return got, expected, [_part(call, next(iter(given)))]
    if listed and given:
        got = _("a {kind} of {n}").format(kind=type(given).__name__, n=len(given))
        joined = Fix(
            _("join them along the channels first, torch.cat(x, 1)"),
            given=lambda given, options: ((torch.cat(given[0], 1), *given[1:]), options),
        )
        maps = isinstance(given, list) and all(getattr(t, "ndim", 0) > 1 for t in given)
        return got, expected, [joined if maps and call.arguments else _part(call, 0)]
    got = _("an object of type {kind}").format(kind=type(given).__name__)
    if isroutine(given):  # x.squeeze, without its brackets
        name = given.__name__
        text = f"x.{name}({'1' if name == 'flatten' else ''})"
        return got, expected, [Fix(_("call it: {x}").format(x=text))]
    return got, expected, [Fix(_("give it a tensor"))]


def _part(call: Call, key: Any) -> Fix:
    words = _("take the part that you mean, x[{key!r}]").format(key=key)
    if not call.arguments:
        return Fix(words)
    return Fix(words, given=lambda given, options: ((given[0][key], *given[1:]), options))


def called(broken: Recording, kind: str, module: nn.Module | None = None) -> Fix:
    """Return the fix of a layer that stands where its output belongs."""
    if module is None:  # made in forward, where nn.MaxPool2d(x, 2) was to pool
        module = value_in_forward(broken, kind)
    for name, known in broken.model.named_modules():
        if known is module or (module is None and name and type(known).__name__ == kind):
            return Fix(_("call it: {x}").format(x=f"{path(name)}(x)"))
    for owner, part in broken.model.named_modules():
        for name, value in vars(part).items():
            if isinstance(value, type) and value.__name__ == kind:  # self.act = nn.ReLU
                where = path(f"{owner}.{name}".strip("."))
                return Fix(
                    _("write {layer} = nn.{kind}(), with brackets").format(layer=where, kind=kind)
                )
    text = _("write nn.{kind}({needs})(x): nn.{kind}(x) makes a layer and does not call it")
    known = signature(getattr(nn, kind, nn.Module)).parameters.values()
    needs = any(p.default is p.empty and p.kind in _BY_POSITION for p in known)
    return Fix(text.format(kind=kind, needs="..." if needs else ""))


def value_in_forward(broken: Recording, kind: str) -> Any:
    """Return a variable of that type where the pass broke; None if it is a layer of the model."""
    own = set(broken.model.modules())
    frames = traceback.walk_tb(getattr(broken.error, "__traceback__", None))
    values = [value for frame, _line in frames for value in frame.f_locals.values()]
    found = (value for value in values if type(value).__name__ == kind)
    return next((v for v in found if not isinstance(v, nn.Module) or v not in own), None)


def inputs(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a forward that was called with too few or too many inputs."""
    call, error = broken.call, broken.error
    if not isinstance(error, TypeError) or call.module is None or "argument" not in str(error):
        return None
    if type(call.module).forward.__qualname__ not in str(error):
        return None
    accepted = list(signature(type(call.module).forward).parameters.values())[1:]
    names = [p.name for p in accepted if p.default is p.empty and p.kind in _BY_POSITION]
    missing = [name for name in names[len(call.arguments) :] if name not in call.options]
    count = len(call.arguments) + len(call.options)
    got = ngettext("{n} input", "{n} inputs", count).format(n=count)
    text = ngettext("{n} input: {names}", "{n} inputs: {names}", len(names))
    text = text if names else ngettext("{n} input", "{n} inputs", 0)
    expected = text.format(n=len(names), names=", ".join(names))
    text = _("call it with {names}, too")
    if call.name == call.kind:  # the model itself
        text = _(
            "feed {names}, too, summary(model, (x1, x2)); or leave out of forward what it does not "
            "use, such as labels"
        )
    if missing:
        return got, expected, [Fix(text.format(names=", ".join(missing)))]
    if not names:
        return got, expected, [Fix(_("write def forward(self, x): self comes first"))]
    words = _("call it with one tensor, {x}").format(x=f"{path(call.name, call)}(x)")
    if [t.ndim for t in call.tensors[1:]] == [1]:  # images and their labels
        words = _("take the part that you mean, x[{key!r}]").format(key=0)
    fixes = [Fix(words, given=lambda given, options: (given[: len(names)], {}))]
    if x.ndim == 3 and len({tensor.shape for tensor in call.tensors}) == 1:
        text = _("make a batch of the images first, torch.stack(x)")
        fixes.insert(0, Fix(text, given=lambda given, options: ((torch.stack(given),), {})))
    if isinstance(call.module, nn.Sequential):
        text = _("call its layers in turn, for layer in {where}: x = layer(x, y)")
        words = text.format(where=path(call.name, call))
        fixes.append(Fix(words, {call.name: _InTurn(*call.module)}))
    return got, expected, fixes


def nothing_returned(broken: Recording) -> Call | None:
    """Return the call of the module that forgot its return, where that is what broke the pass."""
    given = broken.broken.arguments[:1] if broken.broken else ()
    if broken.empty and ("NoneType" in str(broken.error) or given == (None,)):
        return broken.empty[-1]
    return None


def made_with_a_tensor(error: Exception | None) -> str:
    """Return the kind of a layer that was given a tensor where it is made, as in nn.Dropout(x)."""
    for frame, _line in traceback.walk_tb(error.__traceback__ if error else None):
        owner, given = frame.f_locals.get("self"), frame.f_locals.values()
        makes = frame.f_code.co_name == "__init__" and isinstance(owner, nn.Module)
        if makes and any(isinstance(value, torch.Tensor) for value in given):
            return type(owner).__name__
    return ""


def still_none(broken: Recording) -> list[Fix]:
    """Return the fix of an attribute of the module that is None where the line uses it."""
    value = nn.Identity() if "not callable" in str(broken.error) else torch.zeros(())
    names = {module: name for name, module in broken.model.named_modules()}
    frames = [f for f, _line in traceback.walk_tb(getattr(broken.error, "__traceback__", None))]
    for frame in frames[::-1]:
        module = frame.f_locals.get("self")
        if not isinstance(module, nn.Module) or module not in names:
            continue
        for wrong in (name for name in frame.f_code.co_names if getattr(module, name, "") is None):
            text = _("self.{wrong} is None: give it a value, or use it only where it is not None")
            words = text.format(wrong=wrong)
            return [Fix(words, {names[module]: twin(module, **{wrong: value})}), Fix(words)]
        break
    return []


def _misspelt(name: str, kind: str, wrong: str) -> str:
    text = _("write def {name} in {kind}: it is spelt {wrong} there")
    return text.format(name=name, kind=kind, wrong=wrong)


def names_of(broken: Recording) -> list[Fix]:
    """Return the fix of a name that is not there."""
    error, model = broken.error, broken.broken.module if broken.broken else broken.model
    wrong, owner = getattr(error, "name", None) or "", getattr(error, "obj", None)
    known = [*dict(model.named_children()), *vars(model)]
    if isinstance(error, NameError):
        if wrong in known or hasattr(type(model), wrong):
            return [
                Fix(_("write self.{wrong}: without self. it is another name").format(wrong=wrong))
            ]
        close = get_close_matches(wrong, ["self", "x", "torch", "nn", *dir(builtins)], 1)
        text = _("write {close}: there is no {wrong}") if close else _("define {wrong} first")
        return [Fix(text.format(wrong=wrong, close=close[0] if close else ""))]
    misspelt = get_close_matches("__init__", vars(type(model)), 1, 0.7)
    if owner is model and misspelt and misspelt != ["__init__"]:
        return [Fix(_misspelt("__init__", type(model).__name__, misspelt[0]))]
    if owner is model:
        if wrong in getattr(type(model).__init__, "__code__", called.__code__).co_varnames:
            text = _(
                "write self.{wrong} = ... in __init__: without self. it is gone when that ends"
            )
            return [Fix(text.format(wrong=wrong))]
        calls = getattr(type(model).forward, "__code__", called.__code__).co_names
        alike = [n for n in known if n in calls and _letters(n) == _letters(wrong)]  # fc3, fc2
        used = [name for name in known if name not in alike]
        for close in get_close_matches(wrong, used, 1):
            text = _("write self.{close}: there is no self.{wrong}")
            return [Fix(text.format(close=close, wrong=wrong))]
        text = _("make self.{wrong} in __init__, where there is none yet")
        return [Fix(text.format(wrong=wrong))]
    if isinstance(owner, nn.Module):
        return [called(broken, type(owner).__name__, owner)]
    if isinstance(owner, (ModuleType, torch.Tensor)):
        alike = {name.lower(): name for name in dir(owner)[::-1]}
        for close in get_close_matches(wrong.lower(), alike, 1, 0.7):
            text = _("write {close}: there is no {wrong}")
            return [Fix(text.format(close=alike[close], wrong=wrong))]
    if isinstance(owner, (tuple, list, dict)):
        text = _("take the part that you mean, x[{key!r}]")
        return [Fix(text.format(key=next(iter(owner), 0) if isinstance(owner, dict) else 0))]
    return []


def _letters(name: str) -> str:
    return re.sub(r"\d+$", "", name)
