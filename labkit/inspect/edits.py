"""Small edits of the learner's own statements: what may have been meant instead."""

import ast
import copy
from collections.abc import Iterator
from itertools import pairwise
from types import CodeType
from typing import Any

from labkit.inspect.meant import variants

_STATEMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return, ast.If, ast.With)
_OTHER = {
    **{ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,)},
    **{ast.Div: (ast.Mult, ast.FloorDiv), ast.FloorDiv: (ast.Div, ast.Mod)},
    **{ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE)},
    **{ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE)},
    **{ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,)},
}
_MOVED = (
    "{}.permute(0, 3, 1, 2)", "{}.permute(0, 2, 3, 1)", "{}.permute(2, 0, 1)",
    "{}.permute(1, 2, 0)", "{}.transpose(1, 2)", "{}.transpose(-1, -2)",
    "{}.transpose(1, 2).reshape({rest})", "{}.transpose(0, 1).reshape({rest})",
)  # fmt: skip
"""What a reshape may stand for."""

_HARMFUL = {
    *("os", "shutil", "subprocess", "sys", "unlink", "rmdir", "rmtree", "exit", "quit"),
    *("threading", "multiprocessing"),
}
"""Names in a function that is not edited: nobody knows what it would then do."""

Edit = tuple[float, ast.stmt, str, str]
"""How unlikely it is, the statement, what stands in its place (nothing: it is left out), and all
of the source with it."""


def is_harmless(code: CodeType) -> bool:
    """Tell whether a function that is edited may run, as it touches nothing outside."""
    return not _HARMFUL & {*code.co_names}


def edits(tree: ast.AST, values: dict[str, Any]) -> Iterator[Edit]:
    """Yield small edits; ``values`` are what the names hold, as far as it is known."""
    for body in _bodies(tree):
        for at, statement in enumerate(body):
            yield from _around(tree, body, at)
            if isinstance(statement, _STATEMENTS):
                yield from _inside(tree, body, at, values)


def _bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            bodies = (getattr(node, name, ()) for name in ("body", "orelse", "finalbody"))
            yield from (body for body in bodies if isinstance(body, list) and body)


def _around(tree: ast.AST, body: list[ast.stmt], at: int) -> Iterator[Edit]:
    """Yield a statement left out, run at another place, or without what it hangs on."""
    statement, kept = body[at], list(body)
    string = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    if string or isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
        return
    others: list[tuple[float, list[ast.stmt]]] = []
    if not isinstance(statement, (ast.Return, ast.For, ast.Pass)):
        others += [(1.0, [])]
    if isinstance(statement, (ast.With, ast.If)):
        others += [(1.5, statement.body)]
    if isinstance(statement, (ast.For, ast.While)) and len(statement.body) > 1:
        *first, last = statement.body
        loop = copy.copy(statement)
        loop.body = first
        others += [(2.5, [loop, last])]
    for cost, instead in others:
        body[at : at + 1] = instead or [ast.Pass()]
        yield cost, statement, "; ".join(map(ast.unparse, instead)), ast.unparse(tree)
        body[:] = kept
    if at + 1 < len(body):
        body[at : at + 2] = body[at + 1], statement
        yield 2, statement, "; ".join(map(ast.unparse, body[at : at + 2])), ast.unparse(tree)
        body[:] = kept


def _inside(tree: ast.AST, body: list, at: int, values: dict[str, Any]) -> Iterator[Edit]:
    """Yield a statement with one expression exchanged."""
    statement = body[at]
    heads = (statement.test,) if isinstance(statement, ast.If) else (statement,)
    heads = () if isinstance(statement, ast.With) else heads
    known = set()
    for parent in (node for head in heads for node in ast.walk(head)):
        for field, old in ast.iter_fields(parent):
            if field in ("targets", "target", "func"):
                continue
            places = range(len(old)) if isinstance(old, list) else (None,)
            for n in places:
                part = old if n is None else old[n]
                for cost, new in _others(part, values):
                    _put(parent, field, n, new)
                    text = ast.unparse(statement if statement in heads else statement.test)
                    if text not in known:
                        yield cost, statement, text, ast.unparse(tree)
                    known.add(text)
                    _put(parent, field, n, part)
            if isinstance(old, list) and field in ("args", "keywords"):
                for n in range(len(old)):
                    setattr(parent, field, old[:n] + old[n + 1 :])
                    yield 2, statement, ast.unparse(statement), ast.unparse(tree)
                for n, (one, other) in enumerate(pairwise(old) if field == "args" else ()):
                    setattr(parent, field, [*old[:n], other, one, *old[n + 2 :]])
                    yield 1.5, statement, ast.unparse(statement), ast.unparse(tree)
                setattr(parent, field, old)


def _put(parent: ast.AST, field: str, n: int | None, new: Any) -> None:
    if n is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[n] = new


def _others(node: Any, values: dict[str, Any]) -> Iterator[tuple[float, Any]]:
    """Yield what may have been meant by an operator or an expression."""
    for kind in _OTHER.get(type(node), ()):
        yield 1.6, kind()
    if not isinstance(node, ast.expr) or isinstance(getattr(node, "ctx", None), ast.Store):
        return
    text = ast.unparse(node)
    if isinstance(node, ast.Constant):
        yield from ((3, ast.Constant(value)) for value in _numbers(node.value))
    elif isinstance(node, ast.Name):
        mine = values.get(node.id)
        names = [n for n, v in values.items() if n != node.id and _alike(mine, v)]
        yield from ((1.7, _parsed(name)) for name in names)
        if isinstance(mine, float) and 0 < mine < 1:  # the share of the one, or that of the other
            yield 1.1, _parsed(f"(1 - {node.id})")
    elif isinstance(node, ast.BinOp):
        rest = isinstance(node.op, ast.Sub) and getattr(node.left, "value", 0) == 1
        yield from ((1.1 if rest else 2, part) for part in (node.right, node.left))
    elif isinstance(node, ast.UnaryOp):
        yield 1.2, node.operand
    elif isinstance(node, ast.IfExp):
        yield from ((2, part) for part in (node.body, node.orelse))
    elif isinstance(node, ast.Subscript):
        yield 1.8, node.value
    elif isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        subject = node.func.value if isinstance(node.func, ast.Attribute) else None
        if name in ("view", "reshape") and len(node.args) > 2 and subject is not None:
            rest = ", ".join(map(ast.unparse, node.args))
            for form in _MOVED:
                yield 1.3, _parsed(form.format(ast.unparse(subject), rest=rest))
        yield from ((1.5, part) for part in (subject, *node.args[:1]) if part is not None)
        for cost, new in variants(_parsed(text), text, "x"):
            try:
                yield cost + 1, _parsed(new)
            except SyntaxError:
                continue


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _numbers(value: Any) -> list:
    """Return other values for a constant."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int) and abs(value) < 5:
        return [n for n in (0, 1, 2, 3, -1) if n != value]
    if isinstance(value, (int, float)):
        return [value * 10, value / 10 if isinstance(value, float) else value // 10, 1 - value]
    return []


def _alike(one: Any, other: Any) -> bool:
    """Tell whether one value may stand where the other one does."""
    if hasattr(one, "shape") and hasattr(other, "shape"):
        return one.shape == other.shape and one.dtype == other.dtype and one.ndim > 0
    return isinstance(one, float) and isinstance(other, float)
