"""The convolution and the pooling explorer as Python makes them; their stage is tried in a page."""

import numpy as np
import pytest
from torch import nn

from labkit.explorers.convolution import ConvolutionExplorer, PoolingExplorer
from labkit.explorers.convolution.compute import HAND_MADE
from labkit.model import Net


def test_the_blur_keeps_the_brightness_and_the_edge_kernels_see_nothing_in_a_plain_area():
    sums = {name: round(float(np.sum(kernel)), 6) for name, kernel in HAND_MADE.items()}
    assert sums["blur"] == sums["sharpen"] == sums["leave as it is"] == 1
    assert [sums[name] for name in sums if "edges" in name] == [0, 0, 0]


def test_the_stage_gets_the_filters_of_the_network_and_the_chosen_image(samples):
    model = Net()
    explorer = ConvolutionExplorer(samples, model)
    filters = explorer.stage.scene["kernels"][len(HAND_MADE) : -1]
    assert [one["bias"] for one in filters] == model.conv1.bias.tolist()
    assert filters[4]["weights"] == model.conv1.weight[4].ravel().tolist()
    assert len(explorer.stage.controls[0]["options"]) == len(HAND_MADE) + 6 + 1
    explorer.choice.choice.value = "ship"
    assert explorer.stage.image == samples["ship"].tobytes() and explorer.stage.size == [32, 32]


@pytest.mark.parametrize(
    ("model", "words"),
    [(nn.Linear(4, 2), "no nn.Conv2d layer"), (nn.Conv2d(2, 4, 3), r"need \[3, k, k\]")],
)
def test_a_model_without_filters_for_images_is_said_in_a_sentence(samples, model, words):
    with pytest.raises(ValueError, match=words):
        ConvolutionExplorer(samples, model)


@pytest.mark.parametrize(
    ("kind", "sides"), [(ConvolutionExplorer, "30 x 30"), (PoolingExplorer, "16 x 16")]
)
def test_without_a_kernel_a_still_image_says_what_it_shows(samples, kind, sides):
    bundle = kind(samples)._repr_mimebundle_()
    assert f", {sides} values from " in bundle["text/plain"]
    assert bundle["text/html"].startswith("<img")
