"""Channels: two of them swapped, and three weighed into grey."""

import torch

from labkit.checks.engine.spec import exercise
from labkit.checks.tensors.examples import random_images
from labkit.text import N_

BRIGHTNESS = (0.299, 0.587, 0.114)
"""How much red, green and blue add to the brightness that the eye sees (ITU-R BT.601)."""


def _images():
    ramp = torch.linspace(0, 1, 3)[:, None, None].expand(3, 4, 4).clone()
    shapes = [(3, 32, 32), (3, 5, 7), (3, 1, 1)]
    return [*[(random_images(*shape),) for shape in shapes], (ramp,), (torch.zeros(3, 2, 2),)]


@exercise(1, _images)
def swap_red_and_blue(image):
    return image[[2, 1, 0]]


@swap_red_and_blue.mistake(
    N_("This mirrors the image from left to right. The channels are axis 0.")
)
def _mirrored(image):
    return image.flip(-1)


@swap_red_and_blue.mistake(
    N_("This turns the image upside down. The channels are axis 0, the rows are axis 1.")
)
def _upside_down(image):
    return image.flip(1)


@swap_red_and_blue.mistake(
    N_(
        "Red is lost. image[0] and image[2] are windows onto the same memory, so after the first "
        "half of the swap both hold blue. Index with a list, or clone() first."
    )
)
def _swapped_in_place(image):
    image[0], image[2] = image[2], image[0]
    return image


@swap_red_and_blue.mistake(N_("All three channels move on by one place here. Green has to stay."))
def _moved_on(image):
    return image[[1, 2, 0]]


@swap_red_and_blue.mistake(N_("All three channels move on by one place here. Green has to stay."))
def _moved_back(image):
    return image[[2, 0, 1]]


@swap_red_and_blue.mistake(N_("The image comes back as it was: no channel has moved."))
def _unchanged(image):
    return image


@swap_red_and_blue.mistake(
    N_("This swaps red and green. Counting starts at 0: red is 0, green 1, blue 2.")
)
def _red_and_green(image):
    return image[[1, 0, 2]]


@swap_red_and_blue.mistake(
    N_("The first place in the brackets counts: image[:, ...] picks rows, and channels are axis 0.")
)
def _rows_picked(image):
    return image[:, [2, 1, 0]]


@swap_red_and_blue.mistake(
    N_("This picks columns, the last axis. The channels are axis 0, the first in the brackets.")
)
def _columns_picked(image):
    return image[..., [2, 1, 0]]


@swap_red_and_blue.mistake(
    N_("PyTorch cannot count backwards in brackets. Name the places in a list, or use flip.")
)
def _counted_backwards(image):
    return image[::-1]


@swap_red_and_blue.mistake(
    N_("This exchanges axes, and with them height and width. The channels stay axis 0; pick them.")
)
def _axes_exchanged(image):
    return image.transpose(0, 2)


@swap_red_and_blue.mistake(N_("Green is lost: the list of places needs all three, [2, 1, 0]."))
def _green_lost(image):
    return image[[2, 0]]


@exercise(2, _images, tolerance=1e-3)  # torchvision weighs red with 0.2989
def grey(image):
    weights = torch.tensor(BRIGHTNESS)
    return sum(weight * channel for weight, channel in zip(weights, image, strict=True))


@grey.mistake(
    N_(
        "This is the plain mean: every colour counts the same. Weigh red with 0.299, green with "
        "0.587 and blue with 0.114."
    )
)
def _plain_mean(image):
    return image.mean(dim=0)


@grey.mistake(N_("The weights are missing: the three channels are added as they are."))
def _plain_sum(image):
    return image.sum(dim=0)


@grey.mistake(N_("The weights are in the order blue, green, red. The channels are red first."))
def _weights_reversed(image):
    return (image * torch.tensor(BRIGHTNESS[::-1])[:, None, None]).sum(dim=0)


@grey.mistake(
    N_("The weighted channels were averaged. The weights add up to 1 already: sum, do not average.")
)
def _averaged(image):
    return (image * torch.tensor(BRIGHTNESS)[:, None, None]).mean(dim=0)


@grey.mistake(N_("The three channels are weighed, but not yet added: there are still three."))
def _not_added(image):
    return image * torch.tensor(BRIGHTNESS)[:, None, None]


@grey.mistake(
    N_(
        "The last axes are compared first: 32 columns against 3 weights. Give the weights two more "
        "axes, [:, None, None], so that the 3 meets the channels."
    )
)
def _weights_on_columns(image):
    return (image * torch.tensor(BRIGHTNESS)).sum(dim=0)


@grey.mistake(N_("The sum runs over the columns (the last axis). The channels are axis 0."))
def _summed_over_columns(image):
    return (image * torch.tensor(BRIGHTNESS)[:, None, None]).sum(dim=-1)


@grey.mistake(
    N_("Everything is added to one number. sum(dim=0) adds the channels and leaves the pixels.")
)
def _one_number(image):
    return (image * torch.tensor(BRIGHTNESS)[:, None, None]).sum()


@grey.mistake(N_("PyTorch does not multiply by a list. torch.tensor(...) makes a tensor of it."))
def _list_of_weights(image):
    return image * list(BRIGHTNESS)


@grey.mistake(N_("Counting starts at 0: red is image[0], green image[1], blue image[2]."))
def _counted_from_one(image):
    return 0.299 * image[1] + 0.587 * image[2] + 0.114 * image[3]


@grey.mistake(N_("This is one mean of everything. A grey image has a number for each pixel."))
def _mean_of_all(image):
    return image.mean()


@grey.mistake(N_("The grey is right, and there three times. One [H, W] is wanted."))
def _three_times(image):
    return grey.judge(image).expand(3, -1, -1)


@grey.mistake(N_("This is the red channel alone."))
def _red_alone(image):
    return image[0]


@grey.mistake(N_("The weights meet the rows here. Give them two more axes behind: [3, 1, 1]."))
def _weights_on_rows(image):
    return (image * torch.tensor(BRIGHTNESS)[:, None]).sum(dim=0)


@grey.mistake(N_("The sum runs over the rows. The channels are axis 0."))
def _summed_over_rows(image):
    return (image * torch.tensor(BRIGHTNESS)[:, None, None]).sum(dim=1)
