"""What the doctor is handed, and the rehearsals that are run on copies of it."""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from labkit.doctor.calls import SECONDS, call, five_lines, iterators_of, listen
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.doubles import Doubles
from labkit.doctor.lines import line_of
from labkit.doctor.log import Log, Rehearsal
from labkit.doctor.overlap import noting
from labkit.doctor.sample import Enough, Part, Sample, first_batches, is_pair, length, pairs
from labkit.doctor.watch import Watch
from labkit.inspect.recording import FAILURES
from labkit.sandbox.copies import Copies, files_kept
from labkit.sandbox.limits import TimeUp
from labkit.sandbox.model_lock import model_lock
from labkit.sandbox.originals import equal, kept
from labkit.sandbox.quiet import quiet

BATCHES = 12
"""Batches of a rehearsal: a few steps, also where gradients are accumulated over four batches."""

MANY_BATCHES = 72
"""Batches of a second rehearsal where the first saw no step: accumulation over 64 batches."""

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
        self.named: list[str] = []  # the kinds that were found so far
        self.answers: dict[int, list[float]] = {}  # after so many batches, as the program is
        self.entries: list[tuple[bool, set[bytes]]] = []  # of two epochs: see overlap.noting
        self.by_hand = None
        if not isinstance(self.optimizer, torch.optim.Optimizer | None):
            self.by_hand, self.optimizer = self.optimizer, None
            self.unseen["optimizer"] = phrase("no optimizer of PyTorch")
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
    def many(self) -> list:
        """As many training batches as a second gives, up to ``WHOLE`` images."""
        size = max((len(images) for images, _labels in pairs(self.sample)), default=1)
        return self._first(self.train_batches, WHOLE // max(size, 1), time.monotonic() + 1)

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
        seen = self.train_copies(min(BATCHES, there))
        alone = not seen.log.steps and not seen.log.elsewhere and not seen.moved
        if self.own_code and alone and not seen.error and self.optimizer and there > BATCHES:
            seen = self.train_copies(min(MANY_BATCHES, there))
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
    def downhill(self) -> int:
        """Return 1 where the optimizer makes the loss small, -1 where it makes it large."""
        return -1 if any(group.get("maximize") for group in self.groups) else 1

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
        """Training as in a second epoch: after a first one, and an evaluation."""
        if self.sample and (self.train or (self.step and self.evaluate and self.judging_sample)):
            return self.train_copies(2, again=True, change=partial(noting, self.entries))
        return None

    @cached_property
    def evaluation(self) -> Rehearsal:
        """The learner's evaluation on a few of its own batches."""
        batches = self.judging_sample or self.sample
        return self.judge(Sample(batches, Part(batches, self.judging)))

    def train_copies(
        self,
        count: int,
        *,
        again: bool = False,
        batches: list | None = None,
        times: float = 1,
        change: Callable = lambda copies, model: None,
        code: Callable | None = None,
        then: Callable | None = None,
        seconds: float = SECONDS,
    ) -> Rehearsal:
        """Train on copies of all that was handed over.

        count: batches of an epoch
        again: whether the same copies are trained and evaluated once before
        batches: in place of the loader's first ones
        times: what the learning rate is multiplied by
        change: called with the copies and the model first
        code: in place of the learner's
        then: called with copies, rehearsal and what notes a batch, at the end
        seconds: of its own work, at most; a busy computer takes longer
        """
        own = code or self.own_code or five_lines
        with self._copies(change) as (copies, seen):
            model = seen.model
            loss_function = copies.of(self.loss_function or nn.CrossEntropyLoss())
            watch = Watch(model, seen.optimizer, times)
            for real, noted in watch.noted.items():
                copies.instead(real, noted)
            seen.log, deadline = watch.log, time.thread_time() + seconds
            some = (batches or self.sample, self.train_batches, count, watch.on_batch)
            sample = Sample(*some, deadline, most=count if batches else 4 * count)
            if self.train_batches is not None:
                copies.instead(self.train_batches, sample)
            self._judging_samples(copies, partial(watch.on_batch, judging=True))
            for iterator in iterators_of(own, self.dataset):
                copies.instead(iterator, iter(sample))
            code = copies.function(own)
            doubles = Doubles(copies, model)
            listen(copies.made(LRScheduler).values(), watch.log)
            if again:
                try:
                    before = self._first_time(copies, code, seen, sample)
                except (Enough, StopIteration):
                    raise TimeUp from None  # it trains for many epochs: nobody calls it again
                watch.begin_again(before)
            seen.schedulers = [(s, s.last_epoch) for s in copies.made(LRScheduler).values()]
            arguments = (loss_function, seen.optimizer)
            with watch:
                with suppress(Enough, StopIteration):
                    if own is self.train:
                        given = (model, sample, *arguments)
                        seen.returned = call(code, own, given, self.deadline)
                    else:
                        for batch in sample:
                            call(code, own, (model, *batch, *arguments), self.deadline)
                if then:
                    then(copies, seen, partial(watch.on_batch, judging=True))
            seen.passes, seen.given = sample.passes, sample.given
            seen.reset, seen.reseeded = watch.reset, watch.reseeded
            seen.finished, seen.spoilt = sample.finished, sample.spoilt
            seen.doubles = doubles.moved()
            seen.without_statistics = doubles.without_statistics()
            seen.called = doubles.among(watch.log.called)
        return seen

    def _judging_samples(self, copies: Copies, on_batch: Callable) -> None:
        """Let the learner's training go through a few batches where it judges, and not all."""
        for loader in (self.validation_batches, self.test_batches):
            if loader is not None and loader is not self.train_batches:
                few = self._first(loader, 4)
                copies.instead(loader, Sample(few, Part(few, loader), on_batch=on_batch))

    def _first_time(self, copies: Copies, code: Any, seen: Rehearsal, sample: Sample) -> list:
        """Train once, and evaluate; return the weights of before."""
        before = [p.detach().clone() for p in seen.model.parameters()]
        if self.train:
            arguments = (copies.of(self.loss_function or nn.CrossEntropyLoss()), seen.optimizer)
            call(code, self.train, (seen.model, sample, *arguments), self.deadline)
        if self.evaluate and self.judging_sample:
            judging = Sample(self.judging_sample, Part(self.judging_sample, self.judging))
            own = copies.function(self.evaluate)
            call(own, self.evaluate, (seen.model, judging), self.deadline)
        seen.drawn, sample.given, sample.passes, sample.finished = sample.given, 0, 0, 0
        return before

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
                    own = getattr(loader, "dataset", self.dataset)
                    if own is not self.dataset:  # its length is what it counts
                        copies.instead(own, getattr(batches, "dataset", own))
            training = Sample(self.sample, Part(self.sample, self.train_batches))
            if self.train_batches is not self.judging:
                copies.instead(self.train_batches, training)
            if answer:
                seen.model.forward = answer
            code = copies.function(self.evaluate)
            watch, doubles = Watch(seen.model, seen.optimizer), Doubles(copies, seen.model)
            seen.log = watch.log
            with watch, suppress(Enough):
                if first is not None:
                    call(code, self.evaluate, (seen.model, first), self.deadline)
                seen.returned = call(code, self.evaluate, (seen.model, batches), self.deadline)
            seen.called = doubles.among(watch.log.called)
            seen.given, seen.drawn, seen.spoilt = batches.given, training.given, batches.spoilt
        return seen

    @contextmanager
    def _copies(self, change: Callable = lambda copies, model: None):
        copies = Copies()
        for loader in (self.train_batches, self.validation_batches, self.test_batches):
            if loader is not None:
                for kept_as_it_is in (loader, getattr(loader, "dataset", None) or loader):
                    copies.instead(kept_as_it_is, kept_as_it_is)
        with model_lock:
            seen = Rehearsal(Log(), copies.model(self.model))
            copies.instead(self.given, seen.model)
            change(copies, seen.model)
            own = self.optimizer
            seen.optimizer = copies.optimizer(own) if own else copies.of(self.by_hand)
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
