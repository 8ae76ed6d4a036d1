"""Small edits of the learner's own lines, tried one by one in the order in which they are likely.

The source has to be at hand, as it is in a notebook; the edited function is put in the place of
the old one for one forward pass.
"""

import ast
import linecache
import math
import re
import textwrap
import time
import traceback
from collections.abc import Generator
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import getblock, isroutine
from itertools import product
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from labkit.inspect.fixes import Fix, computes
from labkit.inspect.meant import equations, indices, variants, written
from labkit.inspect.recording import Recording
from labkit.sandbox.untouched import untouched
from labkit.text import _

_SECONDS = 2.0
_WRAPS: dict[str, float] = {
    "{}.transpose(1, 2)": 2, "{}.transpose(-2, -1)": 2, "{}.flatten(1)": 2,
    "{}[:, :, None, None]": 3, "{}[:, None, None]": 3, "{}.unsqueeze(1)": 3, "{}.unsqueeze(-1)": 3,
    "{}.unsqueeze(0)": 3, "{}.squeeze(1)": 3, "{}.flatten(2).transpose(1, 2)": 3,
    "{}.transpose(1, 2).flatten(2)": 3, "{}.permute(0, 2, 3, 1)": 3, "{}.permute(0, 3, 1, 2)": 3,
    "{}.flatten(1, 2)": 3, "{}.transpose(0, 1)": 4,
}  # fmt: skip
"""What may be missing behind a tensor, and how unlikely it is."""
_PARTS = {"{}[0]": 1, "{}[0][-1]": 2, "{}[-1]": 3, "{}[1]": 5}
"""What may be missing behind a tuple or list; behind a tensor it would take one image of all."""
_TYPES: tuple[tuple[str, dict[str, float]], ...] = (
    ("type|Long|scalar", {"{}.float()": 3, "{}.long()": 3}),
    ("[Bb]ool", {"{}.bool()": 2, "{}.float()": 1}),
    ("indices", {"{}.long()": 0.9}),
    ("device", {"{}.to({first}.device)": 1}),
    ("[Cc]omplex|same datatype", {"{}.real": 1, "{}.abs()": 2}),
)
"""What may be missing where an error names a type or a device."""
_COMPUTED = (ast.Call, ast.Subscript, ast.BinOp)


def edits(broken: Recording) -> list[tuple[float, Fix]]:
    """Return the edits of the learner's lines with their cost, the likeliest first."""
    with untouched(broken.model):  # to know what a part of a line is, it is computed
        return sorted(_edited(broken), key=lambda pair: pair[0])


def _edited(broken: Recording) -> Generator[tuple[float, Fix]]:
    """Yield the edits of the line that raised the error and of those before it, with their cost."""
    frames = list(traceback.walk_tb(getattr(broken.error, "__traceback__", None)))[::-1]
    own = [(f, line, function) for f, line in frames if (function := _function(f, broken.model))]
    until = time.monotonic() + _SECONDS
    for far, (frame, line, function) in enumerate(own[:3]):
        source, tree = source_of(frame.f_code)
        first = frame.f_code.co_firstlineno
        simple = (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)
        every = [n for n in ast.walk(tree) if isinstance(n, simple)]
        every = [n for n in every if written(source, n)[:6] != "print("]
        found = [n for n in every if n.lineno <= line - first + 1]
        stale: set[str] = set()
        if "NoneType" in str(broken.error):
            yield from _with_return(frame, function)
        for back, statement in enumerate(sorted(found, key=lambda n: -n.lineno)[:6]):
            old, begin = written(source, statement), _start(source, statement)
            names = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
            stale |= {n.id for n in names if back and isinstance(n.ctx, ast.Store)}
            part = _Part(statement, source, tree, frame, stale, broken, until)
            below = [n for n in every if n.lineno > statement.lineno]
            below = [n for n in below if n.col_offset == statement.col_offset]
            for cost, start, end, text in [*_wholes(part, below[:3]), *_changes(part)]:
                edited = source.encode()[:start].decode() + text + source.encode()[end:].decode()
                last = max(end, begin + len(old.encode()))
                size = last - begin + len(text.encode()) - (end - start)
                new = edited.encode()[begin : begin + size].decode()
                was = source.encode()[begin:last].decode()
                words = _("write {new} in place of {old}")
                words = words.format(new=_in_a_row(new), old=_in_a_row(was))
                if code := compiled(edited, function):
                    yield cost + far / 2 + back / 10, Fix(words, code=(function, code))


def _with_return(frame: FrameType, function: FunctionType) -> Generator[tuple[float, Fix]]:
    """Yield the return that may be missing at the end of a method that a frame calls."""
    kind = type(frame.f_locals.get("self"))
    for name in frame.f_code.co_names:
        method = getattr(kind, name, None)
        if not isinstance(method, FunctionType) or method is function:
            continue
        source, tree = source_of(method.__code__)
        last = getattr(*tree.body, "body", [None])[-1] if tree.body else None
        if isinstance(last, ast.Assign) and not any(
            isinstance(n, ast.Return) for n in ast.walk(tree)
        ):
            old, line = written(source, last), f"return {written(source, last.targets[0])}"
            code = compiled(f"{source.rstrip()}\n{' ' * last.col_offset}{line}\n", method)
            words = _("write {new} in place of {old}").format(new=f"{old}; {line}", old=old)
            if code:
                yield 0.2, Fix(words, code=(method, code))


def _in_a_row(text: str) -> str:
    """Write lines as one line."""
    return "; ".join(" ".join(line.split()) for line in re.split(r"\n(?=\s*\w+ = )", text))


def _wholes(part: "_Part", below: list) -> Generator[tuple[float, int, int, str]]:
    """Yield changes of whole statements: two change places, or two names; all axes are kept."""
    source, statement = part.source, part.statement
    start, text = _start(source, statement), written(source, statement)
    end = start + len(text.encode())
    for other in below:
        begin, then = _start(source, other), written(source, other)
        last, between = begin + len(then.encode()), source.encode()[end:begin].decode()
        near = other.lineno == getattr(statement, "end_lineno", 0) + 1
        if near and isinstance(other, ast.Assign):
            if re.search("flat|permute|transpose|view|reshape|squeeze", text + then):
                yield 1.2, start, last, f"{then}{between}{text}"
        here, there = part.tensors(statement), part.tensors(other)
        for mine, its in product(here - there, there - here):
            both = _renamed(text, mine, its), _renamed(then, its, mine)
            yield 1.3, start, last, f"{both[0]}{between}{both[1]}"
    alone = re.fullmatch(r"(\w+) = (\1\.(append|extend|insert|add)\(.*\))", text, re.DOTALL)
    if alone:  # which changes the list, and returns nothing
        yield 0.3, start, end, alone[2]
    kept = re.sub(r"\.(mean|sum|std|amax|amin)\((dim=)?(-?\d)\)", r".\1(\3, keepdim=True)", text)
    if kept != text:
        yield 1.2, start, end, kept


def _renamed(text: str, name: str, other: str) -> str:
    return re.sub(rf"(?<![.\w]){name}\b", other, text)


@dataclass(frozen=True)
class _Part:
    """A statement of a function, and what the frame knew of it when the error was raised.

    ``stale`` are names that held something else when the statement ran; nothing is computed
    after the time ``until``.
    """

    statement: ast.stmt
    source: str
    tree: ast.AST
    frame: FrameType
    stale: set[str]
    broken: Recording
    until: float

    def value(self, node: ast.expr) -> Any:
        """Return what an expression gives; None where that cannot be told."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        if self.stale & names or time.monotonic() > self.until:
            return None
        try:
            code = compile(ast.Expression(node), "", "eval")
            return eval(code, self.frame.f_globals, {**self.frame.f_locals})
        except Exception:  # of any kind that the learner's own code may raise
            return None

    @property
    def first(self) -> str:
        """The name of what forward is given first: the batch."""
        return (*self.frame.f_code.co_varnames[1:2], "x")[0]

    def tensors(self, statement: ast.stmt) -> set[str]:
        """Return the names of tensors that a statement reads."""
        names = (n for n in ast.walk(statement) if isinstance(n, ast.Name))
        read = {n.id for n in names if isinstance(n.ctx, ast.Load)}
        return {n for n in read if isinstance(self.frame.f_locals.get(n), torch.Tensor)}

    def is_needed(self, name: ast.Name) -> bool:
        """Tell whether what a name holds would be lost if this place did without it."""
        last, read = self._uses(name.id)
        return sum(line > last for line in read) < 2

    def is_unread(self, name: str) -> bool:
        """Tell whether nothing before this place, or in it, reads what a name was given last."""
        last, read = self._uses(name)
        return last > 0 and not any(last < line <= self.statement.lineno for line in read)

    def _uses(self, name: str) -> tuple[int, list[int]]:
        """Return the last line before this one that gives a name a value, and all that read it."""
        alike = [n for n in ast.walk(self.tree) if isinstance(n, ast.Name) and n.id == name]
        stored = [n.lineno for n in alike if isinstance(n.ctx, ast.Store)]
        last = max((line for line in stored if line < self.statement.lineno), default=0)
        return last, [n.lineno for n in alike if isinstance(n.ctx, ast.Load)]


def _function(frame: FrameType, model: nn.Module) -> FunctionType | None:
    """Return the function of a frame, where it is the learner's."""
    if frame.f_globals.get("__name__", "").partition(".")[0] in ("torch", "torchvision", "labkit"):
        return None
    kinds = dict.fromkeys(kind for module in model.modules() for kind in type(module).__mro__)
    known = [*frame.f_globals.values(), *(v for kind in kinds for v in vars(kind).values())]
    functions = (value for value in known if isinstance(value, FunctionType))
    return next((f for f in functions if f.__code__ is frame.f_code), None)


def source_of(code: CodeType) -> tuple[str, ast.Module]:
    """Return how a function is written, and parsed; nothing where that is not at hand."""
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    source = textwrap.dedent("".join(getblock(lines))) if lines else ""
    try:
        return source, ast.parse(source)
    except SyntaxError:
        return "", ast.Module([], [])


def compiled(source: str, function: FunctionType) -> CodeType | None:
    """Compile a function again, with the same names from outside, such as that of super()."""
    old = function.__code__
    outer = f"def outer({', '.join(old.co_freevars)}):\n{textwrap.indent(source, ' ')}"
    try:
        tree = ast.increment_lineno(ast.parse(outer), old.co_firstlineno - 2)
        code = compile(tree, old.co_filename, "exec")
    except SyntaxError:
        return None
    for name in ("outer", old.co_name):
        code = next(c for c in code.co_consts if getattr(c, "co_name", "") == name)
    return code if code.co_freevars == old.co_freevars else None


def _start(source: str, node: ast.expr | ast.stmt) -> int:
    """Return where a node begins, in bytes."""
    above = "".join(source.splitlines(True)[: node.lineno - 1])
    return len(above.encode()) + node.col_offset


def _changes(part: _Part) -> Generator[tuple[float, int, int, str]]:
    """Yield what may stand in the place of a part of a statement: cost, start, end and text."""
    source, frame, owner = part.source, part.frame, part.frame.f_locals.get("self")
    layers = dict(owner.named_children()) if isinstance(owner, nn.Module) else {}
    unused = {name: layer for name, layer in layers.items() if name not in frame.f_code.co_names}
    idle = [n for n, layer in unused.items() if not re.search("Norm|Drop", type(layer).__name__)]
    inside = list(ast.walk(part.statement))
    called = {id(n.func) for n in inside if isinstance(n, ast.Call)}
    chained = {id(n.value) for n in inside if isinstance(n, (ast.Attribute, ast.Subscript))}
    index = {id(n.slice) for n in inside if isinstance(n, ast.Subscript)}
    asked = [
        n.value for n in inside if isinstance(n, ast.Attribute) and n.attr in ("size", "shape")
    ]
    sized = {id(n) for n in asked}  # whose shape alone counts
    for node in inside:
        if not isinstance(node, ast.expr) or isinstance(getattr(node, "ctx", None), ast.Store):
            continue
        start, text = _start(source, node), written(source, node)
        end = start + len(text.encode())
        own = isinstance(node, ast.Attribute) and text.startswith("self.")
        value = part.value(node) if isinstance(node, (ast.Name, ast.Attribute, *_COMPUTED)) else 0
        method = isinstance(node, ast.Attribute) and isroutine(value)
        if method and id(node) not in called | chained:
            yield 0.4, start, end, f"{text}()"
        unknown = value is None and (isinstance(node, _COMPUTED) or own and id(node) not in called)
        parts = isinstance(value, (tuple, list)) and id(node) not in called
        if unknown or parts or isinstance(value, torch.Tensor) and id(node) not in sized:
            inner = f"({text})" if isinstance(node, ast.BinOp) else text
            for wrap, cost in _wraps(value, part):
                far = 2 * (id(node) in chained and "[" not in wrap)
                yield cost + far, start, end, wrap.format(inner)
            yield from ((0.5, start, end, f"self.{name}({text})") for name in idle)
        if own and isinstance(owner, nn.Module):
            kind, close = type(layers.get(node.attr)), get_close_matches(node.attr, unused)
            missing = not hasattr(owner, node.attr) and not close
            alike = (name for name, layer in unused.items() if missing or type(layer) is kind)
            yield from ((0.5, start, end, f"self.{name}") for name in alike)
        if isinstance(node, ast.Name) and isinstance(value, torch.Tensor):
            others = [k for k, t in frame.f_locals.items() if isinstance(t, torch.Tensor)]
            others = [] if part.is_needed(node) else others
            far = 1.7 if "cat()" in part.broken.place else 3.5
            costs = {name: 1.0 if part.is_unread(name) else far for name in others}
            yield from ((cost, start, end, name) for name, cost in costs.items() if name != text)
        if isinstance(node, ast.Call) and node.args and written(source, node.func)[:5] == "self.":
            layer, given = (written(source, inner) for inner in (node.func, node.args[0]))
            if getattr(part.value(node.args[0]), "ndim", 0) == 3:
                yield 1.4, start, end, f"{layer}({given}.transpose(1, 2)).transpose(1, 2)"
        if isinstance(node, ast.Call) and "einsum" in written(source, node.func) and node.args:
            said, *operands = node.args
            equation, begin = str(getattr(said, "value", "")), _start(source, said)
            last = begin + len(written(source, said).encode())
            given = [part.value(o) for o in operands] if "->" in equation else []
            for cost, new in equations(equation, given) if given else ():
                yield cost, begin, last, new
        if isinstance(node, ast.Subscript) and isinstance(part.value(node.value), (list, tuple)):
            place = getattr(node.slice, "value", None)
            turned = -place - 1 if type(place) is int else f"-({written(source, node.slice)}) - 1"
            yield 1.4, start, end, f"{written(source, node.value)}[{turned}]"  # the last one first
        if id(node) in index and isinstance(node, ast.Tuple):
            yield from ((cost, start, end, new) for cost, new in indices(node, source))
        for cost, new in variants(node, source, part.first):
            yield cost, start, end, new


def _wraps(value: Any, part: _Part) -> Generator[tuple[str, float]]:
    """Yield what may be missing behind a value, which is None where it is not known."""
    if isinstance(value, (tuple, list)):
        yield from _PARTS.items()
        return
    wraps = dict(_WRAPS)
    for pattern, more in _TYPES:
        wraps |= more if re.search(pattern, str(part.broken.error)) else {}
    model = part.broken.model
    channels = {m.in_channels for m in model.modules() if isinstance(m, _ConvNd)}
    for count in channels if value is not None and value.ndim == 2 else ():
        side = math.isqrt(value.shape[1] // count)
        if side**2 * count == value.shape[1]:
            wraps[f"{{}}.unflatten(1, {(count, side, side)})"] = 2
    if getattr(value, "shape", ())[1:] == (6,) and "affine" in str(part.broken.error):
        wraps["{}.view(-1, 2, 3)"] = 1
    if value is not None and value.ndim and len(value) == 1:
        wraps[f"{{}}.expand(len({part.first}){', -1' * (value.ndim - 1)})"] = 2
    if value is not None and value.ndim == 3 and math.isqrt(n := value.shape[1]) ** 2 == n > 1:
        wraps[f"{{}}.transpose(1, 2).unflatten(2, {(math.isqrt(n),) * 2})"] = 2
    for wrap, cost in wraps.items():
        known = {**part.frame.f_locals, "_value": value}
        wrap = wrap.replace("{first}", part.first)
        if value is None or computes(eval, wrap.format("_value"), known):
            yield wrap, cost
