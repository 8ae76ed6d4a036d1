"""Does each training step clear, compute and step, in this order, on this model, and often enough?

All of it is read from a rehearsal: what the learner's own loop did to copies.
"""

import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from torch.optim import lr_scheduler

from labkit.doctor import loss
from labkit.doctor.calls import iterators_of, message, schedulers_of
from labkit.doctor.case import BATCHES, Case
from labkit.doctor.catalogue import found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.doubles import steps_in_hooks
from labkit.doctor.findings import Finding
from labkit.doctor.log import Rehearsal
from labkit.doctor.sample import length, pairs
from labkit.inspect import summary
from labkit.sandbox.originals import equal
from labkit.training import TrainingStopped

_LITTLE = 0.01
"""The share of a learning rate from which on nothing is learnt."""

_ENDLESS = (lr_scheduler.StepLR, lr_scheduler.MultiStepLR, lr_scheduler.ExponentialLR)
_IN_BATCHES = (
    *(lr_scheduler.OneCycleLR, lr_scheduler.CyclicLR, lr_scheduler.CosineAnnealingWarmRestarts),
    lr_scheduler.ReduceLROnPlateau,
)


def look(case: Case) -> Iterator[Finding]:
    """Look at what the learner's own step or loop did on copies."""
    seen = case.rehearsal
    if seen is None:
        return
    if seen.error and not isinstance(seen.error, TrainingStopped):
        frozen = not any(p.requires_grad for p in case.model.parameters())
        if not frozen and not loss.explains(case, seen.error):  # else it is said better there
            yield from _broken(case, seen, seen.error)
    if seen.error or seen.late:
        return
    if case.own_code and seen.reached_past:
        name = getattr(case.own_code, "__name__", "step")
        things = ", ".join(seen.reached_past)
        where = phrase("outside", things=things)
        yield found("reaches-past", where, function=name)
        return
    if case.own_code:
        yield from _order(case, seen)
        yield from _schedule(case, seen)
        yield from _mode(case, seen)
    if seen.log.reached and case.optimizer is not None:
        yield from _unreached(case, seen)
    both = [run.log.by_reference for run in (seen, case.second_training) if run and not run.error]
    if case.own_code and any(both):
        yield found(max(both), getattr(case.own_code, "__name__", ""))
    idle = [key for key, moved in seen.doubles.items() if not moved and key not in seen.called]
    if case.train and seen.moved and idle:
        yield found("average-unchanged", getattr(case.train, "__name__", ""))
    if case.own_code and seen.without_statistics:
        yield found("average-unchanged/statistics", ask=True)
    yield from _all_batches(case, seen)
    yield from _next_epoch(case)
    if case.own_code and seen.log.graphs_kept >= 2:
        yield found("graph-kept", _last(seen.log.backwards), n=seen.log.graphs_kept)


def _all_batches(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    """Does the loop go through all training batches, learn from these alone, and leave them be?"""
    if seen.log.taught_at:
        yield found("validation-learnt", seen.log.taught_at)
    if seen.spoilt:
        yield found("data-changed", getattr(case.own_code, "__name__", ""))
    there = length(case.train_batches)
    yield from _each_its_own(case, seen)
    again = seen.given == seen.passes >= 3  # said elsewhere
    if case.train and there and seen.given and not seen.finished and not again:
        if seen.given < min(BATCHES, there):
            yield found("some-batches", n=seen.given, there=there)


def _each_its_own(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    """Does the loop compute with each batch that it draws, and learn from it?"""
    log, n = seen.log, seen.log.batches - seen.passes
    passes = [f for f in log.forwards if f.gradients and not f.judging]
    if not case.train or n < 3 * max(seen.passes, 1) or len(passes) < n:
        return
    last = log.sunk[-1:] == log.losses[-1:] and log.since[-1:] > [1.5 * x for x in log.sunk[-1:]]
    if len(log.backwards) == seen.passes and last:
        yield found("last-batch-only", log.backwards[0], n=n // seen.passes)
    inputs = [f.images for f in passes if f.images is not None]
    drawn = [images for images, _labels in pairs(case.sample)[:2]]
    if len(drawn) == 2 and not equal(*drawn) and len(inputs) >= 3:
        if all(equal(inputs[0], other) for other in inputs[1:]):
            yield found("first-batch-again/left-over", passes[0].where, n=n)


def _next_epoch(case: Case) -> Iterator[Finding]:
    """Is the second call of the loop like the first?"""
    again = case.second_training
    if again is None or again.late or not case.train:
        return
    name = getattr(case.train, "__name__", "")
    if again.drawn and not again.given:
        spent = any(True for _x in iterators_of(case.train, case.dataset))
        yield found("second-time-idle", name, ask=not spent)
    elif again.error:
        return
    elif again.reset:
        yield found("weights-reset", name)
    elif again.reseeded:
        yield found("seeded-again", name)


def _broken(case: Case, seen: Rehearsal, error: Exception) -> Iterator[Finding]:
    """Yield what explains an error: devices, types, a layer, or the error itself."""
    images = next((f.images for f in reversed(seen.log.forwards) if f.images is not None), None)
    weight = next(iter(seen.model.parameters()), None)
    if images is not None and weight is not None:
        for kind in ("device", "dtype"):
            here, there = getattr(images, kind), getattr(weight, kind)
            if here != there and (kind == "device" or images.is_floating_point()):
                yield found(kind, seen.error_at, here=str(here), there=str(there))
                return
    fault = summary(seen.model, images).fault if images is not None else None
    where = seen.error_at if case.own_code else phrase("a usual step")
    if fault:
        parts: dict[str, Any] = {"layer": fault.layer, "got": fault.got, "expected": fault.expected}
        yield found("breaks/layer", where, error=message(error), change=fault.change, **parts)
    elif case.own_code:
        yield found("breaks", where, error=message(error))
    else:  # nobody handed over the five lines that broke
        case.unseen["train_batches"] = phrase("usual step breaks", error=message(error))


def _order(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    log, held = seen.log, case.held
    steps, backwards = len(log.steps), len(log.backwards)
    order = [event for event in log.order if event != "clip"]
    if not log.steps and log.elsewhere and not seen.moved:
        yield found("another-copy", log.elsewhere[0])
        return
    if not held or seen.log.elsewhere and not log.steps:
        return  # another model's optimizer: whatever it clears and steps is not here
    if not log.steps and not seen.moved:
        if steps_in_hooks(case.model):
            return
        if case.optimizer is not None or log.reached:
            kind = "nothing-moves" if case.optimizer is None else "no-step"
            yield found(kind, _last(log.backwards), n=log.batches - seen.passes)
        return
    if not log.steps:
        return  # it changes the weights by hand
    if not seen.moved and any(step.moved > 0 for step in log.steps):
        yield found("weights-reset/after", ask=True, n=steps)
    if not log.reached and not any(step.gradient for step in log.steps):
        yield found("no-backward", log.steps[0].where)
    elif (order[0], order[-1]) == ("step", "backward") and not log.steps[0].after_backward:
        yield found("step-before-backward", log.steps[0].where)
    elif log.slopes and log.reached & held and not any(step.gradient for step in log.steps):
        yield found("cleared-too-late", log.steps[0].where)
    elif log.lost > 2 * (steps + len(log.elsewhere)):
        yield found("gradients-lost", log.steps[0].where, backwards=backwards, steps=steps)
    elif _clips_nothing(log.order):
        yield found("clipped-too-early", log.steps[0].where)
    stale = [where for name, where in log.stale.items() if name in held]
    if stale and len(stale) * 2 >= len(log.reached & held):
        yield found("no-zero-grad", stale[0])
    if len(log.optimizers) >= 3 and len(log.optimizers) * 2 > steps and seen.passes == 1:
        yield found("optimizer-recreated", log.steps[-1].where)


def _clips_nothing(order: list[str]) -> bool:
    """Tell whether gradients are clipped before backward() and never between it and the step."""
    *passes, _rest = "".join(event[0] for event in order).split("s")
    return len(passes) > 2 and all(
        part.startswith("c") and part.endswith("b") for part in passes[:-1]
    )


def _schedule(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    log, batches = seen.log, max(seen.log.batches - seen.passes, 1)
    loaded = "/loaded" if getattr(case.optimizer, "state", None) else ""
    if log.steps and case.train and not any(step.rate for step in log.steps):
        yield found(f"learning-rate-zero{loaded}", log.steps[0].where)
    rates = {step.rate for step in log.steps}
    stepped = any(scheduler.last_epoch > start for scheduler, start in seen.schedulers)
    least = min((g["lr"] / _whole(g) for g in case.groups if g.get("initial_lr")), default=1)
    low = list(_never_high(case)) if 0 < least < _PART else []
    yield from low
    little = 0 < least < _LITTLE or 0 < least < _PART and _counts_batches(case)
    if case.train and len(rates) == 1 and little and not stepped and not low:
        yield found("learning-rate-zero/little", log.steps[0].where, rate=min(rates), share=least)
    for mode, meaning in dict.fromkeys(log.told):
        if (mode, meaning) in (("min", "accuracy"), ("max", "loss")):
            yield found("plateau-upside-down", mode=mode)
    for scheduler, start in seen.schedulers:
        calls = scheduler.last_epoch - start
        if calls <= 0:
            continue
        if log.steps and scheduler.optimizer not in log.optimizers:
            yield found("scheduler-of-another", type(scheduler).__name__)
        elif case.train and calls >= 3 and calls >= batches - 1 and seen.passes == 1:
            yield from _sinking(case, scheduler, calls, log.steps[0].rate)
        elif case.train and log.steps and calls <= seen.passes and not low:
            yield from _creeping(scheduler, calls)


def _whole(group: dict) -> float:
    """Return the learning rate that a group was given, or climbs to."""
    return max(group["initial_lr"], group.get("max_lr", 0))


def _counts_batches(case: Case) -> bool:
    """Tell whether the optimizer has a scheduler that climbs and sinks in so many batches."""
    steps = [getattr(s, "total_steps", 0) for s in schedulers_of(case.optimizer)]
    return max(steps, default=0) >= (length(case.train_batches) or 1_000)


def _sinking(case: Case, scheduler, calls: int, first: float) -> Iterator[Finding]:
    """Step a scheduler's copy as often as one or two epochs would, and look at the rate."""
    epoch = length(case.train_batches)
    if epoch is None or isinstance(scheduler, _IN_BATCHES) or not first:
        return
    most = 2 * epoch if isinstance(scheduler, _ENDLESS) else epoch // 2
    for n, rate in enumerate(_rates(scheduler, most - calls), calls):
        if rate < _LITTLE * first:
            name = type(scheduler).__name__
            yield found("scheduler-per-batch", name, first=first, last=rate, n=n)
            return


_EPOCHS, _PART = 20, 0.3


def _creeping(scheduler, calls: int) -> Iterator[Finding]:
    """Step a scheduler's copy as often as many epochs would: does it warm up at all?"""
    rates, whole = _rates(scheduler, _EPOCHS - calls), _given(scheduler)
    if rates[-1] > rates[0] and max(rates) < _PART * whole:
        name = type(scheduler).__name__
        yield found("warm-up-in-epochs", name, n=_EPOCHS, share=max(rates) / whole)


def _never_high(case: Case) -> Iterator[Finding]:
    """Step the optimizer's schedulers through many epochs: do they begin low, and stay there?"""
    for scheduler in schedulers_of(case.optimizer):
        whole, count = _given(scheduler), _EPOCHS * (length(case.train_batches) or 1)
        if scheduler.last_epoch > 1 or whole >= _AS_FACTOR:
            return  # it has begun already, or its factors are meant as learning rates
        rates = _rates(scheduler, min(count, 5_000))
        if max(rates) < _PART * whole:
            parts: dict[str, Any] = {"share": rates[0] / whole, "most": max(rates) / whole}
            ask, name = max(rates) > 1.5 * rates[0], type(scheduler).__name__
            yield found("learning-rate-zero/factor", name, ask=ask, n=_EPOCHS, **parts)
            return


_AS_FACTOR = 0.5
"""With lr=1, the factors of a scheduler are the learning rates."""


def _rates(scheduler, calls: int) -> list[float]:
    """Step a scheduler's copy so often; return the learning rates, the present one first."""
    groups = scheduler.optimizer.param_groups
    rates = [max(float(group["lr"]) for group in groups)]
    if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
        return rates
    with suppress(ValueError), warnings.catch_warnings(action="ignore"):
        for _call in range(calls):
            scheduler.step()
            rates.append(max(float(group["lr"]) for group in groups))
    return rates


def _given(scheduler) -> float:
    """Return the learning rate that the optimizer was given, before the scheduler was made."""
    groups = scheduler.optimizer.param_groups
    return max(float(max(g.get("initial_lr") or g["lr"], g.get("max_lr", 0)) or 1) for g in groups)


def _unreached(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    held = case.held
    missed = [
        name
        for name, p in case.model.named_parameters()
        if p.requires_grad and name in held and name not in seen.log.reached
    ]
    if missed:
        where = ", ".join(missed[:4]) + (", ..." if len(missed) > 4 else "")
        yield found("no-gradient", where, n=len(missed))


def _mode(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    first = list(_evaluation_mode(case, seen, first=True))
    yield from first
    again = case.second_training
    if again and not again.error and not first:
        yield from _evaluation_mode(case, again, first=False)


def _evaluation_mode(case: Case, seen: Rehearsal, *, first: bool) -> Iterator[Finding]:
    trained = [f for f in seen.log.forwards if f.trained and not f.judging]
    wrong = [forward for forward in trained if not all(forward.modes.values())]
    if not wrong:
        return
    names = [name for name, training in wrong[0].modes.items() if not training]
    matters = names != [""]
    on_purpose = wrong[0].training  # the model is in training mode, some of its layers are not
    if not _own_weights_learn(seen, names):
        return  # frozen layers that are kept in evaluation mode
    # a loop over all epochs may be called once, and the evaluation after it
    certain = case.train if first else seen.passes == 1
    where = wrong[0].where
    if matters:
        where += phrase("layers", names=", ".join(names[:4]))
    variant = "" if first else "/after" if certain else "/again"
    ask = not (matters and not on_purpose and certain)
    yield found(f"training-in-eval-mode{variant}", where, ask=ask)


def _own_weights_learn(seen: Rehearsal, names: list[str]) -> bool:
    modules = dict(seen.model.named_modules())
    own = [list(modules[name].parameters()) for name in names]
    return any(not parameters or any(p.requires_grad for p in parameters) for parameters in own)


def _last(lines: list[str]) -> str:
    return lines[-1] if lines else phrase("your code")
