"""answers.png: what the network of notebook 0 predicts for three images that it never saw."""

from draw.style import MUTED, RUST, Sheet
from labkit.data import load
from labkit.plots.base import BLUE, ORANGE
from labkit.text import _, written

RECORDED = {
    29: {"cat": 0.811, "horse": 0.118, "dog": 0.047},
    13: {"bird": 0.986, "airplane": 0.009, "ship": 0.003},
    22: {"truck": 0.774, "automobile": 0.208, "bird": 0.010},
}
"""Drawn validation images, and the three likeliest classes of each.

The first training run of notebook 0 after ``torch.manual_seed(0)``, on 2026-11-27 with torch
2.14.1 on an AMD EPYC.
"""

SIDE, TILE, BAR = 128, 300, 84
"""In pixels: an image, an image with its bars, a bar of 100 %."""


def draw() -> Sheet:
    """Draw three images, the true class above each, and the predicted probabilities as bars."""
    shown = load("drawn").validation
    sheet = Sheet(3 * TILE - 10, 186)
    sentences = []
    for place, (number, chances) in enumerate(RECORDED.items()):
        x = 14 + place * TILE
        truth = shown.classes[shown.targets[number]]
        first = next(iter(chances))
        correct = first == truth
        mark = _("✓ correct") if correct else _("✗ wrong")
        sheet.write(x, 20, truth, 16, bold=True, ha="left")
        sheet.write(x + SIDE + 12, 20, mark, 16, color=BLUE if correct else RUST, ha="left")
        sheet.pixels(shown.data[number], x, 40, SIDE)
        for row, (name, chance) in enumerate(chances.items()):
            _bar(sheet, x + SIDE + 12, 46 + 44 * row, name, chance, BLUE if correct else ORANGE)
        sentences.append(
            ("{truth}: {chances} ({mark})").format(
                truth=truth,
                chances=", ".join(f"{name} {chance:.0%}" for name, chance in chances.items()),
                mark=mark,
            )
        )
    sheet.alt = (
        "Three drawn images that the network of notebook 0 never saw, with its three likeliest "
        "classes. {sentences}."
    ).format(sentences="; ".join(sentences))
    return sheet


def _bar(sheet: Sheet, x: float, y: float, name: str, chance: float, colour: str) -> None:
    sheet.write(x, y, name, 14, ha="left")
    sheet.box(x, y + 12, max(2, BAR * chance), 12, face=colour, edge=colour, round=0)
    sheet.write(x + BAR * chance + 8, y + 18, written(chance, ".0%"), 14, color=MUTED, ha="left")
