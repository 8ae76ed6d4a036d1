"""Write down what happens in a forward pass: every layer and every function in between."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from labkit.sandbox.untouched import untouched
from labkit.text import _

FAILURES = (
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, NameError),
    *(ArithmeticError, AssertionError),
)
"""What a forward pass may raise because of how it was written."""

_WHOLE = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
_SILENT = {"__get__", "contiguous", "detach", "clone", "to", "type", "float", "cpu", "cuda"}


@dataclass
class Call:
    """A call of a layer (``module``) or of a function such as ``torch.relu`` (``function``)."""

    name: str
    kind: str
    module: nn.Module | None
    function: Callable | None
    arguments: tuple
    options: dict[str, Any]

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The tensors that went in, in order; for a layer without its parameters."""
        return _tensors([self.arguments, self.options])


@dataclass
class Step:
    """A call that succeeded: input and output shapes, new parameters, and the output if kept.

    ``layer`` is the name of the call; of the second call of that name "relu() 2".
    """

    call: Call
    layer: str
    inputs: tuple[tuple[int, ...], ...]
    shape: tuple[int, ...]
    parameters: int
    values: torch.Tensor | None


@dataclass
class Recording:
    """The steps of a forward pass and, if it broke, the error and the call that raised it.

    ``parameters`` counts those of the whole model, ``unused`` names those that took no part;
    ``nothing`` says whether it returned None.
    """

    steps: list[Step]
    parameters: int
    unused: tuple[str, ...]
    error: Exception | None
    broken: Call | None
    nothing: bool


def record(model: nn.Module, x: torch.Tensor, *, keep: bool = False) -> Recording:
    """Run ``model(x)`` in evaluation mode and write down each step; the model stays as it was.

    ``keep`` keeps a copy of every output. An error of the forward pass is returned, not raised.
    Raises ValueError for a model that is no longer Python, as ``torch.jit`` makes it.
    """
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise ValueError(
            _("torch.jit has compiled this model. Pass the nn.Module from which it was made.")
        )
    model = getattr(model, "_orig_mod", model)  # what torch.compile has wrapped
    if any(is_lazy(parameter) for parameter in model.parameters()):
        model = copy.deepcopy(model)  # a first pass would give lazy layers their final shape
    watch, error, output = _Watch(model, keep), None, x
    with untouched(model):
        handles = watch.listen()
        try:
            with watch:
                output = model(x)
        except FAILURES as failure:
            error = failure
        finally:
            for handle in handles:
                handle.remove()
    parameters = {name: p for name, p in model.named_parameters() if not is_lazy(p)}
    unused = tuple(name for name, p in parameters.items() if id(p) not in watch.counted)
    broken = watch.innermost() if error else None
    total = sum(p.numel() for p in parameters.values())
    return Recording(watch.steps, total, unused, error, broken, output is None)


class _Watch(TorchFunctionMode):
    """Notes the layers by hooks and the functions called between them by PyTorch's own mode."""

    def __init__(self, model: nn.Module, keep: bool):
        super().__init__()
        self.names = {module: name for name, module in model.named_modules()}
        self.keep = keep
        self.steps: list[Step] = []
        self.open: list[Call] = []  # calls that have not returned yet, innermost last
        self.counted: set[int] = set()  # parameters that a step has been given already

    def listen(self) -> list:
        handles = []
        for module in self.names:
            handles += [
                module.register_forward_pre_hook(self.before, prepend=True, with_kwargs=True),
                module.register_forward_hook(self.after, with_kwargs=True),
            ]
        return handles

    def before(self, module, arguments, options):
        name, kind = self.names[module], type(module).__name__
        self.open.append(Call(name or kind, kind, module, None, arguments, options))

    def after(self, module, arguments, options, output):
        call = self.open.pop()
        while call.module is not module:  # left over where a forward pass caught an error itself
            call = self.open.pop()
        if is_layer(module) and not self.inside_layer():
            self.note(call, output, list(module.parameters()))

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if self.inside_layer():
            return func(*args, **kwargs)
        depth = len(self.open)
        call = Call(self.function_name(func), "function", None, func, args, kwargs)
        self.open.append(call)
        output = func(*args, **kwargs)
        del self.open[depth:]
        parameters = [tensor for tensor in call.tensors if isinstance(tensor, nn.Parameter)]
        if func.__name__ in _SILENT or not call.tensors:
            self.counted.update(map(id, parameters))
        else:
            self.note(call, output, parameters)
        return output

    def innermost(self) -> Call | None:
        """Return the call that has not returned; of a transformer's layer, the layer as a whole."""
        whole = [call for call in self.open if isinstance(call.module, _WHOLE)]
        return next(iter(whole + self.open[-1:]), None)

    def inside_layer(self) -> bool:
        return any(call.module is not None and is_layer(call.module) for call in self.open)

    def function_name(self, func: Callable) -> str:
        owner = self.names.get(self.open[-1].module, "") if self.open else ""
        plain = func.__name__.strip("_")
        return f"{owner}: {plain}()" if owner else f"{plain}()"

    def note(self, call: Call, output: Any, parameters: list[nn.Parameter]) -> None:
        new = {id(p): p.numel() for p in parameters if id(p) not in self.counted}
        self.counted.update(new)
        tensors = _tensors(output)
        if not tensors:
            return
        first = tensors[0]
        values = first.detach().clone() if self.keep else None
        inputs = tuple(tuple(tensor.shape) for tensor in call.tensors)
        layer = numbered(call.name, call, self.steps)
        self.steps.append(Step(call, layer, inputs, tuple(first.shape), sum(new.values()), values))


def numbered(words: str, call: Call, before: list[Step]) -> str:
    """Tell a call from those of the same name ``before`` it: "relu()", "relu() 2"."""
    number = 1 + sum(step.call.name == call.name for step in before)
    return words if number == 1 else f"{words} {number}"


def is_layer(module: nn.Module) -> bool:
    """Tell whether the module computes with PyTorch's own forward: it is then one row."""
    forward = type(module).forward
    return forward.__module__.startswith("torch.nn") and forward is not nn.Sequential.forward


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (tuple, list)):
        return []
    return [tensor for item in value for tensor in _tensors(item)]
