"""Notebook 5: steps, accuracy, when to stop; the loops themselves stand in ``training_loops``."""

import math

import torch

from labkit.checks.engine.spec import exercise
from labkit.checks.training_loops import (
    Batches,
    random_batches,
    small_network,
    train_in_portions,
    train_one_epoch,
)

__all__ = ["accuracy", "should_stop", "steps_taken", "train_in_portions", "train_one_epoch"]


def _runs():
    return [(10_000, 4, 2), (10, 4, 2), (3, 4, 5), (12, 4, 1), (7, 1, 3), (1, 64, 1), (10, 4, 0)]


def _by_counting(images, batch_size, epochs):
    return sum(1 for _epoch in range(epochs) for _first in range(0, images, batch_size))


@exercise(1, _runs, judge=_by_counting)
def steps_taken(images, batch_size, epochs):
    return epochs * math.ceil(images / batch_size)


steps_taken.sentences = {
    "images // batch_size * epochs": (
        "The last batch of an epoch may be smaller, and it is a step too: round up."
    ),
    "math.ceil(images * epochs / batch_size)": (
        "The epochs do not run into each other: round up in each epoch, then multiply."
    ),
    "math.ceil(images / batch_size)": "These are the steps of one epoch.",
    "math.ceil(images / batch_size) + epochs": (
        "Each epoch takes all these steps again: multiply by epochs, do not add."
    ),
    "images * epochs": "A step takes a whole batch, not one image.",
    ("math.ceil", ""): "Steps are whole: the smaller batch at the end counts as one. Round up.",
    "(images // batch_size + 1) * epochs": (
        "Where the images divide evenly there is no further batch: // and + 1 is one too many."
    ),
    "round(images / batch_size) * epochs": (
        "Rounded to the nearest: a last batch of one image is a step too. Round up."
    ),
    "images * epochs // batch_size": (
        "Round up in each epoch, then multiply: each one ends with a smaller batch."
    ),
    ("/", "*"): "Divide by the batch size: a step takes that many images at once.",
    "images // batch_size * epochs + 1": (
        "The smaller batch comes in every epoch: round up before you multiply."
    ),
}


def _mostly_right(wrong_from: int):
    """Return batches of 4, 4 and 1 whose labels fit the model up to a place."""
    batches = random_batches(4, 4, 1)
    model = small_network(norm=True).eval()
    with torch.no_grad():
        labels = torch.cat([model(x).argmax(dim=1) for x, _y in batches])
    labels[wrong_from:] = (labels[wrong_from:] + 1) % 3
    return Batches((x, y) for (x, _y), y in zip(batches, labels.split([4, 4, 1]), strict=True))


def _quizzes():
    return [
        (_mostly_right(9),),
        (_mostly_right(8),),
        (_mostly_right(3),),
        (_mostly_right(0),),
        (Batches(_mostly_right(2)[:1]),),
        (random_batches(5, 5, 2),),
    ]


def _examine(answer, batches):
    return answer(small_network(norm=True).train(), batches)


def _over_all(model, batches):
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    with torch.no_grad():
        return (model.eval()(images).argmax(dim=1) == labels).double().mean()


@exercise(3, _quizzes, judge=_over_all, use=_examine)
def accuracy(model, batches):
    model.eval()
    correct, count = 0, 0
    with torch.inference_mode():
        for images, labels in batches:
            correct += (model(images).argmax(dim=1) == labels).sum().item()
            count += len(labels)
    return correct / count


_ADDED = "            count += len(labels)\n"
_RETURNED = "    return correct / count"

accuracy.sentences = {
    (".argmax(dim=1)", ".amax(dim=1)"): (
        "These are the largest logits. Which class has each of them? argmax(dim=1)."
    ),
    (".sum()", ".float().mean()", "/ count", "/ len(batches)"): (
        "A mean of batch means gives the images of a short last batch too much weight. Count all "
        "correct predictions and divide once."
    ),
    (" / count", ""): "This is the number of correct predictions. The accuracy is their share.",
    ("    model.eval()\n", ""): (
        "The model was left in training mode, and it behaves differently there: eval()."
    ),
    ("correct +=", "correct =", "count +=", "count ="): (
        "This is the accuracy of the last batch. Count over all of them."
    ),
    ("correct +=", "correct ="): (
        "Only the last batch's correct predictions are left: add them up, correct += ..."
    ),
    ("/ count", "/ len(batches)"): (
        "The correct predictions are divided by the number of batches. Divide by the images."
    ),
    (_ADDED, "            count += len(batches[0][1])\n"): (
        "This assumes that all batches are as large as the first. The last may be smaller."
    ),
    (_ADDED, "", "/ count", "/ (len(batches) * len(labels))"): (
        "This assumes that all batches are as large as the last. Count len(labels) in the loop."
    ),
    (_ADDED, "            count += 4\n"): (
        "This assumes four images in each batch. The last may be smaller: count len(labels)."
    ),
    ("argmax(dim=1)", "argmax(dim=0)"): (
        "argmax(dim=0) goes down the batch. The classes are axis 1: argmax(dim=1)."
    ),
    (_RETURNED, "    return 1 - correct / count"): "This is the share of wrong predictions.",
    (_RETURNED, "            return correct / count"): (
        "return is inside the loop and ends it after the first batch. Move it to the left."
    ),
    (".argmax(dim=1)", ""): (
        "Logits are compared with labels. The prediction is where the largest is: argmax(dim=1)."
    ),
    ("dim=1", ""): "Without a dim, argmax() is one place in the whole batch: argmax(dim=1).",
    (".sum().item()", ".all().item()", "/ count", "/ len(batches)"): (
        "This counts batches that are correct as a whole. Count images: sum, not all."
    ),
    ("correct / count", "correct, count"): "These are two numbers. Divide the one by the other.",
    ("argmax", "argmin"): (
        "The class with the smallest logit is the least likely one: argmax, not argmin."
    ),
}


def _histories():
    return [
        ([3.0, 2.0, 1.0], 2),
        ([1.0, 2.0, 3.0], 2),
        ([2.0, 1.0, 1.5, 1.2], 2),
        ([2.0, 1.0, 1.5, 1.2], 3),
        ([1.0, 2.0, 1.5, 1.4, 1.3], 4),
        ([3.0, 1.0, 2.0, 2.5, 0.5, 0.6], 2),
        ([1.0, 1.0, 1.0], 2),
        ([5.0], 1),
        ([1.0, 2.0], 1),
        ([2.0, 2.5, 2.4, 2.3, 1.9], 3),
        ([1.0, 3.0, 2.0, 4.0, 1.5], 2),
        ([3.0, 3.5, 2.0, 2.5, 1.0], 2),
        ([1.0, 2.0, 3.0, 4.0], 2),
    ]


def _with_a_counter(validation_losses, patience):
    best, waited = math.inf, 0
    for loss in validation_losses:
        if loss < best:
            best, waited = loss, 0
        else:
            waited += 1
    return waited >= patience


@exercise(4, _histories, judge=_with_a_counter)
def should_stop(validation_losses, patience):
    best = validation_losses.index(min(validation_losses))
    return len(validation_losses) - 1 - best >= patience


def _rising_in_a_row(validation_losses, patience):
    last = validation_losses[-patience - 1 :]
    return len(last) > patience and all(b > a for a, b in zip(last, last[1:], strict=False))


def _never_lower_in_a_row(validation_losses, patience):
    last = validation_losses[-patience - 1 :]
    return len(last) > patience and all(b >= a for a, b in zip(last, last[1:], strict=False))


def _waiting_added_up(validation_losses, patience):
    lowest = [min(validation_losses[: n + 1]) for n in range(len(validation_losses))]
    return sum(b >= a for a, b in zip(lowest, validation_losses[1:], strict=False)) >= patience


def _first_counts(validation_losses, patience):
    waited = len(validation_losses) - 1 - validation_losses.index(min(validation_losses))
    return waited + (waited == len(validation_losses) - 1) >= patience


_EPOCH_BEFORE = (
    "The loss is compared with the epoch before. What counts is the best so far: it can go down "
    "again for a while and still be higher than it was."
)

should_stop.sentences = {
    (">= patience", "> patience"): (
        "One epoch too late: after `patience` epochs without improvement it is time to stop."
    ),
    ("- 1 ", ""): "One epoch too early: the best epoch itself does not count as waiting.",
    (">= patience", "< patience"): "This is the wrong way round: True means stop.",
    (">= patience", "== patience"): "Once the patience is over, it stays so: >= and not ==.",
    ("min(", "max("): "The best epoch is the one with the lowest loss: min, not max.",
    "validation_losses[-1] > min(validation_losses)": (
        "This stops at the first epoch that is not the best. Wait as long as the patience says."
    ),
    "validation_losses[::-1].index(min(validation_losses)) >= patience": (
        "A loss equal to the best is no improvement: look for the first place of the minimum."
    ),
    "min(validation_losses[-patience:]) >= min(validation_losses[:-patience])": (
        "With no more epochs than patience there is nothing before them, and min() has no numbers."
    ),
    "len(validation_losses) > patience": (
        "How many epochs there are says nothing yet: has the loss got lower lately?"
    ),
    "any(should_stop.judge(validation_losses[: n + 1], patience) "
    "for n in range(len(validation_losses)))": (
        "This asks whether the patience has run out at any time. Only the last epochs count."
    ),
    "len(validation_losses) > patience and validation_losses[-1] "
    ">= validation_losses[-patience - 1]": (
        "This compares with one epoch, patience ago. What counts is the best so far, min(...)."
    ),
    "validation_losses[-1] > validation_losses[-patience]": (
        "This compares with one epoch alone. What counts is the best so far, min(...)."
    ),
    _never_lower_in_a_row: _EPOCH_BEFORE,
    _rising_in_a_row: _EPOCH_BEFORE,
    "validation_losses[-1] >= validation_losses[-2]": _EPOCH_BEFORE,
    "validation_losses[-1] > validation_losses[-2]": _EPOCH_BEFORE,
    _waiting_added_up: (
        "A new lowest loss sets the waiting back to 0. Here all epochs without one are added up."
    ),
    _first_counts: "The first epoch is no waiting: it is the best so far when it comes.",
}
