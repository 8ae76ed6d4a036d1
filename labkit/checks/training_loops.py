"""Notebook 5, the training loops: one epoch, and a large batch in small memory."""

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from labkit.checks.engine.spec import exercise
from labkit.sandbox.randomness import seed_all
from labkit.text import _

NOTEBOOK = "training"


class Batches(list):
    """Batches as a list, described by their sizes."""

    @property
    def words(self) -> str:
        return _("batches of {sizes}").format(sizes=", ".join(str(len(y)) for _x, y in self))


def random_batches(*sizes):
    """Return a batch of six numbers each and labels from 0 to 2 for each of ``sizes``."""
    generator = torch.Generator().manual_seed(len(sizes))
    return Batches(
        (
            torch.randn(size, 6, generator=generator),
            torch.randint(3, (size,), generator=generator),
        )
        for size in sizes
    )


def small_network(norm: bool, *, old_gradients: bool = False):
    """Return a network of two layers, with batch norm or tanh between them; always the same."""
    seed_all(1)
    layers = [nn.Linear(6, 8), nn.BatchNorm1d(8) if norm else nn.Tanh(), nn.Linear(8, 3)]
    model = nn.Sequential(*layers)
    if old_gradients:
        model.eval()(torch.ones(2, 6)).sum().backward()
    return model


def _epochs():
    return [(random_batches(4, 4, 2),), (random_batches(5),), (random_batches(3, 3, 3, 3),)]


def _train(answer, batches, old_gradients=False):
    """Return the loss that came back and the weights after the epoch."""
    model = small_network(True, old_gradients=old_gradients).eval()  # as a validation leaves it
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss = answer(model, batches, nn.CrossEntropyLoss(), optimizer)
    return {_("loss"): loss, _("weights"): parameters_to_vector(model.parameters())}


@exercise(2, _epochs, use=_train)
def train_one_epoch(model, batches, loss_function, optimizer):
    model.train()
    total, count = 0.0, 0
    for images, labels in batches:
        optimizer.zero_grad()
        loss = loss_function(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        count += len(labels)
    return total / count


_OLD_GRADIENTS = (
    "One thing more: a model may come with gradients of an earlier backward(), and yours adds to "
    "them in its first step. Begin with zero_grad()."
)
train_one_epoch.caution(lambda: [(*case, True) for case in _epochs()], _OLD_GRADIENTS, use=_train)

_ZERO = "        optimizer.zero_grad()\n"
_TRAIN = "    model.train()\n"
_BACKWARD = "        loss.backward()\n"
_STEP = "        optimizer.step()\n"
_MEANS = ("loss.item() * len(labels)", "loss.item()", "count += len(labels)", "count += 1")

train_one_epoch.sentences = {
    (_ZERO, ""): (
        "zero_grad() is missing in the loop: backward() adds to the gradients of the batches "
        "before, and they pile up."
    ),
    (_BACKWARD + _STEP, _STEP + _BACKWARD): (
        "No weight has changed. Is backward() or step() missing, or does step() come at a moment "
        "when the gradients are cleared? The order is zero_grad, forward, loss, backward, step."
    ),
    ("model(images)", "model(images).softmax(dim=1)"): (
        "There is a softmax before the loss. nn.CrossEntropyLoss takes logits and has it inside."
    ),
    _MEANS: (
        "The training is correct, but its report is not: a mean of batch means gives the images of "
        "a short last batch too much weight. Sum loss.item() * len(labels), and divide by the "
        "number of images."
    ),
    (_TRAIN, ""): "The model came in evaluation mode and was left in it. Start with model.train().",
    ("    return total / count", ""): (
        "The training is correct. Return the mean loss over all images too."
    ),
    ("total +=", "total ="): (
        "The training is correct. total = ... forgets the batches before: total += ..."
    ),
    ("total / count", "loss.item()"): (
        "The training is correct. This is the last batch's loss, not the mean."
    ),
    (" / count", ""): (
        "The training is correct. This is the sum over all images: divide by their number."
    ),
    ("loss.item() * len(labels)", "loss.item()", " / count", ""): (
        "The training is correct. This is the sum of the batches' losses, not their mean."
    ),
    ("/ count", "/ len(batches)"): (
        "The training is correct. The sum over all images is divided by the number of batches."
    ),
    (_TRAIN, "", *_MEANS): (
        "Two things: the model was left in evaluation mode (start with model.train()), and a mean "
        "of batch means gives the images of a short last batch too much weight."
    ),
    ("    return total", "        return total"): (
        "return is inside the loop and ends it after the first batch. Move it to the left."
    ),
    (_TRAIN, "", _ZERO, ""): (
        "Two things: zero_grad() is missing in the loop, and model.train() before it."
    ),
    ("loss.item() * len(labels)", "loss.item()"): (
        "The training is correct. loss.item() is a mean already: times len(labels) it is a sum."
    ),
    (_STEP, _STEP + _STEP): "step() is called twice for each batch: once is a step.",
    (_TRAIN, f"{_TRAIN}    optimizer = torch.optim.SGD(model.parameters(), 0.001, 0.9)\n"): (
        "A new optimizer, made in the function, forgets its momentum each epoch. Use the one that "
        "is given."
    ),
    (_TRAIN, f"{_TRAIN}    torch.set_grad_enabled(False)\n"): (
        "Nothing is recorded for backward() under no_grad() or inference_mode(). They belong to "
        "evaluation; train without them."
    ),
}


def _portions():
    return [
        (random_batches(4, 4, 4, 4), 2),
        (random_batches(2, 2, 2, 2, 2, 2), 3),
        (random_batches(3, 3), 1),
    ]


def _trained(model, answer, batches, every):
    """Train in portions with an answer; return the weights afterwards."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    answer(model, batches, nn.CrossEntropyLoss(), optimizer, every)
    return parameters_to_vector(model.parameters())


def _train_small(answer, batches, every, old_gradients=False):
    return _trained(small_network(False, old_gradients=old_gradients), answer, batches, every)


def _at_once(answer, batches, every):
    """Return how many images are kept in memory for backward() at the same time."""
    model = small_network(False)
    shown, most = [0], [0]

    def forward(_module, inputs):
        shown[0] += len(inputs[0])
        most[0] = max(most[0], shown[0])

    model.register_forward_pre_hook(forward)
    model[0].weight.register_hook(lambda _gradient: shown.__setitem__(0, 0))
    _trained(model, answer, batches, every)
    return most[0]


def _in_which_mode(answer, batches, every):
    """Return whether the model was in training mode, each time that images were shown to it."""
    model, modes = small_network(False).eval(), []
    model.register_forward_pre_hook(lambda module, _inputs: modes.append(module.training))
    _trained(model, answer, batches, every)
    return all(modes)


def _in_large_batches(model, batches, loss_function, optimizer, every):
    for start in range(0, len(batches), every):
        images, labels = zip(*batches[start : start + every], strict=True)
        optimizer.zero_grad()
        loss_function(model(torch.cat(images)), torch.cat(labels)).backward()
        optimizer.step()


@exercise(5, _portions, judge=_in_large_batches, use=_train_small)
def train_in_portions(model, batches, loss_function, optimizer, every):
    model.train()
    optimizer.zero_grad()
    for number, (images, labels) in enumerate(batches, start=1):
        loss = loss_function(model(images), labels) / every
        loss.backward()
        if number % every == 0:
            optimizer.step()
            optimizer.zero_grad()


train_in_portions.caution(
    lambda: [(*case, True) for case in _portions()], _OLD_GRADIENTS, use=_train_small
)
train_in_portions.caution(
    _portions,
    "One thing more: the weights are right, but this holds several batches in memory at once, "
    "and there is no room for them. Call backward() after each batch.",
    use=_at_once,
)

train_in_portions.caution(
    _portions,
    "One thing more: the model may come in evaluation mode, as a validation leaves it, and "
    "yours leaves it there. Start with model.train().",
    use=_in_which_mode,
)

_CLEARED = "            optimizer.zero_grad()\n"
_COUNTED = "number % every == 0"
_LOSS = "        loss ="
_CLEAR_FIRST = "        optimizer.zero_grad()\n        loss ="

train_in_portions.sentences = {
    (" / every", ""): (
        "The gradients of all `every` batches are summed, so the step is too long. Divide each "
        "loss by `every`."
    ),
    (_LOSS, _CLEAR_FIRST): (
        "Of each portion the last batch alone counts. Call backward() for every batch, and "
        "zero_grad() only after a step: it forgets the batches before."
    ),
    (_LOSS, _CLEAR_FIRST, " / every", ""): (
        "Here only the last batch of each portion counts, with its full gradient."
    ),
    (_COUNTED, "True", " / every", ""): (
        "This steps after each batch. Wait until the gradients of `every` batches are added up."
    ),
    (_COUNTED, "True"): (
        "This steps after each batch, with a part of its gradient. Step after each portion of "
        "`every` batches."
    ),
    ("start=1", "start=0"): (
        "Counted from 0, the first step comes after one batch already. Use enumerate(..., start=1)."
    ),
    (_CLEARED, ""): (
        "After the step the gradients have to be cleared, or the next portion adds to them."
    ),
    ("/ every", "/ len(batches)"): (
        "Divided by the number of all batches, the step is too short. Divide by `every`: so many "
        "batches make one step."
    ),
    (_COUNTED, "number == len(batches)"): (
        "There is one step, after the last batch. Take one after every portion, in the loop."
    ),
    (" / every", "", _CLEARED, ""): (
        "Two things: divide each loss by `every`, and clear the gradients after each step."
    ),
    (" / every", "", "start=1", "start=0"): (
        "Two things: divide each loss by `every`, and begin to count at 1, enumerate(..., start=1)."
    ),
    ("            optimizer.step()\n", ""): (
        "No weight has changed: is step() called, and are the gradients still there when it is?"
    ),
    (_COUNTED, "number == every"): (
        "There is one step, after the first portion: number % every == 0."
    ),
    ("/ every", "/ len(labels)"): (
        "The loss is a mean over its images already. Divide by `every`, not by len(labels)."
    ),
    ("/ every", "* every"): "Multiplied by `every`, the step is far too long. Divide by it.",
}
