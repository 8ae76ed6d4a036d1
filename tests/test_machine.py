"""What is found out about a machine, tried on files and settings made for it."""

import multiprocessing
import sys
from pathlib import Path

import pytest

from labkit import machine


@pytest.fixture(autouse=True)
def photographs_or_none(monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_DATA", "drawn")
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache" / "not there yet"))


def test_the_facts_of_this_machine_are_complete(tmp_path):
    facts = machine.gather()
    assert facts.python == sys.version_info[:3]
    assert facts.torch and facts.torchvision and facts.ipywidgets
    assert facts.source == "drawn"
    assert facts.folder == str(tmp_path / "cache" / "not there yet")
    assert facts.disk > 0 and facts.memory > 0


def test_looking_writes_nothing(tmp_path):
    machine.gather()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_becomes_a_problem_in_words(monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path / "cats"))
    facts = machine.gather()
    assert facts.source is None
    assert "cats" in facts.source_problem


def test_without_torch_the_rest_is_still_looked_at(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # makes "import torch" an ImportError
    facts = machine.gather()
    assert facts.torch is None
    assert (facts.source, facts.source_problem) == (None, "waits for torch")
    assert facts.disk > 0


def test_a_torchvision_that_does_not_fit_its_torch_counts_as_missing(monkeypatch):
    def refuse(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(machine.importlib, "import_module", refuse)
    assert machine._imported("torchvision") is None


@pytest.mark.parametrize(
    ("limit", "expected"), [("2000000000", 500_000_000), ("max", None), (None, None)]
)
def test_free_memory_is_no_more_than_the_container_allows(tmp_path, monkeypatch, limit, expected):
    import psutil

    if limit:
        (tmp_path / "memory.max").write_text(limit + "\n")
        (tmp_path / "memory.current").write_text("1500000000\n")
    free = type("Free", (), {"available": 8 * 10**9})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    assert machine._free_memory(tmp_path) == (expected or 8 * 10**9)


def test_a_system_without_shared_memory_has_none(tmp_path):
    assert machine._free_shared_memory(tmp_path / "none") is None
    assert machine._free_shared_memory(tmp_path) > 0


def test_looking_at_the_start_method_does_not_fix_it(monkeypatch):
    monkeypatch.setattr(multiprocessing.context._default_context, "_actual_context", None)
    machine._start_method()
    assert multiprocessing.get_start_method(allow_none=True) is None


@pytest.mark.parametrize(
    ("shared", "cores", "workers"),
    [(64 * 10**6, 8, 2), (None, 8, 2), (64 * 10**6, 1, 1), (10**6, 8, 0)],
)
def test_workers_are_tried_only_where_they_can_work(monkeypatch, shared, cores, workers):
    monkeypatch.setattr(machine, "_free_shared_memory", lambda: shared)
    monkeypatch.setattr(machine, "_cores", lambda: cores)
    assert machine.usable_workers(2) == workers


def test_a_cache_that_cannot_be_written_serves_only_if_it_holds_pictures(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert machine.gather().cache_serves
    for unusable in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("LABKIT_CACHE", str(unusable))
        assert not machine.gather().cache_serves
    monkeypatch.setattr(machine, "_holds_pictures", lambda: True)
    assert machine.gather().cache_serves


def test_a_place_where_we_may_not_look_counts_as_not_there(monkeypatch, tmp_path):
    def refuse(_path, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    assert machine._existing(tmp_path / "a" / "b") == tmp_path


def test_a_folder_not_made_yet_is_on_the_disk_of_its_parent(tmp_path):
    assert machine._existing(tmp_path / "a" / "b") == tmp_path
    assert machine._existing(Path("nowhere at all")) == Path.cwd()
