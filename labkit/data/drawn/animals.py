"""Birds, cats, deer, dogs, frogs and horses. Each faces right and fits into -1..1."""

from labkit.data.drawn.pen import rgb

COATS = (
    (0.45, 0.28, 0.15),
    (0.62, 0.42, 0.24),
    (0.78, 0.62, 0.42),
    (0.20, 0.16, 0.14),
    (0.50, 0.48, 0.46),
    (0.88, 0.84, 0.78),
    (0.70, 0.40, 0.18),
)
PLUMAGE = COATS + ((0.20, 0.35, 0.65), (0.75, 0.18, 0.15), (0.85, 0.70, 0.20), (0.25, 0.45, 0.30))
FAWNS = ((0.55, 0.36, 0.20), (0.66, 0.45, 0.26), (0.45, 0.33, 0.22), (0.72, 0.52, 0.32))
SKINS = (
    (0.30, 0.55, 0.18),
    (0.45, 0.62, 0.22),
    (0.42, 0.40, 0.20),
    (0.22, 0.42, 0.24),
    (0.55, 0.42, 0.22),
)
IRISES = ((0.55, 0.75, 0.25), (0.85, 0.70, 0.20), (0.45, 0.70, 0.80))
BLACK, WHITE, PINK = rgb(18, 15, 15), rgb(248, 246, 240), rgb(225, 140, 140)
BEAKS = ((0.95, 0.65, 0.15), (0.25, 0.22, 0.20), (0.85, 0.45, 0.20))
HORN = rgb(150, 125, 90)
FAR = 0.7  # the legs and ears on the far side are this much darker


def legs(pen, dice, coat, hip, shoulder, top, foot, thick):
    """Paint the far pair of legs; return the near pair, to be painted with the body."""
    pairs = []
    for offset in (0.12, 0.0):
        back, front = dice.between(-0.16, 0.16), dice.between(-0.16, 0.16)
        bend = (top + foot) / 2
        pairs.append(
            (
                pen.limb(
                    hip + offset, top, hip + offset - 0.08 + back / 2, bend, thick * 1.6, thick
                ),
                pen.limb(hip + offset - 0.08 + back / 2, bend, hip + offset + back, foot, thick),
                pen.limb(
                    shoulder + offset, top, shoulder + offset + front, foot, thick * 1.4, thick
                ),
            )
        )
    pen.paint(coat * FAR, *pairs[0])
    return pairs[1]


def eye(pen, x, y, size=0.045):
    pen.paint(BLACK, pen.oval(x, y, size, size))


def horse(pen, dice):
    coat, mane = (
        dice.colour(COATS),
        dice.colour(((0.12, 0.1, 0.1), (0.85, 0.78, 0.6), (0.3, 0.18, 0.1))),
    )
    nod = dice.between(-0.5, 0.15)
    near = legs(pen, dice, coat, -0.52, 0.26, -0.08, -0.92, 0.055)
    swish = dice.between(-0.25, 0.1)
    pen.paint(
        mane,
        pen.limb(-0.66, 0.16, -0.86 + swish / 2, -0.1, 0.05, 0.1),
        pen.limb(-0.86 + swish / 2, -0.1, -0.86 + swish, -0.5, 0.1, 0.04),
    )
    neck = pen.at(0.34, 0.12, turn=nod)
    pen.paint(mane, neck.limb(-0.04, 0.16, 0.22, 0.66, 0.1, 0.08))
    pen.paint(
        coat,
        pen.limb(-0.48, 0.05, 0.3, 0.03, 0.24, 0.22),
        *near,
        neck.limb(0.0, 0.02, 0.3, 0.52, 0.18, 0.11),
        neck.limb(0.3, 0.55, 0.62, 0.28, 0.12, 0.075),
        neck.polygon((0.2, 0.6), (0.32, 0.6), (0.25, 0.82)),
    )
    pen.paint(coat * 0.6, neck.oval(0.62, 0.26, 0.07, 0.07))
    pen.paint(WHITE, neck.limb(0.4, 0.54, 0.58, 0.38, 0.03), opacity=dice.chance(0.4))
    pen.paint(coat * 0.5, *[pen.box(x - 0.3, -1.1, x + 0.3, -0.9) for x in (-0.5, 0.3)], opacity=0)
    eye(neck, 0.36, 0.54)


def deer(pen, dice):
    coat = dice.colour(FAWNS)
    nod, stag = dice.between(-0.7, 0.25), dice.chance(0.6)
    near = legs(pen, dice, coat, -0.5, 0.2, -0.1, -0.92, 0.04)
    neck = pen.at(0.24, 0.1, turn=nod)
    for side, tone in ((0.1, FAR), (0.0, 1.0)):
        beam = (
            neck.limb(0.28 + side, 0.55, 0.1 + side, 0.85, 0.03),
            neck.limb(0.1 + side, 0.85, 0.2 + side, 1.15, 0.03),
            neck.limb(0.16 + side, 0.75, 0.32 + side, 0.92, 0.025),
            neck.limb(0.1 + side, 0.88, -0.06 + side, 1.02, 0.025),
        )
        pen.paint(HORN * tone, *beam, opacity=stag)
    pen.paint(
        coat,
        pen.limb(-0.48, 0.04, 0.2, 0.0, 0.2, 0.18),
        *near,
        neck.limb(0.0, 0.0, 0.28, 0.44, 0.13, 0.075),
        neck.limb(0.3, 0.48, 0.52, 0.36, 0.095, 0.045),
        neck.oval(0.16, 0.54, 0.12, 0.05),
    )
    pen.paint(WHITE, pen.oval(-0.7, 0.06, 0.06, 0.11), pen.limb(-0.3, -0.15, 0.1, -0.16, 0.03))
    for x, y in ((-0.5, 0.12), (-0.32, 0.05), (-0.16, 0.12), (0.02, 0.05)):
        pen.paint(WHITE, pen.oval(x, y, 0.035, 0.035), opacity=0.8 * (1 - stag))
    pen.paint(BLACK, neck.oval(0.56, 0.35, 0.04, 0.04))
    eye(neck, 0.34, 0.51, 0.04)


def dog(pen, dice):
    coat, spots = dice.colour(COATS), dice.colour(COATS)
    wag = dice.between(-0.3, 0.5)
    near = legs(pen, dice, coat, -0.5, 0.3, -0.15, -0.78, 0.07)
    head = pen.at(0.52, 0.36, turn=dice.between(-0.35, 0.3))
    pen.paint(
        coat,
        pen.limb(-0.48, -0.08, 0.3, -0.04, 0.2, 0.24),
        *near,
        pen.limb(-0.62, 0.02, -0.86, 0.2 + wag, 0.06, 0.035),
        pen.limb(0.34, 0.04, 0.52, 0.34, 0.17, 0.15),
        head.oval(0, 0.02, 0.23, 0.21),
        head.limb(0.14, -0.06, 0.38, -0.1, 0.12, 0.09),
    )
    pen.paint(spots, pen.oval(-0.2, 0.04, 0.2, 0.12), opacity=dice.chance(0.35))
    pen.paint(PINK, head.limb(0.3, -0.2, 0.32, -0.34, 0.05), opacity=dice.chance(0.5))
    pen.paint(coat * 0.55, head.limb(-0.1, 0.12, -0.18, -0.2, 0.06, 0.1))
    pen.paint(BLACK, head.oval(0.46, -0.04, 0.06, 0.05))
    eye(head, 0.12, 0.07)


def dog_face(pen, dice):
    coat, ears = dice.colour(COATS), dice.colour(COATS)
    muzzle = coat + (1 - coat) * dice.between(0.0, 0.6)
    pen.paint(coat * 0.85, pen.oval(0, -1.0, 0.75, 0.6))
    head = pen.at(0, 0.05, turn=dice.between(-0.3, 0.3))
    pen.paint(coat, head.oval(0, 0.1, 0.56, 0.56))
    flop = dice.between(-0.1, 0.1)
    pen.paint(
        ears * 0.7,
        head.limb(-0.44, 0.5, -0.66 - flop, -0.14, 0.1, 0.17),
        head.limb(0.44, 0.5, 0.66 + flop, -0.14, 0.1, 0.17),
    )
    pen.paint(PINK, head.limb(0.04, -0.4, 0.05, -0.62, 0.12), opacity=dice.chance(0.6))
    pen.paint(muzzle, head.oval(0, -0.24, 0.33, 0.27), head.limb(0, 0.1, 0, 0.5, 0.08, 0.03))
    pen.paint(
        BLACK,
        head.oval(0, -0.1, 0.14, 0.1),
        head.limb(0, -0.1, 0, -0.36, 0.02),
        head.limb(-0.16, -0.4, 0.16, -0.4, 0.025),
    )
    eye(head, -0.25, 0.18, 0.085)
    eye(head, 0.25, 0.18, 0.085)


def cat(pen, dice):
    coat = dice.colour(COATS)
    near = legs(pen, dice, coat, -0.5, 0.26, -0.2, -0.74, 0.06)
    head = pen.at(0.5, 0.2, turn=dice.between(-0.3, 0.3))
    curl, high = dice.between(-0.2, 0.2), dice.between(0.3, 0.8)
    for left in (-0.2, 0.05):
        pen.paint(coat, head.polygon((left, 0.12), (left + 0.17, 0.12), (left + 0.06, 0.4)))
    pen.paint(
        coat,
        pen.limb(-0.48, -0.14, 0.3, -0.14, 0.19, 0.18),
        *near,
        pen.limb(-0.64, -0.08, -0.86, 0.3, 0.055),
        pen.limb(-0.86, 0.3, -0.8 + curl, high, 0.055, 0.045),
        head.oval(0, 0, 0.25, 0.22),
        head.oval(0.18, -0.07, 0.11, 0.09),
    )
    tabby = dice.chance(0.45) * 0.6
    stripes = [pen.limb(x, 0.02, x + 0.02, -0.16, 0.03) for x in (-0.45, -0.25, -0.05, 0.15)]
    pen.paint(coat * 0.5, *stripes, opacity=tabby)
    pen.paint(WHITE, pen.oval(0.36, -0.2, 0.1, 0.14), opacity=dice.chance(0.4))
    pen.paint(dice.colour(IRISES), head.oval(0.1, 0.05, 0.055, 0.055))
    eye(head, 0.11, 0.05, 0.03)
    pen.paint(PINK, head.oval(0.28, -0.04, 0.035, 0.03))


def cat_face(pen, dice):
    coat, iris = dice.colour(COATS), dice.colour(IRISES)
    pen.paint(coat * 0.85, pen.oval(0, -1.0, 0.7, 0.6))
    head = pen.at(0, 0.0, turn=dice.between(-0.3, 0.3))
    for side in (-1, 1):
        pen.paint(coat, head.polygon((side * 0.6, 0.1), (side * 0.1, 0.4), (side * 0.56, 0.86)))
        pen.paint(
            PINK * 0.9, head.polygon((side * 0.52, 0.34), (side * 0.26, 0.46), (side * 0.5, 0.72))
        )
    pen.paint(coat, head.oval(0, 0, 0.64, 0.54))
    pen.paint(
        coat * 0.5,
        *[head.limb(x, 0.3, x, 0.5, 0.04) for x in (-0.15, 0, 0.15)],
        opacity=dice.chance(0.5) * 0.7,
    )
    pen.paint(
        coat + (1 - coat) * 0.6,
        head.oval(-0.13, -0.24, 0.18, 0.14),
        head.oval(0.13, -0.24, 0.18, 0.14),
    )
    for side in (-0.28, 0.28):
        pen.paint(iris, head.oval(side, 0.08, 0.15, 0.12))
        pen.paint(BLACK, head.oval(side, 0.08, 0.05, 0.11))
    pen.paint(PINK, head.polygon((-0.08, -0.1), (0.08, -0.1), (0, -0.2)))
    pen.paint(
        WHITE,
        *[
            head.limb(side * 0.25, -0.22, side * 0.85, y, 0.014)
            for side in (-1, 1)
            for y in (-0.12, -0.34)
        ],
        opacity=0.8,
    )


def frog(pen, dice):
    """A frog from the side, ready to jump."""
    skin = dice.colour(SKINS)
    belly = skin + (1 - skin) * 0.55
    rise = dice.between(-0.1, 0.35)
    body = pen.at(0, -0.1, turn=rise)
    pen.paint(skin * FAR, pen.limb(0.3, -0.2, 0.5, -0.62, 0.09, 0.05))
    pen.paint(
        skin,
        body.oval(-0.05, 0, 0.68, 0.38),
        body.oval(0.5, 0.16, 0.36, 0.27),
        body.oval(0.48, 0.42, 0.16, 0.15),
    )
    pen.paint(belly, body.limb(0.2, -0.16, 0.68, 0.0, 0.12, 0.08))
    pen.paint(
        skin * 0.85,
        pen.limb(-0.5, -0.2, -0.1, -0.46, 0.24, 0.12),
        pen.limb(-0.1, -0.52, -0.66, -0.62, 0.09),
        pen.limb(-0.66, -0.64, -0.3, -0.7, 0.05),
        pen.limb(0.24, -0.2, 0.34, -0.64, 0.1, 0.06),
        pen.limb(0.34, -0.66, 0.52, -0.68, 0.05),
    )
    pen.paint(
        skin * 0.6,
        *[body.oval(x, y, 0.07, 0.06) for x, y in ((-0.4, 0.2), (-0.15, 0.26), (0.08, 0.16))],
        opacity=dice.chance(0.5),
    )
    pen.paint(dice.colour(IRISES), body.oval(0.5, 0.44, 0.11, 0.1))
    pen.paint(BLACK, body.oval(0.53, 0.44, 0.06, 0.05), body.limb(0.5, 0.06, 0.84, 0.12, 0.02))


def frog_face(pen, dice):
    """A frog from the front, smiling."""
    skin, iris = dice.colour(SKINS), dice.colour(IRISES)
    belly = skin + (1 - skin) * 0.6
    for side in (-1, 1):
        pen.paint(
            skin * 0.8,
            pen.limb(side * 0.6, -0.1, side * 0.82, -0.5, 0.2, 0.12),
            pen.limb(side * 0.8, -0.64, side * 0.4, -0.7, 0.07),
        )
    pen.paint(
        skin,
        pen.oval(0, -0.25, 0.6, 0.45),
        pen.oval(0, 0.15, 0.64, 0.34),
        pen.oval(-0.4, 0.46, 0.22, 0.22),
        pen.oval(0.4, 0.46, 0.22, 0.22),
    )
    pen.paint(belly, pen.oval(0, -0.3, 0.4, 0.32))
    pen.paint(
        skin,
        pen.limb(-0.26, -0.3, -0.3, -0.66, 0.09, 0.07),
        pen.limb(0.26, -0.3, 0.3, -0.66, 0.09, 0.07),
    )
    for side in (-0.4, 0.4):
        pen.paint(iris, pen.oval(side, 0.5, 0.15, 0.15))
        pen.paint(BLACK, pen.oval(side, 0.5, 0.1, 0.06))
    pen.paint(BLACK, pen.limb(-0.48, 0.1, 0, -0.02, 0.025), pen.limb(0, -0.02, 0.48, 0.1, 0.025))


def perching_bird(pen, dice):
    """A bird on its thin legs."""
    coat, wing, beak = dice.colour(PLUMAGE), dice.colour(PLUMAGE), dice.colour(BEAKS)
    breast = dice.colour(PLUMAGE + ((0.9, 0.9, 0.85),) * 4)
    neck = dice.between(0.0, 0.25)
    pen.paint(
        beak * 0.8,
        pen.limb(-0.02, -0.3, -0.02, -0.82, 0.03),
        pen.limb(0.14, -0.3, 0.14, -0.82, 0.03),
        pen.limb(-0.02, -0.84, 0.1, -0.84, 0.025),
        pen.limb(0.14, -0.84, 0.26, -0.84, 0.025),
    )
    body = pen.at(0, -0.08, turn=dice.between(0.0, 0.6))
    head = pen.at(0.4, 0.36 + neck)
    pen.paint(
        beak, head.polygon((0.14, 0.08), (0.14, -0.09), (0.14 + dice.between(0.2, 0.4), -0.03))
    )
    pen.paint(wing * 0.8, body.polygon((-0.4, 0.1), (-0.4, -0.14), (-0.98, -0.12), (-0.98, 0.04)))
    pen.paint(
        coat,
        body.oval(0, 0, 0.5, 0.3),
        pen.limb(0.22, 0.08, 0.38, 0.32 + neck, 0.2, 0.15),
        head.oval(0, 0, 0.2, 0.19),
    )
    pen.paint(breast, body.oval(0.22, -0.1, 0.24, 0.16))
    pen.paint(wing * 0.75, body.limb(0.1, 0.06, -0.5, -0.02, 0.17, 0.05))
    eye(head, 0.06, 0.05)


def flying_bird(pen, dice):
    """A bird on the wing."""
    coat, wing, beak = dice.colour(PLUMAGE), dice.colour(PLUMAGE), dice.colour(BEAKS)
    beat = dice.between(-0.5, 0.9)
    pen = pen.at(turn=dice.between(-0.4, 0.4))
    pen.paint(wing * FAR, pen.polygon((0.0, 0), (0.34, 0), (0.16, beat * 0.8), (-0.2, beat)))
    pen.paint(coat * 0.8, pen.polygon((-0.4, 0.06), (-0.4, -0.06), (-0.92, -0.16), (-0.92, 0.16)))
    pen.paint(beak, pen.polygon((0.66, 0.16), (0.66, 0.02), (0.94, 0.06)))
    pen.paint(coat, pen.limb(-0.5, 0, 0.3, 0.02, 0.06, 0.19), pen.oval(0.54, 0.1, 0.18, 0.16))
    pen.paint(wing, pen.polygon((-0.2, 0.04), (0.26, 0.04), (-0.04, beat), (-0.5, beat * 1.1)))
    eye(pen, 0.6, 0.14)
