"""Try an answer on every input, compare it with the right one, and say what is wrong with it."""

import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import nn

from labkit.checks.engine import values
from labkit.checks.engine.general import GENERAL, IN_A_LIST, NOTHING
from labkit.checks.engine.verdict import Verdict
from labkit.sandbox.limits import TimeUp, settings_kept, within
from labkit.sandbox.quiet import quiet
from labkit.sandbox.reading import Answer
from labkit.text import N_, _, ngettext

if TYPE_CHECKING:
    from labkit.checks.engine.spec import Exercise

_PRINTED = 400
"""So many characters of what an answer prints for one input are shown."""

_UNLIKE = (
    (
        values.fractional,
        N_(
            "One thing more: yours are floats, like 1.0, where whole numbers are meant. Layers and "
            "loss functions refuse those. // divides into whole numbers, and torch.tensor keeps "
            "them, where torch.Tensor does not."
        ),
    ),
    (
        values.listed,
        N_(
            "One thing more: this is a list of tensors, and one tensor was asked for: "
            "torch.stack makes it."
        ),
    ),
)
"""What is of another type than the right answer, with equal numbers, and what to add then."""


@dataclass(frozen=True)
class Outcome:
    """What an answer gave for one input: a value, or the exception that ended it; its prints."""

    value: object = None
    plain: object = None
    error: BaseException | None = None
    printed: str = ""


class Trial:
    """One answer to one exercise, tried."""

    def __init__(self, exercise: "Exercise", answer: Answer):
        self.exercise, self.answer = exercise, answer
        self.given: list[tuple] = []  # the inputs, as the answer left them
        self.came: list[Outcome] = []
        self.expected: list[Outcome] = []

    def verdict(self) -> Verdict:
        """Try the answer on every input, and say how it went."""
        refused = self._refused()
        if refused:
            return refused
        self.expected = [self._expect(self.exercise.judge, c) for c in self.exercise.cases()]
        for case in self.exercise.cases():
            self.given.append(case)
            self.came.append(self.attempt(self.answer.given, case))
            if isinstance(self.came[-1].error, TimeUp):
                return self._endless()
        if all(map(self.same, self.expected, self.came)) or any(
            map(self._agrees, self.exercise.also)
        ):
            return self._solved()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of comparisons with nan
            mistake, hint, shows = self._diagnose()
        shown = self._plainest(shows)
        if self.came[shown].error is not None:
            return self._raised(shown, mistake, hint)
        return self._wrong(shown, mistake, hint)

    def same(self, expected: Outcome, came: Outcome, kind: Callable = values.said) -> bool:
        """Return whether two outcomes are equal up to rounding, or errors of the same kind."""
        if came.error is not None or expected.error is not None:
            return kind(came.error) == kind(expected.error)
        return values.same(expected.plain, came.plain, self.exercise.tolerance)

    def _agrees(self, judge: Callable, cases: Callable | None = None, use=None) -> bool:
        """Return whether the answer gives what ``judge`` gives, by default on every input."""
        cases = cases or self.exercise.cases
        return all(
            self.same(self._expect(judge, case, use), self.attempt(self.answer.given, again, use))
            for case, again in zip(cases(), cases(), strict=True)
        )

    def would_be_right(self, answer: Callable, seconds: float) -> bool:
        """Return whether another answer is right on every input, each within so many seconds."""
        pairs = zip(self.expected, self.exercise.cases(), strict=True)
        return all(
            self.same(one, self.attempt(answer, case, seconds=seconds)) for one, case in pairs
        )

    def attempt(
        self,
        answer,
        case: tuple,
        use: Callable | None = None,
        seconds: float | None = None,
    ) -> Outcome:
        """Return what an answer gives for an input, quietly and in time."""

        def run() -> Outcome:
            value = (use or self.exercise.use)(answer, *case)
            if isinstance(value, Iterator):
                value = list(itertools.islice(value, 1000))
            return Outcome(value, values.plain(value))

        with quiet(_PRINTED) as text, settings_kept():
            try:
                outcome = within(seconds or self.exercise.seconds, run)
            except KeyboardInterrupt:  # by the learner, who wants it to end
                raise
            except BaseException as error:  # theirs, whatever it is
                outcome = Outcome(error=error)
        return replace(outcome, printed=text.getvalue().strip())

    def _expect(self, judge: Callable, case: tuple, use: Callable | None = None) -> Outcome:
        value = (use or self.exercise.use)(judge, *case)
        return Outcome(value, values.plain(value))

    def _diagnose(self) -> tuple[str, str, Callable]:
        """Return the name of the mistake, its sentence, and which inputs show it."""
        some = len({came.error is None for came in self.came}) > 1
        for kind in (values.said, type) if some else (values.said,):
            for mistake in self.exercise.mistakes:
                if self.gives(mistake.answer, kind):
                    return mistake.name, _(mistake.sentence), lambda _expected, _came: True
        for rule in GENERAL:
            found = rule.fits(self)
            if found is not None:
                sentence = found.get("sentence", rule.sentence)
                return rule.name, _(sentence).format(**found), rule.shows
        return "", "", lambda _expected, _came: True

    def gives(self, answer: Callable, kind: Callable = values.said) -> bool:
        """Return whether another answer gives what came, on every input."""
        cases = zip(self.exercise.cases(), self.came, strict=True)
        return all(self.same(self.attempt(answer, case), came, kind) for case, came in cases)

    def _plainest(self, shows: Callable) -> int:
        """Return the number of the smallest input that went wrong: the easiest to think of.

        Where the hint speaks of something that only some inputs show, it is one of those.
        """
        pairs = list(zip(self.expected, self.came, strict=True))
        wrong = [n for n, pair in enumerate(pairs) if not self.same(*pair)]
        wrong = [n for n in wrong if shows(*pairs[n])] or wrong
        cases = self.exercise.cases()
        return min(wrong, key=lambda n: sum(values.size(part) for part in cases[n]))

    def _refused(self) -> Verdict | None:
        """Return the verdict on what cannot be tried at all."""
        given, name = self.answer.given, self.exercise.name
        if inspect.isclass(self.exercise.solution) and isinstance(given, nn.Module):
            text = _("This is a network already. Hand over the class, {name}, without brackets.")
            return Verdict("wrong", _("Not yet."), hints=(text.format(name=name),))
        if callable(given):
            return None
        text = _("{name} has to be something to call, like a function, and this is {what}.")
        several = isinstance(given, list | tuple) and given and all(map(callable, given))
        lines = (text.format(name=values.quoted([name]), what=values.describe(given)),)
        return Verdict("wrong", _("Not yet."), lines, hints=(_(IN_A_LIST),) if several else ())

    def _solved(self) -> Verdict:
        heading = ngettext(
            "Right: {n} input tried.", "Right, on all {n} inputs tried.", len(self.came)
        ).format(n=len(self.came))
        cautions = [
            caution
            for caution in self.exercise.cautions
            if not self._agrees(self.exercise.solution, caution.cases, caution.use)
        ]
        lines = [_(caution.sentence) for caution in cautions]
        if any(caution.forbidden for caution in cautions):
            return Verdict("wrong", _("Not yet."), hints=tuple(lines))
        pairs = [(e.value, c.value) for e, c in zip(self.expected, self.came, strict=True)]
        lines += [_(text) for unlike, text in _UNLIKE if any(unlike(*pair) for pair in pairs)]
        if spoiled := self._spoiled():
            text = _(
                "One thing more: it changes {names} itself, so whoever uses {names} afterwards "
                "finds other numbers there. Work on a copy."
            )
            lines.append(text.format(names=values.quoted(spoiled)))
        return Verdict("solved", heading, tuple(lines))

    def _spoiled(self) -> list[str]:
        """Return the names of inputs that are not as they were given."""
        found = {}
        for given, fresh in zip(self.given, self.exercise.cases(), strict=True):
            for name, one, other in zip(self.exercise.inputs, given, fresh, strict=False):
                if not values.untouched(one, other):
                    found[name] = True
        return list(found)

    def _endless(self) -> Verdict:
        stopped = _("Stopped after {seconds:g} seconds. Is there a loop that never ends?")
        shown = self._shown(len(self.came) - 1)
        lines = (*shown, stopped.format(seconds=self.exercise.seconds))
        return Verdict("endless", _("This takes too long."), lines)

    def _wrong(self, number: int, mistake: str, hint: str) -> Verdict:
        expected, came = self.expected[number], self.came[number]
        wanted, got = values.differing(expected.value, came.value)
        lines = [
            *self._shown(number),
            _("Yours: {came}").format(came=values.describe(got)),
            _("Expected: {value}").format(value=values.describe(wanted)),
            values.difference(*map(values.single, values.differing(expected.plain, came.plain))),
        ]
        hints = tuple(filter(None, [hint]))
        return Verdict("wrong", _("Not yet."), tuple(filter(None, lines)), "", hints, mistake)

    def _raised(self, number: int, mistake: str, hint: str) -> Verdict:
        error = self.came[number].error
        assert error is not None
        said = values.shortened(values.said(error).partition("\n")[0], 400)
        line, code = self.answer.line_of(error)
        if line is None and not mistake:
            hint = self._how_to_call()
        if line is None and not hint:
            return self._unusable(number, said)
        where = "" if line is None else _("In line {line} of its cell:").format(line=line)
        lines = tuple(filter(None, (*self._shown(number), said, where)))
        heading = _("Your code raised an error.")
        return Verdict("raised", heading, lines, code, tuple(filter(None, [hint])), mistake)

    def _how_to_call(self) -> str:
        """Return what is wrong where an error arose outside the learner's lines."""
        names = self.exercise.parameters
        try:
            inspect.signature(self.answer.given).bind(*names)
        except TypeError:
            text = ngettext(
                "It is called with {n} argument: {names}.",
                "It is called with {n} arguments: {names}.",
                len(names),
            )
            return text.format(n=len(names), names=values.quoted(names))
        except Exception:  # built in, without a signature, or strange to look into
            pass
        return ""

    def _unusable(self, number: int, said: str) -> Verdict:
        """Return the verdict on an answer that ran, and gave something that nobody can use."""
        returned = self._made_by(self.answer.given)
        shown = self._shown(number)
        if not returned or inspect.isclass(self.answer.given):
            return Verdict("raised", _("Your code raised an error."), (*shown, said))
        lines = (*shown, _("Yours: {came}").format(came=values.describe(returned[-1])), said)
        hint = _("It cannot be used as an answer here.")
        wanted = self._made_by(self.exercise.solution)[0]
        if isinstance(wanted, nn.Module):
            text = _("It cannot be used as an answer here: return an object of type {kind}.")
            hint = text.format(kind=type(wanted).__name__)
        if returned[-1] is None:
            hint = _(NOTHING)
        elif isinstance(returned[-1], torch.Tensor | Image.Image):
            hint = _("This is a finished result. Return what makes it: the transform or the layer.")
        return Verdict("wrong", _("Not yet."), lines, hints=(hint,))

    def _made_by(self, answer: Callable) -> list[object]:
        """Return what an answer itself returned for each input, up to one where an error arose."""
        made = []

        def noted(*arguments):
            made.append(answer(*arguments))
            return made[-1]

        any(self.attempt(noted, case).error for case in self.exercise.cases())
        return made

    def _shown(self, number: int) -> list[str]:
        """Return in words what the answer was tried with, and what it printed then."""
        given = [
            getattr(value, "words", None) or f"{name} = {values.describe(value)}"
            for name, value in zip(
                self.exercise.inputs, self.exercise.cases()[number], strict=False
            )
        ]
        lines = [_("Tried with {given}").format(given=", ".join(given))] if given else []
        if self.came[number].printed:
            printed = " | ".join(self.came[number].printed.splitlines())
            lines.append(_("It printed: {text}").format(text=printed))
        return lines
