"""Does the learner's evaluation count every image once?

It is asked about a stand-in for the model whose answers are known: all right, all wrong, or some
of each.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch.nn.functional import one_hot
from torch.utils.data import DataLoader

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.findings import Finding
from labkit.doctor.loading import shuffles
from labkit.doctor.sample import Part, Sample, fitting, length, pairs
from labkit.inspect.recording import FAILURES, record
from labkit.sandbox.untouched import untouched

_SURE, _NEAR = 30.0, 0.3
"""The answer that the stand-in gives is so far above the others, which are below 0.

Where one number stands for two classes, it lies so near to the middle.
"""


@dataclass
class _Marks:
    """Which answers of the stand-in are right, batch by batch."""

    right: list[torch.Tensor]

    def share(self) -> float:
        """Return the share of right answers over all images."""
        return torch.cat(self.right).float().mean().item()

    def of_batches(self) -> float:
        """Return the mean of the shares of the batches."""
        return sum(part.float().mean().item() for part in self.right) / len(self.right)


def look_at_counting(case: Case) -> Iterator[Finding]:
    """Ask the evaluation about answers that are all right, all wrong, or some of each."""
    batches, whole = case.judging_batches
    if not whole and (rest := _rest(case.judging, batches)):
        images, labels = pairs(batches)[-1]
        batches = [*batches[:-1], (images[:rest], labels[:rest])]
    turned = bool(shuffles(case.judging))
    loader = case.judging if whole else Part(batches, case.judging, turned)
    yield from _asked(case, batches, loader, whole)


def _rest(loader: Any, batches: list) -> int:
    """Return how many images the last batch of all will have, if it is a short one."""
    sizes, every = (
        {len(images) for images, _labels in pairs(batches)},
        getattr(loader, "dataset", 0),
    )
    whole = getattr(loader, "drop_last", False) or len(sizes) != 1
    return 0 if whole else (length(every) or 0) % sizes.pop()


def _asked(case: Case, batches: list, loader: Any, whole: bool) -> Iterator[Finding]:
    """Ask the evaluation about answers that are known, on these batches."""
    both = pairs(batches)
    form = _form(case, both)
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
        if _scale(true, sum(sizes)) and abs(value - true) > 0.02 * true:
            yield found("two-orders", said=value, true=true)
            return
    found_here = list(_compare(said, labels, whole, case.judging is not None))
    second = _known(case, batches, loader, labels, none, form, second=True) or []
    places = [at for at, value in enumerate(right) if _scale(value, sum(sizes)) and not wrong[at]]
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


def _in_order(case: Case, batches: list, whole: bool, every: _Marks, form: "_Form") -> list[float]:
    """Return what it says of answers that are all right where the data set has their order.

    Nothing is returned for a loader that does not shuffle.
    """
    if not shuffles(case.judging):
        return []
    if whole and isinstance(case.judging, DataLoader):
        options = {"batch_size": len(every.right[0]), "collate_fn": case.judging.collate_fn}
        with suppress(*FAILURES):
            batches = list(DataLoader(case.judging.dataset, **options))
    labels = [labels.long() for _images, labels in pairs(batches)]
    if [len(part) for part in labels] != [len(part) for part in every.right]:
        return []
    return _known(case, batches, Part(batches, case.judging), labels, every, form) or []


def _again(case: Case, said: list, given: tuple, form: "_Form") -> Iterator[Finding]:
    """Ask twice in a row, and in another order in each pass: does that change the number?"""
    (none, wrong), (every, right), *_some = said
    for kind, marks, share in (
        ("evaluation-remembers", [*none.right, *every.right], 0.5),
        ("evaluation-remembers/more", [*every.right, *every.right], 2.0),
        ("two-orders", every.right, None),
    ):
        if share is None and not shuffles(case.judging):
            return
        seen = _known(case, *given, _Marks(marks), form, turning=share is None) or []
        if len(seen) != len(right):
            continue
        for value, low, again in zip(right, wrong, seen, strict=True):
            part = (again - low) / (value - low) if abs(value - low) > 0.5 else 1
            if (abs(part - share) < 0.02) if share else (part < 0.9):
                yield found(kind, said=again, true=value)
                return


@dataclass
class _Form:
    """What the model's answers look like: logits of classes, or one number for two of them."""

    classes: int
    shape: tuple[int, ...] = ()
    middle: float = 0.0

    @property
    def single(self) -> bool:
        return bool(self.shape)

    def answers(self, given: torch.Tensor, truth: torch.Tensor, second: bool) -> torch.Tensor:
        """Return what the stand-in says for these class numbers: the right one last, or second."""
        if not self.single:
            chosen, right = (one_hot(x, self.classes) for x in (given, truth))
            others = right * (1 - chosen) if second else (1 - chosen) * (1 - right)
            return chosen * _SURE + others - _SURE / 2
        near = given.float() * 2 * _NEAR - _NEAR + self.middle
        return near.reshape(-1, *self.shape[1:])


def _form(case: Case, both: list) -> _Form | None:
    """Return the form of the model's answers; None where they are something else."""
    whole = [y.ndim == 1 and bool((y == y.long()).all()) for _x, y in both]
    if not both or not all(whole):
        return None
    images, labels = both[0]
    images = fitting(images[:2], case.model)
    try:
        with untouched(case.double):
            outputs = case.double(images)
    except FAILURES:
        return None
    low, high = min(int(y.min()) for _x, y in both), max(int(y.max()) for _x, y in both)
    if not isinstance(outputs, torch.Tensor) or low < 0 or len(outputs) != len(images):
        return None
    if outputs.shape in ((len(outputs),), (len(outputs), 1)) and high == 1:
        steps = record(case.double, images).steps
        squashed = any("sigmoid" in (s.call.name + s.call.kind).lower() for s in steps[-2:])
        return _Form(2, tuple(outputs.shape), 0.5 if squashed else 0.0)
    plain = outputs.ndim == 2 and outputs.shape[1] > max(high, 1)
    plain = plain and not any(y.is_floating_point() for _x, y in both)
    return _Form(outputs.shape[1]) if plain else None


def _marks(sizes: list[int], trial: int) -> _Marks:
    """Return all wrong, all right, and twice some of each: more in the last batch."""
    if trial < 2:
        return _Marks([torch.full((size,), trial == 1) for size in sizes])
    every = 2 if trial == 2 else 4
    right = [torch.arange(size) % every == (number % every) for number, size in enumerate(sizes)]
    if len(right) > 1:
        right[-1] = torch.arange(sizes[-1]) >= (0 if trial == 2 else sizes[-1] // 3)
    return _Marks(right)


def _known(
    case,
    batches,
    loader,
    labels,
    marks: _Marks,
    form: _Form,
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


def _compare(said: list, labels: list, whole: bool, own: bool) -> Iterator[Finding]:
    (_none, wrong), (_all, right), *some = said
    if not wrong or len({len(numbers) for _marks, numbers in said}) > 1:
        return
    total = sum(map(len, labels))
    places = [at for at in range(len(wrong)) if wrong[at] == 0 and right[at] > 0]
    scales = {at: s for at in places if (s := _scale(right[at], total))}
    if len(scales) > 3:
        return  # a number for each class: one of them is like a mistake by chance
    ways: list[tuple[str, Callable]] = [
        ("", _Marks.share),
        ("", lambda marks: _by_class(marks, labels)),
        ("accuracy-of-batches", _Marks.of_batches),
        ("first-batch-only", lambda marks: marks.right[0].float().mean().item()),
    ]
    for kind, expected in ways:
        fits = [
            at
            for at, scale in scales.items()
            if all(_near(numbers[at] / scale, expected(marks), scale) for marks, numbers in some)
        ]
        if fits:
            if kind and len(labels) > 1:
                marks, numbers = some[0]
                yield found(kind, said=numbers[fits[0]] / scales[fits[0]], true=marks.share())
            break
    else:
        yield from _wrong(said, places, scales, total, whole and own)
    yield from _loss(said)


def _scale(value: float, total: int) -> float:
    """Return what stands for all right: 1, 100 (per cent) or the number of images; else 0."""
    return next((s for s in (1.0, 100.0, float(total)) if abs(value - s) < 0.006 * min(s, 1)), 0.0)


def _near(value: float, expected: float, scale: float) -> bool:
    near = 0.0101 if scale == 100 else 0.006 if scale == 1 else 0.5 / scale
    return abs(value - expected) <= near


def _by_class(marks: _Marks, labels: list) -> float:
    right, truth = torch.cat(marks.right).float(), torch.cat(labels)
    return sum(right[truth == c].mean().item() for c in truth.unique()) / len(truth.unique())


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
        if abs(wrong[at] - _SURE) < 0.01 and abs(right[at]) < 0.01:
            of_images, of_batches = (
                all(abs(numbers[at] / _SURE - 1 + way(marks)) < 1e-3 for marks, numbers in some)
                for way in (_Marks.share, _Marks.of_batches)
            )
            if of_batches and not of_images:
                marks, numbers = some[0]
                true = _SURE * (1 - marks.share())
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
