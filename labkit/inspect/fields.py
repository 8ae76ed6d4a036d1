"""Which pixels of the image every unit of a model depends on, for all units at once."""

import copy

import numpy as np
import torch
from torch import nn

from labkit.inspect.recording import record
from labkit.text import _

UNITS_AT_MOST = 100_000_000
"""Units times images fed in: some seconds of work. Beyond it ``fields`` refuses."""

_AT_ONCE = 16


def fields(model: nn.Module, input_shape: tuple[int, ...]) -> tuple[np.ndarray | None, ...]:
    """Return for each step of a forward pass the square of pixels that each unit sees.

    Each is int32 ``[4, *unit]``: first row, row after the last, first column, column after the
    last; all 0 where no pixel is seen. It is None for a step that mixes the images of a batch.
    One row or column of the image is NaN and spoils what depends on it, in a copy in float64: fast
    float32 convolutions share work between neighbours and spoil them too. Raises ValueError where
    the model does not run or is too large for that.
    """
    height, width = input_shape[1:]
    model = _copied(model).to("cpu", torch.float64)
    clean = torch.full((1, *input_shape), 0.5, dtype=torch.float64)
    shapes = [step.shape[1:] for step in _steps(model, clean)]
    if sum(map(np.prod, shapes)) * (height + width) > UNITS_AT_MOST:
        text = _("This network is too large to follow its pixels at {height} x {width}.")
        raise ValueError(text.format(height=height, width=width))
    found = [np.zeros((4, *shape), dtype=np.int32) for shape in shapes]
    mixing = set()
    for axis, length in ((0, height), (1, width)):
        for start in range(0, length, _AT_ONCE):
            lines = range(start, min(start + _AT_ONCE, length))
            probes = clean.repeat(len(lines), 1, 1, 1)
            for probe, line in zip(probes, lines, strict=True):
                probe.select(1 + axis, line).fill_(torch.nan)
            for number, step in enumerate(_steps(model, probes)):
                if number >= len(found) or step.shape != (len(lines), *shapes[number]):
                    mixing.add(number)
                    continue
                spoilt = step.values.isnan().numpy()
                _extend(found[number][2 * axis : 2 * axis + 2], spoilt, start)
    return tuple(None if n in mixing else found[n] for n in range(len(found)))


def _copied(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:  # a tensor that was computed, a lock, a file
        raise ValueError(_("This model cannot be copied: {why}").format(why=error)) from error


def _steps(model: nn.Module, batch: torch.Tensor) -> list:
    recording = record(model, batch, keep=True)
    if recording.error:
        text = _("The pixels cannot be followed: {error}")
        raise ValueError(text.format(error=recording.error)) from recording.error
    return recording.steps


def _extend(extent: np.ndarray, spoilt: np.ndarray, start: int) -> None:
    """Widen ``extent`` (first, after the last) by the lines from ``start`` on that spoil a unit."""
    touched = spoilt.any(axis=0)
    first = start + spoilt.argmax(axis=0)
    after = start + len(spoilt) - spoilt[::-1].argmax(axis=0)
    fresh = touched & (extent[1] == 0)
    extent[0] = np.where(fresh, first, extent[0])
    extent[1] = np.where(touched, after, extent[1])
