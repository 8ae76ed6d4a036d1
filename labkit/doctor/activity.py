"""Does the network move, and stay alive: learning rate, NaN, dead units?"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.findings import Finding
from labkit.doctor.log import Rehearsal
from labkit.doctor.sample import fitting, length, pairs
from labkit.inspect.recording import record
from labkit.sandbox import randomness
from labkit.sandbox.limits import TimeUp
from labkit.training import TrainingStopped

_DEAD = 0.9
"""The share of silent units at which a layer is called dead: a new network has many already."""

_STANDSTILL = 3e-7
"""The share of its size by which a weight moves in a step: float32 hardly notices less (2**-23)."""

_TRIALS = 16
"""Steps of a trial with another learning rate, over and over the same two batches."""

_SLOW, _STUCK = 0.008, 0.003
"""A fall of the loss in a trial, as a share of it, under which a rate may be too small, or is."""

_LARGE_EPS = 1e-5
"""An eps that may be more than the gradients: usual are 1e-8 and 1e-6."""

_EPOCHS = 10
"""A loss that falls by itself in so many epochs is not too slow, however little a step does."""

_SECONDS = 8.0
"""The time for all trials together."""


def look(case: Case) -> Iterator[Finding]:
    """Look at the numbers of the rehearsal, and at the units before and after it."""
    seen = case.rehearsal
    if seen is None or (seen.error and not isinstance(seen.error, TrainingStopped)):
        return
    spoilt = list(_not_finite(case, seen))
    yield from spoilt
    if spoilt:
        return
    dead = list(_dead(case, seen))
    speed = list(_speed(case, seen)) if case.optimizer is not None else []
    yield from (finding for finding in speed if not (dead and finding.kind.endswith("small")))
    if not any(finding.kind.endswith("large") for finding in speed):
        yield from dead  # what a large step has killed is not said twice


def _not_finite(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    losses = seen.log.losses
    at = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)
    if seen.log.spoilt_at and (at is None or seen.log.spoilt_after <= at):
        if not all(p.isfinite().all() for p in seen.model.parameters()):
            yield found("gradient-not-finite", name=seen.log.spoilt_at)
            return  # where they are finite, a gradient scaler has left this step out
    if at is None or not all(images.isfinite().all() for images, _ in pairs(case.sample)):
        return  # what is wrong with the images is said elsewhere
    spoilt = [name for name, p in case.model.named_parameters() if not p.isfinite().all()]
    if at > 0 and not spoilt:
        words = phrase("loss at step", loss=losses[at], step=at + 1)
        yield _too_large(case, words)
        return
    names = phrase("in the weights", names=", ".join(spoilt[:3]))
    where = names if spoilt else _first_layer(case) or _outside_the_layers(seen)
    yield found("loss-not-finite", where, loss=losses[at])


def _first_layer(case: Case) -> str:
    """Return the first layer whose output is not finite, in words."""
    for images in case.entered[:1]:
        for step in record(case.double, fitting(images, case.model), keep=True).steps:
            if not step.values.isfinite().all():
                return phrase("begins in", layer=step.call.name, shape=list(step.shape))
    return ""


def _outside_the_layers(seen: Rehearsal) -> str:
    if all(call.outputs.isfinite().all() for call in seen.log.judged[:1]):
        return phrase("in the loss function")
    return phrase("in training mode")


def _too_large(case: Case, seen: str, tried: str = "", ask: bool = False) -> Finding:
    log = case.log
    if log.judged and log.judged[0].options.get("reduction") == "sum":
        if max(map(abs, log.factors), default=1) > 0.5:
            return found("loss-summed", log.judged[0].where, seen=seen, tried=tried)
        ask = True  # it is divided by a number of images of the learner's own
    batches = _accumulates(case)
    if batches > 1 and log.factors and all(0.9 < factor < 1.1 for factor in log.factors):
        return found("not-divided", log.backwards[-1], n=batches, seen=seen, tried=tried)
    return found("learning-rate-too-large", ask=ask, rate=_rate(case), seen=seen, tried=tried)


def _accumulates(case: Case) -> int:
    """Return over how many batches the gradients are added up for each step."""
    at = [step.batch for step in case.log.steps]
    gaps = {after - before for before, after in zip(at, at[1:], strict=False)}
    return gaps.pop() if len(gaps) == 1 and not case.log.lost else 1


def _rate(case: Case) -> str:
    return ", ".join(dict.fromkeys(f"{float(g['lr']):g}" for g in case.groups))


def _speed(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    """Judge the learning rate by what other learning rates would do, tried on copies."""
    log = seen.log
    moves = [step.moved for step in log.steps if math.isfinite(step.moved)]
    if not log.losses or _warms_up(case, seen) or _elsewhere(log):
        return
    still = bool(moves) and max(moves) < _STANDSTILL and _mean(log.losses[-3:]) > 0.05
    first, results = _range(case, seen)
    if results:
        best = min(results, key=results.__getitem__)
        fell, could = first - results[1], first - results[best]
        here = phrase("loss goes", first=first, last=results[1], n=_TRIALS)
        tried = phrase("with another rate", times=best, first=first, last=results[best])
        harm = fell < -0.05 * first and could > 0.02 * first
        if best < 1 and (harm or could > max(0.1 * first, 3 * fell)):
            yield _too_large(case, here, tried, ask=fell > 0.02 * first)
            return
        slow = could > 0.05 * first and fell < _SLOW * first
        crawls = could > max(0.02 * first, 20 * fell) and fell < 0.001 * first
        reach = fell / _TRIALS * _EPOCHS * (length(case.train_batches) or 1_000)
        if best > 1 and (slow or crawls) and reach < 0.5 * first:
            ask = best < 1_000 or fell > _STUCK * first or not slow or reach > 0.1 * first
            parts: dict[str, Any] = {"seen": here, "tried": tried}
            kept = max(step.kept for step in log.steps) * max(map(abs, log.factors), default=1)
            if kept < 0.1:
                scaled = "/scaled" if min(map(abs, log.factors), default=0) > 100 else ""
                yield found(f"gradients-clipped{scaled}", ask=ask, kept=kept, **parts)
            else:
                yield _too_short(case, ask=ask, **parts)
            return
        if not still and fell > 0.1 * first:
            return
    if still:
        here = phrase("no layer moves", share=max(moves))
        yield _too_short(case, seen=here, tried="", ask=False)


def _too_short(case: Case, **parts: Any) -> Finding:
    """Say what keeps the steps short: the learning rate, or an eps that swallows gradients."""
    eps = max((group.get("eps") or 0 for group in case.groups), default=0)

    def usual(copies, _model):
        for group in copies.optimizer(case.optimizer).param_groups:
            group["eps"] = 1e-8

    if eps > _LARGE_EPS:
        with suppress(TimeUp):
            tried = [_trial(case, 0, _TRIALS), _trial(case, 1, _TRIALS)]
            tried.append(_trial(case, 1, _TRIALS, usual))
            first, own, other = (_mean(losses[-4:]) for losses in tried)
            if all(tried) and first - other > max(0.002 * first, 10 * (first - own)):
                parts["tried"] = phrase("with another eps", eps=1e-8, first=first, last=other)
                return found("eps-too-large", type(case.optimizer).__name__, eps=eps, **parts)
    return found("learning-rate-too-small", rate=_rate(case), **parts)


def _elsewhere(log) -> bool:
    """Tell whether another cause is known that looks like a wrong learning rate."""
    guess = math.log(max(log.judged[0].outputs.shape[-1], 2)) if log.judged else 1.0
    far = log.judged and log.judged[0].function == "cross_entropy" and log.losses[0] > 10 * guess
    summed = log.judged and log.judged[0].options.get("reduction") == "sum"
    negated = log.factors and all(factor < 0 for factor in log.factors)
    return bool(negated or (far and not summed))


def _warms_up(case: Case, seen: Rehearsal) -> bool:
    """Tell whether a scheduler has begun with a fraction of the rate that it will come to."""
    rates = [step.rate for step in seen.log.steps]
    return bool(rates and max(rates) > 1.5 * rates[0] > 0) or any(
        max(group.get("initial_lr", 0), group.get("max_lr", 0)) > 2 * group["lr"]
        for group in case.groups
    )


def _range(case: Case, seen: Rehearsal) -> tuple[float, dict[float, float]]:
    """Return the loss without steps, and after steps so many times as long, in the same batches."""
    steps, results = len(seen.log.steps), {}
    closure = isinstance(case.optimizer, torch.optim.LBFGS)
    if not steps or len(seen.log.optimizers) > 1 or seen.log.elsewhere or closure:
        return 0.0, results
    if seen.passes != 1 and case.train:
        return 0.0, results  # not the five lines in a loop over the batches
    each = max(1, round(max(seen.log.batches - seen.passes, 1) / steps))
    count = each * max(4, _TRIALS // each)
    deadline = time.thread_time() + _SECONDS

    def after(times: float) -> float:
        if time.thread_time() > deadline:
            raise TimeUp
        losses = _trial(case, times, count)
        value = _mean(losses[-max(len(losses) // 4, 1) :]) if losses else math.nan
        return value if math.isfinite(value) else math.inf

    first = 0.0
    try:
        first, results[1] = after(0), after(1)
        if not math.isfinite(first) or first <= 0:
            return 0.0, {}
        if not results[1] < 0.93 * first:
            for times in (0.1, 0.01, 1e-3, 1e-4):
                results[times] = after(times)
                if results[times] < 0.8 * first:
                    break
        if first > 0.05 and 0 <= first - results[1] < _SLOW * first:
            for times in (10, 100, 1e3, 1e4):
                results[times] = after(times)
                if results[times] < 0.8 * first:
                    break
    except TimeUp:  # what is known by then counts
        return (first, results) if 1 in results else (0.0, {})
    return first, results


def _trial(
    case: Case, times: float, count: int, change: Callable = lambda copies, model: None
) -> list[float]:
    """Train with steps ``times`` as long, over and over two batches; return the losses.

    The random numbers are the same each time. Raises TimeUp where there is no more time.
    """
    with randomness.kept(0):
        seen = case.train_copies(count, batches=case.sample[:2], times=times, change=change)
    if seen.late:
        raise TimeUp
    return [] if seen.error or seen.log.elsewhere else seen.log.sunk


def _dead(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    same = [batch for batch in case.entered if batch.shape[1:] == case.entered[0].shape[1:]]
    if not same or sum(map(len, same)) < 16:
        return
    images = torch.cat(same)[:256]
    before = _silent(case.double, images)
    after = _silent(seen.model, images)
    for layer, share in {**before, **after}.items():
        if share >= _DEAD:
            where = phrase("after steps", layer=layer, n=len(seen.log.steps))
            if before.get(layer, 0) >= _DEAD:
                where = phrase("for all images", layer=layer, n=len(images))
            yield found("dead-relu", where, share=share)


def _silent(model: nn.Module, images: torch.Tensor) -> dict[str, float]:
    """Return for each ReLU the share of its channels or units that are 0 for all images."""
    shares, before = {}, ""
    for step in record(model, fitting(images, model), keep=True).steps:
        if step.call.kind == "ReLU" or step.call.name.endswith("relu()"):
            axes = [axis for axis in range(step.values.ndim) if axis != 1]
            if step.values.ndim > 1:
                silent = (step.values == 0).all(dim=tuple(axes)) if axes else step.values == 0
                name = phrase("relu after", layer=before)
                shares[name] = silent.float().mean().item()
        before = step.call.name
    return shares


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
