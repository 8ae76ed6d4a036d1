"""Draw how an image's side shrinks from layer to layer, and say where a forward pass breaks."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

from labkit.plots.base import BLUE, INK, ORANGE
from labkit.text import _

LEFT, RIGHT, STRIP, PITCH = 15, 11, 18, 38
"""Margins in per cent of the width; the height of a strip and the distance of two, in pixels."""

_SEEN, _PLAIN, _CONE, _EDGE, _MUTED = "#9cc7e4", "#e4e4e4", "#e8f2f9", "#a8a8a8", "#5c5c5c"


@dataclass(frozen=True)
class Side:
    """One side of a map, as a strip of cells.

    ``start`` is the middle of its first cell and ``jump`` the distance of two, in pixels of the
    image. ``unvisited`` are cells that the next layer never touches, ``seen`` those that the
    followed unit depends on.
    """

    name: str
    size: int
    start: float = 0.5
    jump: int = 1
    unvisited: tuple[int, ...] = ()
    seen: tuple[int, ...] = field(default=())
    note: str = ""


def strips(sides: Sequence[Side], hidden: Sequence[str] = ()) -> bytes:
    """Draw the sides below one another as SVG, each cell in the middle of the pixels it sees.

    It is as wide as its place, with letters of one size. Orange crosses mark cells that are never
    visited; ``hidden`` are words for strips not shown.
    """
    low = min(min(0.0, side.start - side.jump / 2) for side in sides)
    high = max(side.start + (side.size - 0.5) * side.jump for side in sides)
    unit = (100 - LEFT - RIGHT) / (high - low)

    def span(side: Side, first: int, last: int) -> tuple[float, float]:
        left = LEFT + (side.start + (first - 0.5) * side.jump - low) * unit
        return left, left + (last - first + 1) * side.jump * unit

    tops = [6 + number * PITCH for number in range(len(sides) + len(hidden))]
    parts = []
    for top, above, below in zip(tops, sides, sides[1:], strict=False):
        if above.seen and below.seen:
            (a, b), (c, d) = (span(side, side.seen[0], side.seen[-1]) for side in (above, below))
            cone = f'<path d="M{a:.2f} 0H{b:.2f}L{d:.2f} 1H{c:.2f}Z" fill="{_CONE}"/>'
            place = f'y="{top + STRIP}" width="100%" height="{PITCH - STRIP}"'
            stretched = 'viewBox="0 0 100 1" preserveAspectRatio="none"'
            parts.append(f"<svg {place} {stretched}>{cone}</svg>")
    for top, side in zip(tops, sides, strict=False):
        parts.append(_text(f"{side.name}\u2002{side.size}", LEFT - 1, top, anchor="end", size=12))
        parts.append(_text(side.note, 101 - RIGHT, top, anchor="start", colour=_MUTED))
        parts += [_cell(side, cell, *span(side, cell, cell), top) for cell in range(side.size)]
    for top, words in zip(tops[len(sides) :], hidden, strict=True):
        parts.append(_box(LEFT, 100 - RIGHT, top, "none", "#c4c4c4"))
        parts.append(_text(words, 50 + (LEFT - RIGHT) / 2, top, colour=_MUTED, size=12))
    size = f'width="100%" height="{tops[-1] + STRIP + 8}"'
    style = "text {font-family: system-ui, sans-serif}"
    style += "@media (max-width: 600px) {.small {display: none}}"  # no room for these numbers
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>'
    return f"{head}{''.join(parts)}</svg>".encode()


def _cell(side: Side, cell: int, left: float, right: float, top: int) -> str:
    missed, seen = cell in side.unvisited, cell in side.seen
    if missed:
        up, down = (f'x1="{left:.2f}%" x2="{right:.2f}%" y{n}="{top}"' for n in (1, 2))
        lines = f'<line {up} y2="{top + STRIP}"/><line {down} y1="{top + STRIP}"/>'
        cross = f'<g stroke="{ORANGE}" stroke-width="1.5">{lines}</g>'
        return _box(left, right, top, "white", ORANGE) + cross
    edge = "none" if right - left < 0.6 else BLUE if seen else _EDGE
    box = _box(left, right, top, _SEEN if seen else _PLAIN, edge)
    if right - left < 2.2:
        return box
    number = _text(str(cell), (left + right) / 2, top, colour=INK if seen else _MUTED)
    return f'{box}<g class="{"small" if right - left < 4.5 else ""}">{number}</g>'


def _box(left: float, right: float, top: int, fill: str, edge: str) -> str:
    place = f'x="{left:.2f}%" y="{top}" width="{right - left:.2f}%" height="{STRIP}"'
    return f'<rect {place} fill="{fill}" stroke="{edge}"/>'


def _text(
    words: str, x: float, top: int, *, anchor: str = "middle", size: int = 11, colour: str = INK
) -> str:
    look = f'font-size="{size}" fill="{colour}" text-anchor="{anchor}"'
    return f'<text x="{x:.2f}%" y="{top + 13}" {look}>{html.escape(words)}</text>'


def fault_card(fault) -> str:
    """Return HTML for a fault (``layer``, ``got``, ``expected``, ``change``, ``message``)."""
    heading = _("✗ It breaks at {layer}").format(layer=fault.layer)
    lines = (
        (_("It got"), html.escape(fault.got)),
        (_("It expected"), html.escape(fault.expected)),
        (_("To fix it"), f"<strong>{html.escape(fault.change)}</strong>"),
        (_("The error says"), f"<code>{html.escape(fault.message)}</code>"),
    )
    items = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in lines)
    return (
        f'<div role="note" class="lk-fault"><strong>{html.escape(heading)}</strong>'
        f"<dl>{items}</dl></div>"
    )
