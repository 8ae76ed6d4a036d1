"""Notebook 1: channels, broadcasting, sizes in memory, axes."""

import torch

from labkit.checks.engine.spec import exercise


def _random_images(*shape: int) -> torch.Tensor:
    """Return random numbers from 0 to 1, always the same for a shape."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


def _images():
    ramp = torch.linspace(0, 1, 3)[:, None, None].expand(3, 4, 4).clone()
    shapes = [(3, 32, 32), (3, 5, 7), (3, 2, 2)]
    return [*[(_random_images(*shape),) for shape in shapes], (ramp,), (torch.zeros(3, 2, 3),)]


@exercise(1, _images)
def swap_red_and_blue(image):
    return image[[2, 1, 0]]


swap_red_and_blue.sentences = {
    "image.flip(-1)": "This mirrors the image from left to right. The channels are axis 0.",
    "image.flip(1)": "This turns the image upside down: rows are axis 1, channels axis 0.",
    "image[[2, 1, 2]]": (
        "Red is lost. image[0] and image[2] are windows onto the same memory, so after the first "
        "half of the swap both hold blue. Index with a list, or clone() first."
    ),
    "image[[0, 1, 0]]": "Blue is lost: red is there twice.",
    "torch.stack([image[2], 0 * image[1], image[0]])": "Green is lost: it stays as it is.",
    "image[[1, 2, 0]]": "All three channels move on by one place here. Green has to stay.",
    "image[[2, 0, 1]]": "All three channels move on by one place here. Green has to stay.",
    "image[[1, 0, 2]]": "This swaps red and green: red is 0, green 1, blue 2.",
    "image[[0, 2, 1]]": "This swaps green and blue: red is 0, green 1, blue 2.",
    "image[:, [2, 1, 0]]": (
        "The first place in the brackets counts: image[:, ...] picks rows, and channels are axis 0."
    ),
    "image[..., [2, 1, 0]]": (
        "This picks columns, the last axis. The channels are axis 0, the first in the brackets."
    ),
    "image[::-1]": "PyTorch cannot count backwards in brackets. List the channels, or use flip.",
    "image.transpose(0, 2)": (
        "This exchanges axes, so height and width are swapped, too. The channels stay axis 0; pick "
        "them."
    ),
    "image[[2, 0]]": "Green is lost: the list of channels needs all three, [2, 1, 0].",
    "torch.cat([image[2], image[1], image[0]])": (
        "torch.cat joins the channels into one tall image [3 * H, W]. torch.stack gives each of "
        "them its place: [3, H, W]."
    ),
}


@exercise(2, _images, tolerance=1e-3)  # ITU-R BT.601; torchvision weighs red with 0.2989
def grey(image):
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]  # [3, 1, 1]
    return (image * weights).sum(dim=0)  # [3, H, W] -> [H, W]


grey.sentences = {
    "image.mean(dim=0)": (
        "This is the plain mean: every colour counts the same. Weigh red with 0.299, green with "
        "0.587 and blue with 0.114."
    ),
    "image.sum(dim=0)": "The weights are missing: the three channels are added as they are.",
    "grey.judge(image[[2, 1, 0]])": (
        "The weights are in the order blue, green, red. The channels are red first."
    ),
    "grey.judge(image[[0, 2, 1]])": "The weights of green and blue are swapped.",
    "grey.judge(image[[1, 0, 2]])": "The weights of red and green are swapped.",
    "0.3 * image[0] + 0.59 * image[1] + 0.11 * image[2]": (
        "These are the weights rounded to two digits. Use 0.299, 0.587 and 0.114."
    ),
    "(grey.judge(image) * 255).to(torch.uint8)": (
        "These are whole numbers from 0 to 255. The image has floats from 0 to 1: leave them so."
    ),
    "255 * grey.judge(image)": "This is 0 to 255. The image has floats from 0 to 1: leave it so.",
    "image * [0.299, 0.587, 0.114]": (
        "PyTorch does not multiply by a list. torch.tensor(...) makes a tensor of it."
    ),
    "0.299 * image[1] + 0.587 * image[2] + 0.114 * image[3]": (
        "Counting starts at 0: red is image[0], green image[1], blue image[2]."
    ),
    "image.mean()": "This is one mean of everything. A grey image has a number for each pixel.",
    "grey.judge(image).expand(3, -1, -1)": (
        "The grey values are right, but they are there three times. One [H, W] is expected."
    ),
    "image[0]": "This is the red channel alone.",
    "(image.permute(1, 2, 0) * torch.tensor([0.299, 0.587, 0.114])).sum(dim=0)": (
        "After permute the channels come last: sum over axis -1."
    ),
    (".sum(dim=0)", ".mean(dim=0)"): (
        "The weighted channels were averaged. The weights add up to 1 already: sum, do not average."
    ),
    (".sum(dim=0)", ""): (
        "The three channels are weighed, but not yet added: there are still three."
    ),
    ("[:, None, None]", ""): (
        "The last axes are compared first: the columns of the image meet the 3 weights. Give the "
        "weights two more axes, [:, None, None], so that the 3 meets the channels."
    ),
    ("[:, None, None]", "[:, None]"): (
        "The weights meet the rows here. Give them two more axes at the end: [3, 1, 1]."
    ),
    ("dim=0", "dim=-1"): "The sum runs over the columns (the last axis). The channels are axis 0.",
    ("dim=0", "dim=1"): "The sum runs over the rows. The channels are axis 0.",
    ("dim=0", ""): (
        "Everything is added to one number. sum(dim=0) adds the channels and leaves the pixels."
    ),
}


@exercise(3, lambda: [(50_000, 4), (50_000, 1), (1, 4), (0, 4), (47_500, 8), (12_345, 2)])
def megabytes(images, bytes_each):
    return images * 3 * 32 * 32 * bytes_each / 1_000_000


megabytes.sentences = {
    (" * 3 *", " *"): "The colours are missing: an image has three numbers for each pixel.",
    (" * bytes_each", ""): (
        "This counts the numbers. Each of them takes bytes_each bytes: 4 as float32, 1 as uint8."
    ),
    (" / 1_000_000", ""): "These are bytes. A megabyte is 1,000,000 of them.",
    ("1_000_000", "1_000"): "These are kilobytes: divide by 1,000,000, not by 1,000.",
    ("1_000_000", "2**20"): (
        "Divided by 1024 · 1024 it is mebibytes (MiB). A megabyte (MB) is 1,000,000 bytes."
    ),
    ("1_000_000", "1024"): "Divided by 1024 these are kibibytes: divide by 1,000,000.",
    ("1_000_000", "1e9"): "These are gigabytes: divide by 1,000,000.",
    ("each /", "each * 8 /"): "These are megabits: bytes_each counts bytes already, not bits.",
    (" / ", " // "): "// cuts off the fraction. Divide with /.",
    ("32 * 32", "32"): "Images of 32 x 32 have 32 · 32 pixels; one side of 32 is missing.",
    ("* bytes_each", "/ bytes_each"): "bytes_each is the bytes of one number: multiply by it.",
}


def _batches():
    uneven = _random_images(4, 3, 32, 32)
    uneven = uneven * torch.tensor([1.0, 0.5, 5.0, 200.0])[:, None, None, None]
    uneven = uneven + torch.tensor([0.0, 3.0, -7.0, 0.5])[:, None, None, None]
    tinted = _random_images(2, 3, 9, 11) * torch.tensor([1.0, 2.0, 4.0])[:, None, None]
    return [(uneven,), (tinted,), (_random_images(1, 3, 32, 32),), (_random_images(3, 3, 8, 8),)]


def _one_by_one(batch):
    return torch.stack([(image - image.mean()) / image.std() for image in batch])


def _divided_by_all_numbers(batch):
    """NumPy divides the sum of squares by n, PyTorch by n - 1: both are a standard deviation."""
    centred = batch - batch.mean(dim=(1, 2, 3), keepdim=True)
    return centred / batch.std(dim=(1, 2, 3), keepdim=True, correction=0)


def _whole_batch_one_by_one(batch):
    for number in range(len(batch)):
        batch[number] = (batch[number] - batch.mean()) / batch.std()
    return batch


@exercise(4, _batches, judge=_one_by_one, tolerance=1e-3, also=[_divided_by_all_numbers])
def standardise(batch):
    mean = batch.mean(dim=(1, 2, 3), keepdim=True)  # [N, 1, 1, 1]
    std = batch.std(dim=(1, 2, 3), keepdim=True)
    return (batch - mean) / std


standardise.sentences = {
    ("dim=(1, 2, 3)", "dim=(0, 1, 2, 3)"): (
        "The whole batch shares one mean and one deviation. Each image needs its own: leave axis 0 "
        "out of dim."
    ),
    ("dim=(1, 2, 3)", "dim=(2, 3)"): (
        "Every channel of every image has its own mean here, so the colours lose their balance. "
        "Take axis 1 into dim as well."
    ),
    ("dim=(1, 2, 3)", "dim=(0, 2, 3)"): (
        "This takes each channel over the whole batch. Take each image by itself: (1, 2, 3)."
    ),
    ("dim=(1, 2, 3)", "dim=0"): (
        "This takes each pixel over the batch. Take each image by itself: dim=(1, 2, 3)."
    ),
    ("dim=(1, 2, 3)", "dim=1"): (
        "dim=1 takes the three colours of each pixel. Take all axes of an image: dim=(1, 2, 3)."
    ),
    (" / std", ""): "The mean is 0 now, but the deviation is not 1: divide by it as well.",
    (" - mean", ""): "The mean has to be subtracted before you divide by the deviation.",
    ("batch.std", "batch.var"): (
        "You divide by the variance. The standard deviation is its square root, std()."
    ),
    (", keepdim=True", ""): (
        "The means have the shape [N], and [N] is compared with the columns. keepdim=True makes it "
        "[N, 1, 1, 1]."
    ),
    ("(batch - mean)", "batch - mean"): (
        "Division comes before subtraction. Set brackets: (batch - mean) / std."
    ),
    ("(batch - mean) /", "batch / std - mean #"): (
        "The mean is subtracted after the division here. Subtract it first: (batch - mean) / std."
    ),
    ("- mean", "+ mean"): "The mean is subtracted, not added.",
    ("/ std", "* std"): "Divide by the deviation, do not multiply by it.",
    ("batch.mean(", "batch[:1].mean(", "batch.std(", "batch[:1].std("): (
        "This takes mean and deviation of the first image for all. Each image has its own."
    ),
    "(batch - 0.5) / 0.5": (
        "This is (x - 0.5) / 0.5, the same for all. Here each image has a mean of its own."
    ),
    "(batch - batch.amin((1, 2, 3), True)) / (batch.amax((1, 2, 3), "
    "True) - batch.amin((1, 2, 3), True))": (
        "This brings each image to 0 to 1, by its smallest and largest number. Use mean and std."
    ),
    "(batch - batch.mean((1, 2, 3), True)) / (batch - batch.mean((1, "
    "2, 3), True)).abs().amax((1, 2, 3), True)": (
        "Divide by the standard deviation, not by the largest number."
    ),
    _whole_batch_one_by_one: (
        "batch[i] = ... changes the batch while its mean is still needed: take each image's own."
    ),
}


def _fours():
    return [(_random_images(4, 3, *size),) for size in [(32, 32), (5, 7), (1, 2), (2, 3)]]


def _in_rows(batch):
    rows = [torch.cat([batch[n], batch[n + 1]], dim=2) for n in (0, 2)]
    return torch.cat(rows, dim=1)


@exercise(5, _fours, judge=_in_rows)
def mosaic(batch):
    _four, channels, height, width = batch.shape
    grid = batch.reshape(2, 2, channels, height, width)
    grid = grid.permute(2, 0, 3, 1, 4)  # [3, 2, H, 2, W]
    return grid.reshape(channels, 2 * height, 2 * width)


def _with_a_margin(batch):
    from torchvision.utils import make_grid

    return make_grid(batch, nrow=2)


mosaic.sentences = {
    ("grid.permute(2, 0, 3, 1, 4)", "batch"): (
        "The shape is right and the image is torn: reshape alone reads on in memory. First bring "
        "the axes that belong together side by side, with permute."
    ),
    ("2, 0, 3, 1, 4", "2, 1, 3, 0, 4"): (
        "The images are whole, but the second one is below the first. The first axis of length 2 "
        "is the row, the second the column."
    ),
    ("2, 0, 3, 1, 4", "2, 3, 0, 4, 1"): (
        "The images are woven into each other: row belongs in front of height, and column in front "
        "of width. Yours are behind."
    ),
    ("2, 0, 3, 1, 4", "2, 0, 1, 3, 4"): (
        "The shape is right and the image is torn: height and the row of the mosaic are apart."
    ),
    ("2 * height, 2 * width", "64, 64"): (
        "64 is right for images of 32 x 32 alone. Take height and width from batch.shape."
    ),
    "batch.reshape(2, 2, 3, 32, 32).permute(2, 0, 3, 1, 4).reshape(3, 64, 64)": (
        "32 is right for one size alone. Take height and width from batch.shape."
    ),
    "batch.reshape(3, 64, 64)": (
        "64 is right for images of 32 x 32 alone: take height and width from batch.shape. And "
        "reshape by itself tears the images apart."
    ),
    "torch.cat(list(batch), dim=2)": "All four stand in one row. Make two rows of two.",
    "torch.cat(list(batch), dim=1)": "All four stand in one column. Make two rows of two.",
    "_in_rows(batch[[2, 3, 0, 1]])": (
        "The rows are swapped: the first and the second image belong above."
    ),
    "_in_rows(batch[[1, 0, 3, 2]])": "Left and right are swapped in both rows.",
    "_in_rows(batch[[0, 1, 0, 1]])": "The second row shows the first two images again.",
    "torch.cat(list(batch))": (
        "Joined along the channels: torch.cat with dim=2 is side by side, dim=1 below."
    ),
    "torch.cat([torch.cat([batch[0], batch[1]]), torch.cat([batch[2], batch[3]])], dim=1)": (
        "Side by side is dim=2, not dim=0: yours has more than three channels."
    ),
    "torch.cat([torch.cat([batch[0], batch[1]], 2), torch.cat([batch[2], batch[3]], 2)])": (
        "The rows are joined along the channels. Below each other is dim=1."
    ),
    "_in_rows(batch.transpose(2, 3))": (
        "Height and width are swapped as well: each image lies on its side."
    ),
    _with_a_margin: "make_grid leaves a margin of 2 around each image, unless padding=0.",
}
