"""What the drawings share: a sheet measured in pixels, tables of numbers, and films."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch, Rectangle
from PIL import Image

from labkit.plots.base import BLUE, GREEN, INK, ORANGE, PINK, Plot

MUTED, PAPER, LINE = "#595959", "#f4f4f4", "#8c8c8c"
"""Secondary text (7:1 on white), the ground of empty cells and boxes, the lines between cells."""

TINT = {BLUE: "#d9ecf8", ORANGE: "#ffe3cf", GREEN: "#d5f0e6", PINK: "#f7e4ee"}
"""A light ground for each colour of the house."""

RUST = "#a04400"
"""Orange dark enough for small letters (6:1 on white)."""

MONO = "DejaVu Sans Mono"
"""Comes with matplotlib, like its default font: the same letters on every machine."""


ROUNDS = 3
"""How many times a film plays before it stops."""


class Sheet(Plot):
    """A picture whose axes count pixels, origin at the top left, drawn at ``scale`` dots a pixel.

    What is drawn later covers what was drawn before. Text of 14 pixels and more stays readable
    where a notebook's column shrinks the sheet.
    """

    def __init__(self, width: int, height: int, *, alt: str = "", scale: float = 1.5):
        super().__init__(width / 100, height / 100, alt=alt)
        self.set_layout_engine("none")
        self.scale = scale
        self.ax = self.add_axes((0, 0, 1, 1))
        self.ax.set(xlim=(0, width), ylim=(height, 0))
        self.ax.axis("off")
        self._layers = count(1)

    def write(self, x, y, text, size=15, *, color=INK, mono=False, bold=False, ha="center", **more):
        """Write a line, or two, in letters of ``size`` pixels; centred on (x, y) by default."""
        if "\n" in text:
            more.setdefault("va", "center")
        if "va" not in more:  # by the baseline, so that neighbours with and without p and g align
            y, more["va"] = y + 0.36 * size, "baseline"
        if mono:
            more["family"] = MONO
        more |= {"weight": "bold" if bold else "normal", "zorder": next(self._layers)}
        self.ax.text(x, y, text, fontsize=size * 0.72, color=color, ha=ha, **more)

    def box(self, x, y, width, height, *, face=PAPER, edge=LINE, line=1.2, round=8, **more):
        """Draw a box with round corners (``round=0``: sharp ones); line widths are in pixels."""
        style = {"facecolor": face, "edgecolor": edge, "linewidth": line * 0.72} | more
        style["zorder"] = next(self._layers)
        if round:
            shape = f"round,pad=0,rounding_size={round}"
            patch = FancyBboxPatch((x, y), width, height, boxstyle=shape, **style)
        else:
            patch = Rectangle((x, y), width, height, joinstyle="miter", **style)
        self.ax.add_patch(patch)

    def arrow(self, start, end, *, color=INK, line=1.8, **more):
        """Draw an arrow from ``start`` to ``end``, both (x, y)."""
        style = {"arrowstyle": "-|>", "mutation_scale": 13, "shrinkA": 0, "shrinkB": 0} | more
        style |= {"color": color, "linewidth": line * 0.72, "zorder": next(self._layers)}
        self.ax.add_patch(FancyArrowPatch(start, end, **style))

    def line(self, start, end, *, color="#d0d0d0", line=1.4, **more):
        """Draw a line from ``start`` to ``end``, both (x, y)."""
        style = {"color": color, "linewidth": line * 0.72, "zorder": next(self._layers)} | more
        self.ax.plot(*zip(start, end, strict=True), **style)

    def ring(self, x, y, diameter, *, edge, line=2.4):
        """Draw a circle around (x, y)."""
        style = {"fill": False, "edgecolor": edge, "linewidth": line * 0.72}
        self.ax.add_patch(Ellipse((x, y), diameter, diameter, zorder=next(self._layers), **style))

    def cells(self, values, x, y, cell=44, *, face=None, size=None, color=None, bold=False):
        """Draw a table of numbers with its corner at (x, y).

        ``values`` is ``[H, W]``; a NaN leaves its cell empty. ``face`` and ``color`` give the
        ground and the ink of one value.
        """
        face = face or (lambda value: "white")
        color = color or (lambda value: INK)
        for (row, column), value in np.ndenumerate(np.asarray(values, dtype=float)):
            left, top, empty = x + column * cell, y + row * cell, np.isnan(value)
            ground = PAPER if empty else face(value)
            self.box(left, top, cell, cell, face=ground, line=1, round=0)
            if not empty:
                self.write(
                    *(left + cell / 2, top + cell / 2, number(value)),
                    size or cell * 0.42,
                    color=color(value),
                    bold=bold,
                )

    def pixels(self, image, x, y, size, *, cmap=None):
        """Show ``image``, uint8 ``[H, W, 3]`` or (through ``cmap``) ``[H, W]``, pixel by pixel."""
        shown = {"extent": (x, x + size, y + size, y), "interpolation": "nearest"}
        shown |= {"vmin": 0, "vmax": 255, "aspect": "auto", "zorder": next(self._layers)}
        self.ax.imshow(image, cmap=cmap, **shown)

    def image(self) -> Image.Image:
        """Return the sheet as an opaque RGB image."""
        return flat(self, self.scale)

    def save(self, path: Path) -> None:
        """Write a PNG."""
        _save(self.image(), path)


def _save(image: Image.Image, path: Path) -> None:
    """Write a PNG without metadata: the same drawing is the same file, and of photographs exact."""
    drawing = image.getcolors(8192)
    image = image.quantize(256, dither=Image.Dither.NONE) if drawing else image
    image.save(path, optimize=True)


@dataclass(frozen=True)
class Still:
    """A figure of the workshop as a file: the image, and what to see in it."""

    image: Image.Image
    alt: str

    def save(self, path: Path) -> None:
        """Write a PNG."""
        _save(self.image, path)


@dataclass(frozen=True)
class Film:
    """A moving picture: its frames, how long each stays (milliseconds), and what to see in it."""

    frames: Sequence[Image.Image]
    durations: Sequence[int]
    alt: str

    def save(self, path: Path) -> None:
        """Write a GIF that plays ``ROUNDS`` times, with one palette for all frames.

        It rests on its last frame: whoever reads on is not disturbed by what moves beside the text.
        """
        palette = Image.new("P", (1, 1))
        palette.putpalette(self._colours())
        first, *rest = (f.quantize(palette=palette, dither=Image.Dither.NONE) for f in self.frames)
        options = {"duration": list(self.durations), "loop": ROUNDS - 1, "optimize": True}
        first.save(path, save_all=True, append_images=rest, **options)

    def _colours(self) -> list[int]:
        """Return 96 common colours and 32 rare ones: both the tints and the thin bright lines."""
        ends = np.concatenate([np.asarray(self.frames[0]), np.asarray(self.frames[-1])])
        common = Image.fromarray(ends).quantize(96, Image.Quantize.MEDIANCUT).getpalette()
        rare = Image.fromarray(ends).quantize(32, Image.Quantize.MAXCOVERAGE).getpalette()
        colours = np.reshape(common[: 3 * 96] + rare[: 3 * 32], (-1, 3))
        colours[colours.min(axis=1) >= 248] = 255  # Pillow may pick any near-white for the page
        return colours.ravel().tolist()


def flat(figure: Plot, scale: float = 1.5) -> Image.Image:
    """Return a figure as an opaque RGB image, ``scale`` times 100 dots per inch."""
    return Image.open(io.BytesIO(figure.png(scale))).convert("RGB")


def number(value: float) -> str:
    """Return a number as printed in the pictures: no needless decimals, a true minus sign."""
    return f"{value:g}".replace("-", "−")


def grey(value: float, darkest: float = 0, brightest: float = 9) -> str:
    """Return the grey in which a pixel of this value is shown; the darkest is not black."""
    level = (value - darkest) / (brightest - darkest)
    return str(0.25 + 0.75 * level)


def ink_on_grey(value: float, darkest: float = 0, brightest: float = 9) -> str:
    """Return the ink that is readable on ``grey`` of the same value."""
    return INK if (value - darkest) / (brightest - darkest) > 0.4 else "white"


def shape(sizes: Sequence[int]) -> str:
    """Return a shape as PyTorch writes it, ``[3, 32, 32]``."""
    return str(list(sizes))


def spoken(sizes: Sequence[int]) -> str:
    """Return a shape for an alt text, which Markdown puts between brackets: ``3 x 32 x 32``."""
    return " x ".join(str(size) for size in sizes)
