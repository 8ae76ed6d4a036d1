"""Backgrounds: sky, sea, road, meadow, forest, room and more, each a function of pen and dice."""

import numpy as np

from labkit.data.drawn.palettes import (
    BARKS,
    CLOUD,
    EARTHS,
    FABRICS,
    FOAM,
    GREENS,
    LEAVES,
    PAVEMENT_MARK,
    SKIES,
    STONES,
    WALLS,
    WATERS,
)


def mottle(pen, dice, cells, strength):
    """Return patches of light and dark, around 1: ``cells`` x ``cells`` random greys, smoothed."""
    count = cells + 1
    greys = dice.fractions(count * count).reshape(-1, 1, count, count)
    size = pen.canvas.shape[-1]
    place = (np.arange(size, dtype=np.float32) + 0.5) * (cells / size)
    cell = np.minimum(place.astype(np.int64), cells - 1)
    part = place - cell.astype(np.float32)
    rows = greys[:, :, cell] * (1 - part[:, None]) + greys[:, :, cell + 1] * part[:, None]
    field = rows[..., cell] * (1 - part) + rows[..., cell + 1] * part
    return 1 + (field - 0.5) * (2 * strength)


def backdrop(pen, colour, field=1.0):
    pen.canvas[...] = colour * field


def ground(pen, dice, palette, level, strength, cells=8):
    """Cover all below a level with mottled ground.

    pen, dice, palette: to paint with, and the colours to choose from
    level: its height, -1 to 1
    strength: how far light and dark patches are from the colour, 0 to 1
    cells: how many patches there are along a side (default: 8)
    """
    colour = dice.colour(palette) * mottle(pen, dice, cells, strength)
    pen.paint(colour, (pen.y - level) / pen.pixel)


def heaven(pen, dice):
    """A sky that pales towards the horizon, with two clouds."""
    backdrop(pen, dice.colour(SKIES), 1 - 0.18 * pen.y)
    for _ in range(2):
        x, y, size = dice.between(-1, 1), dice.between(-0.2, 1), dice.between(0.15, 0.5)
        puff, high = pen.oval(x + size * 0.5, y + 0.08, size * 0.6, size * 0.4), size * 0.4
        pen.paint(CLOUD, pen.oval(x, y, size, high), puff, opacity=dice.between(0, 0.8))


def sky(pen, dice):
    heaven(pen, dice)


def sea(pen, dice):
    heaven(pen, dice)
    level = dice.between(-0.4, 0.4)
    ground(pen, dice, WATERS, level, 0.15)
    for _ in range(3):
        x, y = dice.between(-1, 1), level - dice.between(0.1, 0.9)
        pen.paint(FOAM, pen.limb(x, y, x + dice.between(0.1, 0.5), y, 0.02), opacity=0.6)


def road(pen, dice):
    heaven(pen, dice)
    level = dice.between(-0.2, 0.4)
    for _ in range(3):
        x, high = dice.between(-1, 1), level + dice.between(0.1, 0.6)
        pen.paint(dice.colour(WALLS + LEAVES), pen.box(x - 0.25, level - 0.5, x + 0.25, high))
    ground(pen, dice, GREENS + EARTHS, level, 0.15)
    ground(pen, dice, STONES[:3], level - 0.3, 0.08)
    marks = pen.dashes(-1, level - 0.7, 1, level - 0.64, 3)
    pen.paint(PAVEMENT_MARK, marks, opacity=dice.chance(0.6))


def meadow(pen, dice):
    heaven(pen, dice)
    level = dice.between(-0.1, 0.6)
    trees = dice.colour(LEAVES)
    for _ in range(3):
        x, size = dice.between(-1, 1), dice.between(0.15, 0.4)
        pen.paint(trees * dice.between(0.8, 1.2), pen.oval(x, level + size * 0.4, size, size * 0.8))
    ground(pen, dice, GREENS, level, 0.25)


def forest(pen, dice):
    backdrop(pen, dice.colour(LEAVES), mottle(pen, dice, 8, 0.5))
    bark = dice.colour(BARKS)
    for _ in range(3):
        x, lean, thick = dice.between(-1, 1), dice.between(-0.2, 0.2), dice.between(0.04, 0.14)
        pen.paint(bark * dice.between(0.8, 1.2), pen.limb(x, -1, x + lean, 1.2, thick))
    ground(pen, dice, GREENS + LEAVES, dice.between(-0.8, -0.2), 0.3)


def foliage(pen, dice):
    """Green so close that single leaves show."""
    light = mottle(pen, dice, 5, 0.35) * mottle(pen, dice, 12, 0.25)
    backdrop(pen, dice.colour(GREENS + LEAVES), light)


def pond(pen, dice):
    backdrop(pen, dice.colour(WATERS + GREENS[2:]), mottle(pen, dice, 5, 0.25))
    for _ in range(3):
        x, y, size = dice.between(-1, 1), dice.between(-1, 1), dice.between(0.15, 0.45)
        pen.paint(dice.colour(GREENS), pen.oval(x, y, size, size * 0.4))


def plain(pen, dice):
    """Sand, earth or snow under a sky."""
    heaven(pen, dice)
    ground(pen, dice, EARTHS, dice.between(-0.3, 0.7), 0.15)


def room(pen, dice):
    backdrop(pen, dice.colour(WALLS), mottle(pen, dice, 3, 0.15))
    x, y = dice.between(-1, 0.6), dice.between(0.0, 0.5)
    pen.paint(dice.colour(SKIES + FABRICS), pen.box(x, y, x + 0.5, y + 0.6))
    ground(pen, dice, FABRICS + EARTHS, dice.between(-0.8, 0.1), 0.12, 4)


def yard(pen, dice):
    """A wall with courses of stone, and paving."""
    backdrop(pen, dice.colour(STONES + WALLS), mottle(pen, dice, 6, 0.2))
    ground(pen, dice, STONES, dice.between(-0.6, 0.2), 0.12)


SCENES = (sky, sea, road, meadow, forest, foliage, pond, plain, room, yard)
