"""Two lanes of a race: what was recorded on a machine with a GPU, or is measured on this one."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from labkit.text import _, ngettext
from labkit.timing import clock, recordings

BATCHES = (4, 16, 64)
"""Batch sizes of a race that is measured here."""


@dataclass(frozen=True)
class Race:
    """Images trained per second: ``lanes`` is ``{name: {batch: rate}}``; ``source`` says whence."""

    source: str
    lanes: dict[str, dict[int, float]]

    @property
    def batches(self) -> list[int]:
        """The batch sizes that every lane has."""
        return sorted(set.intersection(*map(set, self.lanes.values())))


def recorded(folder: str | Path = recordings.FOLDER) -> Race | None:
    """Return CPU against GPU from the newest recording of a GPU in ``folder``; None without one."""
    found = sorted(recordings.gpu_recordings(folder), key=lambda one: one.date)
    if not found:
        return None
    rates = {name: by_width.get(1, {}) for name, by_width in clock.rates(found[-1].results).items()}
    names = {"cpu": _("CPU"), **{name: _("GPU") for name in rates if name != "cpu"}}
    race = Race(found[-1].heading, {names[name]: row for name, row in rates.items()})
    return race if len(race.lanes) > 1 and race.batches else None


def measured() -> Race | None:
    """Measure training steps on the CPU with one thread and with all; None with one core.

    It takes about three seconds.
    """
    most = max(torch.get_num_threads(), _cores())
    if most == 1:
        return None
    lanes = {}
    for threads in (1, most):
        name = ngettext("{n} thread", "{n} threads", threads).format(n=threads)
        settings = [clock.Setting("cpu", batch) for batch in BATCHES]
        results = [clock.run(setting, cpu_threads=threads) for setting in settings]
        lanes[name] = {one.setting.batch: one.images_per_second for one in results}
    return Race(_("Measured on this machine's CPU, now"), lanes)


def in_words(rates: dict[str, float], batch: int) -> str:
    """Say which of two lanes is ahead, and how many times as fast it is."""
    slow, fast = sorted(rates, key=rates.__getitem__)
    return _(
        "Batches of {batch}: {fast} trains on {high:,.0f} images per second, {slow} on {low:,.0f}. "
        "That is {times:.2g} times as many."
    ).format(
        batch=batch,
        fast=fast,
        slow=slow,
        high=rates[fast],
        low=rates[slow],
        times=rates[fast] / rates[slow],
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
