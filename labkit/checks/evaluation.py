"""Notebook 6: the confusion matrix, the first k, the sure ones, and a network asked twice."""

from typing import Any

import numpy
import torch
from torch import nn

from labkit.checks.engine import values
from labkit.checks.engine.spec import drawn, exercise
from labkit.sandbox.randomness import seed_all


def _matrices():
    return [
        torch.tensor([[8, 2], [1, 9]]),
        torch.tensor([[50, 3, 7], [20, 30, 10], [5, 15, 40]]),
        torch.tensor([[0, 4, 1], [2, 0, 6], [3, 1, 7]]),
        torch.randint(0, 60, (10, 10), generator=torch.Generator().manual_seed(4)),
    ]


def _by_adding(matrix, c):
    called = sum(row[c].item() for row in matrix)
    return matrix[c, c].item() / called if called else float("nan")


@exercise(1, lambda: [(m, c) for m in _matrices() for c in (0, len(m) - 1)], judge=_by_adding)
def precision(matrix, c):
    return matrix[c, c] / matrix[:, c].sum()


precision.caution(
    lambda: [(torch.tensor([[0, 4], [0, 6]]), 0)],
    "A class that was never predicted has no precision: 0 / 0 is nan in PyTorch and an error "
    "in Python. Say that there is none, and do not call it 0.",
)
precision.sentences = {
    "matrix[c, c] / matrix[c].sum()": (
        "This is the row: of all images of the class, how many were found. That is the recall. "
        "What the network predicted as c is in column c, matrix[:, c]."
    ),
    ("[:, c]", ""): "Divided by all images, it is small for every class. Divide by column c.",
    "matrix.trace() / matrix.sum()": "This is the accuracy over all classes.",
    "1 - (matrix[c].sum() + matrix[:, c].sum() - 2 * matrix[c, c]) / matrix.sum()": (
        "This is the accuracy of the question 'c or not c'. Divide by column c alone."
    ),
    ("return", "return 1 -"): "This is the share of wrong predictions among those of c.",
    "matrix[c, c]": "This is the number of correct predictions. Which share of column c is it?",
    ("sum()", "sum().sub(matrix[c, c])"): (
        "Divide by all that was predicted as c, the correct ones as well as the wrong ones."
    ),
    "matrix.sum(0)[c]": "This is how often the network predicted c. Which share of it was correct?",
    ("c, c", ":, c"): "This is the whole column as shares. The correct ones are at place c of it.",
    "matrix.diag() / matrix.sum(dim=0)": (
        "These are the precisions of all classes. Return that of class c."
    ),
    ("sum", "max"): "Divide by the sum of the column, not by its largest number.",
    ("sum", "mean"): (
        "Divide by the sum of the column, not by its mean (which whole numbers do not have)."
    ),
    "matrix[:, c].sum() / matrix[c, c]": (
        "Upside down: divide the correct ones by the sum of column c."
    ),
    "matrix[c, c] / len(matrix)": "Divide by the sum of column c, not by the number of classes.",
    "2 * matrix[c, c] / (matrix[c].sum() + matrix[:, c].sum())": (
        "This is F1, of precision and recall together. Divide by column c alone."
    ),
}


def _pair(answer, matrix):
    """Return the two classes, the smaller number first."""
    pair = answer(matrix)
    array = values.plain(pair)
    is_pair = isinstance(array, numpy.ndarray) and array.size == 2
    return numpy.sort(array.reshape(-1)) if is_pair else pair


def _confusing():
    return [
        (torch.tensor([[50, 3, 7], [20, 30, 10], [5, 16, 40]]),),
        (torch.tensor([[5, 9, 0], [0, 5, 6], [1, 6, 5]]),),
        (_matrices()[3],),
        (torch.tensor([[1, 0], [1, 9]]),),
        (torch.tensor([[9, 0, 0, 2], [0, 9, 3, 0], [0, 1, 9, 0], [1, 0, 0, 9]]),),
    ]


def _by_pairs(matrix):
    pairs = [(a, b) for b in range(len(matrix)) for a in range(b)]
    return max(pairs, key=lambda pair: matrix[pair] + matrix[pair[::-1]])


@exercise(2, _confusing, judge=_by_pairs, use=_pair)
def most_confused(matrix):
    both = (matrix + matrix.T).fill_diagonal_(0)
    return divmod(both.argmax().item(), len(both))


_OFF = ".fill_diagonal_(0)"
_SUM = "matrix + matrix.T"
_CHOICE = "divmod(both.argmax().item(), len(both))"
_PAIRS = "Two classes with many mistakes each need not be confused with each other. Look at pairs."

most_confused.sentences = {
    (_OFF, ""): "The diagonal holds the correct predictions. Set it to 0 first: fill_diagonal_(0).",
    (_OFF, "", _SUM, "matrix"): (
        "This looks at the matrix as it is, and the diagonal is largest there."
    ),
    (_OFF, " - torch.diag(matrix.diagonal())"): (
        "The diagonal of matrix + matrix.T is twice that of the matrix, so half of it is left. Set "
        "it to 0: fill_diagonal_(0)."
    ),
    (_SUM, "matrix.clone()"): (
        "This counts one direction. a for b and b for a belong together: matrix + matrix.T."
    ),
    ("(matrix + matrix.T)", "(matrix / matrix.sum(dim=1, keepdim=True)).clone()"): (
        "These are shares of each row, in one direction. Count the images: matrix + matrix.T."
    ),
    (_CHOICE, "both.argmax().item()"): (
        "argmax numbers all places of the matrix, row by row. Row and column come from "
        "divmod(place, classes)."
    ),
    (_CHOICE, "both.max()"): "This is the number of mistakes. Which two classes are they between?",
    ("+", "*"): "Add both directions; multiplied, a pair that goes one way counts as 0.",
    (_SUM, "(matrix - matrix.T).abs()"): (
        "Both directions are counted together: add them, do not subtract."
    ),
    (_SUM, "matrix.triu()"): (
        "Only the mistakes above the diagonal are counted. Both directions belong together."
    ),
    (_CHOICE, "both.argmax(dim=1)"): (
        "For each class, this is the one that it is confused with most. Which pair is it of all?"
    ),
    ("len(both)", "10"): "There are not always ten classes: divmod(place, len(matrix)).",
    (_OFF, ".fill_diagonal_(1_000_000)", "argmax", "argmin"): (
        "These are the two that are confused least."
    ),
    "matrix.clone().fill_diagonal_(0).sum(dim=0).topk(2).indices": _PAIRS,
    "matrix.clone().fill_diagonal_(0).sum(dim=1).topk(2).indices": _PAIRS,
    "[n + 1 for n in _by_pairs(matrix)]": "Counting starts at 0 here: the first row is class 0.",
}


def _answers(images: int, classes: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(images, classes, generator=generator)
    return logits.softmax(dim=1), torch.randint(classes, (images,), generator=generator)


def _tops():
    probabilities, labels = _answers(40, 10, seed=1)
    few, some = _answers(7, 3, seed=2)
    worst = few.argmin(dim=1)
    return [
        (few, some, 2),
        (probabilities, labels, 1),
        (probabilities, labels, 2),
        (probabilities, labels, 5),
        (few, worst, 2),
        (few, some, 3),
        (torch.tensor([[0.2, 0.7, 0.1]]), torch.tensor([0]), 2),
    ]


def _by_sorting(probabilities, labels, k):
    found = 0
    for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        found += label in sorted(range(len(row)), key=lambda c: -row[c])[:k]
    return found / len(labels)


@exercise(3, _tops, judge=_by_sorting)
def share_in_top(probabilities, labels, k):
    top = probabilities.topk(k, dim=1).indices  # [N, k]
    return (top == labels[:, None]).any(dim=1).float().mean()


_ANY = ".any(dim=1).float().mean()"
_ONE_BY_ONE = "These are the cases one by one. Their share is the mean: .float().mean()."

share_in_top.sentences = {
    (".any(dim=1)", ""): "Every image counts once: divide by the images, not by images · k.",
    ("indices", "values"): (
        "topk gives values and indices. The classes are the indices; you compare the values."
    ),
    (".indices", ""): (
        "topk gives values and indices, two tensors. The classes are the second: .indices."
    ),
    ("any(dim=1)", "T[-1]"): "This looks at the k-th place only. All of the first k count.",
    ("topk(k,", "topk(1,"): "This is the plain accuracy, with the first place only.",
    ("topk(k,", "topk(min(k + 1, probabilities.shape[1]),"): (
        "These are k + 1 places: a rank from 0 has to be below k."
    ),
    (_ANY, ".sum()"): "This is the number of cases. Which share of all images is it?",
    ("dim=1)", "dim=1, largest=False)", "any(dim=1, largest=False)", "any(dim=1)"): (
        "These are the k classes with the smallest probabilities: sort the other way round."
    ),
    ("labels[:, None]", "labels"): (
        "[N, k] meets [N] in its columns. Write labels[:, None], [N, 1], so that rows meet rows."
    ),
    (".float().mean()", ""): _ONE_BY_ONE,
    ("any(dim=1)", "any()"): "any() without a dim asks for the whole batch at once: any(dim=1).",
    ("any(dim=1)", "all(dim=1)"): "One of the k is enough: any(dim=1), not all(dim=1).",
    ("topk(k, dim=1)", "topk(k, dim=0)"): (
        "topk with dim=0 compares images with each other. The classes are axis 1: dim=1."
    ),
    (_ANY, "[0].any() / len(top)"): "return is inside the loop and ends it after the first image.",
    ("return", "return 1 -"): "This is the share of images for which it is not among the first.",
    "(probabilities[torch.arange(len(labels)), labels] > 1 / k).float().mean()": (
        "A probability above 1 / k says nothing about the place. Look which classes are the first "
        "k: topk(k, dim=1).indices."
    ),
}


def _sure():
    probabilities, labels = _answers(60, 5, seed=3)
    labels[:30] = probabilities.argmax(dim=1)[:30]  # better than chance, as a network is
    exact = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.375, 0.375, 0.25]])
    return [
        (exact, torch.tensor([0, 1, 2]), 0.5),
        (probabilities, labels, 0.9),
        (probabilities, labels, 0.5),
        (probabilities, labels, 0.0),
        (probabilities, (probabilities.argmax(dim=1) + 1) % 5, 0.8),
    ]


def _row_by_row(probabilities, labels, least):
    rows = zip(probabilities.tolist(), labels.tolist(), strict=True)
    right = [row.index(max(row)) == label for row, label in rows if max(row) >= least]
    return sum(right) / len(right) if right else float("nan")


@exercise(4, _sure, judge=_row_by_row)
def right_when_sure(probabilities, labels, least):
    confidence, predictions = probabilities.max(dim=1)
    sure = confidence >= least
    return (predictions == labels)[sure].float().mean()


right_when_sure.caution(
    lambda: [(torch.tensor([[0.5, 0.5], [0.6, 0.4]]), torch.tensor([0, 0]), 0.9)],
    "If no prediction is that sure, there is no share: nan in PyTorch, an error in Python.",
)
_RIGHT = "(predictions == labels)"
_MEAN = ".float().mean()"
_OWN = "probabilities[torch.arange(len(labels)), labels]"

right_when_sure.sentences = {
    (f"{_RIGHT}[sure]", f"({_RIGHT} & sure)"): (
        "These are the sure and correct ones among all. Divide by the number of sure ones."
    ),
    (f"{_RIGHT}[sure]", f"sure[{_RIGHT}]"): (
        "The other way round: of the correct ones, how many are sure. Divide by the sure ones."
    ),
    (f"{_RIGHT}[sure]", "sure"): "This is the share of sure ones. How many of them are correct?",
    (">= least", "> least"): "A confidence of exactly `least` counts as sure: >= and not >.",
    (">= least", "< least"): "These are the unsure ones: take those with confidence >= `least`.",
    ("[sure]", ""): "This is the accuracy over all predictions, sure or not.",
    ("confidence >=", f"{_OWN} >="): (
        "Take the probability of the prediction, the largest one, not that of the true class."
    ),
    (_MEAN, ".sum()"): "This is the number of correct ones. Which share of the sure ones is it?",
    (_MEAN, ""): _ONE_BY_ONE,
    ("==", "!="): "This is the share of wrong ones among the sure predictions.",
    (f"{_RIGHT}[sure]", f"({_OWN} >= least)"): (
        "This is the share of images whose true class has a probability of `least` or more. First "
        "select the sure predictions, right or wrong."
    ),
    ("confidence, predictions =", "confidence = predictions ="): (
        "max(dim=1) gives two tensors, the largest numbers and their places: confidence, "
        "predictions = probabilities.max(dim=1)."
    ),
}


def _images():
    return [(drawn(40, 3, 8, 8),), (drawn(25, 3, 5, 9),), (drawn(1, 3, 8, 8),)]


def _ask(answer, images):
    """Return the answer's classes for a network that sees left from right and up from down."""
    seed_all(2)
    height, width = images.shape[2:]
    flat = 6 * (height - 2) * (width - 2)
    layers = [nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(flat, 4)]
    model: Any = nn.Sequential(*layers).eval()
    with torch.no_grad():
        model[-1].weight.mul_(12)
    return answer(model, images)


def _image_by_image(model, images):
    with torch.no_grad():
        both = [model(torch.stack([i, i.flip(2)])).softmax(dim=1).sum(dim=0) for i in images]
    return torch.stack(both).argmax(dim=1)


@exercise(5, _images, judge=_image_by_image, use=_ask)
def seen_twice(model, images):
    with torch.inference_mode():
        plain = model(images).softmax(dim=1)
        mirrored = model(images.flip(-1)).softmax(dim=1)
    return (plain + mirrored).argmax(dim=1)


_MAX, _BOTH, _SOFT = ".argmax(dim=1)", "plain + mirrored", "softmax(dim=1)"

_TWO_SETS = "These are both sets of predictions. Add the probabilities, then choose one class."

seen_twice.sentences = {
    ("-1", "2"): "flip(2) turns the images upside down: axis 3 is the width, flip(-1) mirrors.",
    (".softmax(dim=1)", ""): (
        "Logits are added here, or probabilities multiplied, which does the same. Take the softmax "
        "of each set, and add those."
    ),
    (_BOTH, "mirrored"): "These are the predictions for the mirror images alone. Add both.",
    (_BOTH, "plain"): "These are the predictions for the images alone. Add the mirror images.",
    (_MAX, " / 2"): "These are the probabilities. Which class is largest? argmax(dim=1).",
    (_MAX, ""): "Added up, these are correct. Which class is largest? argmax(dim=1).",
    ("-1", "1"): "flip(1) swaps the colours, red with blue: axis 3 is the width, flip(-1) mirrors.",
    ("-1", "0"): "flip(0) reverses the batch, so each image meets another one. flip(-1) mirrors.",
    (_MAX, ".argmax(dim=0)"): (
        "The softmax or the argmax runs down the batch. The classes are axis 1, dim=1."
    ),
    ("arg", ""): "max(dim=1) gives values and places. The classes are the places: argmax(dim=1).",
    (_MAX, ".argmax()"): "argmax() without a dim is one place in the whole batch: argmax(dim=1).",
    (_MAX, ".amax(dim=1)"): "max(dim=1).values are the largest sums. The classes are the indices.",
    ("argmax", "argmin"): (
        "The class with the smallest sum is the least likely one: argmax, not argmin."
    ),
    ("(plain + mirrored).argmax(dim=1)", "plain.argmax(dim=1) + mirrored.argmax(dim=1)"): (
        "Numbers of classes cannot be added. Add the probabilities, then choose."
    ),
    ("model(images)", "model((images + images.flip(-1)) / 2)", _BOTH, "plain"): (
        "The images themselves are averaged. Show both, and add what comes out."
    ),
    (_SOFT, "softmax(dim=0)"): "The softmax runs down the batch. The classes are axis 1, dim=1.",
    ("(plain + mirrored).argmax(dim=1)", "plain.argmax(dim=1), mirrored.argmax(dim=1)"): _TWO_SETS,
    (_BOTH, "torch.cat([plain, mirrored])"): _TWO_SETS,
    ("images.flip(-1)", "images", _BOTH, "plain + mirrored.flip(-1)"): (
        "The probabilities are mirrored here. Mirror the images before the model."
    ),
    (_BOTH, "plain.maximum(mirrored)"): "This takes the larger probability of both. Add them.",
}
