"""Step size: an optimizer walks down a loss of one or two weights, with every setting in reach."""

from pathlib import Path

import numpy as np

from labkit.explorers.landscape import draw
from labkit.explorers.landscape.compute import LANDSCAPES, OPTIMIZERS, Landscape, named, walk
from labkit.explorers.shared.looks import STATIC, Explorer
from labkit.explorers.shared.stage import Stage, menu, script, slider
from labkit.plots.descent import descents, landscape
from labkit.text import _, with_signs, written

RATES = tuple(
    round(digits * scale, 6)
    for scale in (0.001, 0.01, 0.1, 1)
    for digits in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 9, 9.5)
    if digits * scale <= 3 and (digits < 9 or scale == 0.1)
)
MOMENTA = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
STEPS = 100


class WalkStage(Stage):
    """A landscape with a walk on it up to a step, and the loss over the steps."""

    _esm = script(STATIC / "chart.js", *map(Path(__file__).with_name, ("walks.js", "stage.js")))


class LandscapeExplorer(Explorer):
    """Choose landscape, optimizer, learning rate, momentum and start; watch `STEPS` steps.

    They are those of torch.optim. ``stage.settings`` says where the controls stand: "landscape",
    "optimizer", "rate" and "momentum" by their place in the lists, "first" and "second" where the
    walk starts, and the "position" of the step that is shown.
    """

    def __init__(self, name: str = "bowl"):
        """Start on the landscape of that name, with plain SGD."""
        ground = named(name)
        self.stage = WalkStage(
            scene={
                "grounds": [_ground(each) for each in LANDSCAPES],
                "optimizers": list(OPTIMIZERS),
                "rates": RATES,
                "momenta": MOMENTA,
                "steps": STEPS,
                "colours": draw.colours(),
            },
            words=_words(),
            controls=[
                menu("landscape", _("Landscape"), [draw.title(each) for each in LANDSCAPES]),
                menu("optimizer", _("Optimizer"), list(OPTIMIZERS)),
                slider("rate", _("Learning rate"), texts=[written(rate, "g") for rate in RATES]),
                slider("momentum", _("Momentum"), texts=[written(value, "g") for value in MOMENTA]),
                slider("first", _("Start at w"), step=0.05),
                slider("second", "w₂", step=0.05),
            ],
            settings={
                "landscape": LANDSCAPES.index(ground),
                "optimizer": 0,
                "rate": RATES.index(0.1),
                "momentum": 0,
                "first": ground.start[0],
                "second": ground.start[-1],
                "position": 12,
            },
        )
        super().__init__(screen=self.stage)

    def still(self) -> tuple[bytes, str]:
        """Return the whole walk on its landscape, and where it has led."""
        now = self.stage.settings
        ground, optimizer = LANDSCAPES[now["landscape"]], list(OPTIMIZERS)[now["optimizer"]]
        rate, momentum = RATES[now["rate"]], MOMENTA[now["momentum"]]
        setting = _("{optimizer}, learning rate {rate:g}, momentum {momentum:g}, {place}.").format(
            optimizer=optimizer, rate=rate, momentum=momentum, place=draw.title(ground)
        )
        start = [now["first"], now["second"]][: len(ground.reach)]
        steps = walk(ground, optimizer, rate, momentum, start, STEPS)
        near = np.isfinite(steps.losses) & (np.abs(steps.losses) < 1e9)  # matplotlib's own limit
        weights, losses = steps.weights[near], steps.losses[near]
        sides, heights = ground.heights(161)
        if len(sides) == 1:
            picture = descents(*sides, heights, {optimizer: (weights[:, 0], losses)})
        else:
            picture = landscape(*sides, heights, {optimizer: weights})
        return picture.png(), f"{setting} {picture.alt}"


def _ground(ground: Landscape) -> dict:
    places = [
        {"weights": place.weights, "kind": place.kind, "label": draw.place_name(place.kind)}
        for place in ground.places
    ]
    formula = with_signs(_(ground.formula))
    names = ("name", "reach", "start")
    return {name: getattr(ground, name) for name in names} | {"formula": formula, "places": places}


def _words() -> dict:
    return {
        "weight": _("Start at w"),
        "first weight": _("Start at w₁"),
        "title": _("loss = {formula}"),
        "losses": _("loss after each step"),
        "step": _("step"),
        "position": _("Steps"),
        "left": _("off the map: loss {loss}"),
        "begin": _("start"),
        "now": _("now"),
        "slope": _("slope (the gradient)"),
        "downhill": _("straight downhill (against the gradient)"),
        "speed": _("Speed"),
        "a second": _("{n} a second"),
        "reset": _("Reset"),
        "one step": _("Step"),
        "play": _("Play"),
        "pause": _("Pause"),
        "infinity": _("infinity"),
        "million": _("more than a million"),
        "after one": draw.changes(1),
        "after more": draw.changes(2),
        "start": _("At the start, {place}, the loss is {loss} and the slope is {slope}."),
        "diverges": _("the step is far too large, the walk diverges."),
        "higher": _("the step is too large."),
        "lowest": _("it rests at the lowest place of all, where the slope is 0."),
        "local": _("it rests in a local minimum; the global minimum has {lowest}."),
        "saddle": _("the slope is 0, but this is a saddle point: to both sides it goes down."),
        "top": _("the slope is 0, but this is a maximum: it goes down from here."),
        "plain": _("with hardly any slope there is hardly any step."),
        "swings": _("each step jumps across the valley and back."),
        "carried": _("the momentum carries it uphill, past the floor."),
        "jumped": _("the last step was so long that it ended higher than it began."),
        "crawls": _("it crawls; {many} steps like the last one would cross the landscape."),
        "falls": _("it goes downhill; the slope here is {slope}."),
    }
