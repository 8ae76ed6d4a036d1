"""What may not differ between a sentence and its translation, and what a catalogue may not hold."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache

from labkit.languages import locales
from labkit.languages.segments import MARKDOWN, MARKUP, segments, translate
from tests.languages import catalogues
from tests.languages.catalogues import LABKIT, Entry, path_of, read, wanted

COMPLETE: tuple[str, ...] = ("es", "pt_BR", "fr", "de")
"""The languages that `make test` holds to all of this. One that is begun is not in it."""

_THOUSANDS = {"es": "[\u00a0\u202f]", "fr": "[\u00a0\u202f]", "de": "[.]", "pt_BR": "[.]"}
_CODE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|\b[A-Za-z]\w*_\w+|[A-Za-z_]\w*(?=\()")
_ROW = re.compile(r"\d,\d+, [−-]?\d|\.\d[fg]\}, \{\w+:\.\d[fg]\}")
_BLANK = re.compile(r"[^,\s] [:;?!»]|« |\u202f[:»]|«\u202f|\u00a0[;?!]")
_SHORT = {"e.g", "i.e", "p.ej", "p.ex", "z.b", "d.h", "u.a"}

Terms = dict[str, dict]


def terms(code: str) -> Terms:
    """Return the glossary of a language; in ``never``, patterns that may not occur, with why."""
    path = locales.LOCALES / code / "terms.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def of_language(code: str, name: str) -> list[str]:
    """Return all that is wrong with a catalogue, a line each; begin with its place."""
    path = path_of(code, name)
    if not path.exists():
        return [f"{path.name}: is not there"]
    known, obsolete = read(path)
    asked, glossary = wanted(name), terms(code)
    found = [("obsolete", text) for text in obsolete]
    found += [("missing", text) for text in asked.keys() - known.keys()]
    found += [("stale: the English has changed", text) for text in known.keys() - asked.keys()]
    for english, entry in known.items():
        if english in asked:
            entry.plural = asked[english].plural  # what is said now
            found += [(why, english) for why in of_entry(entry, code, glossary, name == LABKIT)]
    if name != LABKIT:
        said = {english: "".join(entry.said) or english for english, entry in known.items()}
        for page in catalogues.pages(name):
            if changed := shape(page, said):
                found.append((f"blocks: {changed}", page))
    return [f"{code}/{name}: {why} | {text[:70]!r}" for why, text in found]


def of_entry(entry: Entry, code: str, glossary: Terms, sentence: bool) -> Iterator[str]:
    """Say what is wrong with one entry; a ``sentence`` is of labkit, else it is Markdown."""
    if entry.fuzzy:
        yield "fuzzy"
    elif any(note.startswith("| msgid") for note in entry.notes):
        yield "cleared: fuzzy is gone, and the English it was made for still stands there"
    forms = 2 if entry.plural else 1
    if len(entry.said) != forms or not all(entry.said):
        yield "not translated" if not any(entry.said) else f"{forms} forms are needed"
        return
    english, said = entry.plural or entry.english, entry.said[-1]
    if entry.plural and not fields(entry.said[0]) <= fields(english):
        yield "another field in the singular"
    same = {"field": fields, "code": words_of_code} if sentence else {"markup": markup}
    for what, find in same.items():
        if find(english) != find(said):
            lost, new = find(english) - find(said), find(said) - find(english)
            yield f"{what}: without {dict(lost)}, with {dict(new)}"
    if not any(note.startswith("numbers:") for note in entry.notes):
        read_as = (digits(english), digits(said)) if sentence else numbers_of(english, said, code)
        if read_as[0] != read_as[1]:
            yield f"numbers: {dict(read_as[0] - read_as[1])} are {dict(read_as[1] - read_as[0])}"
    if [english[:1].isspace(), english[-1:].isspace()] != [said[:1].isspace(), said[-1:].isspace()]:
        yield "blank at an end"
    if _ROW.search(said):
        yield "decimals in a row: a semicolon between them, for the comma is in them"
    if code == "fr" and any(_BLANK.search(MARKUP.sub("x", form)) for form in entry.said):
        yield "blank: U+00A0 before : and inside guillemets, U+202F before ; ? !"
    yield from of_terms(english, said, glossary, sentence)


def of_terms(english: str, said: str, glossary: Terms, sentence: bool = False) -> Iterator[str]:
    """Say which term is translated otherwise than in the glossary, and what may never be said.

    In a ``sentence`` of labkit a term may be the name of a variable, and stay as it is.
    """
    plain, said = (re.sub(r"\s+", " ", text) for text in (MARKUP.sub(" ", english), said))
    plain = _CODE.sub(" ", plain) if sentence else plain
    bare = re.sub(r"\s+", " ", MARKUP.sub(" ", said))
    for name, row in glossary.items():
        if name == "never":
            yield from (f"never: {why}" for rule, why in row.items() if re.search(rule, bare, re.I))
        elif any(_form(form).search(plain) for form in row.get("en", [name, f"{name}s"])):
            unless = row.get("unless")
            if unless and re.search(unless, plain, re.I):
                continue
            forms = [*row["forms"], *(row.get("en", [name, f"{name}s"]) if sentence else [])]
            if not any(_form(form).search(said) for form in forms):
                yield f"term: {name} is {' or '.join(row['forms'])}"


@cache
def _form(form: str) -> re.Pattern:
    words = r"\s+".join(re.escape(word).replace(r"\*", r"\w*") for word in form.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def markup(text: str) -> Counter:
    """Return the code spans, formulas, links, tags and marks of a piece of Markdown."""
    return Counter((m.lastgroup, m[0]) for m in MARKUP.finditer(text))


def fields(text: str) -> Counter:
    """Return the fields that `format` fills, each with its form: ``{share:.0%}``."""
    return Counter(re.findall(r"\{[^{}\s]*\}", text))


def words_of_code(text: str) -> Counter:
    """Return what is code in a sentence without backticks: ``nn.Linear``, ``zero_grad``."""
    plain = re.sub(r"\{[^{}]*\}", " ", text)
    found = (word for word in _CODE.findall(plain) if word.lower() not in _SHORT)
    return Counter(found) + Counter({"`": text.count("`")})


def digits(text: str) -> Counter:
    """Return the numbers of a sentence, whichever way it separates their digits."""
    plain = re.sub(r"\{[^{}]*\}", " ", text)
    return Counter(re.findall(r"\d+", re.sub(r"(?<=\d)[.,\u00a0\u202f](?=\d)", "", plain)))


def numbers_of(english: str, said: str, code: str) -> tuple[Counter, Counter]:
    """Return the numbers of both as English writes them: 1234.5 for 1,234.5 and 1.234,5."""
    plain, other = (MARKUP.sub(" ", text) for text in (english, said))
    ours = re.findall(r"\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?", plain)
    group = _THOUSANDS[code]
    theirs = re.findall(rf"\d{{1,3}}(?:{group}\d{{3}})+(?!\d)(?:,\d+)?|\d+(?:,\d+)?", other)
    theirs = [re.sub(group, "", number).replace(",", ".") for number in theirs]
    return Counter(number.replace(",", "") for number in ours), Counter(theirs)


def shape(page: str, said: dict[str, str]) -> str:
    """Return what a translated page begins with where its blocks are others; "" if none are."""
    new = translate(page, lambda piece: said.get(piece, piece))
    blocks = [[(t.type, t.tag) for t in MARKDOWN.parse(text)] for text in (page, new)]
    pieces = [said.get(piece.text, piece.text) for piece in segments(page)]
    same = blocks[0] == blocks[1] and pieces == [piece.text for piece in segments(new)]
    return "" if same else new[:80]
