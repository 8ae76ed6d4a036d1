"""Collect every sentence that labkit and the site show: what ``labkit.po`` must translate."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
MARKS = ("_", "N_", "ngettext")
ROOMS = ("labkit", "tests/site", "images/draw")
IN_CELLS = ("Guess", "bars", "curves", "draw_filters", "gallery", "side_by_side")
"""What a notebook's cell hands over in English and labkit shows translated."""


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


def messages() -> dict[str, Entry]:
    """Return the sentences by their English text, ordered by module."""
    found: dict[str, Entry] = {}
    for place, text, plural in _all():
        if _has_words(text):
            entry = found.setdefault(text, Entry(text, plural))
            if plural and entry.plural not in ("", plural):
                raise ValueError(f"two plurals of {text!r}")
            entry.plural = entry.plural or plural
            if place not in entry.places:
                entry.places.append(place)
    return found


def _has_words(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]", re.sub(r"\{[^{}]*\}", "", text)))


def _all() -> Iterator[tuple[str, str, str]]:
    from labkit.checks.series import SERIES, exercises
    from labkit.doctor import catalogue
    from labkit.doctor.catalogue_phrases import PHRASES

    for notebook in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        for text in _in_cells(notebook):
            yield notebook.stem, text, ""
    tables = {"doctor.catalogue": [], "doctor.catalogue_phrases": list(PHRASES.values())}
    for row in catalogue._ALL.values():
        tables["doctor.catalogue"] += row
    for name in SERIES:
        for exercise in exercises(name):
            said = [*exercise.mistakes, *exercise.cautions]
            module = exercise.solution.__module__.removeprefix("labkit.")
            tables.setdefault(module, []).extend(each.sentence for each in said)
    for path in [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]:
        place = ".".join(path.relative_to(ROOT).with_suffix("").parts[1:])
        for text, plural in marked(path.read_text(encoding="utf-8")):
            yield place, text, plural
        for text in tables.get(place, []):
            yield place, text, ""


def marked(source: str) -> list[tuple[str, str]]:
    """Return what stands inside ``_()``, ``N_()`` and ``ngettext()``, each with its plural."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            texts = [str(arg.value) for arg in node.args[:2] if isinstance(arg, ast.Constant)]
            if texts:
                plural = texts[1] if node.func.id == "ngettext" else ""
                found.append((node.lineno, node.col_offset, texts[0], plural))
    return [(text, plural) for _line, _column, text, plural in sorted(found)]


def _in_cells(notebook: Path) -> list[str]:
    found = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or not any(f"{name}(" in source for name in IN_CELLS):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in IN_CELLS:
                answer = node.func.id == "Guess"  # a number, or a name of the code
                given = [*node.args[answer:], *(each.value for each in node.keywords)]
                found += [text for each in given for text in _texts(each)]
    return found


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if not isinstance(node, ast.JoinedStr | ast.Subscript):
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)
