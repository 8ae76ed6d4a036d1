"""An exercise as a specification: the right answer, inputs, and the typical mistakes.

A module of this package reads like this::

    @exercise(2, cases)
    def grey(image):  # the solution that the notebook shows
        ...

    grey.if_it_returns({"image.mean(dim=0)": "All colours count the same here. ..."})
    grey.if_it_reads({("dim=0", "dim=-1"): "The sum runs over the columns. ..."})

    @grey.mistake(N_("..."))  # what is neither one expression nor an edit of the solution
    def _name(image):
        ...

and ``grey(answer)`` is the check. Where PyTorch or an obvious loop can judge the solution, too,
``judge=`` names it. Judge, mistakes and the learner's answer are used in the same way, so what
comes out can be compared.
"""

import ast
import copy
import inspect
import math
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import nn
from torch.nn import functional

from labkit.checks.engine import board
from labkit.checks.engine.trial import Trial
from labkit.checks.engine.verdict import Verdict
from labkit.sandbox import randomness
from labkit.sandbox.limits import settings_kept
from labkit.sandbox.reading import Answer
from labkit.text import _

_SECONDS = 5.0
_TOOLS = {"copy": copy, "math": math, "torch": torch, "nn": nn, "functional": functional}
"""What the code in a table may use without an import in its own module."""


@dataclass(frozen=True)
class Mistake:
    """A typical mistake: an answer that makes it, and what to tell whoever gives that answer."""

    name: str
    answer: Callable
    sentence: str


@dataclass(frozen=True)
class Caution:
    """Further cases, with how to use an answer in them, and what to add if one goes wrong there."""

    cases: Callable[[], list[tuple]]
    use: Callable
    expected: Callable
    sentence: str


@dataclass(eq=False)
class Exercise:
    """A check: call it with the learner's answer.

    ``cases()`` returns fresh tuples of arguments; ``use(answer, *case)`` returns what is compared,
    the value of ``answer(*case)`` by default. ``also`` are other right answers, where there are
    several.
    """

    number: int
    solution: Callable
    cases: Callable[[], list[tuple]]
    judge: Callable
    use: Callable
    tolerance: float
    seconds: float
    also: list[Callable] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
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

    def mistake(self, sentence: str) -> Callable:
        """Name a typical mistake; the decorated answer makes it."""

        def register(answer: Callable) -> Callable:
            name = getattr(answer, "__name__", "").strip("_").replace("_", " ")
            self.mistakes.append(Mistake(name, answer, sentence))
            return answer

        return register

    def if_it_returns(self, sentences: Mapping[str, str]) -> None:
        """Name mistakes that are one expression: ``{"kernel - 1": "This is the padding of ..."}``.

        An expression may use the parameters of the solution, and what its module defines.
        """
        for expression, sentence in sentences.items():
            source = f"def answer({', '.join(self.parameters)}):\n    return ({expression})"
            self.mistakes.append(Mistake(expression, self.defined(source, "answer"), sentence))

    def if_it_reads(self, sentences: Mapping[tuple[str, ...], str]) -> None:
        """Name mistakes that are edits of the solution: ``{("start=1", "start=0"): "..."}``.

        Several edits follow each other: ``(old, new, old, new)``. Each holds wherever the old text
        stands below the first line. Raises ``ValueError`` where it stands nowhere.
        """
        head, _line, body = self.source.partition("\n")
        for edits, sentence in sentences.items():
            changed = body
            for old, new in zip(edits[::2], edits[1::2], strict=True):
                if old not in changed:
                    raise ValueError(f"{self.name}: no {old!r} in its solution")
                changed = changed.replace(old, new)
            name = ", ".join(" ".join(edit.split()) for edit in edits)
            answer = self.defined(f"{head}\n{changed}", self.name)
            self.mistakes.append(Mistake(name, answer, sentence))

    def defined(self, source: str, name: str) -> Callable:
        """Return what ``source`` defines under ``name``, in the module of the solution."""
        body = textwrap.indent(source, "    ")
        made: dict[str, Callable] = {}
        code = f"def make({', '.join(_TOOLS)}):\n{body}\n    return {name}"
        exec(code, self.module, made)
        return made["make"](**_TOOLS)

    def right(self, answer: Callable) -> Callable:
        """Accept what the decorated answer gives as well."""
        self.also.append(answer)
        return answer

    def caution(
        self,
        cases: Callable[[], list[tuple]],
        sentence: str,
        *,
        use: Callable | None = None,
        expected: Callable | None = None,
    ) -> None:
        """Add ``sentence`` to the praise of an answer that goes wrong in these further cases.

        ``use`` and ``expected`` say what is looked at there, and what would be right; by default
        they are those of the exercise.
        """
        caution = Caution(cases, use or self.use, expected or self.judge, sentence)
        self.cautions.append(caution)

    def __call__(self, answer=...) -> Verdict:
        """Try the answer on every input and return the verdict; solved ones go on the board."""
        read = Answer(answer)
        if read.untouched:
            return self._waiting()
        with randomness.kept(0), settings_kept():
            verdict = Trial(self, read).verdict()
        complaint = board.note(
            self.notebook, self.name, solved=verdict.solved, mistake=verdict.mistake
        )
        return verdict.with_line(complaint) if complaint else verdict

    def accepts(self, answer) -> bool:
        """Return whether an answer is right, without a word on why."""
        with randomness.kept(0), settings_kept():
            return Trial(self, Answer(answer)).accepted()

    def _waiting(self) -> Verdict:
        try:
            solved = board.read().get(self.notebook, {}).get(self.name, board.Entry()).solved
        except board.ProgressError:
            solved = ""
        if solved:
            text = _("Exercise {number} was solved on {day}. The cell is empty now.")
            return Verdict("waiting", text.format(number=self.number, day=solved[:10]))
        text = _("Exercise {number} waits for your answer in place of the three dots.")
        return Verdict("waiting", text.format(number=self.number))


def call(answer, *case):
    """Use an answer in the plainest way: what it returns is compared."""
    return answer(*case)


def exercise(
    number: int,
    cases: Callable[[], list[tuple]],
    *,
    judge: Callable | None = None,
    use: Callable = call,
    tolerance: float = 1e-4,
    seconds: float = _SECONDS,
) -> Callable[[Callable], Exercise]:
    """Make an exercise of the decorated solution; its notebook is the module that it stands in.

    ``number``: its place in the notebook, from 1.
    ``cases``: returns the inputs, made afresh each time, each a tuple of arguments.
    ``judge``: another right answer, by PyTorch or by an obvious loop; by default the solution.
    ``use``: what is done with an answer and an input; by default the answer is called with it.
    ``tolerance``: how far numbers may differ, relative to their size.
    ``seconds``: how long one input may take.
    """

    def register(solution: Callable) -> Exercise:
        return Exercise(number, solution, cases, judge or solution, use, tolerance, seconds)

    return register
