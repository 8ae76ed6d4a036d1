"""Probabilities that a loss asks for, and gradients of several processes."""

import torch
from torch.nn import functional

from labkit.checks.engine.spec import exercise
from labkit.text import N_


def _labels():
    return [
        (torch.tensor([0, 1, 2, 3, 0]), 4, 0.1),
        (torch.tensor([2]), 3, 0.3),
        (torch.tensor([9, 0]), 10, 0.0),
        (torch.tensor([1, 0, 1]), 2, 1.0),
    ]


@exercise(2, _labels)
def wanted_probabilities(labels, classes, smoothing):
    wanted = torch.full((len(labels), classes), smoothing / classes)
    for row, label in enumerate(labels):
        wanted[row, label] += 1 - smoothing
    return wanted


@wanted_probabilities.mistake(N_("These are the plain one-hot rows, without any smoothing."))
def _one_hot(labels, classes, smoothing):
    return functional.one_hot(labels, classes)


@wanted_probabilities.mistake(
    N_(
        "The smoothing is shared by the wrong classes only here. PyTorch shares it among all "
        "classes, the right one too."
    )
)
def _among_the_wrong(labels, classes, smoothing):
    right = functional.one_hot(labels, classes)
    return right * (1 - smoothing) + (1 - right) * smoothing / (classes - 1)


@wanted_probabilities.mistake(
    N_("The rows do not sum to 1: the smoothing is added and not taken from the right class.")
)
def _only_added(labels, classes, smoothing):
    return functional.one_hot(labels, classes) + smoothing / classes


@wanted_probabilities.mistake(
    N_("Each class gets the whole smoothing. It is shared: smoothing / classes for each.")
)
def _not_shared(labels, classes, smoothing):
    return functional.one_hot(labels, classes) * (1 - smoothing) + smoothing


@wanted_probabilities.mistake(
    N_("The right class has 1 - smoothing, but not yet its own share on top: smoothing / classes.")
)
def _right_without_share(labels, classes, smoothing):
    right = functional.one_hot(labels, classes)
    return right * (1 - smoothing) + (1 - right) * smoothing / classes


@wanted_probabilities.mistake(N_("What is taken from the right class has to go to all classes."))
def _only_taken(labels, classes, smoothing):
    return functional.one_hot(labels, classes) * (1 - smoothing)


@wanted_probabilities.mistake(
    N_("The smoothing is the part that is shared, 0.1 say; the right class keeps 1 - smoothing.")
)
def _wrong_way_round(labels, classes, smoothing):
    return functional.one_hot(labels, classes) * smoothing + (1 - smoothing) / classes


@wanted_probabilities.mistake(
    N_("The smoothing is shared by the classes: divide by classes, not by N.")
)
def _shared_by_pictures(labels, classes, smoothing):
    return functional.one_hot(labels, classes) * (1 - smoothing) + smoothing / len(labels)


@wanted_probabilities.mistake(
    N_("PyTorch shares the smoothing by all classes, not by classes - 1.")
)
def _one_class_too_few(labels, classes, smoothing):
    return functional.one_hot(labels, classes) * (1 - smoothing) + smoothing / max(classes - 1, 1)


@wanted_probabilities.mistake(N_("Each wrong class gets the whole smoothing. It is shared by all."))
def _wrong_ones_all(labels, classes, smoothing):
    right = functional.one_hot(labels, classes)
    return right * (1 - smoothing) + (1 - right) * smoothing


@wanted_probabilities.mistake(N_("The right class keeps 1 in yours, so the rows do not sum to 1."))
def _right_keeps_one(labels, classes, smoothing):
    right = functional.one_hot(labels, classes)
    return right + (1 - right) * smoothing / classes


@wanted_probabilities.mistake(
    N_("t[:, labels] sets whole columns. One place in each row: t[n, labels[n]].")
)
def _whole_columns(labels, classes, smoothing):
    wanted = torch.full((len(labels), classes), smoothing / classes)
    wanted[:, labels] += 1 - smoothing
    return wanted


def _shares():
    def some(*shape):
        return torch.randn(shape, generator=torch.Generator().manual_seed(shape[0]))

    return [
        ([some(5), some(5) + 1], [16, 16]),
        ([some(5), some(5) + 1], [30, 10]),
        ([some(2, 3), some(2, 3) * 4, some(2, 3) - 2], [7, 7, 1]),
        ([some(4)], [12]),
        ([some(3), some(3) + 5], [8, 0]),
    ]


@exercise(3, _shares)
def combined_gradient(gradients, sizes):
    pictures = [
        gradient for gradient, size in zip(gradients, sizes, strict=True) for _ in range(size)
    ]
    return torch.stack(pictures).mean(dim=0)


@combined_gradient.mistake(
    N_(
        "A plain mean is right where all parts have one size. Weigh each gradient with its number "
        "of images."
    )
)
def _plain_mean(gradients, sizes):
    return torch.stack(gradients).mean(dim=0)


@combined_gradient.mistake(N_("This is the sum of the gradients. They are means: take the mean."))
def _plain_sum(gradients, sizes):
    return torch.stack(gradients).sum(dim=0)


def _weighted(gradients, sizes):
    return sum(gradient * size for gradient, size in zip(gradients, sizes, strict=True))


@combined_gradient.mistake(N_("Weighed with the sizes and added: divide by all images as well."))
def _not_divided(gradients, sizes):
    return _weighted(gradients, sizes)


@combined_gradient.mistake(
    N_("Divided by the number of processes. Divide by the number of images, sum(sizes).")
)
def _divided_by_processes(gradients, sizes):
    return _weighted(gradients, sizes) / len(sizes)


@combined_gradient.mistake(
    N_("Each gradient is a mean: times its number of images it is a sum, and those are added.")
)
def _means_by_pictures(gradients, sizes):
    return torch.stack(gradients).sum(dim=0) / sum(sizes)


@combined_gradient.mistake(N_("This is the first process's gradient alone."))
def _first_alone(gradients, sizes):
    return gradients[0]


@combined_gradient.mistake(N_("These are the weighed gradients one by one. Add them up."))
def _one_by_one(gradients, sizes):
    return [gradient * size / sum(sizes) for gradient, size in zip(gradients, sizes, strict=True)]


@combined_gradient.mistake(N_("Divided twice: sum(sizes) alone is the number of images."))
def _divided_twice(gradients, sizes):
    return _weighted(gradients, sizes) / sum(sizes) / len(sizes)


@combined_gradient.mistake(N_("return ends the loop at the first gradient. Add up all of them."))
def _first_weighed(gradients, sizes):
    return gradients[0] * sizes[0] / sum(sizes)


@combined_gradient.mistake(N_("total = ... forgets what was before. Add: total = total + ..."))
def _last_weighed(gradients, sizes):
    return gradients[-1] * sizes[-1] / sum(sizes)


@combined_gradient.mistake(N_("A gradient is a mean already: multiply by its size, do not divide."))
def _divided_by_sizes(gradients, sizes):
    return sum(g / n for g, n in zip(gradients, sizes, strict=True) if n)


@combined_gradient.mistake(N_("This averages over the weights too: keep the gradient's shape."))
def _one_number(gradients, sizes):
    return (_weighted(gradients, sizes) / sum(sizes)).mean()
