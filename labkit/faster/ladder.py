"""The ladder from the recipe of notebook 0 to the fast one: each rung changes one thing."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.data.sets import ImageSet
from labkit.device import recorded
from labkit.faster.recipe import Recipe, accuracy, answer, by_clock, train
from labkit.text import N_, _, written

RECORDED = Path(__file__).with_name("recorded_ladder.json")
"""A ladder measured with photographs and judged on validation images."""


@dataclass(frozen=True)
class Rung:
    """A recipe, and the one thing in it that the rung below did not have."""

    name: str
    recipe: Recipe


def ladder() -> list[Rung]:
    """Return the rungs from the lowest up."""
    steps = [
        (N_("the recipe of notebook 0"), {}),
        (N_("batches cut from one array"), {"one_by_one": False}),
        (
            _("batches of 64, one-cycle learning rate"),
            {"batch_size": 64, "learning_rate": 0.05, "warmup": 0.2},
        ),
        (N_("mirrored and shifted images"), {"mirror": True, "shift": 2}),
        (
            _("a deeper network with batch norm"),
            {"fast_net": True, "batch_size": 500, "learning_rate": 1.0},
        ),
        (N_("bfloat16, channels last"), {"bf16": True}),
        (N_("whitening first layer"), {"whiten": True}),
        (N_("smoothed labels"), {"smoothing": 0.1}),
        (N_("Muon for the filters"), {"muon": True}),
        (N_("small images first"), {"sizes": ((18, 0.2), (24, 0.6))}),
        (N_("the hardest images more often"), {"hardest": 0.6}),
        (N_("predictions averaged with the mirror image"), {"mirror_answers": True}),
        (N_("a second look where it is unsure"), {"second_look": True}),
        (N_("memory kept for the next step"), {"keep_memory": True}),
    ]
    rungs, recipe = [], Recipe()
    for name, change in steps:
        recipe = replace(recipe, **change)
        rungs.append(Rung(name, recipe))
    return rungs


@dataclass(frozen=True)
class Reached:
    """What one rung reached: images trained on per second, and its accuracy, 0 to 1."""

    name: str
    images_per_second: float
    accuracy: float


@dataclass(frozen=True)
class Climb:
    """A whole ladder, measured with the same number of seconds for each rung, and where."""

    seconds: float
    source: str
    learned_from: int
    tested_with: int
    device: str
    threads: int
    load: float | None
    date: str
    versions: dict[str, str]
    steps: tuple[Reached, ...]

    @property
    def names(self) -> list[str]:
        """Return the rungs' names, numbered from 1."""
        return [f"{number}. {_(step.name)}" for number, step in enumerate(self.steps, start=1)]

    @property
    def percent(self) -> list[float]:
        """Return the accuracy of each rung in percent."""
        return [100 * step.accuracy for step in self.steps]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the headings of ``rows``."""
        return (_("rung"), _("images per second"), _("accuracy"), _("gain in points"))

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Return the ladder as rows of text: the gain is that over the rung before."""
        rows, before = [], None
        for name, percent, step in zip(self.names, self.percent, self.steps, strict=True):
            gain = "" if before is None else written(percent - before, "+z.1f").replace("-", "−")
            speed = written(step.images_per_second, ",.0f")
            rows.append((name, speed, f"{written(percent, '.1f')} %", gain))
            before = percent
        return tuple(rows)

    @property
    def heading(self) -> str:
        """Say how long each rung had, on which machine, when, and with what."""
        return _(
            "{seconds:.0f} s for each rung on {device}, {threads} threads, load {load} at first, "
            "{date}, {versions}; trained on {learn:,} images, accuracy on {test:,} others"
        ).format(
            seconds=self.seconds,
            device=recorded(self.device),
            threads=self.threads,
            load=_("unknown") if self.load is None else self.load,
            date=self.date,
            versions=", ".join(f"{name} {number}" for name, number in self.versions.items()),
            learn=self.learned_from,
            test=self.tested_with,
        )


def images_per_second(recipe: Recipe, images: ImageSet, seconds: float = 1.0) -> float:
    """Train with this recipe; return images per second, not counting the first step."""
    times = []

    def spent(_steps: int) -> float:  # asked before every step
        times.append(time.perf_counter())
        return (times[-1] - times[1]) / seconds if len(times) > 1 else 0

    trained = train(recipe, images, spent)
    return trained.images * (1 - 1 / trained.steps) / (times[-1] - times[1])


def measure(
    rung: Rung, learn: ImageSet, judge: ImageSet, seconds: float, *, seed: int = 0
) -> Reached:
    """Train by a rung of the ladder for a while, and judge the network.

    rung: its recipe and name
    learn, judge: images to train on, and others
    seconds: how long to train
    seed: of weights and batches
    """
    start = time.perf_counter()
    trained = train(rung.recipe, learn, by_clock(seconds), seed=seed)
    rate = trained.images / (time.perf_counter() - start)
    right = accuracy(answer(rung.recipe, trained.model, judge), judge)
    return Reached(rung.name, rate, right)


def load(path: str | Path = RECORDED) -> Climb:
    """Read a ladder that ``record_ladder.py`` has measured."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    content["steps"] = tuple(Reached(**step) for step in content["steps"])
    return Climb(**content)
