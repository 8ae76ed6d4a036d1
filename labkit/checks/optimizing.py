"""Notebook 4, the part on the optimizer: step lengths, weight decay, a cut."""

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from labkit.checks.engine.spec import exercise
from labkit.sandbox.randomness import seed_all
from labkit.text import _

NOTEBOOK = "loss_optimizer"


def _bowls():
    return [(1.0,), (3.0,), (0.5,), (20.0,), (0.01,)]


def _by_curvature(steepness):
    curvature = torch.func.grad(torch.func.grad(lambda w: steepness * (w - 1) ** 2))
    return 2 / curvature(torch.tensor(0.0))


@exercise(3, _bowls, judge=_by_curvature)
def largest_rate(steepness):
    return 2 / (2 * steepness)


largest_rate.sentences = {
    "2 / steepness": (
        "The curvature is not the steepness: the slope of s · (w - 1)² is 2 · s · (w - 1)."
    ),
    "1 / (2 * steepness)": (
        "With this rate one step arrives at the bottom. It may be larger still: twice as large."
    ),
    "1.0": "This is the limit of the bowl with steepness 1. A steeper one has less.",
    "steepness": (
        "The steeper the bowl, the smaller the rate has to be: divide by it. If you did, set "
        "brackets: 2 / 2 * s is s, 2 / (2 * s) is not."
    ),
    "2 * steepness": "This is the curvature. The limit is 2 divided by it.",
    "4 * steepness": "Divide by the curvature, 2 · s, do not multiply by it: 2 / (2 · s).",
    "1 / steepness**2": "The steepness counts once: the curvature is 2 · steepness.",
    "1 / math.sqrt(steepness)": "No root is needed: the limit is 2 / (2 · s).",
    "2 - steepness": "Divide by the curvature, 2 · s; the limit is no difference.",
}


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


def _by_torch_sgd(parameters, velocities, lr, momentum, weight_decay):
    sgd = torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay)
    if momentum:
        for parameter, velocity in zip(parameters, velocities, strict=True):
            sgd.state[parameter]["momentum_buffer"] = velocity
    sgd.step()


@exercise(4, _settings, judge=_by_torch_sgd, use=_descend)
def sgd_step_with_decay(parameters, velocities, lr, momentum, weight_decay):
    with torch.no_grad():
        for parameter, velocity in zip(parameters, velocities, strict=True):
            gradient = parameter.grad + weight_decay * parameter
            velocity.mul_(momentum).add_(gradient)
            parameter.sub_(lr * velocity)


def _gradient_after(answer, lr, momentum, weight_decay):
    weight = torch.ones(3, requires_grad=True)
    weight.grad = torch.ones(3)
    answer([weight], [torch.zeros(3)], lr, momentum, weight_decay)
    return weight.grad


sgd_step_with_decay.caution(
    _settings,
    "One thing more: it changes parameter.grad itself, so whoever uses the gradients afterwards "
    "finds other numbers there. Work on a copy.",
    use=_gradient_after,
)

_DECAY = "weight_decay * parameter"
_GRADIENT = f"parameter.grad + {_DECAY}"

sgd_step_with_decay.sentences = {
    (f" + {_DECAY}", ""): "This is the step without any weight decay.",
    (f" + {_DECAY}", "", "lr * velocity", f"lr * (velocity + {_DECAY})"): (
        "The decay bypasses the velocity. In SGD it is part of the gradient, so the velocity "
        "remembers it too. (AdamW keeps it apart.)"
    ),
    (f" + {_DECAY}", "", "lr * velocity)", "lr * velocity).mul_(1 - lr * weight_decay)"): (
        "The weights are shrunk after the step, past the velocity. In SGD the decay is part of the "
        "gradient, so the velocity remembers it too."
    ),
    (f"+ {_DECAY}", f"- {_DECAY}"): (
        "The sign is wrong: this lets the weights grow. Add weight_decay · weight to the gradient."
    ),
    (_DECAY, "weight_decay"): (
        "The same number is added for every weight. It has to be weight_decay times the weight."
    ),
    (_DECAY, "2 * weight_decay * parameter"): (
        "The factor 2 of the derivative of weight² is not there: PyTorch adds weight_decay · "
        "weight to the gradient."
    ),
    (_DECAY, "weight_decay * parameter**2"): (
        "The square belongs to the penalty in the loss. In the gradient it is weight_decay · "
        "weight."
    ),
    (_DECAY, "weight_decay * parameter.sign()"): (
        "The sign alone is L1 decay. Add weight_decay · weight itself."
    ),
    ("velocity.mul_(momentum).add_(gradient)", "velocity = momentum * velocity + gradient"): (
        "The velocity remembers nothing. Multiply it by the momentum, and in place: velocity = ... "
        "makes a new tensor, velocity.mul_(...) changes the one that is there in the next step."
    ),
    ("parameter.sub_", "parameter.sub"): (
        "No weight has changed. parameter = parameter - ... makes a new tensor and gives it the "
        "name; parameter.sub_(...) changes the tensor itself."
    ),
    ("torch.no_grad()", "torch.enable_grad()"): (
        "Weights that record gradients can be changed under torch.no_grad() only."
    ),
    (f" + {_DECAY}", "", "lr * velocity", f"lr * velocity + {_DECAY}"): (
        "The decay is subtracted without the learning rate, and bypasses the velocity."
    ),
    (_GRADIENT, _DECAY): "The gradient itself is lost: the decay is added to it.",
    ("sub_(", "add_("): "This walks uphill: the step is subtracted, parameter.sub_(...).",
    (
        "            parameter.sub_(lr * velocity)",
        "",
        "            gradient",
        "            parameter.sub_(lr * velocity)\n            gradient",
    ): ("The step is taken before the velocity is updated."),
    ("add_(gradient)", "add_((1 - momentum) * gradient)"): (
        "PyTorch's velocity takes the whole gradient, not 1 - momentum of it."
    ),
    (_DECAY, "weight_decay * parameter.grad"): (
        "The decay belongs to the weight: weight_decay · weight, not · gradient."
    ),
    (_DECAY, "weight_decay * velocity"): (
        "The decay belongs to the weight: weight_decay · weight, not · velocity."
    ),
    (f" + {_DECAY}", "", "add_(gradient)", "add_(gradient).add_(weight_decay * velocity)"): (
        "The decay belongs to the weight: weight_decay · weight, not · velocity."
    ),
    (_DECAY, f"lr * {_DECAY}"): "lr counts once, in the step: add weight_decay · weight alone.",
    ("lr * velocity)", "lr * velocity)\n            return"): (
        "Only the first weights move: return ends the loop. Move it out."
    ),
}


def _walks():
    return [([-1.0, -0.25, 0.0, 0.5, 2.0],), ([0.1, 0.2],), ([3.0, -2.0, 0.0],)]


def _cut(answer, distances):
    """Return the losses of a model that has gradients already, and whether it is as it was."""
    seed_all(3)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Tanh(), nn.Linear(5, 3))
    images, labels = torch.randn(6, 3, 2, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    model(images).pow(2).sum().backward()  # as cells before it leave gradients
    before = parameters_to_vector(model.parameters()).detach().clone()
    losses = answer(model, nn.CrossEntropyLoss(), images, labels, distances)
    after = parameters_to_vector(model.parameters())
    return {
        _("losses"): losses,
        _("weights afterwards as before"): bool(torch.allclose(after, before, atol=1e-4)),
    }


@exercise(5, _walks, use=_cut)
def losses_along(model, loss_function, images, labels, distances):
    parameters = list(model.parameters())
    loss = loss_function(model(images), labels)
    slopes = torch.autograd.grad(loss, parameters)
    direction = torch.cat([slope.flatten() for slope in slopes])
    direction = direction / direction.norm()
    losses = []
    with torch.no_grad():
        start = nn.utils.parameters_to_vector(parameters)
        for distance in distances:
            nn.utils.vector_to_parameters(start + distance * direction, parameters)
            losses.append(loss_function(model(images), labels).item())
        nn.utils.vector_to_parameters(start, parameters)
    return losses


_BACK = "        nn.utils.vector_to_parameters(start, parameters)\n"
_LENGTH = "direction.norm()"
_HERE = "nn.utils.parameters_to_vector(parameters)"

losses_along.sentences = {
    (f"    direction = direction / {_LENGTH}\n", ""): (
        "The gradient is not of length 1 yet: divide it by its norm(), so that distances are true."
    ),
    (_BACK, ""): (
        "The losses are right. Put the weights back at the end: the model is still somewhere else. "
        "(state_dict() shares memory with the model: if you keep that, copy it first.)"
    ),
    (
        "slopes = torch.autograd.grad(loss, parameters)",
        "loss.backward()\n    slopes = [parameter.grad for parameter in parameters]",
    ): (
        "The model has gradients of an earlier backward(), and yours are added to them. Clear them "
        "first: model.zero_grad()."
    ),
    (f"/ {_LENGTH}", f"/ -{_LENGTH}"): (
        "This walks downhill for positive distances. The gradient itself points uphill."
    ),
    ("start + distance", f"{_HERE} + distance"): (
        "Each distance is walked from the place before. Measure all of them from the start."
    ),
    ("start + distance", f"{_HERE} + distance", _BACK, ""): (
        "Each walk begins where the last one ended. Begin at the start, and go back at the end."
    ),
    ("distance * direction", "0 * direction"): (
        "The loss is the same everywhere: the weights never move."
    ),
    ("slope.flatten()", "(slope / slope.norm()).flatten()", f" / {_LENGTH}", ""): (
        "Each parameter's slope is divided by its own length. All of them are one row, with one "
        "length."
    ),
    ("start + distance", "distance"): (
        "The start is missing: the place is start + distance · direction."
    ),
    (_LENGTH, "direction.sum()"): (
        "Divided by the sum of all numbers: the length of a row is its norm()."
    ),
    (_LENGTH, "direction.pow(2).sum()"): (
        "Divided by the sum of the squares: the length is the root of that, norm()."
    ),
    (_LENGTH, "direction.abs().sum()"): (
        "Divided by the sum of the sizes: the length of a row is its norm()."
    ),
    (_LENGTH, "direction.abs().max()"): (
        "Divided by the largest number: the length of a row is its norm()."
    ),
    (_LENGTH, "len(direction)"): (
        "Divided by how many numbers there are: the length is norm(), not len()."
    ),
    ("labels).item())", "labels).item() - loss.item())"): (
        "These are differences from the loss at the start. Return the losses."
    ),
    ("return losses", "return sum(losses) / len(losses)"): (
        "This is the mean of the losses. Return a list with one for each of the distances."
    ),
    ("item())\n", "item())\n            return losses\n"): (
        "return is inside the loop and ends it after the first distance. Move it out, below the "
        "line that puts the weights back."
    ),
}
