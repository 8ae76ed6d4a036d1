"""Do the loss and the evaluation mean the same by a pair: near for a yes, or for a no?"""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.counting import numbers_in
from labkit.doctor.findings import Finding
from labkit.doctor.forms import outputs_of
from labkit.doctor.sample import Part, Sample, pairs
from labkit.inspect.recording import FAILURES
from labkit.sandbox.copies import Copies

_NEAR, _FAR = 0.01, 2.0
"""Distances that are below and above any usual threshold and margin."""


def look(case: Case) -> Iterator[Finding]:
    """Ask both about pairs that are near where the label is 1, and then where it is 0."""
    batches = case.judging_batches[0]
    both = pairs(batches)
    labels = [y for _x, y in both]
    known = bool(both) and all(y.ndim == 1 and {*y.tolist()} <= {0, 1} for y in labels)
    if not (known and case.evaluate and case.loss_function) or case.log.judged:
        return
    outputs, _sigmoid = outputs_of(case, both[0][0][:4])
    answer = _stand_in(outputs)
    if answer is None or len({*torch.cat(labels).tolist()}) < 2:
        return
    said = [_said(case, batches, labels, answer, near) for near in (0, 1)]
    shares = [pair for pair in zip(*said, strict=False) if abs(pair[1] - pair[0]) > 0.5]
    if len(said[0]) != len(said[1]) or not shares or not all(0 <= x <= 100 for x in shares[0]):
        return
    meant = int(shares[0][1] > shares[0][0])
    try:
        with torch.no_grad():
            loss = Copies().of(case.loss_function)
            costs = [float(loss(answer(labels[0] == near), labels[0])) for near in (0, 1)]
    except (*FAILURES, ValueError):
        return
    if costs[meant] > 2 * abs(costs[1 - meant]) + 1e-3:
        parts: dict[str, Any] = {"label": meant, "cost": costs[meant], "other": costs[1 - meant]}
        yield found("loss-against-evaluation", **parts)


def _stand_in(outputs: Any) -> Callable | None:
    """Return what gives such outputs, near where it is told to; None for something else."""
    if isinstance(outputs, (tuple, list)) and len(outputs) == 2:
        one, other = outputs
        whole = all(isinstance(x, torch.Tensor) and x.ndim == 2 for x in outputs)
        if not whole or one.shape != other.shape or one.shape[1] < 2:
            return None
        unit = torch.nn.functional.normalize(torch.ones(1, one.shape[1]), dim=1)
        return lambda near: (
            unit.expand(len(near), -1),
            unit * torch.where(near, 1 - _NEAR, -1.0)[:, None],
        )
    if isinstance(outputs, torch.Tensor) and outputs.ndim in (1, 2) and outputs.min() >= 0:
        shape = (-1, *outputs.shape[1:])
        single = outputs.numel() == len(outputs)
        return (lambda near: torch.where(near, _NEAR, _FAR).reshape(shape)) if single else None
    return None


def _said(case: Case, batches: list, labels: list, answer: Callable, near: int) -> list[float]:
    """Return the numbers that the evaluation says of pairs that are near where the label is so."""
    at = -1

    def on_batch(_batch) -> None:
        nonlocal at
        at += 1

    def forward(*_given, **_options):
        return answer(labels[at % len(labels)] == near)

    sample = Sample(batches, Part(batches, case.judging), on_batch=on_batch)
    seen = case.judge(sample, forward)
    return [] if seen.error or seen.late else numbers_in(seen.returned)
