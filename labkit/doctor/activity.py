"""Does the network move, and stay alive: learning rate, NaN, dead units?"""

import math
from collections.abc import Iterator

import torch
from torch import nn

from labkit.doctor.case import Case, Rehearsal
from labkit.doctor.findings import Finding
from labkit.doctor.sample import is_pair
from labkit.inspect.recording import record
from labkit.text import _
from labkit.training import TrainingStopped

_DEAD = 0.9
"""The share of silent units at which a layer is called dead: a new network has many already."""

_STANDSTILL = 3e-7
"""The share of its size by which a weight moves in a step: float32 hardly notices less (2**-23)."""


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
    for finding in _speed(case, seen) if case.optimizer is not None else ():
        if not (dead and finding.kind == "learning-rate-too-small"):  # dead units stand still
            yield finding
    yield from dead


def _not_finite(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    losses = seen.log.losses
    at = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)
    if seen.log.spoilt_at and (at is None or seen.log.spoilt_after <= at):
        if not all(p.isfinite().all() for p in seen.model.parameters()):
            yield _gradient_not_finite(seen)
            return  # where they are finite, a gradient scaler has left this step out
    if at is None or not all(batch[0].isfinite().all() for batch in case.sample if is_pair(batch)):
        return  # what is wrong with the images is said elsewhere
    spoilt = [name for name, p in case.model.named_parameters() if not p.isfinite().all()]
    if at > 0 and not spoilt:
        yield _exploded(case, _("{loss} at step {step}").format(loss=losses[at], step=at + 1))
        return
    where = (
        _("already in the weights: {names}").format(names=", ".join(spoilt[:3]))
        if spoilt
        else _first_layer(case) or _outside_the_layers(seen)
    )
    yield Finding(
        "loss-not-finite",
        _("The loss is {loss} from the first batch on.").format(loss=losses[at]),
        where,
        _("NaN and infinity spread: one step, and every weight is NaN. Nothing is raised."),
        _(
            "Look there for a division by 0, a logarithm or a root of 0 or less, or an overflow. "
            "Weights that are NaN must be made new."
        ),
    )


def _first_layer(case: Case) -> str:
    """Return the first layer whose output is not finite, in words."""
    images = next((batch[0] for batch in case.sample if is_pair(batch)), None)
    if case.rehearsal.log.forwards and case.rehearsal.log.forwards[0].images is not None:
        images = case.rehearsal.log.forwards[0].images
    if images is None:
        return ""
    weight = next(iter(case.model.parameters()), images)
    for step in record(case.double, images.to(weight.device), keep=True).steps:
        if not step.values.isfinite().all():
            return _("it begins in {layer}, whose output has shape {shape}").format(
                layer=step.call.name, shape=list(step.shape)
            )
    return ""


def _outside_the_layers(seen: Rehearsal) -> str:
    if all(call.outputs.isfinite().all() for call in seen.log.judged[:1]):
        return _("in the loss function: the outputs are finite")
    return _("in the model, in training mode alone")


def _gradient_not_finite(seen: Rehearsal) -> Finding:
    return Finding(
        "gradient-not-finite",
        _("The loss is finite, but its gradient is not."),
        _("it begins at {name}, on the way back").format(name=seen.log.spoilt_at),
        _("The slope of a root or a norm at 0 is infinite. After the step the weights are NaN."),
        _("Add a small number under the root, or clamp before the logarithm."),
    )


def _exploded(case: Case, where: str) -> Finding:
    return Finding(
        "learning-rate-too-large",
        _("The loss explodes: the learning rate is too large."),
        _("{where}; learning rate {rate}").format(where=where, rate=_rate(case)),
        _("Each step jumps over the valley and lands higher on the other side."),
        _("Start again with new weights and a tenth of the learning rate."),
    )


def _rate(case: Case) -> str:
    if case.optimizer is None:
        return "?"
    return ", ".join(dict.fromkeys(f"{float(g['lr']):g}" for g in case.optimizer.param_groups))


def _speed(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    losses, moves = seen.log.losses, [step.moved for step in seen.log.steps]
    moves = [move for move in moves if math.isfinite(move)]
    width = seen.log.judged[0].outputs.shape[-1] if seen.log.judged else 2
    start = max(_mean(losses[:3]), math.log(max(width, 2))) if losses else 0.0
    if len(losses) >= 4 and _mean(losses[-3:]) > 3 * start:
        yield _exploded(
            case,
            _("loss {first:.3g} at first, {last:.3g} after {n} steps").format(
                first=losses[0], last=losses[-1], n=len(seen.log.steps)
            ),
        )
    elif moves and max(moves) > 1:
        yield _exploded(
            case,
            _("one step moves a layer by {times:.3g} times its size").format(times=max(moves)),
        )
    elif moves and max(moves) < _STANDSTILL and losses and _mean(losses[-3:]) > 0.05:
        if not _warms_up(case):
            yield _standstill(case, max(moves))


def _warms_up(case: Case) -> bool:
    """Tell whether a scheduler has begun with a fraction of the rate that it will come to."""
    return any(
        max(group.get("initial_lr", 0), group.get("max_lr", 0)) > 2 * group["lr"]
        for group in case.optimizer.param_groups
    )


def _standstill(case: Case, moved: float) -> Finding:
    return Finding(
        "learning-rate-too-small",
        _("Nothing moves: the learning rate is too small."),
        _(
            "a step changes no layer by more than {share:.1e} of its size; learning rate {rate}"
        ).format(share=moved, rate=_rate(case)),
        _("At this pace the weights need millions of steps; float32 rounds much of it away.")
        if moved
        else _("A step is the learning rate times the gradient: with 0 no weight ever changes."),
        _("Multiply it by 10 until the loss falls within some hundred steps.")
        if moved
        else _("Begin with lr=0.01, and see whether the loss falls within some hundred steps."),
    )


def _dead(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    images = [batch[0] for batch in case.sample if is_pair(batch)]
    entered = [f.images for f in seen.log.forwards if f.images is not None] or images
    same = [batch for batch in entered if batch.shape[1:] == entered[0].shape[1:]]
    if not same or sum(map(len, same)) < 16:
        return
    pictures = torch.cat(same)[:256]
    before = _silent(case.double, pictures)
    after = _silent(seen.model, pictures)
    for layer, share in {**before, **after}.items():
        if share >= _DEAD:
            born_dead = before.get(layer, 0) >= _DEAD
            yield Finding(
                "dead-relu",
                _("{share:.0%} of the units of a ReLU are dead.").format(share=share),
                _("{layer}, for all of {n} images").format(layer=layer, n=len(pictures))
                if born_dead
                else _("{layer}, after {n} steps").format(layer=layer, n=len(seen.log.steps)),
                _("A unit that is 0 for every image gets no gradient: it stays dead."),
                _(
                    "Start with new weights and a smaller learning rate. If they were dead from "
                    "the start: look at the biases before it and at the scale of the images."
                ),
            )


def _silent(model: nn.Module, pictures: torch.Tensor) -> dict[str, float]:
    """Return for each ReLU the share of its channels or units that are 0 for all images."""
    weight = next(iter(model.parameters()), pictures)
    pictures = pictures.to(weight.device)
    pictures = pictures.to(weight.dtype) if pictures.is_floating_point() else pictures
    found, before = {}, ""
    for step in record(model, pictures, keep=True).steps:
        if step.call.kind == "ReLU" or step.call.name.endswith("relu()"):
            axes = [axis for axis in range(step.values.ndim) if axis != 1]
            if step.values.ndim > 1:
                silent = (step.values == 0).all(dim=tuple(axes)) if axes else step.values == 0
                found[_("the ReLU after {layer}").format(layer=before)] = (
                    silent.float().mean().item()
                )
        before = step.call.name
    return found


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
