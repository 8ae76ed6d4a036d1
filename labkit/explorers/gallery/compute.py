"""Follow one image through a transform, step by step, and keep what it is after each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from labkit.sandbox import randomness
from labkit.text import _

SIDE_AT_MOST = 512
"""Larger results are named, not shown: a browser would have to hold too many numbers."""

_RANGES = ((0.0, 1.0), (-1.0, 1.0))


@dataclass(frozen=True, eq=False)
class Shown:
    """An image after one transform (the first: before them all).

    ``values`` is ``[C, H, W]`` in the image's own type; ``kind`` says what it really is;
    ``random`` whether this transform drew a random number.
    """

    name: str
    kind: str
    values: np.ndarray
    random: bool = False

    @property
    def range(self) -> tuple[float, float]:
        """Return which values to show as black and as white: 0..1, -1..1, 0..255, or its own."""
        if self.values.dtype == np.uint8:
            return 0.0, 255.0
        known = self.values[np.isfinite(self.values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        if 1 < high <= 255 and low >= 0 and not (known % 1).any():
            return 0.0, 255.0  # bytes, in another type
        for black, white in _RANGES:
            if black - 1e-6 <= low and high <= white + 1e-6:
                return black, white
        return low, high if high > low else low + 1.0

    @property
    def digits(self) -> int:
        """Return how many decimals tell one value from the next."""
        if self.values.dtype.kind in "uib":
            return 0
        low, high = self.range
        return 3 if high - low <= 30 else 1

    def pixels(self) -> np.ndarray:
        """Return the image as uint8 ``[H, W, 3]``, ``range`` stretched from black to white."""
        low, high = self.range
        part = np.nan_to_num((self.values.astype(np.float64) - low) / (high - low), posinf=1.0)
        pixels = np.rint(np.clip(part, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
        return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def follow(
    picture: np.ndarray, transform: Callable | None, *, seed: int = 0
) -> tuple[list[Shown], list[str]]:
    """Apply a transform's steps one by one to an image, uint8 ``[H, W, 3]``.

    Return what it is before them and after each, and a sentence for each result that is no image
    and for a step that raises (nothing comes after it). Random steps draw from ``seed``.
    """
    value: Any = Image.fromarray(picture)
    stages = [Shown(_("the image"), *_look(value))]
    complaints = []
    with randomness.kept(seed):
        for step in steps(transform):
            before = _fingerprint()
            try:
                value = step(value)
            except Exception as error:  # a learner's transform may raise anything
                text = _("{name} raises {kind}: {error}")
                kind = type(error).__name__
                complaints.append(text.format(name=_name(step), kind=kind, error=error))
                break
            try:
                look = _look(value)
            except ValueError as error:
                complaints.append(_("{name} gives {result}").format(name=_name(step), result=error))
            else:
                stages.append(Shown(_name(step), *look, random=_fingerprint() != before))
    return stages, complaints


def steps(transform: Callable | None) -> list[Callable]:
    """Return the single transforms of a ``Compose`` (or ``nn.Sequential``), in their order."""
    from torchvision import transforms
    from torchvision.transforms import v2

    if transform is None:
        return []
    if isinstance(transform, v2.Compose | transforms.Compose):
        return [step for part in transform.transforms for step in steps(part)]
    if isinstance(transform, nn.Sequential):
        return [step for part in transform for step in steps(part)]
    return [transform]


def _name(step: Callable) -> str:
    return getattr(step, "__name__", type(step).__name__)


def _fingerprint() -> tuple:
    return randomness.python_and_numpy(), torch.get_rng_state().tolist()


def _look(value: Any) -> tuple[str, np.ndarray]:
    """Return what a value is, in words, and a copy of its numbers as ``[C, H, W]``."""
    if isinstance(value, Image.Image):
        kind = _("PIL image, {mode}").format(mode=value.mode)
        values = np.array(value)
        values = values.transpose(2, 0, 1) if values.ndim == 3 else values[None]
    elif isinstance(value, torch.Tensor):
        kind = f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
        plain = value.detach().cpu().as_subclass(torch.Tensor)
        values = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy().copy()
    elif isinstance(value, np.ndarray):
        kind = _("array, {dtype} {shape}").format(dtype=value.dtype, shape=value.shape)
        values = value.copy()
        values = values.transpose(2, 0, 1) if values.ndim == 3 else values
    else:
        text = _("a result of the type {kind}, which is no image.")
        raise ValueError(text.format(kind=type(value).__name__))
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or len(values) not in (1, 3) or not values.size or values.dtype.kind == "c":
        text = _("{kind}; an image has the shape [3, H, W] or [1, H, W].")
        raise ValueError(text.format(kind=kind))
    if max(values.shape) > SIDE_AT_MOST:
        text = _("{kind}; up to {side} pixels a side can be shown.")
        raise ValueError(text.format(kind=kind, side=SIDE_AT_MOST))
    return kind, values
