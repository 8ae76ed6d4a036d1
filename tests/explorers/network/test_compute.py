"""What is told of a network; `tests/browser/test_network_story.py` works out its numbers."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from labkit.data import normalise
from labkit.explorers.network import compute
from labkit.explorers.network.compute import as_batch, look_back, read
from labkit.inspect import pixels_seen
from labkit.model import Net
from tests.explorers.network.zoo import ZOO, story

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
BATCH = normalise(IMAGE)[None]


def unpacked(told):
    """Return the maps of each line, ``[C, H, W]``, from the bytes that a browser gets."""
    numbers, maps = np.frombuffer(told["maps"], "<f4"), []
    for line in told["plan"]:
        count = int(np.prod(line["shape"]))
        maps.append(numbers[:count].reshape(line["shape"]))
        numbers = numbers[count:]
    assert len(numbers) == 0
    return maps


@pytest.mark.parametrize("name", ZOO)
def test_nothing_in_the_zoo_is_unknown_and_the_last_numbers_are_what_the_network_returns(name):
    torch.manual_seed(0)
    model = ZOO[name]().eval()
    told = story(model, IMAGE)
    plan, maps = json.loads(json.dumps(told["plan"])), unpacked(told)  # plain JSON
    assert "unknown" not in [line["kind"] for line in plan]
    with torch.no_grad():
        output = model(BATCH)[0]
    shown = maps[-2] if plan[-1]["name"] == "softmax" else maps[-1]
    np.testing.assert_allclose(shown.ravel(), output.ravel().numpy(), atol=1e-5)


def test_activations_and_reshapings_belong_to_the_layer_before_them():
    lines = story(Net(), IMAGE)["plan"]
    names = ["image", "conv1", "pool", "conv2", "pool 2", "fc1", "fc2", "fc3", "softmax"]
    assert [line["name"] for line in lines] == names
    relu = [line["name"] for line in lines if line["activations"] == ["ReLU"]]
    assert relu == ["conv1", "conv2", "fc1", "fc2"]
    assert lines[5]["sources"] == [4] and lines[5]["inputs"] == 16  # fc1 takes 16 maps of 5 x 5


class Twice(nn.Module):
    """What stands before the activation is needed once more."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, x):
        x = self.conv(x)
        return torch.relu(x) + x


def test_an_activation_stands_alone_where_another_layer_needs_what_is_before_it():
    lines = story(Twice(), IMAGE)["plan"]
    assert [line["kind"] for line in lines] == ["input", "products", "activation", "sum"]
    assert lines[2]["activations"] == ["ReLU"] and sorted(lines[3]["sources"]) == [1, 2]


class Odd(nn.Module):
    """Axes that change places, and a layer that takes words."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(3, 1, batch_first=True)
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        tokens = x[:, :, ::8, ::8].flatten(2).permute(0, 2, 1)
        return self.head(self.attention(tokens, tokens, tokens)[0].mean(dim=1))


def test_what_is_not_known_is_called_unknown_and_its_numbers_are_shown():
    told = story(Odd(), IMAGE)
    kinds = {line["name"]: line["kind"] for line in told["plan"]}
    assert kinds["attention"] == kinds["permute()"] == kinds["mean()"] == "unknown"
    assert kinds["head"] == "products"


def test_a_dropout_that_is_never_switched_off_is_no_reshaping():
    class Noisy(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(x.flatten(1)[:, :10])

    assert story(Noisy(), IMAGE)["plan"][-2]["kind"] == "unknown"


@pytest.mark.parametrize(("line", "step"), [(1, 0), (2, 2), (3, 3), (4, 5), (5, 7), (7, 11)])
def test_the_pixels_seen_are_those_that_are_found_one_by_one(line, step):
    model, batch = Net(), BATCH
    reading = read(model, batch)
    assert look_back(reading, model, batch) == ""
    unit = tuple(size // 2 for size in reading.lines[line].values.shape)
    top, bottom, left, right = reading.lines[line].told["sees"]
    _c, y, x = unit
    rows, columns = pixels_seen(model, (3, 32, 32), step, unit if line < 5 else unit[:1])
    seen = [top[y], bottom[y], left[x], right[x]]
    assert seen == [rows.start, rows.stop, columns.start, columns.stop]


def test_probabilities_are_not_squashed_a_second_time():
    model = nn.Sequential(Net(classes=4), nn.Softmax(dim=1))
    reading = read(model, BATCH)
    expected = model(BATCH)[0].tolist()
    assert reading.probabilities.tolist() == pytest.approx(expected, abs=1e-5)
    assert [line.told["kind"] for line in reading.lines[-2:]] == ["products", "softmax"]


def test_weights_that_are_too_many_to_send_are_kept(monkeypatch):
    monkeypatch.setattr(compute, "WEIGHTS_AT_MOST", 10_000)
    reading = read(Net(), BATCH)
    sent = [line["name"] for line in reading.plan if line["filters"] is not None]
    assert sent == ["conv1", "conv2", "fc3"]  # fc1 and fc2 have 58,284
    assert len(reading.weights) == 4 * (456 + 2416 + 850)
    monkeypatch.setattr(compute, "MAPS_AT_MOST", 10_000)
    with pytest.raises(ValueError, match="makes 11,"):
        assert reading.maps


def test_maps_are_copies_even_where_a_layer_works_in_place():
    model = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    convolution = read(model, BATCH).lines[2]
    assert convolution.values.min() == 0 and convolution.told["activations"] == ["ReLU"]


def test_one_image_is_a_batch_of_one():
    assert as_batch(torch.zeros(3, 8, 8)).shape == (1, 3, 8, 8)
    with pytest.raises(ValueError, match=r"not \[2, 3, 8, 8\]"):
        as_batch(torch.zeros(2, 3, 8, 8))


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    story(model, IMAGE)
    assert model.training and torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_model_on_a_gpu_is_told_as_on_the_cpu():
    model = ZOO["residual"]().eval()
    expected = story(model, IMAGE)
    told = story(model.cuda(), IMAGE, prepare=lambda image: normalise(image).cuda())
    assert told["plan"] == expected["plan"]
    for ours, theirs in zip(unpacked(told), unpacked(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-2)
