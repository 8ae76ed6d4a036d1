"""pipeline.png: the way of a batch from the disk over the loader's workers to the GPU."""

from draw.style import LINE, MUTED, RUST, TINT, Sheet
from labkit.plots.base import BLUE, GREEN, ORANGE
from labkit.text import _

ITEMS = 4
"""Pictures in a batch, as in the workshop's recipe."""


def draw() -> Sheet:
    """Draw two workers that each prepare whole batches in host memory, and the copy to the GPU."""
    text = (
        "The way of a batch, from left to right. Image files lie on the disk. In host memory two "
        "workers each take {n} items from the data set, transform them and stack them to a whole "
        "batch; the loader hands the batches out in order. Only .to(device) copies a batch on to "
        "the GPU's memory, where the model is."
    )
    alt = text.format(n=ITEMS)
    sheet = Sheet(900, 372, alt=alt)
    sheet.box(108, 14, 540, 344, face="#f7f7f7", edge=LINE)
    sheet.write(124, 38, _("host memory"), 16, bold=True, ha="left")
    sheet.box(762, 14, 130, 344, face="#e9f5f0", edge=GREEN, line=2)
    sheet.write(827, 38, _("GPU memory"), 15, bold=True)
    _disk(sheet, 54, 194)
    for worker, y in enumerate((62, 208)):
        sheet.arrow((88, 188 + 12 * worker), (120, y + 66), color=MUTED)
        _worker(sheet, worker, y)
        sheet.arrow((478, y + 66), (524, 188 + 12 * worker), color=MUTED)
    sheet.write(578, 112, _("DataLoader"), 15, bold=True)
    sheet.write(578, 134, _("batch by batch"), 14, color=MUTED)
    _stack(sheet, 536, 158, 1)
    sheet.write(578, 256, "[4, 3, 32, 32]", 14, mono=True)
    sheet.arrow((626, 194), (784, 194), color=ORANGE, line=4, mutation_scale=20)
    sheet.write(707, 168, ".to(device)", 15, mono=True, bold=True, color=RUST)
    _stack(sheet, 790, 158, 1)
    sheet.arrow((828, 240), (828, 280), color=MUTED)
    sheet.box(784, 284, 88, 46, face="white", edge=GREEN, line=1.6)
    sheet.write(828, 307, _("model"), 16)
    return sheet


def _disk(sheet, x, y):
    for i in range(3):
        sheet.box(x - 34 + 8 * i, y - 44 + 10 * i, 48, 44, face="white", edge=LINE, round=4)
    sheet.write(x, y + 42, _("disk"), 16, bold=True)
    sheet.write(x, y + 57, _("image files"), 14, color=MUTED, va="top")


def _worker(sheet, worker, y):
    """Draw a worker: the data set's items, the transforms, and the batch it makes of them."""
    sheet.box(124, y, 350, 134, face="white", edge=BLUE, line=1.6)
    title = _("worker {n}").format(n=worker)  # numbered from 0, as PyTorch does
    sheet.write(138, y + 20, title, 15, bold=True, ha="left", color=BLUE)
    steps = (_("data set"), _("items"), 136), (_("transforms"), _("tensors"), 254)
    for name, note, x in steps:
        sheet.box(x, y + 44, 92, 44)
        sheet.write(x + 46, y + 66, name, 15)
        sheet.write(x + 46, y + 108, f"{ITEMS} {note}", 14, color=MUTED)
        sheet.arrow((x + 94, y + 66), (x + 117, y + 66))
    _stack(sheet, 376, y + 26, worker + 1)
    sheet.write(418, y + 116, _("one batch"), 14, color=MUTED)


def _stack(sheet, x, y, n):
    """Draw the batch ``n`` as its images, one in front of the other."""
    for i in range(ITEMS):
        sheet.box(x + 10 * i, y + 8 * i, 52, 48, face=TINT[BLUE], edge=BLUE, round=3)
    sheet.write(x + 10 * (ITEMS - 1) + 26, y + 8 * (ITEMS - 1) + 24, str(n), 18, bold=True)
