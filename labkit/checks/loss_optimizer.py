"""Notebook 4: cross-entropy, log-probabilities, step lengths, weight decay, a cut."""

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from labkit.checks.engine.spec import drawn, exercise
from labkit.sandbox.randomness import seed_all
from labkit.text import _

_BASE_TWO = "This is the logarithm to base 2. The natural one is torch.log."
_BASE_TEN = "This is the logarithm to base 10. The natural one is torch.log."


def _of_true_class():
    lists = [[0.5, 0.25, 0.125], [1.0, 1.0], [0.1], [0.9, 0.01, 0.6, 0.3], [0.5, 0.5]]
    return [(torch.tensor(numbers),) for numbers in lists]


def _by_nll_loss(probabilities):
    true = torch.zeros(len(probabilities)).long()
    return nn.functional.nll_loss(probabilities.log()[:, None], true)


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
    ("-torch.log", "1 -"): "This is the mean of 1 - p. Cross-entropy takes the logarithm, -ln p.",
    (".mean()", ""): "These are the losses one by one. The loss of the batch is their mean.",
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
    few = torch.tensor([[1.0, 2.0, 5.0]]), torch.tensor([[0.5, 1.0], [-2.0, 0.0]])
    return [(logits,) for logits in (drawn(4, 10), 8 * drawn(3, 5) - 3, torch.zeros(2, 4), *few)]


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
    ("dim=1", "dim=0"): "The softmax runs down the batch. Each row is an image: dim=1.",
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
    "logits.sigmoid().log()": "This is a sigmoid, class by class. With a softmax, rows sum to 1.",
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


def _by_curvature(steepness):
    curvature = torch.func.grad(torch.func.grad(lambda w: steepness * (w - 1) ** 2))
    return 2 / curvature(torch.tensor(0.0))


@exercise(3, lambda: [(1.0,), (3.0,), (0.5,), (20.0,), (0.01,)], judge=_by_curvature)
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
_NOT_VELOCITY = "The decay belongs to the weight: weight_decay · weight, not · velocity."
_TOO_EARLY = "The step is taken before the velocity is updated."
_STEP = "            parameter.sub_(lr * velocity)"

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
    ("parameter.grad + ", ""): "The gradient itself is lost: the decay is added to it.",
    ("sub_(", "add_("): "This walks uphill: the step is subtracted, parameter.sub_(...).",
    (_STEP, "", "            gradient", f"{_STEP}\n            gradient"): _TOO_EARLY,
    ("velocity.m", "v = 1 * velocity\n            velocity.m", "* velocity)", "* v)"): _TOO_EARLY,
    ("add_(gradient)", "add_((1 - momentum) * gradient)"): (
        "PyTorch's velocity takes the whole gradient, not 1 - momentum of it."
    ),
    (_DECAY, "weight_decay * parameter.grad"): (
        "The decay belongs to the weight: weight_decay · weight, not · gradient."
    ),
    (_DECAY, "weight_decay * velocity"): _NOT_VELOCITY,
    ("add_(gradient)", "add_(parameter.grad).add_(weight_decay * velocity)"): _NOT_VELOCITY,
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
    ("torch.autograd.grad(loss, parameters)", "loss.backward() or [p.grad for p in parameters]"): (
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
        "Each walk begins where the last one ended. Begin at the start, and go back at the end. If "
        "you kept the start: detach() is a window onto the same memory, clone() is a copy."
    ),
    ("+ distance", "+ 0"): "The loss is the same everywhere: the weights never move.",
    ("slope.flatten()", "(slope / slope.norm()).flatten()", f" / {_LENGTH}", ""): (
        "Each parameter's slope is divided by its own length. All of them are one row, with one "
        "length."
    ),
    ("start + ", ""): "The start is missing: the place is start + distance · direction.",
    ("norm", "sum"): "Divided by the sum of all numbers: the length of a row is its norm().",
    (_LENGTH, "direction.pow(2).sum()"): (
        "Divided by the sum of the squares: the length is the root of that, norm()."
    ),
    ("norm()", "norm(1)"): "Divided by the sum of the sizes: the length of a row is its norm().",
    ("norm()", "abs().max()"): "Divided by the largest number: the length of a row is its norm().",
    ("norm", "numel"): "Divided by how many numbers there are: the length is norm(), not len().",
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
