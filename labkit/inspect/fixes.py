"""Fixes of a forward pass that broke: what is said, what is changed, and whether it then runs."""

import copy
import re
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import nn

from labkit.inspect.recording import FAILURES, Call, Recording, numbered, record
from labkit.sandbox.untouched import untouched
from labkit.text import _


@dataclass(frozen=True)
class Fix:
    """A change in words, and the same change as something that can be tried.

    ``layers`` are put in the place of those of these names; ``given`` makes other arguments and
    options of those of the calls ``at`` some places, if none is named of the one that broke;
    ``fed`` makes another input of that of the model; ``code`` is a function and its other code. A
    ``certain`` one is told before any edit of a line.
    """

    words: str
    layers: dict[str, nn.Module] = field(default_factory=dict)
    given: Callable[[tuple, dict], tuple[tuple, dict]] | None = None
    fed: Callable[[torch.Tensor], Any] | None = None
    at: tuple[str, ...] = ()
    code: tuple[FunctionType, CodeType] | None = None
    certain: bool = False

    def __and__(self, other: "Fix") -> "Fix":
        """Return both changes as one."""
        words = _("{first}, and {second}").format(first=self.words, second=other.words)
        given = other.given or self.given
        return Fix(words, {**self.layers, **other.layers}, given, other.fed or self.fed)


def best(fixes: Iterable[Fix], broken: Recording, x: torch.Tensor) -> tuple[float, list[Fix]]:
    """Return how far the forward pass gets at best, and the fixes that do it, two at most.

    Each is tried. 0 and none where the pass breaks at the same place with all of them.
    """
    tried = [(reach(fix, broken, x), fix) for fix in {fix.words: fix for fix in fixes}.values()]
    furthest = max((steps for steps, _fix in tried), default=0)
    return furthest, [fix for steps, fix in tried if furthest and steps == furthest][:2]


def reach(fix: Fix, broken: Recording, x: torch.Tensor) -> float:
    """Return how many steps the forward pass makes with a fix; 0 where it changes nothing.

    It is infinite where the pass runs to its end, with a row for each image of the batch.
    """
    with changed(fix, broken, x) as (again, fed):
        if again.error:
            later = again.place != broken.place and len(again.steps) > len(broken.steps)
            return len(again.steps) if later else 0
        output = again.output
        if not isinstance(output, torch.Tensor) or not output.ndim:
            return float("inf")
        head = isinstance(again.steps[-1].call.module, nn.Linear) if again.steps else False
        rows = head and output.ndim == 3 < fed.ndim  # scores for each token, none for the image
        return len(again.steps) if rows or len(output) != len(fed) else float("inf")


@contextmanager
def changed(
    fix: Fix, broken: Recording, x: torch.Tensor
) -> Generator[tuple[Recording, torch.Tensor]]:
    """Run the forward pass again with a fix and what it feeds; the model has it in this block."""
    with untouched(broken.model):
        model, changes, live = broken.model, broken.changes, broken.live
        others = {model.get_submodule(name): layer for name, layer in fix.layers.items()}
        for old, layer in others.items():
            layer.eval()
            live = live | {layer} if live and old in live else live
        for parent in list(model.modules()):  # it may hang in several places
            for key, old in parent.named_children():
                parent._modules[key] = others.get(old, old)
        model = others.get(model, model)
        x = fix.fed(x) if fix.fed else x
        if fix.given:
            changes = {**changes, **dict.fromkeys(fix.at or (broken.place,), fix.given)}
        function, code = fix.code or (_none, _none.__code__)
        kept, function.__code__ = function.__code__, code
        try:
            yield record(model, x, changes=changes, rest=broken.rest, live=live), x
        finally:
            function.__code__ = kept


def _none() -> None:
    """Stand for the function of a fix that changes none."""


def before(call: Call, words: str, expression: str, place: int | None = None) -> list[Fix]:
    """Return the fix that gives a call ``expression`` in place of a tensor ``x``, its first one.

    ``place`` is that of another one among the arguments. Nothing where it cannot be computed, e.g.
    where the tensor has not the axes that are named.
    """
    tensors = [n for n, item in enumerate(call.arguments) if isinstance(item, torch.Tensor)]
    if not tensors or place not in (None, *tensors):
        return []
    at = tensors[0] if place is None else place

    def given(arguments: tuple, options: dict) -> tuple[tuple, dict]:
        value = eval(expression, {"torch": torch, "nn": nn, "x": arguments[at]})
        return (*arguments[:at], value, *arguments[at + 1 :]), options

    can_be = computes(given, call.arguments, call.options)
    return [Fix(words.format(x=expression), given=given)] if can_be else []


def computes(function: Callable, *arguments: Any) -> bool:
    """Tell whether a change can be made at all."""
    try:
        with torch.no_grad():
            function(*arguments)
    except FAILURES:
        return False
    return True


def resized(call: Call, name: str | None = None, **changes: Any) -> list[Fix]:
    """Return the fix that makes a layer again with other arguments, e.g. ``in_channels=6``."""
    module, name = call.module, call.name if name is None else name
    base = next(c for c in type(module).__mro__ if c.__module__.startswith("torch.nn"))
    arguments = _arguments(module, changes)
    if not computes(made, base.__name__, arguments):
        return []
    layer = made(base.__name__, arguments, next(module.parameters(), None))
    line = f"{path(name, call)} = nn.{base.__name__}({arguments})"
    change = ", ".join(f"{key}={item}" for key, item in changes.items())
    text = _("set {change}: {line}")
    if base is not type(module):
        text = _("set {change} in {layer}")
    words = text.format(change=change, line=line, layer=path(name, call))
    return [Fix(words, {"" if name == call.kind else name: layer})]


def twin(module: nn.Module, **attributes: Any) -> nn.Module:
    """Return a copy of a module with other attributes; it shares the layers and the weights."""
    other = copy.copy(module)
    for registry in ("_parameters", "_buffers", "_modules"):
        kept = {key: item for key, item in vars(module)[registry].items() if key not in attributes}
        vars(other)[registry] = kept
    vars(other).update(attributes)
    return other


def made(kind: str, arguments: str, like: torch.Tensor | None = None) -> nn.Module:
    """Make a layer of ``arguments`` written as Python, all zeros, as its shapes alone count."""
    with torch.device("meta"):  # draws no random numbers and takes no time
        layer = eval(f"nn.{kind}({arguments})", {"nn": nn})
    if like is not None:
        layer = layer.to(like.dtype)
    layer = layer.to_empty(device="cpu" if like is None else like.device)
    for tensor in (*layer.parameters(), *layer.buffers()):
        tensor.detach().zero_()
    return layer


def _arguments(module: nn.Module, changes: dict[str, Any]) -> str:
    """Write the arguments of a layer with changes as Python, without those that are defaults."""
    parts = re.split(r", (?![^(]*\))", module.extra_repr())
    free = [part for part in parts if part and "=" not in part]
    known = signature(type(module)).parameters
    names = [*known] if len(known) > 2 else ["input_size", "hidden_size"]  # of nn.LSTM: *args
    found = dict(zip(names, free, strict=False))
    found.update(dict(part.split("=", 1) for part in parts if "=" in part))
    found.update({name: str(item) for name, item in changes.items()})
    short = {name: re.sub(r"^\((\d+)(, \1)*,?\)$", r"\1", item) for name, item in found.items()}
    default = {name: str(parameter.default) for name, parameter in known.items()}
    shown = {name: item for name, item in short.items() if item != default.get(name)}
    plain = {*names[: len(free)], "in_features", "out_features"}
    return ", ".join(item if name in plain else f"{name}={item}" for name, item in shown.items())


def swapped(broken: Recording) -> list[Fix]:
    """Return the fixes that exchange the layer with its like, as fc1 and fc2, or its neighbour."""
    name, module = broken.call.name, broken.call.module
    parent, _dot, own = name.rpartition(".")
    home = dict(broken.model.named_modules()).get(parent)
    beside = dict(home.named_children()) if home and module else {}
    keys = [
        key for key in beside if own in beside and key != own and type(beside[key]) is type(module)
    ]
    if isinstance(home, nn.Sequential) and own in beside:
        at = [*beside].index(own)
        keys += [*beside][max(at - 1, 0) : at] + [*beside][at + 1 : at + 2]
    text = _("swap {first} and {second}: each fits where the other is now")
    others = {f"{parent}.{key}".strip("."): beside[key] for key in keys}
    return [
        Fix(text.format(first=path(name), second=path(whole)), {name: other, whole: module})
        for whole, other in others.items()
    ]


def of_size(height: int, width: int) -> Fix:
    """Return the fix that feeds images of another size."""
    words = _("feed images of {height} x {width}").format(height=height, width=width)
    return Fix(words, fed=lambda x: x.new_zeros((*x.shape[:2], height, width)))


def path(name: str, call: Call | None = None) -> str:
    """Write where a layer hangs as Python: ``self.fc1``, ``model.features[3]``."""
    if call and name == call.kind:
        return "model"
    if name.isidentifier():
        return f"self.{name}"
    return "model" + "".join(
        f".{part}"
        if part.isidentifier()
        else f"[{part}]"
        if part.isdigit()
        else f'._modules["{part}"]'  # timm and Caffe name layers block1-0
        for part in name.split(".")
    )


def layer_text(call: Call, broken: Recording) -> str:
    """Write a call for the learner: ``fc1 (Linear)``, ``view() 2``."""
    layer = numbered(call.name, call, broken.steps)
    return layer if call.name == call.kind or not call.module else f"{layer} ({call.kind})"


def function(call: Call) -> str:
    """Return the name of the function that was called; "" for a layer."""
    return getattr(call.function, "__name__", "")


def argument(call: Call, place: int, name: str) -> Any:
    """Return the argument at a place, counted from 0, or of a name; None for one not given."""
    return call.arguments[place] if place < len(call.arguments) else call.options.get(name)


def shape_text(shape: Iterable[int]) -> str:
    """Write a shape as PyTorch does: ``[4, 400]``."""
    return str(list(shape))


def both(shapes: Iterable[Iterable[int]]) -> str:
    """Write the shapes of several tensors with "and" between them."""
    return _(" and ").join(map(shape_text, shapes))
