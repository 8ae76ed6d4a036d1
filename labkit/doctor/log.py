"""What is seen in a rehearsal: the passes through the model, the losses and the steps."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler


@dataclass
class Forward:
    """One pass through the model: its input, and the mode of the layers that have two modes."""

    where: str
    batch: int
    judging: bool
    images: torch.Tensor | None
    gradients: bool
    training: bool
    modes: dict[str, bool]
    trained: bool = False


@dataclass
class Judged:
    """One call of a loss function: what it was given and what it said, NaN if it raised.

    ``direct`` tells whether it was given the model's output as it is.
    """

    function: str
    where: str
    batch: int
    outputs: torch.Tensor
    targets: torch.Tensor | None
    options: dict
    loss: float
    direct: bool


@dataclass
class Update:
    """One call of the optimizer: whether there was a gradient, and how far the weights moved.

    ``kept`` is the size of the gradient over the size that it had after ``backward``.
    """

    where: str
    rate: float
    gradient: bool
    after_backward: bool
    batch: int
    kept: float
    moved: float = float("nan")


@dataclass
class Log:
    """What was seen.

    ``order`` is that of ``backward`` and ``step``. ``stale`` holds the parameters that were stepped
    with an old gradient added to the new one, ``reached`` those that a gradient came to, ``slopes``
    whether any was other than 0, ``lost`` how often a gradient was cleared that no step had used.
    ``spoilt_at`` is the first parameter whose gradient was not finite, after ``spoilt_after``
    losses. ``graphs_kept`` counts the graphs of old batches that were alive at one time.
    ``optimizers`` are those that stepped this model, ``elsewhere`` the lines that stepped others.
    ``factors`` are the losses that ``backward`` was called on over what the loss function returned,
    ``sunk`` the losses themselves. ``called`` holds the ids of the modules that were called,
    ``since`` are the sums of what the loss functions returned between two calls of ``backward``.
    ``tallies`` hold the right answers, the losses and the images of each pass, ``told`` the mode of
    each scheduler that waits for a plateau, and what it was told. ``taught_at`` is a line that took
    a step after a batch that judges. ``spread`` is a function that made [N, N] of outputs [N, 1]
    and targets [N], its line, and these shapes. ``no_signs`` is a loss function whose targets are
    signs and that was given others, and its line. ``spoilt_target`` is the line of a loss function
    whose targets are the batch's images, changed in place. ``by_reference`` is the kind of finding
    where a state_dict() or copy.copy(model) was kept while the weights went on.
    """

    order: list[str] = field(default_factory=list)
    forwards: list[Forward] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    sunk: list[float] = field(default_factory=list)
    since: list[float] = field(default_factory=list)
    tallies: list[list[float]] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    taught_at: str = ""
    called: set[int] = field(default_factory=set)
    by_reference: str = ""
    spread: tuple = ()
    no_signs: tuple = ()
    spoilt_target: str = ""
    backwards: list[str] = field(default_factory=list)
    steps: list[Update] = field(default_factory=list)
    optimizers: list[torch.optim.Optimizer] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    stale: dict[str, str] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)
    slopes: bool = False
    lost: int = 0
    spoilt_at: str = ""
    spoilt_after: int = 0
    graphs_kept: int = 0
    batches: int = 0


@dataclass
class Rehearsal:
    """What was seen while the learner's code ran on copies; the copies as it left them.

    Of a second run: ``drawn`` batches were taken in the first, ``reset`` tells whether the weights
    began again as they were before it, ``reseeded`` whether the random numbers did.
    """

    log: Log
    model: nn.Module
    optimizer: torch.optim.Optimizer | None = None
    returned: Any = None
    printed: str = ""
    error: Exception | None = None
    error_at: str = ""
    late: bool = False
    reached_past: list[str] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    passes: int = 0
    given: int = 0
    finished: int = 0
    spoilt: bool = False
    drawn: int = 0
    reset: bool = False
    reseeded: bool = False
    doubles: dict[int, float] = field(default_factory=dict)  # ids: see Doubles.moved
    without_statistics: bool = False  # of a double's batch norms, which do not follow
    called: set[int] = field(default_factory=set)  # ids of the doubles that were called
    schedulers: list[tuple[LRScheduler, int]] = field(default_factory=list)
