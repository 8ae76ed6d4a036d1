"""Notebook 8: a faster part, smoothed labels, shared gradients (and ``faster_batch_norm``)."""

import torch
from torch.nn import functional

from labkit.checks.engine.spec import drawn, exercise
from labkit.checks.faster_batch_norm import folded, normed_in_evaluation

__all__ = [
    "combined_gradient",
    "folded",
    "normed_in_evaluation",
    "wanted_probabilities",
    "whole_speedup",
]


def _parts():
    return [(0.5, 2.0), (0.9, 10.0), (0.25, 4.0), (1.0, 3.0), (0.0, 5.0), (0.6, 0.5)]


def _by_the_times(share, faster):
    before = 1.0
    after = (1 - share) * before + share * before / faster
    return before / after


@exercise(1, _parts, judge=_by_the_times)
def whole_speedup(share, faster):
    return 1 / (1 - share + share / faster)


whole_speedup.sentences = {
    "faster": "This is how much faster the part becomes. The rest takes as long as before.",
    "100 / (1 - share + share / faster) - 100": (
        "This is how many percent more it does in a second. How many times as fast is it?"
    ),
    "share * faster": (
        "The rest does not become faster. Add up the times: 1 - share and share / faster."
    ),
    "1 - share + share / faster": (
        "This is the time that is left. How many times as fast is 1 divided by that, with "
        "brackets: 1 / (a + b)."
    ),
    "faster / share": "The rest of the time is missing: 1 - share stays as it was.",
    "1 - share + share * faster": (
        "Speeds cannot be averaged like this. Add up the times of both parts, then compare."
    ),
    "1 / (1 - share)": "The part is not gone: it still takes share / faster of the time.",
    "1 / (1 - share) + share / faster": (
        "Set brackets around the whole time: 1 / (1 - share + share / faster)."
    ),
    ("/ f", "* f"): "A part that is faster takes less time: share / faster, not share · faster.",
    "1 / (share + (1 - share) / faster)": (
        "`share` is the part that becomes faster; 1 - share stays as it was."
    ),
    "share / faster": "This is the time of the part. The rest, 1 - share, comes on top.",
    "share - share / faster": (
        "This is the part of the time that is saved. How many times as fast is it?"
    ),
    "1 / (1 - share * faster)": (
        "The part takes share / faster afterwards, and the rest 1 - share: add both."
    ),
    (" + share", ""): "The part takes share / faster afterwards: 1 - share + share / faster.",
}


def _labels():
    return [
        (torch.tensor([0, 1, 2, 3, 0]), 4, 0.1),
        (torch.tensor([2]), 3, 0.3),
        (torch.tensor([9, 0]), 10, 0.0),
        (torch.tensor([1, 0, 1]), 2, 1.0),
        (torch.tensor([0, 1]), 4, 0.1),
    ]


def _row_by_row(labels, classes, smoothing):
    rows = torch.full((len(labels), classes), smoothing / classes)
    for row, label in enumerate(labels):
        rows[row, label] += 1 - smoothing
    return rows


@exercise(2, _labels, judge=_row_by_row)
def wanted_probabilities(labels, classes, smoothing):
    correct = functional.one_hot(labels, classes)
    return (1 - smoothing) * correct + smoothing / classes


_SUM = "(1 - smoothing) * correct + smoothing / classes"

wanted_probabilities.sentences = {
    (_SUM, "correct"): "These are the plain one-hot rows, without any smoothing.",
    ("one_hot(labels, classes)", "one_hot(labels)"): (
        "one_hot(labels) guesses the number of classes from the largest label. Tell it: "
        "one_hot(labels, classes)."
    ),
    (_SUM, "(1 - smoothing) * correct + (1 - correct) * smoothing / (classes - 1)"): (
        "The smoothing is shared by the wrong classes only here. PyTorch shares it among all "
        "classes, the right one too."
    ),
    ("(1 - smoothing) * ", ""): (
        "The rows do not sum to 1: the smoothing is added and not taken from the right class."
    ),
    ("(1 - smoothing) * correct", "correct - smoothing"): (
        "The smoothing is taken from every class here. Take it from the right one alone: (1 - "
        "smoothing) * correct."
    ),
    ("smoothing / classes", "smoothing"): (
        "Each class gets the whole smoothing. It is shared: smoothing / classes for each."
    ),
    ("+ smoothing / classes", "+ (1 - correct) * smoothing / classes"): (
        "The right class has 1 - smoothing, but not yet its own share on top: smoothing / classes."
    ),
    (" + smoothing / classes", ""): "What is taken from the right class has to go to all classes.",
    (_SUM, "smoothing * correct + (1 - smoothing) / classes"): (
        "The smoothing is the part that is shared, e.g. 0.1; the right class keeps 1 - smoothing."
    ),
    ("/ classes", "/ len(labels)"): (
        "The smoothing is shared by the classes: divide by classes, not by N."
    ),
    ("/ classes", "/ max(classes - 1, 1)"): (
        "PyTorch shares the smoothing by all classes, not by classes - 1."
    ),
    (_SUM, "(1 - smoothing) * correct + (1 - correct) * smoothing"): (
        "Each wrong class gets the whole smoothing. It is shared by all."
    ),
    (_SUM, "correct + (1 - correct) * smoothing / classes"): (
        "The right class keeps 1 in yours, so the rows do not sum to 1."
    ),
    ("    return", "    correct[:, labels] = 1\n    return"): (
        "t[:, labels] sets whole columns. One place in each row: t[n, labels[n]]."
    ),
}


def _gradients():
    return [
        ([drawn(5), drawn(5) + 1], [16, 16]),
        ([drawn(5), drawn(5) + 1], [10, 30]),
        ([drawn(2, 3), drawn(2, 3) * 4, drawn(2, 3) - 2], [7, 1, 7]),
        ([drawn(4)], [12]),
        ([drawn(3), drawn(3) + 5], [8, 0]),
    ]


def _image_by_image(gradients, sizes):
    pairs = zip(gradients, sizes, strict=True)
    return torch.stack([gradient for gradient, size in pairs for _ in range(size)]).mean(dim=0)


@exercise(3, _gradients, judge=_image_by_image)
def combined_gradient(gradients, sizes):
    total = sum(gradient * size for gradient, size in zip(gradients, sizes, strict=True))
    return total / sum(sizes)


def _of_two(gradients, sizes):
    (one, other), (m, n) = gradients, sizes
    return (one * m + other * n) / (m + n)


_ANY_NUMBER = "There may be any number of processes, not always two: go through all of them."
_WRONG_AXIS = (
    "The sizes are multiplied along the wrong axis: gradients may have one axis or several. "
    "Multiply each gradient by its own number of images, then add."
)
_MULTIPLY = "A gradient is a mean already: multiply by its size, do not divide."

combined_gradient.sentences = {
    ("gradient * size", "gradient", "sum(sizes)", "len(sizes)"): (
        "A plain mean is right where all parts have one size. Weigh each gradient with its number "
        "of images."
    ),
    ("gradient * size", "gradient", " / sum(sizes)", ""): (
        "This is the sum of the gradients. Weigh each with its number of images, add those up, and "
        "divide by all images."
    ),
    (" / sum(sizes)", ""): "Weighed with the sizes and added: divide by all images as well.",
    ("/ sum(sizes)", "/ len(sizes)"): (
        "Divided by the number of processes. Divide by the number of images, sum(sizes)."
    ),
    ("/ sum(sizes)", "/ max(sizes)"): (
        "Divided by the largest size. Divide by the number of all images, sum(sizes)."
    ),
    ("gradient * size", "gradient"): (
        "Each gradient is a mean: times its number of images it is a sum, and those are added."
    ),
    ("sum(gradient * size", "list(gradient * size / sum(sizes)", "total / sum(sizes)", "total"): (
        "These are the weighed gradients one by one. Add them up."
    ),
    ("total /", "total / len(sizes) /"): "Divided twice: sum(sizes) alone is the number of images.",
    ("gradient * size", "gradient / size", " / sum(sizes)", ""): _MULTIPLY,
    ("total / sum(sizes)", "(total / sum(sizes)).mean()"): (
        "This averages over the weights too: keep the gradient's shape."
    ),
    "gradients[0]": "This is the first process's gradient alone.",
    "gradients[sizes.index(max(sizes))]": "This is the gradient of the largest part alone.",
    "gradients[0] * sizes[0] / sum(sizes)": (
        "return ends the loop at the first gradient. Add up all of them."
    ),
    "gradients[-1] * sizes[-1] / sum(sizes)": (
        "total = ... forgets what was before. Add: total = total + ..."
    ),
    "sum(g / n for g, n in zip(gradients, sizes, strict=True) if n)": _MULTIPLY,
    "(gradients[0] * sizes[0] + gradients[1] * sizes[1]) / (sizes[0] + sizes[1])": _ANY_NUMBER,
    "(gradients[0] * sizes[0] + gradients[1] * sizes[1]) / sum(sizes)": _ANY_NUMBER,
    _of_two: _ANY_NUMBER,
    "sum(torch.stack(gradients) * torch.tensor(sizes)[:, None]) / sum(sizes)": _WRONG_AXIS,
    "sum(torch.stack(gradients) * torch.tensor(sizes)) / sum(sizes)": _WRONG_AXIS,
}
