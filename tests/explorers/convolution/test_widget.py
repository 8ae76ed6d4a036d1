"""The convolution and the pooling explorer, set from Python as a learner would in a browser."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from labkit.explorers.convolution import ConvolutionExplorer, PoolingExplorer
from labkit.explorers.convolution.compute import convolve
from labkit.explorers.shared.own_image import ImageChoice
from labkit.model import Net


@pytest.fixture
def samples():
    numbers = np.random.default_rng(0)
    return {name: numbers.integers(0, 256, (32, 32, 3), dtype=np.uint8) for name in ("cat", "ship")}


def shown(stage):
    return np.frombuffer(stage.output, "<f4").reshape(stage.output_shape)


def test_a_filter_of_the_learners_model_gives_what_its_first_layer_gives(samples):
    model = Net()
    explorer = ConvolutionExplorer(samples, model)
    explorer.choice.choice.value = "ship"
    explorer.kernel.value = "filter 4"
    normalised = torch.from_numpy(samples["ship"]).permute(2, 0, 1) / 255 * 2 - 1
    expected = model.conv1(normalised[None])[0, 4].detach().numpy()
    np.testing.assert_allclose(shown(explorer.stage), expected, atol=1e-5)


def test_a_typed_kernel_stride_and_padding_give_what_conv2d_gives(samples):
    explorer = ConvolutionExplorer(samples)
    explorer.typed.value = "1 2; 3 4"
    assert explorer.kernel.value == "typed"
    explorer.stride.value, explorer.padding.value = 3, 2
    grey = torch.from_numpy(samples["cat"]).permute(2, 0, 1).float().mean(0) / 255
    layer = nn.Conv2d(1, 1, 2, stride=3, padding=2, bias=False)
    layer.weight.data = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    expected = layer(grey[None, None])[0, 0].detach().numpy()
    np.testing.assert_allclose(shown(explorer.stage), expected, atol=1e-5)


def test_a_kernel_that_is_none_is_said_and_the_last_one_stays(samples):
    explorer = ConvolutionExplorer(samples)
    before = explorer.stage.revision
    explorer.kernel.value = "typed"
    explorer.typed.value = "1 2; 3"
    assert "equally many numbers" in explorer.message.value
    assert explorer.stage.revision == before + 1
    explorer.kernel.value = "blur"
    assert explorer.message.value == ""


def test_a_model_without_convolution_is_said_in_a_sentence(samples):
    with pytest.raises(ValueError, match="no nn.Conv2d layer"):
        ConvolutionExplorer(samples, nn.Linear(4, 2))


def test_pooling_follows_kernel_stride_kind_and_channel(samples):
    explorer = PoolingExplorer(samples)
    explorer.channel.value, explorer.size.value, explorer.stride.value = 2, 3, 1
    blue = torch.from_numpy(samples["cat"][..., 2] / 255).float()[None]
    assert np.array_equal(shown(explorer.stage), nn.MaxPool2d(3, 1)(blue)[0].numpy())
    explorer.kind.value = "average"
    np.testing.assert_allclose(shown(explorer.stage), nn.AvgPool2d(3, 1)(blue)[0], atol=1e-6)
    assert explorer.stage.winners == b""


def test_the_window_stays_within_an_output_that_shrinks(samples):
    explorer = PoolingExplorer(samples)
    explorer.stage.position = 255
    explorer.stride.value = 6
    assert explorer.stage.position == explorer.steps.output.size - 1


@pytest.mark.parametrize("explorer", [ConvolutionExplorer, PoolingExplorer])
def test_without_a_kernel_a_still_picture_says_what_it_shows(samples, explorer):
    bundle = explorer(samples)._repr_mimebundle_()
    assert "An image of 32 x 32 with a window" in bundle["text/plain"].replace(" pixels", "")
    assert bundle["text/html"].startswith("<img")


def test_a_picture_of_ones_own_is_read_from_a_path(samples, tmp_path):
    Image.new("RGB", (50, 40), (255, 0, 0)).save(tmp_path / "red.png")
    choice = ImageChoice(samples)
    choice.path.value = f'"{tmp_path / "red.png"}"'
    assert (choice.image == (255, 0, 0)).all()
    assert choice.name.endswith("red.png")


def test_a_file_that_is_no_picture_is_said_and_the_picture_before_stays(samples):
    choice = ImageChoice(samples)
    choice.upload.receive({"name": "notes.png", "size": 5, "start": 0}, [b"hello"])
    assert "notes.png" in choice.message.value and "not an image" in choice.message.value
    assert np.array_equal(choice.image, samples["cat"])
    choice.choice.value = "ship"
    assert choice.message.value == ""


def test_an_upload_comes_in_pieces_and_each_sample_may_be_chosen_again(samples, tmp_path):
    Image.new("RGB", (50, 40), (255, 0, 0)).save(tmp_path / "red.png")
    content, choice = (tmp_path / "red.png").read_bytes(), ImageChoice(samples)
    first = choice.choice.value
    for start in range(0, len(content), 20):
        assert np.array_equal(choice.image, samples[first])
        message = {"name": "red.png", "size": len(content), "start": start}
        choice.upload.receive(message, [memoryview(content[start : start + 20])])
    assert (choice.image == (255, 0, 0)).all() and choice.name == "red.png"
    choice.choice.value = first
    assert np.array_equal(choice.image, samples[first]) and choice.name == first


def test_a_move_that_comes_after_a_smaller_output_stays_inside_it(samples):
    stage = ConvolutionExplorer(samples).stage
    stage.set_state({"position": 899})  # as from the browser
    stage.show(convolve(np.zeros((3, 32, 32)), np.zeros((3, 3, 3)), stride=3))
    stage.set_state({"position": 850})
    assert stage.position == 99


def test_a_path_is_read_again_on_enter_and_after_an_upload(samples, tmp_path, monkeypatch):
    path, choice = tmp_path / "red.png", ImageChoice(samples)
    choice.path.value = str(path)
    assert "no such file" in choice.message.value
    Image.new("RGB", (50, 40), (255, 0, 0)).save(path)
    choice.path._handle_custom_msg({"event": "submit"}, [])  # Enter, nothing typed
    assert (choice.image == (255, 0, 0)).all() and choice.message.value == ""
    content = path.read_bytes()
    choice.upload.receive({"name": "up.png", "size": len(content), "start": 0}, [content])
    assert choice.name == "up.png"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    choice.path.value = "~/red.png"
    assert choice.name == "~/red.png"
    choice.upload.receive({"name": "up.png", "size": len(content), "start": 0}, [content])
    choice.path.value = "~/red.png"  # the same again
    assert choice.name == "~/red.png"


def test_a_file_that_the_browser_cannot_read_is_said(samples):
    choice = ImageChoice(samples)
    choice.upload.receive({"name": "folder", "size": -1, "start": 0}, [])
    assert "folder: the browser cannot read it" in choice.message.value


def test_a_file_that_is_too_large_to_send_is_said(samples):
    choice = ImageChoice(samples)
    choice.upload.receive({"name": "film.mp4", "size": 100_000_001, "start": 0}, [b""])
    assert "film.mp4: more than 100 MB, make it smaller first." in choice.message.value


def test_each_class_of_a_set_offers_one_picture():
    from labkit.data import ImageSet

    data = np.zeros((4, 32, 32, 3), np.uint8)
    pictures = ImageSet(data, [2, 0, 2, 0], ("a", "b", "c"), source="test")
    assert list(ImageChoice(pictures).samples) == ["a", "c"]
