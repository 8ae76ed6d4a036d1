"""Notebook 5: steps, the loop, accuracy, when to stop, a large batch in small memory."""

import math

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector

from labkit.checks.spec import exercise
from labkit.text import N_, _


def _runs():
    return [(10_000, 4, 2), (10, 4, 2), (3, 4, 5), (12, 4, 1), (7, 1, 3), (1, 64, 1), (10, 4, 0)]


@exercise(1, _runs)
def steps_taken(pictures, batch_size, epochs):
    return sum(1 for _epoch in range(epochs) for _first in range(0, pictures, batch_size))


@steps_taken.mistake(
    N_("The last batch of an epoch may be smaller, and it is a step too: round up.")
)
def _rounded_down(pictures, batch_size, epochs):
    return pictures // batch_size * epochs


@steps_taken.mistake(
    N_("The epochs do not run into each other: round up in each epoch, then multiply.")
)
def _rounded_at_the_end(pictures, batch_size, epochs):
    return math.ceil(pictures * epochs / batch_size)


@steps_taken.mistake(N_("These are the steps of one epoch."))
def _one_epoch(pictures, batch_size, epochs):
    return math.ceil(pictures / batch_size)


@steps_taken.mistake(N_("A step takes a whole batch, not one picture."))
def _step_per_picture(pictures, batch_size, epochs):
    return pictures * epochs


@steps_taken.mistake(N_("Steps are whole: the smaller batch at the end counts as one. Round up."))
def _not_rounded(pictures, batch_size, epochs):
    return pictures / batch_size * epochs


@steps_taken.mistake(
    N_("Where the pictures divide evenly there is no further batch: // and + 1 is one too many.")
)
def _always_one_more(pictures, batch_size, epochs):
    return (pictures // batch_size + 1) * epochs


@steps_taken.mistake(
    N_("Rounded to the nearest: a last batch of one picture is a step too. Round up.")
)
def _rounded_to_nearest(pictures, batch_size, epochs):
    return round(pictures / batch_size) * epochs


@steps_taken.mistake(
    N_("Round up in each epoch, then multiply: each one ends with a smaller batch.")
)
def _rounded_down_at_the_end(pictures, batch_size, epochs):
    return pictures * epochs // batch_size


@steps_taken.mistake(N_("Divide by the batch size: a step takes that many pictures at once."))
def _multiplied(pictures, batch_size, epochs):
    return pictures * batch_size * epochs


@steps_taken.mistake(N_("The smaller batch comes in every epoch: round up before you multiply."))
def _one_more_in_all(pictures, batch_size, epochs):
    return pictures // batch_size * epochs + 1


class _Batches(list):
    """Batches as a list, told by their sizes."""

    @property
    def words(self) -> str:
        return _("batches of {sizes}").format(sizes=", ".join(str(len(y)) for _x, y in self))


def _batches(*sizes, classes=3):
    generator = torch.Generator().manual_seed(len(sizes))
    return _Batches(
        (
            torch.randn(size, 6, generator=generator),
            torch.randint(classes, (size,), generator=generator),
        )
        for size in sizes
    )


def _network(norm: bool):
    torch.manual_seed(1)
    layers = [nn.Linear(6, 8), nn.BatchNorm1d(8) if norm else nn.Tanh(), nn.Linear(8, 3)]
    return nn.Sequential(*layers)


def _epochs():
    return [(_batches(4, 4, 2),), (_batches(5),), (_batches(3, 3, 3, 3),)]


def _train(answer, batches):
    """Return the loss that came back and the weights after the epoch."""
    model = _network(norm=True).eval()  # as a validation has left it
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
        "The training is right, its report is not: a mean of batch means gives the pictures of a "
        "short last batch too much weight. Sum loss.item() * len(labels), divide by the pictures."
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


@train_one_epoch.mistake(N_("The training is right. Return the mean loss over all pictures too."))
def _no_loss_returned(model, batches, loss_function, optimizer):
    train_one_epoch.judge(model, batches, loss_function, optimizer)


@train_one_epoch.mistake(N_("The training is right. This is the last batch's loss, not the mean."))
def _last_loss(model, batches, loss_function, optimizer):
    model.train()
    return [_loop(model, [batch], loss_function, optimizer) for batch in batches][-1]


@train_one_epoch.mistake(
    N_("The training is right. This is the sum over all pictures: divide by their number.")
)
def _total_loss(model, batches, loss_function, optimizer):
    loss = train_one_epoch.judge(model, batches, loss_function, optimizer)
    return loss * sum(len(labels) for _images, labels in batches)


@train_one_epoch.mistake(
    N_("The training is right. This is the sum of the batches' losses, not their mean.")
)
def _sum_of_batch_losses(model, batches, loss_function, optimizer):
    return len(batches) * _mean_of_batch_means(model, batches, loss_function, optimizer)


@train_one_epoch.mistake(
    N_("The training is right. The sum over all pictures is divided by the number of batches.")
)
def _divided_by_number_of_batches(model, batches, loss_function, optimizer):
    return _total_loss(model, batches, loss_function, optimizer) / len(batches)


@train_one_epoch.mistake(
    N_(
        "Two things: the model was left in evaluation mode (start with model.train()), and a mean "
        "of batch means gives the pictures of a short last batch too much weight."
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
    N_("The training is right. loss.item() is a mean already: times len(labels) it is a sum.")
)
def _means_by_pictures(model, batches, loss_function, optimizer):
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


def _mostly_right(wrong_from: int):
    """Return batches of 4, 4 and 1 whose labels fit the model up to a place."""
    batches = _batches(4, 4, 1)
    model = _network(norm=True).eval()
    with torch.no_grad():
        labels = torch.cat([model(x).argmax(dim=1) for x, _y in batches])
    labels[wrong_from:] = (labels[wrong_from:] + 1) % 3
    return _Batches((x, y) for (x, _y), y in zip(batches, labels.split([4, 4, 1]), strict=True))


def _quizzes():
    return [
        (_mostly_right(9),),
        (_mostly_right(8),),
        (_mostly_right(3),),
        (_mostly_right(0),),
        (_Batches(_mostly_right(2)[:1]),),
        (_batches(5, 5, 2),),
    ]


def _examine(answer, batches):
    return answer(_network(norm=True).train(), batches)


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
        "A mean of batch means gives the pictures of a short last batch too much weight. Count all "
        "right answers and divide once."
    )
)
def _mean_of_means(model, batches):
    return _share(
        model.eval(), batches, lambda right: sum(sum(b) / len(b) for b in right) / len(right)
    )


@accuracy.mistake(N_("This is the number of right answers. The accuracy is their share."))
def _number_of_right_answers(model, batches):
    return _share(model.eval(), batches, lambda right: sum(map(sum, right)))


@accuracy.mistake(
    N_("The model was left in training mode, and it answers otherwise there: eval().")
)
def _left_in_training_mode(model, batches):
    return _share(model, batches, _over_all)


@accuracy.mistake(N_("This is the accuracy of the last batch. Count over all of them."))
def _last_batch_only(model, batches):
    return _share(model.eval(), batches[-1:], _over_all)


@accuracy.mistake(
    N_("The right answers are divided by the number of batches. Divide by the number of pictures.")
)
def _divided_by_batches(model, batches):
    return _share(model.eval(), batches, lambda right: sum(map(sum, right)) / len(right))


@accuracy.mistake(
    N_("This takes all batches to be as large as the first. The last may be smaller.")
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


@accuracy.mistake(N_("This is the share of wrong answers."))
def _share_of_wrong_answers(model, batches):
    return 1 - accuracy.judge(model, batches)


@accuracy.mistake(
    N_("return stands inside the loop and ends it after the first batch. Move it to the left.")
)
def _first_batch_only(model, batches):
    return _share(model.eval(), batches[:1], _over_all)


@accuracy.mistake(
    N_("Logits are compared with labels. The answer is the place of the largest: argmax(dim=1).")
)
def _logits_compared(model, batches):
    model.eval()
    return sum((model(x) == y).sum() for x, y in batches)


@accuracy.mistake(N_("Without a dim, argmax() is one place in the whole batch: argmax(dim=1)."))
def _one_place(model, batches):
    model.eval()
    return _over_all([(model(x).argmax() == y).tolist() for x, y in batches])


@accuracy.mistake(
    N_("This counts batches that are right as a whole. Count pictures: sum, not all.")
)
def _whole_batches(model, batches):
    return _share(model.eval(), batches, lambda right: sum(map(all, right)) / len(right))


@accuracy.mistake(N_("These are two numbers. Divide the one by the other."))
def _two_numbers(model, batches):
    return _share(model.eval(), batches, lambda right: (sum(map(sum, right)), len(sum(right, []))))


@accuracy.mistake(
    N_("The class with the smallest logit is the least likely one: argmax, not argmin.")
)
def _smallest(model, batches):
    model.eval()
    return _over_all([(model(x).argmin(dim=1) == y).tolist() for x, y in batches])


@accuracy.mistake(
    N_("This takes all batches to have four pictures. The last may be smaller: count len(labels).")
)
def _fours(model, batches):
    return _share(model.eval(), batches, lambda right: sum(map(sum, right)) / (4 * len(right)))


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


@should_stop.mistake(
    N_("One epoch too late: after patience epochs without improvement it is time to stop.")
)
def _one_epoch_late(validation_losses, patience):
    return _waited(validation_losses) > patience


@should_stop.mistake(N_("One epoch too early: the best epoch itself does not count as waiting."))
def _one_epoch_early(validation_losses, patience):
    return _waited(validation_losses) + 1 >= patience


@should_stop.mistake(
    N_(
        "The loss is compared with the epoch before. What counts is the best so far: it can go "
        "down again for a while and still be higher than it was."
    )
)
def _rising_in_a_row(validation_losses, patience):
    last = validation_losses[-patience - 1 :]
    return len(last) > patience and all(b >= a for a, b in zip(last[:-1], last[1:], strict=True))


@should_stop.mistake(
    N_("This stops at the first epoch that is not the best. Wait as long as the patience says.")
)
def _no_patience(validation_losses, patience):
    return validation_losses[-1] > min(validation_losses)


@should_stop.mistake(
    N_("A loss equal to the best is no improvement: look for the first place of the minimum.")
)
def _equal_is_better(validation_losses, patience):
    backwards = validation_losses[::-1]
    return backwards.index(min(backwards)) >= patience


@should_stop.mistake(N_("This is the wrong way round: True means stop."))
def _go_on(validation_losses, patience):
    return _waited(validation_losses) < patience


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


@should_stop.mistake(
    N_("With no more epochs than patience there is nothing before them, and min() has no numbers.")
)
def _nothing_before(validation_losses, patience):
    return min(validation_losses[-patience:]) >= min(validation_losses[:-patience])


@should_stop.mistake(
    N_("How many epochs there are says nothing yet: has the loss got lower lately?")
)
def _only_counted(validation_losses, patience):
    return len(validation_losses) > patience


@should_stop.mistake(N_("Once the patience is over, it stays so: >= and not ==."))
def _exactly(validation_losses, patience):
    return _waited(validation_losses) == patience


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


def _portions():
    return [(_batches(4, 4, 4, 4), 2), (_batches(2, 2, 2, 2, 2, 2), 3), (_batches(3, 3), 1)]


def _train_small(answer, batches, every):
    """Return the weights after the epoch."""
    model = _network(norm=False)
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
    N_("The loss is a mean over its pictures already. Divide by every, not by len(labels).")
)
def _divided_by_pictures(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, every, share=len(batches[0][1]))


@train_in_portions.mistake(N_("Multiplied by every, the step is far too long. Divide by it."))
def _multiplied_by_every(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, every, share=1 / every)


@train_in_portions.mistake(
    N_("This steps after each batch, with a part of its gradient. Step after each every batches.")
)
def _small_step_each_time(model, batches, loss_function, optimizer, every):
    _accumulate(model, batches, optimizer, 1, share=every)
