"""Draw a walk down a loss, its map in bands of height, and say what became of it."""

import io
import math

import numpy as np
from matplotlib.ticker import MaxNLocator
from PIL import Image

from labkit.explorers.landscape.compute import Landscape, Walk
from labkit.plots.base import BLUE, INK, ORANGE, Plot, plain_axes
from labkit.plots.descent import HEIGHTS
from labkit.text import _, ngettext, written

LINE = (102, 120, 138)
BANDS = 14


def title(landscape: Landscape) -> str:
    """Return the translated name of a landscape."""
    return {
        "bowl": _("a bowl"),
        "two valleys": _("two valleys"),
        "hole in a plain": _("a hole in a plain"),
        "long valley": _("a long valley"),
        "pass": _("a mountain pass"),
        "two hollows": _("two hollows"),
    }.get(landscape.name, landscape.name)


def place_name(kind: str) -> str:
    """Return what a place of slope zero is called on the map."""
    return {
        "lowest": _("global minimum"),
        "local": _("local minimum"),
        "saddle": _("saddle point"),
        "top": _("maximum"),
    }[kind]


def number(value: float) -> str:
    """Return a loss, slope or weight as one reads it aloud: 2.15, 310, more than a million."""
    if not math.isfinite(value):
        return _("infinity")
    if abs(value) >= 1e6:
        return _("more than a million")
    return written(value, ",.2f" if abs(value) < 100 else ",.0f").replace("-", "−")


def sentences(walk: Walk) -> list[str]:
    """Say for each step, from 0 on, what the loss has done and how the walk goes."""
    judgements = _judgements()
    return [_sentence(walk, step, judgements) for step in range(len(walk.losses))]


def sentence(walk: Walk, step: int) -> str:
    """Say what the loss has done in the first ``step`` steps, and how the walk goes."""
    return _sentence(walk, step, _judgements())


def _sentence(walk: Walk, step: int, judgements: dict[str, str]) -> str:
    fate, first, now = walk.fate(step), number(walk.losses[0]), number(walk.losses[step])
    if fate == "start":
        return _("At the start, {place}, the loss is {loss} and the slope is {slope}.").format(
            place=position(walk, 0), loss=first, slope=number(walk.slope(0))
        )
    if fate in ("diverges", "higher"):
        changed = ngettext(
            "After {n} step the loss has grown from {first} to {now}",
            "After {n} steps the loss has grown from {first} to {now}",
            step,
        )
    elif now == first:
        changed = ngettext(
            "After {n} step the loss is still {now}",
            "After {n} steps the loss is still {now}",
            step,
        )
    else:
        changed = ngettext(
            "After {n} step the loss has fallen from {first} to {now}",
            "After {n} steps the loss has fallen from {first} to {now}",
            step,
        )
    judgement = judgements[fate].format(
        lowest=number(walk.landscape.lowest),
        slope=number(walk.slope(step)),
        many=_rounded(walk.landscape.width / walk.stride(step)) if fate == "crawls" else "",
    )
    return f"{changed.format(n=step, first=first, now=now)}: {judgement}"


def _judgements() -> dict[str, str]:
    """Return what is said of each fate of a walk."""
    return {
        "diverges": _("the step is far too large, the walk diverges."),
        "higher": _("the step is too large."),
        "lowest": _("it rests at the lowest place of all, where the slope is 0."),
        "local": _("it rests in a local minimum; the global minimum has {lowest}."),
        "saddle": _("the slope is 0, but this is a saddle point: to both sides it goes down."),
        "top": _("the slope is 0, but this is a maximum: it goes down from here."),
        "plain": _("with hardly any slope there is hardly any step."),
        "swings": _("each step jumps across the valley and back."),
        "carried": _("the momentum carries it uphill, past the floor."),
        "jumped": _("the last step was so long that it ended higher than it began."),
        "crawls": _("it crawls; {many} steps like the last one would cross the landscape."),
        "falls": _("it goes downhill; the slope here is {slope}."),
    }


def _rounded(count: float) -> str:
    """Return a large count to two digits: 1,300."""
    if count >= 1e6:
        return number(count)
    return written(round(count, 1 - math.floor(math.log10(count))), ",.0f")


def position(walk: Walk, step: int) -> str:
    """Return the weights after ``step`` steps: w = 1.20, or w₁ = 1.20, w₂ = −0.30."""
    at = walk.weights[step]
    names = ["w"] if len(at) == 1 else ["w₁", "w₂"]
    return ", ".join(f"{name} = {number(value)}" for name, value in zip(names, at, strict=True))


def levels(landscape: Landscape) -> np.ndarray:
    """Return the ``BANDS + 1`` heights between which a map has one colour, closest at the floor."""
    lowest, highest = landscape.lowest, landscape.heights(61)[1].max()
    return lowest + (highest - lowest) * np.linspace(0, 1, BANDS + 1) ** 1.6


def colours() -> list[str]:
    """Return the colour of each band, from the lowest up, as ``#rrggbb``."""
    parts = HEIGHTS(np.linspace(0, 1, BANDS), bytes=True)[:, :3]
    return ["#{:02x}{:02x}{:02x}".format(*part) for part in parts.tolist()]


def height_map(landscape: Landscape, points: int = 760) -> bytes:
    """Return a PNG of a landscape of two weights in bands of height, with contour lines.

    The second weight grows upwards; ``points`` pixels on the longest side.
    """
    band = np.digitize(landscape.heights(points)[1], levels(landscape)[1:-1])
    pixels = HEIGHTS(np.linspace(0, 1, BANDS), bytes=True)[band, :3]
    edge = np.zeros(band.shape, bool)
    for axis in (0, 1):
        step = np.diff(band, axis=axis) != 0
        edge |= np.pad(step, [(0, 1) if axis == side else (0, 0) for side in (0, 1)])
    pixels[edge] = LINE
    buffer = io.BytesIO()
    Image.fromarray(pixels[::-1]).quantize(BANDS + 1, dither=Image.Dither.NONE).save(buffer, "PNG")
    return buffer.getvalue()


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers from ``low`` to ``high`` to write at an axis."""
    marks = MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(mark) for mark in marks if low - 1e-9 <= mark <= high + 1e-9]


def walked(walk: Walk, setting: str = "") -> Plot:
    """Draw a walk on its landscape, and its loss over the steps, for a reader without a kernel."""
    landscape = walk.landscape
    picture = Plot(9, 3.6, alt=f"{setting} {sentence(walk, len(walk.losses) - 1)}".strip())
    left, right = plain_axes(picture, 1, 2, 1), plain_axes(picture, 1, 2, 2)
    sides, heights = landscape.heights(161)
    low, high = float(heights.min()), float(heights.max())
    if len(sides) == 1:
        left.plot(sides[0], heights, color=BLUE, linewidth=2)
        across = walk.losses
        left.set(ylabel=_("loss"), xlabel=_("weight"), ylim=margin(low, high))
    else:
        left.contourf(*sides, heights, levels(landscape), cmap=HEIGHTS)
        across = walk.weights[:, 1]
        left.set(ylabel=_("weight 2"), xlabel=_("weight 1"), ylim=landscape.reach[1])
        left.set_aspect("equal")
    left.set_xlim(landscape.reach[0])
    left.set_title(title(landscape), fontsize=10)
    seen = np.isfinite(walk.losses) & (np.abs(walk.losses) < 1e9)  # matplotlib's own limit
    style = {"color": ORANGE, "linewidth": 1, "markersize": 4}
    left.plot(walk.weights[seen, 0], across[seen], "o--", **style)
    left.plot(walk.weights[0, 0], across[0], "s", color=INK, markersize=7)
    right.plot(np.flatnonzero(seen), walk.losses[seen], "o-", **style)
    right.set(xlabel=_("step"), ylabel=_("loss"), ylim=margin(low, high))
    return picture


def margin(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis of losses, with room below for a word."""
    return low - 0.12 * (high - low), high
