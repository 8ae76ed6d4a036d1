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
from dataclasses import replace
from inspect import getblock
from itertools import permutations
from types import CodeType, FrameType, FunctionType

import torch
from torch import nn

from labkit.inspect.fixes import Fix, changed
from labkit.inspect.recording import Recording, is_layer
from labkit.text import _

_SECONDS = 2.0
_WRAPS = {
    "{}[0]": 1, "{}.transpose(1, 2)": 2, "{}.transpose(-2, -1)": 2, "{}.flatten(1)": 2,
    "{}[-1]": 3, "{}[:, :, None, None]": 3, "{}[:, None, None]": 3, "{}.mean((2, 3))": 4,
    "{}.unsqueeze(1)": 3, "{}.unsqueeze(-1)": 3, "{}.unsqueeze(0)": 3, "{}.squeeze(1)": 3,
    "{}.flatten(2).transpose(1, 2)": 3, "{}.transpose(1, 2).flatten(2)": 3, "{}.float()": 3,
    "{}.long()": 3, "{}.permute(0, 2, 3, 1)": 3, "{}.permute(0, 3, 1, 2)": 3,
    "{}.flatten(1, 2)": 3, "{}.expand(len(x), -1, -1)": 3, "{}.transpose(0, 1)": 4, "{}[:, -1]": 4,
    "{}[1]": 5,
}  # fmt: skip
"""What may be missing behind a tensor, and how unlikely it is."""
_TYPES = {"{}.float()", "{}.long()"}
_COMPUTED = (ast.Call, ast.Subscript, ast.BinOp)
_TURNS = {"unsqueeze", "squeeze", "flatten", "permute", "transpose", "mean"}
"""What may be too much."""


def rewritten(
    broken: Recording, x: torch.Tensor, above: float = 0, most: float = math.inf
) -> list[Fix]:
    """Return the likeliest edit with which the whole pass runs and keeps the images apart.

    Edits are tried that are less likely than ``above`` and no less than ``most``.
    """
    until, tried = time.monotonic() + _SECONDS, set()
    for cost, fix in sorted(_edited(broken), key=lambda pair: pair[0]):
        if cost > most or time.monotonic() > until:
            break
        if cost > above and fix.words not in tried and _is_sound(fix, broken, x):
            return [fix]
        tried.add(fix.words)
    return []


def _is_sound(fix: Fix, broken: Recording, x: torch.Tensor) -> bool:
    """Tell whether the pass runs, with a row for each image that depends on that image alone."""
    with changed(fix, replace(broken, live=broken.live or frozenset()), x) as (again, _fed):
        out, needed = again.output, _needed(broken.model)
    if again.error or not isinstance(out, torch.Tensor) or out.shape[:1] != x.shape[:1]:
        return False
    if needed and not out.requires_grad or not all(all(step.shape) for step in again.steps):
        return False
    with torch.enable_grad():
        slopes = torch.autograd.grad(out.sum(), needed, allow_unused=True) if needed else ()
    if any(slope is None for slope in slopes):
        return False
    if any("rand" in step.layer or "dropout()" in step.layer for step in again.steps):
        return out.ndim in (2, x.ndim)
    if out.ndim not in (2, x.ndim) or not x.is_floating_point():
        return out.ndim == 2
    images = torch.linspace(0, 1, x.numel(), device=x.device).view(x.shape).cos().to(x.dtype)
    other, calm = images.flip(0), replace(broken, live=None)
    other[-1] = images[0].flip(-1) + 0.5
    with changed(fix, calm, images) as (first, _fed), changed(fix, calm, other) as (second, _fed):
        if first.error or second.error:
            return False
        same = (first.output - second.output.flip(0)).abs().flatten(1).amax(1)
    return bool(same[0] > 0 and (len(x) == 1 or same[1:].max() <= 1e-4 * (1 + same[0])))


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
    for far, (frame, line, function) in enumerate(own[:3]):
        first = frame.f_code.co_firstlineno
        lines = linecache.getlines(frame.f_code.co_filename)[first - 1 :]
        source = textwrap.dedent("".join(getblock(lines))) if lines else ""
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        simple = (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)
        found = [
            n for n in ast.walk(tree) if isinstance(n, simple) and n.lineno <= line - first + 1
        ]
        for back, statement in enumerate(sorted(found, key=lambda n: -n.lineno)[:6]):
            old = _text(source, statement)
            for cost, start, end, text in _changes(statement, source, frame, broken.error):
                edited = source.encode()[:start].decode() + text + source.encode()[end:].decode()
                begin = _start(source, statement)
                size = len(old.encode()) + len(text.encode()) - (end - start)
                new = edited.encode()[begin : begin + size].decode()
                words = _("write {new} in place of {old}")
                words = words.format(new=" ".join(new.split()), old=" ".join(old.split()))
                if code := _compiled(edited, function):
                    yield cost + 2 * far + back / 2, Fix(words, code=(function, code))


def _function(frame: FrameType, model: nn.Module) -> FunctionType | None:
    """Return the function of a frame, where it is the learner's."""
    if frame.f_globals.get("__name__", "").partition(".")[0] in ("torch", "torchvision", "labkit"):
        return None
    kinds = dict.fromkeys(kind for module in model.modules() for kind in type(module).__mro__)
    known = [*frame.f_globals.values(), *(v for kind in kinds for v in vars(kind).values())]
    functions = (value for value in known if isinstance(value, FunctionType))
    return next((f for f in functions if f.__code__ is frame.f_code), None)


def _compiled(source: str, function: FunctionType) -> CodeType | None:
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


def _text(source: str, node: ast.AST) -> str:
    return ast.get_source_segment(source, node) or ""


def _start(source: str, node: ast.expr | ast.stmt) -> int:
    """Return where a node begins, in bytes."""
    above = "".join(source.splitlines(True)[: node.lineno - 1])
    return len(above.encode()) + node.col_offset


def _changes(
    statement: ast.stmt, source: str, frame: FrameType, error: Exception | None
) -> Generator[tuple[float, int, int, str]]:
    """Yield what may stand in the place of a part of a statement: cost, start, end and text."""
    owner = frame.f_locals.get("self")
    layers = dict(owner.named_children()) if isinstance(owner, nn.Module) else {}
    unused = {name: part for name, part in layers.items() if name not in frame.f_code.co_names}
    idle = [n for n, part in unused.items() if not re.search("Norm|Drop", type(part).__name__)]
    called = {id(n.func) for n in ast.walk(statement) if isinstance(n, ast.Call)}
    chained = (ast.Attribute, ast.Subscript)
    chained = {id(n.value) for n in ast.walk(statement) if isinstance(n, chained)}
    typed = re.search("type|Long|scalar", str(error))
    for node in ast.walk(statement):
        if not isinstance(node, ast.expr) or isinstance(getattr(node, "ctx", None), ast.Store):
            continue
        start, text = _start(source, node), _text(source, node)
        end = start + len(text.encode())
        inner = f"({text})" if isinstance(node, ast.BinOp) else text
        held = frame.f_locals.get(text) if isinstance(node, ast.Name) else None
        own = isinstance(node, ast.Attribute) and text.startswith("self.")
        tensor = isinstance(held, (torch.Tensor, tuple)) or isinstance(node, _COMPUTED)
        tensor = tensor or (own and id(node) not in called)
        for wrap, cost in _WRAPS.items() if tensor else ():
            if (typed or wrap not in _TYPES) and not (own and wrap.endswith("]")):
                inside = 2 * (id(node) in chained and wrap != "{}[0]")
                yield cost + inside, start, end, wrap.format(inner)
        for name in idle if tensor else ():
            yield 0.5, start, end, f"self.{name}({text})"
        if own and isinstance(kind := layers.get(node.attr), nn.Module):
            alike = (name for name, part in unused.items() if type(part) is type(kind))
            yield from ((0.5, start, end, f"self.{name}") for name in alike)
        if isinstance(held, torch.Tensor):
            others = [k for k, t in frame.f_locals.items() if isinstance(t, torch.Tensor)]
            yield from ((3.5, start, end, name) for name in others if name != text)
        for cost, new in _variants(node, text, source):
            yield cost, start, end, new


def _variants(node: ast.expr, text: str, source: str) -> Generator[tuple[int, str]]:
    """Yield what a learner may have meant by an expression."""
    parts = [_text(source, part) for part in ast.iter_child_nodes(node)]
    if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 5:
        yield from ((2, str(n)) for n in (1, 2, 3, 0) if n != node.value)
        yield 1, "(2, 3)"
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield from ((3, "-1"), (3, "len(x)"))
    elif isinstance(node, ast.Constant) and "->" in str(node.value):
        left, _arrow, right = str(node.value).replace(" ", "").partition("->")
        operands = left.split(",")
        for n, operand in enumerate(operands):
            for order in permutations(range(len(operand))):
                turned = "".join(operand[i] for i in order)
                inputs = ",".join([*operands[:n], turned, *operands[n + 1 :]])
                yield 2, repr(f"{inputs}->{right}")
                if len(right) == len(operand):
                    yield 1, repr(f"{inputs}->{''.join(right[i] for i in order)}")
    elif isinstance(node, ast.Attribute) and node.attr in ("size", "shape"):
        yield 1, f"{text}[0]" if node.attr == "shape" else f"{text}(0)"
    elif isinstance(node, ast.BinOp):
        left, _sign, right = parts
        if isinstance(node.op, ast.MatMult):
            yield 1, f"{right} @ {left}"
        if sign := {"Div": "//", "Mult": "@", "MatMult": "*"}.get(type(node.op).__name__):
            yield 2, f"{left} {sign} {right}"
    elif isinstance(node, ast.Tuple) and len(node.elts) > 1:
        yield from (
            (1, ", ".join(parts[:n] + parts[n + 1 : len(node.elts)])) for n in range(len(node.elts))
        )
    elif isinstance(node, ast.Call) and node.args:
        head = _text(source, node.func)
        given = ", ".join(parts[1:])
        if head.startswith("self."):
            yield 3, f"{head}({parts[1]}.transpose(1, 2)).transpose(1, 2)"
        yield from ((2, f"{head}({given}, {axis})") for axis in (1, -1))
        yield 3, f"{head}({given}, keepdim=True)"
        if isinstance(node.func, ast.Attribute) and node.func.attr in _TURNS:
            free = head.startswith(("torch.", "F."))
            yield 3, parts[1] if free else head.rpartition(".")[0]
        if len(node.args) == 2:
            yield 1, f"{head}({', '.join([parts[2], parts[1], *parts[3:]])})"
