"""From logits to a loss, one step at a time: powers, probabilities, cross-entropy, gradient."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from labkit.text import _


@dataclass(frozen=True)
class Prediction:
    """One image's logits and all that is computed from them; arrays are float64 ``[classes]``."""

    logits: np.ndarray
    powers: np.ndarray
    probabilities: np.ndarray
    truth: np.ndarray
    gradient: np.ndarray
    loss: float


def predict(logits: ArrayLike, label: int) -> Prediction:
    """Turn ``logits`` into probabilities (softmax) and compare them with the class ``label``.

    ``powers`` is e to each logit, infinite above about 709; ``truth`` is 1 for the true class and
    0 for all others; ``gradient`` is the loss's with respect to the logits. Raises ValueError for
    a label that is no class.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if not 0 <= label < len(logits):
        text = _("There is no class {label}: with {n} logits choose one from 0 to {last}.")
        raise ValueError(text.format(label=label, n=len(logits), last=len(logits) - 1))
    from_the_largest = np.exp(logits - logits.max())  # cannot overflow, and gives the same
    probabilities = from_the_largest / from_the_largest.sum()
    truth = np.eye(len(logits))[label]
    with np.errstate(over="ignore"):
        powers = np.exp(logits)
    return Prediction(
        logits=logits,
        powers=powers,
        probabilities=probabilities,
        truth=truth,
        gradient=probabilities - truth,
        loss=float(np.log(from_the_largest.sum()) - (logits[label] - logits.max())),
    )
