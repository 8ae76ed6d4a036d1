"""A cut through the landscape of the loss."""

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from labkit.checks.engine.spec import exercise
from labkit.text import N_, _


def _walks():
    return [([-1.0, -0.25, 0.0, 0.5, 2.0],), ([0.1],), ([3.0, -2.0, 0.0],)]


def _cut(answer, distances):
    """Return the losses, and whether the model is afterwards as it was."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Tanh(), nn.Linear(5, 3))
    images, labels = torch.randn(6, 3, 2, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    before = parameters_to_vector(model.parameters()).detach().clone()
    losses = answer(model, nn.CrossEntropyLoss(), images, labels, distances)
    after = parameters_to_vector(model.parameters())
    return {
        _("losses"): losses,
        _("weights afterwards as before"): bool(torch.allclose(after, before, atol=1e-4)),
    }


def _walk(
    model, loss_function, images, labels, distances, *, length=torch.norm, back=True, start=None
):
    """Walk along the slope divided by ``length(slope)``, from the weights or from ``start``."""
    loss = loss_function(model(images), labels)
    slope = torch.cat([g.flatten() for g in torch.autograd.grad(loss, [*model.parameters()])])
    weights = parameters_to_vector(model.parameters()).detach()
    direction = slope / length(slope)
    start = weights if start is None else start
    losses = []
    with torch.no_grad():
        for distance in distances:
            vector_to_parameters(start + distance * direction, model.parameters())
            losses.append(loss_function(model(images), labels).item())
        if back:
            vector_to_parameters(weights, model.parameters())
    return losses


@exercise(5, _walks, use=_cut)
def losses_along(model, loss_function, images, labels, distances):
    return _walk(model, loss_function, images, labels, distances)


@losses_along.mistake(
    N_("The gradient is not of length 1 yet: divide it by its norm(), so that distances are true.")
)
def _not_unit(model, loss_function, images, labels, distances):
    return _walk(model, loss_function, images, labels, distances, length=torch.ones_like)


@losses_along.mistake(
    N_("The losses are right. Put the weights back at the end: the model is still somewhere else.")
)
def _left_elsewhere(model, loss_function, images, labels, distances):
    return _walk(model, loss_function, images, labels, distances, back=False)


@losses_along.mistake(
    N_("This walks downhill for positive distances. The gradient itself points uphill.")
)
def _downhill(model, loss_function, images, labels, distances):
    return _walk(
        model, loss_function, images, labels, distances, length=lambda slope: -slope.norm()
    )


@losses_along.mistake(
    N_("Each distance is walked from the place before. Measure all of them from the start.")
)
def _from_place_to_place(model, loss_function, images, labels, distances):
    walked = torch.tensor(distances).cumsum(0).tolist()
    return _walk(model, loss_function, images, labels, walked)


@losses_along.mistake(
    N_("Each walk begins where the last one ended. Begin at the start, and go back at the end.")
)
def _on_and_on(model, loss_function, images, labels, distances):
    walked = torch.tensor(distances).cumsum(0).tolist()
    return _walk(model, loss_function, images, labels, walked, back=False)


@losses_along.mistake(N_("The loss is the same everywhere: the weights never move."))
def _standing_still(model, loss_function, images, labels, distances):
    return _walk(model, loss_function, images, labels, [0.0 for _distance in distances])


@losses_along.mistake(
    N_("Each parameter's slope is divided by its own length. All are one row, with one length.")
)
def _each_of_length_one(model, loss_function, images, labels, distances):
    parameters = list(model.parameters())
    loss = loss_function(model(images), labels)
    slopes = torch.autograd.grad(loss, parameters)
    direction = parameters_to_vector([slope / slope.norm() for slope in slopes])
    start = parameters_to_vector(parameters).detach()
    losses = []
    with torch.no_grad():
        for distance in distances:
            vector_to_parameters(start + distance * direction, parameters)
            losses.append(loss_function(model(images), labels))
        vector_to_parameters(start, parameters)
    return losses


@losses_along.mistake(N_("The start is missing: the place is start + distance · direction."))
def _without_start(model, loss_function, images, labels, distances):
    return _walk(model, loss_function, images, labels, distances, start=0)


@losses_along.mistake(N_("Divided by the sum of all numbers: the length of a row is its norm()."))
def _by_the_sum(model, loss_function, images, labels, distances):
    return _walk(model, loss_function, images, labels, distances, length=torch.sum)


@losses_along.mistake(N_("Divided by the sum of the sizes: the length of a row is its norm()."))
def _by_the_sum_of_sizes(model, loss_function, images, labels, distances):
    return _walk(model, loss_function, images, labels, distances, length=lambda s: s.abs().sum())


@losses_along.mistake(N_("Divided by the largest number: the length of a row is its norm()."))
def _by_the_largest(model, loss_function, images, labels, distances):
    return _walk(model, loss_function, images, labels, distances, length=lambda s: s.abs().max())


@losses_along.mistake(N_("Divided by how many numbers there are: the length is norm(), not len()."))
def _by_the_count(model, loss_function, images, labels, distances):
    return _walk(model, loss_function, images, labels, distances, length=len)


@losses_along.mistake(N_("These are differences from the loss at the start. Return the losses."))
def _differences(model, loss_function, images, labels, distances):
    here = loss_function(model(images), labels).item()
    return [loss - here for loss in _walk(model, loss_function, images, labels, distances)]


@losses_along.mistake(N_("This is one loss. One for each of the distances is wanted, in a list."))
def _one_loss(model, loss_function, images, labels, distances):
    return _walk(model, loss_function, images, labels, [0.0])[0]
