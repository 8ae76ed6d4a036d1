"""Record what each rung of the ladder brings, for learners who have no time to measure it.

    LABKIT_DATA=cifar10 python -m tests.benchmarks.record_ladder

Each rung trains for as long as ``--seconds`` says, 60 unless told, on training and validation
pictures together, and answers the test pictures. Run it while the machine does nothing else. It
writes ``labkit/recorded/ladder.json``.
"""

import argparse
from pathlib import Path

from labkit.fast import ladder
from tests.benchmarks.__main__ import whole


def main() -> None:
    """Measure, print each rung as it is done, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--out", type=Path, default=ladder.RECORDED)
    options = parser.parse_args()
    learn, test = whole()
    measured = ladder.climb(learn, test, options.seconds, on_step=_report)
    options.out.parent.mkdir(exist_ok=True)
    print(measured.heading, ladder.save(measured, options.out), sep="\n")


def _report(step: ladder.Step) -> None:
    print(f"{step.name:<45} {step.images_per_second:>8,.0f}/s {step.accuracy:>7.1%}", flush=True)


if __name__ == "__main__":
    main()
