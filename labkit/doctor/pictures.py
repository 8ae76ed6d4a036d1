"""Are the numbers of the images of the right size, and their axes in the right place?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from labkit.doctor.case import Case
from labkit.doctor.findings import Finding
from labkit.doctor.sample import is_pair, transform_steps
from labkit.inspect.recording import FAILURES
from labkit.text import _


def look(case: Case) -> Iterator[Finding]:
    """Look at the training batches and at what the model received, and compare validation."""
    training, name = _what_the_model_gets(case)
    if training is None:
        return
    if training.is_floating_point() and not training.isfinite().all():
        yield Finding(
            "pictures-not-finite",
            _("The images contain NaN or infinite numbers."),
            name,
            _("One NaN makes the loss NaN, and after the next step every weight."),
            _("Look for a division by 0 in what prepares the images."),
        )
        return
    if training.ndim != 4:
        return  # no images
    found = list(_scale(training.float(), name)) or list(_twice(case, name))
    yield from found
    yield from _axes(training.float(), name)
    yield from _sideways(getattr(case.train_batches, "dataset", None))
    judging = _stack([batch[0] for batch in case.judging_sample if is_pair(batch)])
    if judging is not None and not found:
        yield from _differently(training.float(), judging.float())


def _what_the_model_gets(case: Case) -> tuple[torch.Tensor | None, str]:
    """Return what enters the model in the rehearsal, else the batches themselves."""
    if case.rehearsal:
        forwards = case.rehearsal.log.forwards
        entered = _stack([forward.images for forward in forwards if forward.images is not None])
        if entered is not None:
            return entered, forwards[0].where if case.own_code else _("the training batches")
    images = _stack([batch[0] for batch in case.sample if is_pair(batch)])
    return images, _("the training batches")


def _stack(images: list[torch.Tensor]) -> torch.Tensor | None:
    same = [batch.cpu() for batch in images if batch.shape[1:] == images[0].shape[1:]]
    return torch.cat(same) if same and same[0].ndim > 1 and len(torch.cat(same)) else None


def _scale(images: torch.Tensor, name: str) -> Iterator[Finding]:
    low, high, mean, std = (
        function(images).item() for function in (torch.min, torch.max, torch.mean, torch.std)
    )
    seen = _("values from {low:.3g} to {high:.3g}, mean {mean:.2g}, std {std:.2g}").format(
        low=low, high=high, mean=mean, std=std
    )
    where = _("{name}: {seen}").format(name=name, seen=seen)
    if high > 20:
        yield Finding(
            "bytes",
            _("The images are on the scale from 0 to 255."),
            where,
            _("Inputs of hundreds make outputs, gradients and steps too large by as much."),
            _("Divide by 255 first (ToTensor does), then normalise."),
        )
    elif std < 0.02:
        yield Finding(
            "divided-twice",
            _("All images are nearly the same to the model."),
            where,
            _("They hardly differ from each other: divided by 255 twice, perhaps."),
            _("Divide once. ToTensor divides bytes by 255 already."),
        )
    elif _looks_normalised_twice(low, high, mean, std):
        yield _twice_finding(where)
    elif low >= 0 and high <= 1:
        yield Finding(
            "not-normalised",
            _("The images are not normalised. On purpose?"),
            where,
            _("A network learns faster from inputs around 0 with a standard deviation near 1."),
            _("Subtract the mean and divide by the standard deviation: Normalize(mean, std)."),
            "question",
        )


def _looks_normalised_twice(low: float, high: float, mean: float, std: float) -> bool:
    """Tell by the numbers: once, they lie within [-1, 1] or have a mean near 0 and a std near 1."""
    by_half = -3.01 <= low < -2.3 and high <= 1.01 and mean < -0.3
    by_own_numbers = (low < -3.2 or high > 3.2) and (std > 2 or abs(mean) > 1.5)
    return by_half or by_own_numbers


def _twice(case: Case, name: str) -> Iterator[Finding]:
    steps = transform_steps(getattr(case.train_batches, "dataset", None))
    if steps.count("Normalize") > 1:
        yield _twice_finding(
            _("the training set's transform: {steps}").format(steps=", ".join(steps))
        )


def _twice_finding(where: str) -> Finding:
    return Finding(
        "normalised-twice",
        _("The images are normalised twice."),
        where,
        _(
            "Once would put them around 0; the second time moves them away again. And images "
            "that are normalised once, as you may do in evaluation, look strange to the network."
        ),
        _("Normalise in one place: in the transform, or in the loop, or in the loader."),
    )


def _axes(images: torch.Tensor, name: str) -> Iterator[Finding]:
    shape = list(images.shape)
    why = _("A convolution then mixes columns as if they were colours; the shapes happen to fit.")
    if shape[-1] in (1, 3) and shape[1] not in (1, 3):
        yield Finding(
            "channels-last",
            _("The channels are on the last axis: {shape}.").format(shape=shape),
            name,
            why,
            _("images.permute(0, 3, 1, 2) makes [N, H, W, C] into [N, C, H, W]."),
        )
    elif shape[1] == 3 and min(shape[2:]) >= 8 and _is_scrambled(images):
        yield Finding(
            "channels-scrambled",
            _("The images are scrambled: [N, H, W, C] was reshaped into [N, C, H, W]."),
            name,
            _(
                "reshape and view keep the order of the numbers and cut it differently: neighbours "
                "are no longer neighbours. The shape is right, but the images are not."
            ),
            _("Use permute(0, 3, 1, 2), which moves the axes."),
        )


def _is_scrambled(images: torch.Tensor) -> bool:
    """Tell whether the same numbers, cut as [H, W, C], are much smoother than as they are."""
    count, channels, height, width = images.shape
    other = images.reshape(count, height, width, channels).permute(0, 3, 1, 2)
    return bool(_roughness(other) < 0.7 * _roughness(images))


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
        yield Finding(
            "sideways",
            _("The images lie on their side: height and width are swapped."),
            _("the training set's transform: {steps}").format(
                steps=", ".join(transform_steps(dataset))
            ),
            _("Square images fit either way. Images from elsewhere will stand upright."),
            _("From [H, W, C] it is permute(2, 0, 1), not transpose(0, 2) or .T."),
        )


def _alike(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the correlation of two stacks of images."""
    return torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].item()


def _differently(training: torch.Tensor, judging: torch.Tensor) -> Iterator[Finding]:
    if training.ndim != 4 or judging.ndim != 4 or training.shape[1] != judging.shape[1]:
        return
    (mean, std), (other_mean, other_std) = (
        (images.mean().item(), images.std().item()) for images in (training, judging)
    )
    apart = abs(mean - other_mean) / max(std, 1e-6)
    ratio = other_std / max(std, 1e-6)
    if apart > 0.6 or not 0.55 < ratio < 1.8:
        yield Finding(
            "differently-prepared",
            _("Training and validation images are prepared differently."),
            _(
                "training: mean {mean:.2f}, std {std:.2f}; validation: mean {other:.2f}, "
                "std {other_std:.2f}"
            ).format(mean=mean, std=std, other=other_mean, other_std=other_std),
            _("The network is judged on numbers of a size that it never saw."),
            _("Use the same ToTensor and Normalize for both; only augmentation differs."),
        )


def look_at_types(case: Case) -> Iterator[Finding]:
    """Compare dtype and device of the batches with the model's, where no code moves them."""
    weight = next((p for p in case.model.parameters() if p.is_floating_point()), None)
    images = next((batch[0] for batch in case.sample if is_pair(batch)), None)
    if weight is None or images is None:
        return
    pair = [str(images.dtype), str(weight.dtype)], [str(images.device), str(weight.device)]
    for kind, (here, there) in zip(("dtype", "device"), pair, strict=True):
        if here != there and not case.own_code:
            yield differing(kind, here, there, _("the training batches"), "question")


def differing(kind: str, here: str, there: str, where: str, severity: str = "fault") -> Finding:
    """Return the finding for a batch and a model that differ in ``dtype`` or ``device``."""
    if kind == "device":
        what = _("The batch is on {here}, the model on {there}.")
        why = _("PyTorch does not move tensors by itself: the first layer breaks.")
        mend = _("images, labels = images.to({there!r}), labels.to({there!r}), in every step.")
    else:
        what = _("The batch is {here}, the model {there}.")
        why = _("PyTorch does not convert by itself: the first layer breaks.")
        mend = _("images = images.to({there}): numpy's floats are float64, PyTorch's float32.")
    texts = (text.format(here=here, there=there) for text in (what, why, mend))
    what, why, mend = texts
    return Finding(kind, what, where, why, mend, severity)
