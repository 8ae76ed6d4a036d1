"""The learner's whole program on copies, for some seconds: as it is, or with another part."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import nn

from labkit.doctor.calls import call, five_lines
from labkit.doctor.case import Case
from labkit.doctor.counting import numbers_in
from labkit.doctor.sample import Enough, Part, Sample
from labkit.doctor.shortcuts import images_and_labels
from labkit.doctor.targets import untrained
from labkit.inspect.recording import FAILURES
from labkit.sandbox import randomness

SECONDS, FEW, LESS = 4.0, 60, 0.15
"""The time for a training, images that can judge nothing, and how much less counts as less."""

_BRIEF, _SMALL = 3, 0.02
"""Batches after which it shows whether an edit changes anything; outputs that are small."""

_LOOP = "zero_grad(), loss_function(model(images), labels).backward(), step()"
USUAL = {
    **{"scale": "0.3 * outputs / outputs.std()", "loss": "nn.CrossEntropyLoss()"},
    **{"start": "reset_parameters()", "optimizer": "Adam(lr=0.001)", "loop": _LOOP},
    "all": f"reset_parameters(), nn.CrossEntropyLoss(), Adam(lr=0.001), {_LOOP}",
}
"""What stands for a part of the learner's program, as code; the smallest part first."""


def exchanges(case: Case) -> Iterator[tuple[str, Callable, Callable | None]]:
    """Yield what is exchanged on copies, by a name, and the step that is exchanged, if one is."""

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

    parts = {"start": start, "loss": loss, "optimizer": optimizer}

    def every(*both, but=""):
        for name, change in parts.items():
            if name != but:
                change(*both)

    outputs = untrained(case, case.entered[0])
    if isinstance(outputs, torch.Tensor) and 0 < outputs.std() < _SMALL:
        larger = 0.3 / outputs.std().item()
        yield "scale", lambda _c, m: m.register_forward_hook(lambda *a: a[2] * larger), None
    yield "all", every, five_lines
    for name in parts:
        yield f"all but {name}", partial(every, but=name), five_lines
    yield "loop", nothing, five_lines
    yield "start", start, None
    if case.optimizer is not None:
        yield "optimizer", optimizer, None
    if case.loss_function is not None:
        yield "loss", loss, None


def prepared(prepare: Callable) -> Callable:
    """Return the change of a copy that lets ``prepare(model, images)`` come before its forward."""

    def change(_copies, model):
        model.register_forward_pre_hook(lambda m, given: (prepare(m, given[0]), *given[1:]))

    return change


def better(case: Case, change: Callable) -> bool | None:
    """Tell whether a copy that ``change(copies, model)`` has changed learns more.

    None where it cannot be tried, or where the network learns little either way.
    """
    scores = compared(case, change)
    if scores is None:
        return None
    own, other = scores
    return True if other > own + LESS else False if own > max(0.5, other - LESS / 3) else None


def compared(case: Case, change: Callable) -> tuple[float, float] | None:
    """Return the shares of right answers as it is and with a change; None if it cannot be tried."""
    judged = images_and_labels(case.judging_batches[0])
    if not case.trained or judged is None or len(judged[1]) < FEW:
        return None
    count = len(case.many)
    both = own_answers(case, count), right_answers(case, count, change=change)
    own, other = (max(scores, default=0) for scores in both)
    return (own, other) if own and other else None


def own_answers(case: Case, count: int) -> list[float]:
    """Return the shares of right answers of the program as it is; it is trained once."""
    if count not in case.answers:
        case.answers[count] = right_answers(case, count)
    return case.answers[count]


def right_answers(case: Case, count: int, **changes: Any) -> list[float]:
    """Train on copies; return the shares of right answers, in the learner's evaluation and plainly.

    Nothing is returned if there was no time for it, or where it broke.
    """
    scores: list[float] = []

    def judging(*trained) -> None:
        scores.extend(ask(case, trained))

    with randomness.kept(0):
        seen = case.train_copies(count, batches=case.many, seconds=SECONDS, then=judging, **changes)
    whole = seen.log.batches >= 0.9 * count
    return [] if seen.error or seen.late or not whole else scores


def briefly(case: Case, **changes: Any) -> tuple | None:
    """Train for a few batches; return what has become of the weights."""
    with randomness.kept(0):
        seen = case.train_copies(_BRIEF, batches=case.many, seconds=SECONDS / 4, **changes)
    weights = (p.detach().double().norm().item() for p in seen.model.parameters())
    return None if seen.error or seen.late else tuple(weights)


def ask(case: Case, trained: tuple, counted: bool = False) -> list[float]:
    """Return a copy's shares of right answers: as counted, or also as the evaluation says."""
    scores, (copies, seen, listen) = [], trained
    every, tallies = case.judging_batches[0], seen.log.tallies
    few = every[:: max(1, len(every) // 6)]

    def plainly(model, batches):
        model.eval()
        with torch.no_grad(), suppress(*FAILURES):
            for images, _labels in map(tuple, batches):
                model(images)

    for evaluate in (case.evaluate or plainly, plainly):
        listen(None)  # a pass may have been broken off
        tallies.clear()
        sample = Sample(few, Part(few, case.judging), on_batch=listen)
        code = evaluate if evaluate is plainly else copies.function(evaluate)
        said = None
        with suppress(Enough):  # it went over the training batches, of which there are few
            said = call(code, evaluate, (seen.model, sample), case.deadline)
        shares = [right / n for right, _loss, n in tallies if n]
        said = [] if counted else numbers_in(said)
        shares += [x if x <= 1 else x / 100 for x in said if 0 <= x <= 100]
        scores.append(max(shares, default=0.0))
    return scores
