"""A live run as a still image, for readers without a kernel: what ``learning.js`` draws."""

import numpy as np

from labkit.plots.base import BLUE, INK, ORANGE, Plot, plain_axes
from labkit.plots.curves import draw_loss
from labkit.text import written


def still(frame: dict) -> Plot:
    """Draw the losses over the line of blind guessing, the filters, and the answer to one image."""
    plot = Plot(8.4, 3.9)
    grid = plot.add_gridspec(2, 2, width_ratios=(3, 2), height_ratios=(4, 1))
    _draw_losses(plain_axes(plot, grid[0, 0]), frame)
    if "filters" in frame:
        _draw_filters(plot.add_subplot(grid[1, 0]), frame)
    if "bars" in frame:
        _draw_answer(plot, grid[:, 1], frame)
    return plot


def _draw_losses(axes, frame: dict) -> None:
    at, losses = _points(frame["curve"])
    validation = _points(frame["validation"])[1]
    draw_loss(axes, at, losses, validation)
    blind = frame.get("blind")
    if blind:
        words = frame["words"]["blind"].format(n=round(np.exp(blind)), loss=written(blind, ".2f"))
        axes.axhline(blind, color=INK, linestyle=(0, (5, 4)), linewidth=1)
        axes.text(frame["epochs"], blind, words, ha="right", va="bottom", fontsize=9)
    usual = blind or (losses[0] if len(losses) else 1.0)
    highest = max(usual, *losses, *validation, 0)
    axes.set_ylim(0, 1.15 * min(highest, 3 * usual))
    axes.set_xlim(0, frame["epochs"])


def _draw_filters(axes, frame: dict) -> None:
    n, height, width, _channels = frame["filter shape"]
    row = np.full((height, n * (width + 1) - 1, 3), 255, np.uint8)
    for number, each in enumerate(_pixels(frame["filters"], frame["filter shape"])):
        row[:, number * (width + 1) :][:, :width] = each
    axes.imshow(row, interpolation="nearest")
    axes.set_title(frame["words"]["filters"], fontsize=9)
    axes.set_axis_off()


def _draw_answer(plot: Plot, place, frame: dict) -> None:
    inner = place.subgridspec(2, 1, height_ratios=(1, 2))
    if "image" in frame:
        shown = plot.add_subplot(inner[0])
        shown.imshow(_pixels(frame["image"], frame["image shape"]), interpolation="nearest")
        truth = next((name for name, _share, right in frame["bars"] if right), "")
        shown.set_title(frame["words"]["truth"].format(name=truth), fontsize=9)
        shown.set_axis_off()
    axes = plain_axes(plot, inner[1])
    names, shares, right = zip(*frame["bars"], strict=True)
    colours = [ORANGE if each else BLUE for each in right]
    axes.barh(range(len(names)), shares, color=colours, height=0.7)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    for label, each in zip(axes.get_yticklabels(), right, strict=True):
        label.set_fontweight("bold" if each else "normal")
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _position: written(value, ".0%"))


def _points(data: bytes) -> np.ndarray:
    points = np.frombuffer(data, np.float32).reshape(-1, 2)
    return points[np.isfinite(points).all(axis=1)].T


def _pixels(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(data, np.uint8).reshape(shape)
