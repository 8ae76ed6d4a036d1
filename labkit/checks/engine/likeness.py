"""What a wrong answer is like: the solution with one slip in it, or right where something holds."""

import ast
import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

if TYPE_CHECKING:
    from labkit.checks.engine.trial import Trial

_OTHER = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
_WRITTEN = ("{0} + 1", "{0} - 1", "{0}[1:]", "{0}[:-1]")


def one_slip(trial: "Trial") -> dict | None:
    """Find the change of one name, number or sign of the solution that gives what came.

    It has to show in two numbers at least; for True and False chance would do it.
    """
    pairs = zip(trial.expected, trial.came, strict=True)
    wrong = [came for expected, came in pairs if not came.error and not trial.same(expected, came)]
    numbers = [came for came in wrong if came.value is not None and not _is_true_or_false(came)]
    if len(numbers) < 2 or "while " in trial.exercise.source:
        return None
    for source, slip, right in _slips(trial.exercise.source, trial.exercise.parameters):
        answer = trial.exercise.defined(source, trial.exercise.name)
        if trial.gives(answer):
            return {"wrong": slip, "right": right}
    return None


def _is_true_or_false(came) -> bool:
    parts = came.value.values() if isinstance(came.value, Mapping) else [came.value]
    return any(isinstance(part, bool) for part in parts)


def _slips(source: str, parameters: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield programs with one slip, what is written there now, and what was before."""
    tree = ast.parse(source)
    function = tree.body[0]
    if not isinstance(function, ast.FunctionDef):
        return
    nodes = [node for line in function.body for node in ast.walk(line)]
    names = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for parent in nodes:
        for field, value in ast.iter_fields(parent):
            for place, child in enumerate(value if isinstance(value, list) else [value]):
                for new in _instead(child, sorted({*names, *parameters})):
                    right = ast.unparse(parent if isinstance(parent, ast.expr) else child)
                    _put(parent, field, place, new)
                    shown = ast.unparse(parent if isinstance(parent, ast.expr) else new)
                    program = ast.unparse(ast.fix_missing_locations(tree))
                    _put(parent, field, place, child)
                    yield program, shown, right


def _put(parent: ast.AST, field: str, place: int, node: ast.AST) -> None:
    if isinstance(getattr(parent, field), list):
        getattr(parent, field)[place] = node
    else:
        setattr(parent, field, node)


def _instead(node, names: list[str]) -> Iterator[ast.AST]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        others = [name for name in names if name != node.id]
        for text in (*others, *(pattern.format(node.id) for pattern in _WRITTEN)):
            yield ast.parse(text, mode="eval").body
    elif isinstance(node, ast.BinOp):
        if type(node.op) in _OTHER:
            yield ast.BinOp(node.left, _OTHER[type(node.op)](), node.right)
        if isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv):
            yield ast.BinOp(node.right, copy.copy(node.op), node.left)


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
