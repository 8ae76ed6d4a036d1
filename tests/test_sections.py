"""Every section below *Going deeper* needs the core and nothing else, in another language, too.

Each notebook's core runs once; then its sections, the last one first, each with the names that the
core left behind. So a section meets no earlier one here, and no later one in the run from top to
bottom, which nbval does in English. Here it is the German edition, and nothing that labkit says in
it is English; with ``LABKIT_ALL_LANGUAGES=1`` it is every edition (``make test-languages``).
Trainings are ``shorter`` than in nbval, which asserts what they reach.
"""

import os
import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from labkit.text import LANGUAGES
from tests import minutes
from tests.languages.shown import english_in, shown
from tests.shorter import shorter

CODES = LANGUAGES if os.environ.get("LABKIT_ALL_LANGUAGES") else ["de"]
PROGRAM = minutes.ROOT / "notebooks" / "cifar10_classifier.py"
REMEMBER = "_core = dict(globals())"
RESTORE = """
for _name in [name for name in globals() if name not in _core and not name.startswith("_")]:
    del globals()[_name]
globals().update(_core)
"""


def code_cells(part):
    """Return the code cells of a part of a notebook."""
    texts = [minutes.source(cell) for cell in part.cells if cell["cell_type"] == "code"]
    return [nbformat.v4.new_code_cell(text) for text in texts]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("path", minutes.NOTEBOOKS, ids=lambda path: path.stem)
def test_each_section_needs_only_the_core(path, code, fewer, tmp_path, monkeypatch):
    for name in ("CHECKPOINTS", "CONFIG", "PROGRESS"):
        monkeypatch.setenv(f"LABKIT_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("LABKIT_DATA", str(fewer))
    folder = tmp_path / "notebooks" / code
    folder.mkdir(parents=True)
    shutil.copy(PROGRAM, folder)
    counted = minutes.count(shorter(path, folder))
    cells = [*code_cells(counted.core), nbformat.v4.new_code_cell(REMEMBER)]
    for part in [*counted.sections, counted.exercises][::-1]:
        cells += [nbformat.v4.new_code_cell(RESTORE), *code_cells(part)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, resources=place).execute()
    if code != "en":
        program = PROGRAM.read_text("utf-8")
        not_ours = english_in("\n".join([program, *(cell.source for cell in cells)]), code)
        assert [said for said in english_in(shown(notebook), code) if said not in not_ours] == []


def test_a_sentence_in_english_would_be_found():
    said = "Type a guess first. A wrong one helps you to remember."
    assert english_in(f"<p>{said}</p>", "de") == [said]
    assert english_in("<p>It guesses first. Ein Schritt. The rest.</p>", "de") == []
