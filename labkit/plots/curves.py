"""How training goes: losses by epoch, several runs side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from labkit.plots.base import BLUE, INK, ORANGE, Plot, plain, plain_axes
from labkit.text import _, written


def loss_curve(
    at: Sequence[float],
    running_loss: Sequence[float],
    validation_loss: Sequence[float],
    *,
    resumed_at: float | None = None,
) -> Plot:
    """Draw the running training loss, and the validation loss after each epoch.

    ``at`` says for each number of ``running_loss`` how many epochs were done, with fractions;
    ``validation_loss`` has one number for each finished epoch. The lowest one is ringed.
    ``resumed_at`` marks where a run was resumed, in epochs.
    """
    plot = Plot(7.0, 3.2)
    axes = plain_axes(plot)
    plot.alt = loss_sentence(running_loss, validation_loss)
    if resumed_at is not None:
        axes.axvline(resumed_at, color=INK, linestyle=":", label=_("resumed"))
        plot.alt += " " + _("It was resumed after {n:.2f} epochs.").format(n=resumed_at)
    dot = "o" if len(running_loss) == 1 else ""  # a line of one point would not be seen
    axes.plot(at, running_loss, f"{dot}-", color=BLUE, label=_("training, running"))
    if len(validation_loss):
        epochs = range(1, len(validation_loss) + 1)
        axes.plot(epochs, validation_loss, "s--", color=ORANGE, label=_("validation"))
        best = int(np.argmin(validation_loss))
        axes.plot(best + 1, validation_loss[best], "o", ms=13, mfc="none", mec=INK, mew=1.5)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set(xlabel=_("epochs"), ylabel=_("loss"))
    if len(running_loss):
        axes.legend(frameon=False)
    return plot


def loss_sentence(running_loss: Sequence[float], validation_loss: Sequence[float]) -> str:
    """Return what ``loss_curve`` shows, in words."""
    if not len(running_loss):
        return _("Nothing is trained yet.")
    text = (
        _("The running training loss goes from {first} to {last}.")
        if len(running_loss) > 1
        else _("The running training loss begins at {first}.")
    )
    sentences = [text.format(first=_say(running_loss[0]), last=_say(running_loss[-1]))]
    if len(validation_loss):
        best = int(np.argmin(validation_loss))
        text = (
            _("The validation loss is {last:.2f} after epoch {n}, the lowest so far.")
            if best == len(validation_loss) - 1
            else _(
                "The validation loss is {last:.2f} after epoch {n}; it was lowest after epoch "
                "{best}, {value:.2f}, and has risen since."
            )
        )
        numbers = {"last": validation_loss[-1], "value": validation_loss[best]}
        sentences.append(text.format(n=len(validation_loss), best=best + 1, **numbers))
    return " ".join(sentences)


def _say(loss: float) -> str:
    return written(loss, ".2f" if loss < 1000 else ".1e")


def side_by_side(
    runs: Mapping[str, tuple[int, Sequence[float], Sequence[float]]],
) -> Plot:
    """Draw several runs in panels of one scale, the lowest validation loss of each ringed.

    ``runs`` gives for each name the images in an epoch, and the training and the validation loss
    by epoch. Validation of the first run is repeated in grey in the others, to compare with.
    """
    runs = {_(name): run for name, run in runs.items()}
    columns = min(3, len(runs))
    rows = -(-len(runs) // columns)
    plot = Plot(3.0 * columns, 0.4 + 2.1 * rows)
    panels = plot.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
    first, sentences = next(iter(runs.values())), []
    for axes, (name, (images, training, validation)) in zip(panels, runs.items(), strict=False):
        plain(axes)
        shown = [images * epoch for epoch in range(1, len(validation) + 1)]
        if validation is not first[2]:
            uncured = [first[0] * epoch for epoch in range(1, len(first[2]) + 1)]
            axes.plot(uncured, first[2], color="#9a9a9a", linestyle=":")
        axes.plot(shown, training, color=BLUE, label=_("training"))
        axes.plot(shown, validation, "--", color=ORANGE, label=_("validation"))
        best = int(np.argmin(validation))
        axes.plot(shown[best], validation[best], "o", ms=11, mfc="none", mec=INK, mew=1.5)
        axes.set_title(name, fontsize=10)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.xaxis.set_major_formatter(lambda value, _position: written(value, ",.0f"))
        axes.set_ylim(0)
        sentences.append(_side_sentence(name, shown, training, validation))
    for axes in panels[len(runs) :]:
        axes.set_axis_off()
    plot.supxlabel(_("images shown"), fontsize=10)
    plot.supylabel(_("loss"), fontsize=10)
    _legend_beside(plot, panels, len(runs))
    plot.alt = " ".join(sentences)
    return plot


def _legend_beside(plot: Plot, panels, used: int) -> None:
    """Put the legend into the first panel left free, or into the first of all."""
    handles, labels = panels[0].get_legend_handles_labels()
    if used > 1:
        handles.append(panels[1].lines[0])
        labels.append(_("validation, nothing done"))
    free = panels[used] if used < len(panels) else panels[0]
    free.legend(handles, labels, frameon=False, loc="center" if used < len(panels) else "best")


def _side_sentence(name: str, shown, training, validation) -> str:
    best = int(np.argmin(validation))
    return _(
        "{name}: training loss {training:.2f} at the end; validation loss lowest after {n:,} "
        "images, {lowest:.2f}, at the end {last:.2f}."
    ).format(
        name=name,
        training=training[-1],
        n=shown[best],
        lowest=validation[best],
        last=validation[-1],
    )
