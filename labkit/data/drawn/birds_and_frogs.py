"""Birds and frogs. Each faces right, or us, and fits into -1..1."""

from labkit.data.drawn.palettes import BEAKS, BLACK, FOAM, IRISES, PLUMAGE, SKINS, WATERS, pale

FAR = 0.7  # what is on the far side is this much darker


def perching_bird(pen, dice):
    """A bird on its thin legs."""
    coat, wing, beak = dice.colour(PLUMAGE), dice.colour(PLUMAGE), dice.colour(BEAKS)
    neck, bill = dice.between(0, 0.25), dice.between(0.34, 0.54)
    body, head = pen.at(0, -0.08, turn=dice.between(0, 0.6)), pen.at(0.4, 0.36 + neck)
    for x in (-0.02, 0.14):
        toes = pen.limb(x, -0.84, x + 0.14, -0.84, 0.03)
        pen.paint(beak * 0.8, pen.limb(x, -0.3, x, -0.84, 0.03), toes)
    pen.paint(beak, head.polygon((0.14, 0.08), (0.14, -0.09), (bill, -0.03)))
    pen.paint(wing * 0.8, body.polygon((-0.4, 0.1), (-0.4, -0.14), (-0.98, -0.12), (-0.98, 0.04)))
    throat = pen.limb(0.22, 0.08, 0.38, 0.32 + neck, 0.2, 0.15)
    pen.paint(coat, body.oval(0, 0, 0.5, 0.3), throat, head.oval(0, 0, 0.2, 0.19))
    pen.paint(pale(coat, dice.between(0, 0.8)), body.oval(0.22, -0.1, 0.24, 0.16))
    pen.paint(wing * 0.75, body.limb(0.1, 0.06, -0.5, -0.02, 0.17, 0.05))
    pen.paint(BLACK, head.oval(0.06, 0.05, 0.05, 0.05))


def flying_bird(pen, dice):
    """A bird on the wing."""
    coat, plumes, beak = dice.colour(PLUMAGE), dice.colour(PLUMAGE), dice.colour(BEAKS)
    beat, sweep = dice.between(0.35, 0.95) * dice.sign(), dice.between(-0.1, 0.4)
    pen = pen.at(turn=dice.between(-0.3, 0.4))
    pen.paint(plumes * FAR, *wing(pen.at(0.24), beat, sweep))
    pen.paint(coat * 0.8, pen.polygon((-0.4, 0), (-0.92, 0.16), (-0.92, -0.14)))
    pen.paint(beak, pen.polygon((0.66, 0.16), (0.66, 0.02), (0.94, 0.06)))
    pen.paint(coat, pen.limb(-0.5, 0, 0.3, 0.02, 0.06, 0.19), pen.oval(0.54, 0.1, 0.18, 0.16))
    pen.paint(plumes, *wing(pen, beat, sweep))
    pen.paint(BLACK, pen.oval(0.6, 0.14, 0.045, 0.045))


def wing(pen, beat, sweep):
    """Return the shapes of a wing that reaches up or down to ``beat``, swept back."""
    half = beat / 2
    arm = pen.polygon((-0.3, 0), (0.1, 0), (0.06, half), (-0.4, half))
    return arm, pen.polygon((0.06, half), (-0.4, half), (-0.2 - sweep, beat))


def duck(pen, dice):
    """A duck or a swan that swims."""
    coat, head, beak = dice.colour(PLUMAGE), dice.colour(PLUMAGE), dice.colour(BEAKS)
    neck = dice.between(0.1, 0.55)
    pen = pen.at(0, 0.1)
    pen.paint(dice.colour(WATERS), pen.oval(0, -0.5, 1.1, 0.2))
    tail = pen.polygon((-0.6, -0.2), (-0.5, -0.4), (-0.95, 0))
    pen.paint(coat, pen.oval(-0.15, -0.28, 0.66, 0.3), tail)
    pen.paint(head, pen.limb(0.36, -0.2, 0.46, neck, 0.16, 0.11), pen.oval(0.5, neck, 0.2, 0.17))
    pen.paint(beak, pen.limb(0.68, neck - 0.04, 0.86, neck - 0.08, 0.07, 0.06))
    pen.paint(coat * 0.7, pen.limb(0.08, -0.22, -0.5, -0.14, 0.17, 0.06))
    pen.paint(FOAM, pen.limb(-0.75, -0.55, 0.55, -0.55, 0.025), opacity=0.7)
    pen.paint(BLACK, pen.oval(0.55, neck + 0.05, 0.045, 0.045))


def sitting_frog(pen, dice):
    """A frog from the side, ready to jump."""
    skin = dice.colour(SKINS)
    body = pen.at(0, -0.1, turn=dice.between(-0.1, 0.35))
    pen.paint(skin * FAR, pen.limb(0.3, -0.2, 0.5, -0.62, 0.09, 0.05))
    pen.paint(skin, body.oval(-0.05, 0, 0.68, 0.38), body.oval(0.5, 0.16, 0.36, 0.27))
    pen.paint(skin, body.oval(0.48, 0.42, 0.16, 0.15))
    pen.paint(pale(skin, 0.55), body.limb(0.2, -0.16, 0.68, 0, 0.12, 0.08))
    thigh = pen.limb(-0.5, -0.2, -0.1, -0.46, 0.24, 0.12)
    shin = pen.limb(-0.1, -0.52, -0.66, -0.62, 0.09)
    arm = pen.limb(0.24, -0.2, 0.34, -0.64, 0.1, 0.06)
    feet = (pen.limb(-0.66, -0.64, -0.3, -0.7, 0.05), pen.limb(0.34, -0.66, 0.52, -0.68, 0.05))
    pen.paint(skin * 0.85, thigh, shin, arm, *feet)
    warts = [body.oval(x, y, 0.07, 0.06) for x, y in ((-0.4, 0.2), (-0.15, 0.26), (0.08, 0.16))]
    pen.paint(skin * 0.6, *warts, opacity=dice.chance(0.5))
    pen.paint(dice.colour(IRISES), body.oval(0.5, 0.44, 0.11, 0.1))
    pen.paint(BLACK, body.oval(0.53, 0.44, 0.06, 0.05), body.limb(0.5, 0.06, 0.84, 0.12, 0.02))


def smiling_frog(pen, dice):
    """A frog from the front."""
    skin = dice.colour(SKINS)
    sides = pen.mirrored()
    foot = sides.limb(0.8, -0.64, 0.4, -0.7, 0.07)
    pen.paint(skin * 0.8, sides.limb(0.6, -0.1, 0.82, -0.5, 0.2, 0.12), foot)
    pen.paint(skin, pen.oval(0, -0.25, 0.6, 0.45), pen.oval(0, 0.15, 0.64, 0.34))
    pen.paint(skin, sides.oval(0.4, 0.46, 0.22, 0.22))
    pen.paint(pale(skin, 0.6), pen.oval(0, -0.3, 0.4, 0.32))
    pen.paint(skin, sides.limb(0.26, -0.3, 0.3, -0.66, 0.09, 0.07))
    pen.paint(dice.colour(IRISES), sides.oval(0.4, 0.5, 0.15, 0.15))
    pen.paint(BLACK, sides.oval(0.4, 0.5, 0.1, 0.06), sides.limb(0, -0.02, 0.48, 0.1, 0.025))
