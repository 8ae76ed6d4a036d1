import inspect
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from labkit.checks import training as check
from labkit.training import evaluate, train_epoch
from tests.checks.exercises import own_progress  # noqa: F401


def wrong(verdict, mistake):
    assert not verdict.solved
    assert verdict.mistake == mistake, verdict


def _counted(pictures, batch_size, epochs):
    steps = 0
    for _epoch in range(epochs):
        left = pictures
        while left > 0:
            left -= batch_size
            steps += 1
    return steps


@pytest.mark.parametrize(
    "answer",
    [
        _counted,
        lambda n, b, e: e * math.ceil(n / b),
        lambda n, b, e: e * -(-n // b),
        lambda n, b, e: np.ceil(n / b) * e,
        lambda n, b, e: torch.tensor((n + b - 1) // b * e),
        lambda n, b, e: len(torch.utils.data.DataLoader(range(n), b)) * e,
    ],
)
def test_steps_may_be_counted_in_any_way(answer):
    verdict = check.steps_taken(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (lambda n, b, e: n // b * e, "images // batch_size * epochs"),
        (lambda n, b, e: int(n / b) * e, "images // batch_size * epochs"),
        (lambda n, b, e: math.ceil(n * e / b), "math.ceil(images * epochs / batch_size)"),
        (lambda n, b, e: (n // b + 1) * e, "(images // batch_size + 1) * epochs"),
        (lambda n, b, e: -(-n // b), "math.ceil(images / batch_size)"),
        (lambda n, b, e: n / b * e, "images / batch_size * epochs"),
        (lambda n, b, e: 5_000, "always the same"),
    ],
)
def test_wrongly_counted_steps_are_recognised(answer, mistake):
    wrong(check.steps_taken(answer), mistake)


def plain_loop(model, batches, loss_function, optimizer):
    model.train()
    total, pictures = 0.0, 0
    for images, labels in batches:
        optimizer.zero_grad()
        loss = loss_function(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        pictures += len(labels)
    return total / pictures


def _tensors_and_model(model, batches, loss_function, optimizer):
    model.train(True)
    losses, sizes = [], []
    for x, y in batches:
        loss = loss_function(model(x), y)
        model.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        losses.append(loss)
        sizes.append(len(x))
    weights = torch.tensor(sizes) / sum(sizes)
    return (torch.stack(losses) * weights).sum()


def _cleared_at_the_end(model, batches, loss_function, optimizer):
    model.train()
    losses = []
    for images, labels in batches:
        outputs = model(images)
        loss_function(outputs, labels).backward()
        optimizer.step()
        optimizer.zero_grad()
        losses += functional.cross_entropy(outputs, labels, reduction="none").tolist()
    return np.mean(losses)


@pytest.mark.parametrize(
    "answer", [plain_loop, _tensors_and_model, _cleared_at_the_end, train_epoch]
)
def test_the_loop_may_be_written_in_any_way(answer):
    verdict = check.train_one_epoch(answer)
    assert verdict.solved, verdict


def changed(old, new, function=plain_loop):
    """Return the function with one line of its source changed, as a learner would have it."""
    source = inspect.getsource(function)
    assert old in source
    namespace = dict(function.__globals__)
    exec(source.replace(old, new), namespace)
    return namespace[function.__name__]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("        optimizer.zero_grad()\n", "", "no zero grad"),
        ("        optimizer.step()\n", "", "no weight changed"),
        ("        loss.backward()\n", "", "no weight changed"),
        (
            "        loss.backward()\n        optimizer.step()\n",
            "        optimizer.step()\n        loss.backward()\n",
            "no weight changed",
        ),
        ("model(images)", "model(images).softmax(1)", "softmax before loss"),
        ("    model.train()\n", "", "_loop(model, batches, loss_function, optimizer)"),
        ("loss.item() * len(labels)", "loss.item() * 4", ""),
        ("total / pictures", "loss.item()", "last loss"),
        ("total / pictures", "total", "total loss"),
        ("return total / pictures", "print(total)", "no loss returned"),
        (
            "total / pictures",
            "total / len(batches)",
            "_total_loss(model, batches, loss_function, optimizer) / len(batches)",
        ),
        (
            "    return total",
            "        return total",
            "train_one_epoch.judge(model, batches[:1], loss_function, optimizer)",
        ),
    ],
)
def test_a_wrong_loop_is_recognised(old, new, mistake):
    wrong(check.train_one_epoch(changed(old, new)), mistake)


@pytest.mark.parametrize(
    ("mode", "mistake"), [(True, "mean of batch means"), (False, "two things")]
)
def test_a_mean_of_batch_means_is_recognised(mode, mistake):
    def loop(model, batches, loss_function, optimizer):
        model.train(mode)
        losses = []
        for images, labels in batches:
            optimizer.zero_grad()
            loss = loss_function(model(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    wrong(check.train_one_epoch(loop), mistake)


def plain_accuracy(model, batches):
    model.eval()
    right, pictures = 0, 0
    for images, labels in batches:
        with torch.no_grad():
            answers = model(images).argmax(dim=1)
        right += (answers == labels).sum()
        pictures += len(labels)
    return right / pictures


def _in_lists(model, batches):
    model.eval()
    said = [a for x, _y in batches for a in model(x).argmax(1).tolist()]
    true = [label for _x, y in batches for label in y.tolist()]
    return sum(a == b for a, b in zip(true, said, strict=True)) / len(true)


def _picture_by_picture(model, batches):
    model.eval()
    hits = []
    for images, labels in batches:
        for image, label in zip(images, labels, strict=True):
            hits.append(torch.max(model(image[None]), 1)[1].item() == label)
    return np.mean(hits)


@pytest.mark.parametrize(
    "answer",
    [
        plain_accuracy,
        _in_lists,
        _picture_by_picture,
        lambda model, batches: evaluate(model, batches).accuracy,
    ],
)
def test_accuracy_may_be_counted_in_any_way(answer):
    verdict = check.accuracy(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        (
            "right / pictures",
            "right",
            "_share(model.eval(), batches, lambda right: sum(map(sum, right)))",
        ),
        ("right / pictures", "100 * right / pictures", "percent"),
        (
            "right / pictures",
            "right / len(batches)",
            "_share(model.eval(), batches, lambda right: sum(map(sum, right)) / len(right))",
        ),
        ("+= len(labels)", "+= len(batches[0][1])", "all batches alike"),
        ("argmax(dim=1)", "argmax(dim=0)", "along the batch"),
        ("right / pictures", "1 - right / pictures", "1 - accuracy.judge(model, batches)"),
        (
            "    return right",
            "        return right",
            "_share(model.eval(), batches[:1], _over_all)",
        ),
        (".argmax(dim=1)", "", "logits compared"),
    ],
)
def test_a_wrong_accuracy_is_recognised(old, new, mistake):
    wrong(check.accuracy(changed(old, new, plain_accuracy)), mistake)


def test_accuracy_in_training_mode_is_recognised():
    verdict = check.accuracy(changed("    model.eval()\n", "", plain_accuracy))
    wrong(verdict, "_share(model, batches, _over_all)")


def _with_patience_counter(losses, patience):
    best = float("inf")
    for epoch, loss in enumerate(losses):
        if loss < best:
            best, best_epoch = loss, epoch
    return epoch - best_epoch >= patience


@pytest.mark.parametrize(
    "answer",
    [
        _with_patience_counter,
        lambda losses, p: len(losses) - 1 - np.argmin(losses) >= p,
        lambda losses, p: torch.tensor(len(losses) - 1 - losses.index(min(losses)) >= p),
        lambda losses, p: len(losses) > p and min(losses[-p:]) >= min(losses[:-p]),
        lambda losses, p: 1 if min(losses) in losses[: max(0, len(losses) - p)] else 0,
    ],
)
def test_stopping_may_be_decided_in_any_way(answer):
    verdict = check.should_stop(answer)
    assert verdict.solved, verdict


def waiting(reset="waited = 0", inside=""):
    """Return early stopping with a counter, as it stands in many a script."""
    source = f"""
def answer(losses, patience):
    best, waited = float("inf"), 0
    for loss in losses:
        if loss < best:
            best = loss
            {reset}
        else:
            waited += 1
        {inside}
    return waited >= patience
"""
    exec(source, namespace := {})
    return namespace["answer"]


def test_stopping_may_be_decided_by_a_counter():
    assert check.should_stop(waiting(inside="pass")).solved


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (waiting(reset="pass"), "waiting added up"),
        (waiting(inside="if waited >= patience: return True"), "ever"),
        (
            lambda losses, p: min(losses[-p:]) >= min(losses[:-p]),
            "min(validation_losses[-patience:]) >= min(validation_losses[:-patience])",
        ),
        (
            lambda losses, p: len(losses) - 1 - np.argmin(losses) > p,
            "_waited(validation_losses) > patience",
        ),
        (
            lambda losses, p: len(losses) - losses.index(min(losses)) >= p,
            "_waited(validation_losses) + 1 >= patience",
        ),
        (
            lambda losses, p: losses[-1] > min(losses),
            "validation_losses[-1] > min(validation_losses)",
        ),
        (lambda losses, p: losses[::-1].index(min(losses)) >= p, "equal is better"),
        (
            lambda losses, p: len(losses) - 1 - np.argmin(losses) < p,
            "_waited(validation_losses) < patience",
        ),
        (lambda losses, p: False, "always the same"),
        (lambda losses, p: True, "always the same"),
    ],
)
def test_a_wrong_stop_is_recognised(answer, mistake):
    wrong(check.should_stop(answer), mistake)


def portions(model, batches, loss_function, optimizer, every):
    optimizer.zero_grad()
    for number, (images, labels) in enumerate(batches, start=1):
        loss = loss_function(model(images), labels) / every
        loss.backward()
        if number % every == 0:
            optimizer.step()
            optimizer.zero_grad()


def _one_large_batch(model, batches, loss_function, optimizer, every):
    for at in range(0, len(batches), every):
        images = torch.cat([x for x, _y in batches[at : at + every]])
        labels = torch.cat([y for _x, y in batches[at : at + every]])
        model.zero_grad()
        loss_function(model(images), labels).backward()
        optimizer.step()


def _summed_first(model, batches, loss_function, optimizer, every):
    waiting = []
    for images, labels in batches:
        waiting.append(loss_function(model(images), labels))
        if len(waiting) == every:
            optimizer.zero_grad()
            torch.stack(waiting).mean().backward()
            optimizer.step()
            waiting = []


def _gradients_divided(model, batches, loss_function, optimizer, every):
    for number, (images, labels) in enumerate(batches):
        if number % every == 0:
            optimizer.zero_grad()
        loss_function(model(images), labels).backward()
        if (number + 1) % every == 0:
            for parameter in model.parameters():
                parameter.grad /= every
            optimizer.step()


@pytest.mark.parametrize("answer", [portions, _one_large_batch, _summed_first, _gradients_divided])
def test_portions_may_be_trained_in_any_way(answer):
    verdict = check.train_in_portions(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        (" / every", "", "summed"),
        ("start=1", "start=0", "counted from zero"),
        ("            optimizer.zero_grad()\n", "", "never cleared"),
        ("        loss =", "        optimizer.zero_grad()\n        loss =", "cleared each time"),
        ("number % every == 0", "True", "small step each time"),
        (" / every", " / len(batches)", "divided by all"),
        ("number % every == 0", "number == len(batches)", "one step"),
    ],
)
def test_wrong_portions_are_recognised(old, new, mistake):
    wrong(check.train_in_portions(changed(old, new, portions)), mistake)
