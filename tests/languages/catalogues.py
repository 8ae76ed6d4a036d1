"""What each catalogue must hold, and what stands in it: ``.po`` files, read and written."""

import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from babel.messages import pofile

from labkit.languages import locales
from labkit.languages.segments import segments
from tests.languages.collect import ROOT, Entry, messages

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
        return messages()
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
    catalogue = pofile.Catalog()
    for entry in entries:
        text, said = entry.english, "".join(entry.said)
        if entry.plural:
            text, said = (text, entry.plural), entry.said
        added = catalogue.add(text, said, auto_comments=entry.places, user_comments=entry.notes)
        added.flags.clear()  # that it has a % or a { says nothing
    file = BytesIO()
    pofile.write_po(file, catalogue, width=0, omit_header=True)
    return _HEAD.format(code=code, plural=PLURALS[code]) + "\n" + file.getvalue().decode()
