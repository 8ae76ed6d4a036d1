import numpy as np
import torch
from torch.nn import functional

from labkit.checks import training as check
from labkit.training import evaluate, train_epoch


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


def _picture_by_picture(model, batches):
    model.eval()
    hits = []
    for images, labels in batches:
        for image, label in zip(images, labels, strict=True):
            hits.append(torch.max(model(image[None]), 1)[1].item() == label)
    return np.mean(hits)


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
        lambda n, b, e: e * -(-n // b),
        lambda n, b, e: np.ceil(n / b) * e,
        lambda n, b, e: torch.tensor((n + b - 1) // b * e),
        lambda n, b, e: len(torch.utils.data.DataLoader(range(n), b)) * e,
    ],
    check.train_one_epoch: [_tensors_and_model, _cleared_at_the_end, train_epoch],
    check.accuracy: [
        _picture_by_picture,
        lambda model, batches: evaluate(model, batches).accuracy,
    ],
    check.should_stop: [
        lambda losses, p: len(losses) - 1 - np.argmin(losses) >= p,
        lambda losses, p: torch.tensor(len(losses) - 1 - losses.index(min(losses)) >= p),
        lambda losses, p: len(losses) > p and min(losses[-p:]) >= min(losses[:-p]),
        lambda losses, p: 1 if min(losses) in losses[: max(0, len(losses) - p)] else 0,
    ],
    check.train_in_portions: [_summed_first, _gradients_divided],
}

WRONG = {
    check.should_stop: (
        lambda losses, p: len(losses) - losses.index(min(losses)) >= p,
        "One epoch too early: the best epoch itself",
    ),
}
