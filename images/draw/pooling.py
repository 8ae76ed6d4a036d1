"""maxpool.png: the largest number of each window stays; what does not fill a window is left out."""

import numpy as np

from draw.style import MUTED, TINT, Sheet, number, shape
from labkit.plots.base import BLUE, GREEN, INK, ORANGE, PINK
from labkit.text import _

EVEN = np.array([[1, 3, 2, 1], [4, 8, 6, 5], [7, 2, 1, 0], [3, 5, 9, 4]])
"""One map of 4 x 4: two windows each way."""

ODD = np.array(
    [[2, 6, 1, 3, 9], [5, 4, 0, 8, 7], [1, 0, 4, 2, 5], [3, 7, 1, 3, 6], [8, 9, 9, 7, 8]]
)
"""One map of 5 x 5, its largest numbers in the last row and column, which no window reaches."""

COLOURS = BLUE, ORANGE, GREEN, PINK

WINDOW = 2
"""Side and stride of the windows, as in nn.MaxPool2d(2, 2)."""


def pool(values: np.ndarray) -> np.ndarray:
    """Return the largest number of each whole window, by hand."""
    side = (len(values) - WINDOW) // WINDOW + 1
    out = np.empty((side, side), dtype=int)
    for row, column in np.ndindex(out.shape):
        out[row, column] = window(values, row, column).max()
    return out


def window(values: np.ndarray, row: int, column: int) -> np.ndarray:
    """Return the numbers in one window, counted in windows from the upper left."""
    top, left = row * WINDOW, column * WINDOW
    return values[top : top + WINDOW, left : left + WINDOW]


def draw() -> Sheet:
    """Draw max-pooling of an even and of an odd map, the winners ringed."""
    alt = (
        "Max-pooling with a window of 2 x 2 and stride 2. A 4 x 4 map falls into four windows; the "
        "largest number of each is ringed ({winners}) and forms the 2 x 2 output. A 5 x 5 map "
        "gives 2 x 2 as well: its last row and column fill no window and are left out, though "
        "they hold its largest number, {lost}."
    ).format(winners=", ".join(str(v) for v in pool(EVEN).flat), lost=ODD.max())
    sheet = Sheet(880, 400, alt=alt)
    _panel(sheet, EVEN, 40, 48)
    sheet.line((430, 30), (430, 370))
    _panel(sheet, ODD, 462, 46)
    return sheet


def _panel(sheet, values, x, cell):
    n, result, top = len(values), pool(values), 84
    out_x = x + n * cell + 72
    sheet.write(x + n * cell / 2, 32, _("map"), 18, bold=True)
    sheet.write(x + n * cell / 2, 58, shape(values.shape), 15, mono=True, color=MUTED)
    sheet.write(out_x + cell, 32, _("output"), 18, bold=True)
    sheet.write(out_x + cell, 58, shape(result.shape), 15, mono=True, color=MUTED)
    unused = np.arange(n) >= WINDOW * len(result)
    unused = unused[:, None] | unused[None, :]
    sheet.cells(np.where(unused, values, np.nan), x, top, cell, color=lambda v: MUTED)
    for place, color in zip(np.ndindex(result.shape), COLOURS, strict=True):
        _one_window(sheet, values, place, (x, out_x, top, cell), color)
    for row, column in np.argwhere(unused):
        corner = (x + column * cell, top + row * cell)
        sheet.box(*corner, cell, cell, face="none", edge="#cfcfcf", line=0, round=0, hatch="//")
    middle = top + cell
    sheet.arrow((x + n * cell + 16, middle), (out_x - 16, middle), line=2.2)
    formula = f"⌊({n} − 2) / 2⌋ + 1 = {len(result)}"
    sheet.write(x, 346, formula, 16, mono=True, ha="left")
    left_out = _("the last row and column fill no window")
    all_used = _("every number is in one window")
    sheet.write(x, 374, left_out if unused.any() else all_used, 15, color=MUTED, ha="left")


def _one_window(sheet, values, place, geometry, color):
    (row, column), (x, out_x, top, cell), tint = place, geometry, TINT[color]
    block = window(values, row, column)
    left, upper = x + 2 * column * cell, top + 2 * row * cell
    sheet.cells(block, left, upper, cell, face=lambda v: tint)
    i, j = np.unravel_index(block.argmax(), block.shape)
    sheet.ring(left + (j + 0.5) * cell, upper + (i + 0.5) * cell, cell * 0.8, edge=color)
    sheet.box(left, upper, 2 * cell, 2 * cell, face="none", edge=INK, line=2.4, round=0)
    there = (out_x + column * cell, top + row * cell)
    sheet.box(*there, cell, cell, face=tint, edge=INK, line=2.4, round=0)
    middle = there[0] + cell / 2, there[1] + cell / 2
    sheet.write(*middle, number(block.max()), cell * 0.42, bold=True)
    sheet.ring(*middle, cell * 0.8, edge=color)
