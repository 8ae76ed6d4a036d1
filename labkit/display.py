"""HTML for a notebook: one card, one table, a notice, a bar, an error without its traceback."""

import html
import io
import re
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tqdm.std import tqdm

from labkit.text import with_signs

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
"""Edges of cards: to know, to repair, solved. A word or a sign always says the same."""


class Html(str):
    """Text that is HTML already: `card` and `table` escape every other."""


def card(*parts: str, edge: str = BLUE, role: str = "note") -> Html:
    """Return a box with a coloured edge and a breath of its colour behind the text.

    parts: what stands in it, each on a line of its own
    edge: colour of the left edge, e.g. `ORANGE` (default: `BLUE`)
    role: for a screen reader (default: "note")
    """
    style = (
        f"border-left: 4px solid {edge}; background: color-mix(in srgb, {edge} 9%, transparent); "
        "padding: .6em 1em; margin: .4em 0; max-width: 60em; line-height: 1.45; "
        "overflow-wrap: anywhere"
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
            f"white-space: {'normal; min-width: 12em' if number in wrapped else 'nowrap'}"
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
    head = line(columns, ["col" if column else "" for column in columns])
    return Html(f"<table>{title}<thead>{head}</thead><tbody>{body}</tbody></table>")


def escaped(text: str) -> str:
    """Return text so that a page shows it as it is; line breaks stay."""
    return text if isinstance(text, Html) else html.escape(text).replace("\n", "<br>")


def coded(text: str) -> Html:
    """Return text as HTML in which what stands in backticks is set as code."""
    return Html(re.sub("`([^`]+)`", r"<code>\1</code>", escaped(text)))


@dataclass(frozen=True)
class Notice:
    """A heading and the sentences under it: a card in a notebook, plain lines elsewhere.

    What stands in backticks is set as code. ``folded`` leaves the heading alone to be seen.
    """

    heading: str
    sentences: tuple[str, ...] = ()
    folded: bool = False

    def __str__(self) -> str:
        return self.heading if self.folded else "\n".join([self.heading, *self.sentences])

    def _repr_html_(self) -> str:
        heading = Html(f"<strong>{html.escape(self.heading)}</strong>")
        lines = [coded(sentence) for sentence in self.sentences]
        if not self.folded:
            return card(heading, *lines)
        inside = "".join(f"<div>{line}</div>" for line in lines)
        return card(Html(f"<details><summary>{heading}</summary>{inside}</details>"))


class ExplainedError(ValueError):
    """An error whose message says all that a learner needs: a notebook shows only that."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [f"{type(self).__name__}: {self}"]


def tell(heading: str, *sentences: str, folded: bool = False) -> None:
    """Show a notice where the learner is looking; ``folded`` where it was read before."""
    notice = Notice(heading, sentences, folded)
    if in_notebook():
        from IPython.display import display

        display(notice)
    else:
        print(notice, file=sys.stderr)


class ProgressBar(tqdm):
    """``tqdm``, with the same arguments; in a notebook its bar is HTML.

    A saved notebook shows how far such a bar came, where one of ``tqdm.notebook`` is gone.
    """

    _handle = None

    def __init__(self, *arguments, **options):
        if in_notebook():
            options["file"] = io.StringIO()  # else tqdm would print, too
        super().__init__(*arguments, **options)

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Show the bar as it is now, or nothing where ``msg`` is empty; tqdm calls it."""
        if not in_notebook():
            super().display(msg, pos)
            return
        from IPython.display import display

        said = str(self) if msg is None else msg
        data = {"text/html": self._html() if said else "", "text/plain": said}
        if self._handle:
            self._handle.update(data, raw=True)
        else:
            self._handle = display(data, raw=True, display_id=True)

    def _html(self) -> str:
        form = (self.bar_format or "{l_bar}{bar}{r_bar}").replace("{bar}", "\0")
        words = with_signs(self.format_meter(**self.format_dict | {"bar_format": form}))
        before, after = (html.escape(part.strip("| ")) for part in words.split("\0"))
        bar = f'<progress style="width: 16em" value="{self.n}" max="{self.total}"></progress>'
        style = (
            "display: flex; flex-wrap: wrap; gap: .2em .8em; align-items: center; "
            "font-variant-numeric: tabular-nums"
        )
        return f'<label style="{style}">{before}{bar if self.total else ""}{after}</label>'


def in_notebook() -> bool:
    """Say whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")
