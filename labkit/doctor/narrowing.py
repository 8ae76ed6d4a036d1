"""Which line of the learner's own is it? One after another is edited, and the program run again."""

import ast
import gc
import re
import sysconfig
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from inspect import signature
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch
from torch import nn

from labkit.doctor.case import WHOLE, Case
from labkit.doctor.lines import in_words
from labkit.doctor.sample import first_batches
from labkit.doctor.shortcuts import images_and_labels, knows
from labkit.doctor.trials import SECONDS, ask, briefly, exchanges, right_answers
from labkit.inspect.edits import edits, is_harmless
from labkit.inspect.recording import FAILURES
from labkit.inspect.rewriting import compiled, source_of
from labkit.sandbox import randomness
from labkit.sandbox.limits import TimeUp, within
from labkit.sandbox.model_lock import model_lock
from labkit.sandbox.quiet import quiet
from labkit.sandbox.reading import returned

_SECONDS, _LINES, _SAME = 15.0, 3, 0.1
"""The time for all edits, the lines that are named, and scores that are as good as each other."""

_ASIDE = {"__len__", "__bool__", "<lambda>", "<listcomp>", "<genexpr>", "<dictcomp>", "<module>"}
"""What is run on the side, or has no lines of its own."""

_SCHEDULE = re.compile(r"sched\w*\.step\b")
"""A schedule is longer than a trial: what a trial says of its steps is nothing."""

_LIBRARIES = ("<frozen", *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")))


@dataclass(frozen=True)
class Line:
    """A line whose edit helps: where it is, what stands in its place ("": nothing), how much."""

    where: str
    new: str
    score: float


def own_functions(run: Callable) -> dict[CodeType, dict[str, Any]]:
    """Return the code of the learner's functions that run, with the values of their names."""
    return returned(run, _is_own)


def _is_own(frame: FrameType) -> bool:
    code, home = frame.f_code, frame.f_globals.get("__name__", "").partition(".")[0]
    theirs = home in ("torch", "torchvision", "labkit")
    return not (theirs or code.co_filename.startswith(_LIBRARIES) or code.co_name in _ASIDE)


def lines(case: Case, name: str, loop: bool, given: dict) -> list[Line]:
    """Return the lines or settings within a part whose edits help about as much as the usual one.

    ``loop`` tells whether the usual loop helps, too; ``given`` holds the number of batches, and
    what is right after them in the learner's program, and with the part exchanged.
    """
    n, own, other = (given[key] for key in ("n", "own", "other"))
    changes: dict[str, dict[str, Any]] = {
        part: {"change": change, "code": code} for part, change, code in exchanges(case)
    }
    mine, found = changes["all"] if name == "network" else {}, []
    if name != "optimizer" or loop:
        functions = own_functions(lambda: briefly(case, **mine))
        if name not in ("network", "scale"):
            usual = changes["loop" if name == "optimizer" else name]
            _leave_out(functions, lambda: briefly(case, **usual))

        def judge(short: bool) -> Any:
            return briefly(case, **mine) if short else max(right_answers(case, n, **mine) or [0])

        share = 0.75 if name == "network" else 0.5  # a quick classifier is hard to reach
        found = _narrowed(functions, judge, own, other, share)
    settings = _without_a_layer(case, changes["all"]["change"]) if mine else iter(())
    if name in ("optimizer", "all") and case.groups:
        settings = _of_the_optimizer(case)
    start = time.thread_time()
    for where, new, change in () if found else settings:
        score = max(right_answers(case, n, **{**mine, "change": change}) or [0])
        if score > own + 0.8 * (other - own):
            return [Line(where, new, score)]
        if time.thread_time() > start + _SECONDS:
            break
    return found


def lines_of_evaluation(case: Case, count: int, own: float, other: float) -> list[Line]:
    """Return the lines of the evaluation with whose edits it says what a plain loop does."""
    found: list[Line] = []

    def then(*trained) -> None:
        def judge(short: bool) -> Any:
            scores: list[float] = []
            with suppress(*FAILURES):
                scores += ask(case, trained, counted=True)
            return (scores or None) if short else scores[0]

        functions = own_functions(lambda: judge(True))
        _leave_out(functions, lambda: trained[1].model(case.judging_batches[0][0][0]))
        found.extend(_narrowed(functions, judge, own, other))

    with randomness.kept(0):
        case.train_copies(count, batches=case.many, seconds=SECONDS, then=then)
    return found


def lines_of_data(case: Case, judged: tuple, own: float, other: float) -> list[Line]:
    """Return the lines that make the training images, with whose edits these teach more."""

    def judge(short: bool) -> Any:
        with randomness.kept(0), quiet(), suppress(*FAILURES, TimeUp):
            count = 2 if short else max(len(case.many) // 2, 2)
            drawn = within(2, first_batches, case.train_batches, count, time.monotonic() + 1)
            both = images_and_labels(drawn) or judged
            fits = both[0].shape[1:] == judged[0].shape[1:] and both[1].max() <= judged[1].max()
            if fits and len(both[1]) <= WHOLE and both is not judged:
                flat = [part.double().flatten() for part in both]
                marks = [(x * torch.arange(len(x))).sum().item() for x in flat if short]
                return marks or knows(both, judged)
        return None if short else 0.0

    return _narrowed(own_functions(lambda: judge(True)), judge, own, other)


def _leave_out(functions: dict, run: Callable) -> None:
    """Leave out the functions that run here, too."""
    for code in own_functions(run):
        functions.pop(code, None)


def _narrowed(
    functions: dict[CodeType, dict[str, Any]],
    judge: Callable[[bool], Any],
    own: float,
    other: float,
    share: float = 0.5,
) -> list[Line]:
    """Return the lines whose edits bring the most of what lies between ``own`` and ``other``.

    At least ``share`` of it.

    ``judge(True)`` tells shortly what the program makes of an edit, None where it breaks;
    ``judge(False)`` returns the share of right answers.
    """
    until, known, tried = time.thread_time() + _SECONDS, [judge(True)], []
    for code, values in functions.items() if known[0] is not None else ():
        owners = [f for f in gc.get_referrers(code) if getattr(f, "__code__", None) is code]
        if owners and is_harmless(code):
            _source, tree = source_of(code)
            for cost, statement, *rest in list(edits(tree, values)):  # it is as it was, only then
                if not _SCHEDULE.search(ast.unparse(statement)):
                    tried.append((cost, owners, statement, *rest))
    best: dict[str, Line] = {}
    for _cost, owners, statement, new, source in sorted(tried, key=lambda edit: edit[0]):
        old = owners[0].__code__
        where = in_words(old, old.co_firstlineno + statement.lineno - 1)
        enough = [line for line in best.values() if line.score > own + 0.9 * (other - own)]
        if time.thread_time() > until or len(enough) >= _LINES:
            break
        code = None if where in best else compiled(source, owners[0])
        if code is None:
            continue
        score = 0.0
        with _in_place(owners, code), suppress(*FAILURES):
            shortly = judge(True)
            if shortly is None or shortly in known:
                continue
            known.append(shortly)
            score = judge(False)
        if score > own + share * (other - own):
            best[where] = Line(where, new, score)
    most = max((line.score for line in best.values()), default=0)
    return [line for line in best.values() if line.score > most - _SAME]


@contextmanager
def _in_place(owners: list[FunctionType], code: CodeType) -> Generator[None]:
    """Let functions run other code in this block; a live run waits meanwhile."""
    kept = owners[0].__code__
    with model_lock:
        try:
            for function in owners:
                function.__code__ = code
            yield
        finally:
            for function in owners:
                function.__code__ = kept


def _of_the_optimizer(case: Case) -> Iterator[tuple[str, str, Callable]]:
    """Yield the settings that were given to the optimizer as PyTorch has them, and other rates."""
    kind, group = type(case.optimizer), case.groups[0]
    usual = {key: value.default for key, value in signature(kind).parameters.items()}
    odd = [(k, usual[k]) for k, v in group.items() if usual.get(k, v) != v and k != "lr"]
    rates = () if "learning-rate-too-small" in case.named else (0.1, 10, 0.01, 100)
    for key, value in (*odd, *(("lr", group["lr"] * by) for by in rates)):

        def change(copies, _model, key=key, value=value):
            for own in copies.optimizer(case.optimizer).param_groups:
                own[key] = value

        given = f"{value:.3g}" if isinstance(value, float) else value
        yield f"{kind.__name__}({key}={group[key]})", f"{key}={given}", change


def _without_a_layer(case: Case, usual: Callable) -> Iterator[tuple[str, str, Callable]]:
    """Yield the network without one of its layers that have no weights."""
    for name, module in case.model.named_modules():
        if name and not [*module.children(), *module.parameters()]:

            def change(copies, model, name=name):
                usual(copies, model)
                parent, _dot, own = name.rpartition(".")
                setattr(model.get_submodule(parent), own, nn.Identity())

            yield f"{name}: {module}", "", change
