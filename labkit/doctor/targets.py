"""What are the targets, and does the loss function grow with the mistakes?"""

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.functional import one_hot

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.findings import Finding
from labkit.doctor.sample import pairs
from labkit.inspect.recording import FAILURES
from labkit.sandbox.copies import Copies
from labkit.sandbox.untouched import untouched


def downhill(case: Case) -> Iterator[Finding]:
    """Ask the loss function about outputs that are all right, and about others that are wrong."""
    lessons = case.lessons or pairs(case.sample)
    if case.loss_function is None or not lessons:
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
