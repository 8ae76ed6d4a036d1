"""The training loop: one step, one epoch, and how good the model is."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from labkit.sandbox.model_lock import model_lock
from labkit.text import _

Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]
LossFunction = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class TrainingStopped(RuntimeError):
    """Explain in a sentence why training cannot continue, and what to do."""


def train_step(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    loss_function: LossFunction,
    optimizer: torch.optim.Optimizer,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Change the weights once; return the batch's loss (scalar) and logits ``[N, classes]``.

    These are the five lines that notebook 05 teaches. Loss and logits are those before the step.

    model: changed in place, in the mode (training or evaluation) that it is in
    images: what the model takes, e.g. ``[N, 3, 32, 32]`` float32, on its device
    labels: what the loss function compares with, e.g. ``[N]`` int64, on the same device
    loss_function: called as ``loss_function(logits, labels)``; returns one number
    optimizer: the one that steps the model's weights
    """
    optimizer.zero_grad()
    outputs = model(images)
    loss = loss_function(outputs, labels)
    loss.backward()
    optimizer.step()
    return loss.detach(), outputs.detach()


def train_epoch(
    model: nn.Module,
    batches: Batches,
    loss_function: LossFunction,
    optimizer: torch.optim.Optimizer,
    *,
    device: torch.device | str = "cpu",
    on_step: Callable[[int, float], None] | None = None,
) -> float:
    """Train on every batch once; return the mean loss over all examples.

    model: changed in place, and left in training mode
    batches: gives pairs ``(images, labels)``, on any device
    loss_function, optimizer: as in `train_step`
    device: where the model is (default: the CPU)
    on_step: called as ``on_step(step, loss)`` after each batch; ``step`` counts from 1

    Raises ``TrainingStopped`` where the loss is no longer a finite number, ``ValueError`` without
    batches.
    """
    model.train()
    total, examples = 0.0, 0
    for step, (images, labels) in enumerate(batches, start=1):
        images, labels = images.to(device), labels.to(device)
        loss, _outputs = train_step(model, images, labels, loss_function, optimizer)
        total += finite(loss, step, optimizer) * len(labels)
        examples += len(labels)
        if on_step:
            on_step(step, loss.item())
    if not examples:
        raise ValueError(_("There is not one batch to train on: is the data set empty?"))
    return total / examples


def finite(loss: torch.Tensor, step: int, optimizer: torch.optim.Optimizer) -> float:
    """Return ``loss`` as a number; raise ``TrainingStopped`` if it is NaN or infinite.

    PyTorch itself says nothing and goes on: from then on every weight is NaN.
    """
    value = loss.item()
    if not math.isfinite(value):
        raise TrainingStopped(
            _(
                "The loss is {loss} at step {step}: the weights have run away and cannot come "
                "back. Start again with a new model and a learning rate below {rate:g}."
            ).format(loss=value, step=step, rate=optimizer.param_groups[0]["lr"])
        )
    return value


@dataclass(frozen=True)
class Evaluation:
    """What a model makes of a data set, on the CPU and in the order of its batches.

    ``loss`` is the mean cross-entropy and ``accuracy`` the share of correct predictions, over all
    examples; ``predictions`` and ``targets`` are int64 ``[N]``, ``probabilities`` float32
    ``[N, classes]``.
    """

    loss: float
    accuracy: float
    predictions: torch.Tensor
    targets: torch.Tensor
    probabilities: torch.Tensor


def evaluate(
    model: nn.Module, batches: Batches, *, device: torch.device | str = "cpu"
) -> Evaluation:
    """Return the model's predictions for all batches, and how good they are; nothing is trained.

    The model is in evaluation mode meanwhile, and afterwards in the mode it had; a live run
    waits. Raises ``ValueError`` without batches, and where a label has no output of its own.
    """
    with model_lock:
        training = model.training
        model.eval()
        try:
            with torch.inference_mode():
                outputs = [
                    (model(images.to(device)).float().cpu(), labels.cpu())
                    for images, labels in batches
                ]
        finally:
            model.train(training)
    if not outputs:
        raise ValueError(_("There is not one batch to evaluate: is the data set empty?"))
    logits, targets = (torch.cat(part) for part in zip(*outputs, strict=True))
    count = logits.shape[1]
    if len(targets) and not 0 <= targets.min() <= targets.max() < count:
        text = _("The labels go from {low} to {high}, and the model has {n} outputs: give it {m}.")
        low, high = targets.min().item(), targets.max().item()
        raise ValueError(text.format(low=low, high=high, n=count, m=high + 1))
    predictions = logits.argmax(dim=1)
    return Evaluation(
        loss=functional.cross_entropy(logits, targets).item(),
        accuracy=(predictions == targets).float().mean().item(),
        predictions=predictions,
        targets=targets,
        probabilities=logits.softmax(dim=1),
    )
