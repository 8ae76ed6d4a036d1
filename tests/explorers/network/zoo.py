"""Networks of every kind that the explorer tells, small, with all their options in use."""

import torch
import torch.nn.functional as F
from torch import nn

from labkit.data import normalise
from labkit.explorers.network.compute import as_batch, look_back, read
from labkit.faster.fast_net import FastNet
from labkit.model import Net


class Functions(nn.Module):
    """The functions instead of the layers, and a sum of two paths."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.last = nn.Linear(4, 3, bias=False)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        y = F.leaky_relu(x, 0.1)
        x = x + y
        x += y
        x = F.adaptive_avg_pool2d(F.avg_pool2d(x, 2, ceil_mode=True), 3)
        x = x.mean(dim=(2, 3)) / 9
        return F.softmax(self.last(x.view(-1, 4)), dim=1)


class Residual(nn.Module):
    """A path that leads past a convolution, and batch norm that has seen some batches."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.relu = nn.ReLU(inplace=True)
        with torch.no_grad():
            for part in (self.norm.running_mean, self.norm.weight, self.norm.bias):
                part.normal_()
            self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        return self.relu(self.norm(self.conv(x)) + x).amax((2, 3))


def _conv(**options):
    return nn.Sequential(nn.Conv2d(3, 6, 3, **options), nn.Tanh())


ZOO = {
    "net": Net,
    "fast net": FastNet,
    "functions": Functions,
    "residual": Residual,
    "stride and padding": lambda: _conv(stride=2, padding=1),
    "dilation": lambda: _conv(dilation=(2, 3), padding=(2, 1)),
    "groups": lambda: _conv(groups=3, bias=False),
    "same": lambda: nn.Sequential(nn.Conv2d(3, 2, (4, 3), padding="same")),
    "reflected": lambda: _conv(padding=2, padding_mode="reflect"),
    "round and round": lambda: _conv(padding=1, padding_mode="circular"),
    "max-pooling": lambda: nn.MaxPool2d(3, 2, padding=1, dilation=2, ceil_mode=True),
    "average pooling": lambda: nn.AvgPool2d(3, 2, padding=1, ceil_mode=True),
    "average without padding": lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "average of its own": lambda: nn.AvgPool2d((2, 3), divisor_override=5),
    "adaptive": lambda: nn.Sequential(nn.AdaptiveMaxPool2d((7, 5)), nn.AdaptiveAvgPool2d(3)),
    "no convolution": lambda: nn.Sequential(
        *(nn.Flatten(), nn.Dropout(), nn.Linear(3072, 20), nn.BatchNorm1d(20, affine=False)),
        *(nn.GELU(), nn.Linear(20, 5), nn.Softmax(dim=1)),
    ),
}

FUNCTIONS = {
    "ReLU": torch.relu,
    "LeakyReLU": lambda x: F.leaky_relu(x, 0.1),
    "Tanh": torch.tanh,
    "GELU": F.gelu,
    "÷ 9": lambda x: x / 9,
}
"""What the activations of these networks do, by the names that the explorer gives them."""


def story(model, image, classes=(), prepare=normalise):
    """Return what a browser is told of an image, uint8 ``[H, W, 3]``, in ``model``."""
    batch = as_batch(prepare(image))
    reading = read(model, batch)
    look_back(reading, model, batch)
    return reading.story(image, classes)
