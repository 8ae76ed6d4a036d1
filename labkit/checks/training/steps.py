"""Steps: how many there are, and a large batch in small portions."""

import math

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector

from labkit.checks.engine.spec import exercise
from labkit.checks.training.examples import random_batches, small_network
from labkit.text import N_


def _runs():
    return [(10_000, 4, 2), (10, 4, 2), (3, 4, 5), (12, 4, 1), (7, 1, 3), (1, 64, 1), (10, 4, 0)]


@exercise(1, _runs)
def steps_taken(images, batch_size, epochs):
    return sum(1 for _epoch in range(epochs) for _first in range(0, images, batch_size))


@steps_taken.mistake(
    N_("The last batch of an epoch may be smaller, and it is a step too: round up.")
)
def _rounded_down(images, batch_size, epochs):
    return images // batch_size * epochs


@steps_taken.mistake(
    N_("The epochs do not run into each other: round up in each epoch, then multiply.")
)
def _rounded_at_the_end(images, batch_size, epochs):
    return math.ceil(images * epochs / batch_size)


@steps_taken.mistake(N_("These are the steps of one epoch."))
def _one_epoch(images, batch_size, epochs):
    return math.ceil(images / batch_size)


@steps_taken.mistake(N_("A step takes a whole batch, not one image."))
def _step_per_image(images, batch_size, epochs):
    return images * epochs


@steps_taken.mistake(N_("Steps are whole: the smaller batch at the end counts as one. Round up."))
def _not_rounded(images, batch_size, epochs):
    return images / batch_size * epochs


@steps_taken.mistake(
    N_("Where the images divide evenly there is no further batch: // and + 1 is one too many.")
)
def _always_one_more(images, batch_size, epochs):
    return (images // batch_size + 1) * epochs


@steps_taken.mistake(
    N_("Rounded to the nearest: a last batch of one image is a step too. Round up.")
)
def _rounded_to_nearest(images, batch_size, epochs):
    return round(images / batch_size) * epochs


@steps_taken.mistake(
    N_("Round up in each epoch, then multiply: each one ends with a smaller batch.")
)
def _rounded_down_at_the_end(images, batch_size, epochs):
    return images * epochs // batch_size


@steps_taken.mistake(N_("Divide by the batch size: a step takes that many images at once."))
def _multiplied(images, batch_size, epochs):
    return images * batch_size * epochs


@steps_taken.mistake(N_("The smaller batch comes in every epoch: round up before you multiply."))
def _one_more_in_all(images, batch_size, epochs):
    return images // batch_size * epochs + 1


def _portions():
    return [
        (random_batches(4, 4, 4, 4), 2),
        (random_batches(2, 2, 2, 2, 2, 2), 3),
        (random_batches(3, 3), 1),
    ]


def _train_small(answer, batches, every):
    """Return the weights after the epoch."""
    model = small_network(norm=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    answer(model, batches, nn.CrossEntropyLoss(), optimizer, every)
    return parameters_to_vector(model.parameters())


@exercise(5, _portions, use=_train_small)
def train_in_portions(model, batches, loss_function, optimizer, every):
    for start in range(0, len(batches), every):
        images, labels = zip(*batches[start : start + every], strict=True)
        optimizer.zero_grad()
        loss_function(model(torch.cat(images)), torch.cat(labels)).backward()
        optimizer.step()


def _accumulate(model, batches, optimizer, every, *, share=None, first=1, zero_each=False):
    optimizer.zero_grad()
    for number, (images, labels) in enumerate(batches, start=first):
        if zero_each:
            optimizer.zero_grad()
        (functional.cross_entropy(model(images), labels) / (share or every)).backward()
        if number % every == 0:
            optimizer.step()
            optimizer.zero_grad()


@train_in_portions.mistake(
    N_("The gradients of every batches are summed, so the step is too long. Divide by every.")
)
def _summed(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, every, share=1)


@train_in_portions.mistake(
    N_("zero_grad() after each batch forgets the portions before. Clear only after a step.")
)
def _cleared_each_time(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, every, zero_each=True)


@train_in_portions.mistake(
    N_("Here only the last batch of each portion counts, with its full gradient.")
)
def _last_of_each(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, every, share=1, zero_each=True)


@train_in_portions.mistake(
    N_("This steps after each batch. Wait until the gradients of every batches have come together.")
)
def _step_each_time(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, 1)


@train_in_portions.mistake(
    N_("Counted from 0, the first step comes after one batch already. Use enumerate(..., start=1).")
)
def _counted_from_zero(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, every, first=0)


@train_in_portions.mistake(
    N_("After the step the gradients have to be cleared, or the next portion adds to them.")
)
def _never_cleared(model, batches, loss_function, optimizer, every):
    for number, (images, labels) in enumerate(batches, start=1):
        (loss_function(model(images), labels) / every).backward()
        if number % every == 0:
            optimizer.step()


@train_in_portions.mistake(
    N_("Divided by the number of all batches, the step is too short. A step sees every of them.")
)
def _divided_by_all(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, every, share=len(batches))


@train_in_portions.mistake(
    N_("There is one step, after the last batch. Take one after each every batches, in the loop.")
)
def _one_step(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, len(batches), share=every)


@train_in_portions.mistake(
    N_("Two things: divide each loss by every, and clear the gradients after each step.")
)
def _summed_and_never_cleared(model, batches, loss_function, optimizer, every):
    for number, (images, labels) in enumerate(batches, start=1):
        loss_function(model(images), labels).backward()
        if number % every == 0:
            optimizer.step()


@train_in_portions.mistake(
    N_("Two things: divide each loss by every, and begin to count at 1, enumerate(..., start=1).")
)
def _summed_and_counted_from_zero(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, every, share=1, first=0)


@train_in_portions.mistake(
    N_("No weight has changed: is step() called, and are the gradients still there when it is?")
)
def _no_step(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches[:0], optimizer, every)


@train_in_portions.mistake(N_("There is one step, after the first portion: number % every == 0."))
def _first_portion(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches[:every], optimizer, every)


@train_in_portions.mistake(
    N_("The loss is a mean over its images already. Divide by every, not by len(labels).")
)
def _divided_by_images(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, every, share=len(batches[0][1]))


@train_in_portions.mistake(N_("Multiplied by every, the step is far too long. Divide by it."))
def _multiplied_by_every(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, every, share=1 / every)


@train_in_portions.mistake(
    N_("This steps after each batch, with a part of its gradient. Step after each every batches.")
)
def _small_step_each_time(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, 1, share=every)
