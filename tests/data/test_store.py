"""The cache: made once, mapped by all, never half-written."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from labkit.data import store
from labkit.data.store import Arrays, DataError

KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def root(monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "_kept", {})
    return tmp_path / "cache"


def arrays(colour: int = 7) -> Arrays:
    return Arrays(
        np.full((22, 32, 32, 3), colour, np.uint8),
        np.arange(22) % 2,
        np.full((4, 32, 32, 3), colour, np.uint8),
        np.arange(4) % 2,
        ("Käse", "dog"),
        ("a.jpg: damaged",),
    )


def never() -> Arrays:
    pytest.fail("made again")


def test_an_entry_is_made_once_and_split_in_three(root):
    for make in (arrays, never):
        stored = store.cached("x", KEY, make)
        assert {part: len(labels) for part, labels in stored.labels.items()} == {
            "train": 20,
            "validation": 2,
            "test": 4,
        }
        assert stored.classes == ("Käse", "dog")
        assert stored.skipped == ("a.jpg: damaged",)
        assert (stored.images["train"] == 7).all()


def test_a_learner_may_write_to_the_images_and_nobody_else_sees_it(root):
    store.cached("x", KEY, arrays).images["train"][:] = 0
    assert (store.cached("x", KEY, never).images["train"] == 7).all()


def test_other_users_may_read_what_is_kept_and_take_the_lock(root):
    old = os.umask(0o077)
    try:
        store.cached("x", KEY, arrays)
    finally:
        os.umask(old)
    modes = {root: 0o755, root / f"x-{KEY}": 0o755, root / ".x.lock": 0o666}
    modes |= dict.fromkeys((root / f"x-{KEY}").iterdir(), 0o644)
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in modes} == modes


def test_a_class_may_download_into_a_cache_that_is_open_to_it(root):
    root.mkdir(exist_ok=True)
    root.chmod(0o1777)
    assert stat.S_IMODE(store.downloads().stat().st_mode) == 0o1777


def test_older_entries_of_the_same_name_are_removed_and_nothing_else(root):
    store.cached("x", "f" * 16, arrays)
    store.cached("xy", "f" * 16, arrays)
    (root / "x-my-own-things").mkdir()
    store.cached("x", KEY, arrays)
    left = {path.name for path in root.iterdir() if not path.name.startswith(".")}
    assert left == {f"x-{KEY}", "xy-" + "f" * 16, "x-my-own-things"}


def _file_instead(entry: Path) -> None:
    shutil.rmtree(entry)
    entry.write_text("not a folder")


def _other_format(entry: Path) -> None:
    meta = json.loads((entry / "meta.json").read_text("utf-8"))
    (entry / "meta.json").write_text(json.dumps({**meta, "format": 99}), "utf-8")


DAMAGES = {
    "truncated": lambda entry: os.truncate(entry / "train_images.npy", 5_000),
    "empty": lambda entry: (entry / "test_labels.npy").write_bytes(b""),
    "a part missing": lambda entry: (entry / "validation_labels.npy").unlink(),
    "garbled": lambda entry: (entry / "meta.json").write_bytes(b"\xff{"),
    "a pickle": lambda entry: np.save(entry / "train_labels.npy", np.array([{}])),
    "another format": _other_format,
    "a list as meta": lambda entry: (entry / "meta.json").write_text("[1, 2]"),
    "labels out of range": lambda entry: np.save(entry / "train_labels.npy", np.full(20, 2)),
    "fewer labels": lambda entry: np.save(entry / "train_labels.npy", np.zeros(3, np.int64)),
    "floats": lambda entry: np.save(entry / "train_images.npy", np.zeros((20, 32, 32, 3))),
    "a file instead": _file_instead,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_noticed_and_made_again(root, damage, capsys):
    store.cached("x", KEY, arrays)
    damage(root / f"x-{KEY}")
    assert store.find("x", KEY) is None
    assert (store.cached("x", KEY, lambda: arrays(9)).images["test"] == 9).all()
    assert "are damaged" in capsys.readouterr().err
    assert (store.cached("x", KEY, never).images["test"] == 9).all()


def test_a_full_disk_leaves_nothing_half_written_and_the_lesson_goes_on(root, monkeypatch, capsys):
    store.cached("x", "f" * 16, arrays)
    calls = []

    def full(*args, **kwargs):
        calls.append(args)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    for make in (lambda: arrays(9), never):
        assert (store.cached("x", KEY, make).images["test"] == 9).all()
    said = capsys.readouterr().err
    assert said.count("No space left on device") == 1
    assert "LABKIT_CACHE" in said
    assert [path.name for path in root.glob("x-*")] == ["x-" + "f" * 16]
    assert not list(root.glob(".x.*/"))


def test_a_cache_that_may_not_be_written_is_said_and_the_lesson_goes_on(root, monkeypatch, capsys):
    def refuse(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(store, "FileLock", refuse)
    for make in (arrays, never):
        assert (store.cached("x", KEY, make).images["test"] == 7).all()
    said = capsys.readouterr().err
    assert said.count("Permission denied") == 1
    assert str(root) in said


def test_an_error_of_the_source_leaves_nothing_behind(root):
    def fail():
        raise DataError("no image")

    with pytest.raises(DataError, match="no image"):
        store.cached("x", KEY, fail)
    assert [path.name for path in root.iterdir()] == [".x.lock"]
    store.cached("x", KEY, arrays)


def test_too_few_images_to_validate_with_is_said():
    few = arrays()._replace(
        train_images=np.zeros((2, 32, 32, 3), np.uint8), train_labels=np.arange(2)
    )
    with pytest.raises(DataError, match="three of each class are enough"):
        store.split(few)


def _start(target, *arguments):
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    process.start()
    return process


def _make_slowly(root: Path) -> None:
    def make() -> Arrays:
        (root / f"made by {os.getpid()}").touch()
        time.sleep(0.5)
        return arrays()

    assert (store.cached("x", KEY, make).images["train"] == 7).all()


@pytest.mark.fork
def test_processes_that_ask_at_once_make_it_once(root):
    root.mkdir()
    processes = [_start(_make_slowly, root) for _number in range(3)]
    for process in processes:
        process.join(20)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(list(root.glob("made by *"))) == 1


def _hang_while_writing(_root: Path) -> None:
    np.save = lambda path, *_args, **_kwargs: (Path(path).write_bytes(b"half"), time.sleep(60))
    store.cached("x", KEY, lambda: arrays(9))


@pytest.mark.fork
def test_a_process_killed_while_writing_leaves_the_last_good_state(root):
    store.cached("x", "f" * 16, arrays)
    process = _start(_hang_while_writing, root)
    while not list(root.glob(".x.*/*.npy")):
        assert process.is_alive()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join(5)
    assert store.find("x", "f" * 16) and not store.find("x", KEY)
    assert (store.cached("x", KEY, lambda: arrays(5)).images["test"] == 5).all()
    assert not list(root.glob(".x.*/"))


def test_an_error_without_a_reason_is_a_full_disk():
    text = store.cannot_write(OSError("1787904 requested and 286592 written"))  # NumPy's
    assert "the disk is probably full" in text
