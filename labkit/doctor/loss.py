"""Does the loss function get what it expects: raw logits, and labels from 0 to C - 1?"""

from collections.abc import Iterator

import torch

from labkit.doctor.case import Case
from labkit.doctor.findings import Finding
from labkit.doctor.sample import is_pair
from labkit.doctor.watch import Judged
from labkit.text import _

_IGNORED = -100
"""The label that cross_entropy passes over (its default ignore_index)."""


_LITTLE = 0.3
"""Above the logits of a fresh ``Net``, which may all be positive, and below sigmoid(0)."""

_LABELS_DO_NOT_FIT = (
    "is out of bounds",
    "expected target dtype",
    "type for target",
)
"""What the loss functions say where the labels are at fault."""


def look(case: Case) -> Iterator[Finding]:
    """Look at what the loss function was given during the rehearsal."""
    judged = _judged(case)
    entropy = [call for call in judged if call.function == "cross_entropy"]
    if entropy:
        yield from _before_cross_entropy(entropy)
        yield from _width(case, entropy[0])
    likelihood = [call for call in judged if call.function == "nll_loss"]
    if likelihood and not all(_is_log_softmax(call.outputs) for call in likelihood):
        yield Finding(
            "no-log-softmax",
            _("NLLLoss gets logits."),
            likelihood[0].where,
            _("It expects log-probabilities. With logits it can fall without limit."),
            _("Use nn.CrossEntropyLoss on the logits: it does both in one."),
        )


def _judged(case: Case) -> list[Judged]:
    return case.rehearsal.log.judged if case.rehearsal else []


def explains(case: Case, error: Exception) -> bool:
    """Return whether an error of the loss function is said better by what is found here."""
    about_labels = any(part in str(error) for part in _LABELS_DO_NOT_FIT)
    return about_labels and (any(look_at_labels(case)) or any(look(case)))


def _before_cross_entropy(calls: list[Judged]) -> Iterator[Finding]:
    outputs = [call.outputs.float() for call in calls if call.outputs.ndim > 1]
    if not outputs or any(out.shape[1] < 2 or not out.isfinite().all() for out in outputs):
        return
    where, numbers = calls[0].where, torch.cat([out.flatten() for out in outputs])
    if all(_is_softmax(out) for out in outputs):
        yield _squashed("softmax", "softmax-before-loss", where)
    elif all(_is_log_softmax(out) for out in outputs):
        yield Finding(
            "log-softmax-before-loss",
            _("A log-softmax stands before CrossEntropyLoss."),
            where,
            _(
                "CrossEntropyLoss takes the log-softmax itself. A second one changes no number, "
                "so the loss is right; but the work is done twice, and the model returns no logits."
            ),
            _("Return the logits as they are, or keep log_softmax and use nn.NLLLoss."),
            "question",
        )
    elif len(numbers) >= 20 and numbers.min() > 0 and _LITTLE < numbers.max() < 1:
        yield _squashed("sigmoid", "sigmoid-before-loss", where)
    elif len(numbers) >= 20 and numbers.min() == 0 and (numbers == 0).float().mean() > 0.1:
        yield Finding(
            "relu-before-loss",
            _("The logits are never negative: a ReLU stands after the last layer."),
            where,
            _("A class whose logit is cut off at 0 gets no gradient, and cannot be told unlikely."),
            _("Return the last layer's output as it is."),
            "question",
        )


def _squashed(function: str, kind: str, where: str) -> Finding:
    return Finding(
        kind,
        _("A {function} stands before CrossEntropyLoss.").format(function=function),
        where,
        _(
            "CrossEntropyLoss takes logits and applies the softmax itself. Numbers between 0 and 1 "
            "are logits that hardly differ: the loss cannot come near 0, and learning is slow."
        ),
        _("Remove the {function}: give the loss function the last layer's output.").format(
            function=function
        ),
    )


def _is_softmax(outputs: torch.Tensor) -> bool:
    sums = outputs.sum(dim=1)
    return bool(outputs.min() >= 0 and torch.allclose(sums, torch.ones_like(sums), atol=5e-3))


def _is_log_softmax(outputs: torch.Tensor) -> bool:
    total = outputs.float().logsumexp(dim=1)
    return bool(torch.allclose(total, torch.zeros_like(total), atol=5e-3))


def number_of_classes(case: Case) -> tuple[int, str]:
    """Return how many classes there are, and how that is known; 0 if it is not."""
    if isinstance(case.classes, int):
        return case.classes, _("as you said")
    if case.classes is not None:
        return len(case.classes), _("as you said")
    for batches in (case.train_batches, case.validation_batches, case.test_batches):
        names = _classes_of(getattr(batches, "dataset", None))
        if names:
            return len(names), _("in the data set's .classes")
    return 0, ""


def _classes_of(dataset) -> list:
    while dataset is not None:
        names = getattr(dataset, "classes", None)
        if names:
            return list(names)
        dataset = getattr(dataset, "dataset", None)
    return []


def _width(case: Case, call: Judged) -> Iterator[Finding]:
    classes, known = number_of_classes(case)
    width = call.outputs.shape[1] if call.outputs.ndim > 1 else 1
    if not classes or width == classes:
        return
    yield Finding(
        "width",
        _("The model has {width} outputs for {classes} classes.").format(
            width=width, classes=classes
        ),
        _("the last layer; {classes} classes {known}").format(classes=classes, known=known),
        _("The outputs too many are classes that never occur, and take part of the probability.")
        if width > classes
        else _("A label has no output of its own: the loss breaks when it comes."),
        _("Give the last layer as many outputs as there are classes: nn.Linear(..., {n}).").format(
            n=classes
        ),
    )


def look_at_labels(case: Case) -> Iterator[Finding]:
    """Look at the labels of all batches at hand, and of the data set where it lists them."""
    judged = _judged(case)
    if judged and judged[0].function not in ("cross_entropy", "nll_loss"):
        return  # other losses take other labels
    for loader, sample, name in _labelled(case):
        labels = [batch[1] for batch in sample if is_pair(batch)]
        if not labels:
            continue
        if labels[0].ndim == 2 and all(map(_is_one_hot, labels)):
            yield _one_hot(name, labels[0])
        elif labels[0].ndim == 1 and judged and labels[0].is_floating_point():
            yield _floats(name, labels[0])
        elif labels[0].ndim == 1 and not labels[0].is_floating_point():
            yield from _out_of_range(case, torch.cat(labels), loader, name)


def _labelled(case: Case):
    yield case.train_batches, case.sample, _("the training batches")
    yield case.validation_batches, case.judging_sample, _("the validation batches")


def _is_one_hot(labels: torch.Tensor) -> bool:
    values = labels.float()
    both = bool(((values == 0) | (values == 1)).all())
    return both and bool((values.sum(dim=1) == 1).all()) and labels.shape[1] > 1


def _one_hot(name: str, labels: torch.Tensor) -> Finding:
    return Finding(
        "one-hot",
        _("The labels are one-hot, of shape {shape}.").format(shape=list(labels.shape)),
        name,
        _(
            "CrossEntropyLoss takes class numbers, int64 [N]. One-hot labels as floats pass as "
            "probabilities, but predictions == labels compares [N] with [N, C]: the accuracy is "
            "wrong. As integers they break."
        ),
        _("labels = labels.argmax(dim=1)"),
        "question" if labels.is_floating_point() else "fault",
    )


def _floats(name: str, labels: torch.Tensor) -> Finding:
    return Finding(
        "label-type",
        _("The labels are {kind}, numbers with a point.").format(kind=labels.dtype),
        name,
        _("The label says which output is the right one: a class number, int64 [N]."),
        _("labels = labels.long()"),
    )


def _out_of_range(case: Case, labels: torch.Tensor, loader, name: str) -> Iterator[Finding]:
    every = _all_targets(getattr(loader, "dataset", None))
    labels = labels if every is None else torch.cat([labels, every])
    labels = labels[labels != _IGNORED]
    classes, _known = number_of_classes(case)
    judged = _judged(case)
    if not classes and judged:
        outputs = judged[0].outputs
        classes = outputs.shape[1] if outputs.ndim > 1 else 0
    if not classes or not len(labels):
        return
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        yield Finding(
            "label-range",
            _("The labels go from {low} to {high}; {classes} classes are 0 to {last}.").format(
                low=low, high=high, classes=classes, last=classes - 1
            ),
            name,
            _(
                "A label without an output breaks the loss, on a GPU with a message that names "
                "another place. With one output too many it passes, and class 0 never occurs."
            ),
            _("labels = labels - 1") if low == 1 and high == classes else _("Count from 0."),
        )


def _all_targets(dataset) -> torch.Tensor | None:
    targets = getattr(dataset, "targets", None)
    if targets is None or not len(targets):
        return None
    targets = torch.as_tensor(targets)
    whole = targets.ndim == 1 and not targets.is_floating_point()
    return targets if whole and getattr(dataset, "target_transform", None) is None else None
