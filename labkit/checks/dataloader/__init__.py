"""Notebook 2: batches, transforms, class by class, and a loader of one's own."""

from labkit.checks.dataloader.batching import batches, last_batch
from labkit.checks.dataloader.classes import reddest
from labkit.checks.dataloader.transforms import flipping, true_transform

__all__ = ["last_batch", "true_transform", "reddest", "flipping", "batches"]
