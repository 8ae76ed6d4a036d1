"""Read a learner's code: is it still the stub, what does it look at, where did it fail?"""

import dis
import inspect
import sys
import sysconfig
import traceback

_NOTHING = ("RESUME", "NOP", "CACHE", "COPY_FREE_VARS")
_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


def untouched(answer) -> bool:
    """Return whether an answer is still the stub: ``...``, or a function or class of nothing else.

    A function is, if it does nothing but return ``None`` or ``...``.
    """
    if answer is ...:
        return True
    if inspect.isclass(answer):
        return not any(inspect.isfunction(value) for value in vars(answer).values())
    if not inspect.isfunction(answer):
        return False
    answer = inspect.unwrap(answer)
    steps = [step for step in dis.get_instructions(answer) if step.opname not in _NOTHING]
    returned = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    rest = [s for s in steps if s.opname not in ("LOAD_CONST", "RETURN_CONST", "RETURN_VALUE")]
    return not rest and returned in ([None], [...])


def unused(answer) -> list[str]:
    """Return the parameters that a learner's function never reads."""
    if not inspect.isfunction(answer):
        return []
    code = inspect.unwrap(answer).__code__
    read = set()
    for step in dis.get_instructions(code):
        if step.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE", "STORE_FAST_LOAD")):
            read.update(step.argval if isinstance(step.argval, tuple) else [step.argval])
    read.update(code.co_cellvars)
    return [name for name in code.co_varnames[: code.co_argcount] if name not in read]


def namespace(answer) -> dict:
    """Return the variables that the learner's code sees: those of its notebook.

    An answer may be a library's own, ``torch.log`` or a ``v2.Compose``: its code is not theirs.
    """
    function = inspect.unwrap(getattr(answer, "__func__", answer)) if callable(answer) else answer
    if not hasattr(function, "__globals__"):
        kind = answer if inspect.isclass(answer) else type(answer)
        function = next(filter(inspect.isfunction, vars(kind).values()), None)
    home = getattr(function, "__globals__", {})
    theirs = home and not str(home.get("__file__", "")).startswith(_LIBRARIES)
    return home if theirs else vars(sys.modules["__main__"])


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
