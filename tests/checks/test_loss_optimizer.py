import copy
import math

import numpy as np
import torch
from torch import nn

from labkit.checks import loss_optimizer as check


def test_a_logarithm_of_nought_is_a_remark_and_no_fault():
    assert "200" not in str(check.log_probabilities(nn.LogSoftmax(dim=1)))
    verdict = check.log_probabilities(lambda logits: logits.softmax(1).log())
    assert verdict.solved
    assert "200" in str(verdict)


def _changes_the_gradient(parameters, velocities, lr, momentum, weight_decay):
    for parameter, velocity in zip(parameters, velocities, strict=True):
        parameter.grad.add_(parameter.detach(), alpha=weight_decay)
        velocity.copy_(momentum * velocity + parameter.grad)
        parameter.data -= lr * velocity


def test_a_step_that_changes_the_gradients_is_right_and_told_so():
    assert "parameter.grad itself" in str(check.sgd_step_with_decay(_changes_the_gradient))
    assert "parameter.grad" not in str(
        check.sgd_step_with_decay(check.sgd_step_with_decay.solution)
    )


def _velocity_replaced(parameters, velocities, lr, momentum, weight_decay):
    for i, parameter in enumerate(parameters):
        gradient = parameter.grad + weight_decay * parameter.data
        velocities[i] = momentum * velocities[i] + gradient
        parameter.data = parameter.data - lr * velocities[i]


@torch.no_grad()
def _decay_past_the_velocity(parameters, velocities, lr, momentum, weight_decay):
    for p, v in zip(parameters, velocities, strict=True):
        v.mul_(momentum).add_(p.grad)
        p.sub_(lr * v + lr * weight_decay * p)


def _functional(model, loss_function, images, labels, distances):
    weights = {name: w.detach() for name, w in model.named_parameters()}

    def loss(weights):
        return loss_function(torch.func.functional_call(model, weights, images), labels)

    slopes = torch.func.grad(loss)(weights)
    length = torch.cat([s.flatten() for s in slopes.values()]).norm()
    return [loss({k: weights[k] + d * slopes[k] / length for k in weights}) for d in distances]


def _with_state_dict(model, loss_function, images, labels, distances):
    before = copy.deepcopy(model.state_dict())
    model.zero_grad()
    loss_function(model(images), labels).backward()
    slope = nn.utils.parameters_to_vector([p.grad for p in model.parameters()])
    start = nn.utils.parameters_to_vector(model.parameters()).detach()
    losses = []
    for d in distances:
        nn.utils.vector_to_parameters(start + d * slope / slope.norm(), model.parameters())
        losses.append(loss_function(model(images), labels).detach().numpy())
    model.load_state_dict(before)
    return np.array(losses)


def _slopes_of_length_one_each(model, loss_function, images, labels, distances):
    parameters = list(model.parameters())
    slopes = torch.autograd.grad(loss_function(model(images), labels), parameters)
    losses = []
    with torch.no_grad():
        for distance in distances:
            for parameter, slope in zip(parameters, slopes, strict=True):
                parameter += distance * slope / slope.norm()
            losses.append(loss_function(model(images), labels).item())
            for parameter, slope in zip(parameters, slopes, strict=True):
                parameter -= distance * slope / slope.norm()
    return losses


RIGHT = {
    check.batch_loss: [
        lambda p: np.mean(-np.log(p.numpy())),
        lambda p: -math.log(math.prod(p.tolist())) / len(p),
        lambda p: nn.BCELoss()(p, torch.ones(len(p))),
    ],
    check.log_probabilities: [
        lambda logits: logits.softmax(-1).log(),
        lambda logits: logits - logits.logsumexp(1, keepdim=True),
        nn.LogSoftmax(dim=1),
        lambda logits: [row - torch.log(torch.exp(row).sum()) for row in logits],
    ],
    check.largest_rate: [
        lambda s: 1 / s,
        lambda s: torch.tensor(1.0) / s,
        lambda s: np.float64(s) ** -1,
    ],
    check.sgd_step_with_decay: [_changes_the_gradient, _velocity_replaced],
    check.losses_along: [_functional, _with_state_dict],
}

WRONG = {
    check.batch_loss: (lambda p: -p.log().sum(), "This is the sum over the batch. Its loss is the"),
    check.log_probabilities: (
        lambda logits: torch.softmax(logits, 1),
        "These are the probabilities. Take their",
    ),
    check.largest_rate: (lambda s: 1 / 3, "The result is the same for every input tried. It"),
    check.sgd_step_with_decay: (_decay_past_the_velocity, "The decay bypasses the velocity"),
    check.losses_along: (_slopes_of_length_one_each, "divided by its own length"),
}
