"""What a model makes of one picture: its feature maps, its filters, the pixels a unit sees."""

import copy
from dataclasses import dataclass

import numpy
import torch
from torch import nn

from labkit.inspect.faults import find_fault
from labkit.inspect.recording import Recording, record
from labkit.sandbox.untouched import untouched
from labkit.text import _


@dataclass(frozen=True, eq=False)
class Maps:
    """The output of one step for one picture: ``values`` is float32, ``[C, H, W]`` or ``[F]``."""

    layer: str
    kind: str
    values: numpy.ndarray


def feature_maps(model: nn.Module, picture: torch.Tensor) -> tuple[Maps, ...]:
    """Return the output of every step for one picture; the model stays as it was.

    ``picture`` is what the model takes, ``[3, 32, 32]`` or ``[1, 3, 32, 32]`` float, normalised
    as in training. Raises ValueError, with the fault in words, where the forward pass breaks.
    """
    batch = picture if picture.ndim == 4 else picture.unsqueeze(0)
    if batch.ndim != 4 or len(batch) != 1:
        raise ValueError(
            _("One image has the shape [3, 32, 32], not {shape}.").format(shape=list(picture.shape))
        )
    return tuple(
        Maps(step.layer, step.call.kind, step.values[0].float().cpu().numpy())
        for step in _run(model, batch).steps
        if step.shape[:1] == (1,)
    )


def first_convolution(model: nn.Module) -> nn.Conv2d:
    """Return the convolution that the model lists first. Raises ValueError where there is none."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and not nn.parameter.is_lazy(module.weight):
            return module
    raise ValueError(
        _("{model} has no nn.Conv2d layer, so there are no filters to show.").format(
            model=type(model).__name__
        )
    )


def first_filters(model: nn.Module) -> numpy.ndarray:
    """Return a copy of the first convolution's weights, float32 ``[out, in, height, width]``.

    Raises ValueError where the model has no convolution.
    """
    with untouched(model):
        return first_convolution(model).weight.detach().float().cpu().numpy().copy()


def pixels_seen(
    model: nn.Module, input_shape: tuple[int, int, int], step: int, unit: tuple[int, ...]
) -> tuple[range, range]:
    """Return the rows and the columns of the input picture that one unit of a step depends on.

    ``input_shape`` is that of one picture, ``(3, 32, 32)``; ``step`` counts the rows of ``trace``
    from 0; ``unit`` is ``(channel, row, column)``, or ``(index,)`` after flattening. It is found by
    feeding pictures in which one row or column is NaN, which spoils all that depends on it, to a
    copy in float64: fast float32 convolutions share work between neighbours and spoil them too.
    Raises ValueError where this cannot be read off.
    """
    height, width = input_shape[1:]
    probes = torch.full((1 + height + width, *input_shape), 0.5, dtype=torch.float64)
    for row in range(height):
        probes[1 + row, :, row] = torch.nan
    for column in range(width):
        probes[1 + height + column, :, :, column] = torch.nan
    steps = _run(_copied(model).to("cpu", torch.float64), probes).steps
    try:
        spoilt = steps[step].values[(slice(None), *unit)].isnan()
    except IndexError as error:
        raise ValueError(
            _("Step {step} has no unit {unit}.").format(step=step, unit=unit)
        ) from error
    if spoilt.shape != (len(probes),) or spoilt[0]:
        raise ValueError(_("This step mixes the images of a batch: no unit sees a region."))
    return _extent(spoilt[1 : 1 + height]), _extent(spoilt[1 + height :])


def _run(model: nn.Module, batch: torch.Tensor) -> Recording:
    recording = record(model, batch, keep=True)
    if recording.error:
        raise ValueError(str(find_fault(recording, batch))) from recording.error
    return recording


def _copied(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:  # a tensor that was computed, a lock, a file
        raise ValueError(_("This model cannot be copied: {why}").format(why=error)) from error


def _extent(spoilt: torch.Tensor) -> range:
    places = spoilt.nonzero().flatten().tolist()
    return range(places[0], places[-1] + 1) if places else range(0)
