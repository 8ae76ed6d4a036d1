"""Does the training teach anything, and if not: what does, when it is exchanged for the usual?

The learner's whole program is run on copies for some seconds, and judged by images that it has not
seen. Where a quick classifier knows more than the network then does, one part after another is
exchanged for the usual one: what helps is where to look.
"""

import time
from collections.abc import Iterator
from typing import Any

from labkit.doctor import narrowing
from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.doubles import steps_in_hooks
from labkit.doctor.findings import Finding
from labkit.doctor.forms import loss_makes_scores
from labkit.doctor.narrowing import Line
from labkit.doctor.redrawing import drawn, transforms
from labkit.doctor.sample import length, pairs
from labkit.doctor.shortcuts import images_and_labels, knows
from labkit.doctor.trials import FEW, LESS, USUAL, exchanges, own_answers, right_answers

_ALL_SECONDS, _MORE, _BEGUN = 20.0, 0.3, 0.4
"""The time for all exchanges, what a help adds, and answers of a network that is only slow."""

_PARTS = ("start", "loss", "optimizer")
_BESIDE = {
    *("not-normalised", "nearly-the-same", "accuracy-of-batches", "loss-of-batches", "frozen"),
    *("log-softmax-before-loss", "gradients-in-evaluation", "average-unchanged", "graph-kept"),
    *("best-by-reference", "imbalance", "labels-unrelated"),
    "learning-rate-too-small",  # as small outputs look
}
"""What keeps no network from learning."""


def look(case: Case) -> Iterator[Finding]:
    """Train as the learner does, and with other parts if the network learns little."""
    taught, judged = (images_and_labels(b) for b in (case.many, case.judging_batches[0]))
    if set(case.named) - _BESIDE or not (case.own_code and case.trained and taught and judged):
        return
    losses, steps = {call.function for call in case.log.judged}, case.trained.log.steps
    rare = len(steps) * 2 <= case.trained.log.batches - 1
    rises = bool(steps) and steps[-1].rate > steps[0].rate
    elsewhere = steps_in_hooks(case.model) or len(losses) > 1 or loss_makes_scores(case)
    if elsewhere or rare or rises:
        return  # it learns something else, too, takes few steps, or warms up
    some = len(judged[1].unique()) * 2 > len(taught[1].unique()) and len(judged[1]) >= FEW
    if taught[0].shape[1:] != judged[0].shape[1:] or not some:
        return
    start, count, own, plainly = time.thread_time(), 0, 0.0, 0.0
    # as many of either, or a small training set would look like another one
    there, by_themselves = knows(taught, judged), knows(judged, most=len(taught[1]))
    if "labels-unrelated" in case.named:
        if by_themselves > there + LESS:
            yield from _data(case, judged, there, by_themselves)
        return
    for passes in (1, 2):
        scores = own_answers(case, passes * len(case.many))
        if scores:
            count = passes * len(case.many)
            own, plainly = scores
            own = max(scores) if case.evaluate and case.evaluation.called else own
        if not count or own > max(there, by_themselves) - LESS and own > 0.5:
            return
    if own > 0.5 and not scores:
        return  # it has begun to learn, and there was no time to see how far it comes
    given: dict[str, Any] = {"n": count, "own": own}
    enough = own + min(_MORE, (1 - own) / 2)
    if plainly > enough:
        lines = narrowing.lines_of_evaluation(case, count, own, plainly)
        given |= {"other": plainly}
        yield _told(lines, **given) if lines else found("learns-less/evaluation", **given)
    elif (few := _more_to_learn_from(case, judged)) > max(own, there) + LESS:
        yield found("learns-less/few", n=len(taught[1]), own=there, other=few)
    elif by_themselves > max(there + 0.1, enough):
        yield from _data(case, judged, there, by_themselves)
    elif own < max(_BEGUN, 3 / len(taught[1].unique())):
        helps: dict[str, float] = {}
        ways = {name: {"change": change, "code": code} for name, change, code in exchanges(case)}
        for name in (name for name in ways if " but " not in name):
            if time.thread_time() > start + _ALL_SECONDS or helps.get("all", 1) < enough:
                break  # where all of it together does not help, no part will
            other = right_answers(case, count, **ways[name])
            helps |= {name: max(other)} if other else {}
        most = max(helps.values(), default=0)
        name = next((n for n in USUAL if helps.get(n, 0) > max(enough, most - 0.1)), "")
        if name:
            loop = helps.get("loop", 0) > (own + helps[name]) / 2
            given |= {"other": helps[name]}
            lines = narrowing.lines(case, name, loop, given)
            kind = "outputs-too-small" if name == "scale" else f"learns-less/{name}"
            if lines:
                yield _told(lines, **given)
            elif name == "optimizer" and _later(case, 3 * count) > own + helps[name] / 2:
                return  # it is only slower, and comes as far
            elif "learning-rate-too-small" not in case.named or name == "scale":
                where = _needed(case, count, ways, helps) if name == "all" else ""
                yield found(kind, where, **given, part=USUAL[name])
        elif "all" in helps and there > max(own, most) + 0.4:
            if _later(case, 3 * count, **ways["all"]) > max(own, most) + 0.1:
                return  # it goes on learning, or there was no time to see
            given |= {"own": max(own, most), "other": there}
            lines = narrowing.lines(case, "network", False, given)
            if lines:
                yield _told(lines, **given)
            elif max(own, most) < there / 3:
                yield found("learns-less/network", **given)


def _later(case: Case, count: int, **way: Any) -> float:
    """Return how many answers are right after a longer training, 1 where there is no time."""
    return max(right_answers(case, count, **way) or [1.0])


def _needed(case: Case, count: int, ways: dict, helps: dict) -> str:
    """Return in words without which of all parts together the network does not learn."""
    little = helps["all"] / 2
    tried = {name: right_answers(case, count, **ways[f"all but {name}"]) for name in _PARTS}
    parts = [USUAL[name] for name, scores in tried.items() if scores and max(scores) < little]
    return phrase("not without", parts=", ".join(parts)) if parts else ""


def _told(lines: list[Line], kind: str = "learns-less/line", **given: Any) -> Finding:
    """Name lines, each with what may stand in its place."""
    where = ("{} → {}".format(line.where, line.new or phrase("without it")) for line in lines)
    given["other"] = max(line.score for line in lines)
    return found(kind, "; ".join(where), **given)


def _more_to_learn_from(case: Case, judged: tuple) -> float:
    """Return what half of the images that judge can teach, where the training set is smaller."""
    whole = length(case.train_batches) == len(case.many)
    few = sum(len(labels) for _x, labels in pairs(case.many)) < len(judged[1]) / 2
    return knows(judged) if whole and few else 0.0


def _data(case: Case, judged: tuple, own: float, other: float) -> Iterator[Finding]:
    """Look for the line, or the step of the transform, that makes other images of them."""
    given: dict[str, Any] = {"own": own, "other": other}
    known = "labels-unrelated" in case.named
    tried = [] if known else [(step, drawn(case, new)) for step, new in transforms(case)]
    score, step = max(((knows(x, judged), step) for step, x in tried if x), default=(0, ""))
    steps = [Line(step, "", score)] if score > (own + other) / 2 else []
    if steps and not step:
        yield found("learns-less/augmented", own=own, other=score)
    elif lines := steps or narrowing.lines_of_data(case, judged, **given):
        yield _told(lines, "learns-less/drawn", **given)
    elif not known:
        yield found("learns-less/data", **given)
