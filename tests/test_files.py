"""Where a learner's own files go when the usual place is not there."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs
import pytest

from labkit import files
from labkit.checks.engine import board
from labkit.training import checkpoint


@pytest.fixture
def read_only(tmp_path, monkeypatch):
    """Work in a folder that cannot be written, in whoever's name the tests run."""
    (tmp_path / "workshop").mkdir()
    monkeypatch.chdir(tmp_path / "workshop")
    monkeypatch.delenv("LABKIT_CHECKPOINTS")
    monkeypatch.delenv("LABKIT_PROGRESS", raising=False)
    monkeypatch.setattr(files, "own_folder", lambda kind: tmp_path / "home" / kind)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return _deny(monkeypatch, lambda path: Path(path).absolute().is_relative_to(Path.cwd()))


def _deny(monkeypatch, what):
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: real(path, mode) and not (mode == os.W_OK and what(path))
    )


def test_work_goes_to_the_folder_one_is_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABKIT_CHECKPOINTS")
    assert files.work() == Path("checkpoints") and not files.work().exists()
    assert checkpoint.folder() == Path("checkpoints") and files.work().is_dir()
    Path("notebooks").mkdir()
    Path("notebooks/00_setup.ipynb").touch()  # as a preflight in a terminal sees it
    assert files.work() == Path("notebooks/checkpoints")


def test_a_learner_who_changes_the_language_goes_on_with_their_own_work(tmp_path, monkeypatch):
    monkeypatch.delenv("LABKIT_CHECKPOINTS")
    monkeypatch.delenv("LABKIT_PROGRESS", raising=False)
    found = set()
    for name in ("notebooks", "notebooks/es", "notebooks/pt_BR"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        found.add((checkpoint.folder().resolve(), board.path().resolve()))
    home = tmp_path / "notebooks"
    assert found == {(home / "checkpoints", home / "progress.json")}


def test_where_the_workshop_is_read_only_checkpoints_and_board_go_to_ones_own_folder(read_only):
    own = files.own_folder("data")
    assert checkpoint.folder() == own / "checkpoints"
    assert board.path() == own / "progress.json"


def test_where_no_folder_of_ones_own_can_be_written_either_work_is_temporary(
    read_only, monkeypatch, tmp_path
):
    (tmp_path / "home").mkdir()
    _deny(monkeypatch, lambda path: Path(path) == tmp_path / "home")
    work = files.work()
    assert work.parts[-2:] == ("data", "checkpoints") and "labkit-" in work.parts[-3]
    _deny(monkeypatch, lambda path: True)
    assert files.work() == Path("checkpoints")  # and whoever writes there is told


def _raise(*_names, **_options):
    raise RuntimeError("could not determine the home directory for '~/.cache'")


def _leave(*_names, **_options):
    return Path("~/.cache/labkit")


@pytest.mark.parametrize("platform", [_raise, _leave], ids=["newer", "older"])
def test_without_a_home_there_is_a_folder_all_the_same(platform, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_cache_path", platform)
    assert files.own_folder("cache").is_absolute()
    assert "~" not in str(files.own_folder("cache"))


def test_a_place_where_we_may_not_look_counts_as_not_there(monkeypatch, tmp_path):
    def refuse(_path, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    assert files.existing(tmp_path / "a" / "b") == tmp_path


def test_a_folder_not_made_yet_is_on_the_disk_of_its_parent(tmp_path):
    assert files.existing(tmp_path / "a" / "b") == tmp_path
    assert files.existing(Path("nowhere at all")) == Path.cwd()
    assert files.existing(Path("..", "nowhere at all")) == Path.cwd().parent


ON_A_SMALL_DISK = """
mount -t tmpfs -o size=2m none {disk} && cat /dev/zero > {disk}/all 2>/dev/null
cd {disk} && TMPDIR={disk}/.. LABKIT_CHECKPOINTS= {python} -c '
import torch
from pathlib import Path
from labkit import files
from labkit.training import checkpoint

assert files.full(Path("not/yet")) and not files.full(Path("..")), "full"
assert not checkpoint.folder().is_relative_to(Path.cwd())
torch.save({{}}, checkpoint.folder() / "weights.pt")
'
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk")
def test_on_a_full_disk_checkpoints_go_where_there_is_room_and_a_notice_says_so_once(tmp_path):
    alone = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a disk of their own")
    (tmp_path / "disk").mkdir()
    disk, python = shlex.quote(str(tmp_path / "disk")), shlex.quote(sys.executable)
    script = ON_A_SMALL_DISK.format(disk=disk, python=python)
    done = subprocess.run([*alone, "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is full: no room is left") == 1
    assert len(list(tmp_path.glob("labkit-*/data/checkpoints/weights.pt"))) == 1


def test_a_folder_that_may_not_be_written_is_not_called_full(monkeypatch):
    def refuse(**_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert not files.full(Path.cwd()) and files.unwritable(Path.cwd()) == "locked"
