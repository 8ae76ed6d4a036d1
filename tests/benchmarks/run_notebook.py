"""Run a notebook without a browser and keep it with its outputs: ``run_notebook IN OUT``."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main(source: Path, target: Path) -> None:
    """Run all cells of ``source`` in its own folder; write ``target`` even where a cell fails."""
    notebook = nbformat.read(source, as_version=4)
    place = {"metadata": {"path": str(source.parent)}}
    try:
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    finally:
        nbformat.write(notebook, target)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
