"""Losses of one or two weights to walk down: the landscapes, the walks, and what became of them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.optim import SGD, Adam, Optimizer, RMSprop

from labkit.text import _

FLAT = 0.01
"""A slope below this counts as none."""

SLOW = 200
"""A walk crawls if this many steps as short as its last five do not cross the part shown."""

FAR = 100
"""A walk that is this many times the part shown away from the middle has left for good."""


@dataclass(frozen=True)
class Place:
    """Where the slope is zero: ``kind`` is "lowest", "local", "saddle" or "top"."""

    weights: tuple[float, ...]
    loss: float
    kind: str


@dataclass(frozen=True)
class Landscape:
    """A loss as a function of one or two weights, and the part of it that is shown.

    ``loss`` maps weights ``[..., n]`` to losses ``[...]``; ``slope`` is its gradient, a number for
    each weight, written out because a walk that follows a slider has no time for autograd.
    ``reach`` holds the lowest and the highest shown value of each weight, ``near`` one guess close
    to each place of slope zero.
    """

    name: str
    formula: str
    loss: Callable[[Tensor], Tensor]
    slope: Callable[..., tuple[float, ...]]
    reach: tuple[tuple[float, float], ...]
    start: tuple[float, ...]
    near: tuple[tuple[float, ...], ...]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every place near the guesses where the slope is zero, named by its curvatures."""
        found = [flat_place(self.loss, guess) for guess in self.near]
        lowest = min(height for _weights, height, _curvatures in found)
        return tuple(
            Place(weights, height, _kind(curvatures, height == lowest))
            for weights, height, curvatures in found
        )

    @property
    def lowest(self) -> float:
        """The loss at the lowest place."""
        return min(place.loss for place in self.places)

    @property
    def width(self) -> float:
        """The longest side of the part that is shown."""
        return max(high - low for low, high in self.reach)

    def heights(self, points: int) -> tuple[list[np.ndarray], np.ndarray]:
        """Return values of each weight, ``points`` along the longest side, and the losses there.

        The losses are ``[points]`` or, for two weights, ``[points of second, points of first]``.
        """
        density = (points - 1) / self.width
        sides = [
            torch.linspace(low, high, round((high - low) * density) + 1, dtype=torch.float64)
            for low, high in self.reach
        ]
        grid = torch.stack(torch.meshgrid(*sides, indexing="xy"), dim=-1)
        return [side.numpy() for side in sides], self.loss(grid).numpy()


def flat_place(loss, guess: Sequence[float]) -> tuple[tuple[float, ...], float, np.ndarray]:
    """Return weights, loss and curvatures where the slope is zero near ``guess`` (Newton)."""
    at = torch.tensor(guess, dtype=torch.float64)
    for _step in range(20):
        at.requires_grad_()
        gradient = torch.autograd.grad(loss(at), at)[0]
        hessian = torch.autograd.functional.hessian(loss, at)
        at = (at - torch.linalg.solve(hessian, gradient)).detach()
    curvatures = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, at))
    return tuple(at.tolist()), loss(at).item(), curvatures.numpy()


def _kind(curvatures: np.ndarray, lowest: bool) -> str:
    if (curvatures > 0).all():
        return "lowest" if lowest else "local"
    return "top" if (curvatures < 0).all() else "saddle"


_HOLLOWS = ((-1.0, 0.5, 0.6, 0.9), (1.4, -0.9, 0.85, 2.4))
"""Of each hollow: its middle, two weights; its width; its depth."""


def _hollows(weights: Tensor) -> Tensor:
    """A wide bowl with two hollows in it."""
    loss = 2.4 + 0.1 * weights.square().sum(-1)
    for *middle, width, depth in _HOLLOWS:
        distances = (weights - weights.new_tensor(middle)).square().sum(-1)
        loss = loss - depth * torch.exp(-distances / (2 * width**2))
    return loss


def _hollows_slope(first: float, second: float) -> tuple[float, float]:
    along, across = 0.2 * first, 0.2 * second
    for x, y, width, depth in _HOLLOWS:
        right, up = first - x, second - y
        pull = depth / width**2 * math.exp(-(right * right + up * up) / (2 * width**2))
        along, across = along + pull * right, across + pull * up
    return along, across


LANDSCAPES = (
    Landscape(
        "bowl",
        "(w − 1)²",
        lambda w: (w[..., 0] - 1) ** 2,
        lambda w: (2 * (w - 1),),
        reach=((-2.0, 4.0),),
        start=(-1.0,),
        near=((0.9,),),
    ),
    Landscape(
        "two valleys",
        "w⁴ − 2 w² + 0.4 w + 1.5",
        lambda w: w[..., 0] ** 4 - 2 * w[..., 0] ** 2 + 0.4 * w[..., 0] + 1.5,
        lambda w: (4 * w * w * w - 4 * w + 0.4,),
        reach=((-1.8, 1.8),),
        start=(1.6,),
        near=((-1.0,), (0.1,), (0.9,)),
    ),
    Landscape(
        "hole in a plain",
        "2 − 2 e^(−w²/2)",
        lambda w: 2 - 2 * torch.exp(-(w[..., 0] ** 2) / 2),
        lambda w: (2 * w * math.exp(-w * w / 2),),
        reach=((-4.0, 4.0),),
        start=(-3.0,),
        near=((0.1,),),
    ),
    Landscape(
        "long valley",
        "w₁² / 20 + w₂²",
        lambda w: w[..., 0] ** 2 / 20 + w[..., 1] ** 2,
        lambda v, w: (v / 10, 2 * w),
        reach=((-5.0, 5.0), (-2.5, 2.5)),
        start=(-4.0, 1.5),
        near=((0.1, 0.1),),
    ),
    Landscape(
        "pass",
        "w₁² + w₂⁴ / 4 − w₂² / 2 + 0.25",
        lambda w: w[..., 0] ** 2 + w[..., 1] ** 4 / 4 - w[..., 1] ** 2 / 2 + 0.25,
        lambda v, w: (2 * v, w * w * w - w),
        reach=((-2.0, 2.0), (-2.0, 2.0)),
        start=(1.5, 0.0),
        near=((0.1, -1.1), (0.0, 0.0), (0.1, 1.1)),
    ),
    Landscape(
        "two hollows",
        "2.4 + 0.1 (w₁² + w₂²) − 0.9 small hollow − 2.4 large hollow",
        _hollows,
        _hollows_slope,
        reach=((-3.0, 3.0), (-3.0, 3.0)),
        start=(-2.25, 2.5),
        near=((-0.9, 0.45), (-0.2, 0.2), (1.3, -0.85)),
    ),
)
"""One weight, then two. The formulas need no translation; the names are translated when shown."""


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

    ``weights`` and ``slopes`` (the gradients there) are ``[steps + 1, n]``, ``losses``
    ``[steps + 1]``, all float64. What ran away may be infinite or not a number.
    """

    landscape: Landscape
    momentum: float
    weights: np.ndarray
    losses: np.ndarray
    slopes: np.ndarray

    def fate(self, step: int) -> str:
        """Name what became of the walk after ``step`` steps, from those steps alone.

        "start"; "diverges", "higher" than at the start; "lowest", "local", "saddle" or "top" for
        a rest at such a place, "plain" for a rest elsewhere; "swings" to and fro; "carried" or
        "jumped" uphill, with or without momentum; "crawls"; "falls".
        """
        if step == 0:
            return "start"
        if self._gone[step]:
            return "diverges"
        if self.stride(step) < self.landscape.width / SLOW:
            place, distance = self.nearest(step)
            if distance < self.landscape.width / SLOW and place.kind in ("lowest", "local"):
                return place.kind
            if self.slope(step) < FLAT:
                return place.kind if distance < self.landscape.width / 20 else "plain"
        if self.losses[step] > self.losses[0]:
            return "higher"
        if self._swings(step):
            return "swings"
        if self.losses[step] > self.losses[step - 1]:
            return "carried" if self.momentum else "jumped"
        return "crawls" if self._crawls(step) else "falls"

    def stride(self, step: int) -> float:
        """Return how far step number ``step`` (from 1) went."""
        return self._strides[step - 1]

    def slope(self, step: int) -> float:
        """Return the steepness after ``step`` steps: the length of the gradient."""
        return self._slopes[step]

    def nearest(self, step: int) -> tuple[Place, float]:
        """Return the named place nearest to the walk after ``step`` steps, and how far it is."""
        at = self.weights[step]
        distances = [math.dist(at, p.weights) for p in self.landscape.places]
        first = int(np.argmin(distances))
        return self.landscape.places[first], distances[first]

    @cached_property
    def _strides(self) -> list[float]:
        return _lengths(np.diff(self.weights, axis=0))

    @cached_property
    def _slopes(self) -> list[float]:
        return _lengths(self.slopes)

    @cached_property
    def _gone(self) -> list[bool]:
        """Whether the walk has left for good, before each step and at the end."""
        middle = np.mean(self.landscape.reach, axis=1)
        away = np.abs(self.weights - middle).max(axis=1) / self.landscape.width
        return (~(np.isfinite(self.losses) & (away < FAR))).tolist()

    def _swings(self, step: int) -> bool:
        """Whether the last two steps each turned back from the one before."""
        if step < 3:
            return False
        return self._turns[step - 3] and self._turns[step - 2]

    @cached_property
    def _turns(self) -> list[bool]:
        """Whether each step, from the second on, turned back from the one before."""
        moves = np.diff(self.weights, axis=0)
        return ((moves[1:] * moves[:-1]).sum(axis=1) < 0).tolist()

    def _crawls(self, step: int) -> bool:
        if step < 5 or self.slope(step) < 0.1 ** (1 / 100) * self.slope(step - 1):
            return False  # a hundred such steps more bring it to rest
        longest = max(self.stride(number) for number in range(step - 4, step + 1))
        return longest < self.landscape.width / SLOW


def _lengths(vectors: np.ndarray) -> list[float]:
    return np.hypot.reduce(np.abs(vectors), axis=1).tolist()  # squares would overflow early


def walk(
    landscape: Landscape | str,
    optimizer: str = "SGD",
    learning_rate: float = 0.1,
    momentum: float = 0.0,
    start: Sequence[float] | None = None,
    steps: int = 100,
) -> Walk:
    """Step one of ``OPTIMIZERS`` down a landscape; return the whole walk.

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
    return Walk(landscape, momentum, *follow(landscape, weights, stepper, steps))


def follow(
    landscape: Landscape, weights: Tensor, optimizer: Optimizer, steps: int
) -> tuple[np.ndarray, ...]:
    """Take ``steps`` steps; return weights, losses and gradients before each and at the end."""
    places, slopes = [], []
    for step in range(steps + 1):
        places.append(weights.tolist())
        slopes.append(landscape.slope(*places[-1]))
        if step < steps:
            weights.grad = weights.new_tensor(slopes[-1])  # what backward() would put there
            optimizer.step()
    losses = landscape.loss(torch.tensor(places, dtype=torch.float64))
    return np.array(places), losses.numpy(), np.array(slopes)
