"""The accuracy over all images."""

import torch

from labkit.checks.engine.spec import exercise
from labkit.checks.training.examples import Batches, random_batches, small_network
from labkit.text import N_


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


@accuracy.mistake(N_("This is the number of correct predictions. The accuracy is their share."))
def _number_of_right_answers(model, batches):
    return _share(model.eval(), batches, lambda right: sum(map(sum, right)))


@accuracy.mistake(
    N_("The model was left in training mode, and it behaves differently there: eval().")
)
def _left_in_training_mode(model, batches):
    return _share(model, batches, _over_all)


@accuracy.mistake(N_("This is the accuracy of the last batch. Count over all of them."))
def _last_batch_only(model, batches):
    return _share(model.eval(), batches[-1:], _over_all)


@accuracy.mistake(
    N_("The correct predictions are divided by the number of batches. Divide by the images.")
)
def _divided_by_batches(model, batches):
    return _share(model.eval(), batches, lambda right: sum(map(sum, right)) / len(right))


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


@accuracy.mistake(N_("This is the share of wrong predictions."))
def _share_of_wrong_answers(model, batches):
    return 1 - accuracy.judge(model, batches)


@accuracy.mistake(
    N_("return stands inside the loop and ends it after the first batch. Move it to the left.")
)
def _first_batch_only(model, batches):
    return _share(model.eval(), batches[:1], _over_all)


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


@accuracy.mistake(
    N_("This counts batches that are correct as a whole. Count images: sum, not all.")
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
    N_("This assumes four images in each batch. The last may be smaller: count len(labels).")
)
def _fours(model, batches):
    return _share(model.eval(), batches, lambda right: sum(map(sum, right)) / (4 * len(right)))
