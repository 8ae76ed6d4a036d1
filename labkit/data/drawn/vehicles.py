"""Airplanes, automobiles, ships and trucks. Each faces right and fits into -1..1."""

from labkit.data.drawn.palettes import (
    CLOUD,
    DARK_GLASS,
    FOAM,
    GLASS,
    GRAVEL,
    HULLS,
    LAMP,
    PAINTS,
    RIM,
    STEEL,
    TAIL_LAMP,
    TYRE,
    WATERS,
    WHITE,
    WOOD,
)
from labkit.data.drawn.pen import without


def wheel(pen, x, y, size):
    pen.paint(TYRE, pen.oval(x, y, size, size))
    pen.paint(RIM, pen.oval(x, y, size * 0.5, size * 0.5))


def airliner(pen, dice):
    """An airplane from the side, climbing or level."""
    hull, trim = dice.colour(HULLS), dice.colour(PAINTS)
    fat = dice.between(0.13, 0.19)
    pen = pen.at(turn=dice.between(-0.15, 0.45))
    pen.paint(trim * 0.7, pen.polygon((-0.85, 0.02), (-0.62, 0.02), (-0.85, 0.24), (-1.0, 0.24)))
    pen.paint(hull * 0.6, pen.polygon((-0.02, 0.05), (0.26, 0.05), (-0.02, 0.45), (-0.14, 0.45)))
    pen.paint(trim, pen.polygon((-0.92, 0.05), (-0.52, 0.05), (-0.8, 0.58), (-1.0, 0.58)))
    pen.paint(hull, pen.limb(-0.9, 0.06, -0.3, 0, 0.05, fat), pen.limb(-0.3, 0, 0.72, 0, fat, fat))
    pen.paint(DARK_GLASS, pen.polygon((0.74, 0.03), (0.86, 0.03), (0.76, 0.13), (0.68, 0.13)))
    pen.paint(DARK_GLASS, pen.dashes(-0.5, 0.02, 0.62, 0.08, 9))
    pen.paint(STEEL, pen.limb(-0.02, -0.22, 0.14, -0.22, 0.07))
    pen.paint(hull * 0.75, pen.polygon((-0.1, -0.06), (0.3, -0.06), (-0.32, -0.5), (-0.48, -0.5)))


def plane_from_below(pen, dice):
    """An airplane seen from below or above, flying in any direction but downwards."""
    hull, trim = dice.colour(HULLS), dice.colour(PAINTS)
    sweep, span = dice.between(0.05, 0.5), dice.between(0.75, 0.98)
    pen = pen.at(turn=dice.between(-1.5, 1.5), grow=0.95)
    sides = pen.mirrored()
    tip = -0.05 - sweep
    pen.paint(
        hull * 0.8, sides.polygon((0, 0.32), (0, -0.08), (span, tip - 0.1), (span, tip + 0.05))
    )
    pen.paint(trim, sides.polygon((0, -0.62), (0, -0.85), (0.34, -1.0), (0.34, -0.88)))
    pen.paint(STEEL, sides.limb(span * 0.4, 0.1 - sweep * 0.3, span * 0.4, 0.24, 0.06))
    pen.paint(hull, pen.limb(0, -0.9, 0, 0, 0.05, 0.13), pen.limb(0, 0, 0, 0.84, 0.13, 0.09))
    pen.paint(DARK_GLASS, pen.oval(0, 0.8, 0.07, 0.06))


def car_from_the_side(pen, dice):
    """An automobile: a saloon or an estate, by how far the roof reaches back."""
    colour = dice.colour(PAINTS)
    roof, back = dice.between(0.38, 0.52), dice.between(-0.8, -0.35)
    rear, top = back + 0.1, roof - 0.07
    pen.paint(colour * 0.9, pen.polygon((back - 0.18, 0), (0.52, 0), (0.2, roof), (back, roof)))
    pen.paint(GLASS, pen.polygon((back, 0.06), (-0.12, 0.06), (-0.12, top), (rear, top)))
    pen.paint(GLASS, pen.polygon((-0.04, 0.06), (0.38, 0.06), (0.16, top), (-0.04, top)))
    pen.paint(colour, pen.box(-0.97, -0.33, 0.97, 0.06, 0.12))
    pen.paint(colour * 0.6, pen.box(-0.09, -0.3, -0.06, 0.03), pen.box(-0.95, -0.33, 0.95, -0.27))
    pen.paint(LAMP, pen.oval(0.9, -0.07, 0.07, 0.06))
    pen.paint(TAIL_LAMP, pen.box(-0.97, -0.12, -0.88, 0))
    wheel(pen.mirrored(), 0.55, -0.33, dice.between(0.18, 0.23))


def car_from_the_front(pen, dice):
    """An automobile coming towards us."""
    colour, roof = dice.colour(PAINTS), dice.between(0.48, 0.66)
    sides, top = pen.mirrored(), roof - 0.07
    pen.paint(TYRE, sides.box(0.42, -0.66, 0.68, -0.2))
    pen.paint(colour * 0.9, pen.polygon((-0.62, 0), (0.62, 0), (0.42, roof), (-0.42, roof)))
    pen.paint(DARK_GLASS, pen.polygon((-0.53, 0.04), (0.53, 0.04), (0.38, top), (-0.38, top)))
    pen.paint(colour, pen.box(-0.74, -0.5, 0.74, 0.06, 0.14))
    pen.paint(colour * 0.9, sides.oval(0.76, 0.14, 0.09, 0.06))
    pen.paint(TYRE, pen.box(-0.3, -0.3, 0.3, -0.14))
    pen.paint(WHITE, pen.box(-0.18, -0.44, 0.18, -0.36))
    pen.paint(LAMP, sides.oval(0.54, -0.17, 0.14, 0.1))


def lorry(pen, dice):
    """A truck with a box behind the cab, from the side."""
    cab, box = dice.colour(PAINTS), dice.colour(PAINTS + HULLS)
    top, gap = dice.between(0.5, 0.68), dice.between(0.28, 0.42)
    pen.paint(TYRE, pen.box(-0.95, -0.45, 0.9, -0.3))
    pen.paint(box, pen.box(-1.0, -0.33, gap - 0.04, top))
    pen.paint(box * 0.8, pen.dashes(-1.0, -0.33, gap - 0.04, top, 5, 0.12))
    pen.paint(STEEL, pen.box(gap, 0.3, gap + 0.05, top + 0.12))
    pen.paint(cab, pen.box(gap + 0.02, -0.4, 0.96, 0.36, 0.1), pen.box(0.7, -0.42, 1.0, -0.02))
    pen.paint(GLASS, pen.polygon((0.6, 0.02), (0.92, 0.02), (0.84, 0.28), (0.6, 0.28)))
    pen.paint(LAMP, pen.oval(0.95, -0.2, 0.05, 0.06))
    for x in (-0.78, -0.46, 0.66):
        wheel(pen, x, -0.46, 0.17)


def tipper(pen, dice):
    """A truck with an open body and a heap on it, from the side."""
    cab, body = dice.colour(PAINTS), dice.colour(PAINTS)
    pen.paint(GRAVEL, pen.oval(-0.38, 0.18, 0.5, dice.between(0.12, 0.34)))
    pen.paint(TYRE, pen.box(-0.9, -0.42, 0.9, -0.26))
    pen.paint(body, pen.polygon((-1.0, 0.26), (0.22, 0.26), (0.14, -0.28), (-0.9, -0.28)))
    pen.paint(body * 0.75, pen.dashes(-0.88, -0.26, 0.16, 0.22, 4, 0.14))
    pen.paint(cab, pen.box(0.26, -0.36, 0.7, 0.5, 0.1), pen.box(0.5, -0.38, 0.98, 0.02, 0.06))
    pen.paint(GLASS, pen.box(0.42, 0.08, 0.66, 0.4, 0.04))
    pen.paint(LAMP, pen.oval(0.94, -0.14, 0.05, 0.07))
    for x in (-0.66, -0.26, 0.64):
        wheel(pen, x, -0.42, 0.2)


def truck_from_the_front(pen, dice):
    """A truck coming towards us: tall, with a wide grille and mirrors."""
    cab, box = dice.colour(PAINTS), dice.colour(HULLS)
    sides = pen.mirrored()
    pen.paint(TYRE, sides.box(0.3, -0.86, 0.58, -0.4))
    pen.paint(box, pen.box(-0.64, -0.4, 0.64, 0.88, 0.04))
    pen.paint(cab, pen.box(-0.58, -0.7, 0.58, 0.66, 0.1))
    pen.paint(DARK_GLASS, pen.box(-0.48, 0.12, 0.48, 0.54, 0.06))
    bumper = pen.box(-0.64, -0.74, 0.64, -0.6)
    pen.paint(STEEL, sides.box(0.66, 0.05, 0.78, 0.45), pen.box(-0.3, -0.4, 0.3, 0.02), bumper)
    pen.paint(TYRE, pen.dashes(-0.28, -0.38, 0.28, 0, 5, 0.4))
    pen.paint(LAMP, sides.oval(0.45, -0.42, 0.1, 0.1))


def steamer(pen, dice):
    """A ship with decks, a funnel and smoke."""
    hull, band, deck = dice.colour(PAINTS), dice.colour(PAINTS), dice.colour(HULLS)
    high, smoke = dice.between(0.16, 0.4), dice.chance(0.5) * 0.7
    funnel = pen.at(dice.between(-0.4, 0.2), high)
    pen.paint(CLOUD * 0.8, funnel.oval(-0.35, 0.5, 0.3, 0.11), opacity=smoke)
    pen.paint(band, funnel.polygon((-0.14, -0.2), (0.1, -0.2), (0.06, 0.36), (-0.16, 0.36)))
    pen.paint(TYRE, funnel.box(-0.16, 0.28, 0.07, 0.36))
    pen.paint(deck, pen.box(-0.7, -0.1, 0.5, high * 0.55), pen.box(-0.5, -0.1, 0.38, high + 0.06))
    pen.paint(DARK_GLASS, pen.dashes(-0.46, high - 0.1, 0.34, high - 0.02, 7))
    pen.paint(hull, pen.polygon((-0.95, -0.04), (1.0, 0.04), (0.74, -0.42), (-0.84, -0.42)))
    pen.paint(WHITE, pen.dashes(-0.7, -0.2, 0.7, -0.14, 8, 0.4))
    waterline(pen, dice)


def freighter(pen, dice):
    """A ship laden with containers, its bridge at the stern."""
    hull = dice.colour(PAINTS)
    pen.paint(dice.colour(HULLS), pen.box(-0.86, -0.1, -0.58, 0.5))
    pen.paint(DARK_GLASS, pen.dashes(-0.84, 0.34, -0.58, 0.42, 3))
    pen.paint(STEEL, pen.box(0.78, -0.1, 0.82, 0.3), pen.box(-0.74, 0.5, -0.7, 0.74))
    for left in (-0.5, -0.08, 0.34):
        top = dice.between(0.06, 0.4)
        pen.paint(dice.colour(PAINTS), pen.box(left, -0.1, left + 0.38, top))
        pen.paint(dice.colour(PAINTS), pen.box(left, -0.1, left + 0.38, 0.08))
    pen.paint(hull, pen.polygon((-1.0, -0.05), (1.0, 0.02), (0.82, -0.42), (-0.92, -0.42)))
    pen.paint(hull * 0.6, pen.box(-0.92, -0.44, 0.82, -0.36))
    waterline(pen, dice)


def sailing_boat(pen, dice):
    """A ship under sail."""
    hull, sail = dice.colour(PAINTS), dice.colour(HULLS + PAINTS[:1])
    boom = dice.between(0.5, 0.75)
    pen = pen.at(turn=dice.between(-0.25, 0.25))
    mast = pen.at(dice.between(-0.1, 0.14))
    pen.paint(WOOD, mast.box(-0.025, -0.4, 0.025, 0.96))
    pen.paint(sail, mast.polygon((-0.05, 0.92), (-0.05, -0.3), (-boom, -0.3)))
    pen.paint(sail * 0.85, mast.polygon((0.05, 0.8), (0.05, -0.28), (boom, -0.28)))
    pen.paint(hull, pen.polygon((-0.72, -0.42), (0.84, -0.38), (0.56, -0.72), (-0.54, -0.72)))
    pen.paint(WHITE, pen.box(-0.66, -0.5, 0.72, -0.46))
    waterline(pen.at(0, -0.28), dice)


def waterline(pen, dice):
    """Paint the water that a hull lies in, with foam."""
    pen.paint(dice.colour(WATERS), pen.oval(0, -0.56, 1.25, 0.17))
    pen.paint(FOAM, without(pen.oval(0, -0.42, 1.0, 0.06), pen.oval(0, -0.38, 1.0, 0.05)))
