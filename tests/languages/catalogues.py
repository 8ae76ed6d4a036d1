"""What each catalogue must hold, and what stands in it: ``.po`` files, read and written."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages import pofile

from labkit.languages import locales
from labkit.languages.segments import segments
from tests.languages.collect import ROOT, messages

PLURALS = {"es": "n != 1", "pt_BR": "n > 1", "fr": "n > 1", "de": "n != 1"}
LABKIT = "labkit"
"""The catalogue of labkit itself; every other is that of a notebook or page."""

_HEAD = """\
msgid ""
msgstr ""
"Language: {code}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=({plural});\\n"
"""


@dataclass
class Entry:
    """A sentence, in English and in another language ("" where it is not translated).

    ``places``: where it stands, or the tag it is; ``notes``: what a translator wrote to it, e.g.
    ``numbers: 3.14 is a version``.
    """

    english: str
    plural: str = ""
    said: tuple[str, ...] = ()
    places: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fuzzy: bool = False


def names() -> list[str]:
    """Return the names of all catalogues of a language."""
    notebooks = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
    return [*notebooks, "glossary", LABKIT]


def path_of(code: str, name: str) -> Path:
    """Return where a catalogue is."""
    if name == LABKIT:
        return locales.LOCALES / code / "LC_MESSAGES" / "labkit.po"
    return locales.path_of(code, name)


def pages(name: str) -> list[str]:
    """Return the texts of a notebook's cells of prose, or of a page."""
    page = ROOT / "notebooks" / f"{name}.md"
    if page.exists():
        return [page.read_text("utf-8")]
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"]


def wanted(name: str) -> dict[str, Entry]:
    """Return what a catalogue must translate, by the English text, in its order."""
    if name == LABKIT:
        return {m.text: Entry(m.text, m.plural, places=m.places) for m in messages().values()}
    found: dict[str, Entry] = {}
    for page in pages(name):
        for piece in segments(page):
            found.setdefault(piece.text, Entry(piece.text, places=[piece.kind]))
    return found


def read(path: Path) -> tuple[dict[str, Entry], list[str]]:
    """Return what a catalogue holds, and its obsolete entries."""
    with path.open("rb") as file:
        catalogue = pofile.read_po(file)
    found = {}
    for message in catalogue:
        if message.id:
            english, *plural = [message.id] if isinstance(message.id, str) else message.id
            said = (message.string,) if isinstance(message.string, str) else message.string
            known = Entry(english, "".join(plural), tuple(said), fuzzy=message.fuzzy)
            known.notes = message.user_comments
            found[english] = known
    return found, [str(key) for key in catalogue.obsolete]


def written(code: str, entries: Iterable[Entry]) -> str:
    """Return the text of a ``.po``; with no entry translated, it is a template."""
    return "\n".join([_HEAD.format(code=code, plural=PLURALS[code]), *map(_entry, entries)])


def _entry(entry: Entry) -> str:
    lines = [f"# {note}" for note in entry.notes]
    lines += [f"#. {place}" for place in entry.places]
    lines.append("msgid " + _quoted(entry.english))
    if entry.plural:
        lines.append("msgid_plural " + _quoted(entry.plural))
        forms = entry.said or ("", "")
        lines += [f"msgstr[{number}] " + _quoted(form) for number, form in enumerate(forms)]
    else:
        lines.append("msgstr " + _quoted("".join(entry.said)))
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    lines = [json.dumps(line, ensure_ascii=False) for line in re.split(r"(?<=\n)", text)]
    return "\n".join(['""', *lines] if len(lines) > 1 else lines)
