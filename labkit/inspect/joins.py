"""The rules of faults for two tensors that meet: products, sums, and what joins branches.

Each returns what the step got, what it expected and the mend, or None where it does not apply.
"""

import torch

from labkit.inspect.mends import argument, function, shape_text
from labkit.inspect.recording import Call
from labkit.text import _

_ELEMENTWISE = {
    *("add", "__add__", "__radd__", "__iadd__", "add_", "sub", "__sub__", "__rsub__", "rsub"),
    *("mul", "__mul__", "__rmul__", "div", "__truediv__"),
}


def product(call: Call, tensors: list, fed: torch.Size):
    """Tell the columns and the rows of a product of matrices that are not as many."""
    if function(call) not in {"matmul", "__matmul__", "mm", "bmm"} or len(tensors) != 2:
        return None
    first, second = (tuple(tensor.shape) for tensor in tensors)
    axes = {"mm": 2, "bmm": 3}.get(function(call))
    if not first or len(second) < 2 or (first[-1] == second[-2] and axes is None):
        return None
    got = _(" and ").join(map(shape_text, (first, second)))
    if first[-1] == second[-2]:
        change = _("write @ in its place, which takes other axes, too")
        return got, _("two tensors of {n} axes").format(n=axes), change
    expected = _("as many columns on the left as there are rows on the right, {n}")
    size = shape_text((*second[:-2], first[-1], second[-1]))
    change = _("give the right one the shape {shape}").format(shape=size)
    if first[-1] == second[-1]:
        change = _("turn the right one, .transpose(-2, -1)")
    return got, expected.format(n=second[-2]), change


def branches(call: Call, tensors: list, fed: torch.Size):
    """Tell the shapes of two branches that cannot be added, stacked or joined."""
    name, shapes = function(call), [tuple(tensor.shape) for tensor in tensors]
    if len(shapes) < 2 or name not in {*_ELEMENTWISE, "cat", "concat", "stack"}:
        return None
    got, first = _(" and ").join(map(shape_text, shapes)), shapes[0]
    other = next((s for s in shapes if s != first), first)
    if name in {"cat", "concat"}:
        expected = _("shapes that agree in every axis but the one along which they are joined")
        change = _joined(shapes, argument(call, 1, "dim") or 0)
    else:
        expected = _("shapes that agree, axis by axis")
        change = _same_maps(first, other)
        if change and first[1] != other[1]:
            more = _(", and to {b} channels, nn.Conv2d({a}, {b}, 1)")
            change += more.format(a=other[1], b=first[1])
        if name in _ELEMENTWISE:
            change = change or _added(first, other)
    general = _("make both branches end in the same shape (same channels, stride and padding)")
    return got, expected, change or general


def _same_maps(first: tuple, other: tuple) -> str:
    """Return the mend of maps of another size, as after an odd side was halved and doubled."""
    if not len(first) == len(other) == 4 or first[2:] == other[2:] or first[0] != other[0]:
        return ""
    if (1, 1) in (first[2:], other[2:]):
        return ""
    text = _("bring {which} to {size}, nn.functional.interpolate(x, {size})")
    return text.format(which=shape_text(other), size=first[2:])


def _joined(shapes: list, axis: int) -> str:
    """Return the mend of tensors that cannot be joined along this axis."""
    first = shapes[0]
    if not first or not isinstance(axis, int):
        return ""
    rest = [_without(shape, axis) for shape in shapes]
    other = next((s for s, r in zip(shapes, rest, strict=True) if r != rest[0]), first)
    if axis in (1, -3) and _same_maps(first, other):
        return _same_maps(first, other)
    if len(first) != len(other):
        long, short = sorted((first, other), key=len, reverse=True)
        if len(short) == 2 and axis in (1, -1):
            return _("write torch.flatten(x, 1) of {shape} first").format(shape=shape_text(long))
        return ""
    axis = axis % len(first)
    differ = [n for n, (a, b) in enumerate(zip(first, other, strict=True)) if a != b and n != axis]
    if differ == [0] and 1 in (first[0], other[0]):
        single, batch = sorted((first, other), key=lambda shape: shape[0])
        sizes = ", ".join(map(str, (batch[0], *[-1] * (len(single) - 1))))
        text = _("repeat {shape} for the batch, .expand({sizes})")
        return text.format(shape=shape_text(single), sizes=sizes)
    if len(differ) == 1 and differ != [0] and first[axis] == other[axis]:
        return _("join them along the axis in which they differ, dim={n}").format(n=differ[0])
    return ""


def _without(shape: tuple, axis: int) -> tuple:
    kept = list(shape)
    del kept[axis : axis + 1 or None]
    return tuple(kept)


def _added(first: tuple, other: tuple) -> str:
    long, short = sorted((first, other), key=len, reverse=True)
    if len(long) == 4 and short in {long[:2], long[1:2]}:
        text = _("give {shape} the axes of a map, .view({sizes})")
        sizes = ", ".join(map(str, (*short, 1, 1)))
        return text.format(shape=shape_text(short), sizes=sizes)
    if len(long) > 2 and short == long[:-1]:
        return _("give {shape} a last axis, .unsqueeze(-1)").format(shape=shape_text(short))
    if len(long) != len(short):
        return ""
    differ = [n for n, pair in enumerate(zip(first, other, strict=True)) if len({*pair, 1}) == 3]
    if len(first) == 4 and differ == [1]:
        text = _("bring one branch to the other's channels, nn.Conv2d({a}, {b}, 1)")
        return text.format(a=other[1], b=first[1])
    if len(differ) == 1 and len(first) < 4:
        text = _("give {shape} the size {n} in axis {axis}, as the other has")
        return text.format(shape=shape_text(other), n=first[differ[0]], axis=differ[0])
    return ""


def einsum(call: Call, tensors: list, fed: torch.Size):
    """Tell the letters of an einsum that are not those of its tensors."""
    equation = call.arguments[0] if call.arguments else None
    if function(call) != "einsum" or not isinstance(equation, str) or "." in equation:
        return None
    equation = equation.replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms, shapes = left.split(","), [tuple(tensor.shape) for tensor in tensors]
    got = _(" and ").join(map(shape_text, shapes))
    if len(terms) != len(shapes):
        expected = _("a tensor for each term of {left}").format(left=left)
        return got, expected, _("write {n} terms, with commas between").format(n=len(shapes))
    for number, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        if len(term) != len(shape):
            expected = _("a tensor with an axis for each letter of {term}").format(term=term)
            return got, expected, _lettered(terms, number, shape, arrow + right)
    sizes = {}
    for number, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        before = dict(sizes)
        for letter, size in zip(term, shape, strict=True):
            if 1 not in (size, known := sizes.setdefault(letter, size)) and known != size:
                expected = _("{n} numbers for {letter} in {term}").format(
                    n=known, letter=letter, term=term
                )
                return got, expected, _sized(terms, number, shape, before, arrow + right)
    unknown = [letter for letter in right if letter not in sizes]
    if len(set(right)) < len(right):
        once = left + arrow + "".join(dict.fromkeys(right))
        return got, _("each letter once on the right"), _("write {text}").format(text=once)
    if not unknown:
        return None
    expected = _("letters on the right that are on the left, too: {left}").format(left=left)
    change = _("leave {letter} out, {equation}").format(
        letter=unknown[0], equation=left + arrow + "".join(n for n in right if n in sizes)
    )
    return got, expected, change


def _lettered(terms: list, number: int, shape: tuple, result: str) -> str:
    """Return the mend of a term that has another number of letters than its tensor has axes."""
    term, used = terms[number], "".join(terms) + result
    free = [letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter not in used]
    if len(term) < len(shape) <= len(term) + len(free):
        longer = term + "".join(free[: len(shape) - len(term)])
        written = ",".join((*terms[:number], longer, *terms[number + 1 :])) + result
        text = _("write a letter for each of {n} axes, {equation}")
        return text.format(n=len(shape), equation=written)
    return _("write {n} letters in place of {term}").format(n=len(shape), term=term)


def _sized(terms: list, number: int, shape: tuple, sizes: dict, result: str) -> str:
    """Return the mend of a letter that has two sizes: the term turned, or the tensor's shape."""
    turned = terms[number][::-1]
    fits = all(sizes.get(letter, n) == n for letter, n in zip(turned, shape, strict=True))
    if fits and len(set(turned)) == len(turned):
        written = ",".join((*terms[:number], turned, *terms[number + 1 :])) + result
        return _("write its letters in the order of its axes, {equation}").format(equation=written)
    known = dict(sizes)
    right = [known.setdefault(letter, n) for letter, n in zip(terms[number], shape, strict=True)]
    return _("give {term} a tensor of {shape}").format(term=terms[number], shape=right)


RULES = (product, branches, einsum)
