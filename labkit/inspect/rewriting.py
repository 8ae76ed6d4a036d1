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
from dataclasses import dataclass, replace
from difflib import get_close_matches
from inspect import getblock
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from labkit.inspect.fixes import Fix, changed, computes
from labkit.inspect.meant import equations, indices, variants, written
from labkit.inspect.recording import Recording, is_layer
from labkit.sandbox.untouched import untouched
from labkit.text import _

_SECONDS = 2.0
_WRAPS = {
    "{}.transpose(1, 2)": 2, "{}.transpose(-2, -1)": 2, "{}.flatten(1)": 2,
    "{}[:, :, None, None]": 3, "{}[:, None, None]": 3, "{}.unsqueeze(1)": 3, "{}.unsqueeze(-1)": 3,
    "{}.unsqueeze(0)": 3, "{}.squeeze(1)": 3, "{}.flatten(2).transpose(1, 2)": 3,
    "{}.transpose(1, 2).flatten(2)": 3, "{}.permute(0, 2, 3, 1)": 3, "{}.permute(0, 3, 1, 2)": 3,
    "{}.flatten(1, 2)": 3, "{}.transpose(0, 1)": 4,
}  # fmt: skip
"""What may be missing behind a tensor, and how unlikely it is."""
_PARTS = {"{}[0]": 1, "{}[0][-1]": 2, "{}[-1]": 3, "{}[1]": 5}
"""What may be missing behind a tuple or list; behind a tensor it would take one image of all."""
_TYPES = (
    ("type|Long|scalar", {"{}.float()": 3, "{}.long()": 3}),
    ("[Bb]ool", {"{}.bool()": 2, "{}.float()": 1}),
    ("device", {"{}.to({first}.device)": 1}),
)
"""What may be missing where an error names a type or a device."""
_COMPUTED = (ast.Call, ast.Subscript, ast.BinOp)


def edits(broken: Recording) -> list[tuple[float, Fix]]:
    """Return the edits of the learner's lines with their cost, the likeliest first."""
    with untouched(broken.model):  # to know what a part of a line is, it is computed
        return sorted(_edited(broken), key=lambda pair: pair[0])


def sound(
    tried: list[tuple[float, Fix]], broken: Recording, x: torch.Tensor, above: float, most: float
) -> list[Fix]:
    """Return the likeliest edit with which the whole pass runs and keeps the images apart.

    tried: edits with their costs, the likeliest first
    broken, x: the pass that broke, and its input
    above, most: the costs that are tried, from more than the one to no more than the other
    """
    until, known = time.monotonic() + _SECONDS, set()
    for cost, fix in tried:
        if cost > most or time.monotonic() > until:
            break
        if cost > above and fix.words not in known and _is_sound(fix, broken, x):
            return [fix]
        known.add(fix.words)
    return []


def _is_sound(fix: Fix, broken: Recording, x: torch.Tensor) -> bool:
    """Tell whether the pass runs, with a row for each image that depends on that image alone."""
    needed = _needed(broken.model)
    with changed(fix, replace(broken, live=broken.live or frozenset()), x) as (again, _fed):
        out = again.output
    if again.error or not isinstance(out, torch.Tensor) or out.shape[:1] != x.shape[:1]:
        return False
    if needed and not out.requires_grad or not all(all(step.shape) for step in again.steps):
        return False
    with torch.enable_grad():
        slopes = torch.autograd.grad(out.sum(), needed, allow_unused=True) if needed else ()
    if any(slope is None for slope in slopes):
        return False
    if not x.is_floating_point() or x.is_meta:
        return out.ndim == 2
    images, calm = x if len(x) > 1 else torch.cat((x, x)), replace(broken, live=None)
    for place in (0, len(images) - 1):
        spoilt = images.clone()
        spoilt[place] = math.nan
        with changed(fix, calm, spoilt) as (other, _fed):
            rows = [] if other.error else other.output.isnan().flatten(1).any(1).tolist()
        if rows != [n == place for n in range(len(images))]:
            return False
    return out.ndim in (2, x.ndim)


def _needed(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters to train of all that the model's own forward names."""
    used = getattr(type(model).forward, "__code__", _needed.__code__).co_names
    named = [(name.partition(".")[0], p) for name, p in model.named_parameters()]
    every = is_layer(model) or isinstance(model, nn.Sequential)
    return [p for name, p in named if p.requires_grad and (every or name in used)]


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
        for back, statement in enumerate(sorted(found, key=lambda n: -n.lineno)[:6]):
            old, begin = written(source, statement), _start(source, statement)
            names = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
            stale |= {n.id for n in names if back and isinstance(n.ctx, ast.Store)}
            part = _Part(statement, source, tree, frame, stale, broken, until)
            below = [n for n in every if n.lineno == getattr(statement, "end_lineno", 0) + 1]
            for cost, start, end, text in [*_wholes(source, statement, below), *_changes(part)]:
                edited = source.encode()[:start].decode() + text + source.encode()[end:].decode()
                last = max(end, begin + len(old.encode()))
                size = last - begin + len(text.encode()) - (end - start)
                new = edited.encode()[begin : begin + size].decode()
                was = source.encode()[begin:last].decode()
                words = _("write {new} in place of {old}")
                words = words.format(new=_in_a_row(new), old=_in_a_row(was))
                if code := compiled(edited, function):
                    yield cost + far / 2 + back / 10, Fix(words, code=(function, code))


def _in_a_row(text: str) -> str:
    """Write lines as one line."""
    return "; ".join(" ".join(line.split()) for line in re.split(r"\n(?=\s*\w+ = )", text))


def _wholes(
    source: str, statement: ast.stmt, below: list
) -> Generator[tuple[float, int, int, str]]:
    """Yield changes of a whole statement: it and the next change places, all axes are kept."""
    start, text = _start(source, statement), written(source, statement)
    end = start + len(text.encode())
    for other in below[:1]:
        begin, then = _start(source, other), written(source, other)
        alike = isinstance(other, ast.Assign) and other.col_offset == statement.col_offset
        if alike and re.search("flat|permute|transpose|view|reshape|squeeze", text + then):
            between = source.encode()[end:begin].decode()
            yield 1.2, start, begin + len(then.encode()), f"{then}{between}{text}"
    kept = re.sub(r"\.(mean|sum|std|amax|amin)\((dim=)?(-?\d)\)", r".\1(\3, keepdim=True)", text)
    if kept != text:
        yield 1.2, start, end, kept


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
    for node in inside:
        if not isinstance(node, ast.expr) or isinstance(getattr(node, "ctx", None), ast.Store):
            continue
        start, text = _start(source, node), written(source, node)
        end = start + len(text.encode())
        own = isinstance(node, ast.Attribute) and text.startswith("self.")
        value = part.value(node) if isinstance(node, (ast.Name, ast.Attribute, *_COMPUTED)) else 0
        unknown = value is None and (isinstance(node, _COMPUTED) or own and id(node) not in called)
        parts = isinstance(value, (tuple, list)) and id(node) not in called
        if unknown or parts or isinstance(value, torch.Tensor):
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
    if value is not None and value.ndim and len(value) == 1:
        wraps[f"{{}}.expand(len({part.first}){', -1' * (value.ndim - 1)})"] = 2
    if value is not None and value.ndim == 3 and math.isqrt(n := value.shape[1]) ** 2 == n > 1:
        wraps[f"{{}}.transpose(1, 2).unflatten(2, {(math.isqrt(n),) * 2})"] = 2
    for wrap, cost in wraps.items():
        known = {**part.frame.f_locals, "_value": value}
        wrap = wrap.replace("{first}", part.first)
        if value is None or computes(eval, wrap.format("_value"), known):
            yield wrap, cost
