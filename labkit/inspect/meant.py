"""What a learner may have meant by a part of a line, and how unlikely it is."""

import ast
import re
from collections.abc import Generator
from itertools import combinations, permutations, product

import torch

from labkit.inspect.fixes import computes
from labkit.inspect.wants import JOINS

_REDUCES = ("mean", "sum", "amax", "amin", "max", "min", "std", "var", "logsumexp")
_ORDERS = ("permute", "transpose", "swapaxes", "swapdims", "movedim")
_TURNS = ("unsqueeze", "squeeze", "flatten")
"""What may be too much, as an order of axes may be."""
_CASTS = ("numpy", "detach", "half", "double", "long", "int", "byte", "item", "tolist", "float")
_FRESH = "mkjlnqrstuvxyzab"


def written(source: str, node: ast.AST) -> str:
    """Return how a node is written in its source."""
    return ast.get_source_segment(source, node) or ""


def indices(node: ast.Tuple, source: str) -> Generator[tuple[float, str]]:
    """Yield what x[:, :, 0] may have been meant to be: an axis less, or one that is kept."""
    parts = [written(source, part) for part in node.elts]
    for n, item in enumerate(node.elts):
        if n and parts[n] == ":":
            yield 1, ", ".join(parts[:n] + parts[n + 1 :])
        if isinstance(item, ast.Constant) and type(item.value) is int:
            yield 1.2, ", ".join([*parts[:n], f"{item.value}:{item.value + 1}", *parts[n + 1 :]])


def variants(node: ast.expr, source: str, batch: str) -> Generator[tuple[float, str]]:
    """Yield what a learner may have meant by an expression."""
    text = written(source, node)
    parts = [written(source, inner) for inner in ast.iter_child_nodes(node)]
    if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 5:
        yield from ((2.2, str(n)) for n in (1, 2, 3, 0) if n != node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield from ((3, "-1"), (3, f"len({batch})"))
    elif isinstance(node, ast.Attribute) and node.attr in ("size", "shape"):
        yield 1, f"{text}[0]" if node.attr == "shape" else f"{text}(0)"
    elif isinstance(node, ast.BinOp):
        left, _sign, right = parts
        if isinstance(node.op, ast.MatMult):
            yield 1, f"{right} @ {left}"
        if sign := {"Div": "//", "Mult": "@"}.get(type(node.op).__name__):
            yield 2, f"{left} {sign} {right}"
    elif isinstance(node, ast.Call):
        yield from _calls(node, source, batch)


def _calls(node: ast.Call, source: str, batch: str) -> Generator[tuple[float, str]]:
    """Yield what may have been meant by a call: other axes, another order, or no call at all."""
    text, head, *given = (written(source, part) for part in (node, node.func, *node.args))
    whole, name = ", ".join(given), head.rpartition(".")[2]
    free = head.startswith(("torch.", "F.", "nn."))
    subject = given[0] if free and given else head.rpartition(".")[0]
    start = f"{head}({subject}, " if free else f"{head}("
    axes = [written(source, key.value) for key in node.keywords if key.arg in ("dim", "axis")]
    axes += [", ".join(given[free:])] if given[free:] else []
    old = {int(n) for n in re.findall(r"\d+", axes[0])} if axes else set()
    if name in _REDUCES:
        yield 1, f"{start}(2, 3))"
        for count in (1, 2):
            for new in combinations((1, 2, 3), count):
                if count == len(old) and {*new} != old and (count == 1 or 1 in old or 1 not in new):
                    yield 1.1, f"{start}{new[0] if count == 1 else new})"
        if axes:
            yield 1.2, f"{start}{axes[0]}, keepdim=True)"
    elif name in JOINS:
        if len(given) > 1:
            yield 1, f"{head}(({whole}), 1)"
        yield from ((cost, f"{start}{axis})") for cost, axis in ((1, 1), (2, -1)))
    elif name in _ORDERS:
        yield 1.3, subject
        if name == "transpose":
            yield from ((1, f"{start}{new})") for new in ("-2, -1", "1, 2"))
        elif name == "permute" and len(old) in (3, 4, 5):
            for order in permutations(range(1, len(old))):
                yield 1.3 if len(old) < 5 else 0.9, f"{start}{', '.join(map(str, (0, *order)))})"
    elif name in ("view", "reshape"):
        yield 1.2, f"{start}len({batch}), -1)"
    elif name == "unsqueeze":
        yield from ((1.2, f"{start}{axis})") for axis in (1, -1, 0, 2))
    elif name in ("expand", "repeat") and len(given) > 1:
        yield 1, f"{head}({', '.join([f'len({batch})', *given[1:]])})"
        yield 1, f"{head}({', '.join([given[1], given[0], *given[2:]])})"
    if name in _TURNS:
        yield 2, subject
    elif given:
        yield from ((2, f"{head}({whole}, {axis})") for axis in (1, -1))
    for key in node.keywords:
        rest = [written(source, k) for k in node.keywords if k is not key]
        yield 1.4, f"{head}({', '.join(given + rest)})"
    if name == "split":
        yield 1, f"{head[:-5]}chunk{text[len(head) :]}"
    if name in _CASTS:
        yield 1.4, subject
        yield 1.4, re.sub(r"(\.\w+\(\))+$", "", text)
    for n, said in enumerate(node.args):  # "bilinear" where a number is expected
        if n and isinstance(said, ast.Constant) and isinstance(said.value, str):
            rest = [*given[:n], f"mode={given[n]}", *given[n + 1 :]]
            rest += [written(source, key) for key in node.keywords]
            yield 1, f"{head}({', '.join(rest)})"
    if head.startswith("nn.") and name[:1].isupper() and given and name != "Sequential":
        rest = [*given[1:], *(written(source, key) for key in node.keywords)]
        yield 0.3, f"{head}({', '.join(rest)})({given[0]})"
    if name in ("bmm", "matmul") and len(given) == 2:
        one, other = given
        yield 1.4, f"{head}({one}, {other}.transpose(1, 2))"
        yield 1.42, f"{head}({one}.transpose(1, 2), {other})"
        yield 1.45, f"{head}({one}.transpose(1, 2), {other}).transpose(1, 2)"
    heads = name in ("view", "reshape") and len(given) > 3
    for one, other in permutations(range(len(given) - 1, 0, -1), 2) if heads else ():
        rest = [*given[:one], f"{given[one]} // {given[other]}", *given[one + 1 :]]
        if not given[other].isdigit():  # the width of all where that of a head belongs
            yield 1.1 + (len(given) - one) / 100, f"{head}({', '.join(rest)})"
    if len(given) == 2:
        if head[:5] == "self.":  # the state of an LSTM
            yield 1.1, f"{head}({given[0]}, ({given[1]}, {given[1]}))"
        yield 1, f"{head}({given[1]}, {given[0]})"


def equations(equation: str, tensors: list) -> Generator[tuple[float, str]]:
    """Yield what the equation of an einsum may have been meant to be, where that computes."""
    empty = [torch.empty(t.shape, device="meta") for t in tensors if isinstance(t, torch.Tensor)]
    known, lost = len(empty) == len(tensors), _summed_alone(equation)
    for cost, new in _fitted(equation.replace(" ", ""), [t.ndim for t in empty]):
        if not lost and _summed_alone(new):
            continue
        if all(len({*term}) == len(term) for term in re.split(",|->", new)):
            if not known or computes(torch.einsum, new, *empty):
                yield cost, repr(new)


def _summed_alone(equation: str) -> bool:
    """Tell whether a letter of one operand is summed over, and meets nothing."""
    left, _arrow, right = equation.partition("->")
    return any(left.count(c) == 1 and c not in right for c in {*left} - {",", " "})


def _fitted(equation: str, axes: list[int]) -> Generator[tuple[float, str]]:
    """Yield an equation with as many letters as each operand has axes, and small changes of it."""
    left, _arrow, right = equation.partition("->")
    operands = left.split(",")
    if len(axes) != len(operands) or [*map(len, operands)] == axes:
        yield from _letters(equation)
        return
    lost = [c for c in right if c not in left]
    fresh = [c for c in _FRESH if c not in equation]
    shared = [c for c in left if left.count(c) == 1 and c != ","]
    for cost, more in ((0.8, lost), (0.9, shared), (1.1, fresh[:2])):
        for chosen in product(*(_sized(o, n, more) for o, n in zip(operands, axes, strict=True))):
            added = "".join(c for c in more if c in "".join(chosen) and c not in left + right)
            outs = [right[:at] + added + right[at:] for at in range(len(right), 0, -1)]
            for place, out in enumerate([right, *outs] if added else [right]):
                yield cost + place / 20, f"{','.join(chosen)}->{out}"
                for far, new in _letters(f"{','.join(chosen)}->{out}"):
                    yield cost + far, new


def _sized(operand: str, n: int, more: list[str]) -> list[str]:
    """Return the letters of an operand with some more, or some less, so that they are n."""
    if len(operand) >= n:
        return ["".join(kept) for kept in combinations(operand, n)]
    choices = combinations((c for c in more if c not in operand), n - len(operand))
    places = range(len(operand), 0, -1)
    return [operand[:at] + "".join(c) + operand[at:] for c in choices for at in places]


def _letters(equation: str) -> Generator[tuple[float, str]]:
    """Yield what may have been meant by the equation of an einsum, of the last operands first."""
    left, _arrow, right = equation.partition("->")
    operands, letters = left.split(","), sorted({*left + right} - {","})
    fresh = next((c for c in _FRESH if c not in equation), "Z")
    for at, letter in enumerate(right):
        for other in letters:
            alone = left.count(other) == 1 and other not in right  # an axis is summed by itself
            cost = 0.8 if alone else 1.2 if letter not in left else 1.6
            yield cost, f"{left}->{right[:at]}{other}{right[at + 1 :]}"
    for n, operand in enumerate(operands):
        first, last = ",".join([*operands[:n], ""]), ",".join(["", *operands[n + 1 :]])
        for order in permutations(range(len(operand))) if len(operand) < 5 else ():
            turned = "".join(operand[i] for i in order)
            two = sum(i != n for n, i in enumerate(order)) == 2
            yield 0.95 if two and n else 2, f"{first}{turned}{last}->{right}"
            if len(right) == len(operand):
                out = "".join(right[i] for i in order)
                yield 1, f"{first}{turned}{last}->{out}"
        for at in range(len(operand) + 1):
            head, letter, tail = operand[:at], operand[at : at + 1], operand[at + 1 :]
            for other in letters:  # a letter is mistyped, or missing
                yield 1.5, f"{first}{head}{other}{tail}{last}->{right}"
                if other not in operand:
                    yield 1.7, f"{first}{head}{other}{letter}{tail}{last}->{right}"
            for place, same in enumerate(right if letter else ""):
                if same == letter:  # it stands for two axes
                    out = right[:place] + fresh + right[place + 1 :]
                    likely = 1.4 - n / 10 - place / 100
                    yield likely, f"{first}{head}{fresh}{tail}{last}->{out}"
                    yield likely + 0.2, f"{first}{head}{fresh}{tail}{last}->{right}{fresh}"
