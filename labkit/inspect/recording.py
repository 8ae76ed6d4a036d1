"""Write down what happens in a forward pass: every layer and every function in between."""

import copy
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
_RUNNERS = {"record", "_running", "_call", "__torch_function__"}  # what runs the learner's code


@dataclass
class Call:
    """A call of a layer (``module``) or of a function such as ``torch.relu`` (``function``)."""

    name: str
    kind: str
    module: Any  # an nn.Module, None for a function; what it holds depends on its kind
    function: Any
    arguments: tuple
    options: dict[str, Any]

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The tensors that went in, in order; for a layer without its parameters."""
        return _tensors([self.arguments, self.options])


@dataclass
class Step:
    """A call that succeeded: input and output shapes, new parameters, and the output if kept.

    ``layer`` is the name of the call; of the second call of that name "relu() 2". ``sources`` are
    the numbers of the steps that made the inputs, None for what was fed in or is unknown.
    """

    call: Call
    layer: str
    inputs: tuple[tuple[int, ...], ...]
    shape: tuple[int, ...]
    parameters: int
    values: Any  # a tensor, None where outputs are not kept
    sources: tuple[int | None, ...] = ()


@dataclass
class Recording:
    """The steps of a forward pass and, if it broke, the error and the call that raised it.

    ``parameters`` counts those of the whole model, ``unused`` names those that took no part;
    ``output`` is what it returned, ``empty`` the calls of modules that returned None. ``sources``
    are the steps that made the tensors of the broken call, ``rest`` the inputs behind the first,
    ``changes`` what calls were given instead of what the model gave them, ``live`` the modules
    that were training, None in evaluation mode without gradients.
    """

    model: nn.Module
    steps: list[Step]
    parameters: int
    unused: tuple[str, ...]
    error: Exception | None = None
    broken: Call | None = None
    output: Any = None
    empty: list[Call] = field(default_factory=list)
    sources: tuple[int | None, ...] = ()
    rest: tuple = ()
    changes: dict[str, Callable] = field(default_factory=dict)
    live: frozenset[nn.Module] | None = None

    @property
    def call(self) -> Call:
        """The call that broke; only a rule of ``faults`` asks, and only where there is one."""
        assert self.broken is not None
        return self.broken

    @property
    def place(self) -> str:
        """The name of the call that broke, with its number: "relu() 2"."""
        return numbered(self.broken.name, self.broken, self.steps) if self.broken else ""

    @property
    def way(self) -> list[int]:
        """The numbers of the steps that lead to the call that broke, the nearest first."""
        found, ahead = [], {n for n in self.sources if n is not None}
        while ahead:
            found.append(max(ahead))
            ahead |= {n for n in self.steps[found[-1]].sources if n is not None}
            ahead.remove(found[-1])
        return found

    def back(self, source: int | None) -> Iterator[Step]:
        """Yield the steps that lead to a tensor, the last one first, each by its first input."""
        while source is not None:
            yield self.steps[source]
            source = next(iter(self.steps[source].sources), None)


def record(
    model: nn.Module,
    x: torch.Tensor,
    *,
    keep: bool = False,
    changes: dict[str, Callable] | None = None,
    rest: tuple = (),
    live: frozenset[nn.Module] | None = None,
) -> Recording:
    """Run ``model(x, *rest)`` in evaluation mode and write down each step; the model is unchanged.

    model: left as it is
    x: the first input, e.g. images ``[N, 3, 32, 32]``
    keep: whether to keep a copy of every output
    changes: by the name of a call, a function of its arguments and options that returns others
    rest: inputs behind ``x``
    live: modules that train; the pass then has gradients (default: evaluation mode, without)

    An error of the forward pass is returned; an error of this watching is raised. Raises
    ValueError for a model that is no longer Python, as ``torch.jit`` makes it.
    """
    model = plain(model)
    watch, error, output = _Watch(model, keep, changes or {}), None, None
    with untouched(model), _running(watch), torch.set_grad_enabled(live is not None):
        for module in live or ():
            module.training = True
        try:
            output = model(x, *rest)
        except FAILURES as failure:
            if _is_of_the_watch(failure):
                raise
            error = failure
    parameters = {name: p for name, p in model.named_parameters() if not is_lazy(p)}
    unused = tuple(name for name, p in parameters.items() if id(p) not in watch.counted)
    total = sum(p.numel() for p in parameters.values())
    ran = (model, watch.steps, total, unused, error, None, output, watch.empty)
    found = Recording(*ran, rest=rest, changes=watch.changes, live=live)
    if error:
        found.broken = watch.innermost()
        found.sources = watch.sources(found.broken) if found.broken else ()
    return found


def _without_init(model: nn.Module) -> str:
    """Return the class of the first part that never called nn.Module's __init__, or nothing."""
    if isinstance(model, torch.jit.ScriptModule):
        return ""
    if "_modules" not in vars(model):
        return type(model).__name__
    parts = (part for part in model._modules.values() if part is not None)
    return next(filter(None, map(_without_init, parts)), "")


def plain(model: nn.Module) -> nn.Module:
    """Return the model of Python inside of what torch.compile and DataParallel wrap around it.

    Raises ValueError for what cannot be run and watched.
    """
    if not isinstance(model, nn.Module):
        name = model.__name__ if isinstance(model, type) else repr(model)
        text = _("A model is an instance of nn.Module, as in Net(), not {name}.")
        raise ValueError(text.format(name=name))
    if bare := _without_init(model):
        text = _("Write super().__init__() as the first line of __init__ in {kind}.")
        raise ValueError(text.format(kind=bare))
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise ValueError(
            _("torch.jit has compiled this model. Pass the nn.Module from which it was made.")
        )
    model = getattr(model, "_orig_mod", model)
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        model = model.module
    if any(is_lazy(parameter) for parameter in model.parameters()):
        model = copy.deepcopy(model)  # a first pass would give lazy layers their final shape
    return model


@contextmanager
def _running(watch: "_Watch") -> Generator[None]:
    handles = watch.listen()
    try:
        with warnings.catch_warnings(), watch:
            warnings.simplefilter("ignore")  # the summary has sentences of its own
            yield
    finally:
        for handle in handles:
            handle.remove()


def _is_of_the_watch(error: Exception) -> bool:
    """Tell whether an error was raised by what watches the forward pass, not by the pass."""
    frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__)]
    here = [frame.f_code.co_name for frame in frames if frame.f_code.co_filename == __file__]
    last = frames[-1].f_code
    direct = last.co_filename == __file__ and last.co_name == "__torch_function__"
    tried = "exchange" in here  # a change that cannot be made there: the pass breaks with it
    return direct or not (tried or _RUNNERS.issuperset(here))


def _call(function: Callable, arguments: tuple, options: dict) -> Any:
    return function(*arguments, **options)


class _Watch(TorchFunctionMode):
    """Notes the layers by hooks and the functions called between them by PyTorch's own mode."""

    def __init__(self, model: nn.Module, keep: bool, changes: dict[str, Callable]):
        super().__init__()
        self.names = {module: name for name, module in model.named_modules()}
        self.keep, self.changes = keep, changes
        self.steps: list[Step] = []
        self.empty: list[Call] = []
        self.makers: dict[int, tuple[int | None, torch.Tensor]] = {}  # kept, so that ids stay
        self.working = False  # in a hook of ours, where functions are no steps
        self.open: list[Call] = []  # calls that have not returned yet, innermost last
        self.counted: set[int] = set()  # parameters that a step has been given already
        self.copies: dict[int, list[nn.Parameter]] = {}  # of parameters, by the copy's id

    def listen(self) -> list:
        handles = []
        for module in self.names:
            handles += [
                module.register_forward_pre_hook(self.before, prepend=True, with_kwargs=True),
                module.register_forward_hook(self.after, with_kwargs=True),
            ]
        return handles

    def before(self, module, arguments, options):
        name, kind = self.names.get(module, ""), type(module).__name__
        call = Call(name or kind, kind, module, None, arguments, options)
        self.exchange(call)
        self.open.append(call)
        return call.arguments, call.options

    def after(self, module, arguments, options, output):
        call = self.open.pop()
        while call.module is not module:  # left over where a forward pass caught an error itself
            call = self.open.pop()
        if output is None:
            self.empty.append(call)
        if is_layer(module) and not self.inside_layer():
            self.note(call, output, list(module.parameters()))

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if self.working or self.inside_layer():
            return _call(func, args, kwargs)
        depth = len(self.open)
        call = Call(self.function_name(func), "function", None, func, args, kwargs)
        self.exchange(call)
        self.open.append(call)
        output = _call(func, call.arguments, call.options)
        del self.open[depth:]
        parameters = [tensor for tensor in call.tensors if isinstance(tensor, nn.Parameter)]
        if func.__name__ in _SILENT or not call.tensors:
            self.silent(call, output, parameters)
        else:
            self.note(call, output, parameters)
        return output

    def exchange(self, call: Call) -> None:
        """Give the call that is to be tried in another way what it is to be given."""
        change = self.changes.get(numbered(call.name, call, self.steps)) if self.changes else None
        if change:
            self.working = True
            call.arguments, call.options = change(call.arguments, call.options)
            self.working = False

    def silent(self, call: Call, output: Any, parameters: list[nn.Parameter]) -> None:
        """Count parameters that only changed their place or type with the step that follows."""
        for tensor in call.tensors:
            parameters = parameters + self.copies.get(id(tensor), [])
        made = _tensors(output)
        if isinstance(output, torch.Tensor) and call.tensors:
            source = self.makers.get(id(call.tensors[0]), (None, None))[0]
            self.makers[id(output)] = (source, output)
        for tensor in made if parameters else []:
            self.copies.setdefault(id(tensor), []).extend(parameters)

    def sources(self, call: Call) -> tuple[int | None, ...]:
        return tuple(self.makers.get(id(tensor), (None, None))[0] for tensor in call.tensors)

    def innermost(self) -> Call | None:
        """Return the call that has not returned; of a transformer's layer, the layer as a whole."""
        whole = [call for call in self.open if isinstance(call.module, _WHOLE)]
        return next(iter(whole + self.open[-1:]), None)

    def inside_layer(self) -> bool:
        return any(call.module is not None and is_layer(call.module) for call in self.open)

    def function_name(self, func: Any) -> str:
        owner = self.names.get(self.open[-1].module, "") if self.open else ""
        plain = func.__name__.strip("_")
        return f"{owner}: {plain}()" if owner else f"{plain}()"

    def note(self, call: Call, output: Any, parameters: list[nn.Parameter]) -> None:
        for tensor in call.tensors:
            parameters = parameters + self.copies.get(id(tensor), [])
        new = {id(p): p.numel() for p in parameters if id(p) not in self.counted}
        self.counted.update(new)
        tensors = _tensors(output)
        if not tensors:
            return
        first = tensors[0]
        self.working = True
        values = first.detach().clone() if self.keep else None
        self.working = False
        inputs = tuple(tuple(tensor.shape) for tensor in call.tensors)
        layer, sources = numbered(call.name, call, self.steps), self.sources(call)
        for tensor in tensors:
            self.makers[id(tensor)] = (len(self.steps), tensor)
        shape, new = tuple(first.shape), sum(new.values())
        self.steps.append(Step(call, layer, inputs, shape, new, values, sources))


def numbered(words: str, call: Call, before: list[Step]) -> str:
    """Tell a call from those of the same name ``before`` it: "relu()", "relu() 2"."""
    number = 1 + sum(step.call.name == call.name for step in before)
    return words if number == 1 else f"{words} {number}"


def is_layer(module: nn.Module) -> bool:
    """Tell whether the module computes with PyTorch's own forward: it is then one row."""
    forward = type(module).forward
    home = getattr(forward, "__module__", "") or ""  # None where torch.fx has written it
    return home.startswith("torch.nn") and forward is not nn.Sequential.forward


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    listed = isinstance(value, (dict, tuple, list))
    return [tensor for item in items for tensor in _tensors(item)] if listed else []
