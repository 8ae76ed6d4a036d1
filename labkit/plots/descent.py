"""Draw the loss: as probabilities, as a curve, as a landscape that optimizers walk down."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy
from matplotlib.colors import LinearSegmentedColormap

from labkit.plots.base import BLUE, CYCLE, INK, ORANGE, Plot, plain_axes
from labkit.text import _, written

HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#7e9ab3", "#cbd7e1", "#f0e7d5"])
"""From a low loss to a high one, on every map of a loss: blue to sand, pale beside a path."""


def softmax_bars(
    classes: Sequence[str], logits: numpy.ndarray, probabilities: numpy.ndarray, label: int
) -> Plot:
    """Draw one image's logits beside the probabilities made of them; mark the true class."""
    plot = Plot(8, 0.4 + 0.24 * max(len(classes), 4))
    places = numpy.arange(len(classes))
    colours = [ORANGE if place == label else BLUE for place in places]
    for number, (values, title) in enumerate(
        [(logits, _("logit")), (probabilities, _("probability"))], 1
    ):
        axes = plain_axes(plot, 1, 2, number)
        bars = axes.barh(places, values, color=colours)
        bars[label].set_hatch("//")
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(places, classes if number == 1 else [""] * len(classes))
        axes.invert_yaxis()
        axes.set_title(title, fontsize=10)
    likeliest = int(numpy.argmax(probabilities))
    plot.alt = _(
        "Logits from {low:.2f} to {high:.2f} become {n} probabilities that sum to "
        "{total:.2f}. The largest is {likeliest} with {p:.3f}; the true class, {true}, hatched, "
        "has {q:.3f}."
    ).format(
        low=min(logits),
        high=max(logits),
        n=len(classes),
        total=sum(probabilities),
        likeliest=classes[likeliest],
        p=probabilities[likeliest],
        true=classes[label],
        q=probabilities[label],
    )
    return plot


def loss_curve(probability: numpy.ndarray, loss: numpy.ndarray, guess: float) -> Plot:
    """Draw the loss over the probability of the true class; mark the blind guess."""
    plot = Plot(6, 3)
    axes = plain_axes(plot)
    axes.plot(probability, loss, color=BLUE, linewidth=2)
    at = float(numpy.interp(guess, probability, loss))
    axes.plot(guess, at, "s", color=ORANGE)
    axes.annotate(
        _("blind guess: {loss:.2f}").format(loss=at),
        (guess, at),
        xytext=(12, 6),
        textcoords="offset points",
    )
    axes.set_xlabel(_("probability of the true class"))
    axes.set_ylabel(_("loss"))
    plot.alt = _(
        "The loss falls from {first:.2f} at a probability of {low:.2f} to {last:.2f} at "
        "{high:.2f}, steeply at first. At {guess:.2f}, the blind guess, it is {at:.2f}."
    ).format(
        first=loss[0],
        low=probability[0],
        last=loss[-1],
        high=probability[-1],
        guess=guess,
        at=at,
    )
    return plot


def descents(
    weight: numpy.ndarray,
    loss: numpy.ndarray,
    paths: Mapping[str, tuple[Sequence[float], Sequence[float]]],
) -> Plot:
    """Draw one curve of loss over a weight for each path, with the path's steps on it.

    ``paths`` names each path and gives its weights and losses, from the start on. What leaves the
    range of ``weight`` is cut off, and the alt text says so. Raises ValueError without a path.
    """
    if not paths:
        raise ValueError(_("There is no path to draw: give at least one."))
    plot = Plot(min(3.2 * len(paths), 9.6), 3)
    told = []
    for number, (name, (weights, losses)) in enumerate(paths.items(), 1):
        axes = plain_axes(plot, 1, len(paths), number)
        axes.plot(weight, loss, color=BLUE, linewidth=2)
        axes.plot(weights, losses, "o--", color=ORANGE, markersize=4, linewidth=1)
        axes.plot(weights[0], losses[0], "s", color=INK, markersize=6)
        margin = 0.08 * (max(loss) - min(loss))
        axes.set_xlim(weight[0], weight[-1])
        axes.set_ylim(min(loss) - margin, max(loss) + margin)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel(_("weight"))
        if number == 1:
            axes.set_ylabel(_("loss"))
        text = (
            _("{name}: after {n} steps the loss went from {first:.2f} to {last:.2f}, off the map")
            if abs(weights[-1]) > max(abs(weight))
            else _("{name}: after {n} steps the loss went from {first:.2f} to {last:.2f}")
        )
        told.append(text.format(name=name, n=len(losses) - 1, first=losses[0], last=losses[-1]))
    plot.alt = "; ".join(told) + "."
    return plot


def landscape(
    first: numpy.ndarray,
    second: numpy.ndarray,
    loss: numpy.ndarray,
    paths: Mapping[str, numpy.ndarray],
) -> Plot:
    """Draw a loss over two weights as a map with contour lines, and paths ``[steps, 2]`` on it.

    ``loss`` is ``[len(second), len(first)]``. The alt text names where each path begins and ends.
    """
    plot = Plot(6, 4.2)
    axes = plot.add_subplot()
    levels = loss.min() + (loss.max() - loss.min()) * numpy.linspace(0, 1, 19) ** 2  # fine below
    axes.contourf(first, second, loss, levels=levels, cmap=HEIGHTS)
    lines = axes.contour(first, second, loss, levels=levels[2:-2:2], colors=INK, linewidths=0.5)
    axes.clabel(lines, fontsize=8, fmt=lambda level: written(level, ".1f"))
    told = []
    looks = cycle(CYCLE)
    for (name, path), (colour, style, marker) in zip(paths.items(), looks, strict=False):
        path = numpy.asarray(path)
        (line,) = axes.plot(path[:, 0], path[:, 1], color=colour, linestyle=style, label=name)
        line.set(linewidth=2, marker=marker, markersize=8, markevery=[-1])
        told.append(
            _("{name} goes from ({a:.2f}, {b:.2f}) to ({c:.2f}, {d:.2f})").format(
                name=name, a=path[0, 0], b=path[0, 1], c=path[-1, 0], d=path[-1, 1]
            )
        )
    axes.set(xlim=(first[0], first[-1]), ylim=(second[0], second[-1]))
    axes.set_xlabel(_("weight 1"))
    axes.set_ylabel(_("weight 2"))
    plot.legend(loc="outside right upper", frameon=False)
    plot.alt = _(
        "A map of the loss over two weights, from {low:.2f} (blue) to {high:.2f} (sand). {paths}."
    ).format(low=loss.min(), high=loss.max(), paths="; ".join(told))
    return plot
