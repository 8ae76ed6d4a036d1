"""Batches cut from one array of images: what ``DataLoader`` gives, many times faster.

``DataLoader`` asks the data set for one image at a time: make a PIL image, turn it into a tensor,
normalise it, and stack four of them. A tiny network learns from those four in less time than it
takes to prepare them. Here one call gathers a thousand images, one more normalises them, and the
batches are views into the result.
"""

from collections.abc import Callable, Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Subset

from labkit.display import ExplainedError
from labkit.text import _

_GATHERED = 1024
"""Images gathered and normalised at once: 12 MB of floats, whatever the size of the set."""

_MOST_CHUNKS = 1 << 20
"""More chunks than any epoch has: keeps the seeds of the augmentation of two epochs apart."""

Augment = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


class BatchLoader:
    """Iterate over ``(images [B, 3, 32, 32] float32, labels [B] int64)`` on ``device``.

    Images are ``(pixel / 255 - mean) / std``, as from ``ToTensor`` and ``Normalize``. A pass can
    be repeated, bit for bit: each takes the next epoch, ``set_epoch`` chooses another, and epoch
    ``e`` has the order ``torch.randperm(N)`` with the seed ``seed + e``.

    dataset: has ``.data`` (uint8 ``[N, 32, 32, 3]``) and ``.targets`` (N integers), as ``ImageSet``
        and torchvision's ``CIFAR10`` do, or is a ``Subset`` of such a set. Its ``transform`` is
        not used.
    batch_size: images in a batch, at least 1; the last batch may be smaller.
    shuffle: whether each epoch has another order; otherwise the order of the set.
    seed: for the order, the mirrored half and ``augment``.
    mean, std: a number, or one number per channel.
    mirror: show half of the images mirrored from left to right, in the next epoch the other half.
    augment: ``augment(images, generator)`` changes about a thousand images at once, with random
        numbers from ``generator`` alone.
    device: where the batches are made.
    drop_last: leave out the last batch if it is smaller.
    shard: ``(r, w)`` is the part of process r of w: every w-th image of the order, so that the
        batches of all w processes together are the batches of one process, w times as large.

    Raises ValueError if ``batch_size`` is not a whole number of at least 1.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        mean: float | Sequence[float] = 0.5,
        std: float | Sequence[float] = 0.5,
        mirror: bool = False,
        augment: Augment | None = None,
        device: torch.device | str = "cpu",
        drop_last: bool = False,
        shard: tuple[int, int] = (0, 1),
    ):
        self.dataset = dataset
        self.batch_size = _checked(batch_size)
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        self.mirror, self.augment = mirror, augment
        self.device, self.shard = torch.device(device), shard
        self.epoch = 0

        self._data, targets, self._indices = _arrays(dataset)
        self._labels = torch.as_tensor(targets, dtype=torch.int64)
        generator = torch.Generator().manual_seed(seed)
        self._coin = torch.randint(2, (len(self._labels),), generator=generator)
        self._mean = torch.as_tensor(mean, dtype=torch.float32, device=self.device).view(-1, 1, 1)
        self._std = torch.as_tensor(std, dtype=torch.float32, device=self.device).view(-1, 1, 1)

    def __len__(self) -> int:
        """Return the number of batches in a whole epoch."""
        images = len(self._indices) // self.shard[1]
        return images // self.batch_size if self.drop_last else -(-images // self.batch_size)

    @property
    def draws(self) -> bool:
        """Whether a pass may use torch's global random numbers: only ``augment`` could."""
        return self.augment is not None

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be ``epoch``."""
        self.epoch = epoch

    def order(self, epoch: int) -> torch.Tensor:
        """Return which images of the array ``epoch`` visits, one after another, int64."""
        order = self._indices
        if self.shuffle:
            generator = torch.Generator().manual_seed(self.seed + epoch)
            order = order[torch.randperm(len(order), generator=generator)]
        rank, world = self.shard
        return order[: len(order) // world * world][rank::world]

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        return self._batches(epoch)

    def _batches(self, epoch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        size = self.batch_size
        order = self.order(epoch)[: len(self) * size]
        length = max(1, _GATHERED // size) * size  # images in a chunk: whole batches
        for number, start in enumerate(range(0, len(order), length)):
            images, labels = self._prepared(order[start : start + length], epoch, number)
            yield from zip(images.split(size), labels.split(size), strict=True)

    def _prepared(
        self, chunk: torch.Tensor, epoch: int, number: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = torch.from_numpy(np.take(self._data, chunk.numpy(), axis=0))  # a copy, uint8
        pixels = pixels.to(self.device).permute(0, 3, 1, 2)  # [n, 32, 32, 3] -> [n, 3, 32, 32]
        images = pixels.to(torch.float32, memory_format=torch.contiguous_format)
        images.div_(255).sub_(self._mean).div_(self._std)
        if self.mirror:
            mirrored = ((self._coin[chunk] + epoch) % 2 == 1).to(self.device)
            images[mirrored] = images[mirrored].flip(3)
        if self.augment is not None:
            seed = self.seed + epoch * _MOST_CHUNKS + number
            images = self.augment(images, torch.Generator().manual_seed(seed))
        return images, self._labels[chunk].to(self.device)


def _checked(batch_size: int) -> int:
    if isinstance(batch_size, Integral) and not isinstance(batch_size, bool) and batch_size >= 1:
        return int(batch_size)
    text = _(
        "A batch of {size!r} cannot be made: batch_size is a whole number of images, 1 or more. "
        "Try batch_size=4."
    )
    raise ExplainedError(text.format(size=batch_size))


def _arrays(dataset: Any) -> tuple[np.ndarray, Sequence[int], torch.Tensor]:
    """Return pixels, labels, and the positions in them of which ``dataset`` consists."""
    if isinstance(dataset, Subset):
        data, targets, within = _arrays(dataset.dataset)
        return data, targets, within[torch.as_tensor(list(dataset.indices), dtype=torch.int64)]
    return dataset.data, dataset.targets, torch.arange(len(dataset.targets))
