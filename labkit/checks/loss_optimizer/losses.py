"""Cross-entropy of a batch, and logarithms of probabilities."""

import torch
from torch import nn

from labkit.checks.engine.spec import exercise
from labkit.text import N_


def _of_true_class():
    lists = [[0.5, 0.25, 0.125], [1.0, 1.0], [0.1], [0.9, 0.01, 0.6, 0.3], [0.5, 0.5]]
    return [(torch.tensor(numbers),) for numbers in lists]


@exercise(1, _of_true_class)
def batch_loss(probabilities):
    return nn.functional.nll_loss(
        probabilities.log()[:, None], torch.zeros(len(probabilities)).long()
    )


@batch_loss.mistake(
    N_("This is the logarithm of the mean. First the logarithm of each, then the mean of those.")
)
def _log_of_mean(probabilities):
    return -torch.log(probabilities.mean())


@batch_loss.mistake(N_("This is the sum over the batch. Its loss is the mean."))
def _sum(probabilities):
    return -torch.log(probabilities).sum()


@batch_loss.mistake(N_("The minus is missing: a loss is 0 or more."))
def _no_minus(probabilities):
    return torch.log(probabilities).mean()


@batch_loss.mistake(N_("This is the logarithm to base 2. The natural one is torch.log."))
def _base_two(probabilities):
    return -torch.log2(probabilities).mean()


@batch_loss.mistake(N_("This is the logarithm to base 10. The natural one is torch.log."))
def _base_ten(probabilities):
    return -torch.log10(probabilities).mean()


@batch_loss.mistake(N_("This is the mean of 1 - p. Cross-entropy takes the logarithm, -ln p."))
def _one_minus(probabilities):
    return (1 - probabilities).mean()


@batch_loss.mistake(N_("These are the losses one by one. The loss of the batch is their mean."))
def _one_by_one(probabilities):
    return -torch.log(probabilities)


@batch_loss.mistake(N_("These are probabilities already: no softmax, only the logarithm."))
def _softmax_again(probabilities):
    return -torch.log(torch.softmax(probabilities, dim=0)).mean()


@batch_loss.mistake(
    N_("-p · ln p is the entropy of a distribution. The loss of an image is -ln p alone.")
)
def _entropy(probabilities):
    return -(probabilities * probabilities.log()).sum()


@batch_loss.mistake(
    N_("-p · ln p is the entropy of a distribution. The loss of an image is -ln p alone.")
)
def _mean_entropy(probabilities):
    return -(probabilities * probabilities.log()).mean()


@batch_loss.mistake(N_("This is the loss of the first image alone. Take the mean over all."))
def _first_image(probabilities):
    return -probabilities[0].log()


@batch_loss.mistake(N_("This is -ln (1 - p). The true class got p."))
def _of_the_others(probabilities):
    return -(1 - probabilities).log().mean()


@batch_loss.mistake(N_("The middle one of the losses: their mean is wanted."))
def _median(probabilities):
    return -probabilities.log().median()


@batch_loss.mistake(N_("This is the mean of p itself: take the logarithm of each first."))
def _mean_probability(probabilities):
    return probabilities.mean()


@batch_loss.mistake(N_("This is the squared distance from 1. Cross-entropy is -ln p."))
def _squared(probabilities):
    return ((1 - probabilities) ** 2).mean()


def _logits():
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.randn(4, 10, generator=generator),),
        (8 * torch.randn(3, 5, generator=generator) - 3,),
        (torch.zeros(2, 4),),
        (torch.tensor([[1.0, 2.0, 5.0]]),),
        (torch.tensor([[0.5], [-2.0]]),),
    ]


@exercise(2, _logits, tolerance=1e-3)
def log_probabilities(logits):
    return torch.log_softmax(logits, dim=1)


log_probabilities.caution(
    lambda: [(torch.tensor([[200.0, 0.0, -200.0]]),)],
    N_(
        "One thing more: with logits as far apart as 200 and -200, yours gives inf or nan, because "
        "a probability becomes 0 before its logarithm is taken. torch.log_softmax avoids that."
    ),
)


@log_probabilities.mistake(N_("These are the probabilities. Their logarithm is wanted."))
def _probabilities(logits):
    return torch.softmax(logits, dim=1)


@log_probabilities.mistake(N_("The softmax runs down the batch. Each row is an image: dim=1."))
def _down_the_batch(logits):
    return torch.log_softmax(logits, dim=0)


@log_probabilities.mistake(
    N_("Logits are no probabilities yet, and the logarithm of a negative number is nan.")
)
def _log_of_logits(logits):
    return torch.log(logits)


@log_probabilities.mistake(
    N_("Minus is NLLLoss's own affair (it stands for negative log-likelihood). Leave it out.")
)
def _with_minus(logits):
    return -torch.log_softmax(logits, dim=1)


@log_probabilities.mistake(N_("Each row is shifted, but not yet a logarithm of probabilities."))
def _shifted(logits):
    return logits - logits.max(dim=1, keepdim=True).values


@log_probabilities.mistake(N_("This takes the softmax of the whole batch. Each row sums to 1."))
def _whole_batch(logits):
    return torch.log_softmax(logits.flatten(), dim=0).view_as(logits)


@log_probabilities.mistake(N_("A softmax of the softmax: one is enough, and then the logarithm."))
def _twice(logits):
    return torch.log_softmax(torch.softmax(logits, dim=1), dim=1)


@log_probabilities.mistake(N_("This is a sigmoid, class by class. With a softmax, rows sum to 1."))
def _sigmoid(logits):
    return torch.sigmoid(logits).log()


@log_probabilities.mistake(N_("exp alone makes no probabilities: divide by the sum of the row."))
def _exponentials(logits):
    return logits.exp()


@log_probabilities.mistake(N_("This is the logarithm to base 2. The natural one is torch.log."))
def _base_two(logits):
    return logits.softmax(dim=1).log2()


@log_probabilities.mistake(N_("This is the logarithm to base 10. The natural one is torch.log."))
def _base_ten(logits):
    return logits.softmax(dim=1).log10()


@log_probabilities.mistake(
    N_("This is what has to be taken off: logits - logsumexp. Each class has its own logit.")
)
def _logsumexp(logits):
    return logits.logsumexp(dim=1, keepdim=True)
