"""Record what training brings on photographs, for readers who run nothing.

    LABKIT_DATA=cifar10 python -m tests.benchmarks.record_training

It trains the lab's recipe (batch 4, SGD, learning rate 0.001, momentum 0.9) and one change of it
after the other, and writes ``images/draw/recorded_training.json``: the losses, the confusion
matrix on the test images, and how each change does on the validation images. Two processes share
the work, one thread each; run it while the machine does nothing else.
"""

import argparse
import json
import platform
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn

from labkit.data import load
from labkit.data.loaders import BatchLoader
from labkit.device import describe
from labkit.evaluation.scores import confusion_matrix
from labkit.faster.augment import Shift
from labkit.faster.fast_net import FastNet
from labkit.model import Net
from labkit.training import Run, evaluate

OUT = Path(__file__).parents[2] / "images" / "draw" / "recorded_training.json"
HALF = (0.5, 0.5, 0.5)


def train(
    model: nn.Module,
    *,
    batch_size: int = 4,
    lr: float = 0.001,
    epochs: int = 2,
    schedule: bool = False,
    augment: bool = False,
    normalize: tuple = (HALF, HALF),
) -> dict:
    """Train ``model`` by the lab's recipe with these changes; return all that was measured."""
    train_set, validation_set, test_set = load()
    mean, std = normalize
    change = {"augment": Shift(2), "mirror": True} if augment else {}
    loader = BatchLoader(train_set, batch_size, shuffle=True, mean=mean, std=std, **change)
    validation, test = (BatchLoader(s, 250, mean=mean, std=std) for s in (validation_set, test_set))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    steps, tested = epochs * len(loader), []
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps) if schedule else None
    run = Run(model, loader, validation, optimizer, epochs=epochs, scheduler=scheduler)

    def after_step(run: Run) -> None:
        if run.epoch == min(epochs, 2) and run.step == 0:
            tested.append(evaluate(model, test))

    history = run.finish(after_step)
    losses, seconds = history.validation_loss, accumulate(history.seconds)
    return {
        "running_losses": list(zip(history.at, history.running_loss, strict=True)),
        "after_epoch": list(zip(losses, history.validation_accuracy, seconds, strict=True)),
        "test_accuracy": tested[0].accuracy,
        "confusion": confusion_matrix(tested[0]).tolist(),
    }


def mean_and_std() -> tuple:
    """Return mean and standard deviation of each channel of the training images, 0 to 1."""
    pixels = torch.from_numpy(load().train.data[:20_000].copy()).float() / 255
    return tuple(pixels.mean(dim=(0, 1, 2)).tolist()), tuple(pixels.std(dim=(0, 1, 2)).tolist())


def _linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))


def _mlp() -> nn.Module:
    """Two linear layers with as many weights as ``Net`` has: 61,670 against 62,006."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 20), nn.ReLU(), nn.Linear(20, 10))


JOBS = {  # the long ones first, so that both processes end at about the same time
    "8 epochs": (Net, {"epochs": 8}),
    "8 epochs, augmentation": (Net, {"epochs": 8, "augment": True}),
    "deeper network": (FastNet, {"batch_size": 64, "lr": 0.2, "schedule": True}),
    "one-cycle learning rate": (Net, {"lr": 0.003, "schedule": True}),
    "batch 64, one-cycle": (Net, {"batch_size": 64, "lr": 0.05, "schedule": True}),
    "linear classifier": (_linear, {}),
    "two linear layers": (_mlp, {}),
    "normalised by 0.5": (Net, {"epochs": 1}),
    "normalised by mean and std": (Net, {"epochs": 1, "normalize": "measured"}),
}


def run(name: str) -> dict:
    """Do one of the jobs, with one thread and a seed."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    make, changes = JOBS[name]
    if changes.get("normalize") == "measured":
        changes = changes | {"normalize": mean_and_std()}
    measured = train(make(), **changes)
    loss, accuracy, seconds = measured["after_epoch"][-1]
    print(f"{name:<28} {seconds:6.0f} s, validation {loss:.3f}, {accuracy:.1%}", flush=True)
    return measured


def nearest_neighbour(stored: int = 10_000, asked: int = 2_500) -> float:
    """Return the accuracy of naming the nearest of ``stored`` images, on validation images."""
    train_set, validation_set, _test_set = load()
    memory = torch.from_numpy(train_set.data[:stored].copy()).flatten(1).float() / 255
    images = torch.from_numpy(validation_set.data[:asked].copy()).flatten(1).float() / 255
    nearest = torch.cat([torch.cdist(part, memory).argmin(dim=1) for part in images.split(250)])
    labels = torch.tensor(train_set.targets)[nearest]
    return (labels == torch.tensor(validation_set.targets[:asked])).float().mean().item()


def main() -> None:
    """Do all jobs, print each as it is done, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    train_set, validation_set, test_set = load()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        results = dict(zip(JOBS, pool.map(run, JOBS), strict=True))
    content = {
        "source": Path(train_set.source).name,
        "images": [len(train_set), len(validation_set), len(test_set)],
        "classes": train_set.classes,
        "device": describe("cpu"),
        "date": date.today().isoformat(),
        "versions": {"Python": platform.python_version(), "torch": str(torch.__version__)},
        "nearest neighbour": nearest_neighbour(),
        "runs": results,
    }
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
