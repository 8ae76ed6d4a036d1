"""The network of notebook 3: the package has the one that learners write, and it may be wider."""

import torch

from labkit.model import Net
from tests.checks.exercises import definitions


def test_it_is_the_network_that_notebook_3_writes():
    written = definitions("cnn")["Net"](classes=4)
    packaged = Net(classes=4)
    packaged.load_state_dict(written.state_dict())
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(packaged(images), written(images))


def test_it_has_the_parameters_that_the_notebooks_speak_of():
    assert sum(parameter.numel() for parameter in Net().parameters()) == 62_006


def test_width_multiplies_channels_and_hidden_units_but_no_classes():
    shapes = {
        name: list(weight.shape) for name, weight in Net(classes=3, width=2).named_parameters()
    }
    assert shapes["conv1.weight"] == [12, 3, 5, 5]
    assert shapes["fc1.weight"] == [240, 800]
    assert shapes["fc3.weight"] == [3, 168]
