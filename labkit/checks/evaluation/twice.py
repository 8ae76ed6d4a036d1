"""A network asked twice, about an image and its mirror image."""

import torch
from torch import nn

from labkit.checks.engine.spec import exercise
from labkit.text import N_


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


@seen_twice.mistake(
    N_("The softmax or the argmax runs down the batch. The classes are axis 1, dim=1.")
)
def _along_the_batch(model, images):
    return (_probabilities(model, images) + _probabilities(model, images.flip(-1))).argmax(dim=0)


@seen_twice.mistake(
    N_("max(dim=1) gives values and places. The classes are the places: argmax(dim=1).")
)
def _values_too(model, images):
    return (_probabilities(model, images) + _probabilities(model, images.flip(-1))).max(dim=1)


@seen_twice.mistake(N_("argmax() without a dim is one place in the whole batch: argmax(dim=1)."))
def _one_place(model, images):
    return _sums(model, images).argmax()


@seen_twice.mistake(N_("max(dim=1).values are the largest sums. The classes are the indices."))
def _largest_sums(model, images):
    return _sums(model, images).max(dim=1).values


@seen_twice.mistake(
    N_("The class with the smallest sum is the least likely one: argmax, not argmin.")
)
def _smallest(model, images):
    return _sums(model, images).argmin(dim=1)


@seen_twice.mistake(N_("Numbers of classes cannot be added. Add the probabilities, then choose."))
def _classes_added(model, images):
    return _only_plain(model, images) + _only_mirrored(model, images)


@seen_twice.mistake(N_("The images themselves are averaged. Show both, and add what comes out."))
def _pictures_averaged(model, images):
    return _only_plain(model, (images + images.flip(-1)) / 2)


@seen_twice.mistake(N_("The softmax runs down the batch. The classes are axis 1, dim=1."))
def _softmax_down_the_batch(model, images):
    with torch.no_grad():
        sums = model(images).softmax(dim=0) + model(images.flip(-1)).softmax(dim=0)
    return sums.argmax(dim=1)


@seen_twice.mistake(
    N_("These are both sets of predictions. Add the probabilities, then choose one class.")
)
def _both_answers(model, images):
    return _only_plain(model, images), _only_mirrored(model, images)


@seen_twice.mistake(N_("The probabilities are mirrored here. Mirror the images before the model."))
def _probabilities_mirrored(model, images):
    sums = _probabilities(model, images) + _probabilities(model, images).flip(-1)
    return sums.argmax(dim=1)


@seen_twice.mistake(N_("This takes the larger probability of both. Add them."))
def _larger_of_both(model, images):
    plain, mirrored = _probabilities(model, images), _probabilities(model, images.flip(-1))
    return torch.maximum(plain, mirrored).argmax(dim=1)
