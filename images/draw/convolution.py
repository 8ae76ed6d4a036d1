"""cnn.gif and channels.gif: a kernel slides, multiplies and sums; a filter spans all channels."""

from itertools import product

import numpy as np

from draw.style import MUTED, RUST, TINT, Film, Sheet, grey, ink_on_grey, number, shape, spoken
from labkit.plots.base import BLUE, INK, ORANGE, PINK
from labkit.text import _

EDGE = np.array(
    [
        [8, 7, 8, 2, 1, 1],
        [7, 8, 9, 1, 0, 2],
        [8, 8, 7, 2, 1, 0],
        [9, 7, 8, 1, 2, 1],
        [7, 9, 8, 0, 1, 1],
        [8, 7, 9, 2, 0, 1],
    ]
)
"""A patch of one channel, bright at the left and dark at the right."""

EDGE_KERNEL = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]])
"""Large where bright lies left of dark: left column minus right column."""

PATCH = np.array(
    [
        [[9, 8, 8, 2, 1], [8, 9, 7, 1, 2], [9, 7, 8, 2, 1], [7, 8, 9, 1, 0], [8, 9, 8, 2, 1]],
        [[3, 2, 3, 3, 2], [2, 3, 2, 2, 3], [3, 3, 2, 3, 3], [2, 2, 3, 2, 2], [3, 2, 3, 3, 2]],
        [[1, 0, 1, 7, 8], [0, 1, 2, 8, 9], [1, 1, 0, 9, 7], [2, 0, 1, 8, 8], [1, 2, 0, 7, 9]],
    ]
)
"""Red, green and blue channel of a patch: red at the left, blue at the right."""

FILTER = np.array(
    [
        [[1, 0, 0], [1, 0, 0], [1, 0, 0]],
        [[0, 0, 0], [0, -1, 0], [0, 0, 0]],
        [[0, 0, 1], [0, 0, 1], [0, 0, 1]],
    ]
)
"""One filter: red at the left, blue at the right, little green in between."""

BIAS = -20


def windows(size: int, kernel: int) -> list[tuple[int, int]]:
    """Return the upper left corners of all windows, in reading order, for stride 1."""
    return list(product(range(size - kernel + 1), repeat=2))


def convolve(image: np.ndarray, kernel: np.ndarray, bias: int = 0) -> np.ndarray:
    """Slide ``kernel`` ``[C, K, K]`` over ``image`` ``[C, N, N]`` and return the map, by hand."""
    side = image.shape[-1] - kernel.shape[-1] + 1
    out = np.empty((side, side), dtype=int)
    for row, column in windows(image.shape[-1], kernel.shape[-1]):
        out[row, column] = (under(image, kernel, row, column) * kernel).sum() + bias
    return out


def under(image: np.ndarray, kernel: np.ndarray, row: int, column: int) -> np.ndarray:
    """Return what lies under the kernel placed at (row, column)."""
    k = kernel.shape[-1]
    return image[..., row : row + k, column : column + k]


def slide() -> Film:
    """Draw a 3 x 3 kernel on its way over one channel of 6 x 6 pixels."""
    result = convolve(EDGE[None], EDGE_KERNEL[None])
    steps = windows(len(EDGE), len(EDGE_KERNEL))
    frames = [_slide_frame(result, done, *place) for done, place in enumerate(steps)]
    alt = (
        "A {k} x {k} kernel slides over a {n} x {n} image, one pixel at a time. At each of its "
        "{steps} places the nine pixels under it are multiplied by the nine weights and summed to "
        "one number of the {m} x {m} output. The output is about {low} where the image is even, "
        "and up to {high} at the edge where bright pixels meet dark ones."
    ).format(
        k=len(EDGE_KERNEL),
        n=len(EDGE),
        m=len(result),
        steps=len(steps),
        low=round(float(np.median(result[:, [0, -1]]))),
        high=result.max(),
    )
    return Film(frames, [1800] + [850] * (len(frames) - 2) + [3500], alt)


def _slide_frame(result, done, row, column):
    sheet = Sheet(880, 412, scale=1)
    cell, top = 46, 82
    image_x, kernel_x, out_x = 36, 400, 654
    _headings(sheet, result, (image_x, kernel_x, out_x), cell)
    _image_under_kernel(sheet, image_x, top, cell, row, column)
    sheet.cells(EDGE_KERNEL, kernel_x, top, cell, face=lambda v: TINT[ORANGE])
    _outline(sheet, kernel_x, top, 3 * cell)
    _output(sheet, result, done, out_x, top, cell)
    sheet.write(image_x + 6 * cell + 44, top + 69, "∗", 34)
    sheet.write(kernel_x + 3 * cell + 58, top + 69, "=", 30)
    setting = _("one channel, stride 1, no padding")
    sheet.write(image_x + 3 * cell, top + 6 * cell + 26, setting, 14, color=MUTED)
    _products(sheet, under(EDGE, EDGE_KERNEL, row, column), 690, 290)
    return sheet.image()


def _image_under_kernel(sheet, left, top, cell, row, column):
    """Draw the image; where the kernel lies, write its weights under the pixels."""
    k = len(EDGE_KERNEL)
    around = EDGE.astype(float)
    around[row : row + k, column : column + k] = np.nan
    sheet.cells(around, left, top, cell, face=grey, color=ink_on_grey)
    for (i, j), weight in np.ndenumerate(EDGE_KERNEL):
        x, y = left + (column + j) * cell, top + (row + i) * cell
        sheet.box(x, y, cell, cell, face=TINT[ORANGE], line=1, round=0)
        sheet.write(x + cell / 2, y + 17, number(EDGE[row + i, column + j]), 19)
        sheet.write(x + cell / 2, y + 36, f"× {number(weight)}", 14, color=RUST, bold=True)
    _outline(sheet, left + column * cell, top + row * cell, k * cell)


def _outline(sheet, x, y, side, color=ORANGE):
    sheet.box(x, y, side, side, face="none", edge=color, line=4, round=0)


def _output(sheet, result, done, x, y, cell):
    """Draw the output up to its number ``done``, counted in reading order, and frame that one."""
    shown = np.where(np.arange(result.size) <= done, result.flat, np.nan).reshape(result.shape)
    sheet.cells(shown, x, y, cell, face=lambda v: TINT[BLUE])
    row, column = np.unravel_index(done, result.shape)
    _outline(sheet, x + column * cell, y + row * cell, cell, BLUE)


def _headings(sheet, result, columns, cell):
    names = _("image"), _("kernel"), _("output")
    for x, name, values in zip(columns, names, (EDGE, EDGE_KERNEL, result), strict=True):
        middle = x + values.shape[1] * cell / 2
        sheet.write(middle, 32, name, 18, bold=True)
        sheet.write(middle, 57, shape(values.shape), 15, mono=True, color=MUTED)


def _products(sheet, patch, x, y):
    """Write the nine products, a line for each row of the kernel, and their sum."""
    terms = patch * EDGE_KERNEL
    for i, (pixels, weights) in enumerate(zip(patch, EDGE_KERNEL, strict=True)):
        parts = [f"{p} · {_bracket(w)}" for p, w in zip(pixels, weights, strict=True)]
        line = "  +  ".join(parts) + f"  = {number(terms[i].sum()):>3}"
        sheet.write(x, y + 25 * i, line, 16, mono=True, ha="right")
    sheet.line((x - 32, y + 62), (x, y + 62), color=INK)
    total = number(terms.sum())
    sheet.write(x, y + 79, f"{_('sum')}  = {total:>3}", 16, mono=True, bold=True, ha="right")
    sheet.arrow((x + 12, y + 79), (x + 52, y + 79), color=BLUE)
    sheet.write(x + 60, y + 79, _("into the output"), 15, color=BLUE, ha="left")


def _bracket(weight: int) -> str:
    return number(weight) if weight >= 0 else f"({number(weight)})"


def span() -> Film:
    """Draw one filter that spans three channels and sums over all of them into one map."""
    result = convolve(PATCH, FILTER, BIAS)
    steps = windows(PATCH.shape[-1], FILTER.shape[-1])
    frames = [_span_frame(result, done, *place) for done, place in enumerate(steps)]
    last = [int(v) for v in channel_sums(*steps[-1])]
    text = (
        "One filter of shape {filter} has a slice for each of the three colour channels. At every "
        "place the slices' sums over red, green and blue are added to each other and to the bias; "
        "at the last place {red} + {green} + {blue} + bias {bias} = {total}. The result is one "
        "number, and the whole filter gives one map of shape {map}, not one map per channel."
    )
    alt = text.format(
        filter=spoken(FILTER.shape),
        red=last[0],
        green=_bracket(last[1]),
        blue=last[2],
        bias=_bracket(BIAS),
        total=number(result[-1, -1]),
        map=spoken((1, *result.shape)),
    )
    return Film(frames, [2600] + [1200] * (len(frames) - 2) + [3800], alt)


def channel_sums(row: int, column: int) -> np.ndarray:
    """Return what each channel adds to the map at (row, column), ``[3]``."""
    return (under(PATCH, FILTER, row, column) * FILTER).sum(axis=(1, 2))


def _span_frame(result, done, row, column):
    sheet = Sheet(880, 540, scale=1)
    cell, image_x, kernel_x, sum_x, out_x = 25, 104, 312, 470, 676
    sheet.write(image_x + 62, 28, _("image"), 18, bold=True)
    sheet.write(image_x + 62, 52, shape(PATCH.shape), 15, mono=True, color=MUTED)
    sheet.write(kernel_x + 37, 28, _("one filter"), 18, bold=True)
    sheet.write(kernel_x + 37, 52, shape(FILTER.shape), 15, mono=True, color=MUTED)
    sums = channel_sums(row, column)
    for channel, top in enumerate((76, 216, 356)):
        _channel(sheet, channel, top, row, column, (image_x, kernel_x, cell))
        sheet.write(kernel_x + 108, top + 62, "=", 22)
        sheet.box(sum_x - 26, top + 44, 52, 36, face="#f0f0f0", round=6)
        sheet.write(sum_x, top + 63, number(sums[channel]), 18)
        sheet.arrow((sum_x + 32, top + 62), (594, 278 + 12 * (channel - 1)), line=1.5)
    _one_map(sheet, result, done, row, column, out_x)
    rule = _("One filter gives one map. Six filters, as in {layer}, give six maps.")
    sheet.write(440, 512, rule.format(layer="nn.Conv2d(3, 6, 5)"), 16)
    return sheet.image()


def _channel(sheet, channel, top, row, column, places):
    image_x, kernel_x, cell = places
    tint = [(1, 0.86, 0.8), (0.83, 0.95, 0.86), (0.83, 0.9, 1)][channel]
    name = (_("red"), _("green"), _("blue"))[channel]
    sheet.write(image_x - 14, top + 62, name, 16, ha="right")
    sheet.cells(PATCH[channel], image_x, top, cell, face=lambda v: tint, size=14)
    _outline(sheet, image_x + column * cell, top + row * cell, 3 * cell)
    sheet.write((image_x + 5 * cell + kernel_x) / 2, top + 62, "∗", 28)
    sheet.cells(FILTER[channel], kernel_x, top + 25, cell, face=lambda v: TINT[ORANGE], size=14)
    _outline(sheet, kernel_x, top + 25, 3 * cell)


def _one_map(sheet, result, done, row, column, x):
    cell, top = 46, 209
    sums = " + ".join(_bracket(v) for v in channel_sums(row, column))
    sheet.ring(610, 278, 32, edge=PINK)
    sheet.write(610, 277, "+", 24)
    sheet.write(610, 350, _("bias {bias}").format(bias=number(BIAS)), 16)
    sheet.arrow((610, 336), (610, 298), line=1.5)
    sheet.arrow((630, 278), (x - 8, 278))
    sheet.write(x + 69, top - 54, _("one map"), 18, bold=True)
    sheet.write(x + 69, top - 28, shape((1, *result.shape)), 15, mono=True, color=MUTED)
    _output(sheet, result, done, x, top, cell)
    total = number(result[row, column])
    line = f"{sums} + {_bracket(BIAS)} = {total}"
    sheet.write(x + 69, top + 172, line, 15, mono=True)
