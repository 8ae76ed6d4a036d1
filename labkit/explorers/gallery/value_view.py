"""An image enlarged, and its values after each transform at the pixel under a cursor."""

from collections.abc import Sequence
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from labkit.explorers.gallery.compute import Stage
from labkit.explorers.shared.looks import SHEET, STATIC, joined
from labkit.text import _


class ValueView(anywidget.AnyWidget):
    """Move a cursor over one stage of an image, by mouse or arrow keys, and read the numbers.

    ``selected`` is the stage enlarged; ``row`` and ``column`` are where the cursor is; the
    browser, once open, moves it and tells. It draws; the numbers and the words come from here.
    """

    _esm = joined(STATIC / "stage.js", Path(__file__).with_name("value_view.js"))
    _css = SHEET

    stages = traitlets.List(traitlets.Dict()).tag(sync=True)
    values = traitlets.Bytes().tag(sync=True)
    selected = traitlets.Int(0).tag(sync=True)
    row = traitlets.Int(0).tag(sync=True)
    column = traitlets.Int(0).tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    def __init__(self):
        """Start empty, the cursor in the middle: ``show`` brings the first image."""
        super().__init__(words=_words(), row=16, column=16)

    def show(self, stages: Sequence[Stage], title: str) -> None:
        """Show another image; cursor and selected stage stay where they are as far as they can.

        Where there are more or fewer stages than before, the last is selected.
        """
        with self.hold_sync():
            if len(stages) != len(self.stages):
                self.selected = len(stages) - 1
            self.stages = [_described(*numbered) for numbered in enumerate(stages)]
            numbers = [np.ascontiguousarray(stage.values, "<f4") for stage in stages]
            self.values = b"".join(each.tobytes() for each in numbers)
            self.title = title
            height, width = stages[self.selected].values.shape[1:]
            self.row, self.column = min(self.row, height - 1), min(self.column, width - 1)
            self.revision += 1

    @property
    def sentence(self) -> str:
        """Return what the selected stage shows."""
        return f"{self.title} {self.stages[self.selected]['says']}" if self.stages else self.title


def _described(place: int, stage: Stage) -> dict:
    low, high = stage.range
    return {
        "name": stage.name,
        "kind": stage.kind,
        "note": _("at random") if stage.random else "",
        "shape": list(stage.values.shape),
        "low": low,
        "high": high,
        "digits": _digits(stage),
        "says": _says(stage),
        "cursor": (
            _("Row {{row}}, column {{column}} after {name}: {{values}}.").format(name=stage.name)
            if place
            else _("Row {row}, column {column} of the image: {values}.")
        ),
    }


def _digits(stage: Stage) -> int:
    """Return how many decimals tell one value of the stage from the next."""
    if stage.values.dtype.kind in "uib":
        return 0
    low, high = stage.range
    return 3 if high - low <= 30 else 1


def _says(stage: Stage) -> str:
    planes = stage.values.reshape(len(stage.values), -1).astype(np.float64)
    digits = _digits(stage)
    each = _("{name} from {low} to {high}, mean {mean}")
    channels = "; ".join(
        each.format(
            name=name,
            low=_number(plane.min(), digits),
            high=_number(plane.max(), digits),
            mean=_number(plane.mean(), max(digits, 1)),
        )
        for name, plane in zip(channel_names(len(planes)), planes, strict=True)
    )
    return _("{stage} ({kind}): {channels}.").format(
        stage=stage.name[:1].upper() + stage.name[1:], kind=stage.kind, channels=channels
    )


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def channel_names(count: int) -> list[str]:
    """Return the names of one or three channels."""
    return [_("grey")] if count == 1 else [_("red"), _("green"), _("blue")]


def _words() -> dict:
    """Return every word that the browser shows, translated here because it cannot do it."""
    return {
        "grey": channel_names(1),
        "colours": channel_names(3),
        "place": _("row {row}, column {column}"),
        "range": _("black {low}, white {high}"),
        "histogram": _("histogram"),
        "enlarged": _("Enlarged"),
        "help": _("Arrow keys or the mouse move the cursor; page up and page down change stages."),
    }
