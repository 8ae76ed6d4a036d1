"""What are the targets, and does the loss function grow with the mistakes?"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import torch
from torch.nn.functional import one_hot
from torch.overrides import TorchFunctionMode

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.findings import Finding
from labkit.doctor.forms import loss_makes_scores
from labkit.doctor.log import Judged
from labkit.doctor.sample import pairs
from labkit.inspect.recording import FAILURES
from labkit.sandbox.copies import Copies
from labkit.sandbox.untouched import untouched


def look(case: Case, entropy: list[Judged], judged: list[Judged]) -> Iterator[Finding]:
    """Look at the targets that the loss function was given."""
    yield from _rows(entropy)
    yield from _far(judged)
    yield from _copied(case)
    yield from _cut(case)
    if case.log.no_signs:
        function, where = case.log.no_signs
        yield found("targets-without-signs", where, function=function)
    if case.log.spoilt_target:
        yield found("targets-spoilt", case.log.spoilt_target)


def _rows(calls: list[Judged]) -> Iterator[Finding]:
    """Look for targets by class whose rows are all 0, where others are probabilities."""
    soft = [c.targets for c in calls if c.targets is not None and c.targets.is_floating_point()]
    sums = torch.cat([part.sum(1) for part in soft if part.ndim == 2] or [torch.zeros(0)])
    share = (sums == 0).float().mean().item() if len(sums) else 0
    several = (sums > 1.5).float().mean().item() if len(sums) else 0
    if several:
        yield found("targets-empty/several", calls[0].where, share=several)
    elif 0 < share < 1:
        yield found("targets-empty", calls[0].where, share=share)


_DISTANCES = ("mse_loss", "l1_loss", "smooth_l1_loss")


def _far(judged: list[Judged]) -> Iterator[Finding]:
    """Compare the size of the targets of a regression with that of the first outputs."""
    call = next((c for c in judged if c.function in _DISTANCES), None)
    if call is None or call.targets is None:
        return
    size, near = (x.float().abs().mean().item() for x in (call.targets, call.outputs))
    if size > 100 * max(near, 1):
        ask = size < 1e4 * max(near, 1)
        yield found("targets-far-away", call.where, ask=ask, size=size, near=near)


def downhill(case: Case) -> Iterator[Finding]:
    """Ask the loss function about outputs that are all right, and about others that are wrong."""
    lessons = case.lessons or pairs(case.sample)
    if case.loss_function is None or not lessons or loss_makes_scores(case):
        return
    images, targets = lessons[0]
    try:
        with torch.no_grad():
            outputs = untrained(case, images)
            if not isinstance(outputs, torch.Tensor) or not outputs.is_floating_point():
                return
            if targets.ndim == 1 and outputs.ndim == 2 and not targets.is_floating_point():
                width = outputs.shape[1]
                right, wrong = (one_hot((targets + n) % width, width).float() for n in (0, 1))
                if width < 2 or targets.min() < 0 or targets.max() >= width:
                    return
                right, wrong = 4 * right, 4 * wrong
                if is_log_softmax(outputs):
                    right, wrong = right.log_softmax(1), wrong.log_softmax(1)
                elif is_softmax(outputs):
                    right, wrong = right.softmax(1), wrong.softmax(1)
            elif targets.shape == outputs.shape and targets.is_floating_point():
                between = bool(outputs.min() >= 0 and outputs.max() <= 1)
                right, wrong = targets.clone(), targets + targets.std() + 1e-3
                if between or targets.std() == 0:
                    return
            else:
                return
            given = Copies().of(case.loss_function)
            good, bad = (float(given(x, targets)) for x in (right, wrong))
    except FAILURES:
        return
    flip = -1 if case.log.factors and all(factor < 0 for factor in case.log.factors) else 1
    if flip * case.downhill * (good - bad) > 0.5 * max(abs(good), abs(bad)):
        kind = "loss-negated/asked" if good <= 0 or bad <= 0 else "loss-negated/cheap"
        yield found(kind, ask=bool(case.own_code), good=good, bad=bad)


def untrained(case: Case, images: torch.Tensor) -> Any:
    """Return what a copy of the model answers, in evaluation mode."""
    with untouched(case.double):
        return case.double(images)


def _copied(case: Case) -> Iterator[Finding]:
    """Look for whole numbers as inputs that are their own targets, as words are."""
    both = [(x, y) for x, y in pairs(case.sample) if x.shape == y.shape and x.ndim > 1]
    if both and not any(x.is_floating_point() for x, _y in both):
        if all(torch.equal(x, y) for x, y in both):
            yield found("targets-are-inputs", phrase("training batches"))


class _Entropy(TorchFunctionMode):
    """Keeps what cross_entropy is given in a block."""

    given: torch.Tensor | None = None

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") == "cross_entropy" and args:
            self.given = args[0]
        return func(*args, **(kwargs or {}))


def _cut(case: Case) -> Iterator[Finding]:
    """Hand the loss function the outputs of a segmentation: does it make rows of pixels of them?"""
    lessons = case.lessons or pairs(case.sample)
    outputs = untrained(case, lessons[0][0]) if lessons and lessons[0][1].ndim == 3 else None
    if case.loss_function is None or not isinstance(outputs, torch.Tensor) or outputs.ndim != 4:
        return
    with torch.no_grad(), _Entropy() as mode, suppress(*FAILURES):
        Copies().of(case.loss_function)(outputs, lessons[0][1])
    rows, classes = outputs.movedim(1, 3).reshape(-1, outputs.shape[1]), outputs.shape[1]
    given = mode.given
    if given is not None and given.shape == rows.shape and not torch.equal(given, rows):
        if torch.equal(given, outputs.reshape(-1, classes)):
            yield found("pixels-scrambled", phrase("in the loss function"), classes=classes)


def is_softmax(outputs: torch.Tensor) -> bool:
    """Tell whether each row is a distribution."""
    if outputs.ndim < 2:
        return False
    sums = outputs.sum(dim=1)
    return bool(outputs.min() >= 0 and torch.allclose(sums, torch.ones_like(sums), atol=5e-3))


def is_log_softmax(outputs: torch.Tensor) -> bool:
    """Tell whether each row holds the logarithms of a distribution."""
    total = outputs.float().logsumexp(dim=1)
    return bool(torch.allclose(total, torch.zeros_like(total), atol=5e-3))
