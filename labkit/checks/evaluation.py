"""Notebook 6: what a confusion matrix tells; probabilities stand in ``probabilities``."""

import numpy
import torch

from labkit.checks.engine import values
from labkit.checks.engine.spec import exercise
from labkit.checks.probabilities import right_when_sure, seen_twice, share_in_top

__all__ = ["most_confused", "precision", "right_when_sure", "seen_twice", "share_in_top"]


def _matrices():
    return [
        torch.tensor([[8, 2], [1, 9]]),
        torch.tensor([[50, 3, 7], [20, 30, 10], [5, 15, 40]]),
        torch.tensor([[0, 4, 1], [2, 0, 6], [3, 1, 7]]),
        torch.randint(0, 60, (10, 10), generator=torch.Generator().manual_seed(4)),
    ]


def _columns():
    return [(matrix, c) for matrix in _matrices() for c in (0, len(matrix) - 1)]


def _by_adding(matrix, c):
    called = sum(row[c].item() for row in matrix)
    return matrix[c, c].item() / called if called else float("nan")


@exercise(1, _columns, judge=_by_adding)
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
    "matrix[c, c] / matrix.sum()": (
        "Divided by all images, it is small for every class. Divide by column c."
    ),
    "matrix.trace() / matrix.sum()": "This is the accuracy over all classes.",
    "1 - (matrix[c].sum() + matrix[:, c].sum() - 2 * matrix[c, c]) / matrix.sum()": (
        "This is the accuracy of the question 'c or not c'. Divide by column c alone."
    ),
    "1 - matrix[c, c] / matrix[:, c].sum()": (
        "This is the share of wrong predictions among those of c."
    ),
    "matrix[c, c]": "This is the number of correct predictions. Which share of column c is it?",
    "matrix[c, c] / (matrix[:, c].sum() - matrix[c, c])": (
        "Divide by all that was predicted as c, the correct ones as well as the wrong ones."
    ),
    "matrix[:, c].sum()": (
        "This is how often the network predicted c. Which share of it was correct?"
    ),
    "matrix[:, c] / matrix[:, c].sum()": (
        "This is the whole column as shares. The correct ones are at place c of it."
    ),
    "matrix.diagonal() / matrix.sum(dim=0)": (
        "These are the precisions of all classes. Return that of class c."
    ),
    "matrix[c, c] / matrix[:, c].max()": (
        "Divide by the sum of the column, not by its largest number."
    ),
    "matrix[c, c] / matrix[:, c].mean()": (
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


def _pair_by_pair(matrix, choose=max):
    pairs = [(a, b) for b in range(len(matrix)) for a in range(b)]
    return choose(pairs, key=lambda pair: matrix[pair] + matrix[pair[::-1]])


@exercise(2, _confusing, judge=_pair_by_pair, use=_pair)
def most_confused(matrix):
    both = (matrix + matrix.T).fill_diagonal_(0)
    return divmod(both.argmax().item(), len(both))


_ZEROED = ".fill_diagonal_(0)"
_PAIRS = "Two classes with many mistakes each need not be confused with each other. Look at pairs."

most_confused.sentences = {
    (_ZEROED, ""): (
        "The diagonal holds the correct predictions. Set it to 0 first: fill_diagonal_(0)."
    ),
    (_ZEROED, "", "matrix + matrix.T", "matrix"): (
        "This looks at the matrix as it is, and the diagonal is largest there."
    ),
    (_ZEROED, " - torch.diag(matrix.diagonal())"): (
        "The diagonal of matrix + matrix.T is twice that of the matrix, so half of it is left. Set "
        "it to 0: fill_diagonal_(0)."
    ),
    ("matrix + matrix.T", "matrix.clone()"): (
        "This counts one direction. a for b and b for a belong together: matrix + matrix.T."
    ),
    ("(matrix + matrix.T)", "(matrix / matrix.sum(dim=1, keepdim=True)).clone()"): (
        "These are shares of each row, in one direction. Count the images: matrix + matrix.T."
    ),
    ("divmod(both.argmax().item(), len(both))", "both.argmax().item()"): (
        "argmax numbers all places of the matrix, row by row. Row and column come from "
        "divmod(place, classes)."
    ),
    ("divmod(both.argmax().item(), len(both))", "both.max().item()"): (
        "This is the number of mistakes. Which two classes are they between?"
    ),
    ("matrix + matrix.T", "matrix * matrix.T"): (
        "Add both directions; multiplied, a pair that goes one way counts as 0."
    ),
    ("matrix + matrix.T", "(matrix - matrix.T).abs()"): (
        "Both directions are counted together: add them, do not subtract."
    ),
    ("matrix + matrix.T", "matrix.triu()"): (
        "Only the mistakes above the diagonal are counted. Both directions belong together."
    ),
    ("divmod(both.argmax().item(), len(both))", "both.argmax(dim=1)"): (
        "For each class, this is the one that it is confused with most. Which pair is it of all?"
    ),
    ("len(both)", "10"): "There are not always ten classes: divmod(place, len(matrix)).",
    "_pair_by_pair(matrix, min)": "These are the two that are confused least.",
    "matrix.clone().fill_diagonal_(0).sum(dim=0).topk(2).indices": _PAIRS,
    "matrix.clone().fill_diagonal_(0).sum(dim=1).topk(2).indices": _PAIRS,
    "[number + 1 for number in _pair_by_pair(matrix)]": (
        "Counting starts at 0 here: the first row is class 0."
    ),
}
