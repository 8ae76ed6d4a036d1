"""What a walk is called in words, and a still image of it."""

import math

import numpy as np

from labkit.explorers.landscape.compute import Landscape, Walk
from labkit.plots.base import BLUE, INK, ORANGE, Plot, plain_axes
from labkit.plots.descent import HEIGHTS
from labkit.text import _, ngettext, written

BANDS = 14
"""So many colours of height a map has."""


def title(landscape: Landscape) -> str:
    """Return the translated name of a landscape."""
    return {
        "bowl": _("a bowl"),
        "two valleys": _("two valleys"),
        "hole in a plain": _("a hole in a plain"),
        "long valley": _("a long valley"),
        "pass": _("a mountain pass"),
        "two hollows": _("two hollows"),
    }[landscape.name]


def place_name(kind: str) -> str:
    """Return what a place of slope zero is called on the map."""
    return {
        "lowest": _("global minimum"),
        "local": _("local minimum"),
        "saddle": _("saddle point"),
        "top": _("maximum"),
    }[kind]


def number(value: float) -> str:
    """Return a loss as one reads it aloud: 2.15, 310, more than a million."""
    if not math.isfinite(value):
        return _("infinity")
    if abs(value) >= 1e6:
        return _("more than a million")
    return written(value, ",.2f" if abs(value) < 100 else ",.0f").replace("-", "−")


def changes(steps: int) -> dict[str, str]:
    """Return what is said of a loss that has grown, is still what it was, or has fallen."""
    return {
        "grown": ngettext(
            "After {n} step the loss has grown from {first} to {now}",
            "After {n} steps the loss has grown from {first} to {now}",
            steps,
        ),
        "still": ngettext(
            "After {n} step the loss is still {now}",
            "After {n} steps the loss is still {now}",
            steps,
        ),
        "fallen": ngettext(
            "After {n} step the loss has fallen from {first} to {now}",
            "After {n} steps the loss has fallen from {first} to {now}",
            steps,
        ),
    }


def colours() -> list[str]:
    """Return the colour of each band of a map, from the lowest up, as ``#rrggbb``."""
    parts = HEIGHTS(np.linspace(0, 1, BANDS), bytes=True)[:, :3]
    return ["#{:02x}{:02x}{:02x}".format(*part) for part in parts.tolist()]


def walked(walk: Walk, setting: str) -> Plot:
    """Draw a walk on its landscape, and its loss over the steps, for a reader without a kernel."""
    landscape, steps = walk.landscape, len(walk.losses) - 1
    first, now = number(walk.losses[0]), number(walk.losses[-1])
    fallen = "still" if now == first else "fallen" if walk.losses[-1] < walk.losses[0] else "grown"
    alt = changes(steps)[fallen].format(n=steps, first=first, now=now)
    picture = Plot(9, 3.6, alt=f"{setting} {alt}.")
    left, right = plain_axes(picture, 1, 2, 1), plain_axes(picture, 1, 2, 2)
    sides, heights = landscape.heights(161)
    low, high = float(heights.min()), float(heights.max())
    ends = low - 0.12 * (high - low), high
    if len(sides) == 1:
        left.plot(sides[0], heights, color=BLUE, linewidth=2)
        across = walk.losses
        left.set(ylabel=_("loss"), xlabel=_("weight"), ylim=ends)
    else:
        levels = low + (high - low) * np.linspace(0, 1, BANDS + 1) ** 1.6
        left.contourf(*sides, heights, levels, cmap=HEIGHTS)
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
    right.set(xlabel=_("step"), ylabel=_("loss"), ylim=ends)
    return picture
