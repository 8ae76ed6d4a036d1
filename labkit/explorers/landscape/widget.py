"""Step size: an optimizer walks down a loss of one or two weights, with every setting in reach."""

from collections.abc import Sequence
from pathlib import Path

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

from labkit.explorers.landscape import draw as figures
from labkit.explorers.landscape.compute import LANDSCAPES, OPTIMIZERS, Landscape, Walk, named, walk
from labkit.explorers.shared.looks import (
    SHEET,
    STATIC,
    Busy,
    Explorer,
    Slider,
    joined,
    reporting,
    row,
)
from labkit.text import _

RATES = tuple(
    round(digits * scale, 6)
    for scale in (0.001, 0.01, 0.1, 1)
    for digits in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 9, 9.5)
    if digits * scale <= 3 and (digits < 9 or scale == 0.1)
)
MOMENTA = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
STEPS = 100


class WalkStage(anywidget.AnyWidget):
    """A landscape with a walk on it up to ``position``, and the loss over the steps.

    ``chosen`` is the place that is clicked, until Python has heard of it.
    """

    _esm = joined(
        STATIC / "stage.js", *map(Path(__file__).with_name, ("walk_scene.js", "stage.js"))
    )
    _css = SHEET

    reach = traitlets.List().tag(sync=True)
    heights = traitlets.List().tag(sync=True)
    marks = traitlets.Dict().tag(sync=True)
    levels = traitlets.List().tag(sync=True)
    colours = traitlets.List().tag(sync=True)
    places = traitlets.List().tag(sync=True)
    curve = traitlets.Bytes().tag(sync=True)
    map = traitlets.Bytes().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    slopes = traitlets.Bytes().tag(sync=True)
    losses = traitlets.Bytes().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    says = traitlets.List(traitlets.Unicode()).tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    chosen = traitlets.List().tag(sync=True)
    position = traitlets.Int(0).tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)

    def show(self, walk: Walk) -> None:
        """Show another walk; the position stays."""
        with self.hold_sync():
            if self.words.get("name") != walk.landscape.name:
                self._show_ground(walk.landscape, len(walk.losses) - 1)
            self.weights, self.slopes = _bytes(walk.weights), _bytes(walk.slopes)
            self.losses = _bytes(walk.losses)
            self.said, self.says = figures.sentence(walk, self.position), []
            read = [figures.number(loss) for loss in walk.losses]
            self.words = self.words | {"losses_read": read}
            self.revision += 1
        self.says = figures.sentences(walk)  # the walk need not wait for them

    def _show_ground(self, ground: Landscape, steps: int) -> None:
        _sides, heights = ground.heights(241)
        low, high = float(heights.min()), float(heights.max())
        flat = len(ground.reach) == 2
        self.reach = [list(ends) for ends in ground.reach]
        self.heights = list(figures.margin(low, high))
        self.marks = {
            "weights": [figures.ticks(*ends) for ends in ground.reach],
            "loss": figures.ticks(low, high),
            "steps": figures.ticks(0, steps),
        }
        self.levels, self.colours = figures.levels(ground).tolist(), figures.colours()
        self.places = [
            {
                "weights": place.weights,
                "loss": place.loss,
                "kind": place.kind,
                "label": figures.place_name(place.kind),
            }
            for place in ground.places
        ]
        self.curve = b"" if flat else _bytes(heights)
        self.map = figures.height_map(ground) if flat else b""
        self.words = _words(ground)


class LandscapeExplorer(Explorer):
    """Choose landscape, optimizer, learning rate, momentum and start; watch the walk.

    ``walk`` holds the numbers shown: torch.optim's own steps, `STEPS` of them.
    """

    def __init__(self, landscape: str = "bowl"):
        """Start on the landscape of that name, with plain SGD."""
        names = [(figures.title(ground), ground) for ground in LANDSCAPES]
        self.landscape = widgets.Dropdown(
            options=names, value=named(landscape), description=_("Landscape")
        )
        self.optimizer = widgets.Dropdown(options=list(OPTIMIZERS), description=_("Optimizer"))
        for menu in (self.landscape, self.optimizer):
            menu.add_class("lk-narrow")  # all six in one line
        self.learning_rate = Slider.of(
            _("Learning rate"), [f"{rate:g}" for rate in RATES], RATES.index(0.1)
        )
        self.momentum = Slider.of(_("Momentum"), [f"{value:g}" for value in MOMENTA])
        self.start = (Slider(label=_("Start at w"), step=0.05), Slider(label="w₂", step=0.05))
        self.stage = WalkStage(position=12).add_class("lk-walk")
        settings = (self.landscape, self.optimizer, self.learning_rate, self.momentum)
        super().__init__(row(*settings, *self.start), screen=self.stage)
        self._busy = Busy()
        self.landscape.observe(self._enter, "value")
        for control in (self.optimizer, self.learning_rate, self.momentum, *self.start):
            control.observe(self._redraw, "value")
        self.stage.observe(self._choose, "chosen")
        self._enter()

    def _enter(self, _change=None) -> None:
        """Go to the start of the chosen landscape."""
        ground: Landscape = self.landscape.value
        with self._busy:
            for slider, (low, high) in zip(self.start, ground.reach, strict=False):
                with slider.hold_sync():
                    slider.minimum, slider.maximum = low, high
            self.start[0].label = _("Start at w") if len(ground.reach) == 1 else _("Start at w₁")
            self.start[1].layout.display = "none" if len(ground.reach) == 1 else None
            self._put(ground.start)
        self._redraw()

    def _choose(self, change) -> None:
        if change["new"]:
            with self._busy:
                self._put(change["new"])
            self._redraw()
            self.stage.chosen = []  # the same place may be clicked again

    def _put(self, start: Sequence[float]) -> None:
        """Move the sliders of the start to their nearest stops."""
        for slider, weight in zip(self.start, start, strict=False):
            slider.value = round(weight / slider.step) * slider.step

    @reporting
    def _redraw(self, _change=None) -> None:
        if self._busy:
            return
        ground = self.landscape.value
        self.walk = walk(
            ground,
            self.optimizer.value,
            RATES[self.learning_rate.value],
            MOMENTA[self.momentum.value],
            [slider.value for slider in self.start[: len(ground.reach)]],
            STEPS,
        )
        self.stage.show(self.walk)

    def still(self) -> tuple[bytes, str]:
        """Return the whole walk with its loss, and what became of it."""
        setting = _("{optimizer}, learning rate {rate:g}, momentum {momentum:g}, {place}.").format(
            optimizer=self.optimizer.value,
            rate=RATES[self.learning_rate.value],
            momentum=self.walk.momentum,
            place=figures.title(self.walk.landscape),
        )
        picture = figures.walked(self.walk, setting)
        return picture.png(), picture.alt


def _bytes(values: np.ndarray) -> bytes:
    return np.asarray(values, dtype="<f8").tobytes()


def _words(ground: Landscape) -> dict:
    """Return every word that the browser shows, translated here because it cannot do it."""
    return {
        "name": ground.name,
        "title": _("loss = {formula}").format(formula=ground.formula),
        "losses": _("loss after each step"),
        "step": _("step"),
        "steps": _("Steps"),
        "left": _("off the map: loss {loss}"),
        "start": _("start"),
        "now": _("now"),
        "slope": _("slope (the gradient)"),
        "downhill": _("straight downhill (against the gradient)"),
        "speed": _("Speed"),
        "a second": _("{n} a second"),
        "reset": _("Reset"),
        "one step": _("Step"),
        "play": _("Play"),
        "pause": _("Pause"),
    }
