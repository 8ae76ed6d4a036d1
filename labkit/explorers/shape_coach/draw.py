"""Draw how an image's side shrinks from layer to layer, and say where a forward pass breaks."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from labkit.explorers.shared.pixels import MUTED, SCALE, WHITE, to_png, write
from labkit.plots.base import BLUE, INK, ORANGE
from labkit.text import _

WIDTH, LEFT, RIGHT, STRIP, PITCH = 950, 96, 96, 17, 37
_SEEN, _PLAIN, _CONE = "#9cc7e4", "#e4e4e4", "#e8f2f9"


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
    """Draw the sides below one another as PNG, each cell in the middle of the pixels it sees.

    Orange crosses mark cells that are never visited; ``hidden`` are words for strips not shown.
    """
    low = min(min(0.0, side.start - side.jump / 2) for side in sides)
    high = max(side.start + (side.size - 0.5) * side.jump for side in sides)
    unit = (WIDTH - LEFT - RIGHT) / (high - low)
    height = 6 + (len(sides) + len(hidden)) * PITCH - (PITCH - STRIP) + 8
    image = Image.new("RGB", (SCALE * WIDTH, SCALE * height), WHITE)
    draw = ImageDraw.Draw(image)

    def span(side: Side, first: int, last: int) -> tuple[float, float]:
        left = LEFT + (side.start + (first - 0.5) * side.jump - low) * unit
        return left, left + (last - first + 1) * side.jump * unit

    for number, (above, below) in enumerate(zip(sides, sides[1:], strict=False)):
        if above.seen and below.seen:
            top = 6 + number * PITCH + STRIP
            upper, lower = (span(side, side.seen[0], side.seen[-1]) for side in (above, below))
            corners = [(upper[0], top), (upper[1], top)]
            corners += [(lower[1], top + PITCH - STRIP), (lower[0], top + PITCH - STRIP)]
            draw.polygon([(SCALE * x, SCALE * y) for x, y in corners], fill=_CONE)
    for number, side in enumerate(sides):
        top = 6 + number * PITCH
        write(draw, side.name, (6, top + 2), 12)
        write(draw, str(side.size), (LEFT - 10, top + 2), 12, anchor="ra")
        write(draw, side.note, (WIDTH - RIGHT + 10, top + 3), 10, fill=MUTED)
        for cell in range(side.size):
            _cell(draw, side, cell, (*span(side, cell, cell), top))
    for number, words in enumerate(hidden, len(sides)):
        top = 6 + number * PITCH
        box = [SCALE * n for n in (LEFT, top, WIDTH - RIGHT, top + STRIP)]
        draw.rectangle(box, fill=None, outline="#c4c4c4")
        write(draw, words, ((LEFT + WIDTH - RIGHT) / 2, top + 2), 12, fill=MUTED, anchor="ma")
    return to_png(image)


def _cell(draw: ImageDraw.ImageDraw, side: Side, cell: int, place) -> None:
    left, right, top = place
    missed, seen = cell in side.unvisited, cell in side.seen
    colour = WHITE if missed else _SEEN if seen else _PLAIN
    edge = ORANGE if missed else BLUE if seen else "#a8a8a8"
    rim = 0 if right - left < 5 else 1
    box = [round(SCALE * n) for n in (left + rim / 2, top, right - rim / 2, top + STRIP)]
    draw.rectangle(box, fill=colour, outline=edge if rim else None, width=2 if missed else 1)
    if missed:
        draw.line([box[0], box[1], box[2], box[3]], fill=ORANGE, width=3)
        draw.line([box[0], box[3], box[2], box[1]], fill=ORANGE, width=3)
    elif right - left >= 20:
        middle = (left + right) / 2
        write(draw, str(cell), (middle, top + 3), 9, fill=INK if seen else MUTED, anchor="ma")


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
