"""Read a learner's code: is it still the stub, what does it look at, where did it fail?"""

import ast
import dis
import functools
import inspect
import sys
import sysconfig
import textwrap
import traceback
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

_NOTHING = ("RESUME", "NOP", "CACHE", "COPY_FREE_VARS")
_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


class Answer:
    """A learner's answer, whatever it is, and what can be read from it without running it.

    ``given`` is the answer itself, ``function`` what it calls in the end.
    """

    def __init__(self, given):
        self.given = given
        self.function = _innermost(given)

    @property
    def untouched(self) -> bool:
        """Whether it is still the stub: ``...``, or a function or class of nothing else.

        A function is, if it does nothing but return ``None`` or ``...``.
        """
        if self.given is ...:
            return True
        if inspect.isclass(self.given):  # int or list is no stub: somebody has put it there
            own = self.given.__module__ != "builtins"
            return own and not any(map(inspect.isfunction, vars(self.given).values()))
        if not inspect.isfunction(self.function):
            return False
        steps = [
            step for step in dis.get_instructions(self.function) if step.opname not in _NOTHING
        ]
        constants = ("LOAD_CONST", "RETURN_CONST")
        returned = [step.argval for step in steps if step.opname in constants]
        rest = [step for step in steps if step.opname not in (*constants, "RETURN_VALUE")]
        return not rest and returned in ([None], [...])

    @property
    def unused(self) -> list[str]:
        """The parameters that a function never reads."""
        if not (inspect.isfunction(self.given) and inspect.isfunction(self.function)):
            return []
        code = self.function.__code__
        read = set(code.co_cellvars)
        for step in dis.get_instructions(code):
            if step.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "STORE_FAST_LOAD")):
                read.update(step.argval if isinstance(step.argval, tuple) else [step.argval])
        return [name for name in code.co_varnames[: code.co_argcount] if name not in read]

    @property
    def outside(self) -> list[str]:
        """The models and larger data of the notebook that a function reads."""
        if not inspect.isfunction(self.function):
            return []
        codes, home, found = [self.function.__code__], self.function.__globals__, {}
        for code in codes:
            codes += [part for part in code.co_consts if inspect.iscode(part)]
            for step in dis.get_instructions(code):
                if step.opname == "LOAD_GLOBAL" and _is_data(home.get(step.argval)):
                    found[step.argval] = True
        return list(found)

    @functools.cached_property
    def lines(self) -> tuple[list[str], int]:
        """The lines of a function and the number of the first in its cell; none if not known."""
        try:
            return inspect.getsourcelines(self.given) if inspect.isfunction(self.given) else ([], 0)
        except (OSError, TypeError, ValueError):  # no source, or wrapped in itself
            return [], 0

    @functools.cached_property
    def tree(self) -> ast.FunctionDef | None:
        """The syntax tree of a function that was made by def."""
        try:
            found = ast.parse(textwrap.dedent("".join(self.lines[0]))).body[0]
        except (SyntaxError, IndexError):
            return None
        known = isinstance(found, ast.FunctionDef) and found.name == self.given.__name__
        return found if known else None

    def line_of(self, error: BaseException) -> tuple[int | None, str]:
        """Return number and text of the learner's line that led to an error; None if none did."""
        home = self._home()
        written = [
            place for place in traceback.walk_tb(error.__traceback__) if place[0].f_globals is home
        ]
        if not written:
            return None, ""
        summary = traceback.StackSummary.extract(iter(written[-1:]))[0]
        return summary.lineno, (summary.line or "").strip()

    def _home(self) -> dict:
        """Return the variables of the learner's notebook; not those of a library."""
        function = self.function
        if not inspect.isfunction(function):
            kind = self.given if inspect.isclass(self.given) else type(self.given)
            function = next(filter(inspect.isfunction, vars(kind).values()), None)
        home = getattr(function, "__globals__", {})
        is_own = home and not str(home.get("__file__", "")).startswith(_LIBRARIES)
        return home if is_own else vars(sys.modules["__main__"])


def returned(
    run: Callable[[], object], counts: Callable[[types.FrameType], bool]
) -> dict[types.CodeType, dict[str, Any]]:
    """Return the code of functions that end while something runs, with what their names held."""
    seen: dict[types.CodeType, dict[str, Any]] = {}

    def note(frame, event: str, _value) -> None:
        if event == "return" and counts(frame):
            seen[frame.f_code] = dict(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return seen


def _is_data(value) -> bool:
    if isinstance(value, nn.Module):
        return True
    if isinstance(value, str | type | types.ModuleType) or callable(value):
        return False
    if isinstance(value, torch.Tensor):
        return value.numel() > 16
    if inspect.getattr_static(type(value), "__len__", None):
        return len(value) > 16
    return not type(value).__module__.startswith(("builtins", "torch", "numpy"))


def _innermost(answer):
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
