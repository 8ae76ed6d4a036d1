"""Losses of one or two weights to walk down, and the walks of torch.optim."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.optim import SGD, Adam, Optimizer, RMSprop

from labkit.text import N_, _


@dataclass(frozen=True)
class Place:
    """Where the slope is zero: ``kind`` is "lowest", "local", "saddle" or "top"."""

    weights: tuple[float, ...]
    kind: str


@dataclass(frozen=True)
class Landscape:
    """A loss as a function of one or two weights, and the part of it that is shown.

    name, formula: as they are shown
    loss: makes losses ``[...]`` of weights ``[..., n]``
    reach: the lowest and the highest shown value of each weight
    start: where a walk begins, one number for each weight
    places: all where the slope is zero
    """

    name: str
    formula: str
    loss: Callable[[Tensor], Tensor]
    reach: tuple[tuple[float, float], ...]
    start: tuple[float, ...]
    places: tuple[Place, ...]

    def heights(self, points: int) -> tuple[list[np.ndarray], np.ndarray]:
        """Return values of each weight, ``points`` along the longest side, and the losses there.

        The losses are ``[points]`` or, for two weights, ``[points of second, points of first]``.
        """
        density = (points - 1) / max(high - low for low, high in self.reach)
        sides = [
            torch.linspace(low, high, round((high - low) * density) + 1, dtype=torch.float64)
            for low, high in self.reach
        ]
        grid = torch.stack(torch.meshgrid(*sides, indexing="xy"), dim=-1)
        return [side.numpy() for side in sides], self.loss(grid).numpy()


_HOLLOWS = ((-1.0, 0.5, 0.6, 0.9), (1.4, -0.9, 0.85, 2.4))
"""Of each hollow: its middle, two weights; its width; its depth."""


def _hollows(weights: Tensor) -> Tensor:
    """A wide bowl with two hollows in it."""
    loss = 2.4 + 0.1 * weights.square().sum(-1)
    for *middle, width, depth in _HOLLOWS:
        distances = (weights - weights.new_tensor(middle)).square().sum(-1)
        loss = loss - depth * torch.exp(-distances / (2 * width**2))
    return loss


LANDSCAPES = (
    Landscape(
        "bowl",
        "(w − 1)²",
        lambda w: (w[..., 0] - 1) ** 2,
        reach=((-2.0, 4.0),),
        start=(-1.0,),
        places=(Place((1.0,), "lowest"),),
    ),
    Landscape(
        "two valleys",
        "w⁴ − 2 w² + 0.4 w + 1.5",
        lambda w: w[..., 0] ** 4 - 2 * w[..., 0] ** 2 + 0.4 * w[..., 0] + 1.5,
        reach=((-1.8, 1.8),),
        start=(1.6,),
        places=(
            Place((-1.046680532,), "lowest"),
            Place((0.101031258,), "top"),
            Place((0.945649274,), "local"),
        ),
    ),
    Landscape(
        "hole in a plain",
        "2 − 2 e^(−w²/2)",
        lambda w: 2 - 2 * torch.exp(-(w[..., 0] ** 2) / 2),
        reach=((-4.0, 4.0),),
        start=(-3.0,),
        places=(Place((0.0,), "lowest"),),
    ),
    Landscape(
        "long valley",
        "w₁² / 20 + w₂²",
        lambda w: w[..., 0] ** 2 / 20 + w[..., 1] ** 2,
        reach=((-5.0, 5.0), (-2.5, 2.5)),
        start=(-4.0, 1.5),
        places=(Place((0.0, 0.0), "lowest"),),
    ),
    Landscape(
        "pass",
        "w₁² + w₂⁴ / 4 − w₂² / 2 + 0.25",
        lambda w: w[..., 0] ** 2 + w[..., 1] ** 4 / 4 - w[..., 1] ** 2 / 2 + 0.25,
        reach=((-2.0, 2.0), (-2.0, 2.0)),
        start=(1.5, 0.0),
        places=(
            Place((0.0, -1.0), "lowest"),
            Place((0.0, 0.0), "saddle"),
            Place((0.0, 1.0), "lowest"),
        ),
    ),
    Landscape(
        "two hollows",
        N_("2.4 + 0.1 (w₁² + w₂²) − 0.9 small hollow − 2.4 large hollow"),
        _hollows,
        reach=((-3.0, 3.0), (-3.0, 3.0)),
        start=(-2.25, 2.5),
        places=(
            Place((-0.904133988, 0.450288492), "local"),
            Place((-0.155188673, 0.020844706), "saddle"),
            Place((1.319948773, -0.848543124), "lowest"),
        ),
    ),
)
"""One weight, then two. Formulas and names are translated when shown."""


def named(name: str) -> Landscape:
    """Return the landscape called ``name``; ValueError lists the names that there are."""
    found = next((landscape for landscape in LANDSCAPES if landscape.name == name), None)
    if found is None:
        text = _("There is no landscape {name!r}: choose one of {names}.")
        names = ", ".join(landscape.name for landscape in LANDSCAPES)
        raise ValueError(text.format(name=name, names=names))
    return found


OPTIMIZERS: dict[str, Callable[[list[Tensor], float, float], Optimizer]] = {
    "SGD": lambda weights, lr, momentum: SGD(weights, lr=lr, momentum=momentum),
    "SGD, Nesterov": lambda weights, lr, momentum: SGD(
        weights, lr=lr, momentum=momentum, nesterov=momentum > 0
    ),
    "RMSprop": lambda weights, lr, momentum: RMSprop(weights, lr=lr, momentum=momentum),
    "Adam": lambda weights, lr, momentum: Adam(weights, lr=lr, betas=(float(momentum), 0.999)),
}
"""Each makes an optimizer of weights, learning rate and momentum; Adam's momentum is its beta 1."""


@dataclass(frozen=True)
class Walk:
    """Where an optimizer was: before each step and at the end.

    ``weights`` is ``[steps + 1, n]``, ``losses`` ``[steps + 1]``, both float64. What ran away may
    be infinite or not a number.
    """

    landscape: Landscape
    weights: np.ndarray
    losses: np.ndarray


def walk(
    landscape: Landscape | str,
    optimizer: str = "SGD",
    learning_rate: float = 0.1,
    momentum: float = 0.0,
    start: Sequence[float] | None = None,
    steps: int = 100,
) -> Walk:
    """Step an optimizer down a landscape; return the whole walk.

    landscape: a `Landscape`, or the name of one
    optimizer: a key of ``OPTIMIZERS``
    learning_rate, momentum: as in PyTorch; Adam's momentum is its beta 1
    start: a number for each weight (default: the start of the landscape)
    steps: how many

    Raises ValueError for an unknown name, or a start with another number of weights.
    """
    if isinstance(landscape, str):
        landscape = named(landscape)
    if optimizer not in OPTIMIZERS:
        text = _("There is no optimizer {name!r}: choose one of {names}.")
        raise ValueError(text.format(name=optimizer, names=", ".join(OPTIMIZERS)))
    start = landscape.start if start is None else tuple(start)
    if len(start) != len(landscape.reach):
        text = _("{name} has {n} weights, but the start has {m}.")
        values = {"name": landscape.name, "n": len(landscape.reach), "m": len(start)}
        raise ValueError(text.format(**values))
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    stepper = OPTIMIZERS[optimizer]([weights], learning_rate, momentum)
    return Walk(landscape, *follow(landscape, weights, stepper, steps))


def follow(
    landscape: Landscape, weights: Tensor, optimizer: Optimizer, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Take ``steps`` steps; return weights and losses before each and at the end."""
    places = [weights.tolist()]
    for _step in range(steps):
        optimizer.zero_grad()
        landscape.loss(weights).backward()
        optimizer.step()
        places.append(weights.tolist())
    return np.array(places), landscape.loss(torch.tensor(places, dtype=torch.float64)).numpy()
