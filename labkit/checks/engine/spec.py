"""An exercise as a specification: the right answer, inputs, and the typical mistakes.

A module of this package reads like this::

    @exercise(2, cases)
    def grey(image):  # the solution that the notebook shows
        ...

    grey.sentences = {
        "image.mean(dim=0)": "All colours count the same here. ...",
        ("dim=0", "dim=-1"): "The sum runs over the columns. ...",
        _too_dark: "...",
    }

A wrong answer is one expression, or edits of the solution, or, where it is neither, a function;
and ``grey(answer)`` is the check. Where PyTorch or an obvious loop can judge the solution, too,
``judge=`` names it. Judge, mistakes and the learner's answer are used in the same way, so what
comes out can be compared.
"""

import ast
import copy
import difflib
import inspect
import math
import sys
import textwrap
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import nn
from torch.nn import functional

from labkit.checks.engine import board
from labkit.checks.engine.general import GENERAL
from labkit.checks.engine.trial import Trial
from labkit.checks.engine.verdict import Verdict
from labkit.sandbox import randomness
from labkit.sandbox.limits import settings_kept
from labkit.sandbox.reading import Answer
from labkit.text import _

_TOOLS = {"copy": copy, "math": math, "torch": torch, "nn": nn, "functional": functional}
"""What the code in a table may use without an import in its own module."""


@dataclass(frozen=True)
class Mistake:
    """A typical mistake: an answer that makes it, and what to tell whoever gives that answer."""

    name: str
    answer: Callable
    sentence: str


Cases = Callable[[], list[tuple]]


def drawn(*shape: int) -> torch.Tensor:
    """Return numbers drawn from a normal distribution, always the same for a shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


class _Watched(torch.Tensor):
    """A tensor that notes which of PyTorch's functions it goes through."""

    names: set[str] = set()

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.names.add(getattr(func, "__name__", ""))
        return super().__torch_function__(func, types, args, kwargs or {})


def goes_through(word: str) -> Callable:
    """Return a use that asks: does the first input go through a PyTorch function of that name?"""

    def use(answer, first, *rest):
        _Watched.names.clear()
        with suppress(Exception):  # of what takes a plain tensor only, as its own code may
            answer(first.as_subclass(_Watched), *rest)
        return any(word in name for name in _Watched.names)

    return use


def call(answer, *case):
    """Use an answer in the plainest way: what it returns is compared."""
    return answer(*case)


@dataclass(frozen=True)
class Caution:
    """Further cases, with how to use an answer in them, and what to add if one goes wrong there.

    ``forbidden``: the text of the exercise rules that out, so the answer is not yet right.
    """

    cases: Cases
    use: Callable
    sentence: str
    forbidden: bool = False


@dataclass(eq=False)
class Exercise:
    """A check: call it with the learner's answer. Its notebook is the module of its solution.

    ``number``: its place in the notebook, from 1.
    ``solution``: the right answer, as the notebook shows it.
    ``cases``: returns the inputs, made afresh each time, each a tuple of arguments.
    ``judge``: another right answer, by PyTorch or by an obvious loop, or the solution itself.
    ``use``: what is done with an answer and an input; by default the answer is called with it.
    ``tolerance``: how far numbers may differ, relative to their size.
    ``also``: other right answers that give something else.
    ``seconds``: how long one input may take.
    ``sentences``: what to tell whom. An expression may use the parameters of the solution and
    what its module defines; edits are ``(old, new, old, new, ...)``, made one after the other
    wherever the old text stands below the solution's first line.
    ``cautions``: what to add to the praise of a right answer, or to say in its place, and when.
    """

    number: int
    solution: Callable
    cases: Cases
    judge: Callable
    use: Callable = call
    tolerance: float = 1e-4
    also: Sequence[Callable] = ()
    seconds: float = 5.0
    sentences: dict = field(default_factory=dict)
    cautions: list[Caution] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.solution.__name__  # ty: ignore[missing-attribute]

    @property
    def notebook(self) -> str:
        """The notebook that it stands in: the name of its module, or what that calls NOTEBOOK."""
        return self.module.get("NOTEBOOK", self.solution.__module__.rpartition(".")[2])

    @property
    def module(self) -> dict:
        """The variables of the module that the solution is written in."""
        return vars(sys.modules[self.solution.__module__])

    @cached_property
    def source(self) -> str:
        """The solution's own code, without the decorator that makes an exercise of it."""
        text = textwrap.dedent(inspect.getsource(self.solution))
        return "".join(text.splitlines(keepends=True)[ast.parse(text).body[0].lineno - 1 :])

    @property
    def parameters(self) -> list[str]:
        """The names of what an answer is called with."""
        return list(inspect.signature(self.solution).parameters)

    @property
    def inputs(self) -> list[str]:
        """The names of what a case holds."""
        plain = self.use is call
        return self.parameters if plain else list(inspect.signature(self.use).parameters)[1:]

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """The typical mistakes. Raises ``ValueError`` for edits of what the solution has not."""
        return [self._mistake(wrong, sentence) for wrong, sentence in self.sentences.items()]

    def _mistake(self, wrong: str | tuple[str, ...] | Callable, sentence: str) -> Mistake:
        if callable(wrong):
            name = getattr(wrong, "__name__", "").strip("_").replace("_", " ")
            return Mistake(name, wrong, sentence)
        if isinstance(wrong, str):
            source = f"def answer({', '.join(self.parameters)}):\n    return ({wrong})"
            return Mistake(wrong, self.defined(source, "answer"), sentence)
        head, _line, body = self.source.partition("\n")
        for old, new in zip(wrong[::2], wrong[1::2], strict=True):
            if old not in body:
                raise ValueError(f"{self.name}: no {old!r} in its solution")
            body = body.replace(old, new)
        wrong_source = f"{head}\n{body}"
        name = _changed(self.source, wrong_source)
        return Mistake(name, self.defined(wrong_source, self.name), sentence)

    def defined(self, source: str, name: str) -> Callable:
        """Return what ``source`` defines under ``name``, in the module of the solution."""
        body = textwrap.indent(source, "    ")
        made: dict[str, Callable] = {}
        code = f"def make({', '.join(_TOOLS)}):\n{body}\n    return {name}"
        exec(code, self.module, made)
        return made["make"](**_TOOLS)

    def caution(self, cases: Cases, sentence: str, use: Callable | None = None, forbidden=False):
        """Add ``sentence`` to the praise of an answer that differs from the solution in ``cases``.

        ``use`` says what is looked at there; by default it is that of the exercise.
        """
        self.cautions.append(Caution(cases, use or self.use, sentence, forbidden))

    def __call__(self, answer=...) -> Verdict:
        """Try the answer on every input and return the verdict; solved ones go on the board."""
        read = Answer(answer)
        if read.untouched:
            return self._waiting()
        with randomness.kept(0), settings_kept():
            verdict = Trial(self, read).verdict()
        name, known = verdict.mistake, (*self.mistakes, *GENERAL)
        said = next((one.sentence for one in known if name and one.name == name), "")
        complaint = board.note(
            self.notebook, self.name, solved=verdict.solved, mistake=name, said=said
        )
        return verdict.with_line(complaint) if complaint else verdict

    def _waiting(self) -> Verdict:
        try:
            solved = board.read().get(self.notebook, {}).get(self.name, board.Entry()).solved
        except board.ProgressError:
            solved = ""
        text = _("Exercise {number} waits for your answer in place of the three dots.")
        if solved:
            text = _("Exercise {number} was solved on {day}. The cell is empty now.")
        return Verdict("waiting", text.format(number=self.number, day=solved[:10]))


def _changed(before: str, after: str) -> str:
    """Return the lines of a program that are new in it, and those that are left out."""
    old, new = (ast.unparse(ast.parse(code)).splitlines() for code in (before, after))
    added, left_out = [], []
    for tag, start, end, first, last in difflib.SequenceMatcher(None, old, new).get_opcodes():
        added += filter(str.strip, new[first:last]) if tag != "equal" else []
        left_out += old[start:end] if tag == "delete" else []
    parts = [f"{line.strip()}{' (elsewhere)' * (line in left_out)}" for line in added]
    return "; ".join(parts + [f"without {line.strip()}" for line in left_out if line not in added])


def exercise(
    number: int, cases: Cases, *, judge: Callable | None = None, **how
) -> Callable[[Callable], Exercise]:
    """Make an exercise of the decorated solution, which is its own judge if no other is named."""
    return lambda solution: Exercise(number, solution, cases, judge or solution, **how)
