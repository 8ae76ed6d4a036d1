"""Images and what is in them: galleries, colour channels, values, class balance, times."""

from collections.abc import Sequence
from math import floor, log10

import numpy as np
from numpy.typing import ArrayLike

from labkit.plots.base import BLUE, CYCLE, INK, OVER_THE_LINE, Plot, plain_axes, show, tiles
from labkit.text import _, ngettext, written

_CHANNELS = ("#C02020", "#0A7A3C", "#1F5FC4")  # red, green, blue, each 4.5:1 or more on white


def gallery(images: Sequence[np.ndarray], captions: Sequence[str], *, columns: int = 8) -> Plot:
    """Draw images in rows, each under its caption.

    ``images`` are ``[H, W, 3]`` uint8 (or float in 0..1), of any size, as many as ``captions``.
    """
    if len(images) != len(captions) or not len(images):
        text = _("{n} images and {m} captions: give as many of both, and at least one.")
        raise ValueError(text.format(n=len(images), m=len(captions)))
    captions = [_(str(caption)) for caption in captions]
    size = 1.05 if min(columns, len(images)) > 5 else 1.5  # a few images are drawn larger
    plot = tiles(images, captions, columns=columns, size=(size, size + 0.2))
    plot.alt = ngettext(
        "{n} image, read by rows: {captions}.",
        "{n} images, read by rows: {captions}.",
        len(images),
    ).format(n=len(images), captions=", ".join(captions))
    return plot


def class_rows(images: np.ndarray, labels: ArrayLike, classes: Sequence[str], *, each: int = 8):
    """Draw the first ``each`` images of every class, one class to a row.

    ``images`` is ``[N, H, W, 3]`` uint8, ``labels`` N numbers of ``classes``. A class with fewer
    images leaves its row short. Returns a figure.
    """
    labels = np.asarray(labels)
    plot = Plot(1.3 + 0.62 * each, 0.66 * len(classes))
    axes = plot.subplots(len(classes), each, squeeze=False)
    for number, name in enumerate(classes):
        chosen = np.flatnonzero(labels == number)[:each]
        for ax, place in zip(axes[number], chosen, strict=False):
            show(ax, images[place])
        for ax in axes[number]:
            ax.set_axis_off()
        first = axes[number, 0]
        first.text(-0.15, 0.5, name, transform=first.transAxes, ha="right", va="center")
    text = _("Rows of up to {each} images, one row per class: {classes}.")
    plot.alt = text.format(each=each, classes=", ".join(classes))
    return plot


def channels(image: np.ndarray) -> Plot:
    """Draw an image ``[H, W, 3]`` uint8 and its red, green and blue channel beside it."""
    names = (_("red"), _("green"), _("blue"))
    means = [float(image[..., channel].mean()) for channel in range(3)]
    plot = Plot(7.6, 2.3)
    row = plot.subplots(1, 4)
    show(row[0], image, _("all three"))
    for channel, (ax, name, mean) in enumerate(zip(row[1:], names, means, strict=True)):
        text = _("{name}, mean {mean:.0f}").format(name=name, mean=mean)
        show(ax, image[..., channel], text, cmap="gray", vmin=0, vmax=255)
        ax.title.set_color(_CHANNELS[channel])
    plot.alt = _(
        "An image and its three channels in grey, bright where there is much of that colour: "
        "mean red {red:.0f}, green {green:.0f}, blue {blue:.0f} of 255."
    ).format(red=means[0], green=means[1], blue=means[2])
    return plot


def histograms(before: np.ndarray, after: np.ndarray) -> Plot:
    """Draw how often each value occurs per channel, before and after a transform.

    Both are ``[N, 3, H, W]`` float.
    """
    plot = Plot(7.6, 2.6)
    names = (_("red"), _("green"), _("blue"))
    sentences = []
    for place, (title, values) in enumerate(((_("before"), before), (_("after"), after)), start=1):
        ax = plain_axes(plot, 1, 2, place)
        edges = np.linspace(values.min(), values.max(), 41)
        for channel, name in enumerate(names):
            counts = np.histogram(values[:, channel], edges)[0]
            look = {"color": _CHANNELS[channel], "linestyle": CYCLE[channel][1]}
            ax.stairs(counts, edges, label=name, linewidth=1.4, **look)
        ax.axvline(0, color=INK, linewidth=0.8)
        ax.set(title=title, xlabel=_("value"), ylabel=_("how often"), yticks=[])
        ax.legend(frameon=False, fontsize=8)
        sentences.append(_summary(title, values))
    text = _("Histograms of red, green and blue. {before} {after}")
    plot.alt = text.format(before=sentences[0], after=sentences[1])
    return plot


def class_balance(counts: dict[str, Sequence[int]], classes: Sequence[str]) -> Plot:
    """Draw how many images each class has, one panel per split (name -> counts per class)."""
    plot = Plot(7.6, 0.9 + 0.24 * len(classes))
    for place, (split, numbers) in enumerate(counts.items(), start=1):
        ax = plain_axes(plot, 1, len(counts), place)
        bars = ax.barh(range(len(classes)), numbers, color=BLUE)
        texts = [written(n, ",") for n in numbers]
        ax.bar_label(bars, labels=texts, padding=3, fontsize=8, bbox=OVER_THE_LINE)
        ax.set_yticks(range(len(classes)), classes if place == 1 else [])
        title = f"{split} ({written(sum(numbers), ',')})"
        ax.set(title=title, xlim=(0, 1.3 * max(*numbers, 1)))
        ax.invert_yaxis()
        ax.grid(visible=False, axis="y")
        ax.locator_params(axis="x", nbins=3)
    plot.alt = _("Bars of the images per class. {splits}.").format(
        splits="; ".join(_spread(split, numbers, classes) for split, numbers in counts.items())
    )
    return plot


def bars(names: Sequence[str], values: Sequence[float], *, unit: str, title: str = "") -> Plot:
    """Draw one bar per measured value with the number at its end, in the order given."""
    plot = Plot(7.0, 0.9 + 0.36 * len(names))
    names, unit, title = [_(name) for name in names], _(unit), _(title)
    ax = plain_axes(plot)
    texts = [f"{_number(value)} {unit}" for value in values]
    drawn = ax.barh(range(len(names)), values, color=BLUE)
    ax.bar_label(drawn, labels=texts, padding=4, fontsize=9, bbox=OVER_THE_LINE)
    ax.set_yticks(range(len(names)), names)
    ax.set(title=title, xlabel=unit, xlim=(0, 1.25 * max(values)))
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    pairs = "; ".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True))
    plot.alt = _("Bars. {title} {pairs}.").format(title=title, pairs=pairs)
    return plot


def _spread(split: str, numbers: Sequence[int], classes: Sequence[str]) -> str:
    few, many = int(np.argmin(numbers)), int(np.argmax(numbers))
    if numbers[few] == numbers[many]:
        return _("{split}: {n:,} of every class").format(split=split, n=numbers[few])
    return _("{split}: from {few:,} ({poorest}) to {many:,} ({richest})").format(
        split=split,
        few=numbers[few],
        poorest=classes[few],
        many=numbers[many],
        richest=classes[many],
    )


def _summary(title: str, values: np.ndarray) -> str:
    return _("{title}: from {low:.1f} to {high:.1f}, mean {mean:.2f}, deviation {std:.2f}.").format(
        title=title, low=values.min(), high=values.max(), mean=values.mean(), std=values.std()
    )


def _number(value: float) -> str:
    """Write three digits that count, never an exponent: 0.0123, 4.56, 1,234."""
    if value <= 0:
        return written(value, "g")
    decimals = max(0, 2 - floor(log10(value)))
    return written(value, f",.{decimals}f")
