"""Does the learner's evaluation count every image once?

It is asked about a stand-in for the model whose answers are known: all right, all wrong, or some
of each.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from numbers import Real
from typing import Any

import torch
from torch.utils.data import DataLoader

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.findings import Finding
from labkit.doctor.forms import SURE, Form, form_of, ignores_labels, outputs_of
from labkit.doctor.loading import shuffles
from labkit.doctor.measures import Marks, called, near
from labkit.doctor.measures import scale as scale_of
from labkit.doctor.sample import Part, Sample, fitting, length, pairs
from labkit.inspect.recording import FAILURES


def look_at_counting(case: Case) -> Iterator[Finding]:
    """Ask the evaluation about answers that are all right, all wrong, or some of each."""
    batches, whole = case.judging_batches
    if ignores_labels(case):
        return
    if not whole and (rest := _rest(case.judging, batches)):
        images, labels = pairs(batches)[-1]
        batches = [*batches[:-1], (images[:rest], labels[:rest])]
    turned = bool(shuffles(case.judging))
    loader = case.judging if whole else Part(batches, case.judging, turned)
    several = [y for _x, y in pairs(batches) if y.ndim == 2 and ((y == 0) | (y == 1)).all()]
    if several and len(several) == len(batches):
        yield from _where_yes_begins(case, batches, loader, several)
    else:
        yield from _asked(case, batches, loader, whole)


_LIMITS = {"probabilities": (0.0, 1e-3, 2e-3), "logits": (-0.501, -0.499, -0.498)}
"""A no just above them is a yes where 0 is the limit of probabilities, or 0.5 that of logits."""


def _where_yes_begins(case: Case, batches: list, loader: Any, several: list) -> Iterator[Finding]:
    """Ask about several answers for each image, all right, on both sides of a wrong limit."""
    images = fitting(pairs(batches)[0][0], case.model)
    outputs, squashed = outputs_of(case, images)
    if not isinstance(outputs, torch.Tensor) or outputs.shape != several[0].shape:
        return
    if squashed != bool(outputs.min() >= 0 and outputs.max() <= 1):
        return
    with_logits = (call.function.endswith("with_logits") for call in case.log.judged)
    if not squashed and not any(with_logits):
        return  # of a regression, 0.5 is the middle
    kind, labels, said = "probabilities" if squashed else "logits", [y.long() for y in several], []
    every = _marks([len(y) for y in labels], 1)
    for low in _LIMITS[kind]:
        form = Form(2, tuple(outputs.shape), (low, 1 - low if squashed else -low))
        said.append(_known(case, batches, loader, labels, every, form) or [])
    for right, wrong, same in zip(*said, strict=False):
        if wrong == same and abs(right - wrong) > 0.05 * max(abs(right), abs(wrong)):
            yield found(f"wrong-accuracy/{kind}", said=wrong, true=right)
            return


def _rest(loader: Any, batches: list) -> int:
    """Return how many images the last batch of all will have, if it is a short one."""
    sizes = {len(images) for images, _labels in pairs(batches)}
    every = getattr(loader, "dataset", 0)
    whole = getattr(loader, "drop_last", False) or len(sizes) != 1
    return 0 if whole else (length(every) or 0) % sizes.pop()


def _asked(case: Case, batches: list, loader: Any, whole: bool) -> Iterator[Finding]:
    """Ask the evaluation about answers that are known, on these batches."""
    both = pairs(batches)
    form = form_of(case, both)
    if not form or len(both) != len(batches) or len(both) < 1:
        return
    labels = [labels.long() for _images, labels in both]
    sizes = [len(part) for part in labels]
    said = []
    for marks in (_marks(sizes, 0), _marks(sizes, 1), _marks(sizes, 2), _marks(sizes, 3)):
        seen = _known(case, batches, loader, labels, marks, form)
        if seen is None:
            return
        said.append((marks, seen))
    (none, wrong), (every, right), *_some = said
    for value, true in zip(right, _in_order(case, batches, whole, every, form), strict=False):
        if scale_of(true, sum(sizes)) and abs(value - true) > 0.02 * true:
            yield found("two-orders", said=value, true=true)
            return
    found_here = list(_compare(case, said, labels, whole, form.classes))
    second = _known(case, batches, loader, labels, none, form, second=True) or []
    places = [at for at, value in enumerate(right) if scale_of(value, sum(sizes)) and not wrong[at]]
    if form.classes > 2 and len(places) == 1 and len(second) == len(right):
        if abs(second[places[0]] - right[places[0]]) < 0.01 * right[places[0]]:
            yield found("second-best-counts")
            return
    if not found_here:
        yield from _again(case, said, (batches, loader, labels), form)
    for finding in found_here:
        if form.single and finding.kind == "wrong-accuracy":
            values: dict[str, Any] = {"said": said[1][1][0], "true": 1.0}
            finding = found("wrong-accuracy/single", ask=finding.severity == "question", **values)
        yield finding


def _in_order(case: Case, batches: list, whole: bool, every: Marks, form: Form) -> list[float]:
    """Return what it says of answers that are all right where the data set has their order.

    Nothing is returned for a loader that does not shuffle.
    """
    if not shuffles(case.judging):
        return []
    if whole and isinstance(case.judging, DataLoader):
        options: dict[str, Any] = {
            "batch_size": len(every.right[0]),
            "collate_fn": case.judging.collate_fn,
        }
        with suppress(*FAILURES):
            batches = list(DataLoader(case.judging.dataset, **options))
    labels = [labels.long() for _images, labels in pairs(batches)]
    if [len(part) for part in labels] != [len(part) for part in every.right]:
        return []
    return _known(case, batches, Part(batches, case.judging), labels, every, form) or []


def _again(case: Case, said: list, given: tuple, form: Form) -> Iterator[Finding]:
    """Ask twice in a row, and in another order in each pass: does that change the number?"""
    (none, wrong), (every, right), *_some = said
    for kind, marks, share in (
        ("evaluation-remembers", [*none.right, *every.right], 0.5),
        ("evaluation-remembers/more", [*every.right, *every.right], 2.0),
        ("two-orders", every.right, None),
    ):
        if share is None and not shuffles(case.judging):
            return
        seen = _known(case, *given, Marks(marks), form, turning=share is None) or []
        if len(seen) != len(right):
            continue
        for value, low, again in zip(right, wrong, seen, strict=True):
            part = (again - low) / (value - low) if abs(value - low) > 0.5 else 1
            if (abs(part - share) < 0.02) if share else (part < 0.9):
                yield found(kind, said=again, true=value)
                return


def _marks(sizes: list[int], trial: int) -> Marks:
    """Return all wrong, all right, and twice some of each: more in the last batch."""
    if trial < 2:
        return Marks([torch.full((size,), trial == 1) for size in sizes])
    every = 2 if trial == 2 else 4
    right = [torch.arange(size) % every == (number % every) for number, size in enumerate(sizes)]
    if len(right) > 1:
        right[-1] = torch.arange(sizes[-1]) >= (0 if trial == 2 else sizes[-1] // 3)
    return Marks(right)


def _known(
    case,
    batches,
    loader,
    labels,
    marks: Marks,
    form: Form,
    *,
    second: bool = False,
    turning: bool = False,
) -> list[float] | None:
    """Return the numbers that the evaluation says of these answers; None if it cannot be asked.

    With ``turning``, each pass has the images of a batch in another order, as one that shuffles.
    """
    state = {"at": -1, "asked": 0}

    def on_batch(_batch) -> None:
        state["at"] += 1

    def answer(images, *_rest, **_options) -> torch.Tensor:
        at = state["at"] % (len(batches) + 1)
        if len(marks.right) > len(batches) and state["at"] > len(batches):
            at += len(batches)  # the second time
        truth, right = labels[at % len(batches)], marks.right[at]
        if turning:
            truth, right = truth.roll(sample.passes), right.roll(sample.passes)
        state["asked"] += 1
        times = -(-len(images) // len(truth))
        right = right.reshape(-1, *[1] * (truth.ndim - 1))
        given = torch.where(right, truth, (truth + 1) % form.classes)
        logits = form.answers(given, truth, second).float()
        logits = logits.repeat(times, *[1] * (logits.ndim - 1))[: len(images)]
        return fitting(logits, case.model).to(images.device)

    sample = Sample(batches, loader, on_batch=on_batch, turning=turning)
    seen = case.judge(sample, answer, sample if len(marks.right) > len(batches) else None)
    if seen.error or seen.late or not state["asked"]:
        return None
    returned = numbers_in(seen.returned)
    return [*returned, *map(float, re.findall(r"(?<![\w.])\d+\.?\d*", seen.printed))]


def _compare(case: Case, said: list, labels: list, whole: bool, classes: int) -> Iterator[Finding]:
    (_none, wrong), (_all, right), *some = said
    if not wrong or len({len(numbers) for _marks, numbers in said}) > 1:
        return
    total = sum(map(len, labels))
    places = [at for at in range(len(wrong)) if wrong[at] == 0 and right[at] > 0]
    scales = {at: s for at in places if (s := scale_of(right[at], total))}
    if len(scales) > 3:
        return  # a number for each class: one of them is like a mistake by chance
    ways: list[tuple[str, Callable]] = [
        ("", Marks.share),
        *_by_class(labels, classes, ("recall", "f1", "overlap")),
        ("accuracy-of-batches", Marks.of_batches),
        ("first-batch-only", lambda marks: marks.right[0].float().mean().item()),
        *_by_class(labels, classes, ("precision",), "recall-is-precision"),
    ]
    for kind, expected in ways:
        fits = [
            at
            for at, scale in scales.items()
            if all(near(numbers[at] / scale, expected(marks), scale) for marks, numbers in some)
        ]
        if fits:
            marks, numbers = some[0]
            true = marks.share()
            if kind == "recall-is-precision":
                true = marks.of_classes(labels, classes, "recall")[1]
                kind = kind if called(case.evaluate) & {"recall", "precision"} == {"recall"} else ""
            if kind and len(labels) > 1:
                yield found(kind, said=numbers[fits[0]] / scales[fits[0]], true=true)
            break
    else:
        named = bool(called(case.evaluate))
        for finding in _wrong(said, places, scales, total, whole and case.judging is not None):
            values = {"said": some[0][1][places[0]] if places else wrong[0]}
            yield found("wrong-accuracy/measure", ask=True, **values) if named else finding
    yield from _loss(said)


def _by_class(labels: list, classes: int, names: tuple, kind: str = "") -> Iterator[tuple]:
    """Yield a kind, and a way to compute a measure that is a mean of the classes."""
    for name in names:
        for at in range(3 + (classes == 2)):
            yield kind, lambda marks, n=name, at=at: marks.of_classes(labels, classes, n)[at]


def _wrong(said: list, places: list, scales: dict, total: int, sure: bool) -> Iterator[Finding]:
    (_none, wrong), (_all, right), (marks, mixed), _again = said
    shares = [at for at in places if 0.005 < right[at] < 0.995 or 2 < right[at] < 99.5]
    shares = [at for at in shares if right[at] % 1 or right[at] < 1 or len(places) == 1]
    if len(scales) == 1 and len(places) == 1:
        at, scale = next(iter(scales.items()))
        yield found("wrong-accuracy", ask=not sure, said=mixed[at] / scale, true=marks.share())
    elif not scales and len(shares) == 1 and len(places) == 1 and right[shares[0]] != total:
        scale = 1 if right[shares[0]] < 1 else 100
        yield found("wrong-accuracy", ask=not sure, said=right[shares[0]] / scale, true=1.0)
    elif not places and len(floors := [at for at in range(len(wrong)) if _floor(said, at)]) == 1:
        low, high = wrong[floors[0]], right[floors[0]]
        yield found("wrong-accuracy", ask=not sure, said=low / high, true=0.0)
    elif len(wrong) == 1 and not scales and _no_loss(said):
        scale = 1 if all(numbers[0] < 1 for _marks, numbers in said) else 100
        yield found("wrong-accuracy", ask=not sure, said=right[0] / scale, true=1.0)
    elif not places and all(numbers == wrong for _marks, numbers in said):
        yield found("evaluation-blind", ask=any(wrong), said=wrong[0])


def _floor(said: list, at: int) -> bool:
    """Tell whether a number is a share that does not begin at 0, where all answers are wrong."""
    low, high, *some = (numbers[at] for _marks, numbers in said)
    shares = [marks.share() for marks, _numbers in said[2:]]
    straight = all(
        abs(x - low - s * (high - low)) < 0.02 * high for x, s in zip(some, shares, strict=True)
    )
    return min(abs(high - 1), abs(high - 100)) < 0.01 and 0.1 < low / high < 0.95 and straight


def _no_loss(said: list) -> bool:
    """Tell whether a number is a share, or a percentage, that does not follow the answers."""
    wrong, right, *some = (numbers[0] for _marks, numbers in said)
    every = (wrong, right, *some)
    scale = 1 if max(every) < 1 else 100
    falls = right < min(some) and max(some) < wrong  # as a loss does
    inside = all(0.005 * scale < number < 0.995 * scale for number in every)
    return inside and not falls and abs(right - wrong) < 0.5 * scale


def _loss(said: list) -> Iterator[Finding]:
    """Look for the mean loss, which is known too: the stand-in's answers cost 0 or 30."""
    (_none, wrong), (_all, right), *some = said
    for at in range(len(wrong)):
        if abs(wrong[at] - SURE) < 0.01 and abs(right[at]) < 0.01:
            of_images, of_batches = (
                all(abs(numbers[at] / SURE - 1 + way(marks)) < 1e-3 for marks, numbers in some)
                for way in (Marks.share, Marks.of_batches)
            )
            if of_batches and not of_images:
                marks, numbers = some[0]
                true = SURE * (1 - marks.share())
                yield found("loss-of-batches", said=numbers[at], true=true)


def numbers_in(value: Any, depth: int = 3) -> list[float]:
    """Return the numbers in what a function returned."""
    if isinstance(value, torch.Tensor):
        return [value.item()] if value.numel() == 1 else []
    if isinstance(value, Real) and not isinstance(value, bool):
        return [float(value)]
    if depth == 0 or isinstance(value, str):
        return []
    if isinstance(value, (list, tuple)):
        inner = value[:20]
    else:
        inner = (value if isinstance(value, dict) else getattr(value, "__dict__", {})).values()
    return [number for part in inner for number in numbers_in(part, depth - 1)]
