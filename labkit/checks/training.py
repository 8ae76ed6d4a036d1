"""Notebook 5: steps, the loop, accuracy, when to stop, a large batch in small memory."""

import math

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector

from labkit.checks.engine.spec import exercise
from labkit.text import N_, _


class Batches(list):
    """Batches as a list, told by their sizes."""

    @property
    def words(self) -> str:
        return _("batches of {sizes}").format(sizes=", ".join(str(len(y)) for _x, y in self))


def random_batches(*sizes, classes=3):
    """Return a batch of six numbers each and labels for each of ``sizes``."""
    generator = torch.Generator().manual_seed(len(sizes))
    return Batches(
        (
            torch.randn(size, 6, generator=generator),
            torch.randint(classes, (size,), generator=generator),
        )
        for size in sizes
    )


def small_network(norm: bool):
    """Return a network of two layers, with batch norm or tanh between them; always the same."""
    torch.manual_seed(1)
    layers = [nn.Linear(6, 8), nn.BatchNorm1d(8) if norm else nn.Tanh(), nn.Linear(8, 3)]
    return nn.Sequential(*layers)


def _mostly_right(wrong_from: int):
    """Return batches of 4, 4 and 1 whose labels fit the model up to a place."""
    batches = random_batches(4, 4, 1)
    model = small_network(norm=True).eval()
    with torch.no_grad():
        labels = torch.cat([model(x).argmax(dim=1) for x, _y in batches])
    labels[wrong_from:] = (labels[wrong_from:] + 1) % 3
    return Batches((x, y) for (x, _y), y in zip(batches, labels.split([4, 4, 1]), strict=True))


def _quizzes():
    return [
        (_mostly_right(9),),
        (_mostly_right(8),),
        (_mostly_right(3),),
        (_mostly_right(0),),
        (Batches(_mostly_right(2)[:1]),),
        (random_batches(5, 5, 2),),
    ]


def _examine(answer, batches):
    return answer(small_network(norm=True).train(), batches)


def _share(model, batches, combine):
    with torch.no_grad():
        right = [(model(x).argmax(dim=1) == y).tolist() for x, y in batches]
    return combine(right)


def _over_all(right):
    everything = [one for batch in right for one in batch]
    return sum(everything) / len(everything)


@exercise(3, _quizzes, use=_examine)
def accuracy(model, batches):
    return _share(model.eval(), batches, _over_all)


@accuracy.mistake(
    N_(
        "A mean of batch means gives the images of a short last batch too much weight. Count all "
        "correct predictions and divide once."
    )
)
def _mean_of_means(model, batches):
    return _share(
        model.eval(), batches, lambda right: sum(sum(b) / len(b) for b in right) / len(right)
    )


accuracy.if_it_returns(
    {
        "_share(model.eval(), batches, lambda right: sum(map(sum, right)))": (
            "This is the number of correct predictions. The accuracy is their share."
        ),
        "_share(model, batches, _over_all)": (
            "The model was left in training mode, and it behaves differently there: eval()."
        ),
        "_share(model.eval(), batches[-1:], _over_all)": (
            "This is the accuracy of the last batch. Count over all of them."
        ),
        "_share(model.eval(), batches, lambda right: sum(map(sum, right)) / len(right))": (
            "The correct predictions are divided by the number of batches. Divide by the images."
        ),
    }
)


@accuracy.mistake(
    N_("This assumes that all batches are as large as the first. The last may be smaller.")
)
def _all_batches_alike(model, batches):
    return _share(
        model.eval(), batches, lambda right: sum(map(sum, right)) / (len(right) * len(right[0]))
    )


@accuracy.mistake(N_("argmax(dim=0) goes down the batch. The classes are axis 1: argmax(dim=1)."))
def _along_the_batch(model, batches):
    model.eval()
    with torch.no_grad():
        right = [(model(x).argmax(dim=0) == y).tolist() for x, y in batches]
    return _over_all(right)


accuracy.if_it_returns(
    {
        "1 - accuracy.judge(model, batches)": "This is the share of wrong predictions.",
        "_share(model.eval(), batches[:1], _over_all)": (
            "return stands inside the loop and ends it after the first batch. Move it to the left."
        ),
    }
)


@accuracy.mistake(
    N_("Logits are compared with labels. The prediction is where the largest is: argmax(dim=1).")
)
def _logits_compared(model, batches):
    model.eval()
    return sum((model(x) == y).sum() for x, y in batches)


@accuracy.mistake(N_("Without a dim, argmax() is one place in the whole batch: argmax(dim=1)."))
def _one_place(model, batches):
    model.eval()
    return _over_all([(model(x).argmax() == y).tolist() for x, y in batches])


accuracy.if_it_returns(
    {
        "_share(model.eval(), batches, lambda right: sum(map(all, right)) / len(right))": (
            "This counts batches that are correct as a whole. Count images: sum, not all."
        ),
    }
)


@accuracy.mistake(N_("These are two numbers. Divide the one by the other."))
def _two_numbers(model, batches):
    return _share(model.eval(), batches, lambda right: (sum(map(sum, right)), len(sum(right, []))))


@accuracy.mistake(
    N_("The class with the smallest logit is the least likely one: argmax, not argmin.")
)
def _smallest(model, batches):
    model.eval()
    return _over_all([(model(x).argmin(dim=1) == y).tolist() for x, y in batches])


accuracy.if_it_returns(
    {
        "_share(model.eval(), batches, lambda right: sum(map(sum, right)) / (4 * len(right)))": (
            "This assumes four images in each batch. The last may be smaller: count len(labels)."
        ),
    }
)


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


train_one_epoch.if_it_returns(
    {
        "_loop(model, batches, loss_function, optimizer)": (
            "The model came in evaluation mode and was left in it. Start with model.train()."
        ),
    }
)


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


train_one_epoch.if_it_returns(
    {
        "len(batches) * _mean_of_batch_means(model, batches, loss_function, optimizer)": (
            "The training is correct. This is the sum of the batches' losses, not their mean."
        ),
        "_total_loss(model, batches, loss_function, optimizer) / len(batches)": (
            "The training is correct. The sum over all images is divided by the number of batches."
        ),
    }
)


@train_one_epoch.mistake(
    N_(
        "Two things: the model was left in evaluation mode (start with model.train()), and a mean "
        "of batch means gives the images of a short last batch too much weight."
    )
)
def _two_things(model, batches, loss_function, optimizer):
    losses = [_loop(model, [batch], loss_function, optimizer) for batch in batches]
    return sum(losses) / len(losses)


train_one_epoch.if_it_returns(
    {
        "train_one_epoch.judge(model, batches[:1], loss_function, optimizer)": (
            "return stands inside the loop and ends it after the first batch. Move it to the left."
        ),
        "_loop(model, batches, loss_function, optimizer, zero=False)": (
            "Two things: zero_grad() is missing in the loop, and model.train() before it."
        ),
    }
)


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


def _runs():
    return [(10_000, 4, 2), (10, 4, 2), (3, 4, 5), (12, 4, 1), (7, 1, 3), (1, 64, 1), (10, 4, 0)]


@exercise(1, _runs)
def steps_taken(images, batch_size, epochs):
    return sum(1 for _epoch in range(epochs) for _first in range(0, images, batch_size))


steps_taken.if_it_returns(
    {
        "images // batch_size * epochs": (
            "The last batch of an epoch may be smaller, and it is a step too: round up."
        ),
        "math.ceil(images * epochs / batch_size)": (
            "The epochs do not run into each other: round up in each epoch, then multiply."
        ),
        "math.ceil(images / batch_size)": "These are the steps of one epoch.",
        "images * epochs": "A step takes a whole batch, not one image.",
        "images / batch_size * epochs": (
            "Steps are whole: the smaller batch at the end counts as one. Round up."
        ),
        "(images // batch_size + 1) * epochs": (
            "Where the images divide evenly there is no further batch: // and + 1 is one too many."
        ),
        "round(images / batch_size) * epochs": (
            "Rounded to the nearest: a last batch of one image is a step too. Round up."
        ),
        "images * epochs // batch_size": (
            "Round up in each epoch, then multiply: each one ends with a smaller batch."
        ),
        "images * batch_size * epochs": (
            "Divide by the batch size: a step takes that many images at once."
        ),
        "images // batch_size * epochs + 1": (
            "The smaller batch comes in every epoch: round up before you multiply."
        ),
    }
)


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


def _histories():
    return [
        ([3.0, 2.0, 1.0], 2),
        ([1.0, 2.0, 3.0], 2),
        ([2.0, 1.0, 1.5, 1.2], 2),
        ([2.0, 1.0, 1.5, 1.2], 3),
        ([1.0, 2.0, 1.5, 1.4, 1.3], 4),
        ([3.0, 1.0, 2.0, 2.5, 0.5, 0.6], 2),
        ([1.0, 1.0, 1.0], 2),
        ([5.0], 1),
        ([1.0, 2.0], 1),
        ([2.0, 2.5, 2.4, 2.3, 1.9], 3),
        ([1.0, 3.0, 2.0, 4.0, 1.5], 2),
        ([3.0, 3.5, 2.0, 2.5, 1.0], 2),
        ([1.0, 2.0, 3.0, 4.0], 2),
    ]


@exercise(4, _histories)
def should_stop(validation_losses, patience):
    best, waited = math.inf, 0
    for loss in validation_losses:
        if loss < best:
            best, waited = loss, 0
        else:
            waited += 1
    return waited >= patience


def _waited(losses):
    return len(losses) - 1 - losses.index(min(losses))


should_stop.if_it_returns(
    {
        "_waited(validation_losses) > patience": (
            "One epoch too late: after patience epochs without improvement it is time to stop."
        ),
        "_waited(validation_losses) + 1 >= patience": (
            "One epoch too early: the best epoch itself does not count as waiting."
        ),
    }
)


@should_stop.mistake(
    N_(
        "The loss is compared with the epoch before. What counts is the best so far: it can go "
        "down again for a while and still be higher than it was."
    )
)
def _rising_in_a_row(validation_losses, patience):
    last = validation_losses[-patience - 1 :]
    return len(last) > patience and all(b >= a for a, b in zip(last[:-1], last[1:], strict=True))


should_stop.if_it_returns(
    {
        "validation_losses[-1] > min(validation_losses)": (
            "This stops at the first epoch that is not the best. Wait as long as the patience says."
        ),
    }
)


@should_stop.mistake(
    N_("A loss equal to the best is no improvement: look for the first place of the minimum.")
)
def _equal_is_better(validation_losses, patience):
    backwards = validation_losses[::-1]
    return backwards.index(min(backwards)) >= patience


should_stop.if_it_returns(
    {
        "_waited(validation_losses) < patience": "This is the wrong way round: True means stop.",
    }
)


@should_stop.mistake(
    N_("A new lowest loss sets the waiting back to 0. Here all epochs without one are added up.")
)
def _waiting_added_up(validation_losses, patience):
    lowest = [min(validation_losses[: n + 1]) for n in range(len(validation_losses))]
    return sum(b >= a for a, b in zip(lowest, validation_losses[1:], strict=False)) >= patience


@should_stop.mistake(
    N_("This asks whether the patience has run out at any time. What counts are the last epochs.")
)
def _ever(validation_losses, patience):
    ends = range(1, len(validation_losses) + 1)
    return any(should_stop.judge(validation_losses[:end], patience) for end in ends)


should_stop.if_it_returns(
    {
        "min(validation_losses[-patience:]) >= min(validation_losses[:-patience])": (
            "With no more epochs than patience there is nothing before them, and min() has no"
            " numbers."
        ),
        "len(validation_losses) > patience": (
            "How many epochs there are says nothing yet: has the loss got lower lately?"
        ),
        "_waited(validation_losses) == patience": (
            "Once the patience is over, it stays so: >= and not ==."
        ),
    }
)


@should_stop.mistake(
    N_("This compares with one epoch, patience ago. What counts is the best so far, min(...).")
)
def _with_one_epoch(validation_losses, patience):
    enough = len(validation_losses) > patience
    return enough and validation_losses[-1] >= validation_losses[-patience - 1]


@should_stop.mistake(N_("The first epoch is no waiting: it is the best so far when it comes."))
def _first_counts(validation_losses, patience):
    waited = _waited(validation_losses)
    return waited + (waited == len(validation_losses) - 1) >= patience


@should_stop.mistake(N_("The best epoch is the one with the lowest loss: min, not max."))
def _highest(validation_losses, patience):
    best = validation_losses.index(max(validation_losses))
    return len(validation_losses) - 1 - best >= patience
