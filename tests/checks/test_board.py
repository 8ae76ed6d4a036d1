import csv
import io
import json
import os
import stat
import threading

import pytest

from labkit.checks import export, series
from labkit.checks import tensors as check
from labkit.checks.engine import board
from tests.minutes import NOTEBOOKS, read, source


def test_progress_is_kept_beside_the_checkpoints(monkeypatch, tmp_path):
    monkeypatch.delenv("LABKIT_PROGRESS")
    monkeypatch.setenv("LABKIT_CHECKPOINTS", str(tmp_path / "mine" / "checkpoints"))
    check.swap_red_and_blue(lambda image: image.flip(0))
    assert board.path() == tmp_path / "mine" / "progress.json"
    assert board.read()["tensors"]["swap_red_and_blue"].solved
    assert "solved" in str(check.swap_red_and_blue(...))


def test_tries_and_mistakes_are_counted_up_to_the_first_right_answer():
    check.swap_red_and_blue(lambda image: image)
    entry = board.read()["tensors"]["swap_red_and_blue"]
    assert (entry.tries, entry.solved) == (1, "")
    assert sum(entry.mistakes.values()) == 1
    check.swap_red_and_blue(lambda image: image.flip(0))
    day = board.read()["tensors"]["swap_red_and_blue"].solved
    assert day
    check.swap_red_and_blue(lambda image: image)
    assert board.read()["tensors"]["swap_red_and_blue"] == board.Entry(2, day, entry.mistakes)


def test_a_file_of_an_earlier_version_is_read():
    old = {"tensors": {"grey": {"tries": 3, "solved": ""}}}
    board.path().write_text(json.dumps({"format": 1, "notebooks": old}))
    assert board.read()["tensors"]["grey"] == board.Entry(3)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no such modes")
def test_progress_is_for_its_owner_until_somebody_opens_it_to_others():
    board.note("tensors", "grey", solved=False)
    assert stat.S_IMODE(board.path().stat().st_mode) == 0o600
    board.path().chmod(0o644)
    board.note("tensors", "grey", solved=False)
    assert stat.S_IMODE(board.path().stat().st_mode) == 0o644


def test_the_board_shows_this_notebook_by_name_and_the_series_in_counts():
    check.grey(check.grey.judge)
    shown = series.board("tensors")
    assert shown.here.solved == 1
    assert len(shown.series) == len(series.SERIES)
    assert "✓ grey" in str(shown) and "○ mosaic" in str(shown)
    assert "1 of 5" in shown._repr_html_()
    assert shown._repr_html_().count('<th scope="row"') == len(series.SERIES)


def test_two_kernels_may_write_at_once():
    names = [f"exercise_{number}" for number in range(12)]
    threads = [
        threading.Thread(target=board.note, args=("cnn", name), kwargs={"solved": True})
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(board.read()["cnn"]) == sorted(names)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99, "notebooks": {}}', "null"])
def test_a_file_that_cannot_be_read_is_kept_and_said(content):
    board.path().write_text(content)
    assert "no progress that can be read" in series.board("tensors").complaint
    assert check.grey(...).state == "waiting"
    verdict = check.grey(check.grey.judge)
    assert verdict.solved
    assert "progress.unreadable.json" in str(verdict)
    assert board.path().with_name("progress.unreadable.json").read_text() == content
    assert board.read()["tensors"]["grey"].solved


def test_a_file_that_cannot_be_opened_stays_where_it_is_and_is_said():
    board.path().mkdir()  # as a file without permission does, it raises an OSError
    assert "cannot be read: " in series.board("tensors").complaint
    assert check.grey(...).state == "waiting"
    verdict = check.grey(check.grey.judge)
    assert verdict.solved and "could not be saved" in str(verdict)
    assert board.path().is_dir()


def test_a_folder_that_cannot_be_written_to_is_said_beside_the_verdict(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path / "file" / "progress.json"))
    verdict = check.grey(check.grey.judge)
    assert verdict.solved
    assert "could not be saved" in str(verdict)


def test_a_write_that_fails_leaves_the_file_before(monkeypatch):
    board.note("tensors", "grey", solved=True)
    before = board.path().read_text()

    def full(*_arguments, **_named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left" in board.note("tensors", "mosaic", solved=True)
    assert board.path().read_text() == before
    left = {path.name for path in board.path().parent.iterdir()}
    assert left <= {"progress.json", ".progress.json.lock"}


def _learner(folder, monkeypatch, *solved):
    folder.mkdir(parents=True)
    monkeypatch.setenv("LABKIT_PROGRESS", str(folder / "progress.json"))
    for name in solved:
        board.note("tensors", name, solved=True)


def _exported(capsys, *folders):
    status = export.main([str(folder) for folder in folders])
    captured = capsys.readouterr()
    return status, list(csv.DictReader(io.StringIO(captured.out))), captured.err


def test_the_instructor_gets_one_table_of_all_learners(tmp_path, monkeypatch, capsys):
    _learner(tmp_path / "Ada", monkeypatch, "grey", "mosaic")
    _learner(tmp_path / "Zoë" / "workshop" / "notebooks", monkeypatch, "grey")
    status, table, _errors = _exported(capsys, tmp_path / "Ada", tmp_path / "Zoë")
    assert status == 0
    solved = {(row["learner"], row["exercise"]) for row in table if row["solved"]}
    assert solved == {("Ada", "grey"), ("Ada", "mosaic"), ("Zoë", "grey")}
    assert len(table) == 2 * sum(len(series.exercises(name)) for name in series.SERIES)


def _learners(table):
    return sorted({row["learner"] for row in table})


@pytest.mark.parametrize(("given", "wanted"), [("*/*", "ada bob"), ("*", "ada bob"), ("a*", "ada")])
def test_learners_are_told_apart_by_the_part_of_the_path_that_differs(
    given, wanted, tmp_path, monkeypatch, capsys
):
    for place in ("ada/workshop", "ada/old", "bob/workshop"):
        monkeypatch.setenv("JUPYTERHUB_USER", place[:3])
        _learner(tmp_path / place, monkeypatch, *(["grey"] if "old" in place else []))
    _status, table, _errors = _exported(capsys, *sorted(tmp_path.glob(given)))
    assert _learners(table) == wanted.split()
    assert len(table) == 40 * len(wanted.split())  # nobody twice
    assert [row["learner"] for row in table if row["solved"]] == ["ada"]


def test_one_folder_of_a_whole_class_is_taken_apart(tmp_path, monkeypatch, capsys):
    _learner(tmp_path / "ada" / "workshop", monkeypatch, "grey")
    _learner(tmp_path / "bob" / "workshop", monkeypatch, "grey")
    (tmp_path / "eve").mkdir()
    status, table, errors = _exported(capsys, tmp_path)
    assert _learners(table) == ["ada", "bob", "eve"]
    assert status == 0 and "eve" in errors and "ada" not in errors


def test_the_only_learner_of_a_class_has_the_name_of_the_folder(tmp_path, monkeypatch, capsys):
    _learner(tmp_path / "class" / "ada", monkeypatch, "grey")
    assert _learners(_exported(capsys, tmp_path / "class")[1]) == ["ada"]
    _learner(tmp_path / "bob" / "notebooks", monkeypatch, "grey")
    assert _learners(_exported(capsys, tmp_path / "bob")[1]) == ["bob"]


def test_files_in_one_folder_are_named_by_who_wrote_them(tmp_path, monkeypatch, capsys):
    for name in ("ada", "bob"):
        monkeypatch.setenv("JUPYTERHUB_USER", name)
        _learner(tmp_path / name, monkeypatch, "grey")
    files = [tmp_path / f"progress ({n}).json" for n in (1, 2)]
    for file, name in zip(files, ("ada", "bob"), strict=True):
        (tmp_path / name / "progress.json").rename(file)
    _status, table, _errors = _exported(capsys, *files)
    assert _learners(table) == ["ada", "bob"]


def test_the_table_names_the_mistakes_and_how_often(tmp_path, monkeypatch, capsys):
    _learner(tmp_path / "Ada", monkeypatch)
    for mistake in ("one", "", "two", "one"):
        board.note("tensors", "grey", solved=False, mistake=mistake)
    board.note("tensors", "grey", solved=True)
    board.note("tensors", "grey", solved=False, mistake="three")
    _status, table, _errors = _exported(capsys, tmp_path / "Ada")
    [row] = [row for row in table if row["solved"]]
    assert (row["attempts"], row["mistakes"]) == ("5", "one (2); two")


def test_the_table_as_a_file_has_the_same_rows_and_opens_in_a_spreadsheet(
    tmp_path, monkeypatch, capsys
):
    _learner(tmp_path / "Zoë", monkeypatch, "grey")
    _status, table, _errors = _exported(capsys, tmp_path / "Zoë")
    _exported(capsys, tmp_path / "Zoë", "--output", tmp_path / "class.csv")
    text = (tmp_path / "class.csv").read_bytes().decode("utf-8-sig")
    assert list(csv.DictReader(io.StringIO(text))) == table
    assert (tmp_path / "class.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert {row["notebook"] for row in table} >= {"1. Tensors", "8. Faster"}


def test_a_folder_without_progress_is_named_and_the_others_are_there(tmp_path, monkeypatch, capsys):
    _learner(tmp_path / "Ada", monkeypatch, "grey")
    (tmp_path / "Bob").mkdir()
    (tmp_path / "Eve").mkdir()
    (tmp_path / "Eve" / "progress.json").write_text("{")
    (tmp_path / "Dan" / "progress.json").mkdir(parents=True)
    folders = [*sorted(tmp_path.glob("[ABDE]*")), tmp_path / "Zoe who is not there"]
    status, table, errors = _exported(capsys, *folders)
    assert status == 1
    assert _learners(table) == ["Ada", "Bob", "Dan", "Eve", "Zoe who is not there"]
    assert {row["learner"] for row in table if int(row["attempts"] or 0)} == {"Ada"}
    assert {row["learner"] for row in table if not row["attempts"]} == {"Dan", "Eve"}
    assert len(errors.splitlines()) == 4
    assert all(name in errors for name in ("Bob", "Dan", "Eve", "Zoe"))
    assert _exported(capsys, *sorted(tmp_path.glob("[AB]*")))[0] == 0  # Bob only has yet to try


def test_the_board_names_the_notebooks_by_their_titles():
    for path, row in zip(NOTEBOOKS[1:], series.board("tensors").series, strict=True):
        assert source(read(path)[0]).startswith(f"# {row.heading}\n")
