"""Windows over a picture, held against PyTorch's layers."""

import numpy as np
import pytest
import torch
from torch import nn

from labkit.explorers.convolution.compute import HAND_MADE, convolve, pool, read_kernel


@pytest.fixture
def image():
    return np.random.default_rng(0).random((3, 9, 8), dtype=np.float32)


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [((3, 3), 1, 0), ((5, 5), 2, 2), ((2, 4), 3, 1)]
)
def test_the_products_of_every_window_add_up_to_what_conv2d_gives(image, size, stride, padding):
    layer = nn.Conv2d(3, 1, size, stride, padding)
    with torch.no_grad():
        expected = layer(torch.from_numpy(image)[None])[0, 0].numpy()
    steps = convolve(
        image, layer.weight[0].detach().numpy(), layer.bias.item(), stride=stride, padding=padding
    )
    assert np.array_equal(steps.output, expected)
    sums = [steps.products(i).sum() + steps.bias for i in range(steps.output.size)]
    np.testing.assert_allclose(np.reshape(sums, steps.output.shape), expected, atol=1e-5)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1), (3, 2), (2, 3)])
def test_the_winner_of_every_window_is_what_max_pool2d_takes(image, size, stride):
    expected = nn.MaxPool2d(size, stride)(torch.from_numpy(image)[None])[0, 1].numpy()
    steps = pool(image, size, stride, channel=1)
    assert np.array_equal(steps.output, expected)
    assert np.array_equal(steps.image[1].ravel()[steps.winners], expected)
    largest = [steps.patch(i)[1].max() for i in range(steps.output.size)]
    assert np.array_equal(np.reshape(largest, expected.shape), expected)


def test_average_pooling_is_that_of_pytorch(image):
    expected = nn.AvgPool2d(3, 2)(torch.from_numpy(image)[None])[0, 2].numpy()
    steps = pool(image, 3, 2, kind="average", channel=2)
    np.testing.assert_allclose(steps.output, expected, atol=1e-6)
    assert steps.winners is None


def test_the_window_starts_in_the_padding(image):
    steps = convolve(image, np.ones((3, 3, 3)), padding=1)
    assert steps.corner(0) == (-1, -1)
    assert (steps.patch(0)[:, 0] == 0).all() and (steps.patch(0)[:, :, 0] == 0).all()
    assert np.array_equal(steps.patch(0)[:, 1:, 1:], image[:, :2, :2])


@pytest.mark.parametrize("text", ["1 0 -1; 2 0 -2", "1,0,-1\n2,0,-2\n", " 1  0 -1;2 0 -4/2;"])
def test_a_typed_kernel_is_read_however_it_is_spaced(text):
    assert read_kernel(text).tolist() == [[1, 0, -1], [2, 0, -2]]


@pytest.mark.parametrize("text", ["", " ; ", "1 2; 3", "1 two", "1/0", "nan", "1 2 3 4 5 6 7 8"])
def test_a_typed_kernel_that_is_none_gets_a_sentence(text):
    with pytest.raises(ValueError, match="kernel|number"):
        read_kernel(text)


def test_the_blur_keeps_the_brightness_and_the_edge_kernels_see_nothing_in_a_plain_area():
    sums = {name: round(float(np.sum(kernel)), 6) for name, kernel in HAND_MADE.items()}
    assert sums["blur"] == sums["sharpen"] == sums["leave as it is"] == 1
    assert [sums[name] for name in sums if "edges" in name] == [0, 0, 0]


def test_what_does_not_fit_is_said(image):
    with pytest.raises(ValueError, match="12 x 12 does not fit"):
        convolve(image, np.ones((3, 12, 12)), padding=1)
    with pytest.raises(ValueError, match=r"needs? \[3, k, k\]"):
        convolve(image, np.ones((1, 3, 3)))
    with pytest.raises(ValueError, match="does not fit"):
        pool(image, 10, 1)
    with pytest.raises(ValueError, match="median"):
        pool(image, 2, 2, kind="median")
    with pytest.raises(ValueError, match="0 to 2"):
        pool(image, 2, 2, channel=3)
