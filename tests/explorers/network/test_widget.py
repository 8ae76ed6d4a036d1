"""Inside the network, set from Python as a learner would in a browser."""

import numpy as np
import pytest
import torch
from torch import nn

from labkit.data import normalise
from labkit.explorers.network import NetworkExplorer
from labkit.explorers.network.draw import still
from labkit.inspect.fields import fields
from labkit.model import Net
from tests.explorers.network.zoo import ZOO


def shown(explorer, line):
    """Return the numbers of a line from the bytes that the browser has got."""
    plan = explorer.stage.scene["plan"]
    sizes = [int(np.prod(told["shape"])) for told in plan]
    numbers = np.frombuffer(explorer.stage.numbers["maps"], "<f4")
    assert len(numbers) == sum(sizes)
    start = sum(sizes[:line])
    return numbers[start : start + sizes[line]].reshape(plan[line]["shape"])


def test_the_maps_shown_are_those_of_the_model_on_the_normalised_image(samples):
    model = Net()
    explorer = NetworkExplorer(model, samples)
    explorer.choice.choice.value = "ship"
    expected = torch.relu(model.conv1(normalise(samples["ship"])[None]))[0].detach().numpy()
    np.testing.assert_allclose(shown(explorer, 1), expected, atol=1e-5)
    numbers = explorer.stage.numbers
    assert numbers["image"] == samples["ship"].tobytes() and numbers["size"] == [32, 32]
    logits = model(normalise(samples["ship"])[None])[0].detach()
    np.testing.assert_allclose(shown(explorer, 7).ravel(), logits, atol=1e-5)
    np.testing.assert_allclose(shown(explorer, 8).ravel(), logits.softmax(0), atol=1e-6)
    assert explorer.reading.probabilities.tolist() == pytest.approx(
        logits.softmax(0).tolist(), abs=1e-6
    )


def test_it_begins_at_the_largest_number_of_the_last_convolution(samples):
    explorer = NetworkExplorer(Net(), samples)
    line, *place = explorer.stage.settings["place"]
    assert line == 3 and shown(explorer, 3)[tuple(place)] == shown(explorer, 3).max()


def test_another_image_keeps_the_place_and_what_is_open(samples):
    explorer = NetworkExplorer(Net(), samples)
    explorer.stage.set(place=[3, 5, 2, 7], opened=True)
    sees = [line["sees"] for line in explorer.stage.scene["plan"]]
    explorer.choice.choice.value = "ship"
    assert explorer.stage.settings == {"place": [3, 5, 2, 7], "opened": True}
    assert [line["sees"] for line in explorer.stage.scene["plan"]] == sees and None not in sees


def test_the_snapshots_weights_are_shown_and_the_model_keeps_its_own(samples):
    model, other = Net(), Net()
    snapshots = [("epoch 1", other.state_dict()), ("epoch 2", model.state_dict())]
    explorer = NetworkExplorer(model, samples, snapshots=snapshots)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert explorer.weights.texts == ["epoch 1", "epoch 2"] and explorer.weights.value == 1
    largest = max(one.conv1.weight.abs().max().item() for one in (model, other))
    assert explorer.stage.scene["brightest"] == pytest.approx(largest)
    explorer.weights.value = 0
    expected = torch.relu(other.conv1(normalise(samples["cat"])[None]))[0].detach().numpy()
    np.testing.assert_allclose(shown(explorer, 1), expected, atol=1e-5)
    first = explorer.stage.scene["plan"][1]["filters"]
    sent = np.frombuffer(explorer.stage.numbers["weights"], "<f4")[first:]
    np.testing.assert_allclose(sent[:450], other.conv1.weight.detach().ravel())
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    with torch.no_grad():
        other.conv1.weight.zero_()  # the snapshot is a copy: training goes on
    explorer.weights.value = 1
    explorer.weights.value = 0
    np.testing.assert_allclose(shown(explorer, 1), expected, atol=1e-5)


def test_weights_near_by_are_sent_when_they_are_asked_for_and_not_again(samples):
    states = [Net().state_dict() for _ in range(3)]
    snapshots = list(zip("012", states, strict=True))
    explorer = NetworkExplorer(Net(), samples, snapshots=snapshots)
    stage = explorer.stage
    for image in ("cat", "ship", "cat"):
        explorer.choice.choice.value = image
        stage._handle_custom_msg({"weights": 1}, [])
        kernel = states[1]["conv1.weight"], states[1]["conv1.bias"]
        expected = torch.conv2d(normalise(samples[image])[None], *kernel).relu()[0]
        maps = np.frombuffer(stage.ahead["maps"], "<f4")[3072:]
        np.testing.assert_allclose(maps[: expected.numel()], expected.ravel(), atol=1e-5)
        assert stage.ahead["at"] == 1 and stage.numbers["at"] == 2
    numbers = stage.numbers
    explorer.weights.value = 1
    assert stage.numbers is numbers
    np.testing.assert_allclose(explorer.reading.lines[1].values, expected, atol=1e-5)
    explorer.weights.value = 0
    assert stage.numbers["at"] == 0


def test_snapshots_of_another_network_are_a_sentence(samples):
    snapshots = [("other", Net(classes=3).state_dict())]
    explorer = NetworkExplorer(Net(), samples, snapshots=snapshots)
    assert "other" in explorer.message.value and "do not fit" in explorer.message.value
    assert explorer.still() == (b"", "")


def test_a_filter_that_was_not_sent_is_given_when_it_is_asked_for(samples, monkeypatch):
    monkeypatch.setattr("labkit.explorers.network.compute.WEIGHTS_AT_MOST", 10_000)
    model = Net()
    explorer = NetworkExplorer(model, samples)
    assert explorer.stage.scene["plan"][5]["filters"] is None
    answers = []
    monkeypatch.setattr(explorer.stage, "send", lambda *answer: answers.append(answer))
    explorer.stage._handle_custom_msg({"filter": [5, 7]}, [])
    [(message, [numbers])] = answers
    assert message == {"filter": [5, 7]}
    expected = [*model.fc1.weight[7].tolist(), model.fc1.bias[7].item()]
    assert np.frombuffer(numbers, "<f4").tolist() == pytest.approx(expected)


@pytest.mark.parametrize("name", ZOO)
def test_every_kind_of_network_is_told(samples, name):
    explorer = NetworkExplorer(ZOO[name](), samples)
    assert explorer.message.value == "" and len(explorer.stage.scene["plan"]) > 1
    explorer.choice.choice.value = "ship"
    assert 'the image "ship"' in explorer.still()[1]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.Conv2d(1, 2, 3), "in_channels=3"),
        (nn.Linear(5, 2), "in_features"),
        (nn.Sequential(nn.Flatten(0), nn.Linear(3072, 2)), "keeps one row"),
        (nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU()), None),
    ],
    ids=["one channel", "no image", "mixed", "lazy"],
)
def test_a_model_of_another_kind_works_or_is_a_sentence(samples, model, words):
    explorer = NetworkExplorer(model, samples)
    explorer.choice.choice.value = "ship"
    assert words in explorer.message.value if words else explorer.message.value == ""


def test_a_model_for_other_images_gets_them_by_prepare(samples):
    def grey(image):
        return torch.from_numpy(image).float().mean(dim=2)[None, None, 2:30, 2:30] / 255

    model = nn.Sequential(nn.Conv2d(1, 7, 3), nn.ReLU())
    explorer = NetworkExplorer(model, samples, prepare=grey)
    expected = model(grey(samples["cat"]))[0].detach().numpy()
    np.testing.assert_allclose(shown(explorer, 1), expected, atol=1e-5)
    assert explorer.reading.probabilities is None
    top, bottom, left, right = explorer.stage.scene["plan"][1]["sees"]
    assert [top[25], bottom[25], left[25], right[25]] == [25, 28, 25, 28]


def test_fields_of_an_image_that_is_not_square_and_of_one_that_is_not_seen():
    model = nn.Sequential(nn.Conv2d(1, 2, (3, 5), stride=2), nn.ZeroPad2d(1))
    first, padded = fields(model, (1, 20, 40))
    assert first.shape == (4, 2, 9, 18)
    assert first[:, 1, 8, 17].tolist() == [16, 19, 34, 39]
    assert padded[:, 0, 0, 0].tolist() == [0, 0, 0, 0]


def test_the_still_shows_the_image_the_maps_and_the_prediction(samples):
    explorer = NetworkExplorer(Net(classes=3), samples, classes=["a", "b", "c"])
    shares = explorer.reading.probabilities
    best = int(shares.argmax())
    plot = still(samples["cat"], "cat", explorer.reading, explorer.classes)
    assert f"It predicts {'abc'[best]}, {shares[best]:.1%}." in plot.alt
    image, *lines, bars = plot.axes
    assert np.array_equal(image.images[0].get_array(), samples["cat"]) and len(lines) == 7
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], shares)
