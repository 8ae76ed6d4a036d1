"""What probabilities tell."""

import torch

from labkit.checks.engine.spec import exercise
from labkit.text import N_


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


@share_in_top.mistake(N_("Every image counts once: divide by the images, not by images · k."))
def _divided_by_k(probabilities, labels, k):
    return _among(probabilities, labels, k).float().mean()


@share_in_top.mistake(
    N_("topk gives values and indices. The classes are the indices; you compare the values.")
)
def _values_compared(probabilities, labels, k):
    top = probabilities.topk(k, dim=1).values
    return (top == labels[:, None]).any(dim=1).float().mean()


@share_in_top.mistake(N_("This looks at the k-th place only. All of the first k count."))
def _only_the_kth(probabilities, labels, k):
    return _among(probabilities, labels, k)[:, -1].float().mean()


@share_in_top.mistake(N_("This is the plain accuracy, with the first place only."))
def _only_the_first(probabilities, labels, k):
    return _among(probabilities, labels, 1).any(dim=1).float().mean()


@share_in_top.mistake(N_("This is the number of cases. Which share of all images is it?"))
def _number_of_cases(probabilities, labels, k):
    return _among(probabilities, labels, k).sum()


@share_in_top.mistake(N_("This is the share of images for which it is not among the first."))
def _missed(probabilities, labels, k):
    return 1 - share_in_top.judge(probabilities, labels, k)


@share_in_top.mistake(
    N_("These are the k classes with the smallest probabilities: sort the other way round.")
)
def _smallest(probabilities, labels, k):
    return share_in_top.judge(-probabilities, labels, k)


@share_in_top.mistake(
    N_("[N, k] meets [N] in its columns. Write labels[:, None], [N, 1], so that rows meet rows.")
)
def _labels_as_a_row(probabilities, labels, k):
    return (probabilities.topk(k, dim=1).indices == labels).any(dim=1).float().mean()


@share_in_top.mistake(
    N_("These are the cases one by one. Their share is the mean: .float().mean().")
)
def _one_by_one(probabilities, labels, k):
    return _among(probabilities, labels, k).any(dim=1)


@share_in_top.mistake(N_("any() without a dim asks for the whole batch at once: any(dim=1)."))
def _any_at_all(probabilities, labels, k):
    return _among(probabilities, labels, k).any().float()


@share_in_top.mistake(N_("One of the k is enough: any(dim=1), not all(dim=1)."))
def _all_of_them(probabilities, labels, k):
    return _among(probabilities, labels, k).all(dim=1).float().mean()


@share_in_top.mistake(N_("return stands inside the loop and ends it after the first picture."))
def _first_picture(probabilities, labels, k):
    return _among(probabilities, labels, k)[0].any() / len(labels)


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


@right_when_sure.mistake(N_("This is the share of sure ones. How many of them are correct?"))
def _share_of_sure(probabilities, labels, least):
    return _right_and_sure(probabilities, labels, least)[1].float().mean()


@right_when_sure.mistake(N_("A confidence of exactly least counts as sure: >= and not >."))
def _strictly_more(probabilities, labels, least):
    confidence, answers = probabilities.max(dim=1)
    return (answers == labels)[confidence > least].float().mean()


@right_when_sure.mistake(N_("This is the accuracy over all predictions, sure or not."))
def _all_answers(probabilities, labels, least):
    return _right_and_sure(probabilities, labels, least)[0].float().mean()


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
