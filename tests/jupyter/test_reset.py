import json
import shutil
import subprocess

import pytest

from labkit.jupyter import reset
from labkit.languages.edition import original, write_all
from labkit.text import command

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


def _git(folder, *arguments):
    options = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *options, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def notebooks(tmp_path):
    """The notebooks folder of a learner's clone; they have written into a notebook."""
    authors, learner = tmp_path / "authors", tmp_path / "learner"
    (authors / "notebooks").mkdir(parents=True)
    _git(authors, "init", "--initial-branch=main")
    for name in ("03_cnn", "04_loss"):
        (authors / "notebooks" / f"{name}.ipynb").write_text("as new")
    _git(authors, "add", ".")
    _git(authors, "commit", "-m", "one")
    _git(tmp_path, "clone", str(authors), str(learner))
    (learner / "notebooks" / "03_cnn.ipynb").write_text("my answer")
    return learner / "notebooks"


@needs_git
def test_a_notebook_starts_over_and_the_old_one_is_kept_beside_it(notebooks):
    old = reset.reset("03_cnn", notebooks)
    assert (notebooks / "03_cnn.ipynb").read_text() == "as new"
    assert old.read_text() == "my answer"
    (notebooks / "03_cnn.ipynb").write_text("my second answer")
    assert reset.reset("03", notebooks).read_text() == "my second answer"
    assert old.read_text() == "my answer"


@needs_git
def test_what_nbgitpuller_has_committed_of_the_learner_is_not_the_authors(notebooks):
    author = "--author=nbgitpuller <nbgitpuller@nbgitpuller.link>"
    _git(notebooks, "commit", "-am", "Automatic commit by nbgitpuller", author)
    assert original(notebooks / "03_cnn.ipynb") == "as new"
    reset.reset("03", notebooks)
    assert (notebooks / "03_cnn.ipynb").read_text() == "as new"


@needs_git
def test_a_class_that_stays_on_its_edition_gets_that_one(notebooks):
    authors = notebooks.parents[1] / "authors"
    (authors / "notebooks" / "03_cnn.ipynb").write_text("next year's")
    _git(authors, "commit", "-am", "two")
    _git(notebooks, "fetch")
    _git(notebooks, "checkout", "--detach", "--force")
    reset.reset("03", notebooks)
    assert (notebooks / "03_cnn.ipynb").read_text() == "as new"


@needs_git
def test_what_cannot_be_reset_is_said_and_stays(notebooks, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(notebooks.parent)
    assert reset.main("99") == 1
    assert "03_cnn, 04_loss" in capsys.readouterr().err
    shutil.rmtree(notebooks.parent / ".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert reset.main("03") == 1
    assert "no copy of 03_cnn.ipynb here" in capsys.readouterr().err
    assert (notebooks / "03_cnn.ipynb").read_text() == "my answer"


@pytest.fixture
def unpacked(tmp_path, monkeypatch):
    """The notebooks folder of a copy from a ZIP file: no git knows it."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    _save(tmp_path / "notebooks" / "03_cnn.ipynb", "as new", {"name": "python"})
    return tmp_path / "notebooks"


def _save(path, text, language):
    cell = {"cell_type": "markdown", "metadata": {}, "source": text}
    path.write_text(json.dumps({"cells": [cell], "metadata": {"language_info": language}}))


def test_a_notebook_from_a_zip_file_is_kept_at_the_first_start(unpacked):
    write_all(unpacked)
    notebook = unpacked / "03_cnn.ipynb"
    _save(notebook, "my answer", {"name": "python", "version": "3.13.1"})  # as Jupyter saves it
    write_all(unpacked)
    assert "my answer" in reset.reset("03", unpacked).read_text()
    assert "as new" in notebook.read_text()
    assert "as new" in (unpacked / "de" / "03_cnn.ipynb").read_text()  # not the learner's


def test_a_newer_zip_file_over_the_old_one_counts(unpacked):
    write_all(unpacked)
    notebook = unpacked / "03_cnn.ipynb"
    _save(notebook, "next year's", {"name": "python"})
    write_all(unpacked)
    _save(notebook, "my answer", {"name": "python", "version": "3.13.1"})
    reset.reset("03", unpacked)
    assert "next year's" in notebook.read_text()
    assert "next year's" in (unpacked / "es" / "03_cnn.ipynb").read_text()


def test_a_notebook_that_jupyter_saved_before_the_first_start_is_not_taken_for_new(unpacked):
    _save(unpacked / "03_cnn.ipynb", "my answer", {"name": "python", "version": "3.13.1"})
    write_all(unpacked)
    with pytest.raises(ValueError, match="no copy of 03_cnn"):
        reset.reset("03", unpacked)
    assert "my answer" in (unpacked / "03_cnn.ipynb").read_text()


def test_without_a_name_it_says_how_and_fails(capsys):
    assert reset.main() == 1
    assert f"{command('labkit.jupyter.reset')} 03_cnn" in capsys.readouterr().err
