"""A full disk: what Jupyter notes of its own about a notebook stops nobody."""

import asyncio
import errno
import sqlite3
from pathlib import Path

import nbformat
import pytest
from jupyter_server.services.contents import filecheckpoints
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import NotebookNotary

from labkit.jupyter.contents import SparingCheckpoints, spare


def _full(*_arguments, **_options):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_checkpoint_that_finds_no_room_goes_to_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spare"))
    (tmp_path / "notebooks").mkdir()
    manager = AsyncLargeFileManager(
        root_dir=str(tmp_path), checkpoints_class="labkit.jupyter.contents.SparingCheckpoints"
    )
    place = manager.checkpoints.checkpoint_path("checkpoint", "notebooks/01.ipynb")
    assert place == str(tmp_path / "notebooks/.ipynb_checkpoints/01-checkpoint.ipynb")
    assert isinstance(manager.checkpoints, SparingCheckpoints)
    monkeypatch.setattr(filecheckpoints, "ensure_dir_exists", _full)
    place = manager.checkpoints.checkpoint_path("checkpoint", "notebooks/01.ipynb")
    assert place.startswith(str(tmp_path / "spare"))
    assert place.endswith("notebooks/01-checkpoint.ipynb")


def test_a_notebook_opens_though_its_copy_finds_no_room_and_half_a_copy_is_none(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spare"))
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01.ipynb").write_text("whole")
    manager = AsyncLargeFileManager(root_dir=str(tmp_path), checkpoints_class=SparingCheckpoints)

    async def broken_off(_self, manager, path):
        Path(manager.checkpoints.checkpoint_path("checkpoint", path)).write_text("")
        _full()

    monkeypatch.setattr(filecheckpoints.AsyncFileCheckpoints, "create_checkpoint", broken_off)
    made = asyncio.run(manager.checkpoints.create_checkpoint(manager, "notebooks/01.ipynb"))
    assert made["id"] == "checkpoint"
    assert not list((tmp_path / "notebooks/.ipynb_checkpoints").iterdir())
    [copy] = (tmp_path / "spare").rglob("01-checkpoint.ipynb")
    assert copy.read_text() == "whole"


def test_a_notebook_whose_signature_cannot_be_noted_opens_and_is_saved(tmp_path):
    notary, notebook = NotebookNotary(data_dir=str(tmp_path)), nbformat.v4.new_notebook()
    spare(notary)
    notary.sign(notebook)
    assert notary.check_signature(notebook)
    notary.store.db.execute("PRAGMA query_only = ON")  # as on a disk without room
    notebook.cells.append(nbformat.v4.new_code_cell("1"))
    with pytest.raises(sqlite3.OperationalError):
        notary.store.db.execute("DELETE FROM nbsignatures")
    notary.sign(notebook)
    assert not notary.check_signature(notebook)


def test_without_room_for_its_secret_a_notary_has_one_until_the_server_ends(monkeypatch, tmp_path):
    monkeypatch.setattr(NotebookNotary, "_write_secret_file", _full)
    notary = NotebookNotary(data_dir=str(tmp_path))
    spare(notary)
    notebook = nbformat.v4.new_notebook()
    notary.sign(notebook)
    assert notary.check_signature(notebook)
