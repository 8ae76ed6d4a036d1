"""Train the fast recipe on a GPU for a few short times, and say how good each is.

    LABKIT_DATA=cifar10 python -m tests.benchmarks.speed_gpu --seconds 5 15 30

A first, uncounted run of a second warms the GPU up. Accuracy is that on the validation images.
"""

import argparse
import json
import platform
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import torch

from labkit.data import load
from labkit.device import choose, describe, synchronize
from labkit.faster.ladder import ladder
from labkit.faster.recipe import accuracy, answer, by_clock, train


def run(seconds: float, device: torch.device) -> dict:
    """Train the last rung for ``seconds`` on ``device``; return what was measured."""
    train_set, validation_set, _test_set = load()
    recipe = replace(ladder()[-1].recipe, keep_memory=False)
    start = time.perf_counter()
    trained = train(recipe, train_set, by_clock(seconds), device=device)
    synchronize(device)
    taken = time.perf_counter() - start
    right = accuracy(answer(recipe, trained.model, validation_set), validation_set)
    row = {"seconds": taken, "images": trained.images, "accuracy": right}
    print(f"{taken:6.1f} s, {trained.images / taken:>9,.0f} images/s, {right:.1%}", flush=True)
    return row


def main() -> None:
    """Print a row for each time; with --out, write them as JSON with device, versions and date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="gpu", help="e.g. cuda:1; default: the first GPU")
    parser.add_argument("--seconds", type=float, nargs="+", default=[5, 15, 30])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    device = choose(options.device)
    train_set = load().train
    print(f"{describe(device)}; {train_set.source}, {len(train_set):,} training images")
    run(1, device)
    rows = [run(seconds, device) for seconds in options.seconds]
    if options.out:
        content = {
            "device": describe(device),
            "source": Path(train_set.source).name,
            "date": date.today().isoformat(),
            "versions": {"Python": platform.python_version(), "torch": str(torch.__version__)},
            "rows": rows,
        }
        options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
