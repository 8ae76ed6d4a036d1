"""What a live run shows of itself, as plain values: filters, answers, accuracy."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from labkit.data import denormalise
from labkit.inspect import first_convolution
from labkit.sandbox import randomness
from labkit.sandbox.model_lock import model_lock
from labkit.training import Run
from labkit.training.state_dicts import unwrapped

FILTERS, CLASSES, POINTS, LAST = 16, 10, 600, 500
"""At most so many filters, classes and points are shown; the accuracy is of so many images."""


class Recent:
    """The answers to the last `LAST` images trained on."""

    def __init__(self):
        self._batches, self._seen = deque(), None

    def follow(self, run: Run) -> None:
        """Remember the run's last batch; nothing is computed, so that no step is slower."""
        if run.last_batch is None:  # nothing is trained yet, or no longer
            self._batches.clear()
        elif run.last_batch is not self._seen:
            self._seen = run.last_batch
            if not self._batches:
                self._batches = deque(maxlen=max(1, LAST // len(run.last_batch[1])))
            self._batches.append(run.last_batch[1:])

    def accuracy(self) -> tuple[float, int] | None:
        """Return the share of correct predictions, and of how many images; None without any."""
        if not self._batches:
            return None
        labels, outputs = (torch.cat(part) for part in zip(*self._batches, strict=True))
        return (outputs.argmax(dim=1) == labels).float().mean().item(), len(labels)


@dataclass
class Watched:
    """Images of the validation set; the model is asked about image ``number`` as it learns.

    inputs: as the model takes them, ``[N, ...]``
    labels: int64 ``[N]``
    names: of the classes
    """

    inputs: torch.Tensor
    labels: torch.Tensor
    names: list[str]
    number: int = 0

    @classmethod
    def of(cls, run: Run) -> "Watched | None":
        """Return the first batch that ``run`` validates with; None where one image is no batch."""
        kept = randomness.loader_state(run.validation_batches)
        with randomness.kept():
            batch = next(iter(run.validation_batches), None)
        randomness.set_loader_state(run.validation_batches, kept)
        if batch is None:
            return None
        watched = cls(batch[0], batch[1], [])
        shares = watched.probabilities(run)
        if not shares:
            return None
        dataset = getattr(run.train_batches, "dataset", None)
        names = getattr(getattr(dataset, "dataset", dataset), "classes", None)
        watched.names = [str(name) for name in names or range(len(shares))]
        return watched if len(watched.names) == len(shares) else None

    def probabilities(self, run: Run) -> list[float]:
        """Return what the model gives each class for the image, in evaluation mode.

        Nothing where it cannot: a model may need whole batches, or have been changed meanwhile.
        """
        model = unwrapped(run.model)  # one that is compiled would be compiled again for one image
        with model_lock, torch.inference_mode():
            training = model.training
            model.eval()
            try:
                outputs = model(self.inputs[self.number : self.number + 1].to(run.device))[0]
            except (RuntimeError, ValueError, TypeError, IndexError, AttributeError):
                return []
            finally:
                model.train(training)
            shares = outputs.float().softmax(dim=0).nan_to_num().tolist()
            return shares if len(self.names) in (0, len(shares)) else []

    def likeliest(self, probabilities: list[float]) -> list[int]:
        """Return the classes to show: all where there are few, else the likeliest and the true."""
        order = range(len(probabilities))
        if len(probabilities) > CLASSES:
            by_share = sorted(order, key=probabilities.__getitem__, reverse=True)
            order = sorted({*by_share[: CLASSES - 1], self.label})
        return list(order)

    @property
    def label(self) -> int:
        """The true class of the image."""
        return int(self.labels[self.number])

    def image(self, mean: float, std: float) -> np.ndarray | None:
        """Return the image, uint8 ``[H, W, 3]``; None where the inputs are no colour images."""
        one = self.inputs[self.number]
        return denormalise(one, mean, std) if one.dim() == 3 and len(one) == 3 else None


def filters(run: Run) -> np.ndarray | None:
    """Return a copy of the first layer's filters as a browser shows them, ``[h, n, w, 3]``.

    They stand side by side. Other than 3 channels become their mean. None where the model has no
    convolution.
    """
    with model_lock:
        try:
            weights = first_convolution(run.model).weight.detach()[:FILTERS].float().cpu().numpy()
        except ValueError:
            return None
        shown = weights.transpose(2, 0, 3, 1)
        return shown.copy() if shown.shape[3] == 3 else shown.mean(3, keepdims=True).repeat(3, 3)


def curve(run: Run) -> list[tuple[float, float]]:
    """Return the running loss as points (epochs done, loss), the one in the making included."""
    points = list(zip(run.history.at, run.history.running_loss, strict=False))  # it may train
    if run.steps_done > (run.history.steps or [0])[-1]:
        points.append((run.steps_done / run.history.steps_per_epoch, run.running_loss))
    return points


def packed(points: Sequence[tuple[float, float]]) -> bytes:
    """Return a curve as float32 ``[n, 2]``, of hardly more than `POINTS`, the last among them."""
    every = len(points) // POINTS + 1
    return np.array(points[::-1][::every][::-1], np.float32).tobytes()


def blind_guess(run: Run, classes: int) -> float | None:
    """Return the cross-entropy of the same probability for each class; None for another loss."""
    return math.log(classes) if isinstance(run.loss_function, nn.CrossEntropyLoss) else None
