"""Every section below *Going deeper* needs the core and nothing else.

Each notebook's core runs once; then its sections, the last one first, each with the names that the
core left behind. So a section meets no earlier one here, and no later one in the run from top to
bottom, which nbval does.
"""

import nbformat
import pytest
from nbclient import NotebookClient

from tests import minutes

REMEMBER = "_core = dict(globals())"
RESTORE = """
for _name in [name for name in globals() if name not in _core and not name.startswith("_")]:
    del globals()[_name]
globals().update(_core)
"""


def code(part):
    """Return the code cells of a part of a notebook."""
    texts = [minutes.source(cell) for cell in part.cells if cell["cell_type"] == "code"]
    return [nbformat.v4.new_code_cell(text) for text in texts]


@pytest.mark.parametrize("path", minutes.NOTEBOOKS, ids=lambda path: path.stem)
def test_each_section_needs_only_the_core(path, fewer, tmp_path, monkeypatch):
    for name in ("CHECKPOINTS", "CONFIG", "PROGRESS"):
        monkeypatch.setenv(f"LABKIT_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("LABKIT_DATA", str(fewer))
    counted = minutes.count(path)
    cells = [*code(counted.core), nbformat.v4.new_code_cell(REMEMBER)]
    for part in [*counted.sections, counted.exercises][::-1]:
        cells += [nbformat.v4.new_code_cell(RESTORE), *code(part)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, resources=place).execute()
