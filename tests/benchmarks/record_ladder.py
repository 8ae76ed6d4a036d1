"""Record what each rung of the ladder brings, for learners who have no time to measure it.

    LABKIT_DATA=cifar10 python -m tests.benchmarks.record_ladder

Each rung trains for as long as ``--seconds`` says, 60 by default, on the training images and is
judged on the validation images: the ladder is there to choose by, so the test images stay out of
it. Run it while the machine does nothing else. It writes ``labkit/faster/recorded_ladder.json``.
"""

import argparse
from pathlib import Path

from labkit.data import load
from labkit.faster import ladder


def main() -> None:
    """Measure, print each rung as it is done, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--out", type=Path, default=ladder.RECORDED)
    options = parser.parse_args()
    train_set, validation_set, _test_set = load()
    measured = ladder.climb(train_set, validation_set, options.seconds, on_step=_report)
    options.out.parent.mkdir(exist_ok=True)
    print(measured.heading, ladder.save(measured, options.out), sep="\n")


def _report(step: ladder.Step) -> None:
    print(f"{step.name:<45} {step.images_per_second:>8,.0f}/s {step.accuracy:>7.1%}", flush=True)


if __name__ == "__main__":
    main()
