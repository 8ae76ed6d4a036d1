"""Time the original recipe against ours, on the pictures that LABKIT_DATA names: ``make bench``.

Everything is measured in this run, on this machine, one after the other: compare the ratios of
two runs rather than their seconds. All training pictures are used, those for validation too, and
the accuracy is that on the test pictures.
"""

import os
import time
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from datetime import date

import numpy as np
import torch
from torch import nn
from torch.utils.data import Subset

from labkit.data import ImageSet, load
from labkit.data.loaders import BatchLoader
from labkit.device import describe
from labkit.faster.ladder import ladder
from labkit.faster.recipe import Recipe, accuracy, answer, by_clock, network, original_loader, train
from labkit.model import Net

EPOCHS, BATCH = 2, 4


@dataclass(frozen=True)
class Row:
    """One line of the table: what was trained, for how long, and how well it answers."""

    what: str
    steps: int
    seconds: float
    accuracy: float

    @property
    def percent(self) -> str:
        """Return the accuracy in per cent, with one digit behind the point."""
        return f"{100 * self.accuracy:.1f}"

    def __str__(self) -> str:
        return f"{self.what:<46} {self.steps:>8,} {self.seconds:>8.1f} {self.percent:>6} %"


def whole(source: str | None = None) -> tuple[ImageSet, ImageSet]:
    """Return all pictures to learn from, validation included, and the test pictures."""
    learn, validation, test = load(source)
    together = ImageSet(
        np.concatenate([learn.data, validation.data]),
        learn.targets + validation.targets,
        learn.classes,
        source=learn.source,
    )
    return together, test


def tutorial(batches: Iterable, classes: int, *, fused: bool = False) -> tuple[nn.Module, float]:
    """Train as PyTorch's tutorial does, two epochs; return the network and the seconds.

    The same lines for both loaders; ``fused`` lets one call change all weights, by the same
    arithmetic. The clock starts before the loader does any work, and stops after the last step.
    """
    torch.manual_seed(0)
    model = Net(classes)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, fused=fused)
    start = time.perf_counter()
    for _epoch in range(EPOCHS):
        running_loss = 0.0
        for images, labels in batches:
            optimizer.zero_grad()
            outputs = model(images)
            loss = loss_function(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
    return model, time.perf_counter() - start


def same_recipe(learn: ImageSet, test: ImageSet) -> tuple[Row, Row]:
    """Train the tutorial's network twice: as PyTorch comes, and arranged for steps this small.

    With four images in a batch, preparing to be fast takes longer than the work. So ours does
    without several threads, and without oneDNN, the library of fast convolutions.
    """
    theirs = original_loader(learn, BATCH)
    model, seconds = tutorial(theirs, len(learn.classes))
    original = _row("original: DataLoader, 2 workers", theirs, seconds, model, test)

    ours, cores = BatchLoader(learn, BATCH, shuffle=True), torch.get_num_threads()
    torch.set_num_threads(1)
    torch.backends.mkldnn.set_flags(False)
    model, seconds = tutorial(ours, len(learn.classes), fused=True)
    torch.backends.mkldnn.set_flags(True)
    torch.set_num_threads(cores)
    return original, _row("same recipe: BatchLoader, 1 thread", ours, seconds, model, test)


def _row(what: str, batches: Sized, seconds: float, model: nn.Module, test: ImageSet) -> Row:
    right = accuracy(answer(Recipe(), model, test), test)
    row = Row(what, EPOCHS * len(batches), seconds, right)
    print(row, flush=True)
    return row


def in_its_time(learn: ImageSet, test: ImageSet, seconds: float) -> Row:
    """Train the last rung of the ladder, and answer the test pictures, all within ``seconds``.

    First it times the answers of a network that knows nothing yet, and keeps the time to answer
    all test pictures in hand, with a little over. That, too, is within the ``seconds``.
    """
    start = time.perf_counter()
    recipe = ladder()[-1].recipe
    reserve = 0.02 * seconds + 1.5 * _seconds_to_answer(recipe, learn, len(test))
    left = seconds - reserve - (time.perf_counter() - start)
    trained = train(recipe, learn, by_clock(left))
    logits = answer(recipe, trained.model, test)
    taken = time.perf_counter() - start
    row = Row("fast recipe, test pictures answered", trained.steps, taken, accuracy(logits, test))
    print(row, flush=True)
    return row


def _seconds_to_answer(recipe: Recipe, pictures: ImageSet, count: int) -> float:
    model, few = network(recipe, pictures), Subset(pictures, range(min(1000, len(pictures))))
    answer(recipe, model, few)  # the first answers load what the later ones find loaded
    start = time.perf_counter()
    answer(recipe, model, few)
    return (time.perf_counter() - start) / len(few) * count


def main() -> None:
    """Print the machine, the table, and the two lines that sum it up."""
    learn, test = whole()
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{describe('cpu')}{busy}; torch {torch.__version__}, {date.today()}")
    print(f"{learn.source}: {len(learn):,} pictures to learn from, {len(test):,} to test with\n")
    print(f"{'':<46} {'steps':>8} {'seconds':>8} {'right':>8}")
    theirs, ours = same_recipe(learn, test)
    fast = in_its_time(learn, test, theirs.seconds)
    print(
        f"\nsame recipe: {theirs.seconds / ours.seconds:.2f} times faster "
        f"({theirs.seconds:.1f} s, {theirs.percent} % -> {ours.seconds:.1f} s, {ours.percent} %)"
    )
    print(f"in the original's time: {fast.percent} % (the original: {theirs.percent} %)")


if __name__ == "__main__":
    main()
