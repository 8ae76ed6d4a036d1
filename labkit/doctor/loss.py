"""What does the loss function receive: which numbers, which labels, and what is done with them?"""

import math
from collections.abc import Iterator
from typing import Any

import torch

from labkit.doctor import mixing, targets
from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.findings import Finding
from labkit.doctor.log import Forward, Judged
from labkit.doctor.sample import fitting, pairs, same
from labkit.doctor.targets import is_log_softmax, is_softmax
from labkit.inspect.recording import record
from labkit.sandbox import randomness

_LITTLE = 0.3
"""Above the logits of a fresh ``Net``, which may all be positive, and below sigmoid(0)."""

_LABELS_DO_NOT_FIT = ("is out of bounds", "expected target dtype", "type for target")
"""What the loss functions say where the labels are at fault."""


def look(case: Case) -> Iterator[Finding]:
    """Look at what the loss function was given during the rehearsal."""
    judged = case.log.judged
    entropy = [call for call in judged if call.function == "cross_entropy"]
    labels = pairs(case.sample)
    yield from _against_the_labels(case, judged, [labels for _images, labels in labels])
    yield from mixing.look(case, judged)
    yield from _options(entropy)
    yield from _rare(case, judged)
    if entropy:
        yield from _first_loss(entropy[0])
        yield from _before_cross_entropy(case, entropy)
        yield from _width(case, entropy[0])
    for kind, function in ("no-log-softmax", "nll_loss"), ("no-log-softmax/kl", "kl_div"):
        calls = [c for c in judged if c.function == function and c.outputs.ndim > 1]
        if calls and not all(is_log_softmax(call.outputs) for call in calls):
            squashed = all(is_softmax(call.outputs) for call in calls)
            what = phrase("softmax") if squashed else "logits"
            yield found(kind, calls[0].where, what=what, function=function)
    yield from _shapes(case, judged)
    yield from targets.look(case, entropy, judged)
    negated = list(_factors(case))
    yield from negated
    if not negated:
        yield from targets.downhill(case)


def explains(case: Case, error: Exception) -> bool:
    """Return whether an error of the loss function is said better by what is found here."""
    about_labels = any(part in str(error) for part in _LABELS_DO_NOT_FIT)
    return about_labels and (any(look_at_labels(case)) or any(look(case)))


def _before_cross_entropy(case: Case, calls: list[Judged]) -> Iterator[Finding]:
    outputs = [call.outputs.float() for call in calls if call.outputs.ndim > 1]
    if not outputs or any(out.shape[1] < 2 or not out.isfinite().all() for out in outputs):
        return
    where, numbers = calls[0].where, torch.cat([out.flatten() for out in outputs])
    if all(is_softmax(out) for out in outputs):
        yield found("softmax-before-loss", where)
    elif all(is_log_softmax(out) for out in outputs):
        yield found("log-softmax-before-loss", where)
    elif len(numbers) >= 20 and numbers.min() > 0 and _LITTLE < numbers.max() < 1:
        steps = record(case.double, fitting(case.entered[0][:2], case.model)).steps
        seen = any("sigmoid" in f"{s.call.name} {s.call.kind}".lower() for s in steps)
        yield found("sigmoid-before-loss", where, ask=not seen)
    elif len(numbers) >= 20 and numbers.min() == 0 and (numbers == 0).float().mean() > 0.1:
        yield found("relu-before-loss", where)


def _first_loss(call: Judged) -> Iterator[Finding]:
    """Compare the loss of the fresh network with that of guessing."""
    guess = math.log(max(call.outputs.shape[1], 2)) if call.outputs.ndim > 1 else math.inf
    if call.options.get("reduction") != "sum" and call.loss > 4 * guess:
        ask = call.loss < 10 * guess
        yield found("initial-loss", call.where, ask=ask, loss=call.loss, guess=guess)


def number_of_classes(case: Case) -> tuple[int, str]:
    """Return how many classes there are, and how that is known; 0 if it is not."""
    if isinstance(case.classes, int):
        return case.classes, phrase("as you said")
    if case.classes is not None:
        return len(case.classes), phrase("as you said")
    for batches in (case.train_batches, case.validation_batches, case.test_batches):
        names = _classes_of(getattr(batches, "dataset", None))
        if names:
            return len(names), phrase("in .classes")
    return 0, ""


def _classes_of(dataset) -> list:
    while dataset is not None:
        names = getattr(dataset, "classes", None)
        if names:
            return list(names)
        dataset = getattr(dataset, "dataset", None)
    return []


def _width(case: Case, call: Judged) -> Iterator[Finding]:
    classes, known = number_of_classes(case)
    outputs, targets = call.outputs, call.targets
    own = targets is not None and any(same(targets, labels) for _i, labels in pairs(case.sample))
    width = outputs.shape[1] if outputs.ndim > 1 else 1
    if classes and width != classes and (own or targets is None or targets.ndim != 1):
        where = phrase("last layer", classes=classes, known=known)
        yield found("width", where, width=width, classes=classes)


def _against_the_labels(case: Case, judged: list[Judged], labels: list) -> Iterator[Finding]:
    """Compare the targets with the labels of the batch, and the images with its images."""
    meant = []
    for call in judged:
        whole = call.targets is not None and labels and call.batch >= 0
        if not whole:
            return
        targets, own = call.targets.cpu(), labels[call.batch % len(labels)].cpu()
        if targets.ndim == 2 and targets.shape == call.outputs.shape and _one_hot(targets):
            targets = targets.argmax(dim=1)
        if targets.shape != own.shape or targets.ndim != 1 or targets.is_floating_point():
            return
        meant.append((targets, own))
    if not meant:
        return
    targets, own = (torch.cat(parts) for parts in zip(*meant, strict=True))
    got, there, width = len(targets.unique()), len(own.unique()), judged[0].outputs.shape[-1]
    if got < there <= width:
        yield found("labels-collapsed", judged[0].where, n=got, there=there)
    elif not same(targets, own) and got >= there and _one_to_one(own, targets):
        at = int((targets != own).nonzero()[0])
        before, after = int(own[at]), int(targets[at])
        shift = (own - targets == own.min()).all() and own.min() > 0  # counted from 0, as it must
        if not shift and width > max(before, after):
            yield found("labels-changed", judged[0].where, before=before, after=after)
    for forward in case.log.forwards:
        mine = [call for call in judged if call.batch == forward.batch]
        if mine and _out_of_step(forward, mine[0], pairs(case.sample)):
            yield found("out-of-step", mine[0].where)
            return


_MUCH, _MOST_SMOOTHING = 10, 0.5
"""A penalty so many times the loss is what is made small, and not the loss."""


def _one_hot(values: torch.Tensor) -> bool:
    both = bool(((values == 0) | (values == 1)).all())
    return both and bool((values.sum(dim=1) == 1).all()) and values.shape[1] > 1


def _one_to_one(own: torch.Tensor, targets: torch.Tensor) -> bool:
    couples = torch.stack([own, targets]).unique(dim=1)
    return couples.shape[1] == len(own.unique()) == len(targets.unique())


def _out_of_step(forward: Forward, call: Judged, batches: list) -> bool:
    """Tell whether the images were reordered before the model, and the labels were not."""
    images, labels = batches[forward.batch % len(batches)]
    entered, targets = forward.images, call.targets
    if entered is None or targets is None:
        return False
    if entered.shape != images.shape or targets.shape != labels.shape:
        return False
    one, other = (x.cpu().float().flatten(1) for x in (entered, images))
    places = (one[:, None, :64] == other[None, :, :64]).all(-1)
    if not (places.sum(0) == 1).all() or not (places.sum(1) == 1).all():
        return False
    moved = labels.cpu()[places.int().argmax(dim=1)]
    return same(targets, labels) and not same(targets, moved)


def _options(calls: list[Judged]) -> Iterator[Finding]:
    targets = [call.targets for call in calls if call.targets is not None]
    if not targets or any(part.ndim != 1 or part.is_floating_point() for part in targets):
        return
    labels, options, where = torch.cat(targets).cpu(), calls[0].options, calls[0].where
    if options.get("label_smoothing", 0) > _MOST_SMOOTHING:
        smoothing = options["label_smoothing"]
        yield found("label-smoothing", where, value=smoothing, left=1 - smoothing)
    ignored = options.get("ignore_index", -100)
    share = (labels == ignored).float().mean().item()
    if ignored >= 0 and 0 < share < 0.5:
        yield found("label-ignored", where, label=ignored, share=share)
    weights = options.get("weight")
    if isinstance(weights, torch.Tensor) and len(labels) >= 64 and len(weights) > 1:
        counts = labels.bincount(minlength=len(weights)).float()[: len(weights)]
        pair = torch.stack([counts, weights.detach().cpu().float()])
        none = ((pair[1] == 0) & (counts > 0)).nonzero().flatten().tolist()
        if none:
            share = counts[none].sum().item() / len(labels)
            yield found("label-ignored/weight", where, ask=True, label=none[0], share=share)
        uneven = counts.max() > 1.5 * counts.clamp(min=1).min() and pair[1].std() > 0
        if uneven and torch.corrcoef(pair)[0, 1] > 0.7:
            yield found("class-weights-inverted", where)


def _rare(case: Case, judged: list[Judged]) -> Iterator[Finding]:
    """Compare pos_weight, which is to lift rare labels, with how rare they are."""
    targets = judged[0].targets if judged else None
    weights = judged[0].options.get("pos_weight") if judged else None
    every = [labels.float() for _images, labels in pairs(case.many)]
    if not every or targets is None or not isinstance(weights, torch.Tensor):
        return
    width = targets.shape[-1] if targets.ndim > 1 else 1
    if sum(map(len, every)) < 64 or any(y.numel() != len(y) * width for y in every):
        return
    labels = torch.cat([y.reshape(-1, width) for y in every])
    rare = (1 - labels).sum(0).clamp(min=1) / labels.sum(0).clamp(min=1)
    one = weights.detach().cpu().float().clamp(min=1e-6).flatten().expand(width)
    uneven = (rare.log().abs() > 0.7) & (one.log().abs() > 0.7)
    if ((labels == 0) | (labels == 1)).all() and uneven.any():
        if ((rare * one).log().abs() < 0.7)[uneven].all():
            at = int(rare.log().abs().argmax())
            values: dict[str, Any] = {"rare": rare[at].item(), "weight": one[at].item()}
            yield found("class-weights-inverted/positive", judged[0].where, **values)


def _shapes(case: Case, judged: list[Judged]) -> Iterator[Finding]:
    if case.log.spread:
        function, where, outputs, targets = case.log.spread
        parts: dict[str, Any] = {"outputs": outputs, "targets": targets}
        yield found("shapes-broadcast", where, function=function, **parts)
        return
    for call in judged:
        if call.function in ("cross_entropy", "nll_loss", "multi_margin_loss") or (
            call.targets is None or call.targets.shape == call.outputs.shape
        ):
            continue
        if max(call.targets.numel(), call.outputs.numel()) > 1 and call.targets.ndim:
            shapes: Any = {"outputs": list(call.outputs.shape), "targets": list(call.targets.shape)}
            yield found("shapes-broadcast", call.where, function=call.function, **shapes)
            return


def _factors(case: Case) -> Iterator[Finding]:
    """Look at what backward() was called on: the loss, or something else made of it."""
    log = case.log
    if len(log.factors) < 3 or len(log.judged) < 3:
        return
    factors, where = log.factors, log.backwards[-1]
    times = [all_of / part for all_of, part in zip(log.sunk, log.since, strict=True) if part > 0]
    if len(times) > 2 and times[0] > 1.2 and _is_a_sum(case):
        yield found("penalty-too-strong/sum", where, part=1 - 1 / times[0])
        return
    if len(times) > 2 and min(times[:3]) > _MUCH and max(times) > 1.001 * min(times):
        yield found("penalty-too-strong", where, times=times[0])
        return
    size = len(log.judged[0].outputs)
    if all(math.isclose(factor, -case.downhill, rel_tol=0.01) for factor in factors):
        yield found("loss-negated", where, ask=not log.steps)
    elif size >= 8 and all(math.isclose(f * size, 1, rel_tol=0.02) for f in factors[:-1]):
        mean = all(call.options.get("reduction", "mean") == "mean" for call in log.judged)
        if mean and len(log.steps) >= len(log.backwards) - 1:
            yield found("loss-divided", where, n=size)


def _is_a_sum(case: Case) -> bool:
    """Tell whether half a batch halves what is added to the loss, which itself stays: a mean."""
    images, labels = next(iter(pairs(case.many)), (torch.zeros(0),) * 2)
    half, parts = len(images) // 2, []
    for n in (2 * half, half) if half > 3 and case.train else ():
        with randomness.kept(0):
            batches = [(images[:n], labels[:n])] * 3
            log = case.train_copies(3, batches=batches, seconds=1).log
        if not log.since or not log.sunk:
            return False
        parts.append((log.since[0], log.sunk[0] - log.since[0]))
    (loss, more), (own, less) = parts or [(0, 0)] * 2
    return 0.8 * loss < own < 1.25 * loss and 0.4 * more < less < 0.6 * more


def look_at_labels(case: Case) -> Iterator[Finding]:
    """Look at the labels of all batches at hand, and of the data set where it lists them."""
    judged = case.log.judged
    if judged and judged[0].function not in ("cross_entropy", "nll_loss"):
        return  # other losses take other labels
    if judged and judged[0].targets is not None and not judged[0].targets.is_floating_point():
        if case.trained and any(p[1].is_floating_point() for p in pairs(case.sample)):
            return  # the learner's own code has made class numbers of them
    if case.own_code and not judged:
        return
    for loader, sample, name in (
        (case.train_batches, case.sample, phrase("training batches")),
        (case.validation_batches, case.judging_sample, phrase("validation batches")),
    ):
        labels = [labels for _images, labels in pairs(sample)]
        if not labels:
            continue
        if labels[0].ndim == 2 and all(map(_one_hot, labels)):
            ask = labels[0].is_floating_point()
            yield found("one-hot", name, ask=ask, shape=list(labels[0].shape))
        elif labels[0].ndim == 1 and judged and labels[0].is_floating_point():
            yield found("label-type", name, dtype=labels[0].dtype)
        elif labels[0].ndim == 1 and not labels[0].is_floating_point():
            yield from _out_of_range(case, torch.cat(labels), loader, name)


def _out_of_range(case: Case, labels: torch.Tensor, loader, name: str) -> Iterator[Finding]:
    judged, every = case.log.judged, all_targets(getattr(loader, "dataset", None))
    labels = labels if every is None else torch.cat([labels, every])
    labels = labels[labels != -100]  # which cross_entropy ignores
    if not len(labels) or (judged and _relabelled(case, judged)):
        return
    classes = number_of_classes(case)[0]
    if not classes and judged and judged[0].outputs.ndim > 1:
        classes = judged[0].outputs.shape[1]
    low, high = int(labels.min()), int(labels.max())
    none = low == 1 and high == classes - 1 and len(labels) >= 10 * classes
    if classes and (low < 0 or high >= classes or none):
        values = {"low": low, "high": high, "classes": classes, "last": classes - 1}
        yield found("label-range", name, ask=none, **values)


def _relabelled(case: Case, judged: list[Judged]) -> bool:
    """Tell whether the learner's code turns the labels of the batches into others."""
    own = [labels for _images, labels in pairs(case.sample)]
    call = judged[0]
    return bool(
        case.own_code
        and not math.isnan(call.loss)
        and own
        and call.targets is not None
        and not any(same(call.targets, labels) for labels in own)
    )


def all_targets(dataset) -> torch.Tensor | None:
    """Return the labels of a data set that lists them and does not change them."""
    targets = getattr(dataset, "targets", None)
    if targets is None or not len(targets):
        return None
    targets = torch.as_tensor(targets)
    whole = targets.ndim == 1 and not targets.is_floating_point()
    return targets if whole and getattr(dataset, "target_transform", None) is None else None
