"""Corrections reach a git clone and a copy from a ZIP file, and no answer is lost."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from labkit.jupyter import reset, update
from labkit.languages.edition import keep

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="needs git")
RAN = {"name": "python", "version": "3.13.1"}  # as Jupyter saves it


def _notebook(text, language=None, outputs=()):
    code = {"cell_type": "code", "metadata": {}, "source": text, "outputs": list(outputs)}
    return json.dumps(
        {"cells": [code], "metadata": {"language_info": language or {"name": "python"}}}
    )


NEW = {
    "labkit/checks.py": "corrected",
    "notebooks/00_setup.ipynb": _notebook("corrected"),
    "notebooks/01_tensors.ipynb": _notebook("corrected"),
    "notebooks/02_data.ipynb": _notebook("as ever"),
    "notebooks/03_cnn.ipynb": _notebook("corrected"),
    "notebooks/program.py": "corrected",
}
OLD = {name: content.replace("corrected", "mistaken") for name, content in NEW.items()}
MINE = {
    "notebooks/01_tensors.ipynb": _notebook("mistaken", RAN, ["only run"]),
    "notebooks/02_data.ipynb": _notebook("my answer", RAN),
    "notebooks/03_cnn.ipynb": _notebook("my answer", RAN, ["run"]),
    "notebooks/program.py": "my program",
}


def _write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def _git(folder, *arguments):
    options = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *options, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A learner's clone with answers; the authors have corrected since."""
    authors, learner = tmp_path / "authors", tmp_path / "learner"
    _write(authors, OLD)
    _git(authors, "init", "--initial-branch=main")
    _git(authors, "add", ".")
    _git(authors, "commit", "-m", "one")
    _git(tmp_path, "clone", str(authors), str(learner))
    _write(authors, NEW)
    _git(authors, "commit", "-am", "two")
    _write(learner, MINE)
    monkeypatch.chdir(learner)


@pytest.fixture
def unpacked(tmp_path, monkeypatch):
    """A learner's copy from a ZIP file with answers; there is a corrected ZIP file, ``new.zip``."""
    learner = tmp_path / "learner"
    _write(learner, OLD)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(learner)
    keep(Path("notebooks"))  # as `make lab` does when it first starts
    _write(learner, MINE)
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as packed:
        for name, content in NEW.items():
            packed.writestr(f"workshop-main/{name}", content)


def _said_after(capsys, *options):
    assert update.main(*options) == 0
    for name in ("labkit/checks.py", "notebooks/00_setup.ipynb", "notebooks/01_tensors.ipynb"):
        assert Path(name).read_text() == NEW[name]
    for name in ("notebooks/02_data.ipynb", "notebooks/03_cnn.ipynb"):
        assert Path(name).read_text() == MINE[name]
    assert Path("notebooks/program.py").read_text() == "corrected"
    assert Path("notebooks/my_1_program.py").read_text() == "my program"
    said = capsys.readouterr().out
    assert "labkit.jupyter.reset 03_cnn" in said and "02_data" not in said
    assert "my_1_program.py" in said
    reset.reset("03", Path("notebooks"))
    assert Path("notebooks/03_cnn.ipynb").read_text() == NEW["notebooks/03_cnn.ipynb"]
    assert Path("notebooks/my_1_03_cnn.ipynb").read_text() == MINE["notebooks/03_cnn.ipynb"]


@needs_git
def test_a_clone_gets_the_corrections_and_answers_stay(clone, capsys):
    _said_after(capsys)


def test_a_copy_from_a_zip_file_gets_the_corrections_and_answers_stay(unpacked, capsys):
    _said_after(capsys, "../new.zip")


def test_a_cell_of_a_notebook_updates_the_copy_that_it_is_in(unpacked, tmp_path, monkeypatch):
    monkeypatch.chdir("notebooks")
    assert update.main("../../new.zip") == 0
    assert Path.cwd().name == "notebooks"
    assert Path("../labkit/checks.py").read_text() == "corrected"


def test_the_folder_of_a_zip_file_serves_as_well(unpacked, capsys):
    with zipfile.ZipFile("../new.zip") as packed:
        packed.extractall("../new")
    _said_after(capsys, "../new/workshop-main")


@needs_git
def test_a_second_time_changes_nothing(clone, capsys):
    update.main()
    before = {path: path.read_bytes() for path in Path("notebooks").iterdir()}
    capsys.readouterr()
    assert update.main() == 0
    assert {path: path.read_bytes() for path in Path("notebooks").iterdir()} == before
    assert capsys.readouterr().out == "The workshop is up to date. Close it, and open it again.\n"


@needs_git
def test_where_git_refuses_answers_are_where_they_were(clone, capsys):
    _git(".", "commit", "--allow-empty", "-m", "my own")
    assert update.main() == 1
    assert capsys.readouterr().err
    for name, content in MINE.items():
        if "01_tensors" not in name:  # its outputs are gone
            assert Path(name).read_text() == content


def test_an_answer_that_was_not_saved_by_jupyter_stays_too(unpacked):
    mine = _notebook("my answer")  # without the version that Jupyter writes
    Path("notebooks/03_cnn.ipynb").write_text(mine)
    assert update.main("../new.zip") == 0
    assert Path("notebooks/03_cnn.ipynb").read_text() == mine
    reset.reset("03", Path("notebooks"))
    assert Path("notebooks/03_cnn.ipynb").read_text() == NEW["notebooks/03_cnn.ipynb"]


def test_before_the_first_start_nothing_is_known_and_all_is_kept(unpacked):
    shutil.rmtree("notebooks/.as_new")
    assert update.main("../new.zip") == 0
    assert Path("notebooks/03_cnn.ipynb").read_text() == NEW["notebooks/03_cnn.ipynb"]
    assert "my answer" in Path("notebooks/my_1_03_cnn.ipynb").read_text()


def test_what_is_no_workshop_is_said_and_changes_nothing(unpacked, tmp_path, capsys):
    for options in ((), ("../gone.zip",), (str(tmp_path / "empty"),), ("labkit/checks.py",)):
        (tmp_path / "empty").mkdir(exist_ok=True)
        assert update.main(*options) == 1
        assert capsys.readouterr().err
    assert Path("labkit/checks.py").read_text() == "mistaken"
