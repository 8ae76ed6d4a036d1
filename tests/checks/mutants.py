"""Small changes of a right answer, made by its syntax tree, as a slip of the pen makes them."""

import ast
import copy
from collections.abc import Iterator

_OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult,
}  # fmt: skip
_COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot,
}  # fmt: skip
_TURNED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_NAMES = {
    "mean": "sum", "sum": "mean", "any": "all", "all": "any", "argmax": "argmin", "max": "min",
    "min": "max", "ceil": "floor", "train": "eval", "eval": "train", "sqrt": "square",
    "std": "var", "log": "log2", "randperm": "arange", "softmax": "sigmoid", "add_": "sub_",
    "sub_": "add_", "mul_": "div_", "values": "indices", "indices": "values", "T": "mT",
    "log_softmax": "softmax", "stack": "cat", "cat": "stack",
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Return all programs that differ from ``source`` by one small change, each with its change.

    The change is the line as it reads now, or the line that is gone, behind a minus.
    """
    tree = ast.parse(source)
    original, seen = ast.unparse(tree), set()
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node, tree):
            mutant = copy.deepcopy(tree)
            change(list(ast.walk(mutant))[number])
            text = ast.unparse(ast.fix_missing_locations(mutant))
            if text not in seen | {original} and _is_python(text):
                seen.add(text)
                yield _difference(original, text), text


def _is_python(text: str) -> bool:
    try:
        compile(text, "<mutant>", "exec")
    except SyntaxError:
        return False
    return True


def _difference(original: str, mutant: str) -> str:
    before, after = original.splitlines(), mutant.splitlines()
    new = [line.strip() for line in after if line not in before]
    return " ".join(new or ["-", *[line.strip() for line in before if line not in after]])


def _setting(name: str, value):
    return lambda node: setattr(node, name, value)


def _becoming(pick):
    """Return a change by which a node becomes a part of itself: a call is dropped."""

    def change(node) -> None:
        part = pick(node)
        node.__class__ = part.__class__
        node.__dict__.clear()
        node.__dict__.update(part.__dict__)

    return change


def _changes(node, tree) -> Iterator:
    if isinstance(node, ast.BinOp):
        if type(node.op) in _OPERATORS:
            yield _setting("op", _OPERATORS[type(node.op)]())
        yield _becoming(lambda n: n.left)
        yield _becoming(lambda n: n.right)
    elif isinstance(node, ast.Compare):
        for table in (_COMPARISONS, _TURNED):
            if type(node.ops[0]) in table:
                yield _setting("ops", [table[type(node.ops[0])]()])
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield _setting("value", node.value + 1)
        yield _setting("value", node.value - 1)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield _setting("value", not node.value)
    elif isinstance(node, ast.UnaryOp):
        yield _becoming(lambda n: n.operand)
    elif isinstance(node, ast.IfExp):
        yield _becoming(lambda n: n.body)
        yield _becoming(lambda n: n.orelse)
    elif isinstance(node, ast.BoolOp):
        yield _becoming(lambda n: n.values[0])
        yield _becoming(lambda n: n.values[1])
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Attribute) and node.attr in _NAMES:
        yield _setting("attr", _NAMES[node.attr])
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        if node.id in _NAMES:
            yield _setting("id", _NAMES[node.id])
        names = [argument.arg for argument in tree.body[0].args.args] if _is_function(tree) else []
        if node.id in names:
            yield from (_setting("id", other) for other in names if other != node.id)
    elif isinstance(node, ast.AugAssign):
        yield _setting("op", ast.Sub())
    body = getattr(node, "body", None)
    if isinstance(body, list) and not isinstance(node, ast.Module | ast.ClassDef):
        for place in range(len(body) if len(body) > 1 else 0):
            yield lambda n, place=place: n.body.pop(place)


def _calls(node: ast.Call) -> Iterator:
    if isinstance(node.func, ast.Attribute):
        yield _becoming(lambda n: n.func.value)
    if len(node.args) == 1:
        yield _becoming(lambda n: n.args[0])
    for number in range(len(node.keywords)):
        yield lambda n, number=number: n.keywords.pop(number)
    if len(node.args) > 1:
        yield lambda n: n.args.insert(0, n.args.pop(1))
        yield lambda n: n.args.pop()


def _is_function(tree) -> bool:
    return isinstance(tree.body[0], ast.FunctionDef)
