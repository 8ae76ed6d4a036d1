"""Run the notebooks for the site, and keep what they printed until a cell or labkit changes."""

import hashlib
import os
import sys
from concurrent.futures import Executor, Future
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.site.forked import Kernels
from tests.site.pages import ALIVE

ROOT = Path(__file__).parents[2]
ASK = "from tests.site import alive; alive.tell()"
"""Runs after the last cell: what a page needs so that the explorers of this kernel live in it."""
LONG = {"08_faster": "train"}
"""What trains for so long that one language does it for all, and its own function that does."""


def run_all(pool: Executor, sources: list[Path], language: str) -> list[Future]:
    """Return what will be the notebooks with their outputs and the state of their widgets.

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
    longest_first = sorted(sources, key=lambda path: path.stem, reverse=True)
    return [pool.submit(_run, path, kept, environment) for path in longest_first]


def _run(path: Path, kept: Path, environment: dict[str, str]) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, 4)
    mark = _fingerprint(notebook, environment)
    words = (ROOT / "labkit" / "locales").glob(f"{kept.name}/LC_MESSAGES/labkit.po")
    target = kept / f"{path.stem}-{_word(mark, *(each.read_text('utf-8') for each in words))}.ipynb"
    if target.exists():
        return _as_it_ran(notebook, nbformat.read(target, 4))
    print("running", kept.name, path.name, file=sys.stderr)
    (kept / "progress.json").unlink(missing_ok=True)
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    shown = first.source
    if own := LONG.get(path.stem):
        folder = kept.parent / "once" / path.stem / mark
        remember = f"from tests.site.once import remember; remember({str(folder)!r}, {own!r})\n"
        first.source = remember + shown
    place = {"metadata": {"path": path.parent}}
    client = NotebookClient(notebook, timeout=600, resources=place, kernel_manager_class=Kernels)
    client.execute(env=environment)
    first.source = shown
    (told,) = notebook.cells.pop().outputs
    notebook.metadata["labkit"] = {"name": path.stem, "alive": told.data[ALIVE]}
    for older in kept.glob(f"{path.stem}-*.ipynb"):
        older.unlink()
    nbformat.write(notebook, target)
    return notebook


def _as_it_ran(notebook: nbformat.NotebookNode, ran: nbformat.NotebookNode):
    """Return a notebook with the outputs of ``ran``, whose text may be older."""
    pairs = ([cell for cell in each.cells if cell.cell_type == "code"] for each in (notebook, ran))
    for cell, before in zip(*pairs, strict=True):
        cell.outputs = before.outputs
    notebook.metadata = ran.metadata
    return notebook


def _fingerprint(notebook: nbformat.NotebookNode, environment: dict[str, str]) -> str:
    """Return a word that changes with whatever the outputs depend on, the language apart."""
    parts = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    code = [*sorted((ROOT / "labkit").rglob("*.*")), Path(__file__).with_name("alive.py")]
    parts += [path.read_text() for path in code if path.suffix in (".py", ".js", ".css", ".json")]
    parts.append(environment["LABKIT_DATA"])
    return _word(*parts)


def _word(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
