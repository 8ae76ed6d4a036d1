"""What a check says, as text and as a box in a notebook."""

import html
from dataclasses import dataclass, replace

_EDGE = {"solved": "#009E73", "wrong": "#D55E00", "raised": "#D55E00", "endless": "#D55E00"}
_GROUND = {"solved": "#ecf7f3", "wrong": "#fdf3ec", "raised": "#fdf3ec", "endless": "#fdf3ec"}
_SIGN = {"solved": "✓", "wrong": "✗", "raised": "✗", "endless": "✗", "waiting": "○"}


@dataclass(frozen=True)
class Verdict:
    """The verdict on one answer: ``state`` is waiting, solved, wrong, raised or endless.

    ``code`` is the learner's line that failed; ``mistake`` the name of the typical mistake that
    the answer looks like, "" if it looks like none.
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
        heading = html.escape(self.heading)
        if self.state == "waiting":
            return f'<div role="note" style="opacity:.75">{_SIGN["waiting"]} {heading}</div>'
        parts = [f"<div>{html.escape(line)}</div>" for line in self.lines]
        if self.code:
            parts.append(f'<pre style="{_CODE}">{html.escape(self.code)}</pre>')
        parts += [f'<div style="margin-top:.4em">{html.escape(h)}</div>' for h in self.hints]
        style = _BOX.format(edge=_EDGE[self.state], ground=_GROUND[self.state])
        sign = f'<span aria-hidden="true">{_SIGN[self.state]}</span>'
        return _sendable(
            f'<div role="note" style="{style}"><strong>{sign} {heading}</strong>'
            f"{''.join(parts)}</div>"
        )


def _sendable(text: str) -> str:
    """Return a text without halves of characters, which no notebook can store."""
    return text.encode(errors="backslashreplace").decode()


_BOX = (
    "border-left:4px solid {edge}; background:{ground}; color:#1a1a1a; padding:.6em 1em; "
    "margin:.4em 0; max-width:60em; line-height:1.45; overflow-wrap:anywhere"
)
_CODE = "margin:.3em 0; padding:.3em .6em; background:#fff; color:#1a1a1a; white-space:pre-wrap"
