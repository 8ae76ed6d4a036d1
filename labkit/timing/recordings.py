"""Tables that were measured elsewhere and travel with the package (``record_gpu.py`` makes one)."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.device import recorded
from labkit.text import _, written
from labkit.timing.clock import Result, Setting, Timing

FOLDER = Path(__file__).parent / "recorded"
FORMAT = 1


@dataclass(frozen=True)
class RecordedGrid:
    """A measured grid, with what it was measured on and when."""

    device: str
    date: str
    versions: dict[str, str]
    results: tuple[Result, ...]

    @property
    def heading(self) -> str:
        """Say that this was recorded, on which device, when, and with what."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        text = _("Recorded on {device}, {date}, {versions}")
        return text.format(device=recorded(self.device), date=self.date, versions=versions)


def load(path: str | Path) -> RecordedGrid:
    """Read a recording; raise ValueError if the file is none."""
    try:
        content: Any = json.loads(Path(path).read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise KeyError("format")
        content["results"] = tuple(map(_result, content["results"]))
        return RecordedGrid(**content)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        text = _("{path} is no recording of timings; make one with record_gpu.py.")
        raise ValueError(text.format(path=path)) from error


def gpu_recordings(folder: str | Path = FOLDER) -> list[RecordedGrid]:
    """Return the recordings from GPUs that the package brings along, none if there are none."""
    return [load(path) for path in sorted(Path(folder).glob("gpu_*.json"))]


def _result(content: dict) -> Result:
    timing = Timing(tuple(content["timing"]["samples"])) if content["timing"] else None
    setting = Setting(**content["setting"])
    return Result(setting, timing, content["peak_bytes"], content["note"])


def columns() -> tuple[str, ...]:
    """Return the headings that belong to `rows`."""
    return (
        _("device"),
        _("width"),
        _("batch"),
        _("how"),
        _("ms per step"),
        _("images per second"),
        _("peak memory"),
    )


def rows(results: Sequence[Result]) -> tuple[tuple[str, ...], ...]:
    """Return one row of text per result: by device, then width, then batch size."""
    return tuple(_row(result) for result in sorted(results, key=_place))


def _place(result: Result) -> tuple[str, int, int]:
    setting = result.setting
    return setting.device, setting.width, setting.batch


def _row(result: Result) -> tuple[str, ...]:
    setting, timing, peak = result.setting, result.timing, result.peak_bytes
    how = [setting.precision]
    how += [_("channels last")] * setting.channels_last + [_("compiled")] * setting.compiled
    times, rate = result.note, "-"
    if timing:
        times = _("{median:.2f} ({low:.2f} to {high:.2f})").format(
            median=timing.median * 1e3,
            low=min(timing.samples) * 1e3,
            high=max(timing.samples) * 1e3,
        )
        rate = written(result.images_per_second, ",.0f")
    memory = "-" if peak is None else _("{n} MB").format(n=math.ceil(peak / 1e6))
    named = (setting.device, str(setting.width), str(setting.batch), ", ".join(how))
    return (*named, times, rate, memory)
