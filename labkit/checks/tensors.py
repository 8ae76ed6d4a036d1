"""Notebook 1: channels, broadcasting, sizes in memory, axes."""

import torch

from labkit.checks.spec import exercise
from labkit.text import N_

BRIGHTNESS = (0.299, 0.587, 0.114)
"""How much red, green and blue add to the brightness that the eye sees (ITU-R BT.601)."""


def _random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


def _images():
    ramp = torch.linspace(0, 1, 3)[:, None, None].expand(3, 4, 4).clone()
    shapes = [(3, 32, 32), (3, 5, 7), (3, 1, 1)]
    return [*[(_random(*shape),) for shape in shapes], (ramp,), (torch.zeros(3, 2, 2),)]


@exercise(1, _images)
def swap_red_and_blue(image):
    return image[[2, 1, 0]]


@swap_red_and_blue.mistake(
    N_("This mirrors the picture from left to right. The channels are axis 0.")
)
def _mirrored(image):
    return image.flip(-1)


@swap_red_and_blue.mistake(
    N_("This turns the picture upside down. The channels are axis 0, the rows are axis 1.")
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


@swap_red_and_blue.mistake(N_("The picture comes back as it was: no channel has moved."))
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


@grey.mistake(N_("This is one mean of everything. A grey picture has a number for each pixel."))
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


def _memories():
    return [(50_000, 4), (50_000, 1), (1, 4), (0, 4), (47_500, 8), (12_345, 2)]


@exercise(3, _memories)
def megabytes(pictures, bytes_each):
    return pictures * 3 * 32 * 32 * bytes_each / 1e6


@megabytes.mistake(N_("The colours are missing: a picture has three numbers for each pixel."))
def _no_channels(pictures, bytes_each):
    return pictures * 32 * 32 * bytes_each / 1e6


@megabytes.mistake(
    N_("This counts the numbers. Each of them takes bytes_each bytes: 4 as float32, 1 as uint8.")
)
def _counts_numbers(pictures, bytes_each):
    return pictures * 3 * 32 * 32 / 1e6


@megabytes.mistake(N_("These are bytes. A megabyte is 1,000,000 of them."))
def _in_bytes(pictures, bytes_each):
    return pictures * 3 * 32 * 32 * bytes_each


@megabytes.mistake(N_("These are kilobytes: divide by 1,000,000, not by 1,000."))
def _in_kilobytes(pictures, bytes_each):
    return pictures * 3 * 32 * 32 * bytes_each / 1e3


@megabytes.mistake(
    N_("Divided by 1024 · 1024 it is mebibytes (MiB). A megabyte (MB) is 1,000,000 bytes.")
)
def _in_mebibytes(pictures, bytes_each):
    return pictures * 3 * 32 * 32 * bytes_each / 2**20


@megabytes.mistake(N_("These are megabits: bytes_each counts bytes already, not bits."))
def _in_megabits(pictures, bytes_each):
    return pictures * 3 * 32 * 32 * bytes_each * 8 / 1e6


@megabytes.mistake(N_("// cuts off what is behind the point. Divide with /."))
def _cut_off(pictures, bytes_each):
    return pictures * 3 * 32 * 32 * bytes_each // 1_000_000


@megabytes.mistake(N_("Pictures of 32 x 32 have 32 · 32 pixels; one side of 32 is missing."))
def _one_side(pictures, bytes_each):
    return pictures * 3 * 32 * bytes_each / 1e6


@megabytes.mistake(N_("Divided by 1024 these are kibibytes: divide by 1,000,000."))
def _in_kibibytes(pictures, bytes_each):
    return pictures * 3 * 32 * 32 * bytes_each / 1024


@megabytes.mistake(N_("These are gigabytes: divide by 1,000,000."))
def _in_gigabytes(pictures, bytes_each):
    return pictures * 3 * 32 * 32 * bytes_each / 1e9


@megabytes.mistake(N_("bytes_each is the bytes of one number: multiply by it."))
def _divided_by_bytes(pictures, bytes_each):
    return pictures * 3 * 32 * 32 / bytes_each / 1e6


@megabytes.mistake(N_("The count of numbers is a product, 3 · 32 · 32, not a sum."))
def _added_up(pictures, bytes_each):
    return pictures * (3 + 32 + 32) * bytes_each / 1e6


def _batches():
    uneven = _random(4, 3, 32, 32) * torch.tensor([1.0, 0.5, 5.0, 200.0])[:, None, None, None]
    uneven = uneven + torch.tensor([0.0, 3.0, -7.0, 0.5])[:, None, None, None]
    tinted = _random(2, 3, 9, 11) * torch.tensor([1.0, 2.0, 4.0])[:, None, None]
    return [(uneven,), (tinted,), (_random(1, 3, 32, 32),), (_random(3, 3, 8, 8),)]


def _per(batch, axes, correction=1):
    mean = batch.mean(dim=axes, keepdim=True)
    return (batch - mean) / batch.std(dim=axes, keepdim=True, correction=correction)


@exercise(4, _batches, tolerance=1e-3)
def standardise(batch):
    return torch.stack([(image - image.mean()) / image.std() for image in batch])


@standardise.right
def _divided_by_all_numbers(batch):
    """NumPy divides the sum of squares by n, PyTorch by n - 1: both are a standard deviation."""
    return _per(batch, (1, 2, 3), correction=0)


@standardise.mistake(
    N_(
        "The whole batch shares one mean and one deviation. Each picture needs its own: leave "
        "axis 0 out of dim."
    )
)
def _whole_batch(batch):
    return (batch - batch.mean()) / batch.std()


@standardise.mistake(
    N_(
        "Every channel of every picture has its own mean here, so the colours lose their balance. "
        "Take axis 1 into dim as well."
    )
)
def _each_channel(batch):
    return _per(batch, (2, 3))


@standardise.mistake(
    N_("This takes each channel over the whole batch. Each picture by itself is wanted.")
)
def _channels_over_batch(batch):
    return _per(batch, (0, 2, 3))


@standardise.mistake(N_("This takes each pixel over the batch. Each picture by itself is wanted."))
def _pixels_over_batch(batch):
    return _per(batch, 0)


@standardise.mistake(N_("The mean is 0 now, but the deviation is not 1: divide by it as well."))
def _only_centred(batch):
    return batch - batch.mean(dim=(1, 2, 3), keepdim=True)


@standardise.mistake(N_("The mean has to be subtracted before you divide by the deviation."))
def _only_scaled(batch):
    return batch / batch.std(dim=(1, 2, 3), keepdim=True)


@standardise.mistake(
    N_("You divide by the variance. The standard deviation is its square root, std().")
)
def _by_variance(batch):
    axes = (1, 2, 3)
    return (batch - batch.mean(dim=axes, keepdim=True)) / batch.var(dim=axes, keepdim=True)


@standardise.mistake(
    N_(
        "The means have the shape [N], and [N] is compared with the columns. keepdim=True makes "
        "it [N, 1, 1, 1]."
    )
)
def _without_keepdim(batch):
    return (batch - batch.mean(dim=(1, 2, 3))) / batch.std(dim=(1, 2, 3))


@standardise.mistake(N_("Division comes before subtraction. Set brackets: (batch - mean) / std."))
def _without_brackets(batch):
    axes = (1, 2, 3)
    return batch - batch.mean(dim=axes, keepdim=True) / batch.std(dim=axes, keepdim=True)


@standardise.mistake(
    N_("This is (x - 0.5) / 0.5, the same for all. Here each picture has a mean of its own.")
)
def _half(batch):
    return (batch - 0.5) / 0.5


@standardise.mistake(
    N_("This brings each picture to 0 to 1, by its smallest and largest number. Use mean and std.")
)
def _smallest_to_largest(batch):
    low = batch.amin(dim=(1, 2, 3), keepdim=True)
    return (batch - low) / (batch.amax(dim=(1, 2, 3), keepdim=True) - low)


@standardise.mistake(N_("Divide by the standard deviation, not by the largest number."))
def _by_the_largest(batch):
    centred = _only_centred(batch)
    return centred / centred.abs().amax(dim=(1, 2, 3), keepdim=True)


@standardise.mistake(
    N_("dim=1 takes the three colours of each pixel. Take all axes of a picture: dim=(1, 2, 3).")
)
def _colours_of_a_pixel(batch):
    return _per(batch, 1)


@standardise.mistake(
    N_("batch[i] = ... changes the batch while its mean is still needed: take each picture's own.")
)
def _whole_batch_one_by_one(batch):
    for number in range(len(batch)):
        batch[number] = (batch[number] - batch.mean()) / batch.std()
    return batch


def _fours():
    return [(_random(4, 3, *size),) for size in [(32, 32), (5, 7), (1, 1), (2, 3)]]


@exercise(5, _fours)
def mosaic(batch):
    rows = [torch.cat([batch[n], batch[n + 1]], dim=2) for n in (0, 2)]
    return torch.cat(rows, dim=1)


def _laid_out(batch, *order):
    _n, channels, height, width = batch.shape
    return batch.reshape(2, 2, 3, height, width).permute(order).reshape(3, 2 * height, 2 * width)


@mosaic.mistake(
    N_(
        "The shape is right and the picture is torn: reshape alone reads on in memory. First bring "
        "the axes that belong together side by side, with permute."
    )
)
def _only_reshaped(batch):
    return batch.reshape(3, 2 * batch.shape[2], 2 * batch.shape[3])


@mosaic.mistake(
    N_(
        "The pictures are whole, but the second one is below the first. The first axis of length 2 "
        "is the row, the second the column."
    )
)
def _column_by_column(batch):
    return _laid_out(batch, 2, 1, 3, 0, 4)


@mosaic.mistake(
    N_(
        "The pictures are woven into each other: row belongs in front of height, and column in "
        "front of width. Yours are behind."
    )
)
def _woven(batch):
    return _laid_out(batch, 2, 3, 0, 4, 1)


@mosaic.mistake(N_("All four stand in one row. Two by two is wanted."))
def _in_one_row(batch):
    return torch.cat(list(batch), dim=2)


@mosaic.mistake(N_("All four stand in one column. Two by two is wanted."))
def _in_one_column(batch):
    return torch.cat(list(batch), dim=1)


@mosaic.mistake(N_("The rows have changed places: the first and the second picture stand above."))
def _rows_swapped(batch):
    return mosaic.judge(batch[[2, 3, 0, 1]])


@mosaic.mistake(N_("Left and right have changed places in both rows."))
def _columns_swapped(batch):
    return mosaic.judge(batch[[1, 0, 3, 2]])


@mosaic.mistake(N_("Joined along the channels: torch.cat with dim=2 is side by side, dim=1 below."))
def _along_the_channels(batch):
    return torch.cat(list(batch))


@mosaic.mistake(N_("Side by side is dim=2, not dim=0: yours has more than three channels."))
def _channels_side_by_side(batch):
    return torch.cat([torch.cat([batch[0], batch[1]]), torch.cat([batch[2], batch[3]])], dim=1)


@mosaic.mistake(
    N_("The shape is right and the picture is torn: height and the row of the mosaic are apart.")
)
def _channels_moved_only(batch):
    return batch.transpose(0, 1).reshape(3, 2 * batch.shape[2], 2 * batch.shape[3])


@mosaic.mistake(N_("make_grid leaves a margin of 2 around each picture, unless padding=0."))
def _with_a_margin(batch):
    from torchvision.utils import make_grid

    return make_grid(batch, nrow=2)


@mosaic.mistake(N_("Height and width have changed places as well: each picture lies on its side."))
def _on_its_side(batch):
    return mosaic.judge(batch.transpose(2, 3))
