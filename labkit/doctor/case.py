"""What the doctor is handed, and the rehearsals that are run on copies of it."""

import inspect
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn

from labkit.doctor.lines import line_of
from labkit.doctor.sample import Enough, Sample, first_batches, is_pair
from labkit.doctor.watch import Log, Watch
from labkit.inspect.recording import FAILURES
from labkit.sandbox.copies import Copies
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
"""A rehearsal ends after this time, once it has had three batches."""


@dataclass
class Rehearsal:
    """What was seen while the learner's code ran on copies; the copies as it left them."""

    log: Log
    model: nn.Module
    returned: Any = None
    printed: str = ""
    error: Exception | None = None
    error_at: str = ""
    reached_past: list[str] = field(default_factory=list)
    changed_weights: bool = False
    passes: int = 0


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
        self.given = self.model
        self.loader_errors: dict[int, Exception] = {}
        self.model = getattr(self.model, "_orig_mod", self.model)  # torch.compile has wrapped it

    @cached_property
    def double(self) -> nn.Module:
        """A copy of the model to look into: the original may be training in another thread."""
        return Copies().model(self.model)

    @cached_property
    def sample(self) -> list:
        """A few training batches."""
        return self._first(self.train_batches, BATCHES)

    @cached_property
    def judging_sample(self) -> list:
        """A few batches of validation or test data."""
        batches = self.validation_batches
        batches = self.test_batches if batches is None else batches
        return self._first(batches, 4)

    def _first(self, batches: Iterable | None, count: int) -> list:
        try:
            return [] if batches is None else first_batches(batches, count)
        except FAILURES as failure:
            self.loader_errors[id(batches)] = failure
            return []

    @property
    def own_code(self) -> Callable | None:
        """The learner's step or training loop."""
        return self.train or self.step

    @cached_property
    def rehearsal(self) -> Rehearsal | None:
        """Training on copies: by the learner's code, else by the five lines of notebook 5."""
        if not self.sample or not (self.train or all(map(is_pair, self.sample))):
            return None
        seen = self._train(BATCHES)
        if self.own_code and not seen.log.steps and not seen.error and self.optimizer:
            seen = self._train(MANY_BATCHES)
        return seen

    @cached_property
    def second_training(self) -> Rehearsal | None:
        """Training as in a second epoch: after an evaluation."""
        if not (self.own_code and self.evaluate and self.sample and self.judging_sample):
            return None
        return self._train(2, after_evaluation=True)

    def _train(self, count: int, *, after_evaluation: bool = False) -> Rehearsal:
        with self._copies() as (copies, seen, optimizer):
            model, loss_function = seen.model, self._loss(copies)
            if after_evaluation:
                sample = Sample(self.judging_sample)
                _call(copies.function(self.evaluate), self.evaluate, (model, sample))
            watch = Watch(model, optimizer)
            seen.log, deadline = watch.log, time.monotonic() + SECONDS
            sample = Sample(
                *(self.sample, self.train_batches, count, watch.on_batch), deadline, most=4 * count
            )
            if self.train_batches is not None:
                copies.instead(self.train_batches, sample)
            code = copies.function(self.own_code or _five_lines)
            with watch, suppress(Enough, StopIteration):
                if self.train:
                    seen.returned = _call(
                        code, self.train, (model, sample, loss_function, optimizer)
                    )
                else:
                    for batch in sample:
                        arguments = (model, *batch, loss_function, optimizer)
                        _call(code, self.own_code or _five_lines, arguments)
            seen.passes = sample.passes
        return seen

    def judge(self, batches: Sample) -> Rehearsal:
        """Run the learner's evaluation on copies and on these batches."""
        with self._copies() as (copies, seen, optimizer):
            for loader in (self.validation_batches, self.test_batches):
                if loader is not None:
                    copies.instead(loader, batches)
            code = copies.function(self.evaluate)
            watch = Watch(seen.model, optimizer)
            seen.log = watch.log
            before = [weight.detach().clone() for weight in seen.model.parameters()]
            with watch:
                seen.returned = _call(code, self.evaluate, (seen.model, batches))
            pairs = zip(before, seen.model.parameters(), strict=True)
            seen.changed_weights = not all(equal(old, p.detach()) for old, p in pairs)
        return seen

    @contextmanager
    def _copies(self):
        copies = Copies()
        for loader in (self.train_batches, self.validation_batches, self.test_batches):
            if loader is not None:
                copies.instead(loader, loader)
                copies.instead(_data(loader), _data(loader))
        with model_lock:
            seen = Rehearsal(Log(), copies.model(self.model))
            copies.instead(self.given, seen.model)
            optimizer = copies.optimizer(self.optimizer) if self.optimizer else None
        with ExitStack() as stack:
            changed = stack.enter_context(kept(self.model, self.optimizer))
            text = stack.enter_context(quiet())
            stack.enter_context(torch.enable_grad())
            try:
                yield copies, seen, optimizer
            except FAILURES as failure:
                seen.error, seen.error_at = failure, line_of(failure)
            seen.printed, seen.reached_past = text.getvalue(), changed()

    def _loss(self, copies: Copies) -> Callable:
        return copies.of(self.loss_function or nn.CrossEntropyLoss())


def _data(loader: Any) -> Any:
    return getattr(loader, "dataset", None) or loader


def _five_lines(model, images, labels, loss_function, optimizer):
    weight = next(iter(model.parameters()), None)
    if weight is not None:
        images = images.to(weight.device)
        images = images.to(weight.dtype) if images.is_floating_point() else images
        labels = labels.to(weight.device)
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


def _call(code: Callable, original: Callable, arguments: tuple) -> Any:
    """Call ``code`` with the arguments, or without where it takes none and uses its globals."""
    return code(*arguments) if arguments_fit(original, len(arguments)) else code()


def message(error: Exception) -> str:
    """Return the first line of what PyTorch or Python said."""
    text = str(error).strip().splitlines()
    return _("{kind}: {text}").format(kind=type(error).__name__, text=text[0] if text else "")
