"""Steps: how long they may be, and with weight decay."""

import torch

from labkit.checks.engine.spec import exercise
from labkit.text import N_


def _bowls():
    return [(1.0,), (3.0,), (0.5,), (20.0,), (0.01,)]


@exercise(3, _bowls)
def largest_rate(steepness):
    curvature = torch.func.grad(torch.func.grad(lambda w: steepness * (w - 1) ** 2))
    return 2 / curvature(torch.tensor(0.0))


@largest_rate.mistake(
    N_("The curvature is not the steepness: the slope of s · (w - 1)² is 2 · s · (w - 1).")
)
def _forgot_the_two(steepness):
    return 2 / steepness


@largest_rate.mistake(
    N_("With this rate one step arrives at the bottom. It may be larger still: twice as large.")
)
def _one_step(steepness):
    return 1 / (2 * steepness)


@largest_rate.mistake(N_("This is the limit of the bowl with steepness 1. A steeper one has less."))
def _of_the_first_bowl(steepness):
    return 1.0


@largest_rate.mistake(N_("The steeper the bowl, the smaller the rate has to be."))
def _wrong_way(steepness):
    return steepness


@largest_rate.mistake(N_("Four times the curvature is in there: 2 / (2 · s) is enough."))
def _a_quarter(steepness):
    return 1 / (4 * steepness)


@largest_rate.mistake(N_("This is the curvature. The limit is 2 divided by it."))
def _the_curvature(steepness):
    return 2 * steepness


@largest_rate.mistake(N_("Four times too much: the curvature is 2 · s, and the limit 2 / that."))
def _four(steepness):
    return 4 / steepness


@largest_rate.mistake(N_("The steepness counts once: the curvature is 2 · steepness."))
def _squared(steepness):
    return 1 / steepness**2


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
