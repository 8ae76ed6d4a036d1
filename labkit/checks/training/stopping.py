"""When to stop."""

import math

from labkit.checks.engine.spec import exercise
from labkit.text import N_


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
