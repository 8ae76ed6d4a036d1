"""What a check says, as text and as a box in a notebook."""

from dataclasses import dataclass, replace

from labkit.display import GREEN, ORANGE, Html, card, coded, escaped

_SIGN = {"solved": "✓", "wrong": "✗", "raised": "✗", "endless": "✗", "waiting": "○"}


@dataclass(frozen=True)
class Verdict:
    """The verdict on one answer.

    state: waiting, solved, wrong, raised or endless
    heading, lines: what is said first, and what was tried and came out
    code: the learner's line that failed, "" if none did
    hints: what to do next
    mistake: the name of the typical mistake that the answer looks like, "" if it looks like none
    """

    state: str
    heading: str
    lines: tuple[str, ...] = ()
    code: str = ""
    hints: tuple[str, ...] = ()
    mistake: str = ""

    @property
    def solved(self) -> bool:
        return self.state == "solved"

    def with_line(self, line: str) -> "Verdict":
        """Return the same verdict with one more line at its end."""
        return replace(self, hints=(*self.hints, line))

    def __str__(self) -> str:
        code = [f"    {self.code}"] if self.code else []
        heading = f"{_SIGN[self.state]} {self.heading}"
        return _sendable("\n".join([heading, *self.lines, *code, *self.hints]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        sign = Html(f'<span aria-hidden="true">{_SIGN[self.state]}</span> ')
        if self.state == "waiting":
            faint = f'<div role="note" style="opacity:.75">{sign}{escaped(self.heading)}</div>'
            return _sendable(faint)
        heading = Html(f"<strong>{sign}{escaped(self.heading)}</strong>")
        code = Html(f'<pre style="{_CODE}">{escaped(self.code)}</pre>' if self.code else "")
        parts = (heading, *self.lines, code, *map(coded, self.hints))
        return _sendable(card(*parts, edge=GREEN if self.solved else ORANGE))


def _sendable(text: str) -> str:
    """Escape lone surrogates, which cannot be saved as UTF-8."""
    return text.encode(errors="backslashreplace").decode()


_CODE = "margin:.3em 0; padding:.3em .6em; white-space:pre-wrap"
