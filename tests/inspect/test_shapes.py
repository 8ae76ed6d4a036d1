from itertools import product

import pytest
import torch
from torch import nn

from labkit.inspect.shapes import (
    Window,
    conv_parameters,
    output_size,
    seen_by,
    stack,
    unvisited,
)

SETTINGS = [
    (n, k, s, p, d)
    for n, k, s, p, d in product((7, 8, 12), (1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2))
    if n + 2 * p >= d * (k - 1) + 1
]


def test_sizes_agree_with_every_convolution_that_fits():
    for n, k, s, p, d in SETTINGS:
        layer = nn.Conv2d(1, 1, k, stride=s, padding=p, dilation=d)
        assert output_size(n, k, s, p, d) == layer(torch.zeros(1, 1, n, n)).shape[-1]


def test_sizes_agree_with_every_pooling_that_fits():
    for n, k, s, p, d in SETTINGS:
        if p <= k // 2:
            layer = nn.MaxPool2d(k, stride=s, padding=p, dilation=d)
            assert output_size(n, k, s, p, d) == layer(torch.zeros(1, 1, n, n)).shape[-1]


def test_a_pixel_is_unvisited_exactly_if_its_gradient_is_zero():
    for n, k, s, p, d in SETTINGS:
        line = torch.zeros(1, 1, n, requires_grad=True)
        nn.functional.conv1d(
            line, torch.ones(1, 1, k), stride=s, padding=p, dilation=d
        ).sum().backward()
        expected = tuple((line.grad[0, 0] == 0).nonzero().flatten().tolist())
        assert unvisited(n, k, s, p, d) == expected


def test_the_floor_leaves_the_last_pixel_unvisited():
    assert output_size(32, 5, stride=2) == 14
    assert unvisited(32, 5, stride=2) == (31,)


def test_a_window_larger_than_the_picture_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match="spans 5 pixels.* only 4"):
        output_size(4, 5)


@pytest.mark.parametrize(
    "arguments, name",
    [
        ((0, 1), "size is 0"),
        ((8, 0), "kernel is 0"),
        ((8, 3, 0), "stride is 0"),
        ((8, 3, 1, -1), "padding is -1"),
        ((8, 3, 1, 0, 0), "dilation is 0"),
    ],
)
def test_an_impossible_setting_is_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        output_size(*arguments)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_agree_with_pytorch():
    assert conv_parameters(3, 6, 5) == count(nn.Conv2d(3, 6, 5))
    assert conv_parameters(3, 6, (3, 7), bias=False) == count(nn.Conv2d(3, 6, (3, 7), bias=False))


WORKSHOP = [Window(5, out_channels=6), Window(2, 2), Window(5, out_channels=16), Window(2, 2)]


def test_the_workshop_network_goes_32_28_14_10_5():
    stages = stack(32, 3, WORKSHOP)
    assert [stage.size for stage in stages] == [28, 14, 10, 5]
    assert [stage.parameters for stage in stages] == [456, 0, 2416, 0]
    assert [stage.field for stage in stages] == [5, 6, 14, 16]
    assert stages[-1].flattened == 400


@pytest.mark.parametrize(
    "layers",
    [
        WORKSHOP,
        [Window(3, 1, 1, 1, 2), Window(3, 2, 1, 1, 4), Window(3, 1, 2, 2, 4)],
        [Window(4, 3, 1, 1, 2), Window(2, 1, 0, 1), Window(2, 2)],
    ],
)
def test_the_receptive_field_is_where_the_gradient_is_not_zero(layers):
    size = 32
    for position in range(stack(size, 3, layers)[-1].size):
        line = torch.zeros(1, 1, size, requires_grad=True)
        value = line
        for layer in layers:  # ones as weights: no gradient is lost
            options = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
            value = nn.functional.conv1d(value, torch.ones(1, 1, layer.kernel), **options)
        value[0, 0, position].backward()
        seen = tuple(line.grad[0, 0].nonzero().flatten().tolist())
        assert seen_by(size, layers, position) == seen


def test_a_stack_names_the_layer_that_does_not_fit():
    with pytest.raises(ValueError, match="Layer 2: .* only 3"):
        stack(6, 3, [Window(2, 2), Window(5)])


def test_a_position_outside_the_map_is_refused():
    with pytest.raises(ValueError, match="choose 0 to 4"):
        seen_by(32, WORKSHOP, 5)
