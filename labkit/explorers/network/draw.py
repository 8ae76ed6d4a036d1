"""A network for a reader without a kernel: the image, all maps, the prediction."""

from collections.abc import Sequence

import numpy as np

from labkit.explorers.network.compute import LayerLine, Reading
from labkit.plots.base import BLUE, Plot, plain_axes
from labkit.text import _, written

LINES, MAPS, CLASSES = 10, 16, 10
"""At most so many lines are drawn, so many maps of each, and so many classes."""


def still(image: np.ndarray, name: str, reading: Reading, classes: Sequence[str]) -> Plot:
    """Draw a network's lines for an image, uint8 ``[H, W, 3]``, and what it predicts."""
    lines = [line for line in reading.lines if line.told["kind"] != "softmax"][: LINES + 1]
    shares = reading.probabilities
    names = list(classes)
    if shares is not None and len(names) != len(shares):
        names = [_("class {n}").format(n=n) for n in range(len(shares))]
    heights = [2.0, *(1.0 for _line in lines[1:]), *([3.0] if shares is not None else [])]
    plot = Plot(8, 0.5 * sum(heights), alt=_say(name, reading, names))
    grid = plot.add_gridspec(len(heights), 1, height_ratios=heights)
    for row, line in enumerate(lines):
        axes = plot.add_subplot(grid[row])
        axes.imshow(image if line is lines[0] else _side_by_side(line), cmap="gray")
        axes.set(xticks=[], yticks=[])
        size = " × ".join(map(str, line.values.shape[: 1 if _is_vector(line) else 3]))
        label = f"{line.told['name'][-15:]}\n{size}"
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    if shares is not None:
        best = sorted(np.argsort(-shares, kind="stable")[:CLASSES].tolist())
        axes = plain_axes(plot, grid[len(lines)])
        bars = axes.barh([names[k] for k in best], shares[best], color=BLUE)
        axes.bar_label(bars, [written(share, ".1%") for share in shares[best]], fontsize=8)
        axes.tick_params(labelsize=8)
        axes.set_xlim(0, 1.1)
        axes.invert_yaxis()
    return plot


def _is_vector(line: LayerLine) -> bool:
    return line.values.shape[1:] == (1, 1)


def _side_by_side(line: LayerLine) -> np.ndarray:
    """Return the first maps of a line in a row, with gaps, or all of a vector as a strip."""
    if _is_vector(line):
        return np.repeat(line.values[:, 0, 0][None], max(1, len(line.values) // 30), axis=0)
    gap = max(1, line.values.shape[2] // 8)
    maps = np.pad(line.values[:MAPS], ((0, 0), (0, 0), (0, gap)), constant_values=np.nan)
    return np.concatenate(list(maps), axis=1)


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
