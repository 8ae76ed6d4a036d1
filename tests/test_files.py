"""Where a learner's own files go when the usual place is not there."""

import os
from pathlib import Path

import platformdirs
import pytest

from labkit import files
from labkit.checks.engine import board
from labkit.training import checkpoint


@pytest.fixture
def read_only(tmp_path, monkeypatch):
    """Work in a folder that cannot be written, in whoever's name the tests run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABKIT_CHECKPOINTS", raising=False)
    monkeypatch.delenv("LABKIT_PROGRESS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and real(path, mode))


def test_work_goes_to_the_folder_one_is_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert files.place("checkpoints") == Path("checkpoints")


def test_where_the_workshop_is_read_only_checkpoints_and_board_go_to_ones_own_folder(read_only):
    own = files.ours("data")
    assert own.is_absolute() and not own.is_relative_to(Path.cwd() / "checkpoints")
    assert checkpoint.folder() == own / "checkpoints"
    assert board.path() == own / "progress.json"


def _raise(*_names, **_options):
    raise RuntimeError("could not determine the home directory for '~/.cache'")


def _leave(*_names, **_options):
    return Path("~/.cache/labkit")


@pytest.mark.parametrize("platform", [_raise, _leave], ids=["newer", "older"])
def test_without_a_home_there_is_a_folder_all_the_same(platform, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_cache_path", platform)
    assert files.ours("cache").is_absolute()
    assert "~" not in str(files.ours("cache"))
