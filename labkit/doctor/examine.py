"""One examination: hand over what you have, get the findings."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from labkit.doctor import (
    activity,
    agreeing,
    augmenting,
    evaluating,
    images,
    learning,
    loading,
    loss,
    shortcuts,
    steps,
    structure,
    weights,
)
from labkit.doctor.calls import arguments_fit, message
from labkit.doctor.case import Case
from labkit.doctor.catalogue import CONSEQUENCES, found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.findings import Finding, Report
from labkit.doctor.sample import check_rewinds
from labkit.inspect.recording import FAILURES
from labkit.sandbox import randomness
from labkit.sandbox.copies import files_kept
from labkit.sandbox.limits import TimeUp
from labkit.text import _


def examine(
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    loss_function: Callable | None = None,
    train_batches: Iterable | None = None,
    validation_batches: Iterable | None = None,
    *,
    test_batches: Iterable | None = None,
    step: Callable | None = None,
    train: Callable | None = None,
    evaluate: Callable | None = None,
    classes: list[str] | int | None = None,
    checkpoint: Any = None,
) -> Report:
    """Look for the bugs that raise no error; leave all that is handed over exactly as it was.

    Hand over what you have; each thing lets the doctor see more. Your own code is run on copies,
    for some batches: ``step(model, images, labels, loss_function, optimizer)`` takes one training
    step, ``train(model, batches, loss_function, optimizer)`` is a whole loop over batches,
    ``evaluate(model, batches)`` returns or prints how good the model is. A function without
    arguments that uses the variables of the notebook will do: it then finds copies in them.
    ``loss_function`` is cross-entropy if you say nothing, ``classes`` a number or the names.
    ``checkpoint`` is a file or a state_dict, or what ``load_state_dict(...)`` returned.

    What your code writes to files goes to a temporary folder. Each function has a time limit, and
    the whole examination one of a minute.

    model: the network, as it is before training
    optimizer: the one that steps it
    loss_function: called as loss_function(outputs, labels); default cross-entropy
    train_batches, validation_batches, test_batches: loaders or lists of batches, (images, labels)
    step, train, evaluate: your functions, as above; one of step and train is enough
    classes: how many there are, or their names
    checkpoint: what the model was loaded from

    Raises ValueError if model or optimizer are something else, if a function takes other arguments,
    or if the batches are an iterator, which cannot be rewound.
    """
    _check_kind(model, nn.Module, phrase("model"))
    if optimizer is not None and not callable(getattr(optimizer, "step", None)):
        _check_kind(optimizer, torch.optim.Optimizer, phrase("optimizer"))
    _check(step, 5, "step(model, images, labels, loss_function, optimizer)")
    _check(train, 4, "train(model, batches, loss_function, optimizer)")
    _check(evaluate, 2, "evaluate(model, batches)")
    batches = (train_batches, validation_batches, test_batches)
    for loader in batches:
        check_rewinds(loader)
    case = Case(
        *(model, optimizer, loss_function, train_batches, validation_batches, test_batches),
        *(step, train, evaluate, classes, checkpoint),
    )
    datasets = [getattr(loader, "dataset", None) for loader in batches]
    with ExitStack() as stack:
        for kept in (randomness.kept(0), randomness.generators_kept(datasets), files_kept()):
            stack.enter_context(kept)
        changed = stack.enter_context(loading.put_back(datasets))
        spoilt = [found("data-changed", f"{name}[0]") for name in changed]
        case.named += [finding.kind for finding in spoilt]
        seen = _distinct([*spoilt, *_found(case)])
    ordered = sorted(seen, key=lambda finding: finding.severity == "question")
    return Report(tuple(ordered), *_scope(case))


def _found(case: Case) -> Iterator[Finding]:
    """Run one probe after another; what breaks on something unusual is not looked at."""
    for look in _probes(case):
        try:
            if time.monotonic() > case.deadline:
                raise TimeUp
            for finding in look(case):
                case.named.append(finding.kind)
                yield finding
        except FAILURES as failure:
            name = look.__module__.rpartition(".")[2]
            case.missed.append(phrase("probe failed", name=name, error=message(failure)))
        except TimeUp:
            case.missed.append(phrase("out of time"))
            return


def _probes(case: Case) -> list[Callable]:
    probes = [weights.look]
    if case.checkpoint is not None:
        probes.append(weights.look_at_checkpoint)
    probes += [images.look_at_types, images.look] if case.train_batches is not None else []
    probes += [loading.look, loss.look_at_labels]
    if case.train_batches is not None:
        probes += [steps.look, loss.look, structure.look, activity.look, shortcuts.look]
        probes += [augmenting.look]
    return [*probes, evaluating.look, agreeing.look, learning.look]


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once, and none that follows from another one."""
    distinct = {}
    for finding in findings:
        distinct.setdefault((finding.kind, finding.what), finding)
    follow = {kind for finding in distinct.values() for kind in CONSEQUENCES.get(finding.kind, ())}
    return [finding for finding in distinct.values() if finding.kind not in follow]


def _check_kind(thing: Any, kind: type, name: str) -> None:
    if not isinstance(thing, kind):
        raise ValueError(
            _(
                "The {name} is a {given}. Hand things over in this order: model, optimizer, "
                "loss_function, train_batches, validation_batches."
            ).format(name=name, given=type(thing).__name__)
        )


def _check(function: Callable | None, arguments: int, called: str) -> None:
    if function is None or arguments_fit(function, arguments) or arguments_fit(function, 0):
        return
    raise ValueError(
        _(
            "{name} cannot be called as {called}. Give it these arguments, or wrap it: "
            "lambda {names}: ..."
        ).format(
            name=getattr(function, "__name__", repr(function)),
            called=called,
            names=called.partition("(")[2].rstrip(")"),
        )
    )


def _scope(case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what was run or looked at, and what was not: with the reason, or what to hand over."""
    _why_not(case)
    things = (
        (case.optimizer, phrase("optimizer's weights"), "optimizer"),
        (case.train_batches, phrase("batches and steps"), "train_batches"),
        (case.own_code, phrase("training code"), "step= / train="),
        (case.judging, phrase("images to judge by"), "validation_batches"),
        (case.evaluate, phrase("your evaluation"), "evaluate="),
        (case.checkpoint, phrase("checkpoint's names"), "checkpoint="),
    )
    seen, missing = [phrase("model's parameters")], []
    for thing, text, name in things:
        reason = case.unseen.get(name.strip("="))
        if thing is not None and not reason:
            seen.append(text)
        else:
            missing.append(f"{text} ({reason or name})")
    return tuple(seen), tuple(missing + case.missed)


def _why_not(case: Case) -> None:
    """Note what was handed over and could not be run."""
    training = case.rehearsal if case.train_batches is not None else None
    if case.train_batches is not None and training is None:
        reason = phrase("no batch")
        if case.sample:
            reason = phrase("no pairs")
        for name in ("train_batches", "step= / train"):
            case.unseen.setdefault(name, reason)
    elif training and training.late:
        case.unseen.setdefault("step= / train", phrase("too long"))
