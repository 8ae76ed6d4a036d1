"""Does the learner's evaluation look without touching, and count every image once?

It is run as it is on a few of its own batches; ``counting`` then asks it about answers that are
known.
"""

from collections.abc import Iterator

from labkit.doctor.case import Case, message
from labkit.doctor.catalogue import found
from labkit.doctor.counting import Part, look_at_counting
from labkit.doctor.findings import Finding
from labkit.doctor.log import Rehearsal
from labkit.doctor.sample import Sample
from labkit.text import _


def look(case: Case) -> Iterator[Finding]:
    """Run the learner's evaluation on copies, on its own batches."""
    if not case.evaluate:
        return
    if not (case.judging_sample or case.sample):
        case.unseen["evaluate"] = _("there are no batches to run it on")
        return
    seen = _natural(case)
    if seen.error or seen.late:
        return (yield from _broken(case, seen))
    if seen.called and not seen.log.forwards:
        yield from _another(case, seen)
    yield from _mode(seen)
    tracked = [forward for forward in seen.log.forwards if forward.gradients]
    trains = bool(seen.log.steps or seen.moved)
    if tracked and not trains and any(p.requires_grad for p in seen.model.parameters()):
        yield found("gradients-in-evaluation", tracked[0].where)
    if trains:
        where = seen.log.steps[0].where if seen.log.steps else _("your evaluation")
        yield found("evaluation-trains", where)
    yield from look_at_counting(case)


def _natural(case: Case) -> Rehearsal:
    batches = case.judging_sample or case.sample
    return case.judge(Sample(batches, Part(batches, case.judging)))


def _broken(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    """Run it on all batches before it is accused: a few of them may be what broke it."""
    batches, whole = case.judging_batches
    if not seen.late and whole:
        seen = case.judge(Sample(batches, case.judging))
        if seen.error:
            yield found("evaluation-breaks", seen.error_at, error=message(seen.error))
            return
    if seen.late:
        case.unseen["evaluate"] = _("it takes too long")
    elif seen.error:
        reason = _("a few batches break it ({error}), all of them perhaps do not")
        case.unseen["evaluate"] = reason.format(error=message(seen.error))


def _another(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    """Look at an evaluation that calls a copy of the model: does the training change that copy?"""
    trained = case.trained if case.own_code else None
    if trained is None or not any(trained.doubles.get(key) for key in seen.called):
        yield found("evaluates-another")


def _mode(seen: Rehearsal) -> Iterator[Finding]:
    wrong = [forward for forward in seen.log.forwards if any(forward.modes.values())]
    if not wrong:
        return
    names = [name for name, training in wrong[0].modes.items() if training]
    matters = names != [""]
    where = wrong[0].where
    if matters:
        where += _(" (layers: {names})").format(names=", ".join(names[:4]))
    yield found("evaluating-in-train-mode", where, ask=not matters)
