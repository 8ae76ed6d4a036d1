"""What learners tell their instructor: nothing without a folder, no name unless the class says."""

import os
import stat
from datetime import UTC, datetime

import pytest

from labkit import classroom
from labkit.jupyter import class_page


@pytest.fixture
def room(tmp_path, monkeypatch):
    class_page.main(str(tmp_path / "class"))
    monkeypatch.setenv("LABKIT_CLASS", str(tmp_path / "class"))
    return tmp_path / "class"


def test_no_name_is_kept_unless_the_class_says_so(room, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    classroom.note("cnn")
    assert all("ada" not in file.name + file.read_text() for file in room.iterdir())
    monkeypatch.setenv("LABKIT_CLASS_NAMES", "1")
    classroom.note("gpu", "price")
    assert "ada" in class_page.page(*classroom.read(room), datetime.now(UTC))


def test_without_a_folder_nothing_is_written_and_without_rights_nothing_is_said(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("LABKIT_CLASS", raising=False)
    classroom.note("cnn")
    monkeypatch.setenv("LABKIT_CLASS", str(tmp_path / "nowhere"))
    classroom.note("cnn")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no such modes")
def test_learners_add_to_the_folder_and_only_its_owner_looks_into_it(room):
    assert stat.S_IMODE(room.stat().st_mode) == 0o3733
    classroom.note("cnn")
    [file] = room.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
