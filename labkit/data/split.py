"""Which pictures to hold out: the same ones every time, every class in proportion."""

import numpy as np


def validation_size(train: int) -> int:
    """Return how many of ``train`` pictures to hold out: one in eleven, 1 to 2,500."""
    return max(1, min(2_500, train // 11))


def hold_out(labels: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Choose ``count`` of the labels' positions, stratified; return them in order, int64.

    Each class gives its share of ``count``, rounded so that the sum is met (the largest
    remainders are rounded up), but never its last picture: where every class is down to one,
    fewer than ``count`` are chosen.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    quotas = _quotas(sizes, count)
    generator = np.random.default_rng(seed)
    chosen = [
        generator.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


def _quotas(sizes: np.ndarray, count: int) -> np.ndarray:
    share = sizes * count / max(1, sizes.sum())
    quotas = np.minimum(np.floor(share).astype(np.int64), sizes - 1)
    while quotas.sum() < count and (quotas < sizes - 1).any():
        missing = np.where(quotas < sizes - 1, share - quotas, -np.inf)
        quotas[missing.argmax()] += 1
    return quotas
