"""What a confusion matrix tells."""

import numpy
import torch

from labkit.checks.engine import values
from labkit.checks.engine.spec import exercise
from labkit.text import N_


def _matrices():
    return [
        torch.tensor([[8, 2], [1, 9]]),
        torch.tensor([[50, 3, 7], [20, 30, 10], [5, 15, 40]]),
        torch.tensor([[0, 4, 1], [2, 0, 6], [3, 1, 7]]),
        torch.randint(0, 60, (10, 10), generator=torch.Generator().manual_seed(4)),
    ]


def _columns():
    return [(matrix, c) for matrix in _matrices() for c in (0, len(matrix) - 1)]


@exercise(1, _columns)
def precision(matrix, c):
    called = sum(row[c].item() for row in matrix)
    return matrix[c, c].item() / called if called else float("nan")


precision.caution(
    lambda: [(torch.tensor([[0, 4], [0, 6]]), 0)],
    N_(
        "A class that was never predicted has no precision: 0 / 0 is nan in PyTorch and an error "
        "in Python. Say that there is none, and do not call it 0."
    ),
)


@precision.mistake(
    N_(
        "This is the row: of all images of the class, how many were found. That is the recall. "
        "What the network predicted as c is in column c, matrix[:, c]."
    )
)
def _row(matrix, c):
    return matrix[c, c] / matrix[c].sum()


@precision.mistake(N_("Divided by all images, it is small for every class. Divide by column c."))
def _of_all_images(matrix, c):
    return matrix[c, c] / matrix.sum()


@precision.mistake(N_("This is the accuracy over all classes."))
def _accuracy(matrix, c):
    return matrix.trace() / matrix.sum()


@precision.mistake(N_("This is the share of wrong predictions among those of c."))
def _wrong_share(matrix, c):
    return 1 - matrix[c, c] / matrix[:, c].sum()


@precision.mistake(N_("This is the number of correct predictions. Which share of column c is it?"))
def _number(matrix, c):
    return matrix[c, c]


@precision.mistake(
    N_("Divide by all that was predicted as c, the correct ones as well as the wrong ones.")
)
def _right_to_wrong(matrix, c):
    return matrix[c, c] / (matrix[:, c].sum() - matrix[c, c])


@precision.mistake(N_("This is how often the network predicted c. Which share of it was correct?"))
def _called(matrix, c):
    return matrix[:, c].sum()


@precision.mistake(N_("This is the whole column as shares. The correct ones are at place c of it."))
def _column_of_shares(matrix, c):
    return matrix[:, c] / matrix[:, c].sum()


@precision.mistake(N_("These are the precisions of all classes. That of class c is wanted."))
def _of_all_classes(matrix, c):
    return matrix.diagonal() / matrix.sum(dim=0)


@precision.mistake(N_("Divide by the sum of the column, not by its largest number."))
def _by_the_largest(matrix, c):
    return matrix[c, c] / matrix[:, c].max()


@precision.mistake(N_("Divide by the sum of column c, not by the number of classes."))
def _by_the_classes(matrix, c):
    return matrix[c, c] / len(matrix)


@precision.mistake(N_("This is F1, of precision and recall together. Divide by column c alone."))
def _both_together(matrix, c):
    return 2 * matrix[c, c] / (matrix[c].sum() + matrix[:, c].sum())


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


@exercise(2, _confusing, use=_pair)
def most_confused(matrix):
    pairs = [(a, b) for b in range(len(matrix)) for a in range(b)]
    return max(pairs, key=lambda pair: matrix[pair] + matrix[pair[::-1]])


def _largest(matrix):
    return divmod(matrix.argmax().item(), len(matrix))


@most_confused.mistake(
    N_("The diagonal holds the correct predictions. Set it to 0 first: fill_diagonal_(0).")
)
def _with_diagonal(matrix):
    return _largest(matrix + matrix.T)


@most_confused.mistake(N_("This looks at the matrix as it is, and the diagonal is largest there."))
def _with_diagonal_one_way(matrix):
    return _largest(matrix)


@most_confused.mistake(
    N_("This counts one direction. a for b and b for a belong together: matrix + matrix.T.")
)
def _one_direction(matrix):
    return _largest(matrix.clone().fill_diagonal_(0))


@most_confused.mistake(
    N_(
        "argmax numbers all places of the matrix, row by row. Row and column come from "
        "divmod(place, classes)."
    )
)
def _place(matrix):
    return (matrix + matrix.T).fill_diagonal_(0).argmax().item()


@most_confused.mistake(N_("This is the number of mistakes. Which two classes are they between?"))
def _how_often(matrix):
    return (matrix + matrix.T).fill_diagonal_(0).max().item()


@most_confused.mistake(N_("These are the two that are confused least."))
def _least(matrix):
    pairs = [(a, b) for b in range(len(matrix)) for a in range(b)]
    return min(pairs, key=lambda pair: matrix[pair] + matrix[pair[::-1]])


@most_confused.mistake(N_("Add both directions; multiplied, a pair that goes one way counts as 0."))
def _multiplied(matrix):
    return _largest((matrix * matrix.T).fill_diagonal_(0))


@most_confused.mistake(N_("Both directions are counted together: add them, do not subtract."))
def _subtracted(matrix):
    return _largest((matrix - matrix.T).abs())


@most_confused.mistake(
    N_("This is for each class the one it is confused with most. Which pair is it of all?")
)
def _for_each_class(matrix):
    return (matrix + matrix.T).fill_diagonal_(0).argmax(dim=1)


@most_confused.mistake(
    N_("Two classes with many mistakes each need not be confused with each other. Look at pairs.")
)
def _two_worst(matrix):
    return matrix.clone().fill_diagonal_(0).sum(dim=0).topk(2).indices


@most_confused.mistake(N_("There are not always ten classes: divmod(place, len(matrix))."))
def _always_ten(matrix):
    return divmod((matrix + matrix.T).fill_diagonal_(0).argmax().item(), 10)


@most_confused.mistake(N_("Counting starts at 0 here: the first row is class 0."))
def _counted_from_one(matrix):
    return tuple(number + 1 for number in most_confused.judge(matrix))
