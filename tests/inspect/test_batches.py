"""What the coach says of other batches, and where it has nothing to say."""

import pytest
import torch
from torch import nn
from torchvision.models import vit_b_32

from labkit.inspect import summary
from labkit.model import Net

IMAGES = (4, 3, 32, 32)


class Pairs(nn.Module):
    """Takes its batch for pairs, as contrastive losses do: the number of images has to be even."""

    def __init__(self):
        super().__init__()
        self.net = Net()

    def forward(self, x):
        first, second = self.net(x).view(-1, 2, 10).unbind(1)
        return torch.cat([first, second])


class Alike(nn.Module):
    """Compares every image with every other."""

    def __init__(self):
        super().__init__()
        self.net = Net()

    def forward(self, x):
        codes = nn.functional.normalize(self.net(x))
        return codes @ codes.T


class InTime(nn.Module):
    """Gives an LSTM time on the first axis, as it expects."""

    def __init__(self):
        super().__init__()
        self.rnn, self.fc = nn.LSTM(96, 16), nn.Linear(16, 10)

    def forward(self, x):
        out, _state = self.rnn(x.permute(2, 0, 1, 3).flatten(2))
        return self.fc(out[-1])


RIGHT = {
    "the network of the lab": (Net(), IMAGES),
    "pairs": (Pairs(), IMAGES),
    "a table of likeness": (Alike(), IMAGES),
    "time on the first axis": (InTime(), IMAGES),
    "batch statistics": (
        nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), nn.Flatten()),
        IMAGES,
    ),
    "a transformer": (vit_b_32(), (2, 3, 224, 224)),
    "a filter over all axes of a video": (nn.Sequential(nn.Conv3d(3, 4, 3)), (3, 8, 9, 9)),
    "one image": (nn.Sequential(nn.Conv2d(3, 4, 3)), (3, 9, 9)),
}


@pytest.mark.parametrize("model, size", RIGHT.values(), ids=RIGHT)
def test_it_says_nothing_of_what_is_right(model, size):
    shown = summary(model, size)
    assert not shown.fault and not shown.warnings, str(shown)


def test_the_model_and_its_random_numbers_stay_as_they_were():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Softmax(dim=0))
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    assert "dim=1" in summary(model, IMAGES).warnings[0]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training and torch.equal(state, torch.get_rng_state())
