"""Notebook 2: transforms and the classes of a data set; batches stand in ``dataloader_batches``."""

import itertools

import numpy
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import v2

from labkit.checks.dataloader_batches import batches, last_batch
from labkit.checks.engine import values
from labkit.checks.engine.spec import exercise
from labkit.text import _

__all__ = ["batches", "flipping", "last_batch", "reddest", "true_transform"]


def _colourful(seed=0):
    """Return a PIL image of random pixels, neither mirrored nor turned like itself."""
    pixels = numpy.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=numpy.uint8)
    return Image.fromarray(pixels)


def _pixels(image) -> torch.Tensor:
    return v2.functional.pil_to_tensor(image).float()


def _column(numbers) -> torch.Tensor:
    return torch.tensor(numbers)[:, None, None]


def _statistics():
    true = [0.49, 0.48, 0.45], [0.25, 0.24, 0.26]
    odd = [0.2, 0.5, 0.9], [0.1, 1.0, 0.4]
    black = Image.new("RGB", (32, 32))
    return [(*true, _colourful()), (*odd, _colourful(seed=1)), (*true, black)]


def _transformed(answer, mean, std, image):
    return answer(mean, std)(image)


def _by_arithmetic(mean, std):
    return lambda image: (_pixels(image) / 255 - _column(mean)) / _column(std)


@exercise(2, _statistics, judge=_by_arithmetic, use=_transformed)
def true_transform(mean, std):
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])


_TENSOR_FIRST = "Normalize takes tensors: ToTensor() has to come before it."
_ONE_OF_SEVERAL = "These are several transforms. transforms.Compose([...]) makes one of them."
_EACH_ITS_OWN = "All three channels share one mean and one std here. Each has its own."
_BRACKETS = "A transform is made with brackets: ToTensor(), not ToTensor."

true_transform.sentences = {
    ("(mean, std)", "([0.5] * 3, [0.5] * 3)"): (
        "This uses 0.5 for all. Use the mean and std that are given."
    ),
    ("(mean, std)", "(mean[0], std[0])"): _EACH_ITS_OWN,
    ("(mean, std)", "(sum(mean) / 3, sum(std) / 3)"): _EACH_ITS_OWN,
    ("Normalize(mean, std)", "Normalize([0.5] * 3, [0.5] * 3), transforms.Normalize(mean, std)"): (
        "Normalised twice, first with 0.5: the notebook's transform does that already. Begin with "
        "ToTensor() instead."
    ),
    ("Normalize(mean, std)", "Normalize(mean, std), transforms.Normalize(mean, std)"): (
        "Normalised twice: once is enough."
    ),
    (", transforms.Normalize(mean, std)", ""): "Normalize is missing: the values are 0 to 1.",
    ("(mean, std)", "(std, mean)"): "mean and std are swapped: Normalize(mean, std).",
    ("transforms.ToTensor()", "v2.ToImage(), v2.ToDtype(torch.float32)"): (
        "The pixels are still 0 to 255 when they are normalised. mean and std are those of 0 to 1: "
        "ToTensor() divides by 255, and so does v2.ToDtype with scale=True."
    ),
    ("transforms.ToTensor()", "v2.ToImage()"): (
        "Normalize takes floats: v2.ToDtype(torch.float32, scale=True) has to come before it."
    ),
    ("transforms.ToTensor(), transforms.Normalize", "transforms.Normalize"): _TENSOR_FIRST,
    ("transforms.ToTensor(), transforms.Normalize", "v2.Normalize"): _TENSOR_FIRST,
    ("ToTensor()", "ToTensor"): _BRACKETS,
    ("transforms.ToTensor()", "v2.ToImage"): _BRACKETS,
    ("transforms.Compose", ""): _ONE_OF_SEVERAL,
    "transforms.ToTensor(), transforms.Normalize(mean, std)": _ONE_OF_SEVERAL,
    ("(mean, std)", "(mean, [1 / s for s in std])"): (
        "Divide by the deviation. Multiplied by it, the values spread even less."
    ),
}


def _classes():
    def some(n, classes, seed, size=32):
        numbers = numpy.random.default_rng(seed)
        pixels = numbers.integers(0, 256, (n, size, size, 3), dtype=numpy.uint8)
        labels = numbers.integers(0, classes, n)
        labels[:classes] = range(classes)
        return pixels, labels

    uneven, labels = some(60, 3, seed=5, size=8)
    labels[3:50] = 0  # many images of class 0,
    uneven[labels == 1, ..., 0] |= 128  # few and red ones of class 1,
    uneven[labels == 2, ..., 2] |= 192  # and blue ones of class 2
    uneven[labels == 2, ..., 1] |= 128
    bright, two = some(24, 2, 4, 6)
    bright[two == 0] |= 224  # bright in all colours, so with more red,
    bright[two == 1, ..., 1:] //= 4  # than the class whose red is the larger part
    cases = [(uneven, labels), some(50, 10, 1, 5), some(4, 4, 2, 3), some(30, 2, 3, 8)]
    cases.append((bright, two))
    return [(torch.from_numpy(pixels), torch.from_numpy(labels)) for pixels, labels in cases]


def _by_summing(pixels, labels):
    """Return the class whose images have the most red, added up image by image."""
    red = pixels[..., 0].double().mean(dim=(1, 2)).tolist()

    def mean(c):
        of_class = [amount for amount, label in zip(red, labels, strict=True) if label == c]
        return sum(of_class) / len(of_class)

    return max(range(int(labels.max()) + 1), key=mean)


@exercise(3, _classes, judge=_by_summing)
def reddest(pixels, labels):
    classes = int(labels.max()) + 1
    red = [pixels[labels == c][..., 0].float().mean() for c in range(classes)]
    return torch.stack(red).argmax()


reddest.sentences = {
    ("mean()", "sum()"): (
        "This adds up the red, so the class with most images wins. Take the mean of each class."
    ),
    ("..., 0", "..., 2"): "This is the bluest class: channel 0 is red, 1 green, 2 blue.",
    ("..., 0", "..., 1"): "This is the greenest class: channel 0 is red, 1 green, 2 blue.",
    ("[..., 0]", ""): "This is the brightest class, over all three channels. Take channel 0.",
    ("argmax", "argmin"): "This is the class with the least red.",
    ("..., 0", ":, 0"): (
        "pixels[:, 0] is the top row of each image: here the channels come last, pixels[..., 0]."
    ),
    ("argmax", "max"): "This is the mean red itself. Which class has it?",
    (".argmax()", ""): "These are the means of all classes. Which is largest? argmax().",
    ("range(classes)", "range(10)"): (
        "There are not always ten classes: an empty one has a mean of nan. Count: labels.max() + 1."
    ),
    (" + 1", ""): "The last class is left out: the labels go from 0 to labels.max(), so + 1.",
    ("..., 0].float().mean()", "..., 0].float().mean() / pixels[labels == c].float().mean()"): (
        "This is the class whose red is the largest part. Take its mean red itself."
    ),
    (".float().mean()", ".max()"): (
        "This goes by the reddest single pixel. Take the mean over all pixels."
    ),
    (".float()", ""): "A tensor of whole numbers (uint8) has no mean: call .float() first.",
    ("range(classes)", "range(1)", "torch.stack(red).argmax()", "red[0]"): (
        "This is the mean red of class 0: return ends the loop at the first class."
    ),
    "labels[pixels[..., 0].double().mean(dim=(1, 2)).argmax()]": (
        "This is the class of the reddest image. Take the mean over all images of a class."
    ),
}

_LOOKS = 400
"""So many times an image is asked for.

A fair coin shows one side 150 to 250 times; that it does not happens once in two million times.
"""


def _kinds(answer, image):
    """Return what came out when an image was asked for again and again."""
    right = _normalised(image)
    known = {
        _("as it was"): right,
        _("mirrored"): right.flip(2),
        _("upside down"): right.flip(1),
        _("turned by half a turn"): right.flip(1, 2),
    }
    known = {name: values.plain(image) for name, image in known.items()}
    seen, other = [], _("never")
    for _look in range(_LOOKS):
        came = answer(image)
        plain = values.plain(came)
        name = next((n for n, image in known.items() if values.same(image, plain, 1e-4)), None)
        seen.append(name)
        other = other if name else values.describe(came)
    mirrored = [name in (_("mirrored"), _("turned by half a turn")) for name in seen]
    return {
        **{name: name in seen for name in known},
        _("about every second one mirrored"): abs(sum(mirrored) / _LOOKS - 0.5) <= 0.125,
        _("by chance"): any(mirrored) and not all(mirrored) and not _has_a_pattern(mirrored),
        _("something else"): other,
    }


def _has_a_pattern(flips: list[bool]) -> bool:
    """Return whether the flips repeat, e.g. every second one, or hardly ever change."""
    changes = sum(a != b for a, b in zip(flips[1:], flips[:-1], strict=True))
    repeats = any(flips[period:] == flips[:-period] for period in range(1, _LOOKS // 2))
    return repeats or not 0.05 <= changes / len(flips) <= 0.95


def _normalised(image):
    return (_pixels(image) / 255 - 0.5) / 0.5


_TURN = itertools.cycle([False, True])


def _every_second_call(image):
    return _normalised(image).flip(2) if next(_TURN) else _normalised(image)


@exercise(4, lambda: [(_colourful(),), (_colourful(seed=2),)], use=_kinds)
def flipping(image):
    transform = transforms.Compose(
        [
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ]
    )
    return transform(image)


_FLIP = "transforms.RandomHorizontalFlip(),"
_NORMALISE = "transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),"
_SWAPPED = "image = transform(image)\n    return image.flip(0) if torch.rand(1) < 0.5 else image"

flipping.sentences = {
    ("Horizontal", "Vertical"): (
        "This turns images upside down. From left to right it is RandomHorizontalFlip."
    ),
    (_FLIP, ""): ("No image is ever mirrored. If a coin is tossed, toss it again for each image."),
    ("Flip()", "Flip(p=1.0)"): (
        "Every image is mirrored. A coin is to be tossed for each image: about every second one."
    ),
    (_NORMALISE, ""): (
        "The other transforms are missing: what comes out is 0 to 1, not normalised with 0.5."
    ),
    ("transforms.ToTensor()", "v2.ToImage(), v2.ToDtype(torch.float32)"): (
        "The pixels are still 0 to 255 when they are normalised: use ToTensor(), or v2.ToDtype "
        "with scale=True."
    ),
    (_FLIP, f"{_FLIP} transforms.RandomVerticalFlip(),"): (
        "Some images are upside down as well. Mirror from left to right alone."
    ),
    "v2.RandomHorizontalFlip(image)": (
        "A transform is made with brackets: RandomHorizontalFlip(), then Compose([...])."
    ),
    (_NORMALISE, 2 * _NORMALISE): "Normalised twice: once is enough.",
    ("Flip()", "Flip(p=0.1)"): (
        "Some are mirrored, but not every second one. In all, the chance has to be one half: "
        "toss one coin with p=0.5. Two in a row, such as RandomApply around a flip, mirror only a "
        "quarter."
    ),
    ("transforms.ToTensor(),", "", _NORMALISE, ""): (
        "The other transforms are missing: a PIL image comes out, and not a tensor."
    ),
    (_FLIP, "", "return transform(image)", _SWAPPED): (
        "flip(0) swaps the colours: the channels are axis 0, the width is the last."
    ),
    _every_second_call: (
        "The images are mirrored in a fixed pattern, e.g. every second call. At random means: each "
        "call decides by itself, as a coin does: torch.rand(1) < 0.5."
    ),
}
