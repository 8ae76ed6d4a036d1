"""net.png: the workshop's network with the shapes it really has, traced by running it."""

from dataclasses import dataclass

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from draw.style import MUTED, RUST, TINT, Sheet, spoken
from labkit.data.drawn import CLASSES
from labkit.model import Net
from labkit.plots.base import BLUE, GREEN, ORANGE
from labkit.text import _, written

PIXEL, OFFSET, GAP, MIDDLE = 3, 3, 42, 160
"""How large a pixel of a map, the shift from map to map, a gap, and the middle line are drawn."""


@dataclass(frozen=True)
class Step:
    """One step: its name, the shape it gives (without the batch), its parameters, its window.

    The window of a convolution is its filters' shape, which spans all maps before it.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int = 0
    window: tuple[int, ...] = ()


def trace(net: nn.Module, size: int = 32) -> list[Step]:
    """Run ``net`` on one image and return its steps in order, the input first."""
    graph = fx.symbolic_trace(net.eval())
    ShapeProp(graph).propagate(torch.zeros(1, 3, size, size))
    layers = dict(net.named_modules())
    steps = []
    for node in graph.graph.nodes:
        if node.op == "output":
            continue
        layer = layers.get(node.target) if node.op == "call_module" else None
        name = node.target if layer else getattr(node.target, "__name__", "input")
        count = sum(p.numel() for p in layer.parameters()) if layer else 0
        shape = tuple(node.meta["tensor_meta"].shape[1:])
        steps.append(Step(name, shape, count, _window(layer)))
    return steps


def _window(layer: nn.Module | None) -> tuple[int, ...]:
    if isinstance(layer, nn.Conv2d):
        return tuple(layer.weight.shape[1:])
    if isinstance(layer, nn.MaxPool2d):
        return (layer.kernel_size,) * 2
    return ()


def draw() -> Sheet:
    """Draw the network: its maps in number and size to scale, then its vectors."""
    steps = trace(Net())
    blocks = [step for step in steps if step.name != "relu"]
    total = sum(step.parameters for step in steps)
    largest = max(steps, key=lambda step: step.parameters)
    alt = (
        "The network from left to right, its maps and its vectors to scale: {steps}. The maps get "
        "smaller and more numerous, are flattened to one vector, and three linear layers end in "
        "{classes} logits, one per class. It has {total:,} parameters, {most:,} of them in "
        "{largest}."
    ).format(
        steps=", ".join(f"{step.name} {spoken(step.shape)}" for step in blocks),
        classes=steps[-1].shape[0],
        total=total,
        most=largest.parameters,
        largest=largest.name,
    )
    sheet = Sheet(1010, 366, alt=alt)
    x, front = _block(sheet, 12, blocks[0])
    sheet.write(12, 338, _("parameters"), 16, color=MUTED, ha="left")
    for step, after in zip(steps[1:], [*steps[2:], None], strict=True):
        if step.name == "relu":
            continue
        _layer(sheet, x, step, relu=after is not None and after.name == "relu")
        start = front
        x, front = _block(sheet, x + GAP, step)
        if step.window:
            _mark(sheet, start, front, step)
    _answers(sheet, x, len(CLASSES))
    return sheet


def _layer(sheet, x, step, relu):
    """Label the gap at ``x`` with what happens in it."""
    middle = x + GAP / 2
    sheet.write(middle, 22, step.name, 16, bold=True)
    if step.window:
        sheet.write(middle, 43, " × ".join(str(n) for n in step.window), 15, color=RUST)
    if relu:
        sheet.write(middle, 63 if step.window else 43, "ReLU", 15, color=MUTED)
    sheet.arrow((x + 8, MIDDLE + 104), (x + GAP - 8, MIDDLE + 104), color=MUTED, line=1.5)
    if step.parameters:
        sheet.write(middle, 338, written(step.parameters, ","), 16)


def _block(sheet, x, step):
    """Draw what a step gives at ``x``; return its right edge and its front (x, y, side)."""
    if len(step.shape) == 1:
        return _vector(sheet, x, step)
    channels, side, _width = step.shape
    offset = 2 * OFFSET if step.name == "input" else OFFSET
    reach = (channels - 1) * offset
    edge, top = side * PIXEL, MIDDLE - (side * PIXEL + reach) / 2
    width = max(edge + reach, 58)
    left = x + (width - edge - reach) / 2
    tints = ("#f6b9a0", "#a8dcc4", "#a9cdea") if step.name == "input" else (TINT[BLUE],)
    for i in range(channels):
        corner = (left + i * offset, top + i * offset)
        tint = tints[i % len(tints)]
        sheet.box(*corner, edge, edge, face=tint, edge=BLUE, line=0.9, round=0)
    kind = _("channels") if step.name == "input" else _("maps")
    _caption(sheet, x + width / 2, f"{channels} {kind}", f"{side} × {side}")
    return x + width, (left + reach, top + reach, edge)


def _vector(sheet, x, step):
    (length,) = step.shape
    height, width, column = length * 0.55, 12, 36
    left = x + (column - width) / 2
    top = MIDDLE - height / 2
    sheet.box(left, top, width, height, face="#bfe5d6", edge=GREEN, line=1.2, round=0)
    _caption(sheet, x + column / 2, str(length), "")
    return x + column, (left, top, width)


def _caption(sheet, x, first, second):
    sheet.write(x, 290, first, 16, bold=True)
    sheet.write(x, 311, second, 16)


def _mark(sheet, start, end, step):
    """Mark a window on the front map and where its one number goes."""
    x, y, edge = start
    side = step.window[-1] * PIXEL
    left, top = x + edge * 0.52, y + edge * 0.5
    target = end[0] + end[2] * 0.28, end[1] + end[2] * 0.3
    for corner in (top, top + side):
        sheet.line((left + side, corner), target, color=ORANGE, line=1.2)
    sheet.box(left, top, side, side, face=TINT[ORANGE], edge=ORANGE, line=1.6, round=0)
    sheet.box(target[0] - 2, target[1] - 2, 4, 4, face=ORANGE, edge=ORANGE, round=0)


def _answers(sheet, x, classes):
    """Fan out from the last vector to the names of the classes."""
    for i, name in enumerate(CLASSES):
        y = MIDDLE + (i - (classes - 1) / 2) * 20
        sheet.line((x - 10, MIDDLE), (x + 16, y), color=GREEN, line=1.1)
        sheet.write(x + 20, y, name, 15, ha="left")
    sheet.write(x + 20, 290, _("logits"), 16, bold=True, ha="left")
