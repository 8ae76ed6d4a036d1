"""A notebook that needs a trained network has one, whatever was run before."""

import numpy as np
import pytest
import torch
from PIL import Image

from labkit.data import BatchLoader, ImageSet
from labkit.data.read_image import ImageError
from labkit.model import Net
from labkit.training import checkpoint, evaluate
from labkit.training.ready import load_or_train, own_image
from tests.training import same


def _images(classes=("dark", "light"), source="made"):
    """Return 320 images that are dark or light, a task that an epoch is enough for."""
    targets = np.arange(320) % 2
    noise = np.random.default_rng(0).integers(0, 100, (320, 32, 32, 3))
    data = (noise + 155 * targets[:, None, None, None]).astype(np.uint8)
    return ImageSet(data, targets, classes, source=source)


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """The weights of a network that notebook 5 might have saved."""
    monkeypatch.setenv("LABKIT_CHECKPOINTS", str(tmp_path))
    net = Net(classes=2)
    checkpoint.save(tmp_path / "net.pt", net, classes=["dark", "light"], source="made")
    return net


def test_the_saved_network_comes_back_without_a_word(saved, capsys):
    assert same(load_or_train(_images()), saved)
    assert capsys.readouterr() == ("", "")


def test_without_a_file_a_network_is_trained_and_said_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LABKIT_CHECKPOINTS", str(tmp_path))
    images = _images()
    net = load_or_train(images)
    said = capsys.readouterr().err
    assert said.startswith("There is no network from notebook 5 yet, so we train one for an epoch.")
    assert "20/20" in said  # the bar came to its end
    assert evaluate(net, BatchLoader(images, 100)).accuracy > 0.9
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"source": "another"}, "on made (2 classes: dark, light), and these are another"),
        ({"classes": ("dark", "light", "grey")}, "(3 classes: dark, light, grey)"),
    ],
)
def test_a_network_of_other_images_is_not_used(saved, capsys, other, reason):
    images = _images(**other)
    net = load_or_train(images)
    assert net.fc3.out_features == len(images.classes)
    said = capsys.readouterr().err
    assert said.startswith("The network of notebook 5 cannot be used here, so we train one")
    assert reason in said


def test_a_damaged_file_is_not_used(saved, tmp_path, capsys):
    file = tmp_path / "net.pt"
    data = bytearray(file.read_bytes())
    data[700] ^= 1
    file.write_bytes(data)
    assert not same(load_or_train(_images()), saved)
    assert "net.pt is damaged" in capsys.readouterr().err


def test_training_is_repeatable_and_leaves_torchs_random_numbers_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_CHECKPOINTS", str(tmp_path))
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = load_or_train(_images())
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    assert same(first, load_or_train(_images()))


def test_an_image_of_ones_own_is_read_and_without_one_a_cat_is_drawn(tmp_path):
    Image.new("RGB", (80, 60), (255, 0, 0)).save(tmp_path / "red.png")
    assert (own_image(tmp_path / "red.png") == [255, 0, 0]).all()
    cat = own_image()
    assert cat.shape == (32, 32, 3) and cat.dtype == np.uint8 and cat.std() > 10
    with pytest.raises(ImageError):
        own_image("not there.png")
