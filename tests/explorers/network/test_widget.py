"""Inside the network, set from Python as a learner would in a browser."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from labkit.explorers.network import NetworkExplorer
from labkit.explorers.network.draw import FilterSheet, Mosaic, Sheet, bars
from labkit.inspect import pixels_seen
from labkit.inspect.fields import fields
from labkit.model import Net


@pytest.fixture
def samples():
    numbers = np.random.default_rng(0)
    return {name: numbers.integers(0, 256, (32, 32, 3), dtype=np.uint8) for name in ("cat", "ship")}


def normal(picture):
    return (torch.from_numpy(picture).permute(2, 0, 1) / 255 * 2 - 1)[None]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def orange(png):
    """Return the rows and columns of the pixels that are exactly the frame's orange."""
    return np.nonzero((pixels(png) == (0xD5, 0x5E, 0x00)).all(axis=2))


def test_the_maps_shown_are_those_of_the_model_on_the_normalised_picture(samples):
    model = Net()
    explorer = NetworkExplorer(model, samples)
    explorer.choice.choice.value = "ship"
    expected = model.conv1(normal(samples["ship"]))[0].detach().numpy()
    np.testing.assert_allclose(explorer.sheets[0].planes, expected, atol=1e-5)
    explorer.choose(0, 4, (3, 20))
    value = f"{expected[4, 3, 20]:.3f}".replace("-", "−")
    assert f"is {value}" in explorer.closeup.sentence


def test_the_bars_are_the_softmax_of_the_logits_with_the_names_of_the_classes(samples):
    model, names = Net(classes=3), ["a", "b", "<c>"]
    explorer = NetworkExplorer(model, samples, classes=names)
    expected = model(normal(samples["cat"])).softmax(1)[0].tolist()
    assert explorer.probabilities.tolist() == pytest.approx(expected, abs=1e-5)
    assert all(f"{share:.1%}" in explorer.bars.value for share in expected)
    assert "&lt;c&gt;" in explorer.bars.value and "<c>" not in explorer.bars.value


def test_probabilities_are_not_squashed_a_second_time(samples):
    model = nn.Sequential(Net(classes=4), nn.Softmax(dim=1))
    expected = model(normal(samples["cat"]))[0].tolist()
    explorer = NetworkExplorer(model, samples)
    assert explorer.probabilities.tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("step", "unit"),
    [(0, (0, 2, 2)), (2, (1, 0, 13)), (3, (5, 3, 9)), (5, (0, 4, 4)), (6, (17,)), (11, (3,))],
)
def test_all_fields_at_once_are_those_that_are_found_one_by_one(step, unit):
    rows, columns = pixels_seen(Net(), (3, 32, 32), step, unit)
    found = fields(Net(), (3, 32, 32))[step][(slice(None), *unit)].tolist()
    assert found == [rows.start, rows.stop, columns.start, columns.stop]


def test_fields_of_a_picture_that_is_not_square_and_of_one_that_is_not_seen():
    model = nn.Sequential(nn.Conv2d(1, 2, (3, 5), stride=2), nn.ZeroPad2d(1))
    first, padded = fields(model, (1, 20, 40))
    assert first.shape == (4, 2, 9, 18)
    assert first[:, 1, 8, 17].tolist() == [16, 19, 34, 39]
    assert padded[:, 0, 0, 0].tolist() == [0, 0, 0, 0]


def test_the_pixels_seen_are_drawn_on_the_picture(samples):
    explorer = NetworkExplorer(Net(), samples)
    explorer.choose(3, 0, (0, 0))  # conv2, upper left: the pixels 0-13
    assert explorer.seen == (0, 14, 0, 14)
    rows, columns = orange(explorer.closeup.png)
    framed = columns < 2 * 190  # the left half holds the picture
    side = 2 * 174 / 32
    assert rows[framed].max() - 2 * 24 == pytest.approx(14 * side, abs=5)
    assert columns[framed].max() - 2 * 6 == pytest.approx(14 * side, abs=5)


def test_the_snapshots_weights_are_shown_and_the_model_keeps_its_own(samples):
    model, other = Net(), Net()
    snapshots = [("epoch 1", other.state_dict()), ("epoch 2", model.state_dict())]
    explorer = NetworkExplorer(model, samples, snapshots=snapshots)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert explorer.weights.texts == ["epoch 1", "epoch 2"] and explorer.weights.value == 1
    filters = explorer.filters.png
    explorer.weights.value = 0
    expected = other.conv1(normal(samples["cat"]))[0].detach().numpy()
    np.testing.assert_allclose(explorer.sheets[0].planes, expected, atol=1e-5)
    assert explorer.filters.png != filters
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    with torch.no_grad():
        other.conv1.weight.zero_()  # the snapshot is a copy: training goes on
    explorer.weights.value = 1
    explorer.weights.value = 0
    np.testing.assert_allclose(explorer.sheets[0].planes, expected, atol=1e-5)


def test_snapshots_of_another_network_are_a_sentence(samples):
    snapshots = [("other", Net(classes=3).state_dict())]
    explorer = NetworkExplorer(Net(), samples, snapshots=snapshots)
    assert "other" in explorer.message.value and "do not fit" in explorer.message.value


def test_a_layer_chosen_keeps_the_place_in_the_picture(samples):
    explorer = NetworkExplorer(Net(), samples)
    explorer.row.value, explorer.column.value = 27, 0
    explorer.layer.value = 2
    assert (explorer.row.value, explorer.column.value) == (13, 0)
    explorer.layer.value = 7
    assert explorer.row.disabled and explorer.map.maximum == 119 and explorer.map.label == "Unit"
    assert explorer.seen == (0, 32, 0, 32)


def test_a_click_on_a_map_a_stripe_or_a_filter_chooses_it(samples):
    explorer = NetworkExplorer(Net(), samples)
    mosaic = explorer._mosaic
    left, top, right, bottom = mosaic._box(3, 7)
    middle = (left + right) / 2 / mosaic.WIDTH, (top + bottom) / 2 / mosaic.height
    explorer._click_overview(*middle)
    assert (explorer.layer.value, explorer.map.value) == (3, 7)
    rows, columns = orange(explorer.overview.png)
    assert abs(columns.mean() / 2 - (left + right) / 2) < 1
    assert abs(rows.mean() / 2 - (top + bottom) / 2) < 1
    left, top, right, bottom = mosaic._box(11, 9)
    explorer._click_overview((left + right) / 2 / mosaic.WIDTH, (top + 3) / mosaic.height)
    assert (explorer.layer.value, explorer.map.value) == (11, 9)
    sheet = FilterSheet(6)
    left, top = sheet._corner(5)
    explorer._click_filter((left + 20) / sheet.WIDTH, (top + 20) / sheet.height)
    assert (explorer.layer.value, explorer.map.value) == (0, 5)
    explorer._click_filter(0.99, 0.99)
    assert explorer.map.value == 5


def test_of_many_layers_and_maps_those_around_the_chosen_one_are_shown(samples):
    layers = [nn.Conv2d(3, 40, 3, padding=1)]
    layers += [nn.Conv2d(40, 40, 3, padding=1) for _ in range(15)]
    explorer = NetworkExplorer(nn.Sequential(*layers), samples)
    explorer.choose(15, 39)
    mosaic = explorer._mosaic
    assert list(mosaic.tops) == list(range(4, 16)) and mosaic.first_tile == 24
    assert len(orange(explorer.overview.png)[0]) > 0
    assert "no vector of classes" in explorer.bars.value


class Odd(nn.Module):
    """Two pictures in one row, a dict in between, and numbers that are no maps."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 2, 3)

    def forward(self, x):
        found = {"maps": self.convolution(x)}
        tokens = found["maps"].flatten(2)  # [1, 2, 900]
        return tokens.mean(dim=(1, 2)).argmax()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)), None),
        (Odd(), None),
        (nn.Conv2d(1, 2, 3), "in_channels=3"),
        (nn.Linear(5, 2), "in_features"),
        (nn.Sequential(nn.Flatten(0), nn.Linear(3072, 2)), "keeps one row"),
        (nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU()), None),
    ],
    ids=["no convolution", "odd", "one channel", "no picture", "mixed", "lazy"],
)
def test_a_model_of_another_kind_works_or_is_a_sentence(samples, model, words):
    explorer = NetworkExplorer(model, samples)
    if words is None:
        assert explorer.message.value == "" and explorer.overview.png
    else:
        assert words in explorer.message.value
    explorer.choice.choice.value = "ship"
    explorer.layer.value = explorer.layer.maximum


def test_a_model_for_other_pictures_gets_them_by_prepare(samples):
    def grey(picture):
        return torch.from_numpy(picture).float().mean(dim=2)[None, None, 2:30, 2:30] / 255

    model = nn.Sequential(nn.Conv2d(1, 7, 3), nn.ReLU())
    explorer = NetworkExplorer(model, samples, prepare=grey)
    expected = model(grey(samples["cat"]))[0].detach().numpy()
    np.testing.assert_allclose(explorer.sheets[1].planes, expected, atol=1e-5)
    explorer.choose(0, 0, (25, 25))
    assert explorer.seen == (25, 28, 25, 28)


def test_the_model_is_left_as_it_was(samples):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    NetworkExplorer(model, samples, snapshots=[("now", model.state_dict())]).layer.value = 2
    assert model.training and torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    assert not any(module._forward_hooks for module in model.modules())


def test_an_output_of_any_shape_is_a_sheet_of_maps():
    assert Sheet.of("a", np.float32(3)).planes.shape == (1, 1, 1)
    assert Sheet.of("a", np.zeros(5)).is_vector
    assert Sheet.of("a", np.zeros((4, 6))).planes.shape == (1, 4, 6)
    assert Sheet.of("a", np.zeros((2, 3, 4, 6))).planes.shape == (6, 4, 6)
    assert Sheet.of("a", np.array([np.nan, np.inf])).levels().shape == (2, 1, 1)


def test_every_place_of_a_mosaic_is_the_map_that_is_drawn_there():
    mosaic = Mosaic([Sheet("a", np.zeros((6, 5, 5))), Sheet("b", np.zeros((400, 1, 1)))])
    for line, tile in [(0, 0), (0, 5), (1, 0), (1, 200), (1, 399)]:
        left, top, right, bottom = mosaic._box(line, tile)
        place = (left + right) / 2 / mosaic.WIDTH, (top + bottom) / 2 / mosaic.height
        assert mosaic.at(*place) == (line, tile)


def test_of_many_classes_the_likeliest_are_shown():
    shares = np.linspace(0, 1, 30) / np.linspace(0, 1, 30).sum()
    table = bars([f"class {n}" for n in range(30)], shares.tolist())
    assert table.count("<tr") == 10 and table.index("class 29") < table.index("class 20")
    assert "class 19<" not in table
