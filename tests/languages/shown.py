"""What a notebook showed when it was run, and which of labkit's sentences stayed English there."""

import html
import json
import re

from tests.languages.catalogues import LABKIT, path_of, read


def english_in(outputs: str, code: str) -> list[str]:
    """Return the sentences of labkit that were shown in English."""
    known, _obsolete = read(path_of(code, LABKIT))
    sentences = [e for e in known.values() if e.said[0] != e.english and " " in e.english.strip()]
    found = []
    for entry in sentences:
        pieces = re.split(r"\{[^{}]*\}", entry.english)
        parts = [piece.strip() for piece in pieces if len(piece.split()) > 2]
        if parts and all(part in outputs for part in parts):
            found.append(entry.english)
    return found


def shown(notebook) -> str:
    """Return all that the cells of a notebook show, alt texts too."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts += [output.get("text", ""), data.get("text/html", ""), data.get("text/plain", "")]
    widgets = notebook.metadata.get("widgets", {}).values()
    models = [model["state"] for kind in widgets for model in kind["state"].values()]
    states = [{k: v for k, v in state.items() if k not in ("_esm", "_css")} for state in models]
    return html.unescape("\n".join([*texts, json.dumps(states, ensure_ascii=False)]))
