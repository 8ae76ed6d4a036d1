"""Notebook 6: what a confusion matrix and probabilities tell, and a network asked twice."""

import numpy
import torch
from torch import nn

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

precision.if_it_returns(
    {
        "matrix[c, c] / matrix[c].sum()": (
            "This is the row: of all images of the class, how many were found. That is the "
            "recall. What the network predicted as c is in column c, matrix[:, c]."
        ),
        "matrix[c, c] / matrix.sum()": (
            "Divided by all images, it is small for every class. Divide by column c."
        ),
        "matrix.trace() / matrix.sum()": "This is the accuracy over all classes.",
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
            "These are the precisions of all classes. That of class c is wanted."
        ),
        "matrix[c, c] / matrix[:, c].max()": (
            "Divide by the sum of the column, not by its largest number."
        ),
        "matrix[c, c] / len(matrix)": (
            "Divide by the sum of column c, not by the number of classes."
        ),
        "2 * matrix[c, c] / (matrix[c].sum() + matrix[:, c].sum())": (
            "This is F1, of precision and recall together. Divide by column c alone."
        ),
    }
)


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


most_confused.if_it_returns(
    {
        "_largest(matrix + matrix.T)": (
            "The diagonal holds the correct predictions. Set it to 0 first: fill_diagonal_(0)."
        ),
        "_largest(matrix)": "This looks at the matrix as it is, and the diagonal is largest there.",
        "_largest(matrix.clone().fill_diagonal_(0))": (
            "This counts one direction. a for b and b for a belong together: matrix + matrix.T."
        ),
        "(matrix + matrix.T).fill_diagonal_(0).argmax().item()": (
            "argmax numbers all places of the matrix, row by row. Row and column come from "
            "divmod(place, classes)."
        ),
        "(matrix + matrix.T).fill_diagonal_(0).max().item()": (
            "This is the number of mistakes. Which two classes are they between?"
        ),
    }
)


@most_confused.mistake(N_("These are the two that are confused least."))
def _least(matrix):
    pairs = [(a, b) for b in range(len(matrix)) for a in range(b)]
    return min(pairs, key=lambda pair: matrix[pair] + matrix[pair[::-1]])


most_confused.if_it_returns(
    {
        "_largest((matrix * matrix.T).fill_diagonal_(0))": (
            "Add both directions; multiplied, a pair that goes one way counts as 0."
        ),
        "_largest((matrix - matrix.T).abs())": (
            "Both directions are counted together: add them, do not subtract."
        ),
        "(matrix + matrix.T).fill_diagonal_(0).argmax(dim=1)": (
            "This is for each class the one it is confused with most. Which pair is it of all?"
        ),
        "matrix.clone().fill_diagonal_(0).sum(dim=0).topk(2).indices": (
            "Two classes with many mistakes each need not be confused with each other. Look "
            "at pairs."
        ),
        "divmod((matrix + matrix.T).fill_diagonal_(0).argmax().item(), 10)": (
            "There are not always ten classes: divmod(place, len(matrix))."
        ),
        "tuple(number + 1 for number in most_confused.judge(matrix))": (
            "Counting starts at 0 here: the first row is class 0."
        ),
    }
)


def _answers(pictures: int, classes: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(pictures, classes, generator=generator)
    return logits.softmax(dim=1), torch.randint(classes, (pictures,), generator=generator)


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


@exercise(3, _tops)
def share_in_top(probabilities, labels, k):
    found = 0
    for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        found += label in sorted(range(len(row)), key=lambda c: -row[c])[:k]
    return found / len(labels)


def _among(probabilities, labels, k):
    return probabilities.topk(k, dim=1).indices == labels[:, None]  # [N, k]


share_in_top.if_it_returns(
    {
        "_among(probabilities, labels, k).float().mean()": (
            "Every image counts once: divide by the images, not by images · k."
        ),
    }
)


@share_in_top.mistake(
    N_("topk gives values and indices. The classes are the indices; you compare the values.")
)
def _values_compared(probabilities, labels, k):
    top = probabilities.topk(k, dim=1).values
    return (top == labels[:, None]).any(dim=1).float().mean()


share_in_top.if_it_returns(
    {
        "_among(probabilities, labels, k)[:, -1].float().mean()": (
            "This looks at the k-th place only. All of the first k count."
        ),
        "_among(probabilities, labels, 1).any(dim=1).float().mean()": (
            "This is the plain accuracy, with the first place only."
        ),
        "_among(probabilities, labels, k).sum()": (
            "This is the number of cases. Which share of all images is it?"
        ),
        "1 - share_in_top.judge(probabilities, labels, k)": (
            "This is the share of images for which it is not among the first."
        ),
        "share_in_top.judge(-probabilities, labels, k)": (
            "These are the k classes with the smallest probabilities: sort the other way round."
        ),
        "(probabilities.topk(k, dim=1).indices == labels).any(dim=1).float().mean()": (
            "[N, k] meets [N] in its columns. Write labels[:, None], [N, 1], so that rows "
            "meet rows."
        ),
    }
)


@share_in_top.mistake(
    N_("These are the cases one by one. Their share is the mean: .float().mean().")
)
def _one_by_one(probabilities, labels, k):
    return _among(probabilities, labels, k).any(dim=1)


share_in_top.if_it_returns(
    {
        "_among(probabilities, labels, k).any().float()": (
            "any() without a dim asks for the whole batch at once: any(dim=1)."
        ),
        "_among(probabilities, labels, k).all(dim=1).float().mean()": (
            "One of the k is enough: any(dim=1), not all(dim=1)."
        ),
        "_among(probabilities, labels, k)[0].any() / len(labels)": (
            "return stands inside the loop and ends it after the first picture."
        ),
    }
)


def _sure():
    probabilities, labels = _answers(60, 5, seed=3)
    exact = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.375, 0.375, 0.25]])
    return [
        (exact, torch.tensor([0, 1, 2]), 0.5),
        (probabilities, labels, 0.9),
        (probabilities, labels, 0.5),
        (probabilities, labels, 0.0),
        (probabilities, (probabilities.argmax(dim=1) + 1) % 5, 0.8),
    ]


@exercise(4, _sure)
def right_when_sure(probabilities, labels, least):
    right, sure = _right_and_sure(probabilities, labels, least)
    return right[sure].float().mean()


def _right_and_sure(probabilities, labels, least):
    confidence, answers = probabilities.max(dim=1)
    return answers == labels, confidence >= least


right_when_sure.caution(
    lambda: [(torch.tensor([[0.5, 0.5], [0.6, 0.4]]), torch.tensor([0, 0]), 0.9)],
    N_("If no prediction is that sure, there is no share: nan in PyTorch, an error in Python."),
)


@right_when_sure.mistake(
    N_("These are the sure and correct ones among all. Divide by the number of sure ones.")
)
def _among_all(probabilities, labels, least):
    right, sure = _right_and_sure(probabilities, labels, least)
    return (right & sure).float().mean()


@right_when_sure.mistake(
    N_("The other way round: of the correct ones, how many are sure. Divide by the sure ones.")
)
def _sure_when_right(probabilities, labels, least):
    right, sure = _right_and_sure(probabilities, labels, least)
    return (right & sure).sum() / right.sum() if right.any() else torch.tensor(0.0)


right_when_sure.if_it_returns(
    {
        "_right_and_sure(probabilities, labels, least)[1].float().mean()": (
            "This is the share of sure ones. How many of them are correct?"
        ),
    }
)


@right_when_sure.mistake(N_("A confidence of exactly least counts as sure: >= and not >."))
def _strictly_more(probabilities, labels, least):
    confidence, answers = probabilities.max(dim=1)
    return (answers == labels)[confidence > least].float().mean()


right_when_sure.if_it_returns(
    {
        "_right_and_sure(probabilities, labels, least)[0].float().mean()": (
            "This is the accuracy over all predictions, sure or not."
        ),
    }
)


@right_when_sure.mistake(
    N_("Take the probability of the prediction, the largest one, not that of the true class.")
)
def _sure_of_the_truth(probabilities, labels, least):
    right, _sure_answers = _right_and_sure(probabilities, labels, least)
    sure = probabilities[torch.arange(len(labels)), labels] >= least
    return right[sure].float().mean()


@right_when_sure.mistake(
    N_("This is the number of correct ones. Which share of the sure ones is it?")
)
def _number_of_right_ones(probabilities, labels, least):
    right, sure = _right_and_sure(probabilities, labels, least)
    return right[sure].sum()


@right_when_sure.mistake(
    N_("These are the cases one by one. Their share is the mean: .float().mean().")
)
def _one_by_one(probabilities, labels, least):
    right, sure = _right_and_sure(probabilities, labels, least)
    return right[sure]


@right_when_sure.mistake(N_("This is the share of wrong ones among the sure predictions."))
def _wrong_when_sure(probabilities, labels, least):
    right, sure = _right_and_sure(probabilities, labels, least)
    return 1 - right[sure].float().mean()


@right_when_sure.mistake(
    N_("This is how often the true class gets least. Choose by the prediction first.")
)
def _true_class_sure(probabilities, labels, least):
    own = probabilities[torch.arange(len(labels)), labels]
    return (own >= least).float().mean()


def _images():
    def some(n, height, width):
        generator = torch.Generator().manual_seed(n)
        return torch.rand(n, 3, height, width, generator=generator)

    return [(some(40, 8, 8),), (some(25, 5, 9),), (some(1, 8, 8),)]


def _ask(answer, images):
    """Return the answer's classes for a network that sees left from right and up from down."""
    torch.manual_seed(2)
    height, width = images.shape[2:]
    layers = [
        nn.Conv2d(3, 6, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(6 * (height - 2) * (width - 2), 4),
    ]
    model = nn.Sequential(*layers).eval()
    with torch.no_grad():
        model[-1].weight.mul_(12)
    return answer(model, images)


def _probabilities(model, images):
    with torch.no_grad():
        return model(images).softmax(dim=1)


@exercise(5, _images, use=_ask)
def seen_twice(model, images):
    mirrored = torch.stack([image.flip(2) for image in images])
    return (_probabilities(model, images) + _probabilities(model, mirrored)).argmax(dim=1)


@seen_twice.mistake(
    N_("flip(2) turns the images upside down: axis 3 is the width, flip(-1) mirrors.")
)
def _upside_down(model, images):
    turned = images.flip(2)
    return (_probabilities(model, images) + _probabilities(model, turned)).argmax(dim=1)


@seen_twice.mistake(
    N_(
        "Logits, or logarithms of probabilities, are added here. Take the softmax of each set, and "
        "add those."
    )
)
def _logits_added(model, images):
    with torch.no_grad():
        return (model(images) + model(images.flip(-1))).argmax(dim=1)


@seen_twice.mistake(N_("These are the predictions for the mirror images alone. Add both."))
def _only_mirrored(model, images):
    return _probabilities(model, images.flip(-1)).argmax(dim=1)


@seen_twice.mistake(N_("These are the predictions for the images alone. Add the mirror images."))
def _only_plain(model, images):
    return _probabilities(model, images).argmax(dim=1)


@seen_twice.mistake(N_("These are the probabilities. Which class is largest? argmax(dim=1)."))
def _no_argmax(model, images):
    return (_probabilities(model, images) + _probabilities(model, images.flip(-1))) / 2


@seen_twice.mistake(N_("Added up, these are correct. Which class is largest? argmax(dim=1)."))
def _sums(model, images):
    return 2 * _no_argmax(model, images)


@seen_twice.mistake(
    N_("flip(1) swaps the colours, red with blue: axis 3 is the width, flip(-1) mirrors.")
)
def _colours_flipped(model, images):
    turned = images.flip(1)
    return (_probabilities(model, images) + _probabilities(model, turned)).argmax(dim=1)


@seen_twice.mistake(
    N_("flip(0) reverses the batch, so each image meets another one. flip(-1) mirrors.")
)
def _batch_reversed(model, images):
    turned = images.flip(0)
    return (_probabilities(model, images) + _probabilities(model, turned)).argmax(dim=1)


seen_twice.if_it_returns(
    {
        "(_probabilities(model, images) + _probabilities(model, images.flip(-1))).argmax(dim=0)": (
            "The softmax or the argmax runs down the batch. The classes are axis 1, dim=1."
        ),
        "(_probabilities(model, images) + _probabilities(model, images.flip(-1))).max(dim=1)": (
            "max(dim=1) gives values and places. The classes are the places: argmax(dim=1)."
        ),
        "_sums(model, images).argmax()": (
            "argmax() without a dim is one place in the whole batch: argmax(dim=1)."
        ),
        "_sums(model, images).max(dim=1).values": (
            "max(dim=1).values are the largest sums. The classes are the indices."
        ),
        "_sums(model, images).argmin(dim=1)": (
            "The class with the smallest sum is the least likely one: argmax, not argmin."
        ),
        "_only_plain(model, images) + _only_mirrored(model, images)": (
            "Numbers of classes cannot be added. Add the probabilities, then choose."
        ),
        "_only_plain(model, (images + images.flip(-1)) / 2)": (
            "The images themselves are averaged. Show both, and add what comes out."
        ),
    }
)


@seen_twice.mistake(N_("The softmax runs down the batch. The classes are axis 1, dim=1."))
def _softmax_down_the_batch(model, images):
    with torch.no_grad():
        sums = model(images).softmax(dim=0) + model(images.flip(-1)).softmax(dim=0)
    return sums.argmax(dim=1)


seen_twice.if_it_returns(
    {
        "_only_plain(model, images), _only_mirrored(model, images)": (
            "These are both sets of predictions. Add the probabilities, then choose one class."
        ),
    }
)


@seen_twice.mistake(N_("The probabilities are mirrored here. Mirror the images before the model."))
def _probabilities_mirrored(model, images):
    sums = _probabilities(model, images) + _probabilities(model, images).flip(-1)
    return sums.argmax(dim=1)


@seen_twice.mistake(N_("This takes the larger probability of both. Add them."))
def _larger_of_both(model, images):
    plain, mirrored = _probabilities(model, images), _probabilities(model, images.flip(-1))
    return torch.maximum(plain, mirrored).argmax(dim=1)
