"""A run: training from start to finish, step by step, and resumable at any batch."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import islice

import torch
from torch import nn

from labkit.device import move
from labkit.display import ProgressBar
from labkit.sandbox import randomness
from labkit.sandbox.model_lock import model_lock
from labkit.text import _
from labkit.training.guard import WeightsGuard
from labkit.training.history import History, Mean
from labkit.training.loop import LossFunction, TrainingStopped, evaluate, finite, train_step

POINTS_PER_EPOCH = 20
"""How many points of the running loss a history keeps of each epoch, at the most."""


class Run:
    """Model, batches, optimizer, and how far training has come.

    ``advance()`` takes one step. ``epoch`` counts finished epochs and ``step`` the batches done in
    the current one. Where the loader has ``set_epoch`` (``BatchLoader``), the order of epoch e
    depends on its seed and e alone. Torch's random numbers (dropout, a ``DataLoader``'s shuffling)
    come from the run's own states: what other cells draw in between changes nothing. Torch has one
    generator for all threads, so a cell that draws during a step with dropout mixes with it.

    model: trained in place
    train_batches: a loader of images and labels with a length
    validation_batches: evaluated after each epoch
    optimizer: of the model's parameters
    epochs: how many in all, at least 1
    loss_function: of outputs and labels (default: ``nn.CrossEntropyLoss()``)
    scheduler: of the learning rate; it steps after every batch (default: none)
    device: where to train (default: the CPU)
    seed: of the run's random numbers (default: 0)

    Raise ``ValueError`` without epochs or batches, or if the scheduler ends before the run.
    """

    def __init__(
        self,
        model: nn.Module,
        train_batches,
        validation_batches,
        optimizer: torch.optim.Optimizer,
        *,
        epochs: int,
        loss_function: LossFunction | None = None,
        scheduler=None,
        device: torch.device | str = "cpu",
        seed: int = 0,
    ):
        if epochs < 1:
            raise ValueError(_("epochs is {epochs}: a run takes at least 1.").format(epochs=epochs))
        if len(train_batches) == 0:
            raise ValueError(_("There is not one batch to train on: is the data set empty?"))
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.train_batches, self.validation_batches = train_batches, validation_batches
        self.loss_function = loss_function or nn.CrossEntropyLoss()
        self.epochs, self.epoch, self.step, self.seconds = epochs, 0, 0, 0.0
        self.history = History(steps_per_epoch=len(train_batches))
        self.last_batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None
        self._epoch_mean, self._running_mean, self._epoch_seconds = Mean(), Mean(), 0.0
        self._iterator: Iterator | None = None
        self._last_loss = float("nan")
        self._seed, self._random = seed, randomness.loader_state(train_batches)
        self._random_at_epoch_start: randomness.States = {}
        self._model_draws = True  # checked again at the first step of each epoch
        self._guard = WeightsGuard()
        self._check_plan(epochs)
        self.to(device)

    @property
    def finished(self) -> bool:
        """Say whether all epochs are done."""
        return self.epoch >= self.epochs

    @property
    def steps_done(self) -> int:
        """Return the number of batches since the start of the run."""
        return self.epoch * len(self.train_batches) + self.step

    @property
    def steps_left(self) -> int:
        """Return the number of batches up to the end of the last epoch."""
        return self.epochs * len(self.train_batches) - self.steps_done

    @property
    def running_loss(self) -> float:
        """Return the mean loss of the last batches, about as many as a point has; NaN before any.

        The last point stands for the batches that the one in the making still lacks: so the loss of
        a single batch makes no leap.
        """
        points, last = self.history.steps, self.history.running_loss[-1:]
        if not last:
            return self._running_mean.value
        since = self.steps_done - points[-1]
        share = min(since / points[0], 1)
        return share * self._running_mean.value + (1 - share) * last[0] if since else last[0]

    def advance(self) -> float:
        """Take one step, and validate if it ends an epoch; return the loss of its batch.

        Raise ``TrainingStopped`` if all epochs are done or the loss is no finite number, and
        ``ModelChanged`` if somebody else changed the weights or replaced them.
        """
        if self.finished:
            raise TrainingStopped(_("All epochs are done. Raise the number of epochs to go on."))
        with model_lock:
            self._guard.check(self.model, self.optimizer)
            if self.step < len(self.train_batches):  # else the validation failed the last time
                self._take_step()
            if self.step == len(self.train_batches):
                self._end_epoch()
        return self._last_loss

    def _take_step(self) -> None:
        started, states = time.perf_counter(), dict(self._random)
        batches, self._iterator = self._iterator, None  # kept only if this succeeds, as are states
        begins = batches is None
        with randomness.borrowed(states, self.device, _draws(self.train_batches)):
            batches = self._batches() if begins else batches
            images, labels = next(batches)
        images, labels = images.to(self.device), labels.to(self.device)
        self._learn(images, labels, states, begins or self._model_draws)
        self._count(len(labels), time.perf_counter() - started)
        self._iterator = batches
        self._random = states | randomness.loader_state(self.train_batches)

    def _learn(self, images, labels, states: randomness.States, draws: bool) -> None:
        if not self.model.training:
            self.model.train()
        before = dict(states)
        with randomness.borrowed(states, self.device, draws):
            loss, outputs = train_step(
                self.model, images, labels, self.loss_function, self.optimizer
            )
        self._model_draws = not randomness.same(before, states)
        if self.scheduler:
            self.scheduler.step()
        self._guard.accept(self.model)
        self._last_loss = finite(loss, self.steps_done + 1, self.optimizer)
        self.last_batch = images, labels, outputs

    def _batches(self) -> Iterator:
        """Return the batches of this epoch from the current step on."""
        now = {name: state.clone() for name, state in self._random.items()}
        if self.step == 0:
            self._random_at_epoch_start = now
        start = self._random_at_epoch_start
        plain, draws = randomness.python_and_numpy(), _draws(self.train_batches)
        if draws:
            randomness.set_torch_states(start, self.device)
        randomness.set_loader_state(self.train_batches, start)
        if hasattr(self.train_batches, "set_epoch"):
            self.train_batches.set_epoch(self.epoch)
        batches = islice(iter(self.train_batches), len(self.train_batches))
        if self.step:  # resumed within an epoch: begin it as before, and skip
            for _skipped in range(self.step):
                next(batches)
            randomness.set_python_and_numpy(plain)
            if draws:
                randomness.set_torch_states(now, self.device)
        return batches

    def _count(self, examples: int, seconds: float) -> None:
        self.step += 1
        self.seconds += seconds
        self._epoch_seconds += seconds
        self._epoch_mean.add(self._last_loss, examples)
        self._running_mean.add(self._last_loss, examples)
        every = -(-len(self.train_batches) // POINTS_PER_EPOCH)  # so that the last is no remnant
        if self.step % every == 0 or self.step == len(self.train_batches):
            self.history.steps.append(self.steps_done)
            self.history.running_loss.append(self._running_mean.value)
            self.history.learning_rate.append(self.optimizer.param_groups[0]["lr"])
            self._running_mean = Mean()

    def _end_epoch(self) -> None:
        states = dict(self._random)
        with randomness.borrowed(
            states, self.device, _draws(self.validation_batches) or self._model_draws
        ):
            result = evaluate(self.model, self.validation_batches, device=self.device)
        self._random = states
        self.history.training_loss.append(self._epoch_mean.value)
        self.history.validation_loss.append(result.loss)
        self.history.validation_accuracy.append(result.accuracy)
        self.history.seconds.append(self._epoch_seconds)
        self.epoch, self.step, self._iterator = self.epoch + 1, 0, None
        self._epoch_mean, self._epoch_seconds = Mean(), 0.0

    def set_epochs(self, epochs: int) -> None:
        """Let the run end after ``epochs`` epochs.

        Raise ValueError if more are begun already, or if the scheduler's plan ends before.
        """
        begun = self.epoch + (self.step > 0)
        if epochs < begun:
            text = _("Epoch {epoch} is begun already: {epochs} would be too few.")
            raise ValueError(text.format(epoch=begun, epochs=epochs))
        self._check_plan(epochs)
        self.epochs = epochs

    def _check_plan(self, epochs: int) -> None:
        """Raise ValueError if a scheduler of so many steps (``OneCycleLR``) would run out."""
        planned = getattr(self.scheduler, "total_steps", math.inf)
        done = getattr(self.scheduler, "last_epoch", 0)  # PyTorch's word for its steps
        total = epochs * len(self.train_batches)
        left = total - self.steps_done
        if done + left > planned:
            raise ValueError(
                _(
                    "{scheduler} has learning rates for {rates:,} more steps, and to the end of "
                    "epoch {epochs} there are {left:,}. Make a new run and a new scheduler, with "
                    "total_steps={total}."
                ).format(
                    scheduler=type(self.scheduler).__name__,
                    rates=planned - done,
                    epochs=epochs,
                    left=left,
                    total=total,
                )
            )

    def set(self, *, lr: float | None = None, momentum: float | None = None) -> None:
        """Set learning rate or momentum of the optimizer from the next step on.

        Raise ValueError for a learning rate that is not above 0, a momentum outside [0, 1), an
        optimizer that has no momentum, or a learning rate that belongs to a scheduler.
        """
        if lr is not None and not 0 < lr < float("inf"):
            raise ValueError(_("The learning rate is {rate}: it must be above 0.").format(rate=lr))
        if lr is not None and self.scheduler:
            raise ValueError(_("The scheduler sets the learning rate of this run after each step."))
        if momentum is not None and not 0 <= momentum < 1:
            text = _("The momentum is {momentum}: it must be at least 0 and below 1.")
            raise ValueError(text.format(momentum=momentum))
        for group in self.optimizer.param_groups:
            if momentum is not None and "momentum" not in group:
                text = _("{name} has no momentum to set.")
                raise ValueError(text.format(name=type(self.optimizer).__name__))
            group.update({} if lr is None else {"lr": lr})
            group.update({} if momentum is None else {"momentum": momentum})

    def to(self, device: torch.device | str) -> None:
        """Move the model and what the optimizer remembers; batches follow from the next one on.

        Raise what ``labkit.device.move`` does where it cannot; the run is where it was, then.
        """
        device = torch.device(device)
        with model_lock:
            move(self.model, self.optimizer, device)
            if isinstance(self.loss_function, nn.Module):
                self.loss_function.to(device)  # it may hold the weights of the classes
            self._random = randomness.seeded_states(self._seed, device) | self._random
            self.device = device
            self._guard.accept(self.model)

    def finish(self, after_step: Callable[["Run"], None] | None = None) -> History:
        """Take all steps that are left; return the history. ``after_step(run)`` follows each."""
        while not self.finished:
            self.advance()
            if after_step:
                after_step(self)
        return self.history

    def state_dict(self) -> dict:
        """Return all that is needed to resume the run at this batch, except the weights."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
            "epochs": self.epochs,
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "epoch_seconds": self._epoch_seconds,
            "epoch_mean": asdict(self._epoch_mean),
            "running_mean": asdict(self._running_mean),
            "history": asdict(self.history),
            "random": dict(self._random),
            "random_at_epoch_start": dict(self._random_at_epoch_start),
            **randomness.python_and_numpy(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Resume where ``state_dict()`` was called; the model must have its weights already.

        The number of epochs stays this run's own: give it a larger one to train on. This also sets
        the states of Python's and numpy's own random numbers.
        """
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler:
            self.scheduler.load_state_dict(state["scheduler"])
        self.epoch, self.step = state["epoch"], state["step"]
        self.seconds, self._epoch_seconds = state["seconds"], state["epoch_seconds"]
        self._epoch_mean = Mean(**state["epoch_mean"])
        self._running_mean = Mean(**state["running_mean"])
        self.history = History(**state["history"])
        self._random.update(randomness.on_cpu(state["random"]))
        self._random_at_epoch_start = randomness.on_cpu(state["random_at_epoch_start"])
        randomness.set_python_and_numpy(state)
        self._iterator = None
        self.to(self.device)


def _draws(batches) -> bool:
    """Say whether a pass over ``batches`` may draw from torch's own generators."""
    return getattr(batches, "draws", True)


def fit(
    model: nn.Module,
    train_batches,
    validation_batches,
    optimizer: torch.optim.Optimizer,
    *,
    progress: bool = False,
    after_step: Callable[[Run], None] | None = None,
    **options,
) -> History:
    """Train for ``epochs`` epochs, validate after each, and return the history.

    model, train_batches, validation_batches, optimizer: as in `Run`
    progress: whether a bar shows the running loss (default: no)
    after_step: called as ``after_step(run)`` after each step
    options: those of `Run`: epochs, loss_function, scheduler, device, seed

    Raises ``ValueError`` as ``Run`` does, ``TrainingStopped`` where the loss is not finite.
    """
    run = Run(model, train_batches, validation_batches, optimizer, **options)
    with ProgressBar(total=run.steps_left, disable=not progress, unit=_(" batches")) as bar:

        def show(run: Run) -> None:
            if run.history.running_loss:
                loss = _("loss {loss:.3f}").format(loss=run.history.running_loss[-1])
                bar.set_postfix_str(loss, refresh=False)
            bar.update()
            if after_step:
                after_step(run)

        return run.finish(show)
