"""splits.png: how many pictures train, validate and test, and what each part is for."""

from draw.style import MUTED, TINT, Sheet
from labkit.data.split import validation_size
from labkit.plots.base import BLUE, GREEN, ORANGE
from labkit.text import _, written

SOURCES = {"CIFAR-10": (50_000, 10_000), "drawn": (11_000, 2_000)}
"""Pictures for training (before any are held out) and for the test, of each source."""

LOOKS = (BLUE, ""), (ORANGE, "//"), (GREEN, "..")
"""Colour and hatching of the three parts."""


def parts(train: int, test: int) -> tuple[int, int, int]:
    """Return how many pictures train, validate and test."""
    held = validation_size(train)
    return train - held, held, test


def draw() -> Sheet:
    """Draw each source as a bar cut in three, to scale, and what the parts are for."""
    counts = {name: parts(*sizes) for name, sizes in SOURCES.items()}
    alt = (
        "Each source as a bar cut in three parts, to scale. {sources}. The training images are "
        "used in every step, the validation images after every epoch, the test images once."
    ).format(
        sources="; ".join(
            f"{name}: {a:,} for training, {b:,} for validation, {c:,} for the test"
            for name, (a, b, c) in counts.items()
        )
    )
    sheet = Sheet(880, 300, alt=alt)
    for row, (name, sizes) in enumerate(counts.items()):
        _bar(sheet, name, sizes, 46 + 86 * row)
    uses = (
        (_("training"), _("every step changes the weights")),
        (_("validation"), _("after every epoch, to choose and stop")),
        (_("test"), _("once, at the end")),
    )
    for x, (name, use), look in zip((24, 318, 692), uses, LOOKS, strict=True):
        _patch(sheet, x, 226, 26, 26, look)
        sheet.write(x + 38, 239, name, 16, bold=True, ha="left")
        sheet.write(x + 38, 266, use, 14, color=MUTED, ha="left")
    return sheet


def _bar(sheet, name, sizes, y):
    name = _("drawn") if name == "drawn" else name
    sheet.write(24, y + 18, name, 16, bold=True, ha="left")
    x, scale = 142, 714 / sum(sizes)
    for size, look in zip(sizes, LOOKS, strict=True):
        width = size * scale
        _patch(sheet, x, y, width, 38, look)
        sheet.write(x + width / 2, y - 14, written(size, ","), 15)
        x += width


def _patch(sheet, x, y, width, height, look):
    color, hatch = look
    face = {"face": TINT[color], "edge": color, "line": 1.6, "round": 0, "hatch": hatch}
    sheet.box(x, y, width, height, **face)
