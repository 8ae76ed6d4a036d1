"""tensor.png and batch.png: tensors of zero to four dimensions, with their shapes."""

import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap

from draw.sampler import samples
from draw.style import MUTED, TINT, Sheet, shape, spoken
from labkit.plots.base import BLUE
from labkit.text import _

CHANNELS = ("#ff5a4a", "#3fd06b", "#5aa2ff")
"""The hues in which red, green and blue channels are shown at their brightest."""

CHOSEN = (1, 2), (3, 4), (0, 0), (8, 0)
"""Class and number, in the sampler, of the pictures in the batch; the first is the item."""


def tensors() -> list[tuple[str, torch.Tensor]]:
    """Return the tensors of the upper row with what they are called."""
    counted = torch.arange(24).reshape(2, 3, 4)
    return [
        (_("scalar"), torch.tensor(7)),
        (_("vector"), torch.tensor([7, 2, 5, 1])),
        (_("matrix"), counted[0]),
        (_("3-dimensional tensor"), counted),
    ]


def draw() -> Sheet:
    """Draw a scalar, a vector, a matrix, a 3-d tensor, an image and a batch, with their shapes."""
    image, batch = images()
    row = tensors()
    named = [f"{name} ({spoken(value.shape) or ('no axis')})" for name, value in row]
    alt = (
        "Tensors and their shapes: {small}. Below, an image is three channels of 32 x 32 numbers, "
        "shape {image}, and a batch of four images has shape {batch}."
    ).format(small=", ".join(named), image=spoken(image.shape), batch=spoken(batch.shape))
    sheet = Sheet(880, 500, alt=alt)
    for (name, value), x in zip(row, (90, 240, 440, 714), strict=True):
        _title(sheet, x, 30, name, value)
        _numbers(sheet, x, 158, value)
    sheet.line((24, 262), (856, 262))
    _title(sheet, 238, 290, _("an image"), image)
    sheet.pixels(_pixels(image), 24, 350, 112)
    sheet.write(156, 406, "=", 26)
    for i, name in enumerate((_("red"), _("green"), _("blue"))):
        _channel(sheet, image, i, 176 + 96 * i, 362, 88)
        sheet.write(220 + 96 * i, 468, name, 15)
    _title(sheet, 672, 290, _("a batch of images"), batch)
    for i, picture in enumerate(batch):
        sheet.pixels(_pixels(picture), 492 + 92 * i, 364, 84)
    return sheet


def draw_batch() -> Sheet:
    """Draw what a data set gives beside what a loader gives: an item and a batch, axes named."""
    image, batch = images()
    names, labels = list(samples(1)), torch.tensor([label for label, _which in CHOSEN])
    alt = (
        "Left, one item of a data set: an image of shape {item}, three channels of 32 rows and 32 "
        "columns, and its label, {label}. Right, a batch: {n} such images in one tensor of shape "
        "{batch}, in the order N, C, H, W, and their {n} labels in another."
    ).format(
        item=spoken(image.shape),
        label=f"{labels[0]} ({names[labels[0]]})",
        n=len(batch),
        batch=spoken(batch.shape),
    )
    sheet = Sheet(880, 396, alt=alt)
    _heading(sheet, 158, _("an item"), image, "CHW")
    _item(sheet, image, 90, 136, 124)
    sheet.write(158, 354, _("label"), 15, color=MUTED)
    sheet.write(158, 377, f"{labels[0]}  {names[labels[0]]}", 15)
    sheet.line((300, 20), (300, 376))
    _heading(sheet, 596, _("a batch"), batch, "NCHW")
    sheet.arrow((334, 118), (858, 118), color=BLUE, arrowstyle="<|-|>")
    sheet.write(596, 118, f" N = {len(batch)} ", 15, color=BLUE, backgroundcolor="white")
    for i, picture in enumerate(batch):
        x = 334 + 134 * i
        _stack(sheet, picture, x, 166, 100)
        sheet.write(x + 61, 290, f"batch[{i}]", 15, mono=True)
        sheet.write(x + 61, 377, f"{labels[i]}  {names[labels[i]]}", 15)
    sheet.write(596, 354, _("labels {shape}").format(shape=shape(labels.shape)), 15, color=MUTED)
    return sheet


def images() -> tuple[torch.Tensor, torch.Tensor]:
    """Return one drawn image ``[3, 32, 32]`` and a batch of four that starts with it, uint8."""
    rows = list(samples().values())
    pictures = np.stack([rows[label][which] for label, which in CHOSEN])
    batch = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    return batch[0], batch


def _pixels(image: torch.Tensor) -> np.ndarray:
    return image.permute(1, 2, 0).numpy()


def _title(sheet, x, y, name, value):
    sheet.write(x, y, name, 18, bold=True)
    sheet.write(x, y + 26, shape(value.shape), 16, mono=True, color=MUTED)


def _numbers(sheet, x, y, value, cell=38):
    """Draw a tensor of up to three dimensions around (x, y), later sheets in front."""
    table = value.reshape((1,) * (3 - value.dim()) + value.shape).numpy()
    if value.dim() == 1:
        table = table.transpose(0, 2, 1)
    depth, height, width = table.shape
    left = x - (width * cell + (depth - 1) * cell) / 2
    top = y - (height * cell + (depth - 1) * cell) / 2
    for i, plane in enumerate(table):
        corner = left + i * cell, top + i * cell
        sheet.cells(plane, *corner, cell, face=lambda v: TINT[BLUE])
        outline = {"face": "none", "edge": BLUE, "line": 2, "round": 0}
        sheet.box(*corner, width * cell, height * cell, **outline)


def _heading(sheet, x, name, value, axes):
    """Write a name, the shape, and under each of its numbers the letter of its axis."""
    sheet.write(x, 26, name, 18, bold=True)
    text = shape(value.shape)
    sheet.write(x, 53, text, 16, mono=True)
    ends = [i for i, letter in enumerate(text) if letter in ",]"]
    letters = "".join(axes[ends.index(i + 1)] if i + 1 in ends else " " for i in range(len(text)))
    sheet.write(x, 76, letters, 16, mono=True, color=BLUE, bold=True)


def _channel(sheet, image, channel, x, y, side):
    cmap = LinearSegmentedColormap.from_list(
        "light", [(0, "black"), (0.75, CHANNELS[channel]), (1, "white")]
    )
    sheet.pixels(image[channel].numpy(), x, y, side, cmap=cmap)


def _stack(sheet, image, x, y, side, shift=11):
    """Draw the channels of an image one behind the other, red in front."""
    for channel in reversed(range(len(image))):
        left, top = x + channel * shift, y - channel * shift
        sheet.box(left - 2, top - 2, side + 4, side + 4, face="white", line=0, round=0)
        _channel(sheet, image, channel, left, top, side)


def _item(sheet, image, x, y, side):
    """Draw the channels of one image with arrows along C, H and W."""
    y += 24
    _stack(sheet, image, x, y, side)
    arrow = {"color": BLUE, "arrowstyle": "<|-|>"}
    sheet.arrow((x - 12, y), (x - 12, y + side), **arrow)
    sheet.write(x - 20, y + side / 2, "H = 32", 15, color=BLUE, ha="right")
    sheet.arrow((x, y + side + 12), (x + side, y + side + 12), **arrow)
    sheet.write(x + side / 2, y + side + 30, "W = 32", 15, color=BLUE)
    corner = x + side + 8, y + side + 6
    sheet.arrow(corner, (corner[0] + 26, corner[1] - 26), **arrow)
    sheet.write(corner[0] + 20, corner[1] + 4, "C = 3", 15, color=BLUE, ha="left")
