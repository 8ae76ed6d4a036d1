"""Call the learner's code: with what it takes, and for so long."""

import copy
import functools
import gc
import inspect
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.utils.data.dataloader import _BaseDataLoaderIter

from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.log import Log
from labkit.doctor.sample import fitting
from labkit.inspect.recording import FAILURES
from labkit.sandbox.copies import CANNOT_BE_COPIED
from labkit.sandbox.limits import within
from labkit.training import train_step

SECONDS = 10.0
"""A rehearsal ends after this time, once it has had three batches; in any case after twice that."""


def five_lines(model, images, labels, loss_function, optimizer):
    """Train as notebook 5 does.

    model, loss_function, optimizer: of the training; without an optimizer, the weights stay
    images, labels: one batch, on any device
    """
    images = fitting(images, model)
    labels = labels.to(images.device)
    if optimizer is not None:
        return train_step(model, images, labels, loss_function, optimizer)
    loss_function(model(images), labels).backward()
    return None


SIGNED = {"cosine_embedding_loss": 2, "margin_ranking_loss": 2, "hinge_embedding_loss": 1,
          "soft_margin_loss": 1}  # fmt: skip
"""The loss functions whose targets are -1 and 1, and at which place they are given."""


def signs_missing(name: str, args: tuple, options: dict) -> bool:
    """Tell whether such a loss function was given other targets."""
    target = options.get("target", next(iter(args[SIGNED[name] :]), None))
    return isinstance(target, torch.Tensor) and bool((target.detach().abs() != 1).any())


def arguments_fit(function: Callable, count: int) -> bool:
    """Tell whether a function can be called with ``count`` arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a built-in that does not tell
        return True
    return True


def call(code: Any, original: Any, arguments: tuple, deadline: float) -> Any:
    """Call ``code`` with the arguments, or without where it takes none and uses its globals."""
    arguments = arguments if arguments_fit(original, len(arguments)) else ()
    return within(max(min(2 * SECONDS, deadline - time.monotonic()), 0.05), code, *arguments)


def message(error: Exception) -> str:
    """Return the first line of what PyTorch or Python said."""
    text = str(error).strip().splitlines()
    return phrase("error", kind=type(error).__name__, text=text[0] if text else "")


def on_the_side(watch: Callable) -> Callable:
    """Let what cannot be watched, such as the tensors of torch.func, not end the learner's code."""

    @functools.wraps(watch)
    def tried(*args) -> None:
        with suppress(*FAILURES):
            watch(*args)

    return tried


def iterators_of(function: Callable | None, dataset: Any) -> Iterator[Any]:
    """Return the iterators over a set that stand in a function's variables: used up once."""
    code = getattr(function, "__code__", None)
    known = getattr(function, "__globals__", {})
    values = [known[name] for name in code.co_names if name in known] if code else []
    values += vars(getattr(function, "__self__", None) or object).values()
    for value in values:
        if isinstance(value, _BaseDataLoaderIter) and value._dataset is dataset:
            yield value


def schedulers_of(optimizer: Any) -> Iterator[LRScheduler]:
    """Return copies of an optimizer's schedulers, also of those that nobody handed over."""
    stand_in = torch.optim.SGD([torch.zeros(1)], 1.0)
    stand_in.param_groups = [{**group, "params": []} for group in optimizer.param_groups]
    for thing in gc.get_objects():
        if issubclass(type(thing), LRScheduler) and vars(thing).get("optimizer") is optimizer:
            with suppress(*CANNOT_BE_COPIED):
                yield copy.deepcopy(thing, {id(optimizer): stand_in})


def listen(schedulers: Iterable[LRScheduler], log: Log) -> None:
    """Note what is told to schedulers that wait for a plateau: an accuracy, or a loss?"""
    for scheduler in schedulers:
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step = _listening(scheduler, log)


def _listening(scheduler: ReduceLROnPlateau, log: Log) -> Callable:
    real = scheduler.step

    def step(metrics, *rest, **options):
        log.told.append((scheduler.mode, _meaning(float(metrics), log)))
        return real(metrics, *rest, **options)

    return step


def _meaning(value: float, log: Log) -> str:
    """Compare a number with the accuracy and the mean loss of the passes that were counted."""
    for right, loss, count in log.tallies:
        share = right / count if count else -1.0
        if min(abs(value - share), abs(value - 100 * share)) < 1e-4:
            return "accuracy"
        if count and abs(value - loss / count) < 1e-3 * abs(value):
            return "loss"
    return ""
