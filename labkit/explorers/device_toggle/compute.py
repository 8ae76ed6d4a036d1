"""Two lanes of a race: what was recorded on a machine with a GPU, or is measured on this one."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from labkit.device import cores
from labkit.display import escaped
from labkit.text import _, in_two_digits, ngettext, written
from labkit.timing import clock, recordings

BATCHES, SECONDS = (4, 16, 64), 6
"""Batch sizes of a race that is measured here; how long the slower one of two trains in it."""


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
    most = max(torch.get_num_threads(), cores())
    if most == 1:
        return None
    lanes = {}
    for threads in (1, most):
        name = ngettext("{n} thread", "{n} threads", threads).format(n=threads)
        settings = [clock.Setting("cpu", batch) for batch in BATCHES]
        results = [clock.run(setting, cpu_threads=threads) for setting in settings]
        lanes[name] = {one.setting.batch: one.images_per_second for one in results}
    return Race(_("Measured on this machine's CPU, now"), lanes)


def drawn(rates: dict[str, float], batch: int) -> str:
    """Return HTML: a bar for each of two lanes, which fills as fast as that one trains."""
    slow, fast = sorted(rates, key=rates.__getitem__)
    digits = math.floor(math.log10(rates[slow] * SECONDS)) - 1
    goal = max(1, round(rates[slow] * SECONDS, -digits))
    rows = "".join(_lane(name, rate, goal) for name, rate in rates.items())
    times = rates[fast] / rates[slow]
    text = _(
        "Training with batches of {batch}: {low:,.0f} images per second ({slow}) and {high:,.0f} "
        "({fast}), {times} times as many."
    )
    if times < 1.1:
        text = _(
            "Training with batches of {batch}: {low:,.0f} images per second ({slow}) and "
            "{high:,.0f} ({fast}), about the same."
        )
    numbers = {"high": rates[fast], "low": rates[slow], "times": in_two_digits(times)}
    said = text.format(batch=batch, fast=fast, slow=slow, **numbers)
    table = f'<table class="lk-bars">{rows}</table>'
    return f'<div class="lk-race">{table}<p role="status">{escaped(said)}</p></div>'


def _lane(name: str, rate: float, goal: float) -> str:
    unit, seconds = _("{n} images/s").format(n=written(rate, ",.0f")), goal / rate
    return (
        f'<tr><th scope="row">{escaped(name)}</th>'
        f'<td><i style="animation-duration: {seconds:.2f}s"></i></td><td>{unit}</td>'
        f'<td style="animation-delay: {seconds:.2f}s">'
        f"{written(goal, ',.0f')} ✓ {written(seconds, '.2f')} s</td></tr>"
    )
