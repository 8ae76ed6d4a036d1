"""Notebook 1: channels, broadcasting, sizes in memory, axes."""

import torch

from labkit.checks.engine.spec import exercise
from labkit.text import N_


def random_images(*shape: int) -> torch.Tensor:
    """Return random numbers from 0 to 1, always the same for a shape."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


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


standardise.if_it_returns(
    {
        "(batch - batch.mean()) / batch.std()": (
            "The whole batch shares one mean and one deviation. Each image needs its own: "
            "leave axis 0 out of dim."
        ),
        "_per(batch, (2, 3))": (
            "Every channel of every image has its own mean here, so the colours lose their "
            "balance. Take axis 1 into dim as well."
        ),
        "_per(batch, (0, 2, 3))": (
            "This takes each channel over the whole batch. Each image by itself is wanted."
        ),
        "_per(batch, 0)": "This takes each pixel over the batch. Each image by itself is wanted.",
    }
)


@standardise.mistake(N_("The mean is 0 now, but the deviation is not 1: divide by it as well."))
def _only_centred(batch):
    return batch - batch.mean(dim=(1, 2, 3), keepdim=True)


standardise.if_it_returns(
    {
        "batch / batch.std(dim=(1, 2, 3), keepdim=True)": (
            "The mean has to be subtracted before you divide by the deviation."
        ),
    }
)


@standardise.mistake(
    N_("You divide by the variance. The standard deviation is its square root, std().")
)
def _by_variance(batch):
    axes = (1, 2, 3)
    return (batch - batch.mean(dim=axes, keepdim=True)) / batch.var(dim=axes, keepdim=True)


standardise.if_it_returns(
    {
        "(batch - batch.mean(dim=(1, 2, 3))) / batch.std(dim=(1, 2, 3))": (
            "The means have the shape [N], and [N] is compared with the columns. keepdim=True"
            " makes it [N, 1, 1, 1]."
        ),
    }
)


@standardise.mistake(N_("Division comes before subtraction. Set brackets: (batch - mean) / std."))
def _without_brackets(batch):
    axes = (1, 2, 3)
    return batch - batch.mean(dim=axes, keepdim=True) / batch.std(dim=axes, keepdim=True)


standardise.if_it_returns(
    {
        "(batch - 0.5) / 0.5": (
            "This is (x - 0.5) / 0.5, the same for all. Here each image has a mean of its own."
        ),
    }
)


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


standardise.if_it_returns(
    {
        "_per(batch, 1)": (
            "dim=1 takes the three colours of each pixel. Take all axes of an image: dim=(1, 2, 3)."
        ),
    }
)


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


mosaic.if_it_returns(
    {
        "batch.reshape(3, 2 * batch.shape[2], 2 * batch.shape[3])": (
            "The shape is right and the image is torn: reshape alone reads on in memory. "
            "First bring the axes that belong together side by side, with permute."
        ),
        "_laid_out(batch, 2, 1, 3, 0, 4)": (
            "The images are whole, but the second one is below the first. The first axis of "
            "length 2 is the row, the second the column."
        ),
        "_laid_out(batch, 2, 3, 0, 4, 1)": (
            "The images are woven into each other: row belongs in front of height, and column"
            " in front of width. Yours are behind."
        ),
        "torch.cat(list(batch), dim=2)": "All four stand in one row. Two by two is wanted.",
        "torch.cat(list(batch), dim=1)": "All four stand in one column. Two by two is wanted.",
        "mosaic.judge(batch[[2, 3, 0, 1]])": (
            "The rows have changed places: the first and the second image stand above."
        ),
        "mosaic.judge(batch[[1, 0, 3, 2]])": "Left and right have changed places in both rows.",
        "torch.cat(list(batch))": (
            "Joined along the channels: torch.cat with dim=2 is side by side, dim=1 below."
        ),
        "torch.cat([torch.cat([batch[0], batch[1]]), torch.cat([batch[2], batch[3]])], dim=1)": (
            "Side by side is dim=2, not dim=0: yours has more than three channels."
        ),
        "batch.transpose(0, 1).reshape(3, 2 * batch.shape[2], 2 * batch.shape[3])": (
            "The shape is right and the image is torn: height and the row of the mosaic are apart."
        ),
    }
)


@mosaic.mistake(N_("make_grid leaves a margin of 2 around each image, unless padding=0."))
def _with_a_margin(batch):
    from torchvision.utils import make_grid

    return make_grid(batch, nrow=2)


mosaic.if_it_returns(
    {
        "mosaic.judge(batch.transpose(2, 3))": (
            "Height and width have changed places as well: each image lies on its side."
        ),
    }
)

BRIGHTNESS = (0.299, 0.587, 0.114)
"""How much red, green and blue add to the brightness that the eye sees (ITU-R BT.601)."""


def _images():
    ramp = torch.linspace(0, 1, 3)[:, None, None].expand(3, 4, 4).clone()
    shapes = [(3, 32, 32), (3, 5, 7), (3, 1, 1)]
    return [*[(random_images(*shape),) for shape in shapes], (ramp,), (torch.zeros(3, 2, 2),)]


@exercise(1, _images)
def swap_red_and_blue(image):
    return image[[2, 1, 0]]


swap_red_and_blue.if_it_returns(
    {
        "image.flip(-1)": "This mirrors the image from left to right. The channels are axis 0.",
        "image.flip(1)": (
            "This turns the image upside down. The channels are axis 0, the rows are axis 1."
        ),
    }
)


@swap_red_and_blue.mistake(
    N_(
        "Red is lost. image[0] and image[2] are windows onto the same memory, so after the first "
        "half of the swap both hold blue. Index with a list, or clone() first."
    )
)
def _swapped_in_place(image):
    image[0], image[2] = image[2], image[0]
    return image


swap_red_and_blue.if_it_returns(
    {
        "image[[1, 2, 0]]": "All three channels move on by one place here. Green has to stay.",
        "image[[2, 0, 1]]": "All three channels move on by one place here. Green has to stay.",
        "image": "The image comes back as it was: no channel has moved.",
        "image[[1, 0, 2]]": (
            "This swaps red and green. Counting starts at 0: red is 0, green 1, blue 2."
        ),
        "image[:, [2, 1, 0]]": (
            "The first place in the brackets counts: image[:, ...] picks rows, and channels "
            "are axis 0."
        ),
        "image[..., [2, 1, 0]]": (
            "This picks columns, the last axis. The channels are axis 0, the first in the brackets."
        ),
        "image[::-1]": (
            "PyTorch cannot count backwards in brackets. Name the places in a list, or use flip."
        ),
        "image.transpose(0, 2)": (
            "This exchanges axes, and with them height and width. The channels stay axis 0; "
            "pick them."
        ),
        "image[[2, 0]]": "Green is lost: the list of places needs all three, [2, 1, 0].",
    }
)


@exercise(2, _images, tolerance=1e-3)  # torchvision weighs red with 0.2989
def grey(image):
    weights = torch.tensor(BRIGHTNESS)
    return sum(weight * channel for weight, channel in zip(weights, image, strict=True))


grey.if_it_returns(
    {
        "image.mean(dim=0)": (
            "This is the plain mean: every colour counts the same. Weigh red with 0.299, "
            "green with 0.587 and blue with 0.114."
        ),
        "image.sum(dim=0)": "The weights are missing: the three channels are added as they are.",
        "(image * torch.tensor(BRIGHTNESS[::-1])[:, None, None]).sum(dim=0)": (
            "The weights are in the order blue, green, red. The channels are red first."
        ),
        "(image * torch.tensor(BRIGHTNESS)[:, None, None]).mean(dim=0)": (
            "The weighted channels were averaged. The weights add up to 1 already: sum, do "
            "not average."
        ),
        "image * torch.tensor(BRIGHTNESS)[:, None, None]": (
            "The three channels are weighed, but not yet added: there are still three."
        ),
        "(image * torch.tensor(BRIGHTNESS)).sum(dim=0)": (
            "The last axes are compared first: 32 columns against 3 weights. Give the weights"
            " two more axes, [:, None, None], so that the 3 meets the channels."
        ),
        "(image * torch.tensor(BRIGHTNESS)[:, None, None]).sum(dim=-1)": (
            "The sum runs over the columns (the last axis). The channels are axis 0."
        ),
        "(image * torch.tensor(BRIGHTNESS)[:, None, None]).sum()": (
            "Everything is added to one number. sum(dim=0) adds the channels and leaves the pixels."
        ),
        "image * list(BRIGHTNESS)": (
            "PyTorch does not multiply by a list. torch.tensor(...) makes a tensor of it."
        ),
        "0.299 * image[1] + 0.587 * image[2] + 0.114 * image[3]": (
            "Counting starts at 0: red is image[0], green image[1], blue image[2]."
        ),
        "image.mean()": "This is one mean of everything. A grey image has a number for each pixel.",
        "grey.judge(image).expand(3, -1, -1)": (
            "The grey is right, and there three times. One [H, W] is wanted."
        ),
        "image[0]": "This is the red channel alone.",
        "(image * torch.tensor(BRIGHTNESS)[:, None]).sum(dim=0)": (
            "The weights meet the rows here. Give them two more axes behind: [3, 1, 1]."
        ),
        "(image * torch.tensor(BRIGHTNESS)[:, None, None]).sum(dim=1)": (
            "The sum runs over the rows. The channels are axis 0."
        ),
    }
)


def _memories():
    return [(50_000, 4), (50_000, 1), (1, 4), (0, 4), (47_500, 8), (12_345, 2)]


@exercise(3, _memories)
def megabytes(images, bytes_each):
    return images * 3 * 32 * 32 * bytes_each / 1e6


megabytes.if_it_returns(
    {
        "images * 32 * 32 * bytes_each / 1e6": (
            "The colours are missing: an image has three numbers for each pixel."
        ),
        "images * 3 * 32 * 32 / 1e6": (
            "This counts the numbers. Each of them takes bytes_each bytes: 4 as float32, 1 as"
            " uint8."
        ),
        "images * 3 * 32 * 32 * bytes_each": "These are bytes. A megabyte is 1,000,000 of them.",
        "images * 3 * 32 * 32 * bytes_each / 1e3": (
            "These are kilobytes: divide by 1,000,000, not by 1,000."
        ),
        "images * 3 * 32 * 32 * bytes_each / 2**20": (
            "Divided by 1024 · 1024 it is mebibytes (MiB). A megabyte (MB) is 1,000,000 bytes."
        ),
        "images * 3 * 32 * 32 * bytes_each * 8 / 1e6": (
            "These are megabits: bytes_each counts bytes already, not bits."
        ),
        "images * 3 * 32 * 32 * bytes_each // 1_000_000": (
            "// cuts off what is behind the point. Divide with /."
        ),
        "images * 3 * 32 * bytes_each / 1e6": (
            "Images of 32 x 32 have 32 · 32 pixels; one side of 32 is missing."
        ),
        "images * 3 * 32 * 32 * bytes_each / 1024": (
            "Divided by 1024 these are kibibytes: divide by 1,000,000."
        ),
        "images * 3 * 32 * 32 * bytes_each / 1e9": "These are gigabytes: divide by 1,000,000.",
        "images * 3 * 32 * 32 / bytes_each / 1e6": (
            "bytes_each is the bytes of one number: multiply by it."
        ),
        "images * (3 + 32 + 32) * bytes_each / 1e6": (
            "The count of numbers is a product, 3 · 32 · 32, not a sum."
        ),
    }
)
