"""Kernels to choose from: well-known ones, and those that a network has learned."""

import numpy as np
from torch import nn

from labkit.inspect import first_convolution, first_filters
from labkit.text import N_, _

HAND_MADE = {
    N_("edges, left to right"): ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    N_("edges, top to bottom"): ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    N_("all edges"): ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
    N_("blur"): ((1 / 9,) * 3,) * 3,
    N_("sharpen"): ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    N_("emboss"): ((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
    N_("leave as it is"): ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
}
"""The first two are Sobel's, the third is the discrete Laplacian."""


def hand_made() -> list[dict]:
    """Return each of ``HAND_MADE`` as a filter ``[3, 3, 3]``, which looks at the channels' mean."""
    planes = [np.array(plane) / 3 for plane in HAND_MADE.values()]
    return [_filter(np.repeat(plane[None], 3, axis=0), 0.0, learned=False) for plane in planes]


def learned(model: nn.Module) -> list[dict]:
    """Return the filters of the first convolution of ``model``, ``[3, k, k]`` or ``[1, k, k]``.

    Raises ValueError where there is none, or where it takes neither colours nor grey.
    """
    layer, found = first_convolution(model), first_filters(model)
    if found.shape[1] not in (1, 3):
        text = _("The filter has the shape {shape}: {channels} channels need [{channels}, k, k].")
        raise ValueError(text.format(shape=list(found.shape[1:]), channels=3))
    biases = [0.0] * len(found) if layer.bias is None else layer.bias.tolist()
    return [
        _filter(weights, bias, learned=True) for weights, bias in zip(found, biases, strict=True)
    ]


def _filter(weights: np.ndarray, bias: float, *, learned: bool) -> dict:
    size, numbers = list(weights.shape[1:]), weights.ravel().tolist()
    return {"weights": numbers, "size": size, "bias": bias, "learned": learned}
