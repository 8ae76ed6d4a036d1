"""Which images to hold out: the same ones every time, every class in proportion."""

import numpy as np


def validation_size(train: int) -> int:
    """Return how many of ``train`` images to hold out: one in eleven, 1 to 2,500."""
    return max(1, min(2_500, train // 11))


def hold_out(labels: np.ndarray, count: int) -> np.ndarray:
    """Choose ``count`` positions of ``labels``, stratified; return them in order, int64.

    Each class gives its share of ``count``, and at least one if ``count`` is large enough; the
    largest remainders are rounded up to meet the sum. No class gives its last image: where all
    have one left, fewer than ``count`` are chosen.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    generator = np.random.default_rng(0)
    chosen = [
        generator.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, _quotas(sizes, count), strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def _quotas(sizes: np.ndarray, count: int) -> np.ndarray:
    most = sizes - 1
    count = min(count, most.sum())
    share = sizes * count / sizes.sum()
    least = np.minimum(most, 1 if count >= len(sizes) else 0)
    quotas = np.clip(np.floor(share).astype(np.int64), least, most)
    while quotas.sum() < count:
        quotas[np.where(quotas < most, share - quotas, -np.inf).argmax()] += 1
    while quotas.sum() > count:
        quotas[np.where(quotas > least, quotas - share, -np.inf).argmax()] -= 1
    return quotas
