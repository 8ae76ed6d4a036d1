"""Word a layer, a shape, and the line of Python that would mend a layer."""

import re
from collections.abc import Callable
from typing import Any

from labkit.inspect.recording import Call
from labkit.text import _


def unless_puzzled(rule: Callable, *arguments) -> Any:
    """Return what a rule says; None where the learner gave a layer what no rule has foreseen."""
    try:
        return rule(*arguments)
    except Exception:  # PyTorch's own message is still told: better than a traceback of ours
        return None


def function(call: Call) -> str:
    """Return the name of the function that was called; "" for a layer."""
    return getattr(call.function, "__name__", "")


def given(call: Call, *names: str) -> list[Any]:
    """Return the arguments of a call that takes ``names`` in this order; None for one not given."""
    return [argument(call, place, name) for place, name in enumerate(names)]


def argument(call: Call, place: int, name: str) -> Any:
    """Return the argument at a place, counted from 0, or of a name; None for one not given."""
    return call.arguments[place] if place < len(call.arguments) else call.options.get(name)


def shape_text(shape) -> str:
    """Write a shape as PyTorch does: ``[4, 400]``."""
    return str(list(shape))


def path(call: Call) -> str:
    """Write where the layer hangs as Python: ``self.fc1``, ``model.features[3]``."""
    if call.name == call.kind:
        return "model"
    if call.name.isidentifier():
        return f"self.{call.name}"
    return "model" + re.sub(r"\.(\d+)(?![^.])", r"[\1]", f".{call.name}")


def mended(call: Call, size: int, argument: str) -> str:
    """Word the change of a layer's first argument, with the whole layer as it should be."""
    if call.module is None:
        return _("give the weight {argument}={n}").format(argument=argument, n=size)
    arguments = re.sub(r"^(\w+=)?\d+", rf"\g<1>{size}", call.module.extra_repr())
    if size % getattr(call.module, "groups", 1):
        argument, arguments = f"groups=1, {argument}", re.sub(r", groups=\d+", "", arguments)
    return replaced(call, f"{argument}={size}", arguments)


def replaced(call: Call, change: str, arguments: str, kind: str = "") -> str:
    """Word a change of arguments, ``size=3``, with the whole layer as it should be."""
    return _("set {change}: {layer} = nn.{kind}({arguments})").format(
        change=change, layer=path(call), kind=kind or call.kind, arguments=arguments
    )
