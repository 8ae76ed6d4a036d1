"""A network for a reader without a kernel: the image, all maps, the prediction."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from labkit.explorers.network.compute import Line, Reading
from labkit.explorers.shared.pixels import MUTED, SCALE, WHITE, fit, to_png, write
from labkit.plots.base import BLUE, INK
from labkit.text import _, written

WIDTH, LABEL, TILE, GAP, COLUMNS, LINES = 800, 110, 38, 4, 16, 10
IMAGE, STRIP, BAR = 110, 14, 15


def still(
    image: np.ndarray, name: str, reading: Reading, classes: Sequence[str]
) -> tuple[bytes, str]:
    """Draw a network's lines for an image, uint8 ``[H, W, 3]``; return a PNG and what it shows."""
    lines = [line for line in reading.lines if line.told["kind"] != "softmax"][: LINES + 1]
    tops, bottom = [], 8
    for number, line in enumerate(lines):
        tops.append(bottom)
        bottom += (IMAGE if number == 0 else STRIP if _is_vector(line) else TILE) + 12
    found, names = reading.probabilities, list(classes)
    shares = np.empty(0) if found is None else found
    if len(names) != len(shares):
        names = [_("class {n}").format(n=n) for n in range(len(shares))]
    best = sorted(np.argsort(-shares, kind="stable")[:10].tolist())
    sheet = Image.new("RGB", (SCALE * WIDTH, SCALE * (bottom + BAR * len(best) + 8)), WHITE)
    draw = ImageDraw.Draw(sheet)
    for number, (line, top) in enumerate(zip(lines, tops, strict=True)):
        write(draw, line.told["name"][-15:], (6, top), 12)
        if not _is_vector(line):
            size = " × ".join(map(str, line.values.shape))
            write(draw, size, (6, top + 16), 11, fill=MUTED)
        left = LABEL
        if number == 0:
            sheet.paste(fit(image, IMAGE), (SCALE * left, SCALE * top))
            left += IMAGE + 12
        _maps(sheet, line, left, top)
    for number, k in enumerate(best):
        top, length = bottom + BAR * number, 400 * float(shares[k])
        write(draw, names[k][:16], (6, top), 12)
        box = [LABEL, top + 2, LABEL + max(1, length), top + BAR - 2]
        draw.rectangle([SCALE * part for part in box], BLUE)
        write(draw, written(shares[k], ".1%"), (LABEL + length + 8, top), 12, fill=INK)
    return to_png(sheet), _say(name, reading, names)


def _is_vector(line: Line) -> bool:
    return line.values.shape[1:] == (1, 1)


def _maps(sheet: Image.Image, line: Line, left: int, top: int) -> None:
    """Paste the first maps of a line, or all of a vector as a strip, on one scale of grey."""
    low, high = min(float(line.values.min()), 0.0), float(line.values.max())
    shown = (line.values - low) / ((high - low) or 1) * 255
    levels = np.rint(np.nan_to_num(shown)).astype(np.uint8)
    if _is_vector(line):
        size = SCALE * (COLUMNS * (TILE + GAP) - GAP), SCALE * STRIP
        strip = Image.fromarray(levels[:, 0, 0][None]).resize(size, Image.Resampling.NEAREST)
        place = SCALE * left, SCALE * top
        sheet.paste(strip.convert("RGB"), place)
        far = place[0] + size[0] - 1, place[1] + size[1] - 1
        ImageDraw.Draw(sheet).rectangle([*place, *far], outline=MUTED)  # a white unit has an edge
        return
    for number, level in enumerate(levels[:COLUMNS]):
        place = SCALE * (left + number * (TILE + GAP)), SCALE * top
        sheet.paste(fit(level, TILE).convert("RGB"), place)


def _say(name: str, reading: Reading, names: Sequence[str]) -> str:
    layers = ", ".join(line.told["name"] for line in reading.lines[1:])
    text = _('What the network makes of the image "{name}", a line for each layer: {layers}.')
    said, shares = text.format(name=name, layers=layers), reading.probabilities
    if shares is None:
        return said
    best = int(shares.argmax())
    return f"{said} " + _("It predicts {name}, {share:.1%}.").format(
        name=names[best], share=shares[best]
    )
