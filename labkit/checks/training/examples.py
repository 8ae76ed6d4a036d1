"""Small batches and networks to train."""

import torch
from torch import nn

from labkit.text import _


class Batches(list):
    """Batches as a list, told by their sizes."""

    @property
    def words(self) -> str:
        return _("batches of {sizes}").format(sizes=", ".join(str(len(y)) for _x, y in self))


def random_batches(*sizes, classes=3):
    """Return a batch of six numbers each and labels for each of ``sizes``."""
    generator = torch.Generator().manual_seed(len(sizes))
    return Batches(
        (
            torch.randn(size, 6, generator=generator),
            torch.randint(classes, (size,), generator=generator),
        )
        for size in sizes
    )


def small_network(norm: bool):
    """Return a network of two layers, with batch norm or tanh between them; always the same."""
    torch.manual_seed(1)
    layers = [nn.Linear(6, 8), nn.BatchNorm1d(8) if norm else nn.Tanh(), nn.Linear(8, 3)]
    return nn.Sequential(*layers)
