"""A place for a guess, and the answer folded: the callout under "Before you run it"."""

import html
import re
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from labkit.explorers.shared.looks import Explorer, reporting, row
from labkit.text import _, written

Answer = float | str

_guesses: dict[str, str] = {}
"""What was typed under each answer, so that a cell that runs again shows it again."""


class Guess(Explorer):
    """A field for a guess and a button that compares it with the answer and says why.

    ``guess.field`` holds what was typed. Without a kernel the answer is folded under its heading.
    """

    def __init__(self, answer: Answer | Callable[[], Answer], why: str = "", *, within: float = 0):
        """Ask for ``answer``, and give it with ``why`` once there is a guess.

        ``answer`` is a number, a word, or a function that returns one and is called at each
        comparison: it may need what the next cell computes. A guess that is at most ``within`` away
        counts as close.
        """
        self._answer, self._why, self._within = answer, _(why), within
        self._key = why or str(answer)
        self.field = widgets.Text(
            value=_guesses.get(self._key, ""),
            description=_("Your guess"),
            continuous_update=False,  # sent by Enter or as it loses the focus, so before a click
        ).add_class("lk-narrow")
        self.button = widgets.Button(description=_("Compare"))
        super().__init__(row(self.field, self.button))
        self.add_class("lk-guess")
        self.button.on_click(self._reveal)
        self.field.observe(self._reveal, "value")

    @reporting
    def _reveal(self, _event=None) -> None:
        guess = self.field.value.strip()
        self.screen.sentence = ""
        if not guess:
            raise ValueError(_("Type a guess first. A wrong one helps you to remember."))
        _guesses[self._key] = guess
        try:
            answer: Any = self._answer() if callable(self._answer) else self._answer
        except NameError:  # the names of the next cell
            self.screen.sentence = _("Your guess is kept. Run the next cell, then compare.")
            return
        self.screen.sentence = f"{self._verdict(guess, answer)} {self._why}".strip()

    def _verdict(self, guess: str, answer: Answer) -> str:
        if isinstance(answer, str):
            same = near = _letters(guess) == _letters(answer)
        else:
            number = min(_readings(guess), key=lambda reading: abs(reading - answer))
            near = abs(number - answer) <= self._within
            same = number == answer or (near and _written(number) == _written(answer))
        if same:
            says = _("✓ {answer}, as you guessed.")
        elif near:
            says = _("✓ It is {answer}. You guessed {guess}: close.")
        else:
            says = _("It is {answer}. You guessed {guess}.")
        return says.format(answer=_written(answer), guess=guess)

    def still_table(self) -> str:
        """Return the answer, folded."""
        answer = "" if callable(self._answer) else f"<b>{html.escape(_written(self._answer))}.</b> "
        title, why = html.escape(_("The answer")), html.escape(self._why)
        return f"<details><summary>{title}</summary><p>{answer}{why}</p></details>"


def _letters(text: str) -> str:
    """Return what a word is compared by: step, Step and step() are one."""
    return re.sub(r"\W", "", text).casefold()


def _readings(guess: str) -> list[float]:
    """Return what a number may mean: 1,024 and 2.5, or 1.024 and 2,5."""
    plain = re.sub(r"\s", "", guess).replace("−", "-").removesuffix("%")
    texts = plain.replace(",", ""), plain.replace(".", "").replace(",", ".")
    found = []
    for text in texts:
        try:
            found.append(float(text))
        except ValueError:
            continue
    if not found:
        text = _("“{guess}” is not a number. Type one, e.g. 12 or 0.5.")
        raise ValueError(text.format(guess=guess))
    return found


def _written(answer: Answer) -> str:
    if isinstance(answer, str):
        return answer
    return written(answer, "," if isinstance(answer, int) else ".3g")
