"""Are the numbers of the images of the right size, and their axes in the right place?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Subset

from labkit.doctor import trials
from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.findings import Finding
from labkit.doctor.forms import ignores_labels
from labkit.doctor.sample import fitting, pairs, transform_steps
from labkit.inspect.recording import FAILURES, record


def look(case: Case) -> Iterator[Finding]:
    """Look at the training batches and at what the model received, and compare validation."""
    training, name = _what_the_model_gets(case)
    if training is None:
        return
    if training.is_floating_point() and not training.isfinite().all():
        yield found("images-not-finite", name)
        return
    if training.ndim != 4:  # rows of numbers, perhaps of flattened images
        raw = training.is_floating_point() and training.ndim == 2 and training.shape[1] >= 64
        if raw and training.min() == 0 and 200 < training.max() <= 255:
            yield from _scale(case, training, name)
        return
    wrapped = list(_wrapped(training[:64].float(), name))
    scale = wrapped or list(_scale(case, training.float(), name)) or list(_twice(case, name))
    yield from scale
    yield from _axes(case, training.float(), name)
    yield from _sideways(case.dataset)
    judging = _what_judges(case)
    if judging is not None and not scale:
        yield from _differently(case, training.float(), judging.float())


def _what_the_model_gets(case: Case) -> tuple[torch.Tensor | None, str]:
    """Return what enters the model in the rehearsal, else the batches themselves."""
    images, forwards = _stack(case.entered), case.log.forwards
    where = forwards[0].where if forwards and case.own_code else phrase("training batches")
    return _at_the_first_layer(case, images) if forwards else images, where


def _what_judges(case: Case) -> torch.Tensor | None:
    """Return what enters the model in the evaluation; else the batches, if training takes its own.

    None where the training code prepares them, and no evaluation shows how it does that.
    """
    raw = [images for images, _labels in pairs(case.judging_sample)]
    if case.evaluate and raw:
        entered = [f.images for f in case.evaluation.log.forwards if f.images is not None]
        return _at_the_first_layer(case, _stack(entered))
    own, entered = pairs(case.sample), case.entered
    as_they_come = not own or _same(own[0][0], entered[0])
    return _at_the_first_layer(case, _stack(raw)) if as_they_come else None


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one.cpu(), other.cpu())


def _at_the_first_layer(case: Case, images: torch.Tensor | None) -> torch.Tensor | None:
    """Return the images as the first layer with weights gets them: a model may scale its input.

    None where a normalisation stands before it.
    """
    if images is None:
        return None
    try:
        steps = record(case.double, fitting(images, case.model)).steps
    except (*FAILURES, ValueError):
        return images
    for step in steps:
        if isinstance(step.call.module, nn.modules.batchnorm._NormBase):
            return None
        if getattr(step.call.module, "weight", None) is not None and step.call.tensors:
            first = step.call.tensors[0]
            alike = first.ndim == images.ndim and len(first) == len(images)
            return first.cpu() if alike else images
    return images


def _stack(images: list[torch.Tensor]) -> torch.Tensor | None:
    same = [batch.cpu() for batch in images if batch.shape[1:] == images[0].shape[1:]]
    return torch.cat(same) if same and same[0].ndim > 1 and len(torch.cat(same)) else None


def _scale(case: Case, images: torch.Tensor, name: str) -> Iterator[Finding]:
    low, high, mean, std = (
        function(images).item() for function in (torch.min, torch.max, torch.mean, torch.std)
    )
    channels = (0, *range(2, images.ndim)) if images.ndim > 2 else (0, 1)
    spread = (images - images.mean(channels, keepdim=True)).std().item()
    seen = phrase("values", low=low, high=high, mean=mean, std=std)
    if low == high:
        yield found("divided-twice/constant", name, seen=seen)
    elif 200 < high - low < 256 < 2 * high or spread < 0.02:
        helps = trials.better(case, trials.prepared(lambda _m, x: (x - mean) / spread))
        if helps is not False:
            yield found("bytes" if high > 100 else "divided-twice", name, ask=not helps, seen=seen)
    elif high > 20 and "Normalize" in transform_steps(case.dataset):
        yield found("bytes/normalised", name, high=high, seen=seen)
    elif (abs(mean) > 1.5 or std > 2 and max(-low, high) > 3.2) and _holds_bytes(case.dataset):
        yield found("normalised-twice", name, ask=True, seen=seen)
    elif low >= 0 and high <= 1 and not ignores_labels(case):  # which needs them so
        scores = trials.compared(case, trials.prepared(lambda _m, x: (x - mean) / std))
        if scores is None or scores[1] > scores[0] + trials.LESS:
            yield found("not-normalised", name, seen=seen)


def _holds_bytes(dataset: Any) -> bool:
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    stored = (getattr(value, "dtype", "") for value in getattr(dataset, "__dict__", {}).values())
    return any(str(dtype).endswith("uint8") for dtype in stored)


def _twice(case: Case, name: str) -> Iterator[Finding]:
    """Look for a second normalisation: in the transform, or on the way from loader to model."""
    steps = transform_steps(case.dataset)
    if steps.count("Normalize") > 1:
        yield found("normalised-twice", phrase("transform"), seen=", ".join(steps))
        return
    came = next((x for x, _labels in pairs(case.sample)), None)
    entered = _at_the_first_layer(case, case.entered[0])
    if came is None or entered is None or came.shape != entered.shape or came.dtype == torch.uint8:
        return
    x, y = (part.cpu().float().transpose(0, 1).flatten(1) for part in (came, entered))
    once = "Normalize" in steps or x.min() < 0 and 0.3 < x.std() < 1.5
    away = y.mean().abs() > max(0.5, x.mean().abs().item())
    times = y.std(1) / x.std(1).clamp(min=1e-9)
    middle = x.mean(1) - y.mean(1) / times
    line = (times[:, None] * (x - middle[:, None]) - y).abs().max() < 1e-3
    usual = (times > 1.5) & (middle > 0.05) & (middle < 0.95)
    if once and away and line and usual.all():
        yield found("normalised-twice", name)


def _axes(case: Case, images: torch.Tensor, name: str) -> Iterator[Finding]:
    shape = list(images.shape)
    flat = not any(isinstance(module, nn.Conv2d) for module in case.model.modules())
    if shape[-1] in (1, 3) and min(shape[1:3]) >= 8:
        yield found("channels-last", name, ask=flat or shape[1] != shape[2], shape=shape)
    elif shape[1] == 3 and min(shape[2:]) >= 8:
        rough = _roughness(_cut_as_rows(images)) / _roughness(images)
        if rough < 0.7 or rough < 1 and _alike_as_rows(images):
            yield found("channels-scrambled", name, ask=flat or bool(rough >= 0.7))


def _cut_as_rows(images: torch.Tensor) -> torch.Tensor:
    """Return the same numbers, cut as [H, W, C]: much smoother where they were scrambled."""
    count, channels, height, width = images.shape
    return images.reshape(count, height, width, channels).permute(0, 3, 1, 2)


_MORE_ALIKE = 0.02
"""A correlation is larger by so much where numbers are neighbours, also in noisy images."""


def _alike_as_rows(images: torch.Tensor) -> bool:
    """Tell whether numbers resemble those three places on more than those beside and below them."""
    flat, width = images.flatten(1), images.shape[3]
    flat = (flat - flat.mean()) / flat.std().clamp(min=1e-9)
    near, far, farther, below, under, deeper = (
        (flat[:, :-n] * flat[:, n:]).mean() for n in (1, 3, 6, width, 3 * width, 6 * width)
    )
    strange = under > 3 * below and far > 1.1 * farther and under > 1.1 * deeper  # no pattern
    return bool(min(far - near, under - below) > _MORE_ALIKE and strange)


def _wrapped(images: torch.Tensor, name: str) -> Iterator[Finding]:
    """Tell whether numbers went round the end of a byte: turned back, the images are smoother."""
    one = images[:, :1]
    levels = one.unique()
    if one.shape[-1] < 8 or not 16 < len(levels) <= 256:
        return
    width = (levels[-1] - levels[0]) / 255
    numbers = (one - levels[0]) / width
    if (numbers - numbers.round()).abs().max() > 0.01:
        return
    turned = min(_roughness((numbers.round() + turn) % 256) for turn in range(16, 256, 16))
    if turned < 0.7 * _roughness(numbers):
        yield found("bytes-wrapped", name, ask=True)  # or hues, which are round


def _roughness(images: torch.Tensor) -> torch.Tensor:
    """Return the mean difference between neighbours, down and across."""
    return images.diff(dim=2).abs().mean() + images.diff(dim=3).abs().mean()


def _sideways(dataset: Any) -> Iterator[Finding]:
    """Compare a few items with the raw images of a set that holds them."""
    raw = getattr(dataset, "data", None)
    if not isinstance(raw, np.ndarray) or raw.ndim != 4 or raw.shape[1] != raw.shape[2]:
        return
    count = min(8, len(raw))
    try:
        items = [dataset[index][0] for index in range(count)]
    except FAILURES:
        return
    if not all(isinstance(x, torch.Tensor) and x.shape[1:] == raw.shape[1:3] for x in items):
        return
    grey = torch.stack([item.float().mean(dim=0) for item in items])
    upright = torch.from_numpy(raw[:count].mean(axis=-1)).float()
    if _alike(grey, upright.mT) > 0.99 > 0.95 > _alike(grey, upright):
        yield found("sideways", ", ".join(transform_steps(dataset)), ask=True)


def _alike(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the correlation of two stacks of images."""
    return torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].item()


_CUT = 0.15
"""The share of numbers that are exactly 0, from which on they were cut off there."""


def _differently(case: Case, training: torch.Tensor, judging: torch.Tensor) -> Iterator[Finding]:
    if training.ndim != 4 or judging.ndim != 4 or training.shape[1] != judging.shape[1]:
        return
    (mean, std), (other_mean, other_std) = (
        (images.mean().item(), images.std().item()) for images in (training, judging)
    )
    least, most, share = training.min(), training.max(), (training == 0).float().mean().item()
    if least == 0 and most <= 1 and share > _CUT > (judging == 0).float().mean().item():
        if judging.min() < -0.2:
            yield found("cut-below-zero", share=share)
            return
    apart = abs(mean - other_mean) / max(std, 1e-6)
    ratio = other_std / max(std, 1e-6)
    if apart > 0.6 or not 0.55 < ratio < 1.8:

        def alike(model, x):
            return x if model.training else (x - other_mean) / max(other_std, 1e-6) * std + mean

        helps = trials.better(case, trials.prepared(alike))
        values: dict[str, Any] = {
            "mean": mean,
            "std": std,
            "other": other_mean,
            "spread": other_std,
        }
        if helps is not False:
            yield found("differently-prepared", ask=not helps, **values)


def look_at_types(case: Case) -> Iterator[Finding]:
    """Compare dtype and device of the batches with the model's, where no code moves them."""
    weight = next((p for p in case.model.parameters() if p.is_floating_point()), None)
    images = next((images for images, _labels in pairs(case.sample)), None)
    if weight is None or images is None:
        return
    pair = [str(images.dtype), str(weight.dtype)], [str(images.device), str(weight.device)]
    runs = case.trained is not None and not images.is_floating_point()
    for kind, (here, there) in zip(("dtype", "device"), pair, strict=True):
        if here != there and not case.own_code and not (kind == "dtype" and runs):
            yield found(kind, phrase("training batches"), ask=True, here=here, there=there)
