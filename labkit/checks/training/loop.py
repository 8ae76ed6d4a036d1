"""The training loop, written from memory."""

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from labkit.checks.engine.spec import exercise
from labkit.checks.training.examples import random_batches, small_network
from labkit.text import N_, _


def _epochs():
    return [(random_batches(4, 4, 2),), (random_batches(5),), (random_batches(3, 3, 3, 3),)]


def _train(answer, batches):
    """Return the loss that came back and the weights after the epoch."""
    model = small_network(norm=True).eval()  # as a validation has left it
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss = answer(model, batches, nn.CrossEntropyLoss(), optimizer)
    return {_("loss"): loss, _("weights"): parameters_to_vector(model.parameters())}


def _loop(
    model, batches, loss_function, optimizer, *, zero=True, after=False, step=None, first=None
):
    """Train as asked, or without zero_grad, with step after backward, or with another step."""
    total, step = 0.0, step or optimizer.step
    for images, labels in batches:
        if zero:
            optimizer.zero_grad()
        logits = model(images) if first is None else first(model(images))
        loss = loss_function(logits, labels)
        for one in (step, loss.backward) if after else (loss.backward, step):
            one()
        total += loss.item() * len(labels)
    return total / sum(len(labels) for _images, labels in batches)


@exercise(2, _epochs, use=_train)
def train_one_epoch(model, batches, loss_function, optimizer):
    model.train()
    return _loop(model, batches, loss_function, optimizer)


@train_one_epoch.mistake(
    N_(
        "zero_grad() is missing: backward() adds to the gradients of the batches before, and they "
        "pile up."
    )
)
def _no_zero_grad(model, batches, loss_function, optimizer):
    model.train()
    return _loop(model, batches, loss_function, optimizer, zero=False)


@train_one_epoch.mistake(
    N_(
        "No weight has changed. Is backward() or step() missing, or does step() come at a moment "
        "when the gradients are cleared? The order is zero_grad, forward, loss, backward, step."
    )
)
def _no_weight_changed(model, batches, loss_function, optimizer):
    model.train()
    return _loop(model, batches, loss_function, optimizer, after=True)


@train_one_epoch.mistake(
    N_("There is a softmax before the loss. nn.CrossEntropyLoss wants logits and has it inside.")
)
def _softmax_before_loss(model, batches, loss_function, optimizer):
    model.train()
    softmax = nn.Softmax(dim=1)
    return _loop(model, batches, loss_function, optimizer, first=softmax)


@train_one_epoch.mistake(
    N_(
        "The training is correct, but its report is not: a mean of batch means gives the images "
        "of a short last batch too much weight. Sum loss.item() * len(labels), and divide by the "
        "number of images."
    )
)
def _mean_of_batch_means(model, batches, loss_function, optimizer):
    model.train()
    losses = [_loop(model, [batch], loss_function, optimizer) for batch in batches]
    return sum(losses) / len(losses)


@train_one_epoch.mistake(
    N_("The model came in evaluation mode and was left in it. Start with model.train().")
)
def _left_in_evaluation_mode(model, batches, loss_function, optimizer):
    return _loop(model, batches, loss_function, optimizer)


@train_one_epoch.mistake(N_("The training is correct. Return the mean loss over all images too."))
def _no_loss_returned(model, batches, loss_function, optimizer):
    train_one_epoch.judge(model, batches, loss_function, optimizer)


@train_one_epoch.mistake(
    N_("The training is correct. This is the last batch's loss, not the mean.")
)
def _last_loss(model, batches, loss_function, optimizer):
    model.train()
    return [_loop(model, [batch], loss_function, optimizer) for batch in batches][-1]


@train_one_epoch.mistake(
    N_("The training is correct. This is the sum over all images: divide by their number.")
)
def _total_loss(model, batches, loss_function, optimizer):
    loss = train_one_epoch.judge(model, batches, loss_function, optimizer)
    return loss * sum(len(labels) for _images, labels in batches)


@train_one_epoch.mistake(
    N_("The training is correct. This is the sum of the batches' losses, not their mean.")
)
def _sum_of_batch_losses(model, batches, loss_function, optimizer):
    return len(batches) * _mean_of_batch_means(model, batches, loss_function, optimizer)


@train_one_epoch.mistake(
    N_("The training is correct. The sum over all images is divided by the number of batches.")
)
def _divided_by_number_of_batches(model, batches, loss_function, optimizer):
    return _total_loss(model, batches, loss_function, optimizer) / len(batches)


@train_one_epoch.mistake(
    N_(
        "Two things: the model was left in evaluation mode (start with model.train()), and a mean "
        "of batch means gives the images of a short last batch too much weight."
    )
)
def _two_things(model, batches, loss_function, optimizer):
    losses = [_loop(model, [batch], loss_function, optimizer) for batch in batches]
    return sum(losses) / len(losses)


@train_one_epoch.mistake(
    N_("return stands inside the loop and ends it after the first batch. Move it to the left.")
)
def _returned_in_the_loop(model, batches, loss_function, optimizer):
    return train_one_epoch.judge(model, batches[:1], loss_function, optimizer)


@train_one_epoch.mistake(
    N_("Two things: zero_grad() is missing in the loop, and model.train() before it.")
)
def _no_zero_grad_in_evaluation_mode(model, batches, loss_function, optimizer):
    return _loop(model, batches, loss_function, optimizer, zero=False)


@train_one_epoch.mistake(
    N_("The training is correct. loss.item() is a mean already: times len(labels) it is a sum.")
)
def _means_by_images(model, batches, loss_function, optimizer):
    mean = _mean_of_batch_means(model, batches, loss_function, optimizer)
    return mean * len(batches) / sum(len(labels) for _images, labels in batches)


@train_one_epoch.mistake(N_("step() is called twice for each batch: once is a step."))
def _two_steps(model, batches, loss_function, optimizer):
    def twice():
        for _time in range(2):
            optimizer.step()

    model.train()
    return _loop(model, batches, loss_function, optimizer, step=twice)


@train_one_epoch.mistake(
    N_("A new optimizer, made in the function, forgets its momentum each epoch. Use the one given.")
)
def _own_optimizer(model, batches, loss_function, optimizer):
    own = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    return train_one_epoch.judge(model, batches, loss_function, own)
