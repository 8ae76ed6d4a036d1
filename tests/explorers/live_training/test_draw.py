"""The still of a live run: what a reader sees who has no kernel."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from labkit.explorers.live_training import LiveTraining
from labkit.explorers.live_training.draw import still
from labkit.training import Run


@pytest.fixture
def frame():
    torch.manual_seed(0)
    examples = TensorDataset(torch.rand(24, 3, 8, 8), torch.arange(24) % 3)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 3))
    sgd = torch.optim.SGD(model.parameters(), lr=0.01)
    run = Run(model, DataLoader(examples, 4), DataLoader(examples, 24), sgd, epochs=2)
    run.finish()
    return LiveTraining(run).screen.frame


def test_the_loss_axis_begins_at_zero_and_blind_guessing_has_its_line(frame):
    losses = still(frame).axes[0]
    assert losses.get_ylim()[0] == 0 < math.log(3) < losses.get_ylim()[1]
    assert frame["blind"] == pytest.approx(math.log(3))
    assert "blind guess, ln 3 = 1.10" in [text.get_text() for text in losses.texts]
    assert losses.get_xlim() == (0, 2)


def test_a_loss_that_runs_away_leaves_the_picture(frame):
    curve = np.array([[0.5, 1.1], [1.0, 4.4e29]], np.float32).tobytes()
    assert still(frame | {"curve": curve}).axes[0].get_ylim()[1] < 10


def test_filters_image_and_probabilities_are_there_and_the_true_class_says_so(frame):
    _losses, filters, image, bars = still(frame).axes
    assert filters.images[0].get_array().shape == (3, 4 * 4 - 1, 3)
    assert image.images[0].get_array().shape == (8, 8, 3)
    assert [bar.get_width() for bar in bars.patches] == [share for _n, share, _t in frame["bars"]]
    assert [label.get_fontweight() for label in bars.get_yticklabels()] == ["bold", *2 * ["normal"]]
    assert image.get_title() == "true class: 0"


def test_where_another_loss_is_trained_there_is_no_line_of_blind_guessing(frame):
    assert list(still(frame | {"blind": None}).axes[0].texts) == []
