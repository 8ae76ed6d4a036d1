"""Does the learner's evaluation look without touching, and count every image once?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import torch
from torch.nn import functional
from torch.utils.data import TensorDataset

from labkit.doctor.case import Case, Rehearsal, message
from labkit.doctor.findings import Finding
from labkit.doctor.sample import Sample, is_pair
from labkit.inspect.recording import FAILURES
from labkit.sandbox.untouched import untouched
from labkit.text import _

_BATCH = 4
"""Images in each but the last of the made-up batches, which has one."""

_RIGHT = (True, True, False, False), (False,) * 4, (True,)
_RIGHT_TOO = (False,) * 4, (True, False, False, False), (True,)
"""Which of the answers are right by the made-up labels, in a first and in a second trial."""


@dataclass
class _Trial:
    """Batches of 4, 4 and 1 images, with labels that make some of the answers right."""

    images: torch.Tensor
    labels: torch.Tensor
    logits: torch.Tensor
    loader: Any

    @cached_property
    def batches(self) -> Sample:
        dataset = _Few(self.images, self.labels.to(self.images.device))
        dataset.original = getattr(self.loader, "dataset", None)
        pairs = zip(*(tensor.split(_BATCH) for tensor in dataset.tensors), strict=True)
        return Sample(list(pairs), _Made(dataset, _BATCH, self.loader))

    @property
    def accuracy(self) -> tuple[float, float]:
        """The share of right answers, and the mean of the batches' shares."""
        return _means((self.logits.argmax(1) == self.labels).float())

    @property
    def loss(self) -> tuple[float, float]:
        """The mean loss, and the mean of the batches' losses."""
        return _means(functional.cross_entropy(self.logits, self.labels, reduction="none"))


def _means(values: torch.Tensor) -> tuple[float, float]:
    of_batches = [part.mean().item() for part in values.split(_BATCH)]
    return values.mean().item(), sum(of_batches) / len(of_batches)


class _Few(TensorDataset):
    """Nine images that know the class names and the like of the set they stand for."""

    def __getattr__(self, name: str) -> Any:
        if name in ("original", "tensors"):
            raise AttributeError(name)
        return self.tensors[1].tolist() if name == "targets" else getattr(self.original, name)


@dataclass
class _Made:
    dataset: _Few
    batch_size: int
    loader: Any

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "loader":
            raise AttributeError(name)
        return getattr(self.loader, name)


def look(case: Case) -> Iterator[Finding]:
    """Run the learner's evaluation on copies and on nine images with made-up labels."""
    trial = _trial(case, _RIGHT) if case.evaluate else None
    if trial is None:
        return
    seen = case.judge(trial.batches)
    if seen.error:
        yield Finding(
            "evaluation-breaks",
            message(seen.error),
            seen.error_at or _("your evaluation"),
            _("It was called as evaluate(model, batches), with batches of 4, 4 and 1 images."),
            _("A last batch may be shorter than the others: count len(labels), not batch_size."),
        )
        return
    yield from _mode(seen)
    yield from _gradients(seen)
    if seen.log.steps or seen.changed_weights:
        yield Finding(
            "evaluation-trains",
            _("The evaluation changes the weights."),
            seen.log.steps[0].where if seen.log.steps else _("your evaluation"),
            _("What is used to judge may not be learnt from: the number says nothing any more."),
            _("No backward() and no step() in an evaluation."),
        )
    yield from _average(case, trial, seen)


def _trial(case: Case, right: tuple) -> _Trial | None:
    batches = case.judging_sample or case.sample
    images = [batch[0] for batch in batches if is_pair(batch)]
    if not images:
        return None
    images = torch.cat([part for part in images if part.shape[1:] == images[0].shape[1:]])
    count = 2 * _BATCH + 1
    images = images.repeat(-(-count // len(images)), *[1] * (images.ndim - 1))[:count]
    weight = next(iter(case.model.parameters()), images)
    try:
        with untouched(case.double):
            logits = case.double(images.to(weight.device)).float().cpu()
    except FAILURES:
        return None
    if logits.ndim != 2 or logits.shape[1] < 2 or not logits.isfinite().all():
        return None
    answers = logits.argmax(1)
    wrong = (answers + 1) % logits.shape[1]
    is_right = torch.tensor([answer for batch in right for answer in batch])
    loader = case.test_batches if case.validation_batches is None else case.validation_batches
    return _Trial(images, torch.where(is_right, answers, wrong), logits, loader)


def _mode(seen: Rehearsal) -> Iterator[Finding]:
    wrong = [forward for forward in seen.log.forwards if any(forward.modes.values())]
    if not wrong:
        return
    names = [name for name, training in wrong[0].modes.items() if training]
    matters = names != [""]
    where = wrong[0].where
    if matters:
        where += _(" (layers: {names})").format(names=", ".join(names[:4]))
    yield Finding(
        "evaluating-in-train-mode",
        _("The model is in training mode while it is evaluated."),
        where,
        _(
            "Dropout drops units at random, and batch normalisation uses each batch's own "
            "statistics and learns from them: the answer depends on chance and on the neighbours."
        )
        if matters
        else _("This model has no layer that behaves differently; the day it has, it will matter."),
        _("Call model.eval() before, and model.train() when training goes on."),
        "fault" if matters else "question",
    )


def _gradients(seen: Rehearsal) -> Iterator[Finding]:
    tracked = [forward for forward in seen.log.forwards if forward.gradients]
    if tracked and any(p.requires_grad for p in seen.model.parameters()):
        yield Finding(
            "gradients-in-evaluation",
            _("The evaluation keeps the record for backward()."),
            tracked[0].where,
            _(
                "Nobody calls backward() here, so the record costs time and memory for nothing: "
                "a batch that fits otherwise may not fit."
            ),
            _("Put the loop under with torch.inference_mode(): (or torch.no_grad())."),
        )


def _average(case: Case, trial: _Trial, seen: Rehearsal) -> Iterator[Finding]:
    suspects = _averages_batches(trial, seen)
    if suspects:  # could be by chance: ask again with other labels
        again = _trial(case, _RIGHT_TOO)
        suspects &= _averages_batches(again, case.judge(again.batches))
    for name in sorted(suspects):
        true, of_batches = getattr(trial, name)
        yield Finding(
            f"{name}-of-batches",
            _("The {name} is a mean over batches, not over images.").format(name=name),
            _(
                "your evaluation of batches of 4, 4 and 1 images: {wrong:.3g} instead of "
                "{right:.3g}"
            ).format(wrong=of_batches, right=true),
            _("The images of a short last batch weigh more than the others."),
            _("Add up over all images, and divide once by their number at the end."),
        )


def _averages_batches(trial: _Trial, seen: Rehearsal) -> set[str]:
    """Return of which numbers the mean over batches was returned or printed, but not the mean."""
    said = [*_numbers(seen.returned), *map(float, re.findall(r"\d+\.?\d*", seen.printed))]
    said += [number / 100 for number in said]  # per cent
    found = set()
    for name, near in (("accuracy", 0.0101), ("loss", 0.0006)):  # %d cuts off up to 1 %
        true, of_batches = getattr(trial, name)
        right, wrong = (any(abs(s - value) <= near for s in said) for value in (true, of_batches))
        if wrong and not right and abs(true - of_batches) > 3 * near:
            found.add(name)
    return found


def _numbers(value: Any, depth: int = 3) -> list[float]:
    """Return the numbers in what a function returned."""
    if isinstance(value, torch.Tensor):
        return [value.item()] if value.numel() == 1 else []
    if isinstance(value, Real) and not isinstance(value, bool):
        return [float(value)]
    if depth == 0 or isinstance(value, str):
        return []
    if isinstance(value, (list, tuple)):
        inner = value[:20]
    else:
        inner = (value if isinstance(value, dict) else getattr(value, "__dict__", {})).values()
    return [number for part in inner for number in _numbers(part, depth - 1)]
