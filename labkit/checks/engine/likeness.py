"""What a wrong answer is like: one small change away from right, or right where something holds."""

import ast
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from labkit.inspect.edits import edits, is_harmless
from labkit.sandbox.reading import returned
from labkit.text import N_

if TYPE_CHECKING:
    from labkit.checks.engine.trial import Trial

_SECONDS = 1.5
"""So long one small change after another is tried."""

_SWAPPED = N_("Swap lines {line} and {other}, and your answer is right.")
_MOVED = N_(
    "Move line {line} out of the loop, to just after it, and your answer is right. The line now "
    "reads: {code}"
)
_LEFT_OUT = N_("Leave line {line} out, and your answer is right. The line now reads: {code}")


def one_change(trial: "Trial") -> dict | None:
    """Find a line of the answer in which one small change makes it right, on every input."""
    tree, (lines, first) = trial.answer.tree, trial.answer.lines
    if not tree or not is_harmless(own := trial.answer.given.__code__):
        return None
    first_case = trial.exercise.cases()[0]
    run = partial(trial.attempt, trial.answer.given, first_case)
    changes = edits(tree, returned(run, lambda frame: frame.f_code is own).get(own, {}))
    until, known = time.monotonic() + _SECONDS, set()
    for _cost, statement, new, source in sorted(changes, key=lambda change: change[0]):
        if time.monotonic() > until:
            break
        answer = None if source in known else _defined(source, trial.answer.given)
        if answer and trial.would_be_right(answer, _SECONDS):
            return _in_words(tree, statement, new, lines, first)
        known.add(source)
    return None


def _in_words(tree: ast.AST, statement: ast.stmt, new: str, lines: list[str], first: int) -> dict:
    """Return line and code of a change; in "sentence", what to say where a statement moves."""
    found, last = {}, statement.end_lineno or statement.lineno
    if new.endswith(f"; {ast.unparse(statement)}"):
        starts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)]
        other = min((n for n in starts if n > last), default=last)
        found = {"sentence": _SWAPPED, "other": first + other - 1}
    elif isinstance(statement, ast.For | ast.While) and new:
        found, statement = {"sentence": _MOVED}, statement.body[-1]
    elif not new and not hasattr(statement, "body"):
        found = {"sentence": _LEFT_OUT}
    start = statement.lineno - 1
    end = start + 1 if hasattr(statement, "body") else statement.end_lineno
    code = " ".join(line.strip() for line in lines[start:end])
    return {**found, "line": first + start, "code": code}


def _defined(source: str, function: FunctionType) -> Callable | None:
    """Return the function that ``source`` makes where ``function`` was made."""
    names = dict(function.__globals__)
    try:
        exec(source, names)
    except Exception:  # a change that is no Python, or a decorator that refuses it
        return None
    return names[function.__name__]


def where_right(trial: "Trial") -> str:
    """Return in Python what holds of the inputs where the answer is right, and of no other.

    Nothing where chance may be at work: where different facts would do, or one input is right.
    """
    right = list(map(trial.same, trial.expected, trial.came))
    names = trial.exercise.inputs
    if sum(right) == 1 < len(names):
        return ""
    cases = [dict(zip(names, case, strict=False)) for case in trial.exercise.cases()]
    facts = [dict(_facts(case)) for case in cases]
    found = {}
    for fact in facts[0]:
        known: list[Any] = [given.get(fact) for given in facts]
        if any(value is None for value in known):
            continue
        yes = [value for value, good in zip(known, right, strict=True) if good]
        no = [value for value, good in zip(known, right, strict=True) if not good]
        condition = _parted(fact, yes, no)
        if condition:
            found[fact] = condition
            if fact.endswith(".shape"):  # all that can be said of one tensor
                break
    return next(iter(found.values())) if len(found) == 1 else ""


def _parted(fact: str, yes: list[Any], no: list[Any]) -> str:
    """Return the condition on a fact that parts the right from the wrong, if there is one."""
    if {*yes} == {True} and {*no} == {False}:
        return fact
    if {*yes} == {False} and {*no} == {True}:
        return f"not {fact}" if fact.isidentifier() else f"not ({fact})"
    if len({*yes}) == 1 and yes[0] not in no:
        return f"{fact} == {yes[0]}"
    if isinstance(yes[0], int | float) and min(len(yes), len(no)) > 2:
        if max(yes) < min(no):
            return f"{fact} <= {max(yes)}"
        if min(yes) > max(no):
            return f"{fact} >= {min(yes)}"
    return ""


def _facts(given: dict) -> Iterator[tuple[str, object]]:
    numbers = {name: n for name, n in given.items() if type(n) in (int, float)}
    for name, value in given.items():
        if isinstance(value, bool | int | float):
            yield name, value
        elif isinstance(value, torch.Tensor):
            yield f"{name}.shape", tuple(value.shape)
            yield f"{name}.dtype", str(value.dtype)
            for axis, side in enumerate(value.shape):
                yield f"{name}.shape[{axis}]", side
                yield f"{name}.shape[{axis}] % 2 == 0", side % 2 == 0
        elif isinstance(value, Image.Image):
            yield f"{name}.size", value.size
        elif isinstance(value, list | tuple):
            yield f"len({name})", len(value)
    for name, n in numbers.items():
        if type(n) is int:
            yield f"{name} % 2 == 0", n % 2 == 0
        for other, m in numbers.items():
            if name < other:
                yield f"{name} == {other}", n == m
                yield f"{name} < {other}", n < m
            if type(n) is type(m) is int and name != other and m:
                yield f"{name} % {other} == 0", n % m == 0
