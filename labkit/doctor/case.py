"""What the doctor is handed, and the rehearsals that are run on copies of it."""

import inspect
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from labkit.doctor.lines import line_of
from labkit.doctor.log import Log, Rehearsal
from labkit.doctor.sample import (
    Enough,
    Sample,
    first_batches,
    fitting,
    is_pair,
    length,
    pairs,
)
from labkit.doctor.watch import Watch
from labkit.inspect.recording import FAILURES
from labkit.sandbox import randomness
from labkit.sandbox.copies import Copies, files_kept
from labkit.sandbox.limits import TimeUp, within
from labkit.sandbox.model_lock import model_lock
from labkit.sandbox.originals import equal, kept
from labkit.sandbox.quiet import quiet
from labkit.text import _
from labkit.training import train_step

BATCHES = 12
"""Batches of a rehearsal: a few steps, also where gradients are accumulated over four batches."""

MANY_BATCHES = 72
"""Batches of a second rehearsal where the first saw no step: accumulation over 64 batches."""

SECONDS = 10.0
"""A rehearsal ends after this time, once it has had three batches; in any case after twice that."""

ALL_SECONDS = 60.0
"""An examination ends after this time: what is not begun by then is not looked at."""

WHOLE = 2_000
"""An evaluation is run on all images that judge, if there are no more; or on as many of them."""


@dataclass
class Case:
    """All that was handed over. Probes read it and leave it as it is."""

    model: nn.Module
    optimizer: torch.optim.Optimizer | None
    loss_function: Callable | None
    train_batches: Iterable | None
    validation_batches: Iterable | None
    test_batches: Iterable | None
    step: Callable | None
    train: Callable | None
    evaluate: Callable | None
    classes: list[str] | int | None
    checkpoint: Any

    def __post_init__(self):
        self.given, self.deadline = self.model, time.monotonic() + ALL_SECONDS
        self.loader_errors: dict[int, Exception] = {}
        self.unseen: dict[str, str] = {}  # what could not be looked at, and why
        self.missed: list[str] = []  # the same, for what has no name of its own
        self.model = getattr(self.model, "_orig_mod", self.model)  # torch.compile has wrapped it

    @cached_property
    def double(self) -> nn.Module:
        """A copy of the model to look into: the original may be training in another thread."""
        return Copies().model(self.model)

    @cached_property
    def sample(self) -> list:
        """A few training batches."""
        return self._first(self.train_batches, BATCHES)

    @property
    def judging(self) -> Iterable | None:
        """The batches that judge: validation, else test."""
        return self.test_batches if self.validation_batches is None else self.validation_batches

    @cached_property
    def judging_sample(self) -> list:
        """A few batches of validation or test data."""
        return self._first(self.judging, 4)

    @cached_property
    def judging_batches(self) -> tuple[list, bool]:
        """As many judging batches as there is time for, and whether they are all."""
        size = max((len(images) for images, _labels in pairs(self.judging_sample)), default=1)
        deadline = time.monotonic() + SECONDS / 4
        most = max(4, WHOLE // max(size, 1))
        found = self._first(self.judging, most + 1, deadline)
        every = length(self.judging)
        return found[:most], len(found) <= most and every in (None, len(found))

    def _first(self, batches: Iterable | None, count: int, deadline: float = float("inf")) -> list:
        try:
            return [] if batches is None else first_batches(batches, count, deadline)
        except FAILURES as failure:
            self.loader_errors[id(batches)] = failure
            return []

    @property
    def own_code(self) -> Callable | None:
        return self.train or self.step

    @cached_property
    def rehearsal(self) -> Rehearsal | None:
        """Training on copies: by the learner's code, else by the five lines of notebook 5."""
        if not self.sample or not (self.train or all(map(is_pair, self.sample))):
            return None
        there = length(self.train_batches) or MANY_BATCHES
        seen = self._train(min(BATCHES, there))
        alone = not seen.log.steps and not seen.log.elsewhere and not seen.moved
        if self.own_code and alone and not seen.error and self.optimizer and there > BATCHES:
            seen = self._train(min(MANY_BATCHES, there))
        return seen

    @property
    def log(self) -> Log:
        """What was seen in the rehearsal; empty where there was none."""
        return self.rehearsal.log if self.rehearsal else Log()

    @property
    def groups(self) -> list[dict]:
        """The optimizer's groups of parameters; none without an optimizer."""
        return self.optimizer.param_groups if self.optimizer else []

    @property
    def held(self) -> set[str]:
        """The names of the weights that the optimizer holds; all if none is at hand."""
        stepped = {id(p) for group in self.groups for p in group["params"]}
        named = self.model.named_parameters()
        return {name for name, p in named if id(p) in stepped or self.optimizer is None}

    @property
    def dataset(self) -> Any:
        """The training set, if there is one."""
        return getattr(self.train_batches, "dataset", None)

    @property
    def entered(self) -> list[torch.Tensor]:
        """What entered the model in the rehearsal, batch by batch; else the batches' images."""
        entered = [f.images for f in self.log.forwards if f.images is not None]
        return entered or [images for images, _labels in pairs(self.sample)]

    @property
    def trained(self) -> Rehearsal | None:
        """The rehearsal, where it went to its end without an error."""
        seen = self.rehearsal if self.train_batches is not None else None
        return None if seen is None or seen.error or seen.late else seen

    @cached_property
    def lessons(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """What entered the model in the rehearsal, and what its outputs were compared with."""
        log = self.trained.log if self.trained else Log()
        entered = {f.batch: f.images for f in log.forwards if f.images is not None}
        return [
            (entered[call.batch], call.targets)
            for call in log.judged
            if call.direct
            and call.batch in entered
            and call.targets is not None
            and len(entered[call.batch]) == len(call.outputs)
        ]

    @cached_property
    def second_training(self) -> Rehearsal | None:
        """Training as in a second epoch: after an evaluation."""
        if not (self.own_code and self.evaluate and self.sample and self.judging_sample):
            return None
        return self._train(2, after_evaluation=True)

    def trial(self, times: float, count: int) -> list[float]:
        """Train with steps ``times`` as long, over and over two batches; return the losses.

        The random numbers are the same each time. Raises TimeUp where there is no more time.
        """
        with randomness.kept(0):
            seen = self._train(count, batches=self.sample[:2], times=times)
        if seen.late:
            raise TimeUp
        return [] if seen.error or seen.log.elsewhere else seen.log.sunk

    def _train(
        self,
        count: int,
        *,
        after_evaluation: bool = False,
        batches: list | None = None,
        times: float = 1,
    ) -> Rehearsal:
        with self._copies() as (copies, seen):
            model, loss_function = (
                seen.model,
                copies.of(self.loss_function or nn.CrossEntropyLoss()),
            )
            if after_evaluation:
                sample = Sample(self.judging_sample)
                code = copies.function(self.evaluate)
                _call(code, self.evaluate, (model, sample), self.deadline)
            watch = Watch(model, seen.optimizer, times)
            for real, noted in watch.noted.items():
                copies.instead(real, noted)
            seen.log, deadline = watch.log, min(time.monotonic() + SECONDS, self.deadline)
            sample = Sample(
                *(batches or self.sample, self.train_batches, count, watch.on_batch),
                deadline,
                most=count if batches else 4 * count,
            )
            if self.train_batches is not None:
                copies.instead(self.train_batches, sample)
            code = copies.function(self.own_code or _five_lines)
            doubles = _Doubles(copies, model)
            seen.schedulers = [(s, s.last_epoch) for s in copies.made(LRScheduler).values()]
            with watch, suppress(Enough, StopIteration):
                arguments = (loss_function, seen.optimizer)
                if self.train:
                    seen.returned = _call(
                        code, self.train, (model, sample, *arguments), self.deadline
                    )
                else:
                    for batch in sample:
                        given = (model, *batch, *arguments)
                        _call(code, self.own_code or _five_lines, given, self.deadline)
            seen.passes, seen.given = sample.passes, sample.given
            seen.doubles = doubles.moved()
            seen.called = doubles.among(watch.log.called)
        return seen

    def judge(
        self, batches: Sample, answer: Callable | None = None, first: Sample | None = None
    ) -> Rehearsal:
        """Run the learner's evaluation on copies and on these batches, after ``first`` if given.

        ``answer`` stands in for the model's forward pass.
        """
        with self._copies() as (copies, seen):
            for loader in (self.validation_batches, self.test_batches):
                if loader is not None:
                    copies.instead(loader, batches)
            if answer:
                seen.model.forward = answer
            code = copies.function(self.evaluate)
            watch, doubles = Watch(seen.model, seen.optimizer), _Doubles(copies, seen.model)
            seen.log = watch.log
            with watch, suppress(Enough):
                if first is not None:
                    _call(code, self.evaluate, (seen.model, first), self.deadline)
                seen.returned = _call(code, self.evaluate, (seen.model, batches), self.deadline)
            seen.called = doubles.among(watch.log.called)
        return seen

    @contextmanager
    def _copies(self):
        copies = Copies()
        for loader in (self.train_batches, self.validation_batches, self.test_batches):
            if loader is not None:
                for kept_as_it_is in (loader, getattr(loader, "dataset", None) or loader):
                    copies.instead(kept_as_it_is, kept_as_it_is)
        with model_lock:
            seen = Rehearsal(Log(), copies.model(self.model))
            copies.instead(self.given, seen.model)
            seen.optimizer = copies.optimizer(self.optimizer) if self.optimizer else None
        before = {
            name: value.detach().clone()
            for name, value in seen.model.named_parameters()
            if not nn.parameter.is_lazy(value)
        }
        with ExitStack() as stack:
            changed = stack.enter_context(kept(self.model, self.optimizer))
            text = stack.enter_context(quiet())
            stack.enter_context(files_kept())
            stack.enter_context(torch.enable_grad())
            try:
                yield copies, seen
            except FAILURES as failure:
                seen.error, seen.error_at = failure, line_of(failure)
            except TimeUp:
                seen.late = True
            seen.printed, seen.reached_past = text.getvalue(), changed()
        for name, value in seen.model.named_parameters():
            if name in before and not equal(before[name], value.detach()):
                seen.moved.add(name)


class _Doubles:
    """Copies of other modules whose weights have the shapes of the model's."""

    def __init__(self, copies: Copies, model: nn.Module):
        shapes = [p.shape for p in model.parameters() if not nn.parameter.is_lazy(p)]
        mine = {id(p) for p in model.parameters()}
        self._found: dict[int, tuple[nn.Module, list]] = {}
        for key, other in copies.made(nn.Module).items():
            weights = [p for p in other.parameters() if not nn.parameter.is_lazy(p)]
            alike = len(shapes) > 1 and [p.shape for p in weights] == shapes
            if alike and not mine & set(map(id, weights)):
                self._found[key] = (other, [p.detach().clone() for p in weights])

    def moved(self) -> dict[int, bool]:
        return {
            key: not all(map(equal, other.parameters(), before))
            for key, (other, before) in self._found.items()
        }

    def among(self, called: set[int]) -> set[int]:
        return {key for key, (other, _before) in self._found.items() if id(other) in called}


def _five_lines(model, images, labels, loss_function, optimizer):
    images = fitting(images, model)
    labels = labels.to(images.device)
    if optimizer is not None:
        return train_step(model, images, labels, loss_function, optimizer)
    loss_function(model(images), labels).backward()
    return None


def arguments_fit(function: Callable, count: int) -> bool:
    """Tell whether a function can be called with ``count`` arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a built-in that does not tell
        return True
    return True


def _call(code: Any, original: Any, arguments: tuple, deadline: float) -> Any:
    """Call ``code`` with the arguments, or without where it takes none and uses its globals."""
    arguments = arguments if arguments_fit(original, len(arguments)) else ()
    return within(max(min(2 * SECONDS, deadline - time.monotonic()), 0.05), code, *arguments)


def message(error: Exception) -> str:
    """Return the first line of what PyTorch or Python said."""
    text = str(error).strip().splitlines()
    return _("{kind}: {text}").format(kind=type(error).__name__, text=text[0] if text else "")
