"""Notebook 4: cross-entropy and log-probabilities; the optimizer's part is ``optimizing``."""

import torch
from torch import nn

from labkit.checks.engine.spec import drawn, exercise
from labkit.checks.optimizing import largest_rate, losses_along, sgd_step_with_decay

__all__ = ["batch_loss", "largest_rate", "log_probabilities", "losses_along", "sgd_step_with_decay"]

_BASE_TWO = "This is the logarithm to base 2. The natural one is torch.log."
_BASE_TEN = "This is the logarithm to base 10. The natural one is torch.log."


def _of_true_class():
    lists = [[0.5, 0.25, 0.125], [1.0, 1.0], [0.1], [0.9, 0.01, 0.6, 0.3], [0.5, 0.5]]
    return [(torch.tensor(numbers),) for numbers in lists]


def _by_nll_loss(probabilities):
    return nn.functional.nll_loss(
        probabilities.log()[:, None], torch.zeros(len(probabilities)).long()
    )


@exercise(1, _of_true_class, judge=_by_nll_loss)
def batch_loss(probabilities):
    return -torch.log(probabilities).mean()


_ENTROPY = "-p · ln p is the entropy of a distribution. The loss of an image is -ln p alone."
_ALREADY = (
    "A softmax makes probabilities of logits, and so does CrossEntropyLoss. These are "
    "probabilities already: take -ln p."
)

batch_loss.sentences = {
    "-torch.log(probabilities.mean())": (
        "This is the logarithm of the mean. First the logarithm of each, then the mean of those."
    ),
    "-torch.log(probabilities).sum()": "This is the sum over the batch. Its loss is the mean.",
    "torch.log(probabilities).mean()": "The minus is missing: a loss is 0 or more.",
    "-torch.log_softmax(probabilities, dim=0)[0]": _ALREADY,
    "-torch.log2(probabilities).mean()": _BASE_TWO,
    "-torch.log10(probabilities).mean()": _BASE_TEN,
    "(1 - probabilities).mean()": (
        "This is the mean of 1 - p. Cross-entropy takes the logarithm, -ln p."
    ),
    "-torch.log(probabilities)": (
        "These are the losses one by one. The loss of the batch is their mean."
    ),
    "-torch.log(torch.softmax(probabilities, dim=0)).mean()": (
        "These are probabilities already: no softmax, only the logarithm."
    ),
    "-(probabilities * probabilities.log()).sum()": _ENTROPY,
    "-(probabilities * probabilities.log()).mean()": _ENTROPY,
    "-probabilities[0].log()": "This is the loss of the first image alone. Take the mean over all.",
    "-(1 - probabilities).log().mean()": "This is -ln (1 - p). The true class got p.",
    "-probabilities.log().median()": "This is the middle one of the losses. Take their mean.",
    "probabilities.mean()": "This is the mean of p itself: take the logarithm of each first.",
    "((1 - probabilities) ** 2).mean()": (
        "This is the squared distance from 1. Cross-entropy is -ln p."
    ),
    "torch.exp(-probabilities).mean()": "exp(-p) is not the loss. Take the logarithm: -ln p.",
    "functional.cross_entropy(probabilities, torch.ones_like(probabilities))": (
        "nn.CrossEntropyLoss takes logits and applies a softmax. These are probabilities of the "
        "true class already: -ln p, then the mean."
    ),
}


def _random_logits():
    return [
        (drawn(4, 10),),
        (8 * drawn(3, 5) - 3,),
        (torch.zeros(2, 4),),
        (torch.tensor([[1.0, 2.0, 5.0]]),),
        (torch.tensor([[0.5, 1.0], [-2.0, 0.0]]),),
    ]


@exercise(2, _random_logits, tolerance=1e-3)
def log_probabilities(logits):
    return torch.log_softmax(logits, dim=1)


log_probabilities.caution(
    lambda: [(torch.tensor([[200.0, 0.0, -200.0]]),)],
    "One thing more: with logits as far apart as 200 and -200, yours gives inf or nan, because "
    "a probability becomes 0 before its logarithm is taken. torch.log_softmax avoids that.",
)
log_probabilities.sentences = {
    "torch.softmax(logits, dim=1)": "These are the probabilities. Take their logarithm.",
    "torch.log_softmax(logits, dim=0)": (
        "The softmax runs down the batch. Each row is an image: dim=1."
    ),
    "torch.log(logits)": (
        "Logits are no probabilities yet, and the logarithm of a negative number is nan."
    ),
    "torch.log(logits / logits.sum(dim=1, keepdim=True))": (
        "Divided by their sum, logits are no probabilities: they can be negative. The softmax "
        "takes exp() of each first."
    ),
    "-torch.log_softmax(logits, dim=1)": (
        "NLLLoss adds the minus itself (it stands for negative log-likelihood). Leave it out."
    ),
    "logits - logits.max(dim=1, keepdim=True).values": (
        "Each row is shifted, but not yet a logarithm of probabilities."
    ),
    "torch.log_softmax(logits.flatten(), dim=0).view_as(logits)": (
        "This takes the softmax of the whole batch. Each row sums to 1."
    ),
    "torch.log_softmax(torch.softmax(logits, dim=1), dim=1)": (
        "A softmax of the softmax: one is enough, and then the logarithm."
    ),
    "torch.sigmoid(logits).log()": (
        "This is a sigmoid, class by class. With a softmax, rows sum to 1."
    ),
    "logits.exp()": "exp alone makes no probabilities: divide by the sum of the row.",
    "logits.softmax(dim=1).log2()": _BASE_TWO,
    "logits.softmax(dim=1).log10()": _BASE_TEN,
    "logits.logsumexp(dim=1, keepdim=True)": (
        "This is what has to be subtracted: logits - logsumexp. Each class has its own logit."
    ),
    "torch.log_softmax(logits, dim=1).max(dim=1).values": (
        "These are the best classes alone. Return one number for each class, [N, classes]."
    ),
}
