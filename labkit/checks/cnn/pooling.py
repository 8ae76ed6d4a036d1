"""Average pooling by hand."""

import torch
from torch import nn
from torch.nn import functional

from labkit.checks.engine.spec import exercise
from labkit.text import N_


def _maps():
    def some(*shape):
        return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape) + shape[-1]))

    return [
        (some(1, 6, 28, 28),),
        (some(2, 3, 5, 7),),
        (some(1, 1, 2, 2),),
        (some(4, 2, 4, 3),),
        (torch.zeros(1, 2, 4, 4),),
    ]


@exercise(2, _maps)
def average_pool(maps):
    return nn.AvgPool2d(2, 2)(maps)


@average_pool.mistake(N_("This is max-pooling. Take the mean of each window."))
def _largest(maps):
    return functional.max_pool2d(maps, 2, 2)


@average_pool.mistake(N_("This is the sum of each window, four times its mean."))
def _sum(maps):
    return 4 * functional.avg_pool2d(maps, 2, 2)


@average_pool.mistake(N_("The windows overlap: they move by 1. The stride is 2."))
def _stride_one(maps):
    return functional.avg_pool2d(maps, 2, 1)


@average_pool.mistake(
    N_("The floor is missing: with an odd side, the last row or column fills no window.")
)
def _ceiling(maps):
    return functional.avg_pool2d(maps, 2, 2, ceil_mode=True)


@average_pool.mistake(
    N_("This is the mean of each row of a window, on one axis only: average over both.")
)
def _one_axis(maps):
    return maps.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=-1)


@average_pool.mistake(N_("This keeps every second number and looks at no other."))
def _every_second(maps):
    return maps[:, :, : maps.shape[2] // 2 * 2 : 2, : maps.shape[3] // 2 * 2 : 2]


@average_pool.mistake(N_("Each map is averaged as a whole. Average each window of 2 x 2."))
def _whole_map(maps):
    return maps.mean(dim=(2, 3), keepdim=True).expand_as(functional.avg_pool2d(maps, 2, 2))


@average_pool.mistake(
    N_("This is one mean of everything. Take it over the two axes of a window: mean(dim=(4, 5)).")
)
def _of_everything(maps):
    return maps.unfold(2, 2, 2).unfold(3, 2, 2).mean()


@average_pool.mistake(N_("These are the windows. Take the mean of each, over the last two axes."))
def _windows_only(maps):
    return maps.unfold(2, 2, 2).unfold(3, 2, 2)


@average_pool.mistake(
    N_("Only one axis is cut into windows, the height. Unfold the width, axis 3, as well.")
)
def _height_only(maps):
    return maps.unfold(2, 2, 2).mean(dim=-1)


@average_pool.mistake(N_("The windows are the last two axes. Yours averages over the places."))
def _over_the_places(maps):
    return maps.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(2, 3))


@average_pool.mistake(N_("One axis of each window is left: average over both, dim=(4, 5)."))
def _one_axis_of_the_window(maps):
    return maps.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=4)


@average_pool.mistake(N_("Each map is averaged to one number. Average each window of 2 x 2."))
def _one_number_per_map(maps):
    return maps.mean(dim=(2, 3))


@average_pool.mistake(N_("This keeps every second number. Average each window of 2 x 2."))
def _every_second_to_the_end(maps):
    return maps[:, :, ::2, ::2]


@average_pool.mistake(N_("The windows overlap: window i begins at 2 * i, not at i."))
def _begins_too_early(maps):
    height, width = maps.shape[2] // 2, maps.shape[3] // 2
    return functional.avg_pool2d(maps, 2, 1)[:, :, :height, :width]


@average_pool.mistake(N_("reshape cuts the numbers anew: neighbours below each other come apart."))
def _reshaped(maps):
    n, channels, height, width = maps.shape
    if height % 2 or width % 2:
        return average_pool.judge(maps)
    return maps.reshape(n, channels, height // 2, width // 2, 2, 2).mean(dim=(4, 5))


@average_pool.mistake(N_("This is the median of each window. Take the mean."))
def _median(maps):
    return maps.unfold(2, 2, 2).unfold(3, 2, 2).median(dim=-1).values.median(dim=-1).values
