"""Cats, deer, dogs and horses: alike in build and coat, and so easily taken for one another.

Each faces right and fits into -1..1; portraits look at us.
"""

from functools import partial

from labkit.data.drawn.palettes import BLACK, COATS, FAWNS, HORN, IRISES, MANES, PINK, WHITE, pale

FAR = 0.7  # what is on the far side is this much darker


def legs(pen, dice, coat, back, front, foot, thick):
    """Paint the far pair of legs in mid-step; return the near pair, to be painted with the body.

    pen, dice, coat: to paint with, and the colour of the legs
    back, front: the (x, y) of hip and shoulder
    foot: the height of the ground
    thick: half of how thick a leg is at its end
    """
    (hip, top), (shoulder, chest) = back, front
    knee = (top + foot) / 2

    def pair(shift):
        hock, toe = dice.between(-0.16, 0) + shift, dice.between(-0.16, 0.16) + shift
        reach = dice.between(-0.16, 0.16) + shift
        return (
            pen.limb(hip + shift, top, hip + hock, knee, thick * 1.7, thick),
            pen.limb(hip + hock, knee, hip + toe, foot, thick),
            pen.limb(shoulder + shift, chest, shoulder + reach, foot, thick * 1.5, thick),
        )

    pen.paint(coat * FAR, *pair(0.12))
    return pair(0)


def sitting(face, pen, dice):
    """Paint a cat or a dog that sits, with its tail beside it; ``face`` paints its face."""
    coat, tip = dice.colour(COATS), dice.between(-0.55, 0.1)
    tail = (pen.limb(-0.4, -0.76, -0.78, -0.7, 0.07), pen.limb(-0.78, -0.7, -0.9, tip, 0.07, 0.05))
    pen.paint(coat * 0.85, *tail, pen.limb(0.32, -0.1, 0.4, -0.84, 0.1, 0.08))
    pen.paint(coat, pen.limb(-0.1, -0.52, 0.12, 0.05, 0.36, 0.25))
    pen.paint(coat * 0.9, pen.oval(-0.2, -0.66, 0.3, 0.24), pen.limb(0.2, -0.1, 0.2, -0.84, 0.1))
    face(pen.at(0.18, 0.4, turn=dice.between(-0.3, 0.3), grow=0.55), dice, coat)


def portrait(face, pen, dice):
    """Paint a cat or a dog that looks at us; ``face`` paints its face."""
    coat = dice.colour(COATS)
    bust(pen, coat)
    face(pen.at(0, 0.05, turn=dice.between(-0.3, 0.3)), dice, coat)


def bust(pen, coat):
    """Paint the shoulders under a portrait."""
    pen.paint(coat * 0.85, pen.limb(0, -1.2, 0, -0.4, 0.7, 0.36))


def dot(pen, x, y, size):
    pen.paint(BLACK, pen.oval(x, y, size, size))


def walking_cat(pen, dice):
    coat, tabby = dice.colour(COATS), dice.chance(0.45) * 0.6
    curl, tip = dice.between(-0.2, 0.2), dice.between(0.3, 0.8)
    head = pen.at(0.5, 0.2, turn=dice.between(-0.3, 0.3))
    near = legs(pen, dice, coat, (-0.5, -0.2), (0.24, -0.2), -0.74, 0.06)
    tail = (pen.limb(-0.64, -0.08, -0.86, 0.3, 0.06), pen.limb(-0.86, 0.3, -0.8 + curl, tip, 0.06))
    ears = [head.polygon((x, 0.12), (x + 0.17, 0.12), (x + 0.06, 0.4)) for x in (-0.2, 0.05)]
    body = pen.limb(-0.48, -0.14, 0.3, -0.14, 0.19, 0.18)
    pen.paint(coat, body, head.oval(0, 0, 0.25, 0.22), head.oval(0.18, -0.07, 0.11, 0.09))
    pen.paint(coat, *near, *tail, *ears)
    stripes = [pen.limb(x, 0.02, x + 0.02, -0.16, 0.03) for x in (-0.45, -0.25, -0.05, 0.15)]
    pen.paint(coat * 0.5, *stripes, opacity=tabby)
    pen.paint(WHITE, pen.oval(0.36, -0.2, 0.1, 0.14), opacity=dice.chance(0.4))
    pen.paint(dice.colour(IRISES), head.oval(0.1, 0.05, 0.06, 0.06))
    dot(head, 0.11, 0.05, 0.03)
    pen.paint(PINK, head.oval(0.28, -0.04, 0.035, 0.03))


def cat_face(pen, dice, coat):
    """Pointed ears, slit pupils, whiskers."""
    sides = pen.mirrored()
    pen.paint(coat, pen.oval(0, 0, 0.64, 0.54), sides.polygon((0.6, 0.1), (0.1, 0.4), (0.56, 0.86)))
    pen.paint(PINK * 0.9, sides.polygon((0.52, 0.34), (0.26, 0.46), (0.5, 0.72)))
    stripes = (pen.limb(0, 0.3, 0, 0.5, 0.04), sides.limb(0.16, 0.3, 0.18, 0.48, 0.04))
    pen.paint(coat * 0.5, *stripes, opacity=dice.chance(0.5) * 0.7)
    pen.paint(pale(coat, 0.6), sides.oval(0.13, -0.24, 0.18, 0.14))
    pen.paint(dice.colour(IRISES), sides.oval(0.28, 0.08, 0.15, 0.12))
    pen.paint(BLACK, sides.oval(0.28, 0.08, 0.05, 0.11))
    pen.paint(PINK, pen.polygon((-0.09, -0.09), (0.09, -0.09), (0, -0.2)))
    whiskers = [sides.limb(0.25, -0.22, 0.85, end, 0.014) for end in (-0.12, -0.34)]
    pen.paint(WHITE, *whiskers, opacity=0.8)


sitting_cat, cat_portrait = partial(sitting, cat_face), partial(portrait, cat_face)


def walking_dog(pen, dice):
    coat, patch = dice.colour(COATS), dice.colour(COATS)
    wag = dice.between(-0.1, 0.7)
    head = pen.at(0.52, 0.36, turn=dice.between(-0.35, 0.3))
    near = legs(pen, dice, coat, (-0.5, -0.15), (0.28, -0.15), -0.78, 0.07)
    body = (pen.limb(-0.48, -0.08, 0.3, -0.04, 0.2, 0.24), pen.limb(0.34, 0.04, 0.52, 0.34, 0.17))
    skull = (head.oval(0, 0.02, 0.23, 0.21), head.limb(0.14, -0.06, 0.38, -0.1, 0.12, 0.09))
    pen.paint(coat, *body, *near, *skull, pen.limb(-0.62, 0.02, -0.86, wag, 0.06, 0.035))
    pen.paint(patch, pen.oval(-0.2, 0.04, 0.2, 0.12), opacity=dice.chance(0.35))
    pen.paint(PINK, head.limb(0.3, -0.2, 0.32, -0.34, 0.05), opacity=dice.chance(0.5))
    pen.paint(coat * 0.55, head.limb(-0.1, 0.12, -0.18, -0.2, 0.06, 0.1))
    pen.paint(BLACK, head.oval(0.46, -0.04, 0.06, 0.05))
    dot(head, 0.12, 0.07, 0.045)


def dog_face(pen, dice, coat):
    """Hanging ears, a broad muzzle, often the tongue out."""
    ears, muzzle = dice.colour(COATS) * 0.7, pale(coat, dice.between(0, 0.7))
    sides = pen.mirrored()
    pen.paint(coat, pen.oval(0, 0.1, 0.56, 0.56))
    pen.paint(ears, sides.limb(0.44, 0.5, dice.between(0.56, 0.76), -0.14, 0.1, 0.17))
    pen.paint(PINK, pen.limb(0.04, -0.4, 0.05, -0.62, 0.12), opacity=dice.chance(0.6))
    pen.paint(muzzle, pen.oval(0, -0.24, 0.33, 0.27), pen.limb(0, 0.1, 0, 0.5, 0.08, 0.03))
    mouth = (pen.limb(0, -0.1, 0, -0.38, 0.02), sides.limb(0, -0.4, 0.18, -0.32, 0.025))
    pen.paint(BLACK, pen.oval(0, -0.1, 0.14, 0.1), *mouth)
    dot(sides, 0.25, 0.18, 0.085)


sitting_dog, dog_portrait = partial(sitting, dog_face), partial(portrait, dog_face)


def standing_deer(pen, dice):
    coat, stag = dice.colour(FAWNS), dice.chance(0.6)
    neck = pen.at(0.24, 0.1, turn=dice.between(-0.7, 0.25))
    near = legs(pen, dice, coat, (-0.5, -0.1), (0.18, -0.1), -0.92, 0.04)
    pen.paint(HORN * FAR, *antler(neck.at(0.36, 0.54)), opacity=stag)
    pen.paint(HORN, *antler(neck.at(0.27, 0.54)), opacity=stag)
    body = (pen.limb(-0.48, 0.04, 0.2, 0, 0.2, 0.18), neck.limb(0, 0, 0.28, 0.44, 0.13, 0.075))
    head = (neck.limb(0.3, 0.48, 0.52, 0.36, 0.095, 0.045), neck.oval(0.16, 0.54, 0.12, 0.05))
    pen.paint(coat, *body, *near, *head)
    pen.paint(WHITE, pen.oval(-0.7, 0.06, 0.06, 0.11), pen.limb(-0.3, -0.15, 0.1, -0.16, 0.03))
    spots = [pen.oval(x, 0.13 - abs(x) / 7, 0.035, 0.035) for x in (-0.5, -0.32, -0.16, 0.02)]
    pen.paint(WHITE, *spots, opacity=0.8 * (1 - stag))
    dot(neck, 0.56, 0.35, 0.04)
    dot(neck, 0.34, 0.51, 0.04)


def antler(pen):
    """Return the shapes of one antler, rooted in the origin and bent backwards."""
    beam = (pen.limb(0, 0, -0.18, 0.3, 0.03), pen.limb(-0.18, 0.3, -0.08, 0.6, 0.03))
    points = (pen.limb(-0.11, 0.2, 0.05, 0.38, 0.025), pen.limb(-0.18, 0.33, -0.34, 0.48, 0.025))
    return *beam, *points


def deer_portrait(pen, dice):
    coat, stag = dice.colour(FAWNS), dice.chance(0.7)
    bust(pen.at(grow=0.8), coat)
    pen = pen.at(0, -0.1, turn=dice.between(-0.25, 0.25))
    sides = pen.mirrored()
    pen.paint(HORN, *antler(sides.at(0.12, 0.3, flip=-1)), opacity=stag)
    pen.paint(coat * 0.85, sides.limb(0.2, 0.3, 0.58, 0.42, 0.12, 0.05))
    pen.paint(coat, pen.limb(0, 0.16, 0, -0.4, 0.32, 0.15))
    pen.paint(pale(coat, 0.6), pen.oval(0, -0.46, 0.15, 0.12), sides.oval(0.2, 0.16, 0.1, 0.085))
    pen.paint(BLACK, pen.oval(0, -0.4, 0.11, 0.07))
    dot(sides, 0.2, 0.15, 0.075)


def standing_horse(pen, dice):
    coat, mane = dice.colour(COATS), dice.colour(MANES)
    swish = dice.between(-0.25, 0.1)
    neck = pen.at(0.34, 0.12, turn=dice.between(-0.5, 0.15))
    near = legs(pen, dice, coat, (-0.52, -0.08), (0.26, -0.08), -0.92, 0.055)
    pen.paint(mane, pen.limb(-0.66, 0.16, -0.86 + swish / 2, -0.1, 0.05, 0.1))
    pen.paint(mane, pen.limb(-0.86 + swish / 2, -0.1, -0.86 + swish, -0.5, 0.1, 0.04))
    pen.paint(mane, neck.limb(-0.04, 0.16, 0.22, 0.66, 0.1, 0.08))
    body = (pen.limb(-0.48, 0.05, 0.3, 0.03, 0.24, 0.22), neck.limb(0, 0, 0.3, 0.52, 0.18, 0.11))
    ear = neck.polygon((0.2, 0.6), (0.32, 0.6), (0.25, 0.82))
    pen.paint(coat, *body, *near, ear, neck.limb(0.3, 0.55, 0.62, 0.28, 0.12, 0.075))
    pen.paint(coat * 0.6, neck.oval(0.62, 0.26, 0.07, 0.07))
    pen.paint(WHITE, neck.limb(0.4, 0.54, 0.58, 0.38, 0.03), opacity=dice.chance(0.4))
    dot(neck, 0.36, 0.54, 0.045)


def horse_portrait(pen, dice):
    """A horse's head and neck from the side."""
    coat, mane = dice.colour(COATS), dice.colour(MANES)
    pen = pen.at(-0.1, -0.1, turn=dice.between(-0.3, 0.2))
    pen.paint(mane, pen.limb(-0.62, -0.9, -0.12, 0.6, 0.22, 0.16))
    ears = [pen.polygon((x, 0.6), (x + 0.2, 0.6), (x + 0.12, 0.98)) for x in (-0.12, 0.06)]
    neck, head = (
        pen.limb(-0.4, -1.1, 0, 0.4, 0.5, 0.27),
        pen.limb(0.05, 0.46, 0.7, -0.1, 0.26, 0.15),
    )
    pen.paint(coat, neck, head, *ears)
    pen.paint(mane, pen.limb(0.04, 0.76, 0.16, 0.5, 0.08, 0.05))
    pen.paint(coat * 0.6, pen.oval(0.72, -0.14, 0.13, 0.13))
    pen.paint(WHITE, pen.limb(0.34, 0.46, 0.66, 0.12, 0.05), opacity=dice.chance(0.4))
    dot(pen, 0.74, -0.08, 0.04)
    dot(pen, 0.2, 0.46, 0.07)
