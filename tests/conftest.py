"""Tests use the drawn pictures and touch nothing of the person who runs them."""

import os
import shutil
import tempfile
from pathlib import Path

OURS = "LABKIT_TEST_HOME"


def pytest_configure(config):
    """Point cache, choice and checkpoints to one temporary folder, shared by all workers."""
    os.environ.setdefault("LABKIT_DATA", "drawn")
    if OURS in os.environ:
        return
    home = Path(tempfile.mkdtemp(prefix="labkit-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    config.add_cleanup(lambda: os.environ.pop(OURS))
    os.environ[OURS] = str(home)
    os.environ["LABKIT_CHECKPOINTS"] = str(home / "checkpoints")
    os.environ["LABKIT_CONFIG"] = str(home / "config")
    os.environ.setdefault("LABKIT_CACHE", str(home / "cache"))
