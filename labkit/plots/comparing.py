"""Measure and show in one: devices side by side, a recorded GPU, how busy a device is."""

import html
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from labkit.device import synchronize
from labkit.display import ProgressBar
from labkit.plots import Plot
from labkit.plots import speed as figures
from labkit.text import _
from labkit.timing import clock as timing
from labkit.timing import recordings
from labkit.timing.clock import Result, Setting, training_step
from labkit.timing.utilisation import Trace, why_not

FEW, MANY = 4, 64
"""The two batch sizes that the lab compares."""


@dataclass(frozen=True, repr=False)
class Comparison:
    """What was measured; in Jupyter a chart, the sentences of ``notes``, and a folded table.

    The table stands alone, unfolded, where there is no second batch size to draw a line to.
    """

    results: tuple[Result, ...]
    caption: str
    notes: tuple[str, ...] = ()

    @property
    def rates(self) -> dict[str, dict[int, dict[int, float]]]:
        """Images per second as ``{device: {width: {batch: rate}}}``, of plain settings alone."""
        return timing.rates(self.results)

    @property
    def chart(self) -> Plot | None:
        """The rates against the batch size, or CPU against GPU; None where there is no line."""
        found = self.rates
        if not any(len(row) > 1 for by_width in found.values() for row in by_width.values()):
            return None
        return figures.speed(found, timing.crossovers(found) if "cpu" in found else {})

    @property
    def times_as_long(self) -> dict[str, float]:
        """For each device: the time of a step of `MANY` images, divided by that of `FEW`."""
        rows = {name: by_width.get(1, {}) for name, by_width in self.rates.items()}
        return {
            name: (MANY / row[MANY]) / (FEW / row[FEW])
            for name, row in rows.items()
            if FEW in row and MANY in row
        }

    @property
    def table(self) -> figures.Table:
        """All the numbers, one row for each setting."""
        return figures.Table(self.caption, recordings.columns(), recordings.rows(self.results))

    def __repr__(self) -> str:
        return "\n".join([str(self.table), *self.notes])

    def _repr_html_(self) -> str:
        chart, table = self.chart, self.table._repr_html_()
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        if chart is None:
            return table + notes
        title = html.escape(_("The numbers behind the chart"))
        folded = f"<details><summary>{title}</summary>{table}</details>"
        return chart._repr_html_() + notes + folded


def compare(
    devices: Iterable[str | torch.device],
    batches: Iterable[int],
    widths: Iterable[int] = (1,),
    *,
    limit: float = 25.0,
    **how: Iterable,
) -> Comparison:
    """Measure a training step of `Net` on each device, at each batch size and width.

    A bar shows how far it is.

    devices, batches, widths: as in `timing.settings`
    limit: in seconds; what would start later is left out, and noted
    how: ``precisions``, ``channels_last`` and ``compiled``, as in `timing.settings`
    """
    names = dict.fromkeys(str(device) for device in devices)
    grid = timing.settings(names, batches, widths, **how)
    with ProgressBar(total=len(grid), leave=False, delay=3) as bar:
        results = timing.run_all(grid, limit=limit, on_result=lambda _result: bar.update())
    return Comparison(tuple(results), _("Measured on this machine, now"))


def cpu_and_gpu(device: str | torch.device, folder: str | Path = recordings.FOLDER) -> Comparison:
    """Return CPU and GPU side by side, at two batch sizes or more.

    If ``device`` is a GPU, both are measured here. Else the newest recording of a GPU is shown;
    if there is none, the CPU is measured alone, and a note says so.
    """
    recorded = sorted(recordings.gpu_recordings(folder), key=lambda one: one.date)
    if torch.device(device).type == "cpu" and recorded:
        shown = Comparison(recorded[-1].results, recorded[-1].heading)
        source = _("{heading}.").format(heading=shown.caption)
    else:
        shown = compare(["cpu", device], [FEW, MANY])
        source = _("Measured on this machine, now.")
        if torch.device(device).type == "cpu":
            source += " " + _(
                "No GPU has been recorded for this notebook yet: this is the CPU alone."
            )
    says = _(
        "{device}: a step with {many} images takes {times:.1f} times as long as one with {few}."
    )
    notes = (
        says.format(device=name, many=MANY, few=FEW, times=times)
        for name, times in shown.times_as_long.items()
    )
    return replace(shown, notes=(source, *notes))


def recorded_gpus(folder: str | Path = recordings.FOLDER) -> list[Comparison]:
    """Return one comparison for each GPU that was recorded; none if none was."""
    found = recordings.gpu_recordings(folder)
    return [Comparison(one.results, one.heading, (one.heading,)) for one in found]


def busy(
    device: str | torch.device, batches: Iterable[int] = (4, 256), *, seconds: float = 1.5
) -> Plot:
    """Train for some ``seconds`` at each batch size; draw how busy the device was meanwhile.

    Where PyTorch cannot ask the device, the CPU is watched instead, and the alt text says so.
    """
    watched = "cpu" if why_not(device) else str(device)
    parts = {}
    with Trace(watched) as trace:
        begin = time.perf_counter()
        for batch in batches:
            train_once = training_step(Setting(str(device), batch))
            train_once()  # warm-up
            now = time.perf_counter()
            parts[_("batch {batch}").format(batch=batch)] = now - begin
            while time.perf_counter() < now + seconds:
                train_once()
                synchronize(device)
    return figures.busy(trace.seconds, trace.percent, parts, watched)
