"""Small changes of a right answer, as a slip of the pen makes them."""

import ast
from collections.abc import Iterator
from typing import Any

from labkit.inspect.edits import edits

_NAMES = {
    "mean": "sum", "sum": "mean", "any": "all", "all": "any", "argmax": "argmin", "max": "min",
    "min": "max", "ceil": "floor", "train": "eval", "eval": "train", "sqrt": "square",
    "std": "var", "log": "log2", "randperm": "arange", "softmax": "sigmoid", "add_": "sub_",
    "sub_": "add_", "mul_": "div_", "values": "indices", "indices": "values", "T": "mT",
    "log_softmax": "softmax", "stack": "cat", "cat": "stack",
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Return all programs that differ from ``source`` by one small change, each with its change.

    The change is the line as it reads now, or the line that is gone, behind a minus. Most are the
    edits that the checks themselves try (see test_likeness); to these come other names,
    neighbouring numbers, and what a loop runs over.
    """
    tree = ast.parse(source)
    original, seen = ast.unparse(tree), set()
    for text in (*_edited(tree), *_slips(tree)):
        if text not in seen | {original} and _is_python(text):
            seen.add(text)
            yield _difference(original, text), text


def _edited(tree: ast.Module) -> Iterator[str]:
    """Yield the edits, without those that change the order, or call the last axis -1."""
    original = ast.unparse(tree)
    for *_edit, text in edits(tree, {}):
        reordered = sorted(text.splitlines()) == sorted(original.splitlines())
        if not reordered and text.count("-1") <= original.count("-1"):
            yield text


def _slips(tree: ast.Module) -> Iterator[str]:
    function = next((node for node in tree.body if isinstance(node, ast.FunctionDef)), None)
    parameters = [argument.arg for argument in function.args.args] if function else []
    for node in ast.walk(tree):
        for field, value in _others(node, parameters):
            kept = getattr(node, field)
            setattr(node, field, value)
            yield ast.unparse(tree)
            setattr(node, field, kept)


def _others(node: ast.AST, parameters: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield a field of a node, and what may stand there instead."""
    match node:
        case ast.Attribute(attr=name) if name in _NAMES:
            yield "attr", _NAMES[name]
        case ast.Name(id=name, ctx=ast.Load()):
            others = parameters if name in parameters else ()
            yield from (("id", other) for other in (_NAMES.get(name, name), *others))
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            yield from (("value", number + 1), ("value", number - 1))
        case ast.BinOp(op=ast.Mod()):
            yield "op", ast.FloorDiv()
        case ast.BoolOp(values=[first, *rest]):
            yield from (("values", [first]), ("values", rest))
        case ast.For(iter=items):  # the edits leave it as it is
            other = edits(ast.parse(ast.unparse(items)), {})
            yield from (("iter", ast.Name(text)) for *_edit, text in other)


def _is_python(text: str) -> bool:
    try:
        compile(text, "<mutant>", "exec")
    except SyntaxError:
        return False
    return True


def _difference(original: str, mutant: str) -> str:
    before, after = ([*map(str.strip, text.splitlines())] for text in (original, mutant))
    new = [line for line in after if line not in before and line != "pass"]
    return " ".join(new or ["-", *[line for line in before if line not in after]])
