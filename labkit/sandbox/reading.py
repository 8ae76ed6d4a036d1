"""Read a learner's code: is it still the stub, what does it look at, where did it fail?"""

import dis
import functools
import inspect
import sys
import sysconfig
import traceback
import types
from collections.abc import Iterator
from contextlib import suppress

from torch import nn

_NOTHING = ("RESUME", "NOP", "CACHE", "COPY_FREE_VARS")
_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))

_MANY = 1_000
"""A list of so many parts is restored, its parts are not: it may be a data set."""


def untouched(answer) -> bool:
    """Return whether an answer is still the stub: ``...``, or a function or class of nothing else.

    A function is, if it does nothing but return ``None`` or ``...``.
    """
    if answer is ...:
        return True
    if inspect.isclass(answer):  # int or list is no stub: somebody has put it there
        own = answer.__module__ != "builtins"
        return own and not any(inspect.isfunction(value) for value in vars(answer).values())
    answer = innermost(answer)
    if not inspect.isfunction(answer):
        return False
    steps = [step for step in dis.get_instructions(answer) if step.opname not in _NOTHING]
    returned = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    rest = [s for s in steps if s.opname not in ("LOAD_CONST", "RETURN_CONST", "RETURN_VALUE")]
    return not rest and returned in ([None], [...])


def unused(answer) -> list[str]:
    """Return the parameters that a learner's function never reads."""
    function = innermost(answer)
    if not (inspect.isfunction(answer) and inspect.isfunction(function)):
        return []
    code = function.__code__
    read = set()
    for step in dis.get_instructions(code):
        if step.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE", "STORE_FAST_LOAD")):
            read.update(step.argval if isinstance(step.argval, tuple) else [step.argval])
    read.update(code.co_cellvars)
    return [name for name in code.co_varnames[: code.co_argcount] if name not in read]


def innermost(answer):
    """Return what a method, a ``functools.partial`` or a decorated function calls in the end.

    Like ``inspect.unwrap``, but whatever ``answer`` is, none of its own code runs.
    """
    for _layer in range(100):  # one that wraps itself has no end
        if type(answer) is types.MethodType:
            answer = answer.__func__
        elif type(answer) is functools.partial:
            answer = answer.func
        else:
            inner = inspect.getattr_static(answer, "__wrapped__", answer)
            if inner is answer:
                break
            answer = inner
    return answer


def namespace(answer) -> dict:
    """Return the variables that the learner's code sees: those of its notebook.

    An answer may be a library's own, ``torch.log`` or a ``v2.Compose``: its code is not theirs.
    """
    function = innermost(answer)
    if not inspect.isfunction(function):
        kind = answer if inspect.isclass(answer) else type(answer)
        function = next(filter(inspect.isfunction, vars(kind).values()), None)
    home = getattr(function, "__globals__", {})
    theirs = home and not str(home.get("__file__", "")).startswith(_LIBRARIES)
    return home if theirs else vars(sys.modules["__main__"])


def reached(answer, namespace: dict) -> list:
    """Return what an answer reads from ``namespace``, its notebook, itself included.

    Functions of the notebook that it calls are followed, and so are objects of its classes and
    what lists and dictionaries hold. What it does not name is not returned: a model that trains in
    the background meanwhile is left alone.
    """
    found, waiting = {}, [answer]
    while waiting:
        value = waiting.pop()
        if id(value) not in found:
            found[id(value)] = value
            waiting += _leads_to(value, namespace)
    return list(found.values())


def _leads_to(value, namespace: dict) -> list:
    """Return what a single thing leads to: a function to what it names, a list to what it holds."""
    kind = type(value)
    if kind in (list, tuple, dict):
        return list(value.values() if kind is dict else value) if len(value) < _MANY else []
    if inspect.isclass(value):
        return [part for part in vars(value).values() if inspect.isfunction(part)]
    if kind is types.MethodType:
        return [value.__self__, value.__func__]
    if kind is functools.partial:
        return [value.func, value.args, value.keywords]
    inner = innermost(value)
    if inspect.isfunction(inner) and inner.__globals__ is namespace:
        named = [namespace[name] for name in _names(inner.__code__) & namespace.keys()]
        return [*named, *_enclosed(inner), inner.__defaults__, inner.__kwdefaults__]
    if kind.__module__ != namespace.get("__name__") or not hasattr(value, "__dict__"):
        return []
    return [kind] if isinstance(value, nn.Module) else [kind, vars(value)]


def _enclosed(function: types.FunctionType) -> Iterator:
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # nothing in it yet
            yield cell.cell_contents


def _names(code: types.CodeType) -> set[str]:
    inner = [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def place(error: BaseException, home: dict) -> tuple[int | None, str]:
    """Return number and text of the learner's line that led to an error; None if there is none."""
    theirs = [
        (frame, number)
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_globals is home
    ]
    if not theirs:
        return None, ""
    frame, number = theirs[-1]
    summary = traceback.StackSummary.extract(iter([(frame, number)]))[0]
    return number, (summary.line or "").strip()
