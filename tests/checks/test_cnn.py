import numpy as np
import torch
from torch import nn
from torch.nn import functional

from labkit.checks import cnn as check
from labkit.model import Net


def _with_loops(maps):
    n, channels, height, width = maps.shape
    pooled = torch.zeros(n, channels, height // 2, width // 2)
    for row in range(height // 2):
        for column in range(width // 2):
            window = maps[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            pooled[:, :, row, column] = window.mean(dim=(2, 3))
    return pooled


def _four_corners(maps):
    height, width = maps.shape[2] // 2 * 2, maps.shape[3] // 2 * 2
    maps = maps[:, :, :height, :width].numpy()
    corners = maps[:, :, ::2, ::2] + maps[:, :, 1::2, ::2]
    return (corners + maps[:, :, ::2, 1::2] + maps[:, :, 1::2, 1::2]) / 4


class Pooled(Net):
    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = functional.adaptive_avg_pool2d(x, (5, 5)).flatten(1)
        x = torch.relu(self.fc2(torch.relu(self.fc1(x))))
        return self.fc3(x)


class MadeInInit(Net):
    def __init__(self, classes):
        super().__init__(classes)
        self.five = nn.AdaptiveAvgPool2d(5)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = functional.max_pool2d(conv(x).relu(), 2)
        x = self.five(x).reshape(len(x), -1)
        return self.fc3(self.fc2(self.fc1(x).relu()).relu())


class WithoutNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        sizes = [400, 120, 84, classes]
        self.fc1, self.fc2, self.fc3 = map(nn.Linear, sizes[:-1], sizes[1:])

    forward = MadeInInit.forward

    def five(self, x):
        return nn.AdaptiveAvgPool2d(5)(x)


class OfOneSize(MadeInInit):
    def five(self, x):
        return x


def test_an_object_in_place_of_the_class_is_said():
    assert "without brackets" in str(check.FlexibleNet(Pooled(4)))


RIGHT = {
    check.padding_that_keeps: [
        lambda k: k // 2,
        lambda k: (k - 1) / 2,
        lambda k: np.floor(k / 2),
        lambda k: torch.tensor(k) // 2,
    ],
    check.average_pool: [
        _with_loops,
        _four_corners,
        lambda maps: functional.conv2d(
            maps, torch.full((maps.shape[1], 1, 2, 2), 0.25), stride=2, groups=maps.shape[1]
        ),
    ],
    check.inputs_of_fc1: [
        lambda side: 16 * (((side - 4) // 2 - 4) // 2) ** 2,
        lambda side: 16 * ((side - 12) // 4) ** 2,
        lambda side: 16 * np.floor(np.floor((side - 4) / 2 - 4) / 2) ** 2,
        lambda side: torch.tensor([16, (side - 12) // 4, (side - 12) // 4]).prod(),
    ],
    check.conv_parameters: [
        lambda i, o, k: i * o * k**2 + o,
        lambda i, o, k: torch.zeros(o, i, k, k).numel() + torch.zeros(o).numel(),
        lambda i, o, k: np.prod([o, i, k, k]) + o,
    ],
    check.FlexibleNet: [Pooled, MadeInInit, WithoutNet],
}

WRONG = {
    check.average_pool: (
        lambda maps: maps.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5)),
        "This is max-pooling. Take the mean of each",
    ),
    check.inputs_of_fc1: (
        lambda side: 16 * (side // 4) ** 2,
        "The convolutions are left out: without padding,",
    ),
    check.conv_parameters: (
        lambda i, o, k: o * k * k + o,
        "A filter spans all input channels: it is a",
    ),
    check.FlexibleNet: (OfOneSize, "It still takes images of 32 x 32 only."),
}
