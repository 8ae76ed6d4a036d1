"""The inside of a network in pixels: mosaics of maps and filters, a close-up, prediction bars."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from labkit.explorers.shared.pixels import MUTED, SCALE, WHITE, fit, frame, to_png, write
from labkit.plots.base import ORANGE
from labkit.text import _

_FRAME, _GREY = 254, 92
"""Grey levels: a mosaic does without the first, whose place in the palette holds the frame's
orange; the second is that of the shapes written beside it."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """The output of one step for one image: ``planes`` float32 ``[C, H, W]``.

    A vector of n numbers is ``[n, 1, 1]``.
    """

    name: str
    planes: np.ndarray

    @classmethod
    def of(cls, name: str, values: np.ndarray) -> "Sheet":
        """Make a sheet of any output: its last two axes are a map, the others count the maps."""
        values = np.nan_to_num(np.asarray(values, dtype=np.float32))
        if values.ndim < 2:
            return cls(name, values.reshape(-1, 1, 1))
        return cls(name, values.reshape(-1, *values.shape[-2:]))

    @property
    def is_vector(self) -> bool:
        """Say whether each unit is one number and not a map."""
        return self.planes.shape[1:] == (1, 1)

    @property
    def size(self) -> str:
        """Return the shape in words, "6 × 28 × 28"."""
        shape = self.planes.shape[:1] if self.is_vector else self.planes.shape
        return " × ".join(map(str, shape))

    @property
    def limits(self) -> tuple[float, float]:
        """Return what is black (the smallest number, or 0 if none is negative) and white."""
        low, high = min(float(self.planes.min()), 0.0), float(self.planes.max())
        return low, high if high > low else low + 1.0

    def levels(self) -> np.ndarray:
        """Return the planes in grey, uint8 ``[C, H, W]``, on one scale for all of them."""
        low, high = self.limits
        return np.rint((self.planes - low) / (high - low) * 255).astype(np.uint8)


class Mosaic:
    """All maps of all layers, a line for each layer; a vector is a strip of stripes."""

    LABEL, TILE, GAP, COLUMNS, LINES, STRIP, EDGE = 116, 25, 3, 16, 12, 15, 6
    WIDTH = LABEL + COLUMNS * (TILE + GAP) + EDGE

    def __init__(self, sheets: Sequence[Sheet], line: int = 0, tile: int = 0):
        """Lay out the lines and tiles around the chosen ones; there is room for 12 by 16."""
        self.sheets, self.chosen = sheets, line
        first_line = _window(line, len(sheets), self.LINES)
        self.first_tile = _window(tile, len(sheets[line].planes), self.COLUMNS)
        self.tops, top = {}, self.EDGE
        for number in range(first_line, min(first_line + self.LINES, len(sheets))):
            self.tops[number] = top
            top += self._height(number) + 4
        self.height = top + self.EDGE - 4
        self.base = self._paint()

    def shows(self, line: int, tile: int) -> bool:
        """Say whether this map is in the mosaic as it is laid out."""
        inside = self.sheets[line].is_vector or 0 <= tile - self._first(line) < self.COLUMNS
        return line in self.tops and inside

    def png(self, line: int, tile: int) -> bytes:
        """Return the mosaic as PNG, with one map framed."""
        image = self.base.copy()
        frame(ImageDraw.Draw(image), self._box(line, tile), colours=(255, _FRAME))
        return to_png(image)

    def at(self, x: float, y: float) -> tuple[int, int] | None:
        """Return line and tile at a place, both from 0 to 1 from the upper left corner."""
        x, y = x * self.WIDTH, y * self.height
        for line, top in self.tops.items():
            if not top - 2 <= y < top + self._height(line) + 2:
                continue
            count, along = len(self.sheets[line].planes), x - self.LABEL
            if self.sheets[line].is_vector:
                tile = int(along / self._strip_width * count)
            else:
                tile = self._first(line) + int(along // (self.TILE + self.GAP))
            return line, min(max(tile, 0), count - 1)
        return None

    @property
    def _strip_width(self) -> int:
        return self.WIDTH - self.LABEL - self.GAP - self.EDGE

    def _first(self, line: int) -> int:
        return self.first_tile if line == self.chosen else 0

    def _height(self, line: int) -> int:
        return self.STRIP if self.sheets[line].is_vector else self.TILE

    def _box(self, line: int, tile: int) -> tuple[float, float, float, float]:
        top, bottom = self.tops[line], self.tops[line] + self._height(line)
        if self.sheets[line].is_vector:
            step = self._strip_width / len(self.sheets[line].planes)
            return self.LABEL + tile * step, top, self.LABEL + (tile + 1) * step, bottom
        left = self.LABEL + (tile - self._first(line)) * (self.TILE + self.GAP)
        return left, top, left + self.TILE, bottom

    def _paint(self) -> Image.Image:
        image = Image.new("L", (SCALE * self.WIDTH, SCALE * self.height), 255)
        draw = ImageDraw.Draw(image)
        for line, top in self.tops.items():
            sheet, levels, first = self.sheets[line], self.sheets[line].levels(), self._first(line)
            self._label(draw, sheet, top, first)
            if sheet.is_vector:
                strip = Image.fromarray(levels[:, 0, 0][None])
                size = SCALE * self._strip_width, SCALE * self.STRIP
                place = SCALE * self.LABEL, SCALE * top
                image.paste(strip.resize(size, Image.Resampling.NEAREST), place)
                far = place[0] + size[0] - 1, place[1] + size[1] - 1
                draw.rectangle([*place, *far], outline=_GREY)  # a white unit has an edge too
                continue
            for tile in range(first, len(levels))[: self.COLUMNS]:
                left, up, _right, _down = self._box(line, tile)
                image.paste(fit(levels[tile], self.TILE), (round(SCALE * left), round(SCALE * up)))
        return _with_orange(image)

    def _label(self, draw: ImageDraw.ImageDraw, sheet: Sheet, top: int, first: int) -> None:
        size, count = sheet.size, len(sheet.planes)
        if sheet.is_vector:
            write(draw, _short(sheet.name, 10), (self.EDGE, top))
            write(draw, size, (self.LABEL - 8, top), 10, fill=_GREY, anchor="ra")
            return
        if count > self.COLUMNS:
            last = min(first + self.COLUMNS, count) - 1
            size = _("{first}-{last} of {size}").format(first=first, last=last, size=size)
        write(draw, _short(sheet.name, 15), (self.EDGE, top - 1))
        write(draw, size, (self.EDGE, top + 12), 10, fill=_GREY)


def closeup(picture: np.ndarray, sheet: Sheet, tile: int, unit: tuple[int, int], seen) -> bytes:
    """Draw the image with the pixels seen, and beside it one map with the unit, as PNG.

    ``picture`` is uint8 ``[H, W, 3]``; ``seen`` is (first row, after the last, first column, after
    the last) in shares of the image from 0 to 1, or None where it is not known.
    """
    side, left, top = 174, 194, 24
    image = Image.new("RGB", (SCALE * (left + side + 6), SCALE * (top + side + 20)), WHITE)
    draw = ImageDraw.Draw(image)
    write(draw, _("the image"), (6, 4), 12)
    _paste_picture(image, picture, seen, (6, top), side)
    plane, row, column = _enlarged(sheet, tile, unit)
    cell = side / max(plane.shape)
    image.paste(fit(plane, side).convert("RGB"), (SCALE * left, SCALE * top))
    right, bottom = left + plane.shape[1] * cell, top + plane.shape[0] * cell
    draw.rectangle([SCALE * n for n in (left, top, right, bottom)], outline=MUTED)
    corner = left + column * cell, top + row * cell
    frame(draw, (*corner, corner[0] + cell, corner[1] + cell))
    title = _("{layer}, all {n} units") if sheet.is_vector else _("{layer}, map {tile}")
    text = title.format(layer=_short(sheet.name, 14), n=len(sheet.planes), tile=tile)
    write(draw, text, (left, 4), 12)
    low, high = sheet.limits
    ends = {"low": f"{low:.2f}", "high": f"{high:.2f}"}
    limits = _("black {low}, white {high}").format(**ends).replace("-", "−")
    write(draw, limits, (left, top + side + 4), 10, fill=MUTED)
    return to_png(image)


class FilterSheet:
    """The filters of a first layer ``[out, in, height, width]``, in colour for 3 input channels."""

    TILE, GAP, COLUMNS, ROWS, TOP, EDGE = 46, 6, 10, 2, 24, 6
    WIDTH = EDGE + COLUMNS * (TILE + GAP)

    def __init__(self, count: int):
        """Lay out the tiles of ``count`` filters; those that find no room are left out."""
        self.count = min(count, self.COLUMNS * self.ROWS)
        self.height = self.TOP + -(-self.count // self.COLUMNS) * (self.TILE + self.GAP)

    def png(self, weights: np.ndarray, largest: float, title: str, chosen: int | None) -> bytes:
        """Draw the weights: grey is 0, ``largest`` in size full bright or dark; one is framed."""
        shown = weights.transpose(0, 2, 3, 1)
        shown = shown if shown.shape[3] == 3 else shown.mean(axis=3, keepdims=True).repeat(3, 3)
        levels = np.rint(np.clip(shown / (2 * largest) + 0.5, 0, 1) * 255).astype(np.uint8)
        image = Image.new("RGB", (SCALE * self.WIDTH, SCALE * self.height), WHITE)
        draw = ImageDraw.Draw(image)
        write(draw, title, (self.EDGE, 4), 12)
        for number in range(self.count):
            left, top = self._corner(number)
            image.paste(fit(levels[number], self.TILE), (SCALE * left, SCALE * top))
            if number == chosen:
                frame(draw, (left, top, left + self.TILE, top + self.TILE))
        return to_png(image)

    def at(self, x: float, y: float) -> int | None:
        """Return the filter at a place, both from 0 to 1 from the upper left corner."""
        pitch = self.TILE + self.GAP
        column = int((x * self.WIDTH - self.EDGE) // pitch)
        row = int((y * self.height - self.TOP) // pitch)
        number = row * self.COLUMNS + column
        return number if row >= 0 <= column and number < self.count else None

    def _corner(self, number: int) -> tuple[int, int]:
        row, column = divmod(number, self.COLUMNS)
        pitch = self.TILE + self.GAP
        return self.EDGE + column * pitch, self.TOP + row * pitch


def bars(names: Sequence[str], probabilities: Sequence[float], *, most: int = 10) -> str:
    """Return a table of bars, one a class, as HTML; of more than ``most`` the likeliest."""
    order = range(len(names))
    best = max(order, key=lambda n: probabilities[n])
    if len(names) > most:
        order = sorted(order, key=lambda n: -probabilities[n])[:most]
    caption = _("The network predicts {name}, {share:.0%}.").format(
        name=names[best], share=probabilities[best]
    )
    rows = "".join(
        f"<tr{' class=lk-best' if n == best else ''}>"
        f'<th scope="row">{html.escape(names[n])}</th>'
        f'<td><span style="width: {100 * probabilities[n]:.1f}%"></span></td>'
        f"<td>{probabilities[n]:.1%}</td></tr>"
        for n in order
    )
    return f'<table class="lk-bars"><caption>{html.escape(caption)}</caption>{rows}</table>'


def _paste_picture(image: Image.Image, picture: np.ndarray, seen, at, side: int) -> None:
    """Paste the image at a place; what is not seen is faded."""
    shown, (left, top) = fit(picture, side), at
    corner = SCALE * left, SCALE * top
    if seen is None:
        image.paste(shown, corner)
        return
    image.paste(Image.blend(shown, Image.new("RGB", shown.size, WHITE), 0.62), corner)
    up, down, start, end = (round(SCALE * side * part) for part in seen)
    if down > up and end > start:
        image.paste(shown.crop((start, up, end, down)), (corner[0] + start, corner[1] + up))
        box = (left + start / SCALE, top + up / SCALE, left + end / SCALE, top + down / SCALE)
        frame(ImageDraw.Draw(image), box)


def _enlarged(sheet: Sheet, tile: int, unit: tuple[int, int]) -> tuple[np.ndarray, int, int]:
    """Return one map in grey, and row and column of the unit; a vector is wrapped to a square."""
    levels = sheet.levels()
    if not sheet.is_vector:
        return levels[tile], *unit
    columns = int(np.ceil(np.sqrt(len(levels))))
    rows = -(-len(levels) // columns)
    plane = np.full(rows * columns, 255, dtype=np.uint8)
    plane[: len(levels)] = levels[:, 0, 0]
    return plane.reshape(rows, columns), *divmod(tile, columns)


def _with_orange(image: Image.Image) -> Image.Image:
    """Return the grey image with a palette in which one level is orange: quicker than RGB."""
    values = np.asarray(image).copy()
    values[values == _FRAME] = _FRAME - 1
    indexed = Image.fromarray(values)
    palette = [level for grey in range(256) for level in (grey,) * 3]
    palette[3 * _FRAME : 3 * _FRAME + 3] = bytes.fromhex(ORANGE[1:])
    indexed.putpalette(palette)
    return indexed


def _window(chosen: int, count: int, room: int) -> int:
    return min(max(0, chosen - room // 2), max(0, count - room))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"…{text[1 - most :]}"
