"""An image enlarged, and its values after each transform at the pixel under a cursor."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labkit.explorers.gallery.compute import Shown
from labkit.explorers.shared.looks import STATIC
from labkit.explorers.shared.stage import Stage, menu, script
from labkit.text import _, written


class ValueView(Stage):
    """Move a cursor over one stage of an image, by mouse or arrow keys, and read the numbers.

    ``settings`` says which stage is enlarged ("selected") and where the cursor is ("row" and
    "column").
    """

    _esm = script(STATIC / "chart.js", Path(__file__).with_name("stage.js"))

    def __init__(self):
        """Start empty, the cursor in the middle: ``show_image`` brings the first image."""
        super().__init__(
            words=_words(),
            controls=[menu("selected", _("Enlarged"), [], wide=True)],
            scene={"title": "", "stages": [], "values": b""},
            settings={"selected": 0, "row": 16, "column": 16},
        )

    def show_image(self, stages: Sequence[Shown], title: str) -> None:
        """Show another image; cursor and selected stage stay where they are as far as they can.

        Where there are more or fewer stages than before, the last is selected.
        """
        numbers = [np.ascontiguousarray(stage.values, "<f4").tobytes() for stage in stages]
        described = [_described(*numbered) for numbered in enumerate(stages)]
        with self.hold_sync():
            if len(stages) != len(self.scene["stages"]):
                self.set(selected=len(stages) - 1)
            self.scene = {"title": title, "stages": described, "values": b"".join(numbers)}

    @property
    def sentence(self) -> str:
        """Return what the selected stage shows."""
        selected = min(self.settings["selected"], len(self.scene["stages"]) - 1)
        return f"{self.scene['title']} {self.scene['stages'][selected]['says']}"


def _described(place: int, stage: Shown) -> dict:
    low, high = stage.range
    return {
        "name": stage.name,
        "kind": stage.kind,
        "note": _("at random") if stage.random else "",
        "shape": list(stage.values.shape),
        "low": low,
        "high": high,
        "digits": stage.digits,
        "says": _says(stage),
        "cursor": (
            _("Row {{row}}, column {{column}} after {name}: {{values}}.").format(name=stage.name)
            if place
            else _("Row {row}, column {column} of the image: {values}.")
        ),
    }


def _says(stage: Shown) -> str:
    planes = stage.values.reshape(len(stage.values), -1).astype(np.float64)
    each = _("{name} from {low} to {high}, mean {mean}")
    names = channel_names(len(planes))
    channels = "; ".join(
        each.format(
            name=name,
            low=_number(plane.min(), stage.digits),
            high=_number(plane.max(), stage.digits),
            mean=_number(plane.mean(), max(stage.digits, 1)),
        )
        for name, plane in zip(names, planes, strict=True)
    )
    name = stage.name[:1].upper() + stage.name[1:]
    return _("{stage} ({kind}): {channels}.").format(stage=name, kind=stage.kind, channels=channels)


def _number(value: float, digits: int) -> str:
    return written(value, f".{digits}f").replace("-", "−")


def channel_names(count: int) -> list[str]:
    """Return the names of one or three channels."""
    return [_("grey")] if count == 1 else [_("red"), _("green"), _("blue")]


def _words() -> dict:
    return {
        "grey": channel_names(1),
        "colours": channel_names(3),
        "place": _("row {row}, column {column}"),
        "range": _("black {low}, white {high}"),
        "histogram": _("histogram"),
        "help": _("Arrow keys or the mouse move the cursor; page up and page down change stages."),
    }
