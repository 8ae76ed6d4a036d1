"""How fast it trains: against the batch size, one device against another, and as a table."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from labkit.display import table
from labkit.plots.base import BLUE, CYCLE, INK, ORANGE, Plot, plain_axes
from labkit.text import _, in_two_digits, with_signs

Rates = Mapping[int, Mapping[int, float]]
"""Images per second as ``{width: {batch: rate}}``; what was not measured is left out."""


def speed(found: Mapping[str, Rates], crossovers: Mapping[str, Mapping[int, int | None]]) -> Plot:
    """Draw one device's speed, or, if there is a second one, where that one overtakes the CPU."""
    others = [name for name in found if name != "cpu"]
    if "cpu" in found and others:
        fast = others[0]
        return crossover(found["cpu"], found[fast], crossovers[fast], names=("cpu", fast))
    only = next(iter(found))
    return throughput(found[only], only)


def throughput(rates: Rates, device: str) -> Plot:
    """Draw images per second against the batch size, one line per width of the network."""
    plot = Plot(7.0, 3.6)
    axes = plain_axes(plot)
    sentences = [_("Images trained per second on {device}.").format(device=device)]
    for (width, row), style in zip(rates.items(), _STYLES, strict=False):
        if row:
            _line(axes, row, style, _("width {width}").format(width=width))
            sentences.append(_rate_sentence(width, row))
    _batch_axis(axes, rates)
    _log_axis(axes, "{0:,.0f}")
    axes.set_ylabel(_("images per second"))
    axes.set_title(_("Training on {device}").format(device=device), loc="left")
    _legend(axes)
    plot.alt = " ".join(sentences)
    return plot


def crossover(
    slow: Rates, fast: Rates, wins_from: Mapping[int, int | None], *, names: tuple[str, str]
) -> Plot:
    """Draw how many times as fast the second device trains; above 1 it wins.

    ``wins_from`` gives, for each width, the batch from which on it is ahead, or None.
    """
    base, other = names
    plot = Plot(7.0, 3.8)
    axes = plain_axes(plot)
    sentences = [_("Speed of {other} as a multiple of {base}.").format(other=other, base=base)]
    for (width, row), style in zip(fast.items(), _STYLES, strict=False):
        base_row = slow.get(width, {})
        ratio = {batch: row[batch] / base_row[batch] for batch in row if batch in base_row}
        if not ratio:
            continue
        _line(axes, ratio, style, _("width {width}").format(width=width))
        start = wins_from.get(width)
        sentences.append(_crossover_sentence(width, ratio, start, other))
        if start is not None:
            axes.plot(start, ratio[start], "o", ms=13, mfc="none", mec=INK, mew=1.6)
    _batch_axis(axes, fast)
    _log_axis(axes, "{0:g} x")
    low, high = axes.get_ylim()
    low, high = min(low, 0.5), max(high, 2)
    axes.set_ylim(low, high)
    axes.axhline(1, color=INK, linewidth=1.2)
    axes.axhspan(1, high, color=BLUE, alpha=0.07, zorder=0)
    faster = _("{device} is faster")
    axes.annotate(faster.format(device=other), (0.02, 0.98), xycoords="axes fraction", va="top")
    axes.annotate(faster.format(device=base), (0.98, 0.02), xycoords="axes fraction", ha="right")
    axes.set_ylabel(_("times as fast as {base}").format(base=base))
    title = _("A ring: from this batch on {other} wins").format(other=other)
    axes.set_title(title, loc="left")
    _legend(axes)
    plot.alt = " ".join(sentences)
    return plot


def step_times(seconds: Sequence[float]) -> Plot:
    """Draw how long each step took, first to last, with the median of the later half as a line."""
    milliseconds = [1e3 * one for one in seconds]
    later = sorted(milliseconds[len(milliseconds) // 2 :])
    usual = later[len(later) // 2]
    plot = Plot(7.0, 2.6)
    axes = plain_axes(plot)
    axes.plot(range(1, len(milliseconds) + 1), milliseconds, "o", color=BLUE, ms=5)
    axes.axhline(usual, color=ORANGE, linestyle="--", label=_("median of the later half"))
    _log_axis(axes, "{0:g}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(_("step"))
    axes.set_ylabel(_("milliseconds"))
    axes.legend(frameon=False)
    plot.alt = _(
        "The first of {n} steps takes {first:.1f} ms, {times:.1f} times the {usual:.1f} ms that a "
        "step of the later half takes in the median."
    ).format(n=len(milliseconds), first=milliseconds[0], times=milliseconds[0] / usual, usual=usual)
    return plot


def busy(
    seconds: Sequence[float], percent: Sequence[float], parts: Mapping[str, float], device: str
) -> Plot:
    """Draw how busy a device was; ``parts`` maps what was done to the second at which it began."""
    plot = Plot(7.0, 2.6)
    axes = plain_axes(plot)
    axes.plot(seconds, percent, color=BLUE, marker="o", ms=4)
    sentences = [_("How busy {device} was, in percent.").format(device=device)]
    ends = [*list(parts.values())[1:], float("inf")]
    for (name, start), end in zip(parts.items(), ends, strict=True):
        axes.axvline(start, color=INK, linewidth=1, linestyle=":")
        axes.annotate(f" {name}", (start, 103), va="bottom", annotation_clip=False)
        inside = [p for second, p in zip(seconds, percent, strict=True) if start <= second < end]
        if inside:
            sentences.append(
                _("{name}: {mean:.0f} % on average.").format(
                    name=name, mean=sum(inside) / len(inside)
                )
            )
    axes.set_ylim(0, 102)
    axes.set_xlabel(_("seconds"))
    axes.set_ylabel(_("busy, in %"))
    plot.alt = " ".join(sentences)
    return plot


_NUMBER = re.compile(r"[+−-]?\d(?:[\d.,]*\d)?(?: \S+)?")
"""A number with at most a unit: 12,345 or 87.5 %, and not the start of a numbered line."""


@dataclass(frozen=True)
class Table:
    """Rows of text under headings, with a caption; a real table in Jupyter, lines elsewhere."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = (
            "  ".join(
                text.rjust(width) if number in self._numbers else text.ljust(width)
                for number, (text, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )
        return "\n".join([self.caption, *padded])

    def _repr_html_(self) -> str:
        return table(self.columns, self.rows, caption=self.caption, right=self._numbers)

    @property
    def _numbers(self) -> set[int]:
        """Return which columns hold numbers; a note may stand where one is missing."""
        columns = enumerate(zip(*self.rows, strict=True))
        return {n for n, cells in columns if any(map(_NUMBER.fullmatch, cells))}


_STYLES = (*CYCLE, (INK, (0, (1, 1)), "v"))


def _line(axes, row: Mapping[int, float], style, label: str) -> None:
    colour, dashes, marker = style
    how = {"color": colour, "linestyle": dashes, "marker": marker, "label": label}
    axes.plot(list(row), list(row.values()), **how)


def _batch_axis(axes, rates: Rates) -> None:
    batches = sorted({batch for row in rates.values() for batch in row})
    axes.set_xscale("log", base=2)
    axes.set_xticks(batches, [str(batch) for batch in batches])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(_("batch size"))


def _log_axis(axes, numbers: str) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 2 * low:  # so that a small difference looks small
        low, high = low / 1.4, high * 1.4
        axes.set_ylim(low, high)
    wide = high > 5 * low  # else it might show a single number
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(5))
    axes.yaxis.set_major_formatter(lambda value, _place: with_signs(numbers.format(value)))
    axes.yaxis.set_minor_locator(NullLocator())


def _legend(axes) -> None:
    if len(axes.get_legend_handles_labels()[0]) > 1:  # a single line needs no name
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _rate_sentence(width: int, row: Mapping[int, float]) -> str:
    first, best = min(row), max(row, key=row.__getitem__)
    text = _("Width {width}: {start:,.0f} at batch {first}, at most {most:,.0f} at batch {best}.")
    return text.format(width=width, start=row[first], first=first, most=row[best], best=best)


def _crossover_sentence(
    width: int, ratio: Mapping[int, float], start: int | None, other: str
) -> str:
    if start is None:
        best = max(ratio, key=ratio.__getitem__)
        return _(
            "Width {width}: {other} is not ahead at the largest batch; at most it is {most} "
            "times as fast, at batch {best}."
        ).format(width=width, other=other, most=in_two_digits(ratio[best]), best=best)
    largest = max(ratio)
    return _(
        "Width {width}: from batch {start} on {other} wins, {most} times as fast at batch "
        "{largest}."
    ).format(
        width=width,
        start=start,
        other=other,
        most=in_two_digits(ratio[largest]),
        largest=largest,
    )
