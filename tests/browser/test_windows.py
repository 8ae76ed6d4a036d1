"""A window over an image: every number in the page is PyTorch's."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from labkit.explorers.convolution import ConvolutionExplorer, PoolingExplorer
from labkit.model import Net

pytestmark = pytest.mark.browser

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
PIXELS = torch.from_numpy(IMAGE).permute(2, 0, 1) / 255
OUTPUT = """stage => {
  const [settings, scene, words] = ["settings", "scene", "words"].map((name) => model.get(name));
  const { windows } = windowsOf(settings, model, scene, words);
  return range(windows.rows).map((row) =>
    windows.output.slice(row * windows.columns, (row + 1) * windows.columns));
}"""


@pytest.fixture
def convolution(alone):
    return alone(ConvolutionExplorer({"noise": IMAGE}, NET).stage)


NET = Net()


def output(shown):
    """Return the whole output, worked out in the page."""
    return torch.tensor(shown.stage.evaluate(OUTPUT))


def numbers(shown, grid):
    texts = shown.stage.locator(".lk-grid").nth(grid).locator("span").all_inner_texts()
    return torch.tensor([float(text.replace("−", "-")) for text in texts])


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (4, 3)])
@pytest.mark.parametrize("kernel", [0, 3, 7, 12])
def test_a_convolution_is_pytorchs(convolution, kernel, stride, padding):
    convolution.set(kernel=kernel, stride=stride, padding=padding)
    if kernel < 7:
        made = convolution.page.evaluate("k => model.get('scene').kernels[k].weights", kernel)
        image, weights, bias = PIXELS, torch.tensor(made).reshape(1, 3, 3, 3), None
    else:
        image, weights, bias = 2 * PIXELS - 1, NET.conv1.weight, NET.conv1.bias
        weights, bias = weights[kernel - 7 : kernel - 6], bias[kernel - 7 : kernel - 6]
    expected = functional.conv2d(image[None], weights, bias, stride, padding)[0, 0]
    torch.testing.assert_close(output(convolution), expected.detach(), atol=1e-5, rtol=0)


def test_the_products_under_the_window_and_their_sums_are_shown(convolution):
    convolution.set(kernel=9, padding=1, position=0)
    padded = functional.pad(2 * PIXELS - 1, (1, 1, 1, 1))[:, :5, :5]
    for channel in range(3):
        patch, weights = padded[channel].ravel(), NET.conv1.weight[2, channel].detach().ravel()
        for grid, expected in enumerate((patch, weights, patch * weights)):
            found = numbers(convolution, 3 * channel + grid)
            torch.testing.assert_close(found, expected, atol=6e-3, rtol=0)
    lines = convolution.stage.locator("table tr").all_inner_texts()
    shown = [float(line.split("\t")[1].replace("−", "-")) for line in lines]
    assert sum(shown[:4]) == pytest.approx(shown[4], abs=2e-3)
    assert f"to {lines[4].split(chr(9))[1]}." in convolution.says()


@pytest.mark.parametrize(
    ("text", "kernel"),
    [
        ("1 0 -1; 2 0 -2", [[1, 0, -1], [2, 0, -2]]),
        ("1,0,-1\n2,0,-2\n", [[1, 0, -1], [2, 0, -2]]),
        (" 1  0 -1;2 0 -4/2;", [[1, 0, -1], [2, 0, -2]]),
    ],
)
def test_a_typed_kernel_is_read_however_it_is_spaced(convolution, text, kernel):
    convolution.set(kernel=13, typed=text)
    weight = torch.tensor(kernel, dtype=torch.float32)[None, None]
    expected = functional.conv2d(PIXELS.mean(0)[None, None], weight)[0, 0]
    torch.testing.assert_close(output(convolution), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("text", ["", " ; ", "1 2; 3", "1 two", "1/0", "nan", "1 2 3 4 5 6 7 8"])
def test_a_typed_kernel_that_is_none_is_a_sentence_and_the_last_one_stays(convolution, text):
    before = convolution.says()
    convolution.set(kernel=13, typed=text)
    alert = convolution.stage.get_by_role("alert")
    assert "kernel" in alert.inner_text() or "number" in alert.inner_text()
    assert convolution.says() == before
    convolution.set(kernel=3)
    assert alert.count() == 0 and convolution.says() != before


def test_a_network_for_grey_images_sees_the_mean_of_the_channels(alone):
    layer = nn.Conv2d(1, 2, 3, bias=False)
    shown = alone(ConvolutionExplorer({"noise": IMAGE}, layer).stage)
    shown.set(kernel=8)
    expected = layer(2 * PIXELS.mean(0)[None, None] - 1)[0, 1].detach()
    torch.testing.assert_close(output(shown), expected, atol=1e-5, rtol=0)
    assert shown.stage.locator(".lk-grid").count() == 3


def test_a_window_larger_than_the_image_is_a_sentence(alone):
    small = {"small": IMAGE[:4, :4]}
    shown = alone(ConvolutionExplorer(small, Net()).stage)
    shown.set(kernel=8)
    alert = shown.stage.get_by_role("alert")
    assert "5 x 5 does not fit into 4 x 4 pixels" in alert.inner_text()


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1), (6, 5), (2, 3)])
@pytest.mark.parametrize("channel", [0, 2])
def test_a_pooling_is_pytorchs_and_the_winner_is_marked(alone, size, stride, channel):
    shown = alone(PoolingExplorer({"noise": IMAGE}).stage)
    shown.set(size=size, stride=stride, channel=channel, position=1)
    plane = PIXELS[channel][None]
    expected, places = functional.max_pool2d(plane, size, stride, return_indices=True)
    torch.testing.assert_close(output(shown), expected[0])
    row, column = divmod(places[0, 0, 1].item(), 32)
    squares = shown.stage.locator(".lk-grid span")
    marked = squares.evaluate_all("all => all.findIndex((one) => one.matches('.lk-winner'))")
    assert marked == row * size + column - stride
    assert f": {expected[0, 0, 1]:.3f} is the largest of {size**2} values" in shown.says()
    shown.set(kind=1)
    torch.testing.assert_close(output(shown), functional.avg_pool2d(plane, size, stride)[0])
    assert shown.stage.locator(".lk-winner").count() == 0


def test_the_window_stays_within_an_output_that_shrinks(alone):
    shown = alone(PoolingExplorer({"noise": IMAGE}).stage)
    shown.set(position=255)
    shown.set(stride=6)
    assert shown.says().startswith("Window 36 of 36 (row 6, column 6)")


@pytest.mark.parametrize("width", [340, 560, 833])
def test_it_fits_into_its_place_in_light_and_dark(alone, width):
    for light in (True, False):
        shown = alone(ConvolutionExplorer({"noise": IMAGE}, NET).stage, width=width, light=light)
        shown.set(kernel=9)
        outside = shown.page.evaluate(
            """() => [...document.querySelectorAll('.lk-explorer *')]
              .filter((one) => one.getBoundingClientRect().right > innerWidth)
              .map((one) => one.outerHTML.slice(0, 80))"""
        )
        assert outside == []
