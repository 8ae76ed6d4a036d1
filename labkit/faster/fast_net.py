"""A network for few cores: a whitening first layer, then blocks of convolution and batch norm.

The plan is that of Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (2024),
https://arxiv.org/abs/2404.00498, made narrower until it fits a CPU.
"""

import torch
from torch import nn
from torch.nn import functional


class FastNet(nn.Module):
    """Classify images ``[N, 3, H, W]``, H and W at least 16: logits ``[N, classes]``.

    A first layer looks at patches of 2 x 2 pixels; three blocks each halve the map; the largest
    value of each channel goes to one linear layer.
    """

    def __init__(
        self,
        classes: int = 10,
        widths: tuple[int, ...] = (32, 64, 128),
        depths: tuple[int, ...] = (3, 3, 3),
    ):
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 2)
        sizes = zip((24, *widths), widths, depths, strict=False)
        self.blocks = nn.Sequential(*(Block(*size) for size in sizes))
        self.head = nn.Linear(widths[-1], classes, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.patches(x))  # [N, 3, 32, 32] -> [N, 24, 31, 31]
        x = self.blocks(x)  # -> [N, 32, 15, 15] -> [N, 64, 7, 7] -> [N, 128, 3, 3]
        x = x.amax(dim=(2, 3))  # -> [N, 128]
        return self.head(x) / 9  # -> [N, classes]; smaller logits: bolder steps of the head

    def whiten(self, images: torch.Tensor) -> None:
        """Set the first layer to the whitening filters of ``images``, and freeze it."""
        filters = whitening_filters(images, size=2)
        with torch.no_grad():
            self.patches.weight.copy_(torch.cat([filters, -filters]))
            self.patches.bias.zero_()  # ty: ignore[missing-union-attribute]
        self.patches.requires_grad_(False)


class Block(nn.Module):
    """A convolution with max-pooling; around the ``depth - 1`` others a path that leads past them.

    Each convolution is 3 x 3, with batch norm and ReLU behind it.
    """

    def __init__(self, inputs: int, outputs: int, depth: int = 3):
        super().__init__()
        self.conv = _conv(inputs, outputs)
        self.norm = _norm(outputs)
        others = [(_conv(outputs, outputs), _norm(outputs), nn.ReLU()) for _n in range(depth - 1)]
        self.others = nn.Sequential(*(layer for three in others for layer in three))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(self.conv(x), 2)
        x = functional.relu(self.norm(x))
        return x + self.others(x)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    nn.init.dirac_(conv.weight.data[:inputs])  # at first it passes its inputs on unchanged
    return conv


def _norm(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, momentum=0.4)  # a short run: forget the beginning soon
    norm.weight.requires_grad_(False)
    return norm


def whitening_filters(images: torch.Tensor, size: int) -> torch.Tensor:
    """Return filters ``[3 * size**2, 3, size, size]`` whose answers are uncorrelated.

    Neighbouring pixels are nearly equal, so most of what a patch says it says many times. Over
    all patches of ``images [N, 3, H, W]`` the answer of each filter has variance 1 (less for
    directions that hardly occur), and no two filters answer alike. The filters are the
    eigenvectors of the patches' covariance, divided by the roots of the eigenvalues.
    """
    patches = images.unfold(2, size, size).unfold(3, size, size)  # [N, 3, h, w, size, size]
    patches = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3 * size**2).double()
    covariance = patches.T @ patches / len(patches)
    variances, directions = torch.linalg.eigh(covariance)
    filters = directions / (variances + 5e-4).sqrt()  # one filter per column
    return filters.T.flip(0).reshape(-1, 3, size, size).float()
