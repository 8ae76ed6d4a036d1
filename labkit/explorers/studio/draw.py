"""The images of the evaluation studio that must keep pace with a key: drawn with Pillow."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from labkit.evaluation.scores import Share
from labkit.explorers.shared.pixels import SCALE, WHITE, fit, to_png, write
from labkit.plots.base import ORANGE
from labkit.plots.results import under_change
from labkit.text import _


class ContactSheet:
    """Images in rows, one framed. Of more than there is room for, the page of the chosen one.

    Lengths are in pixels of the images. The browser enlarges the sheet ``SCALE`` times and keeps
    the pixels square: a quarter of the bytes, and as crisp on every screen.
    """

    TILE, GAP, COLUMNS, ROWS, EDGE = 32, 3, 7, 3, 3
    WIDTH = 2 * EDGE + COLUMNS * (TILE + GAP) - GAP
    HEIGHT = 2 * EDGE + ROWS * (TILE + GAP) - GAP
    PAGE = COLUMNS * ROWS

    @classmethod
    def first(cls, chosen: int) -> int:
        """Return the place of the first image on the page of a chosen one."""
        return chosen // cls.PAGE * cls.PAGE

    @classmethod
    def png(cls, images: Sequence[np.ndarray], chosen: int) -> bytes:
        """Draw one page of ``images``, uint8 ``[H, W, 3]`` each, with number ``chosen`` framed."""
        sheet = Image.new("RGB", (cls.WIDTH, cls.HEIGHT), WHITE)
        for number, image in enumerate(images):
            left, top = cls._corner(number)
            sheet.paste(fit(np.asarray(image), cls.TILE // SCALE), (left, top))
            if number == chosen:
                box = left - 1, top - 1, left + cls.TILE, top + cls.TILE
        ImageDraw.Draw(sheet).rectangle(box, outline=ORANGE)
        return to_png(sheet)

    @classmethod
    def at(cls, x: float, y: float, count: int) -> int | None:
        """Return which of ``count`` images is at a place, both from 0 to 1."""
        pitch = cls.TILE + cls.GAP
        column = int((x * cls.WIDTH - cls.EDGE) // pitch)
        number = int((y * cls.HEIGHT - cls.EDGE) // pitch) * cls.COLUMNS + column
        return number if 0 <= column < cls.COLUMNS and 0 <= number < count else None

    @classmethod
    def _corner(cls, number: int) -> tuple[int, int]:
        row, column = divmod(number, cls.COLUMNS)
        pitch = cls.TILE + cls.GAP
        return cls.EDGE + column * pitch, cls.EDGE + row * pitch


class UnderChange:
    """The accuracy at each amount of a change: drawn once, then one amount after another ringed."""

    WIDTH, HEIGHT = 420, 270

    def __init__(
        self, name: str, amounts: Sequence[float], words: Sequence[str], shares: Sequence[Share]
    ):
        """Draw ``shares`` with their intervals over ``amounts``; ``words`` says the amounts."""
        size = self.WIDTH / 100, self.HEIGHT / 100
        picture = under_change(name, amounts, words, shares, size=size)
        self.alt = picture.alt
        drawn = Image.open(io.BytesIO(picture.png(scale=SCALE))).convert("RGB")
        self.base = drawn.quantize(128)  # one byte for each pixel: packed in a third of the time
        places = [(amount, share.value) for amount, share in zip(amounts, shares, strict=True)]
        at = picture.axes[0].transAxes.inverted()
        shown = at.transform(picture.axes[0].transData.transform(places))
        box = picture.axes[0].get_position()
        self.places = [
            (self.WIDTH * (box.x0 + x * box.width), self.HEIGHT * (1 - box.y0 - y * box.height))
            for x, y in shown
        ]

    def png(self, chosen: int) -> bytes:
        """Return the curve with the point of the chosen amount ringed."""
        image, (x, y) = self.base.copy(), self.places[chosen]
        ring = [SCALE * part for part in (x - 9, y - 9, x + 9, y + 9)]
        ImageDraw.Draw(image).ellipse(ring, outline=ORANGE, width=3 * SCALE)
        return to_png(image)


BOTH_WIDTH, BESIDE = 344, 176
"""Pixels on the screen: how wide ``before_after`` is, and how far apart its images begin."""


def before_after(before: np.ndarray, after: np.ndarray) -> bytes:
    """Draw an image as it is and, beside it, changed; uint8 ``[H, W, 3]`` each."""
    side, top = 164, 22
    sheet = Image.new("RGB", (SCALE * BOTH_WIDTH, SCALE * (top + side + 6)), WHITE)
    draw = ImageDraw.Draw(sheet)
    for number, (image, title) in enumerate(((before, _("as it is")), (after, _("changed")))):
        left = 4 + number * BESIDE
        write(draw, title, (left, 4), 12)
        sheet.paste(fit(image, side), (SCALE * left, SCALE * top))
    return to_png(sheet)


def enlarged(image: np.ndarray) -> bytes:
    """Draw one image uint8 ``[H, W, 3]`` large, as PNG."""
    return to_png(fit(np.asarray(image), 150))
