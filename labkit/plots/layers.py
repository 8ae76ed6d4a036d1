"""Draw what is inside a network: its kernels and its feature maps."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy

from labkit.plots.base import CYCLE, INK, Plot, plain_axes, tiles
from labkit.text import _, ngettext


def maps(values: numpy.ndarray) -> Plot:
    """Draw feature maps ``[C, H, W]`` side by side, on one grey scale for all of them.

    White is the largest number of all maps; black is the smallest, or 0 if none is negative.
    """
    values = _shaped(values, 3)
    low, high = min(float(values.min()), 0.0), float(values.max())
    size = " x ".join(map(str, values.shape[1:]))
    alt = ngettext(
        "{n} feature map of {size}, from {low:.2f} (black) to {high:.2f} (white); "
        "map {largest} has the largest number.",
        "{n} feature maps of {size}, from {low:.2f} (black) to {high:.2f} (white); "
        "map {largest} has the largest number.",
        len(values),
    ).format(n=len(values), size=size, low=low, high=high, largest=int(values.max((1, 2)).argmax()))
    limits = {"cmap": "gray", "vmin": low, "vmax": high if high > low else low + 1}
    return _grid(list(values), [str(n) for n in range(len(values))], limits, alt)


def filters(weights: numpy.ndarray, title: str = "") -> Plot:
    """Draw filters ``[out, in, height, width]``: in colour for 3 input channels, else grey.

    Middle grey is 0 and the largest weight in size is full bright or dark. With other than 3
    input channels the mean over the input channels is drawn.
    """
    weights = _shaped(weights, 4)
    largest = float(abs(weights).max()) or 1.0
    coloured = weights.shape[1] == 3
    shown = weights.transpose(0, 2, 3, 1) if coloured else weights.mean(1)
    strongest = int(abs(weights).sum((1, 2, 3)).argmax())
    size = " x ".join(map(str, weights.shape[1:]))
    alt = _(
        "{n} filters of {size} weights between {low:.2f} and {high:.2f}, grey where a weight "
        "is 0; filter {strongest} has the strongest weights."
    ).format(n=len(weights), size=size, low=weights.min(), high=weights.max(), strongest=strongest)
    limits = {"cmap": "gray", "vmin": 0, "vmax": 1}
    images = list(shown / (2 * largest) + 0.5)
    return _grid(images, [str(n) for n in range(len(images))], limits, alt, _(title))


def side_by_side(images: Sequence[numpy.ndarray], titles: Sequence[str]) -> Plot:
    """Draw images ``[H, W]`` (each on its own grey scale) or ``[H, W, 3]`` side by side."""
    titles = [_(title) for title in titles]
    alt = _("{n} images: {titles}.").format(n=len(images), titles=", ".join(titles))
    return _grid(list(images), titles, {"cmap": "gray"}, alt)


def curves(x: numpy.ndarray, lines: Mapping[str, numpy.ndarray], xlabel: str = "x") -> Plot:
    """Draw functions over one axis, with a name at each; the alt text tells their course."""
    plot = Plot(7, 3)
    axes = plain_axes(plot)
    lines, xlabel = {_(name): y for name, y in lines.items()}, _(xlabel)
    for (name, y), (colour, style, _marker) in zip(lines.items(), cycle(CYCLE), strict=False):
        axes.plot(x, y, style, color=colour, label=name, linewidth=2)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel(xlabel)
    axes.legend(frameon=False)
    courses = "; ".join(_course(name, x, y) for name, y in lines.items())
    text = _("For {xlabel} from {low:g} to {high:g}: {courses}.")
    plot.alt = text.format(xlabel=xlabel, low=x[0], high=x[-1], courses=courses)
    return plot


def _course(name: str, x: numpy.ndarray, y: numpy.ndarray) -> str:
    """Say where a curve begins and ends, and where its peak or its lowest point lies between."""
    high, low = int(numpy.argmax(y)), int(numpy.argmin(y))
    peak, valley = y[high] > max(y[0], y[-1]), y[low] < min(y[0], y[-1])
    if peak and valley:
        text = _(
            "{name} goes from {first:.3g} to {last:.3g}, with its peak of {peak:.3g} at {high:.3g} "
            "and its lowest point, {valley:.3g}, at {low:.3g}"
        )
    elif peak:
        text = _(
            "{name} goes from {first:.3g} to {last:.3g}, with its peak of {peak:.3g} at {high:.3g}"
        )
    elif valley:
        text = _(
            "{name} goes from {first:.3g} to {last:.3g}, with its lowest point, {valley:.3g}, at "
            "{low:.3g}"
        )
    else:
        text = _("{name} goes from {first:.3g} to {last:.3g}")
    places = {"peak": y[high], "high": x[high], "valley": y[low], "low": x[low]}
    return text.format(name=name, first=y[0], last=y[-1], **places)


def _shaped(values: numpy.ndarray, axes: int) -> numpy.ndarray:
    values = numpy.asarray(values)
    if values.ndim != axes or not values.size:
        text = _("An array with {axes} axes is needed, not one of shape {shape}.")
        raise ValueError(text.format(axes=axes, shape=list(values.shape)))
    return values


def _grid(images: list, titles: list[str], limits: dict, alt: str, title: str = "") -> Plot:
    side = min(1.6, 7.4 / min(len(images), 8))
    plot = tiles(images, titles, columns=8, size=(side, side + 0.2), **limits)
    plot.alt = alt
    if title:
        plot.suptitle(title, fontsize=11, color=INK)
        plot.set_figheight(plot.get_figheight() + 0.3)
    return plot
