import math

import numpy as np
import torch
from torch.nn import functional

from labkit.checks import training as check
from labkit.training import evaluate, train_epoch


def _counted(pictures, batch_size, epochs):
    steps = 0
    for _epoch in range(epochs):
        left = pictures
        while left > 0:
            left -= batch_size
            steps += 1
    return steps


def _tensors_and_model(model, batches, loss_function, optimizer):
    model.train(True)
    losses, sizes = [], []
    for x, y in batches:
        loss = loss_function(model(x), y)
        model.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        losses.append(loss)
        sizes.append(len(x))
    weights = torch.tensor(sizes) / sum(sizes)
    return (torch.stack(losses) * weights).sum()


def _cleared_at_the_end(model, batches, loss_function, optimizer):
    model.train()
    losses = []
    for images, labels in batches:
        outputs = model(images)
        loss_function(outputs, labels).backward()
        optimizer.step()
        optimizer.zero_grad()
        losses += functional.cross_entropy(outputs, labels, reduction="none").tolist()
    return np.mean(losses)


def plain_accuracy(model, batches):
    model.eval()
    right, pictures = 0, 0
    for images, labels in batches:
        with torch.no_grad():
            answers = model(images).argmax(dim=1)
        right += (answers == labels).sum()
        pictures += len(labels)
    return right / pictures


def _in_lists(model, batches):
    model.eval()
    said = [a for x, _y in batches for a in model(x).argmax(1).tolist()]
    true = [label for _x, y in batches for label in y.tolist()]
    return sum(a == b for a, b in zip(true, said, strict=True)) / len(true)


def _picture_by_picture(model, batches):
    model.eval()
    hits = []
    for images, labels in batches:
        for image, label in zip(images, labels, strict=True):
            hits.append(torch.max(model(image[None]), 1)[1].item() == label)
    return np.mean(hits)


def _with_patience_counter(losses, patience):
    best = float("inf")
    for epoch, loss in enumerate(losses):
        if loss < best:
            best, best_epoch = loss, epoch
    return epoch - best_epoch >= patience


def waiting(reset="waited = 0", inside=""):
    """Return early stopping with a counter, as it stands in many a script."""
    source = f"""
def answer(losses, patience):
    best, waited = float("inf"), 0
    for loss in losses:
        if loss < best:
            best = loss
            {reset}
        else:
            waited += 1
        {inside}
    return waited >= patience
"""
    exec(source, namespace := {})
    return namespace["answer"]


def test_stopping_may_be_decided_by_a_counter():
    assert check.should_stop(waiting(inside="pass")).solved


def _one_large_batch(model, batches, loss_function, optimizer, every):
    for at in range(0, len(batches), every):
        images = torch.cat([x for x, _y in batches[at : at + every]])
        labels = torch.cat([y for _x, y in batches[at : at + every]])
        model.zero_grad()
        loss_function(model(images), labels).backward()
        optimizer.step()


def _summed_first(model, batches, loss_function, optimizer, every):
    waiting = []
    for images, labels in batches:
        waiting.append(loss_function(model(images), labels))
        if len(waiting) == every:
            optimizer.zero_grad()
            torch.stack(waiting).mean().backward()
            optimizer.step()
            waiting = []


def _gradients_divided(model, batches, loss_function, optimizer, every):
    for number, (images, labels) in enumerate(batches):
        if number % every == 0:
            optimizer.zero_grad()
        loss_function(model(images), labels).backward()
        if (number + 1) % every == 0:
            for parameter in model.parameters():
                parameter.grad /= every
            optimizer.step()


RIGHT = {
    check.steps_taken: [
        _counted,
        lambda n, b, e: e * math.ceil(n / b),
        lambda n, b, e: e * -(-n // b),
        lambda n, b, e: np.ceil(n / b) * e,
        lambda n, b, e: torch.tensor((n + b - 1) // b * e),
        lambda n, b, e: len(torch.utils.data.DataLoader(range(n), b)) * e,
    ],
    check.train_one_epoch: [
        _tensors_and_model,
        _cleared_at_the_end,
        train_epoch,
    ],
    check.accuracy: [
        plain_accuracy,
        _in_lists,
        _picture_by_picture,
        lambda model, batches: evaluate(model, batches).accuracy,
    ],
    check.should_stop: [
        _with_patience_counter,
        lambda losses, p: len(losses) - 1 - np.argmin(losses) >= p,
        lambda losses, p: torch.tensor(len(losses) - 1 - losses.index(min(losses)) >= p),
        lambda losses, p: len(losses) > p and min(losses[-p:]) >= min(losses[:-p]),
        lambda losses, p: 1 if min(losses) in losses[: max(0, len(losses) - p)] else 0,
    ],
    check.train_in_portions: [
        _one_large_batch,
        _summed_first,
        _gradients_divided,
    ],
}

WRONG = {
    check.should_stop: (
        waiting(reset="pass"),
        "A new lowest loss sets the waiting back to 0.",
    ),
}
