import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from labkit import classroom
from labkit.checks import tensors
from labkit.checks.engine import board
from labkit.classroom import Event
from labkit.jupyter import class_page
from tests.minutes import NOTEBOOKS, read, source


@pytest.fixture
def room(tmp_path, monkeypatch):
    class_page.main(str(tmp_path / "class"))
    monkeypatch.setenv("LABKIT_CLASS", str(tmp_path / "class"))
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "class"


def _as(monkeypatch, name):
    monkeypatch.setenv("JUPYTERHUB_USER", name)


def _cells(page):
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_the_exercise_that_stops_the_room_comes_first_with_its_mistake(room, monkeypatch):
    for name in ("ada", "bob", "eve"):
        _as(monkeypatch, name)
        classroom.note("cnn")
        board.note(
            "cnn", "stack", solved=name == "ada", mistake="" if name == "ada" else "one less"
        )
        board.note("cnn", "padding", solved=True)
    page = class_page.page(*classroom.read(room), datetime.now(UTC))
    assert ["3. The convolutional network", "3", "▮▮▮"] in _cells(page)
    exercises = [row for row in _cells(page) if len(row) == 5][1:]
    assert exercises[0] == ["3. The convolutional network", "stack", "2", "1", "one less (2)"]
    assert "The class: 3 learners" in page


def test_notebooks_are_in_their_order_and_named_as_on_the_run_sheet():
    now = datetime.now(UTC)
    events = [[Event(now.isoformat(), name)] for name in ("gpu", "my_own", "setup", "tensors")]
    rows = [row[0] for row in _cells(class_page.page(events, [], now))]
    assert rows[1:5] == ["0. Set-up", "1. Tensors", "7. The GPU", "my_own"]
    for path in NOTEBOOKS:
        told = classroom.titled(path.stem.lstrip("0123456789_"), str)
        assert source(read(path)[0]).startswith(f"# {told}\n")


def test_the_commonest_mistake_is_told_by_the_sentence_of_the_check(room, monkeypatch):
    monkeypatch.setenv("LABKIT_LANGUAGE", "es")
    tensors.swap_red_and_blue(lambda image: image.flip(1))
    monkeypatch.setenv("LABKIT_LANGUAGE", "de")
    page = class_page.page(*classroom.read(room), datetime.now(UTC))
    assert "Das stellt das Bild auf den Kopf: Zeilen sind Achse 1, Kanäle Achse 0. (1)" in page


def test_a_mistake_that_is_made_in_any_exercise_is_told_by_its_sentence_without_values(
    room, monkeypatch
):
    monkeypatch.setenv("LABKIT_LANGUAGE", "de")
    for factor in (3, 5):
        _as(monkeypatch, f"learner-{factor}")
        tensors.swap_red_and_blue(lambda image, factor=factor: image.flip(0) * factor)
    page = class_page.answer(str(room))
    assert "Jede Zahl ist …-mal so groß, wie sie sein sollte. (2)" in page
    assert "{" not in page.partition("</style>")[2]


def test_a_file_that_may_not_be_read_is_named_and_the_others_are_shown(room, monkeypatch):
    for name in ("ada", "bob"):
        _as(monkeypatch, name)
        classroom.note("cnn")
    refused, _shown = sorted(room.iterdir())
    read = Path.read_text

    def read_text(file, *how, **more):
        if file == refused:
            raise PermissionError(13, "Permission denied", str(file))
        return read(file, *how, **more)

    monkeypatch.setattr(Path, "read_text", read_text)
    page = class_page.answer(str(room))
    assert f"{refused.name} cannot be read" in page and "The class: 1 learner" in page


def test_who_began_before_names_were_switched_on_has_a_dash_until_their_server_is_new(
    room, monkeypatch
):
    for name, names in (("ada", "0"), ("bob", "1")):
        _as(monkeypatch, name)
        monkeypatch.setenv("LABKIT_CLASS_NAMES", names)
        classroom.note("cnn")
    who = [row[0] for row in _cells(class_page.answer(str(room)))[-2:]]
    assert sorted(who) == ["bob", "–"]
    _as(monkeypatch, "ada")
    classroom.note("cnn")
    assert "–" not in class_page.answer(str(room))


def test_who_has_gone_home_is_in_no_notebook():
    events = [Event((datetime.now(UTC) - timedelta(hours=1)).isoformat(), "cnn")]
    assert ["3. The convolutional network", "0", ""] in _cells(
        class_page.page([events], [], datetime.now(UTC))
    )


def test_what_learners_write_is_shown_as_text_and_damage_is_left_out(room):
    (room / "a.jsonl").write_text(
        '{"at": "2026-01-01T00:00:00+00:00", "notebook": "<b>"}\n{"\n[]\n'
    )
    (room / "b.jsonl").write_bytes(b"\xff\n")
    for at, notebook in (("soon", "cnn"), ("2026-01-01", "cnn"), (3, "cnn"), ("2026-01-01", [])):
        with open(room / "b.jsonl", "a") as out:
            out.write(json.dumps({"at": at, "notebook": notebook}) + "\n")
    page = class_page.page(*classroom.read(room), datetime.now(UTC))
    assert "&lt;b&gt;" in page and "<b>" not in page and "1 learner" in page


def test_where_there_is_no_page_it_says_why(room, monkeypatch):
    for missing in ("", str(room / "gone")):
        assert class_page.answer(missing).startswith("There is no class here")
    assert "0 learners" in class_page.answer(str(room))
    monkeypatch.setattr(class_page.os, "access", lambda _folder, _mode: False)
    assert "for the instructor" in class_page.answer(str(room))
