"""What a walk is called in words, and the colours of its map."""

import numpy as np

from labkit.explorers.landscape.compute import Landscape
from labkit.plots.descent import HEIGHTS
from labkit.text import _, ngettext

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
