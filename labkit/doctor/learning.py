"""Does the training teach anything, and if not: what does, when it is exchanged for the usual?

The learner's whole program is run on copies for some seconds, and judged by images that it has not
seen. Where a quick classifier knows more than the network then does, one part after another is
exchanged for the usual one: what helps is where to look.
"""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.data import Subset, default_collate

from labkit.doctor.calls import call, five_lines
from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.counting import numbers_in
from labkit.doctor.findings import Finding
from labkit.doctor.log import Rehearsal
from labkit.doctor.sample import Part, Sample
from labkit.doctor.shortcuts import images_and_labels, knows
from labkit.doctor.targets import untrained
from labkit.inspect.recording import FAILURES
from labkit.sandbox import randomness

_SECONDS, _ALL_SECONDS = 4.0, 20.0
"""The time for one training, and for all of them."""

_FEW = 60
"""Images by which nothing can be judged."""

_LESS, _MORE, _SMALL = 0.15, 0.3, 0.02
"""How much less than a quick classifier is little, what a help adds, and outputs that are small."""

_BESIDE = {
    *("not-normalised", "nearly-the-same", "accuracy-of-batches", "loss-of-batches", "frozen"),
    *("log-softmax-before-loss", "gradients-in-evaluation", "average-unchanged", "graph-kept"),
    *("best-by-reference", "imbalance"),
    "learning-rate-too-small",  # as small outputs look
}
"""What keeps no network from learning."""


def look(case: Case) -> Iterator[Finding]:
    """Train as the learner does, and with other parts if the network learns little."""
    taught, judged = (images_and_labels(b) for b in (case.many, case.judging_batches[0]))
    if set(case.named) - _BESIDE or not (case.own_code and case.trained and taught and judged):
        return
    some = len(judged[1].unique()) * 2 > len(taught[1].unique()) and len(judged[1]) >= _FEW
    if taught[0].shape[1:] != judged[0].shape[1:] or not some:
        return
    start, count, own, plainly = time.monotonic(), 0, 0.0, 0.0
    # as many of either, or a small training set would look like another one
    there, by_themselves = knows(taught, judged), knows(judged, most=len(taught[1]))
    for passes in (1, 2):
        scores = _scores(case, passes * len(case.many))
        if scores:
            count = passes * len(case.many)
            own, plainly = scores
            own = max(scores) if case.evaluate and case.evaluation.called else own
        if not count or own > max(there, by_themselves) - _LESS and own > 0.5:
            return
    if own > 0.5 and not scores:
        return  # it has begun to learn, and there was no time to see how far it comes
    given: dict[str, Any] = {"n": count, "own": own}
    enough = own + min(_MORE, (1 - own) / 2)
    if plainly > enough:
        yield found("learns-less/evaluation", **given, other=plainly)
    elif by_themselves > max(there + 0.1, enough):
        yield from _data(case, taught, judged, there, by_themselves)
    else:
        helps: dict[str, float] = {}
        for name, change, code in _exchanges(case):
            if name != "scale" and "learning-rate-too-small" in case.named:
                break
            if time.monotonic() > start + _ALL_SECONDS or helps.get("all", 1) < enough:
                break  # where all of it together does not help, no part will
            other = _scores(case, count, change=change, code=code)
            helps |= {name: max(other)} if other else {}
        most = max(helps.values(), default=0)
        name = next((n for n in _USUAL if helps.get(n, 0) > max(enough, most - 0.1)), "")
        if name:
            kind = "outputs-too-small" if name == "scale" else f"learns-less/{name}"
            yield found(kind, **given, part=_USUAL[name], other=helps[name])
        elif "all" in helps and there > max(own, most) + 0.4:
            yield found("learns-less/network", own=max(own, most), other=there)


_LOOP = "zero_grad(), loss_function(model(images), labels).backward(), step()"
_USUAL = {
    **{"scale": "0.3 * outputs / outputs.std()", "loss": "nn.CrossEntropyLoss()"},
    **{"start": "reset_parameters()", "optimizer": "Adam(lr=0.001)", "loop": _LOOP},
    "all": f"reset_parameters(), nn.CrossEntropyLoss(), Adam(lr=0.001), {_LOOP}",
}
"""What stands for a part of the learner's program, as code; the smallest part first."""


def _data(case: Case, taught, judged, there: float, own: float) -> Iterator[Finding]:
    """Look whether it is the augmentation that makes other images of them."""
    still = _with_the_other_transform(case)
    if still and (other := knows(still, judged)) > (there + own) / 2:
        yield found("learns-less/augmented", own=there, other=other)
    else:
        yield found("learns-less/data", own=there, other=own)


def _with_the_other_transform(case: Case) -> tuple | None:
    """Return training images as the transform of the judging images makes them."""
    mine, other = case.dataset, getattr(case.judging, "dataset", None)
    indices: Any = mine.indices if isinstance(mine, Subset) else range(len(mine or ()))
    mine, other = (x.dataset if isinstance(x, Subset) else x for x in (mine, other))
    still: Any = copy.copy(mine)
    start, items = time.monotonic(), []
    theirs = vars(other) if hasattr(other, "__dict__") else {}
    names = [name for name, value in vars(mine).items() if callable(value) and name in theirs]
    vars(still).update({name: theirs[name] for name in names})
    with suppress(*FAILURES):
        for index in indices[: 1000 if names else 0]:
            items.append(still[index])
            if time.monotonic() > start + 1:
                break
        return images_and_labels([tuple(default_collate(items))])
    return None


def _exchanges(case: Case) -> Iterator[tuple[str, Callable, Callable | None]]:
    """Yield what is exchanged on copies, and the step that is."""

    def nothing(_copies, _model):
        pass

    def loss(copies, _model):
        copies.instead(case.loss_function, nn.CrossEntropyLoss())

    def optimizer(copies, model):
        weights = [p for p in model.parameters() if p.requires_grad]
        copies.instead(case.optimizer, torch.optim.Adam(weights, 1e-3))

    def start(_copies, model):
        for module in model.modules():
            getattr(module, "reset_parameters", lambda: None)()

    def every(*both):
        for change in (start, loss, optimizer):
            change(*both)

    outputs = untrained(case, case.entered[0])
    if isinstance(outputs, torch.Tensor) and 0 < outputs.std() < _SMALL:
        larger = 0.3 / outputs.std().item()
        yield "scale", lambda _c, m: m.register_forward_hook(lambda *a: a[2] * larger), None
    yield "all", every, five_lines
    yield "loop", nothing, five_lines
    yield "start", start, None
    if case.optimizer is not None:
        yield "optimizer", optimizer, None
    if case.loss_function is not None:
        yield "loss", loss, None


def helps(case: Case, prepare: Callable) -> bool | None:
    """Tell whether a copy learns more from images that ``prepare(model, images)`` makes of them.

    None where it cannot be tried, or where the network learns little either way.
    """

    def change(_copies, model):
        model.register_forward_pre_hook(lambda m, given: (prepare(m, given[0]), *given[1:]))

    judged = images_and_labels(case.judging_batches[0])
    if not case.trained or judged is None or len(judged[1]) < _FEW:
        return None
    changes: tuple[dict, ...] = ({}, {"change": change})
    own, other = (max(_scores(case, len(case.many), **c), default=0) for c in changes)
    if not own or not other:
        return None
    return True if other > own + _LESS else False if own > max(0.5, other - _LESS / 3) else None


def _scores(case: Case, count: int, **changes: Any) -> list[float]:
    """Train on copies; return the shares of right answers, in the learner's evaluation and plainly.

    Nothing is returned if there was no time for it, or where it broke.
    """
    scores: list[float] = []
    judge = partial(_judge, case, scores)
    with randomness.kept(0):
        seen = case.train_copies(count, batches=case.many, seconds=_SECONDS, then=judge, **changes)
    whole = seen.log.batches >= 0.9 * count
    return [] if seen.error or seen.late or not whole else scores


def _judge(case: Case, scores: list[float], copies, seen: Rehearsal, listen: Callable) -> None:
    every, tallies = case.judging_batches[0], seen.log.tallies
    few = every[:: max(1, len(every) // 6)]

    def plainly(model, batches):
        model.eval()
        with torch.no_grad(), suppress(*FAILURES):
            for images, _labels in map(tuple, batches):
                model(images)

    for evaluate in (case.evaluate or plainly, plainly):
        tallies.clear()
        sample = Sample(few, Part(few, case.judging), on_batch=listen)
        code = evaluate if evaluate is plainly else copies.function(evaluate)
        said = call(code, evaluate, (seen.model, sample), case.deadline)
        shares = [right / n for right, _loss, n in tallies if n]
        shares += [x if x <= 1 else x / 100 for x in numbers_in(said) if 0 <= x <= 100]
        scores.append(max(shares, default=0.0))
