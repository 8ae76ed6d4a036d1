"""Corrections reach a git clone and a copy from a ZIP file, and no answer is lost."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from labkit.jupyter import reset, update
from labkit.languages.edition import keep
from labkit.text import command

ROOT = Path(__file__).parents[2]
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
    assert (
        f"beside it: {command('labkit.jupyter.reset')} 03_cnn\n" in said and "02_data" not in said
    )
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


def test_the_pages_with_the_answers_come_only_where_they_were(unpacked):
    page = Path("notebooks/teaching/mistakes.md")
    with zipfile.ZipFile("../new.zip", "a") as packed:
        packed.writestr(f"workshop-main/{page.as_posix()}", "corrected")
    for text in ("", "mistaken"):
        if text:
            _write(Path.cwd(), {str(page): text})
        assert update.main("../new.zip") == 0
        assert page.exists() == bool(text)
    assert page.read_text() == "corrected"


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


def test_a_name_that_is_mistyped_is_said_with_what_to_do(unpacked, capsys):
    assert update.main("../nwe.zip") == 1
    said = capsys.readouterr().err
    assert "nwe.zip" in said and "in place of FILE" in said


def test_what_is_no_workshop_is_said_and_changes_nothing(unpacked, tmp_path, capsys):
    for options in ((), ("../gone.zip",), (str(tmp_path / "empty"),), ("labkit/checks.py",)):
        (tmp_path / "empty").mkdir(exist_ok=True)
        assert update.main(*options) == 1
        assert capsys.readouterr().err
    assert Path("labkit/checks.py").read_text() == "mistaken"


def test_its_own_folder_and_the_one_above_are_no_new_workshop(unpacked, tmp_path, capsys):
    Path("../new.zip").rename(tmp_path.parent / "new.zip")
    for option in (".", "..", str(Path.cwd())):
        assert update.main(option) == 1
        assert "only this copy itself" in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path.parent / "new.zip") as packed:
        packed.extractall("..")  # beside the copy: that one is meant
    _said_after(capsys, "..")


def test_the_command_that_it_prints_fits_the_folder_of_the_terminal(unpacked, monkeypatch, capsys):
    monkeypatch.setattr("labkit.text.__file__", str(Path("labkit/text.py").resolve()))
    monkeypatch.setattr(sys, "executable", str(Path(".venv/bin/python").resolve()))
    assert update.main() == 1
    assert ": .venv/bin/python -m labkit.jupyter.update FILE\n" in capsys.readouterr().err
    monkeypatch.chdir("notebooks")
    assert update.main("../../new.zip") == 0
    assert ": ../.venv/bin/python -m labkit.jupyter.reset 03_cnn\n" in capsys.readouterr().out


def test_from_another_folder_it_updates_the_copy_that_it_is_part_of(
    unpacked, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(update, "HERE", Path("labkit/jupyter/update.py").resolve())
    monkeypatch.chdir(tmp_path)
    assert update.main("new.zip") == 0
    assert Path("learner/labkit/checks.py").read_text() == "corrected"


@pytest.fixture
def editions(tmp_path, monkeypatch):
    """ZIP files of the authors' commits, as a forge makes them; the learner has ``2.zip``."""
    authors = tmp_path / "authors"
    commit = {str(update.COMMIT): (ROOT / update.COMMIT).read_text()}
    rules = {".gitattributes": (ROOT / ".gitattributes").read_text()}
    for n, files in enumerate((OLD | rules, OLD | rules | commit, NEW, OLD | {"README.md": "new"})):
        _write(authors, files)
        if not n:
            _git(authors, "init")
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2026-11-{20 + n}T12:00:00")
        _git(authors, "add", ".")
        _git(authors, "commit", "-m", str(n))
        _git(authors, "archive", "--prefix=workshop-main/", f"--output={tmp_path}/{n}.zip", "HEAD")
    with zipfile.ZipFile(tmp_path / "2.zip") as packed:
        packed.extractall(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(tmp_path / "workshop-main")
    return authors


def _all():
    return {path: path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file()}


@needs_git
def test_an_older_zip_file_changes_nothing_and_both_days_are_said(editions, capsys):
    before = _all()
    with zipfile.ZipFile("../1.zip") as packed:
        packed.extractall("../unpacked")
    for older in ("../1.zip", "../unpacked"):
        assert update.main(older) == 1
        said = capsys.readouterr().err
        assert "from 2026-11-21 12:00, older than this copy from 2026-11-22 12:00" in said
        assert "Traceback" not in said and _all() == before


@needs_git
def test_a_newer_edition_and_the_same_again_say_of_which_day_the_workshop_is(editions, capsys):
    for zipped, day in (("../2.zip", 22), ("../3.zip", 23), ("../3.zip", 23)):
        assert update.main(zipped) == 0
        said = capsys.readouterr().out
        assert f"This is now the workshop of 2026-11-{day} 12:00. Close it" in said
    assert Path("README.md").read_text() == "new"


@needs_git
def test_what_reset_takes_after_an_update_and_another_start_is_the_new_notebook(editions, capsys):
    keep(Path("notebooks"))
    answers = json.loads(Path("notebooks/03_cnn.ipynb").read_text())
    answers["cells"][0]["source"] = "my answer"  # not saved by Jupyter
    Path("notebooks/03_cnn.ipynb").write_text(json.dumps(answers))
    assert update.main("../3.zip") == 0 and "03_cnn" in capsys.readouterr().out
    keep(Path("notebooks"))  # as `make lab` does when it starts again
    reset.reset("03", Path("notebooks"))
    assert Path("notebooks/03_cnn.ipynb").read_text() == OLD["notebooks/03_cnn.ipynb"]
    assert "my answer" in Path("notebooks/my_1_03_cnn.ipynb").read_text()


@needs_git
def test_a_newer_zip_file_unpacked_over_the_old_one_is_what_reset_takes(editions):
    keep(Path("notebooks"))
    with zipfile.ZipFile("../3.zip") as packed:
        packed.extractall("..")
    keep(Path("notebooks"))
    reset.reset("03", Path("notebooks"))
    assert Path("notebooks/03_cnn.ipynb").read_text() == OLD["notebooks/03_cnn.ipynb"]


@needs_git
def test_where_one_of_the_two_does_not_know_its_day_the_update_goes_on(editions, capsys):
    assert update.main("../0.zip") == 0  # of before editions knew it
    assert Path("labkit/checks.py").read_text() == "mistaken"
    assert update.main("../3.zip") == 0
    assert update.main(str(editions)) == 0  # a clone: git knows it
    assert "The workshop is up to date." in capsys.readouterr().out
    assert update.main("../1.zip") == 0
