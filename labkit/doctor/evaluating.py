"""Does the learner's evaluation look without touching, and count every image once?

It is run as it is on a few of its own batches; ``counting`` then asks it about answers that are
known.
"""

import math
from collections.abc import Generator, Iterator

from labkit.doctor.calls import message
from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.counting import look_at_counting
from labkit.doctor.findings import Finding
from labkit.doctor.log import Rehearsal
from labkit.doctor.sample import Sample, length

_EPOCHS, _MUCH = 10, 0.5
"""An average that consists so much of the first weights, after so many epochs, is too slow."""


def look(case: Case) -> Iterator[Finding]:
    """Run the learner's evaluation on copies, on its own batches."""
    if not case.evaluate:
        return
    if not (case.judging_sample or case.sample):
        case.unseen["evaluate"] = phrase("no batches to run on")
        return
    seen = case.evaluation
    if seen.error or seen.late:
        seen = yield from _broken(case, seen)
        if seen.error or seen.late:
            return
    if case.judging_sample and seen.drawn and not seen.given:
        yield found("evaluates-training", getattr(case.evaluate, "__name__", ""))
        return
    if seen.spoilt:
        yield found("data-changed", getattr(case.evaluate, "__name__", ""))
    if seen.called and not seen.log.forwards:
        yield from _another(case, seen)
    yield from _mode(seen)
    tracked = [forward for forward in seen.log.forwards if forward.gradients]
    trains = bool(seen.log.steps or seen.moved)
    if tracked and not trains and any(p.requires_grad for p in seen.model.parameters()):
        yield found("gradients-in-evaluation", tracked[0].where)
    if trains:
        where = seen.log.steps[0].where if seen.log.steps else phrase("your evaluation")
        yield found("evaluation-trains", where)
    yield from look_at_counting(case)


def _broken(case: Case, seen: Rehearsal) -> Generator[Finding, None, Rehearsal]:
    """Run it on all batches before it is accused: a few of them may be what broke it.

    What this run showed is returned.
    """
    batches, whole = case.judging_batches
    if not seen.late and whole:
        seen = case.judge(Sample(batches, case.judging))
        if seen.error:
            yield found("evaluation-breaks", seen.error_at, error=message(seen.error))
            return seen
    if seen.late:
        case.unseen["evaluate"] = phrase("too long")
    elif seen.error:
        case.unseen["evaluate"] = phrase("a few batches break it", error=message(seen.error))
    return seen


def _another(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    """Look at an evaluation that calls a copy of the model: does the training change that copy?"""
    trained = case.trained if case.own_code else None
    share = max((trained.doubles.get(key, 0.0) for key in seen.called), default=0) if trained else 0
    if trained is None or not share:
        yield found("evaluates-another")
        return
    # a copy that follows with 1 - decay has gone about (1 - decay) * steps / 2 of the way
    steps, epoch = len(trained.log.steps), length(case.train_batches)
    left = math.exp(-2 * share / steps * _EPOCHS * epoch) if steps and epoch else 0.0
    if left > _MUCH:
        yield found("average-slow", n=_EPOCHS, left=left, share=share, steps=steps)


def _mode(seen: Rehearsal) -> Iterator[Finding]:
    wrong = [forward for forward in seen.log.forwards if any(forward.modes.values())]
    if not wrong:
        return
    names = [name for name, training in wrong[0].modes.items() if training]
    matters = names != [""]
    where = wrong[0].where
    if matters:
        where += phrase("layers", names=", ".join(names[:4]))
    on_purpose = not wrong[0].training  # the model was put into evaluation mode, a layer back
    yield found("evaluating-in-train-mode", where, ask=on_purpose or not matters)
