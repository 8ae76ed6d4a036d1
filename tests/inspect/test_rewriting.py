"""Edits of the learner's lines: none that throws an image or a result away, or mixes images."""

import pytest
import torch
from torch import nn

from labkit.inspect import rewriting, summary
from labkit.inspect.recording import record
from tests.inspect.test_learners import Broken, built


def tried(layers, forward, x):
    """Return the lines that stand in the place of the learner's, in the order they are tried."""
    broken = record(built(Broken(layers, forward, "", "")), x)
    assert broken.error
    edits = rewriting.edits(broken)
    return [fix.words.partition(" in place of ")[0].removeprefix("write ") for _cost, fix in edits]


@pytest.mark.parametrize(
    "forward, may",
    [
        ("k = self.fc(x); return (k @ k)[0]", False),
        ("k = self.rnn(x); return k + 1", True),
        ("k = [self.fc(x), x]; return k + 1", True),
    ],
)
def test_a_part_is_taken_of_a_tuple_or_list_and_of_no_tensor(forward, may):
    layers = "fc = nn.Linear(6, 4); rnn = nn.LSTM(6, 4, batch_first=True)"
    lines = tried(layers, forward, torch.ones(3, 5, 6))
    assert any("k[0]" in line or "k[-1]" in line for line in lines) == may


def test_the_axis_of_the_images_stays_in_an_index():
    lines = tried("fc = nn.Linear(5, 4)", "return self.fc(x[:, :, 0])", torch.ones(3, 6, 5))
    assert any("x[:, 0]" in line for line in lines)
    assert not any("x[:, 0" not in line and "x[0" in line for line in lines)


def test_a_result_that_is_used_once_is_not_left_out_for_another():
    layers, x = "a = nn.Linear(6, 6); b = nn.Linear(4, 2)", torch.ones(3, 6)
    assert "return self.b(x)" not in tried(layers, "h = self.a(x); return self.b(h)", x)
    lines = tried(layers, "h = self.a(x); return self.b(h) + h.sum()", x)
    assert "return self.b(x) + h.sum()" in lines


@pytest.mark.parametrize("images", [1, 4])
@pytest.mark.parametrize(
    "forward",
    [
        "h = self.fc(x); return h @ h",  # h @ h.T compares each image with the others
        "h = self.fc(x); return h + h[:, :4].sum((0, 2))",  # of dim=0 it sums over the images
    ],
)
def test_an_edit_with_which_an_image_depends_on_others_is_not_told(forward, images):
    x = torch.ones(images, 5)
    fault = summary(built(Broken("fc = nn.Linear(5, 7)", forward, "", "")), x).fault
    assert "in place of" not in fault.change


class Gridded(nn.Module):
    """Adds a tensor that it makes on the CPU, wherever its images are."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3)

    def forward(self, images):
        grid = torch.linspace(-1, 1, 64).view(1, 1, 8, 8).expand(len(images), -1, -1, -1)
        return self.conv(torch.cat([images, grid], 1)).mean((2, 3))


def test_a_tensor_that_forward_makes_goes_to_the_device_of_the_images():
    x = torch.ones(2, 3, 8, 8)
    assert summary(Gridded(), x).fault is None
    fault = summary(Gridded().to("meta"), x.to("meta")).fault
    assert "torch.cat([images, grid.to(images.device)], 1)" in fault.change


def test_tensors_that_no_buffer_holds_are_registered():
    layers = "mean = torch.ones(3, 1, 1); std = torch.ones(3, 1, 1); bn = nn.BatchNorm2d(3)"
    model = built(Broken(layers, "return self.bn((x - self.mean) / self.std)", "", ""))
    x = torch.ones(2, 3, 4, 4, device="meta")
    assert "register self.mean and self.std" in summary(model.to("meta"), x).fault.change
