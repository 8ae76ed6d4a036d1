"""The notebooks are run in another language, and what they show is in it.

``make test`` runs some in German; with ``LABKIT_ALL_LANGUAGES=1`` all of them are run in every
language (``make test-languages``).
"""

import html
import json
import os
import re

import nbformat
import pytest
from nbclient import NotebookClient

from labkit.languages import edition
from labkit.text import LANGUAGES
from tests.languages.catalogues import LABKIT, ROOT, names, path_of, read

NOTEBOOKS = [name for name in names() if name[0].isdigit()]
FEW = [("de", name) for name in ("03_cnn", "04_loss_optimizer")]
ALL = [(code, name) for code in LANGUAGES for name in NOTEBOOKS]
WHICH = ALL if os.environ.get("LABKIT_ALL_LANGUAGES") else FEW


def english_in(outputs: str, code: str) -> list[str]:
    """Return the sentences of labkit that were shown in English."""
    known, _obsolete = read(path_of(code, LABKIT))
    sentences = [e for e in known.values() if e.said[0] != e.english and " " in e.english.strip()]
    found = []
    for entry in sentences:
        parts = [part for part in re.split(r"\{[^{}]*\}", entry.english) if len(part.split()) > 2]
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


@pytest.mark.parametrize(("code", "name"), WHICH)
def test_a_notebook_runs_in_its_language_and_what_it_shows_is_in_it(
    code, name, tmp_path, monkeypatch
):
    folder = tmp_path / "notebooks" / code
    folder.mkdir(parents=True)
    for other in edition.names(ROOT / "notebooks"):
        source = (ROOT / "notebooks" / other).read_text("utf-8")
        made = source if code == "en" else edition.translated(code, other, source)
        (folder / other).write_text(made, "utf-8")
    monkeypatch.delenv("LABKIT_LANGUAGE", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(folder / f"{name}.ipynb", 4)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
    client.execute()
    if code != "en":
        assert english_in(shown(notebook), code) == []


def test_a_sentence_in_english_would_be_found():
    said = "Type a guess first. A wrong one helps you to remember."
    assert english_in(f"<p>{said}</p>", "de") == [said]
    assert english_in("<p>It guesses first. Ein Schritt. The rest.</p>", "de") == []
