"""Record what each rung of the ladder brings, for learners who have no time to measure it.

    LABKIT_DATA=cifar10 python -m tests.benchmarks.record_ladder

Each rung trains for as long as ``--seconds`` says, 60 by default, on the training images and is
judged on the validation images: the ladder is there to choose by, so the test images stay out of
it. Run it while the machine does nothing else. It writes ``labkit/faster/recorded_ladder.json``.
"""

import argparse
import json
import os
import platform
from dataclasses import asdict
from datetime import date
from pathlib import Path

import torch

from labkit.data import ImageSet, load
from labkit.device import describe
from labkit.faster import ladder


def climb(learn: ImageSet, judge: ImageSet, seconds: float) -> ladder.Climb:
    """Measure every rung with the same number of ``seconds``, and print it as it is done."""
    busy = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    steps = []
    for rung in ladder.ladder():
        steps.append(step := ladder.measure(rung, learn, judge, seconds))
        print(
            f"{step.name:<45} {step.images_per_second:>8,.0f}/s {step.accuracy:>7.1%}", flush=True
        )
    return ladder.Climb(
        seconds=seconds,
        source=Path(learn.source).name,
        learned_from=len(learn),
        tested_with=len(judge),
        device=describe("cpu"),
        threads=torch.get_num_threads(),
        load=busy,
        date=date.today().isoformat(),
        versions={"Python": platform.python_version(), "torch": str(torch.__version__)},
        steps=tuple(steps),
    )


def save(measured: ladder.Climb, path: Path) -> Path:
    """Write a measured ladder as JSON, and return the path."""
    path.write_text(json.dumps(asdict(measured), indent=1) + "\n", encoding="utf-8")
    return path


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--out", type=Path, default=ladder.RECORDED)
    options = parser.parse_args()
    train_set, validation_set, _test_set = load()
    measured = climb(train_set, validation_set, options.seconds)
    options.out.parent.mkdir(exist_ok=True)
    print(measured.heading, save(measured, options.out), sep="\n")


if __name__ == "__main__":
    main()
