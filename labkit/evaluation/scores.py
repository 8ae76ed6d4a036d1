"""How good a classifier is, what it mixes up, and how sure one can be of such numbers."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from labkit.text import _
from labkit.training import Evaluation

Z_95 = 1.959964
"""A normal variable is within so many standard deviations of its mean 95 times in 100."""


@dataclass(frozen=True)
class Share:
    """``right`` of ``of``, both counts; ``value`` is their quotient, NaN where ``of`` is 0."""

    right: int
    of: int

    @property
    def value(self) -> float:
        return self.right / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Return the ends of the 95 % interval, Wilson's; 0 to 1 where nothing was counted."""
        return wilson(self.right, self.of)


def wilson(right: int, of: int) -> tuple[float, float]:
    """Return the shares between which the true one lies, after ``right`` of ``of`` were counted.

    These are all shares p from which the counted one is at most ``Z_95`` standard errors
    sqrt(p (1 - p) / of) away: E. B. Wilson, Probable inference, the law of succession, and
    statistical inference, JASA 22 (1927), 209-212. They stay within 0 and 1, and 0 of 5 does not
    mean "never". Raises ValueError unless ``0 <= right <= of``.
    """
    if not 0 <= right <= of:
        text = _("{right} of {of} is no share: count at least 0 and at most {of}.")
        raise ValueError(text.format(right=right, of=of))
    if of == 0:
        return 0.0, 1.0
    z = Z_95
    share, shrink = right / of, 1 + z * z / of
    centre = (share + z * z / (2 * of)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
    return max(0.0, centre - half), min(1.0, centre + half)


def confusion_matrix(evaluation: Evaluation) -> np.ndarray:
    """Count pairs of true class (row) and prediction (column): int64 ``[C, C]``.

    The pair (target, prediction) has the number target * C + prediction.
    """
    count = evaluation.probabilities.shape[1]
    pairs = evaluation.targets * count + evaluation.predictions
    return torch.bincount(pairs, minlength=count * count).view(count, count).numpy()


def recall(matrix: np.ndarray) -> list[Share]:
    """Return for each class how many of its images were recognised: along its row."""
    return [Share(int(matrix[k, k]), int(matrix[k].sum())) for k in range(len(matrix))]


def precision(matrix: np.ndarray) -> list[Share]:
    """Return for each class how many of the images predicted as it are of it: along its column."""
    return [Share(int(matrix[k, k]), int(matrix[:, k].sum())) for k in range(len(matrix))]


def most_confused(matrix: np.ndarray, most: int) -> list[int]:
    """Return the numbers of the ``most`` classes that take part in the most mistakes, in order."""
    wrong = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * matrix.diagonal()
    return sorted(np.argsort(-wrong, kind="stable")[:most].tolist())


def find(
    evaluation: Evaluation, truth: int | None = None, answer: int | None = None
) -> torch.Tensor:
    """Return which images of class ``truth`` were predicted as ``answer``, surest first; int64.

    None stands for any other class: ``find(result)`` are all mistakes, ``find(result, truth=3)``
    the mistakes with images of class 3, ``find(result, answer=3)`` what was wrongly called 3.
    """
    if truth is None or answer is None:
        wanted = evaluation.predictions != evaluation.targets
    else:
        wanted = torch.ones_like(evaluation.targets, dtype=torch.bool)
    if truth is not None:
        wanted &= evaluation.targets == truth
    if answer is not None:
        wanted &= evaluation.predictions == answer
    places = wanted.nonzero().flatten()
    confidence = evaluation.probabilities[places].max(dim=1).values
    return places[confidence.argsort(descending=True, stable=True)]


@dataclass(frozen=True, eq=False)
class Calibration:
    """How sure and how often correct the predictions are, in bins of equal width of confidence.

    ``confidence`` (mean; NaN in an empty bin) and ``shares`` (correct of all) have one entry a bin.
    """

    confidence: np.ndarray
    shares: list[Share]

    @property
    def mean_confidence(self) -> float:
        counts = np.array([share.of for share in self.shares])
        return float(np.nansum(self.confidence * counts) / counts.sum())

    @property
    def accuracy(self) -> float:
        return sum(share.right for share in self.shares) / sum(share.of for share in self.shares)

    @property
    def error(self) -> float:
        """Return the expected calibration error: the mean gap of confidence and accuracy, 0 to 1.

        Each bin counts by its images: equation 5 of Guo et al., On calibration of modern neural
        networks, ICML 2017.
        """
        gaps = [
            share.of * abs(share.value - confidence)
            for confidence, share in zip(self.confidence, self.shares, strict=True)
            if share.of
        ]
        return float(sum(gaps) / sum(share.of for share in self.shares))


def calibration(evaluation: Evaluation, bins: int = 10) -> Calibration:
    """Sort the predictions into ``bins`` bins by confidence, their largest probability."""
    if bins < 1:
        raise ValueError(_("bins is {bins}: take at least 1.").format(bins=bins))
    confidence = evaluation.probabilities.max(dim=1).values.double().numpy()
    right = (evaluation.predictions == evaluation.targets).numpy()
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    hits = np.bincount(place, weights=right, minlength=bins)
    total = np.bincount(place, weights=confidence, minlength=bins)
    mean = np.divide(total, count, out=np.full(bins, np.nan), where=count > 0)
    return Calibration(mean, [Share(int(h), int(n)) for h, n in zip(hits, count, strict=True)])
