"""Run the notebooks for the site, and keep what they printed until a cell or labkit changes."""

import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.site.pages import ALIVE

ROOT = Path(__file__).parents[2]
ASK = "from tests.site import alive; alive.tell()"
"""Runs after the last cell: what a page needs so that the explorers of this kernel live in it."""


def run_all(sources: list[Path], language: str) -> list[nbformat.NotebookNode]:
    """Return the notebooks with their outputs and the state of their widgets, two at a time.

    What was run before is read from ``build/runs``. The images are the drawn ones, unless
    ``LABKIT_DATA`` names others.
    """
    kept = ROOT / "build" / "runs" / language
    kept.mkdir(parents=True, exist_ok=True)
    quiet = {"LABKIT_DATA": "drawn", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    environment = os.environ | {**quiet, **{k: os.environ[k] for k in quiet if k in os.environ}}
    environment |= {
        "LABKIT_LANGUAGE": language,
        "LABKIT_CHECKPOINTS": str(kept / "checkpoints"),
        "LABKIT_PROGRESS": str(kept / "progress.json"),
        "LABKIT_CONFIG": str(kept / "config"),
    }
    with ThreadPoolExecutor(2) as pool:
        longest_first = sorted(sources, key=lambda path: path.stem, reverse=True)
        return list(pool.map(lambda path: _run(path, kept, environment), longest_first))


def _run(path: Path, kept: Path, environment: dict[str, str]) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, 4)
    target = kept / f"{path.stem}-{_fingerprint(notebook, environment)}.ipynb"
    if target.exists():
        return nbformat.read(target, 4)
    print("running", path.name, file=sys.stderr)
    (kept / "progress.json").unlink(missing_ok=True)
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": path.parent}})
    client.execute(env=environment)
    (told,) = notebook.cells.pop().outputs
    notebook.metadata["labkit"] = {"name": path.stem, "alive": told.data[ALIVE]}
    for older in kept.glob(f"{path.stem}-*.ipynb"):
        older.unlink()
    nbformat.write(notebook, target)
    return notebook


def _fingerprint(notebook: nbformat.NotebookNode, environment: dict[str, str]) -> str:
    """Return a word that changes with whatever the outputs depend on."""
    parts = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    code = [*sorted((ROOT / "labkit").rglob("*.*")), Path(__file__).with_name("alive.py")]
    parts += [path.read_text() for path in code if path.suffix in (".py", ".js", ".css", ".json")]
    parts += [environment["LABKIT_LANGUAGE"], environment["LABKIT_DATA"]]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
