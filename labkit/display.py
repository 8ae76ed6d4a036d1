"""HTML for a notebook: one card, one table, a notice, an error without its traceback."""

import html
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
"""Edges of cards: to know, to repair, solved. A word or a sign always says the same."""


class Html(str):
    """Text that is HTML already: `card` and `table` escape every other."""


def card(*parts: str, edge: str = BLUE, ground: str = "#eef5fb", role: str = "note") -> Html:
    """Return a box with a coloured edge, dark on light in every theme.

    parts: what stands in it, each on a line of its own
    edge: colour of the left edge, e.g. `ORANGE` (default: `BLUE`)
    ground: colour behind the text (default: a light blue); the text is nearly black
    role: for a screen reader (default: "note")
    """
    style = (
        f"border-left: 4px solid {edge}; background: {ground}; color: #1a1a1a; padding: .6em 1em; "
        "margin: .4em 0; max-width: 60em; line-height: 1.45; overflow-wrap: anywhere"
    )
    lines = "".join(f"<div>{escaped(part)}</div>" for part in parts if part)
    return Html(f'<div role="{role}" style="{style}">{lines}</div>')


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    caption: str = "",
    right: Collection[int] = (),
    wrapped: Collection[int] = (),
    row_heads: bool = False,
) -> Html:
    """Return a table with headings that a screen reader finds.

    columns: the headings
    rows: the cells of each row
    caption: a line above (default: none)
    right: numbers of the columns that are flush right, as numbers are (default: none)
    wrapped: numbers of the columns whose text may take several lines (default: none)
    row_heads: whether the first cell of a row is its heading (default: no)
    """

    def cell(number: int, text: str, head: str = "") -> str:
        name = "th" if head else "td"
        scope = f' scope="{head}"' if head else ""
        style = (
            f"text-align: {'right' if number in right else 'left'}; padding: .25em .8em; "
            f"white-space: {'normal' if number in wrapped else 'nowrap'}"
        )
        return f'<{name}{scope} style="{style}">{escaped(text)}</{name}>'

    def line(cells: Sequence[str], heads: Sequence[str]) -> str:
        inside = (
            cell(n, text, head) for n, (text, head) in enumerate(zip(cells, heads, strict=True))
        )
        return f"<tr>{''.join(inside)}</tr>"

    width = len(columns)
    heads = ["row" if row_heads else ""] + [""] * (width - 1)
    above = (
        "caption-side: top; text-align: left; font-weight: bold; padding: .4em 0; color: inherit"
    )
    title = f'<caption style="{above}">{escaped(caption)}</caption>' if caption else ""
    body = "".join(line(cells, heads) for cells in rows)
    head = line(columns, ["col"] * width)
    return Html(f"<table>{title}<thead>{head}</thead><tbody>{body}</tbody></table>")


def escaped(text: str) -> str:
    """Return text so that a page shows it as it is; line breaks stay."""
    return text if isinstance(text, Html) else html.escape(text).replace("\n", "<br>")


@dataclass(frozen=True)
class Notice:
    """A heading and the sentences under it: a card in a notebook, plain lines elsewhere."""

    heading: str
    sentences: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([self.heading, *self.sentences])

    def _repr_html_(self) -> str:
        return card(Html(f"<strong>{html.escape(self.heading)}</strong>"), *self.sentences)


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
