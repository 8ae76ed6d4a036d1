"""Markdown in pieces that can be translated: paragraphs, headings, cells of tables, HTML.

A piece is replaced where it stands, and nothing else is touched: with every piece put back as it
was, the text is the same to the byte.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from labkit.text import LANGUAGES

MARKDOWN = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, double_inline=True)

MARKUP = re.compile(
    r"""(?P<code>(?P<ticks>`+).+?(?P=ticks))
      | (?P<formula>\$\$.+?\$\$|(?<!\\)\$(?=\S)(?:[^$\\]|\\.)+?\$)
      | (?P<link>(?<=\]\()[^)\s]+|<https?://[^>]+>|(?<=src=")[^"]+|(?<=href=")[^"]+)
      | (?P<tag></?[a-zA-Z][\w-]*) | (?P<field>\{[a-z_]\w*\}) | (?P<emphasis>\*\*|~~)""",
    re.VERBOSE | re.DOTALL,
)
"""What is the same in every language."""

_NAMES = re.compile("|".join(map(re.escape, LANGUAGES.values())))


@dataclass(frozen=True, order=True)
class Segment:
    """A piece of a Markdown text, from the letter ``start`` to before ``end``.

    ``text`` is what to translate, without what opens its second and further lines, e.g. the ``> ``
    of a quotation: that is in ``openings``. ``kind`` is the tag it becomes: p, h2, td; or html.
    """

    start: int
    end: int
    text: str
    kind: str
    openings: tuple[str, ...] = ()

    def filled(self, text: str) -> str:
        """Return ``text`` as it stands in this place, with its lines opened."""
        first, *rest = text.split("\n")
        last = self.openings[-1] if self.openings else ""
        opened = zip_longest(self.openings[: len(rest)], rest, fillvalue=last)
        return "\n".join([first, *(opening + line for opening, line in opened)])


def segments(source: str) -> Iterator[Segment]:
    """Find what can be translated in a text: all that holds words."""
    return filter(_has_words, _pieces(source))


def _pieces(source: str) -> Iterator[Segment]:
    lines = source.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    kinds, cells = ["p"], {}
    for token in MARKDOWN.parse(source):
        if token.nesting:
            kinds = [*kinds, token.tag] if token.nesting > 0 else kinds[:-1]
        if token.type not in ("inline", "html_block") or not token.map:
            continue
        first, last = token.map
        if token.type == "html_block":
            inside = "\n".join(lines[first:last]).rstrip()
            found = Segment(starts[first], starts[first] + len(inside), inside, "html")
        elif kinds[-1] in ("td", "th"):
            cells[first] = number = cells.get(first, -1) + 1
            found = _cell(lines[first], starts[first], number, kinds[-1])
        else:
            found = _lines(lines, starts, first, token.content, kinds[-1])
        if found:
            yield found


def _has_words(segment: Segment) -> bool:
    text = MARKUP.sub(" ", segment.text)
    return bool(re.search(r"[^\W\d_]{2}", _NAMES.sub(" ", text)))


def _cell(line: str, start: int, number: int, kind: str) -> Segment | None:
    """Return the n-th cell of a row of a table; None where the row is short of it."""
    bars = [bar.start() for bar in re.finditer(r"(?<!\\)\|", line)] + [len(line)]
    if not line.lstrip().startswith("|"):
        bars = [-1, *bars]
    if number + 1 >= len(bars):
        return None
    raw = line[bars[number] + 1 : bars[number + 1]]
    start += bars[number] + 1 + len(raw) - len(raw.lstrip())
    return Segment(start, start + len(raw.strip()), raw.strip(), kind)


def _lines(lines: list[str], starts: list[int], first: int, content: str, kind: str) -> Segment:
    """Return a paragraph or heading: ``content``, line by line, is what the lines end with."""
    heads, texts = [], []
    for line, words in zip(lines[first:], content.split("\n"), strict=False):
        cut = line.rindex(words.rstrip())  # ValueError: a tab that Markdown made blanks of
        heads.append(line[:cut])
        texts.append(words.rstrip() if kind[0] == "h" else line[cut:])
    text = "\n".join(texts)
    if kind[0] == "h":  # what follows may be the #s that close it
        texts[-1] = texts[-1].rstrip()
    last = first + len(texts) - 1
    end = starts[last] + len(heads[-1]) + len(texts[-1])
    below = re.sub(r"[-+*]|\d+[.)]", lambda mark: " " * len(mark[0]), heads[0])
    return Segment(starts[first] + len(heads[0]), end, text, kind, tuple(heads[1:]) or (below,))


def translate(
    source: str, look: Callable[[str], str], number: Callable[[str], str] = lambda text: text
) -> str:
    """Return a text with ``look(piece)`` in the place of each of its pieces.

    ``number(cell)`` takes the place of what a cell of a table holds that has no words.
    """
    for segment in reversed(list(_pieces(source))):
        if _has_words(segment):
            new = segment.filled(look(segment.text))
        elif segment.kind == "td" and not MARKUP.search(segment.text):
            new = number(segment.text)
        else:
            continue
        source = source[: segment.start] + new + source[segment.end :]
    return source
