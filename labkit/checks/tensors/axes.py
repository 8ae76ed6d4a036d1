"""Axes: each image by itself, and four images in one."""

import torch

from labkit.checks.engine.spec import exercise
from labkit.checks.tensors.examples import random_images
from labkit.text import N_


def _batches():
    uneven = random_images(4, 3, 32, 32) * torch.tensor([1.0, 0.5, 5.0, 200.0])[:, None, None, None]
    uneven = uneven + torch.tensor([0.0, 3.0, -7.0, 0.5])[:, None, None, None]
    tinted = random_images(2, 3, 9, 11) * torch.tensor([1.0, 2.0, 4.0])[:, None, None]
    return [(uneven,), (tinted,), (random_images(1, 3, 32, 32),), (random_images(3, 3, 8, 8),)]


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
        "The whole batch shares one mean and one deviation. Each image needs its own: leave "
        "axis 0 out of dim."
    )
)
def _whole_batch(batch):
    return (batch - batch.mean()) / batch.std()


@standardise.mistake(
    N_(
        "Every channel of every image has its own mean here, so the colours lose their balance. "
        "Take axis 1 into dim as well."
    )
)
def _each_channel(batch):
    return _per(batch, (2, 3))


@standardise.mistake(
    N_("This takes each channel over the whole batch. Each image by itself is wanted.")
)
def _channels_over_batch(batch):
    return _per(batch, (0, 2, 3))


@standardise.mistake(N_("This takes each pixel over the batch. Each image by itself is wanted."))
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
    N_("This is (x - 0.5) / 0.5, the same for all. Here each image has a mean of its own.")
)
def _half(batch):
    return (batch - 0.5) / 0.5


@standardise.mistake(
    N_("This brings each image to 0 to 1, by its smallest and largest number. Use mean and std.")
)
def _smallest_to_largest(batch):
    low = batch.amin(dim=(1, 2, 3), keepdim=True)
    return (batch - low) / (batch.amax(dim=(1, 2, 3), keepdim=True) - low)


@standardise.mistake(N_("Divide by the standard deviation, not by the largest number."))
def _by_the_largest(batch):
    centred = _only_centred(batch)
    return centred / centred.abs().amax(dim=(1, 2, 3), keepdim=True)


@standardise.mistake(
    N_("dim=1 takes the three colours of each pixel. Take all axes of an image: dim=(1, 2, 3).")
)
def _colours_of_a_pixel(batch):
    return _per(batch, 1)


@standardise.mistake(
    N_("batch[i] = ... changes the batch while its mean is still needed: take each image's own.")
)
def _whole_batch_one_by_one(batch):
    for number in range(len(batch)):
        batch[number] = (batch[number] - batch.mean()) / batch.std()
    return batch


def _fours():
    return [(random_images(4, 3, *size),) for size in [(32, 32), (5, 7), (1, 1), (2, 3)]]


@exercise(5, _fours)
def mosaic(batch):
    rows = [torch.cat([batch[n], batch[n + 1]], dim=2) for n in (0, 2)]
    return torch.cat(rows, dim=1)


def _laid_out(batch, *order):
    _n, channels, height, width = batch.shape
    return batch.reshape(2, 2, 3, height, width).permute(order).reshape(3, 2 * height, 2 * width)


@mosaic.mistake(
    N_(
        "The shape is right and the image is torn: reshape alone reads on in memory. First bring "
        "the axes that belong together side by side, with permute."
    )
)
def _only_reshaped(batch):
    return batch.reshape(3, 2 * batch.shape[2], 2 * batch.shape[3])


@mosaic.mistake(
    N_(
        "The images are whole, but the second one is below the first. The first axis of length 2 "
        "is the row, the second the column."
    )
)
def _column_by_column(batch):
    return _laid_out(batch, 2, 1, 3, 0, 4)


@mosaic.mistake(
    N_(
        "The images are woven into each other: row belongs in front of height, and column in "
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


@mosaic.mistake(N_("The rows have changed places: the first and the second image stand above."))
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
    N_("The shape is right and the image is torn: height and the row of the mosaic are apart.")
)
def _channels_moved_only(batch):
    return batch.transpose(0, 1).reshape(3, 2 * batch.shape[2], 2 * batch.shape[3])


@mosaic.mistake(N_("make_grid leaves a margin of 2 around each image, unless padding=0."))
def _with_a_margin(batch):
    from torchvision.utils import make_grid

    return make_grid(batch, nrow=2)


@mosaic.mistake(N_("Height and width have changed places as well: each image lies on its side."))
def _on_its_side(batch):
    return mosaic.judge(batch.transpose(2, 3))
