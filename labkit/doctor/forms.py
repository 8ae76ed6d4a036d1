"""What do the model's answers look like? A stand-in for it gives others of the same form."""

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import one_hot

from labkit.doctor.case import Case
from labkit.doctor.sample import fitting, pairs, same
from labkit.inspect.recording import FAILURES, record
from labkit.sandbox.untouched import untouched

SURE, _NEAR = 30.0, 0.3
"""The answer that the stand-in gives is so far above the others, which are below 0.

Where one number stands for two classes, it lies so near to the middle.
"""


@dataclass
class Form:
    """What the model's answers look like: logits of classes, or ``levels`` for no and yes."""

    classes: int
    shape: tuple[int, ...] = ()
    levels: tuple[float, float] = (0.0, 0.0)

    @property
    def single(self) -> bool:
        return bool(self.shape)

    def answers(self, given: torch.Tensor, truth: torch.Tensor, second: bool) -> torch.Tensor:
        """Return what the stand-in says for these class numbers: the right one last, or second."""
        if not self.single:
            chosen, right = (one_hot(x, self.classes) for x in (given, truth))
            others = right * (1 - chosen) if second else (1 - chosen) * (1 - right)
            return chosen * SURE + others - SURE / 2
        no, yes = self.levels
        return (no + (yes - no) * given.double()).reshape(-1, *self.shape[1:])


def form_of(case: Case, both: list) -> Form | None:
    """Return the form of the model's answers; None where they are something else."""
    whole = [y.ndim == 1 and bool((y == y.long()).all()) for _x, y in both]
    if not both or not all(whole):
        return None
    images, labels = both[0]
    images = fitting(images[:2], case.model)
    outputs, squashed = outputs_of(case, images)
    low, high = min(int(y.min()) for _x, y in both), max(int(y.max()) for _x, y in both)
    if not isinstance(outputs, torch.Tensor) or low < 0 or len(outputs) != len(images):
        return None
    if outputs.shape in ((len(outputs),), (len(outputs), 1)) and high == 1:
        if case.own_code and case.trained and not case.log.judged:
            return None  # with a loss of its own it may be a distance
        middle = 0.5 if squashed else 0.0
        return Form(2, tuple(outputs.shape), (middle - _NEAR, middle + _NEAR))
    plain = outputs.ndim == 2 and outputs.shape[1] > max(high, 1)
    plain = plain and not any(y.is_floating_point() for _x, y in both)
    scores = [c.outputs for c in case.log.judged if c.function == "cross_entropy"]
    other = scores and plain and outputs.shape[1] not in {x.shape[-1] for x in scores}
    if other or loss_makes_scores(case):
        return None
    return Form(outputs.shape[1]) if plain else None


def ignores_labels(case: Case) -> bool:
    """Tell whether the learner's loss compares with the images themselves, as an autoencoder's."""
    both = pairs(case.sample) if case.own_code else []
    judged = [(call.targets, call.batch) for call in case.log.judged] if both else []
    compared = [(targets, both[n % len(both)][0]) for targets, n in judged if targets is not None]
    return bool(compared) and all(same(targets, images) for targets, images in compared)


def loss_makes_scores(case: Case) -> bool:
    """Tell whether the loss function has weights of its own: the model's answers are no scores."""
    return any(True for _p in getattr(case.loss_function, "parameters", list)())


def outputs_of(case: Case, images: torch.Tensor) -> tuple[Any, bool]:
    """Return what the model answers, and whether a sigmoid is the end of it."""
    try:
        with untouched(case.double):
            outputs = case.double(images)
    except FAILURES:
        return None, False
    steps = record(case.double, images[:2]).steps
    return outputs, any("sigmoid" in (s.call.name + s.call.kind).lower() for s in steps[-2:])
