"""A model's first filters, and the pixels that a unit sees."""

import numpy
from torch import nn

from labkit.inspect.fields import fields
from labkit.sandbox.untouched import untouched
from labkit.text import _


def first_convolution(model: nn.Module) -> nn.Conv2d:
    """Return the convolution that the model lists first. Raises ValueError where there is none."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and not nn.parameter.is_lazy(module.weight):
            return module
    text = _("{model} has no nn.Conv2d layer, so there are no filters to show.")
    raise ValueError(text.format(model=type(model).__name__))


def first_filters(model: nn.Module) -> numpy.ndarray:
    """Return a copy of the first convolution's weights, float32 ``[out, in, height, width]``.

    Raises ValueError where the model has no convolution.
    """
    with untouched(model):
        return first_convolution(model).weight.detach().float().cpu().numpy().copy()


def pixels_seen(
    model: nn.Module, input_shape: tuple[int, int, int], step: int, unit: tuple[int, ...]
) -> tuple[range, range]:
    """Return the rows and the columns of the input image that one unit of a step depends on.

    ``input_shape`` is that of one image, ``(3, 32, 32)``; ``step`` counts the rows of ``summary``
    from 0; ``unit`` is ``(channel, row, column)``, or ``(index,)`` after flattening. Raises
    ValueError where there is no such unit, or where ``fields`` cannot follow the model.
    """
    try:
        field = fields(model, input_shape)[step]
        if field is None:
            raise ValueError(_("This step mixes the images of a batch: no unit sees a region."))
        top, bottom, left, right = field[(slice(None), *unit)].tolist()
    except (IndexError, TypeError) as error:
        text = _("Step {step} has no unit {unit}.")
        raise ValueError(text.format(step=step, unit=unit)) from error
    return range(top, bottom), range(left, right)
