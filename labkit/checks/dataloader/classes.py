"""Pictures class by class: which has the highest mean red?"""

import numpy
import torch

from labkit.checks.engine.spec import exercise
from labkit.text import N_


def _classes():
    def some(n, classes, seed, size=32):
        numbers = numpy.random.default_rng(seed)
        pixels = numbers.integers(0, 256, (n, size, size, 3), dtype=numpy.uint8)
        labels = numbers.integers(0, classes, n)
        labels[:classes] = range(classes)
        return pixels, labels

    uneven, labels = some(60, 3, seed=5, size=8)
    labels[3:50] = 0  # many pictures of class 0,
    uneven[labels == 1, ..., 0] |= 128  # few and red ones of class 1,
    uneven[labels == 2, ..., 2] |= 192  # and blue ones of class 2
    uneven[labels == 2, ..., 1] |= 128
    bright, two = some(24, 2, 4, 6)
    bright[two == 0] |= 224  # bright in all colours, so with more red,
    bright[two == 1, ..., 1:] //= 4  # than the class whose red is the larger part
    cases = [(uneven, labels), some(50, 10, 1, 5), some(4, 4, 2, 3), some(30, 2, 3, 8)]
    cases.append((bright, two))
    return [(torch.from_numpy(pixels), torch.from_numpy(labels)) for pixels, labels in cases]


def _extreme(pixels, labels, channel, *, total=False, pick=max):
    """Return the class whose pictures have the most of a channel (or of all, ``...``)."""
    red = pixels[..., channel].double().flatten(1)

    def amount(c):
        chosen = red[labels == c]
        return (chosen.sum() if total else chosen.mean()).item()

    return pick(range(int(labels.max()) + 1), key=amount)


@exercise(3, _classes)
def reddest(pixels, labels):
    return _extreme(pixels, labels, 0)


@reddest.mistake(
    N_("This adds up the red, so the class with most images wins. Take the mean of each class.")
)
def _sum_of_red(pixels, labels):
    return _extreme(pixels, labels, 0, total=True)


@reddest.mistake(N_("This is the bluest class: channel 0 is red, 1 green, 2 blue."))
def _bluest(pixels, labels):
    return _extreme(pixels, labels, 2)


@reddest.mistake(N_("This is the greenest class: channel 0 is red, 1 green, 2 blue."))
def _greenest(pixels, labels):
    return _extreme(pixels, labels, 1)


@reddest.mistake(N_("This is the brightest class, over all three channels. Take channel 0."))
def _brightest(pixels, labels):
    return _extreme(pixels, labels, slice(None))


@reddest.mistake(N_("This is the class with the least red."))
def _least_red(pixels, labels):
    return _extreme(pixels, labels, 0, pick=min)


@reddest.mistake(
    N_("pixels[:, 0] is the top row of each image: here the channels come last, pixels[..., 0].")
)
def _top_row(pixels, labels):
    return _extreme(pixels[:, 0], labels, slice(None))


@reddest.mistake(N_("This is the mean red itself. Which class has it?"))
def _amount_of_red(pixels, labels):
    return pixels[labels == _extreme(pixels, labels, 0)][..., 0].double().mean()


@reddest.mistake(
    N_("This is the class of the reddest image. Take the mean over all images of a class.")
)
def _of_the_reddest_picture(pixels, labels):
    return labels[pixels[..., 0].double().mean(dim=(1, 2)).argmax()]


@reddest.mistake(
    N_("There are not always ten classes: an empty one has a mean of nan. Count: labels.max() + 1.")
)
def _always_ten(pixels, labels):
    means = [pixels[labels == c][..., 0].float().mean() for c in range(10)]
    return torch.stack(means).argmax()


@reddest.mistake(N_("These are the means of all classes. Which is largest? argmax()."))
def _all_means(pixels, labels):
    return [_amount(pixels, labels, c) for c in range(int(labels.max()) + 1)]


@reddest.mistake(N_("This is the class whose red is the largest part. Take its mean red itself."))
def _largest_part(pixels, labels):
    reds = [_amount(pixels, labels, c) for c in range(int(labels.max()) + 1)]
    parts = [red / pixels[labels == c].double().mean() for c, red in enumerate(reds)]
    return torch.stack(parts).argmax()


@reddest.mistake(N_("The last class is left out: the labels go from 0 to labels.max(), so + 1."))
def _last_class_left_out(pixels, labels):
    return _extreme(pixels[labels < labels.max()], labels[labels < labels.max()], 0)


@reddest.mistake(N_("This goes by the reddest single pixel. Take the mean over all pixels."))
def _reddest_pixel(pixels, labels):
    largest = [pixels[labels == c][..., 0].max() for c in range(int(labels.max()) + 1)]
    return torch.stack(largest).argmax()


@reddest.mistake(N_("This is the mean red of class 0: return ends the loop at the first class."))
def _first_class_red(pixels, labels):
    return _amount(pixels, labels, 0)


def _amount(pixels, labels, c):
    return pixels[labels == c][..., 0].double().mean()
