"""A notice that a learner cannot overlook: a box in a notebook, plain lines elsewhere."""

import html
import sys
from dataclasses import dataclass

_STYLE = (
    "border-left: 4px solid #0072B2; background: #eef5fb; color: #1a1a1a; "
    "padding: .6em 1em; margin: .4em 0; max-width: 60em; line-height: 1.45"
)


@dataclass(frozen=True)
class Notice:
    """A heading and the sentences under it, shown by Jupyter as a box with a blue edge."""

    heading: str
    sentences: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([self.heading, *self.sentences])

    def _repr_html_(self) -> str:
        body = "<br>".join(html.escape(sentence) for sentence in self.sentences)
        heading = f"<strong>{html.escape(self.heading)}</strong>"
        return f'<div role="note" style="{_STYLE}">{heading}<br>{body}</div>'


class ExplainedError(ValueError):
    """An error whose message says all that a learner needs: a notebook shows only that."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [f"{type(self).__name__}: {self}"]


def tell(heading: str, *sentences: str) -> None:
    """Show a notice where the learner is looking."""
    notice = Notice(heading, sentences)
    if _in_notebook():
        from IPython.display import display

        display(notice)
    else:
        print(notice, file=sys.stderr)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")
