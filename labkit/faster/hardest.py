"""Spend the steps on the images that still teach something.

After Angela Jiang et al., "Accelerating Deep Learning by Focusing on the Biggest Losers" (2019),
https://arxiv.org/abs/1910.00762. There a second look at each batch decides; here the loss that a
image had the last time it was shown, which costs nothing.
"""

import math
from collections.abc import Iterator

import torch
from torch.utils.data import Subset

from labkit.data.loaders import BatchLoader
from labkit.data.sets import ImageSet

GROWTH = 0.3
"""What is added to the loss of an image in each epoch without it, so that its turn comes."""


class HardestLoader:
    """Iterate as ``BatchLoader`` does, over the ``part`` of the images with the largest losses.

    After each step, ``tell`` it the losses of the batch. Pictures never shown come first, so the
    first epoch has all of them. ``options`` are those of ``BatchLoader``.
    """

    def __init__(self, dataset: ImageSet, batch_size: int, *, part: float, **options):
        self.dataset, self.batch_size, self.part = dataset, batch_size, part
        self.options = options
        self.losses = torch.full((len(dataset),), math.inf)
        self._epoch, self._everything = 0, False
        self._shown = torch.empty(0, dtype=torch.int64)  # which images the last batch had

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the batches ``(images [B, 3, 32, 32], labels [B])`` of the next epoch."""
        chosen, everything = self._choose(), self._everything
        size = min(self.batch_size, len(chosen))
        loader = BatchLoader(Subset(self.dataset, chosen.tolist()), size, **self.options)
        loader.set_epoch(self._epoch)
        shown = loader.order(self._epoch).split(size)
        self._epoch += 1
        for self._shown, batch in zip(shown, loader, strict=False):  # drop_last drops a batch
            yield batch
            if self._everything and not everything:
                return

    def tell(self, losses: torch.Tensor, *, everything: bool = False) -> None:
        """Take down the ``losses [B]`` of the last batch.

        ``everything`` ends the epoch here, and those that follow have all images again.
        """
        self.losses[self._shown] = losses.detach().cpu()
        self._everything = everything

    def _choose(self) -> torch.Tensor:
        """Return which images the next epoch has, int64, and let the others' losses grow."""
        count, unseen = len(self.losses), int(self.losses.isinf().sum())
        kept = count if self._everything else max(math.ceil(self.part * count), unseen)
        order = self.losses.argsort(descending=True, stable=True)
        self.losses[order[kept:]] += GROWTH
        return order[:kept].sort().values
