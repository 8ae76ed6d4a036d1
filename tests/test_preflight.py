"""The preflight: every row in every state, on a computer made up for it."""

import importlib
import io
import multiprocessing
import platform
import re
import shutil
from types import SimpleNamespace
from unittest.mock import Mock

import psutil
import pytest

from labkit import data, device, preflight
from labkit.preflight import CARE, FIX, READY, run

REALLY = {name: getattr(preflight, name) for name in ("_imported", "_cached", "_free_memory")}
ENOUGH = 50 * 10**9


@pytest.fixture(autouse=True)
def computer(monkeypatch, tmp_path):
    """Make up a computer on which all is well; return what changes it, as in ``(disk=0)``."""
    shm, look = tmp_path / "shm", preflight._shared_memory
    shm.mkdir()

    def change(
        python="3.12.1",
        torch="2.6.0",
        torchvision="0.21.0",
        gpu=None,
        driver=None,
        source="cifar10",
        cached=("cifar10",),
        disk=ENOUGH,
        memory=ENOUGH,
        shared=ENOUGH,
        method="fork",
        ipywidgets="8.1.9",
        lab_widgets="3.0.17",
    ):
        versions = {"torch": torch, "torchvision": torchvision}
        installed = {"ipywidgets": ipywidgets, "jupyterlab_widgets": lab_widgets}
        devices = [device.Device("cpu", "CPU"), *([device.Device("cuda:0", gpu)] if gpu else [])]
        for room, name, answer in [
            (platform, "python_version", lambda: python),
            (preflight, "_imported", versions.get),
            (preflight, "_installed", installed.get),
            (preflight, "_cached", lambda: list(cached)),
            (preflight, "_free_memory", lambda: memory),
            (preflight, "_shared_memory", lambda: look(shm if shared else tmp_path / "none")),
            (device, "available", lambda: devices),
            (shutil, "which", lambda _name: driver),
            (shutil, "disk_usage", lambda path: free(shared if path == shm else disk)),
            (multiprocessing, "get_start_method", lambda allow_none: method),
        ]:
            monkeypatch.setattr(room, name, answer)
        monkeypatch.setenv("LABKIT_DATA", str(source))

    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache" / "not there yet"))
    change()
    return change


def free(size):
    """Return what the system says of a disk."""
    return SimpleNamespace(free=size)


def row(name):
    return next(row for row in run().rows if row.name == name)


def test_a_good_computer_is_ready_in_every_row_and_has_nothing_to_do():
    report = run()
    assert [row.name for row in report.rows] == [
        "Python",
        "torch",
        "device",
        "data",
        "disk space",
        "your work",
        "memory",
        "/dev/shm",
        "workers",
        "widgets",
    ]
    assert {row.state for row in report.rows} == {READY}
    assert not any(row.advice for row in report.rows)
    assert report.summary() == "Everything is ready."


@pytest.mark.parametrize(
    ("name", "facts", "state", "advice"),
    [
        ("Python", {"python": "3.10.14"}, FIX, "3.11 or newer"),
        ("torch", {"torch": None}, FIX, "torchvision"),
        ("torch", {"torchvision": None}, FIX, "Install both in one command"),
        ("device", {"driver": "/usr/bin/nvidia-smi"}, CARE, "torch with CUDA"),
        ("data", {"source": "/nowhere/cats"}, FIX, "Choose"),
        ("data", {"torch": None}, FIX, "torch first"),
        ("data", {"cached": ()}, CARE, "170 MB"),
        ("data", {"source": "auto", "cached": ["drawn"]}, CARE, "with a network"),
        ("disk space", {"disk": 1.9e9}, CARE, "2.0 GB"),
        ("disk space", {"disk": 0.4e9}, FIX, "LABKIT_CACHE"),
        ("memory", {"memory": 1.1e9}, CARE, "Shut down"),
        ("memory", {"memory": 0.5e9}, FIX, "Shut down"),
        ("/dev/shm", {"shared": 64 * 10**6}, CARE, "num_workers=0"),
        ("workers", {"method": "spawn"}, CARE, ".py file"),
        ("workers", {"method": "forkserver"}, CARE, ".py file"),
        ("widgets", {"ipywidgets": None}, FIX, "pip install"),
        ("widgets", {"ipywidgets": "7.8.1"}, FIX, "pip install"),
        ("widgets", {"lab_widgets": None}, CARE, "jupyterlab_widgets"),
        ("widgets", {"lab_widgets": "1.1.7"}, CARE, "jupyterlab_widgets"),
    ],
)
def test_what_is_wrong_is_named_with_one_thing_to_do(computer, name, facts, state, advice):
    computer(**facts)
    judged = row(name)
    assert judged.state == state
    assert advice in judged.advice


@pytest.mark.parametrize(
    ("name", "facts", "found"),
    [
        ("Python", {"python": "3.11.0"}, "3.11.0"),
        ("Python", {"python": "3.15.0b1"}, "3.15.0b1"),
        ("device", {"gpu": "Card", "driver": "/usr/bin/nvidia-smi"}, "Card"),
        ("device", {"torch": None}, "CPU"),
        ("data", {"source": "drawn", "cached": ()}, "drawn"),
        ("data", {"source": "auto"}, "CIFAR-10"),
        ("disk space", {"disk": 2.0e9}, "2.0 GB"),
        ("disk space", {"torch": None}, "50.0 GB"),
        ("memory", {"memory": 1.2e9}, "1.2 GB"),
        ("/dev/shm", {"shared": None}, "not used"),
    ],
)
def test_what_is_good_enough_is_ready(computer, name, facts, found):
    computer(**facts)
    judged = row(name)
    assert (judged.state, judged.advice) == (READY, "")
    assert found in judged.found


def test_a_folder_of_ones_own_is_ready_where_it_holds_classes(computer, tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        (tmp_path / "pets" / name / "1.jpg").touch()
    computer(source=tmp_path / "pets", cached=())
    assert (row("data").state, row("data").found) == (READY, f"the images in {tmp_path / 'pets'}")
    (tmp_path / "pets" / "dog" / "1.jpg").unlink()
    assert row("data").state == FIX and "dog has no images" in row("data").found


def test_the_real_computer_has_every_row_and_nothing_is_written(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setenv("LABKIT_DATA", "drawn")
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "real" / "not there yet"))
    before = set(tmp_path.rglob("*"))
    rows = run().rows
    assert len(rows) == 10 and all(row.found for row in rows)
    assert not {"Python", "torch", "data", "widgets"} & {r.name for r in rows if r.state == FIX}
    assert set(tmp_path.rglob("*")) == before


def test_a_torchvision_that_does_not_fit_its_torch_counts_as_missing(monkeypatch):
    def refuse(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(importlib, "import_module", refuse)
    assert REALLY["_imported"]("torchvision") is None


@pytest.mark.parametrize(
    ("limit", "expected"), [("2000000000", 500_000_000), ("max", None), (None, None)]
)
def test_free_memory_is_no_more_than_the_container_allows(tmp_path, monkeypatch, limit, expected):
    if limit:
        (tmp_path / "memory.max").write_text(limit + "\n")
        (tmp_path / "memory.current").write_text("1500000000\n")
    free = SimpleNamespace(available=8 * 10**9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    assert REALLY["_free_memory"](tmp_path) == (expected or 8 * 10**9)


def test_looking_at_the_start_method_does_not_fix_it(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(multiprocessing.context._default_context, "_actual_context", None)
    preflight._workers()
    assert multiprocessing.get_start_method(allow_none=True) is None


def test_a_cache_that_cannot_be_written_is_ready_only_if_it_holds_images(
    computer, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("no folder")
    for unusable in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("LABKIT_CACHE", str(unusable))
        computer(cached=())
        assert row("disk space").state == CARE and "LABKIT_CACHE" in row("disk space").advice
        computer(cached=["drawn"])
        assert row("disk space").state == READY


def test_the_summary_counts_what_to_fix_before_what_to_take_care_of(computer):
    computer(method="spawn")
    assert run().summary() == "You can start. 1 thing is worth knowing."
    computer(method="spawn", python="3.10.1", disk=0)
    assert run().summary() == "3 things to fix before you start."


def cells(page):
    """Return the text of each cell, row by row, and the scopes of the headings."""
    rows = [re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row) for row in page.split("<tr>")[1:]]
    texts = [[re.sub("<.*?>", "", cell) for cell in row] for row in rows]
    return texts, re.findall('scope="(.*?)"', page)


def test_the_table_says_each_state_in_a_sign_and_a_word_and_not_by_colour_alone(computer):
    computer(disk=0, method="spawn")
    page = run()._repr_html_()
    rows, scopes = cells(page[page.index("<details>") :])
    states = {line[0]: line[1] for line in rows[1:]}
    assert states["Python"] == "✓ ready"
    assert states["workers"] == "! take care"
    assert states["disk space"] == "✗ fix"
    assert scopes == ["col"] * 4 + ["row"] * 10


def test_what_needs_attention_is_shown_before_the_fold_and_nothing_else(computer):
    computer(disk=0, method="spawn")
    page = run()._repr_html_()
    rows, _scopes = cells(page[: page.index("<details>")])
    assert [line[0] for line in rows[1:]] == ["disk space", "your work", "workers"]
    computer()
    ready = run()._repr_html_()
    assert "<table" not in ready[: ready.index("<details>")]
    assert "Everything is ready." in ready[: ready.index("<details>")]


def test_a_path_with_angle_brackets_is_shown_and_not_run(monkeypatch):
    monkeypatch.setenv("LABKIT_CACHE", "/tmp/<script>alert(1)</script>")
    page = run()._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_as_plain_text_each_row_is_a_line_with_its_advice(computer):
    computer(torch=None)
    lines = str(run()).splitlines()
    assert len(lines) == 11
    assert lines[2].startswith("✗ fix        torch: torch not found")
    assert "-> Install both" in lines[2]


def test_every_badge_can_be_read():
    for _sign, colour in preflight._LOOKS.values():
        assert contrast_with_white(colour) >= 4.5


def contrast_with_white(colour):
    """Return the contrast ratio of WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 1.05 / (sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) + 0.05)


def test_on_a_terminal_the_report_is_plain_lines_and_the_exit_code_says_if_something_is_to_fix(
    computer, capsys
):
    assert preflight.main() == 0
    assert capsys.readouterr().out == f"{run()}\n"
    computer(disk=10**6)
    assert preflight.main() == 1
    assert "to fix before you start" in capsys.readouterr().out


@pytest.mark.parametrize("error", [None, data.DataError("No network.")])
def test_it_fetches_the_images_if_asked_and_reports_all_the_same(monkeypatch, capsys, error):
    asked = Mock(side_effect=error)
    monkeypatch.setattr(data, "load", asked)
    assert preflight.main() == 0
    asked.assert_not_called()
    capsys.readouterr()
    assert preflight.main("--images") == 0
    asked.assert_called_once_with("cifar10")
    assert capsys.readouterr().out == ("No network.\n" if error else "") + f"{run()}\n"


def test_a_terminal_without_check_marks_prints_the_report_all_the_same(monkeypatch):
    old = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", old)
    assert preflight.main() == 0
    old.flush()
    assert b"? ready      Python" in old.buffer.getvalue()


def test_work_that_cannot_stay_beside_the_notebooks_is_worth_a_look(monkeypatch, tmp_path):
    monkeypatch.delenv("LABKIT_CHECKPOINTS", raising=False)
    monkeypatch.setattr(preflight, "work", lambda: tmp_path / "data" / "checkpoints")
    monkeypatch.setattr(preflight, "own_folder", lambda kind: tmp_path / kind)
    row = preflight._work()
    assert row.state == preflight.CARE and "copy the workshop" in row.advice
