"""Notebook 4: cross-entropy, log-probabilities, step lengths, weight decay, a cut."""

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


losses_along.if_it_returns(
    {
        "_walk(model, loss_function, images, labels, distances, length=torch.ones_like)": (
            "The gradient is not of length 1 yet: divide it by its norm(), so that distances "
            "are true."
        ),
        "_walk(model, loss_function, images, labels, distances, back=False)": (
            "The losses are right. Put the weights back at the end: the model is still "
            "somewhere else."
        ),
    }
)


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


losses_along.if_it_returns(
    {
        "_walk(model, loss_function, images, labels, [0.0 for _distance in distances])": (
            "The loss is the same everywhere: the weights never move."
        ),
    }
)


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


losses_along.if_it_returns(
    {
        "_walk(model, loss_function, images, labels, distances, start=0)": (
            "The start is missing: the place is start + distance · direction."
        ),
        "_walk(model, loss_function, images, labels, distances, length=torch.sum)": (
            "Divided by the sum of all numbers: the length of a row is its norm()."
        ),
        "_walk(model, loss_function, images, labels, distances, length=lambda s: s.abs().sum())": (
            "Divided by the sum of the sizes: the length of a row is its norm()."
        ),
        "_walk(model, loss_function, images, labels, distances, length=lambda s: s.abs().max())": (
            "Divided by the largest number: the length of a row is its norm()."
        ),
        "_walk(model, loss_function, images, labels, distances, length=len)": (
            "Divided by how many numbers there are: the length is norm(), not len()."
        ),
    }
)


@losses_along.mistake(N_("These are differences from the loss at the start. Return the losses."))
def _differences(model, loss_function, images, labels, distances):
    here = loss_function(model(images), labels).item()
    return [loss - here for loss in _walk(model, loss_function, images, labels, distances)]


losses_along.if_it_returns(
    {
        "_walk(model, loss_function, images, labels, [0.0])[0]": (
            "This is one loss. One for each of the distances is wanted, in a list."
        ),
    }
)


def _of_true_class():
    lists = [[0.5, 0.25, 0.125], [1.0, 1.0], [0.1], [0.9, 0.01, 0.6, 0.3], [0.5, 0.5]]
    return [(torch.tensor(numbers),) for numbers in lists]


@exercise(1, _of_true_class)
def batch_loss(probabilities):
    return nn.functional.nll_loss(
        probabilities.log()[:, None], torch.zeros(len(probabilities)).long()
    )


batch_loss.if_it_returns(
    {
        "-torch.log(probabilities.mean())": (
            "This is the logarithm of the mean. First the logarithm of each, then the mean of"
            " those."
        ),
        "-torch.log(probabilities).sum()": "This is the sum over the batch. Its loss is the mean.",
        "torch.log(probabilities).mean()": "The minus is missing: a loss is 0 or more.",
    }
)


@batch_loss.mistake(N_("This is the logarithm to base 2. The natural one is torch.log."))
def _base_two(probabilities):
    return -torch.log2(probabilities).mean()


@batch_loss.mistake(N_("This is the logarithm to base 10. The natural one is torch.log."))
def _base_ten(probabilities):
    return -torch.log10(probabilities).mean()


batch_loss.if_it_returns(
    {
        "(1 - probabilities).mean()": (
            "This is the mean of 1 - p. Cross-entropy takes the logarithm, -ln p."
        ),
        "-torch.log(probabilities)": (
            "These are the losses one by one. The loss of the batch is their mean."
        ),
        "-torch.log(torch.softmax(probabilities, dim=0)).mean()": (
            "These are probabilities already: no softmax, only the logarithm."
        ),
        "-(probabilities * probabilities.log()).sum()": (
            "-p · ln p is the entropy of a distribution. The loss of an image is -ln p alone."
        ),
        "-(probabilities * probabilities.log()).mean()": (
            "-p · ln p is the entropy of a distribution. The loss of an image is -ln p alone."
        ),
        "-probabilities[0].log()": (
            "This is the loss of the first image alone. Take the mean over all."
        ),
        "-(1 - probabilities).log().mean()": "This is -ln (1 - p). The true class got p.",
        "-probabilities.log().median()": "The middle one of the losses: their mean is wanted.",
        "probabilities.mean()": "This is the mean of p itself: take the logarithm of each first.",
        "((1 - probabilities) ** 2).mean()": (
            "This is the squared distance from 1. Cross-entropy is -ln p."
        ),
    }
)


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

log_probabilities.if_it_returns(
    {
        "torch.softmax(logits, dim=1)": "These are the probabilities. Their logarithm is wanted.",
        "torch.log_softmax(logits, dim=0)": (
            "The softmax runs down the batch. Each row is an image: dim=1."
        ),
        "torch.log(logits)": (
            "Logits are no probabilities yet, and the logarithm of a negative number is nan."
        ),
        "-torch.log_softmax(logits, dim=1)": (
            "Minus is NLLLoss's own affair (it stands for negative log-likelihood). Leave it out."
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
    }
)


@log_probabilities.mistake(N_("This is the logarithm to base 2. The natural one is torch.log."))
def _base_two(logits):
    return logits.softmax(dim=1).log2()


@log_probabilities.mistake(N_("This is the logarithm to base 10. The natural one is torch.log."))
def _base_ten(logits):
    return logits.softmax(dim=1).log10()


log_probabilities.if_it_returns(
    {
        "logits.logsumexp(dim=1, keepdim=True)": (
            "This is what has to be taken off: logits - logsumexp. Each class has its own logit."
        ),
    }
)


def _bowls():
    return [(1.0,), (3.0,), (0.5,), (20.0,), (0.01,)]


@exercise(3, _bowls)
def largest_rate(steepness):
    curvature = torch.func.grad(torch.func.grad(lambda w: steepness * (w - 1) ** 2))
    return 2 / curvature(torch.tensor(0.0))


largest_rate.if_it_returns(
    {
        "2 / steepness": (
            "The curvature is not the steepness: the slope of s · (w - 1)² is 2 · s · (w - 1)."
        ),
        "1 / (2 * steepness)": (
            "With this rate one step arrives at the bottom. It may be larger still: twice as large."
        ),
        "1.0": "This is the limit of the bowl with steepness 1. A steeper one has less.",
        "steepness": "The steeper the bowl, the smaller the rate has to be.",
        "1 / (4 * steepness)": "Four times the curvature is in there: 2 / (2 · s) is enough.",
        "2 * steepness": "This is the curvature. The limit is 2 divided by it.",
        "4 / steepness": "Four times too much: the curvature is 2 · s, and the limit 2 / that.",
        "1 / steepness**2": "The steepness counts once: the curvature is 2 · steepness.",
    }
)


def _settings():
    return [(0.1, 0.9, 0.01), (0.5, 0.0, 0.1), (0.01, 0.5, 0.0), (0.1, 0.9, 0.5)]


def _descend(answer, lr, momentum, weight_decay):
    """Return the weights after four steps, each with gradients of its own."""
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(shape, generator=generator) for shape in ((3, 2), (4,))]
    weights = [weight.requires_grad_() for weight in weights]
    velocities = [torch.zeros_like(weight) for weight in weights]
    for _step in range(4):
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=generator)
        answer(weights, velocities, lr, momentum, weight_decay)
    return torch.cat([weight.flatten() for weight in weights])


@exercise(4, _settings, use=_descend)
def sgd_step_with_decay(parameters, velocities, lr, momentum, weight_decay):
    sgd = torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay)
    if momentum:
        for parameter, velocity in zip(parameters, velocities, strict=True):
            sgd.state[parameter]["momentum_buffer"] = velocity
    sgd.step()


def _step(parameters, velocities, lr, momentum, more, *, after=None):
    """Take a step with ``more(parameter)`` added to the gradient, or to the step itself."""
    with torch.no_grad():
        for parameter, velocity in zip(parameters, velocities, strict=True):
            extra = 0 if after else more(parameter)
            velocity.mul_(momentum).add_(parameter.grad + extra)
            parameter.sub_(lr * (velocity + (more(parameter) if after else 0)))


@sgd_step_with_decay.mistake(N_("This is the step without any weight decay."))
def _no_decay(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, lr, momentum, lambda p: 0)


@sgd_step_with_decay.mistake(
    N_(
        "The decay goes past the velocity. In SGD it is part of the gradient, so the velocity "
        "remembers it too. (Apart from it, it stands in AdamW.)"
    )
)
def _apart_from_velocity(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, lr, momentum, lambda p: weight_decay * p, after=True)


@sgd_step_with_decay.mistake(
    N_(
        "The weights are shrunk after the step, past the velocity. In SGD the decay is part of the "
        "gradient, so the velocity remembers it too."
    )
)
def _shrunk_afterwards(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, lr, momentum, lambda p: 0)
    with torch.no_grad():
        for parameter in parameters:
            parameter.mul_(1 - lr * weight_decay)


@sgd_step_with_decay.mistake(
    N_("The sign is wrong: this lets the weights grow. Add weight_decay · weight to the gradient.")
)
def _growing(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, lr, momentum, lambda p: -weight_decay * p)


@sgd_step_with_decay.mistake(
    N_("The same number is added for every weight. It has to be weight_decay times the weight.")
)
def _same_for_all(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, lr, momentum, lambda p: weight_decay)


@sgd_step_with_decay.mistake(
    N_(
        "The velocity remembers nothing. Multiply it by the momentum, and in place: velocity = ... "
        "makes a new tensor, velocity.mul_(...) changes the one that is there in the next step."
    )
)
def _no_momentum(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, lr, 0.0, lambda p: weight_decay * p)


@sgd_step_with_decay.mistake(
    N_(
        "No weight has changed. parameter = parameter - ... makes a new tensor and gives it the "
        "name; parameter.sub_(...) changes the tensor itself."
    )
)
def _nothing_changes(parameters, velocities, lr, momentum, weight_decay):
    parameters, velocities = list(parameters), list(velocities)


@sgd_step_with_decay.mistake(
    N_("Weights that ask for gradients are changed under torch.no_grad() only.")
)
def _with_gradients(parameters, velocities, lr, momentum, weight_decay):
    for parameter, velocity in zip(parameters, velocities, strict=True):
        velocity.mul_(momentum).add_(parameter.grad)
        parameter.sub_(lr * velocity)


@sgd_step_with_decay.mistake(
    N_("The decay is taken off without the learning rate, and goes past the velocity.")
)
def _without_rate(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, lr, momentum, lambda p: weight_decay / lr * p, after=True)


@sgd_step_with_decay.mistake(N_("The gradient itself is lost: the decay is added to it."))
def _gradient_lost(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, lr, momentum, lambda p: weight_decay * p - p.grad)


@sgd_step_with_decay.mistake(N_("This walks uphill: the step is subtracted, parameter.sub_(...)."))
def _uphill(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, -lr, momentum, lambda p: weight_decay * p)


@sgd_step_with_decay.mistake(N_("The step is taken before the velocity is renewed."))
def _step_first(parameters, velocities, lr, momentum, weight_decay):
    with torch.no_grad():
        for parameter, velocity in zip(parameters, velocities, strict=True):
            parameter.sub_(lr * velocity)
            velocity.mul_(momentum).add_(parameter.grad + weight_decay * parameter)


@sgd_step_with_decay.mistake(
    N_("PyTorch's velocity takes the whole gradient, not 1 - momentum of it.")
)
def _dampened(parameters, velocities, lr, momentum, weight_decay):
    with torch.no_grad():
        for parameter, velocity in zip(parameters, velocities, strict=True):
            gradient = parameter.grad + weight_decay * parameter
            velocity.mul_(momentum).add_((1 - momentum) * gradient)
            parameter.sub_(lr * velocity)


@sgd_step_with_decay.mistake(N_("The decay is the weight's, not the gradient's or the velocity's."))
def _of_the_gradient(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, lr, momentum, lambda p: weight_decay * p.grad)


@sgd_step_with_decay.mistake(N_("lr counts once, in the step: add weight_decay · weight alone."))
def _rate_twice(parameters, velocities, lr, momentum, weight_decay):
    _step(parameters, velocities, lr, momentum, lambda p: lr * weight_decay * p)


@sgd_step_with_decay.mistake(N_("Only the first weights move: return ends the loop. Move it out."))
def _first_only(parameters, velocities, lr, momentum, weight_decay):
    sgd_step_with_decay.judge(parameters[:1], velocities[:1], lr, momentum, weight_decay)
