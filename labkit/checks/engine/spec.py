"""An exercise as a specification: inputs, a judge, and the typical mistakes by name.

A module of this package reads like this::

    @exercise(2, cases)
    def grey(image):  # the judge: the right answer, by PyTorch or by an obvious loop
        ...

    @grey.mistake(N_("All colours count the same here. ..."))
    def _plain_mean(image):  # what a learner computes who makes this mistake
        ...

and ``grey(answer)`` is the check. Judge, mistakes and the learner's answer are of one form and are
used in the same way, so they can be compared.
"""

import inspect
import itertools
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import nn
from torch.nn import functional

from labkit.checks.engine import board, values
from labkit.checks.engine.general import GENERAL, GIVEN_BACK, IN_A_LIST, NOTHING, factor
from labkit.checks.engine.verdict import Verdict
from labkit.sandbox import limits as sandbox
from labkit.sandbox import reading
from labkit.sandbox.quiet import quiet
from labkit.text import _, ngettext

_SECONDS = 5.0

_TOOLS = {"math": math, "torch": torch, "nn": nn, "functional": functional}
"""What an expression of ``if_it_returns`` may use without an import in its own module."""

_PRINTED = 400
"""So many characters of what an answer prints for one input are shown."""


@dataclass(frozen=True)
class Outcome:
    """What an answer gave for one input: a value, or the exception that ended it; its prints."""

    value: object = None
    plain: object = None
    error: BaseException | None = None
    printed: str = ""


@dataclass(frozen=True)
class Mistake:
    """A typical mistake: an answer that makes it, and what to tell whoever gives that answer."""

    name: str
    answer: Callable
    sentence: str


@dataclass(eq=False)
class Exercise:
    """A check: call it with the learner's answer.

    ``cases()`` returns fresh tuples of arguments; ``use(answer, *case)`` returns what is compared,
    the value of ``answer(*case)`` by default. ``also`` are other right answers, where there are
    several.
    """

    notebook: str
    number: int
    judge: Callable
    cases: Callable[[], list[tuple]]
    use: Callable
    tolerance: float
    seconds: float
    also: list[Callable] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    cautions: list[tuple[Callable, Callable, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.judge.__name__

    @property
    def home(self) -> dict:
        """Return the variables of the module that the right answer is written in."""
        return self.judge.__globals__

    def mistake(self, sentence: str) -> Callable:
        """Name a typical mistake; the decorated answer makes it."""

        def register(answer: Callable) -> Callable:
            name = answer.__name__.strip("_").replace("_", " ")
            self.mistakes.append(Mistake(name, answer, sentence))
            return answer

        return register

    def if_it_returns(self, sentences: dict[str, str]) -> None:
        """Name mistakes that are one expression: ``{"kernel - 1": "This is the padding of ..."}``.

        An expression may use the parameters of the right answer, and what its module defines.
        """
        parameters = ", ".join(inspect.signature(self.judge).parameters)
        for expression, sentence in sentences.items():
            code = f"lambda {', '.join(_TOOLS)}: lambda {parameters}: ({expression})"
            made = eval(code, self.home)
            self.mistakes.append(Mistake(expression, made(**_TOOLS), sentence))

    def right(self, answer: Callable) -> Callable:
        """Accept what the decorated answer gives as well."""
        self.also.append(answer)
        return answer

    def caution(self, cases: Callable[[], list[tuple]], sentence: str) -> None:
        """Add ``sentence`` to the praise of an answer that goes wrong in these further cases."""
        self.cautions.append((self.judge, cases, sentence))

    def __call__(self, answer=...) -> Verdict:
        """Try the answer on every input and return the verdict; solved ones go on the board."""
        if reading.untouched(answer):
            return self._waiting()
        home = reading.namespace(answer)
        with sandbox.names_kept(home), sandbox.unmarked(reading.reached(answer, home)):
            verdict = self._judge(answer)
        complaint = board.note(self.notebook, self.name, solved=verdict.solved)
        return verdict.with_line(complaint) if complaint else verdict

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

    def _judge(self, answer) -> Verdict:
        if not callable(answer):
            text = _("{name} has to be something to call, like a function, and this is {what}.")
            lines = (text.format(name=self.name, what=values.describe(answer)),)
            several = isinstance(answer, list | tuple) and answer and all(map(callable, answer))
            hints = (_(IN_A_LIST),) if several else ()
            return Verdict("wrong", _("Not yet."), lines, hints=hints)
        expected = [self._expect(self.judge, case) for case in self.cases()]
        came = []
        for case in self.cases():
            came.append(self._try(answer, case))
            if isinstance(came[-1].error, sandbox.TimeUp):
                return self._endless(self._case(self.cases()[len(came) - 1], came[-1]))
        if any(self._agree(wanted, came) for wanted in self._wanted(expected)):
            return self._solved(answer, len(came))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of comparisons with nan
            mistake, hint = self._diagnose(answer, expected, came)
        first = self._plainest(expected, came)
        case = self._case(self.cases()[first], came[first])
        if came[first].error is not None:
            return self._raised(answer, case, came[first].error, mistake, hint)
        wanted, got = values.differing(expected[first].value, came[first].value)
        lines = [*case, _("Yours: {came}").format(came=values.describe(got))]
        lines.append(_("Expected: {value}").format(value=values.describe(wanted)))
        lines.append(values.difference(expected[first].plain, came[first].plain))
        lines = tuple(filter(None, lines))
        hints = tuple(filter(None, [hint]))
        return Verdict("wrong", _("Not yet."), lines, hints=hints, mistake=mistake)

    def _try(self, answer, case: tuple) -> Outcome:
        def run() -> Outcome:
            value = self.use(answer, *case)
            if inspect.iscoroutine(value):
                value.close()  # or Python warns that nobody has awaited it
            if isinstance(value, Iterator):
                value = list(itertools.islice(value, 1000))
            return Outcome(value, values.plain(value))

        with quiet(_PRINTED) as text, sandbox.settings_kept():
            try:
                outcome = sandbox.within(self.seconds, run)
            except KeyboardInterrupt:  # by the learner, who wants it to end
                raise
            except BaseException as error:  # theirs, whatever it is
                outcome = Outcome(error=error)
        return replace(outcome, printed=text.getvalue().strip())

    def _expect(self, judge: Callable, case: tuple) -> Outcome:
        value = self.use(judge, *case)
        return Outcome(value, values.plain(value))

    def _wanted(self, expected: list[Outcome]):
        yield expected
        for judge in self.also:
            yield [self._expect(judge, case) for case in self.cases()]

    def _same(self, expected: Outcome, came: Outcome) -> bool:
        if came.error is not None or expected.error is not None:
            return values.said(came.error) == values.said(expected.error)
        return values.same(expected.plain, came.plain, self.tolerance)

    def _agree(self, expected: list[Outcome], came: list[Outcome]) -> bool:
        return all(self._same(*pair) for pair in zip(expected, came, strict=True))

    def _plainest(self, expected: list[Outcome], came: list[Outcome]) -> int:
        """Return the number of the smallest case that went wrong: the easiest one to think of."""
        wrong = [n for n, e in enumerate(expected) if not self._same(e, came[n])]
        cases = self.cases()
        return min(wrong, key=lambda n: sum(values.size(part) for part in cases[n]))

    def _solved(self, answer, tried: int) -> Verdict:
        heading = ngettext(
            "Right: {n} input tried.", "Right, on all {n} inputs tried.", tried
        ).format(n=tried)
        lines = [
            _(sentence)
            for judge, cases, sentence in self.cautions
            if not all(
                self._same(self._expect(judge, case), self._try(answer, again))
                for case, again in zip(cases(), cases(), strict=True)
            )
        ]
        return Verdict("solved", heading, tuple(lines))

    def _endless(self, case: list[str]) -> Verdict:
        stopped = _("Stopped after {seconds:g} seconds. Is there a loop that never ends?")
        lines = (*case, stopped.format(seconds=self.seconds))
        return Verdict("endless", _("This takes too long."), lines)

    def _raised(self, answer, case, error, mistake, hint) -> Verdict:
        heading = _("Your code raised an error.")
        said = values.shortened(values.said(error).partition("\n")[0], 400)
        line, code = reading.place(error, reading.namespace(answer))
        if line is None and not mistake:
            hint = self._how_to_call(answer)
        if line is None and not hint:
            return self._unusable(answer, case, said)
        where = "" if line is None else _("In line {line} of its cell:").format(line=line)
        lines = tuple(filter(None, (*case, said, where)))
        return Verdict("raised", heading, lines, code, tuple(filter(None, [hint])), mistake)

    def _how_to_call(self, answer) -> str:
        """Return what is wrong where an error arose outside the learner's lines."""
        names = list(inspect.signature(self.judge).parameters)
        try:
            inspect.signature(answer).bind(*names)
        except TypeError:
            text = ngettext(
                "It is called with {n} argument: {names}.",
                "It is called with {n} arguments: {names}.",
                len(names),
            )
            return text.format(n=len(names), names=", ".join(names))
        except Exception:  # built in, without a signature, or strange to look into
            pass
        return ""

    def _unusable(self, answer, case: list[str], said: str) -> Verdict:
        """Return the verdict on an answer that ran, and gave something that nobody can use."""
        returned = []

        def noted(*arguments):
            returned.append(answer(*arguments))
            return returned[-1]

        for given in self.cases():
            if self._try(noted, given).error is not None:
                break
        if not returned or inspect.isclass(answer):
            return Verdict("raised", _("Your code raised an error."), (*case, said))
        lines = [*case, _("Yours: {came}").format(came=values.describe(returned[-1])), said]
        hint = _(NOTHING) if returned[-1] is None else _("It cannot be used as an answer here.")
        return Verdict("wrong", _("Not yet."), tuple(lines), hints=(hint,))

    def _case(self, case: tuple, came: Outcome) -> list[str]:
        """Return in words what an answer was tried with, and what it printed then."""
        names = list(inspect.signature(self.judge).parameters)
        if self.use is not _call:
            names = list(inspect.signature(self.use).parameters)[1:]
        given = [
            getattr(value, "words", None) or f"{name} = {values.describe(value)}"
            for name, value in zip(names, case, strict=False)
        ]
        lines = [_("Tried with {given}").format(given=", ".join(given))] if given else []
        if came.printed:
            printed = " | ".join(came.printed.splitlines())
            lines.append(_("It printed: {text}").format(text=printed))
        return lines

    def _diagnose(self, answer, expected, came) -> tuple[str, str]:
        """Return the name of the mistake that gives these very answers, and its sentence."""
        for mistake in self.mistakes:
            imitated = [self._try(mistake.answer, case) for case in self.cases()]
            if self._agree(imitated, came):
                return mistake.name, _(mistake.sentence)
        for name, looks_like, sentence in GENERAL:
            if looks_like(expected, came):
                return name, _(sentence)
        unused = [] if any(outcome.error for outcome in came) else reading.unused(answer)
        if unused:
            text = _("Your function never looks at {names}.")
            return "input unused", text.format(names=", ".join(unused))
        if self.use is _call and self._given_back(came):
            return "given back", _(GIVEN_BACK)
        times = factor(expected, came)
        if times:
            text = _("Each number is {times:.4g} times what it should be.")
            return "factor", text.format(times=times)
        return "", ""

    def _given_back(self, came: list[Outcome]) -> bool:
        """Return whether the first thing that is given comes back as it was, each time."""
        return all(
            outcome.error is None and values.same(values.plain(case[0]), outcome.plain, 1e-6)
            for case, outcome in zip(self.cases(), came, strict=True)
        )


def _call(answer, *case):
    return answer(*case)


def exercise(
    number: int,
    cases: Callable[[], list[tuple]],
    *,
    use: Callable = _call,
    tolerance: float = 1e-4,
    seconds: float = _SECONDS,
) -> Callable[[Callable], Exercise]:
    """Make an exercise of its judge; its notebook is the package that the judge is written in."""

    def register(judge: Callable) -> Exercise:
        notebook = judge.__module__.removeprefix("labkit.checks.").partition(".")[0]
        return Exercise(notebook, number, judge, cases, use, tolerance, seconds)

    return register
