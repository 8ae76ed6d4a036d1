"""Tests use the drawn pictures and touch nothing of the person who runs them."""

import importlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from filelock import FileLock
from PIL import Image

from labkit.data import load

OURS = "LABKIT_TEST_HOME"
LONGEST = ("test_sections", "notebooks/", "test_distributed", "test_install")
"""Files that come first, so that no worker is left with a long one when the others are done."""


def pytest_configure(config):
    """Point cache, choice and checkpoints to one temporary folder, shared by all workers."""
    os.environ.setdefault("LABKIT_DATA", "drawn")
    config.pluginmanager.register(_FewerImages())
    if OURS in os.environ:
        return
    home = Path(tempfile.mkdtemp(prefix="labkit-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    config.add_cleanup(lambda: os.environ.pop(OURS))
    os.environ[OURS] = str(home)
    os.environ["LABKIT_CHECKPOINTS"] = str(home / "checkpoints")
    os.environ["LABKIT_CONFIG"] = str(home / "config")
    os.environ.setdefault("LABKIT_CACHE", str(home / "cache"))


class _FewerImages:
    """Let nbval run with ``few`` images the notebook that trains most and asserts no accuracy."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        with pytest.MonkeyPatch.context() as patch:
            if "08_faster.ipynb" in item.nodeid:
                patch.setenv("LABKIT_DATA", str(_some("my pictures", 60)))
            return (yield)


def pytest_collection_modifyitems(items):
    """Begin with what takes long; leave out what a system without fork or alarms cannot run."""
    items.sort(key=lambda item: not any(name in item.nodeid for name in LONGEST))
    for item in items:
        for mark, module in (("fork", os), ("alarm", signal)):
            if item.get_closest_marker(mark) and not hasattr(module, mark):
                item.add_marker(pytest.mark.skip(reason=f"this system has no {mark}"))


@pytest.fixture(autouse=True)
def in_english(monkeypatch):
    """Let every test begin in English, whatever language its terminal speaks."""
    monkeypatch.delenv("LABKIT_LANGUAGE", raising=False)


@pytest.fixture(scope="session")
def few():
    """A folder of images, as a learner would bring it: 60 of each class, and 30 to test with.

    They are drawn ones. nbval runs the notebooks with all of them; here the kind counts.
    """
    return _some("my pictures", 60)


@pytest.fixture(scope="session")
def fewer():
    """A third of ``few``, for what has to run, and need not learn."""
    return _some("fewer pictures", 20)


def _some(name: str, count: int) -> Path:
    folder = Path(os.environ["LABKIT_CONFIG"]).with_name(name)  # for all workers
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            _write_some(folder, count, *load("drawn"))
    return folder


def _write_some(folder: Path, count: int, train, _validation, test) -> None:
    for name, part, each in (("train", train, count), ("test", test, count // 2)):
        for label, kind in enumerate(part.classes):
            (folder / name / kind).mkdir(parents=True)
            members = [n for n, target in enumerate(part.targets) if target == label]
            for n in members[:each]:
                Image.fromarray(part.data[n]).save(folder / name / kind / f"{n}.png")


@pytest.fixture
def no_gpu(monkeypatch):
    """Let PyTorch find no GPU, whatever the machine has."""
    importlib.import_module("torch._dynamo")  # SGD does at its first step, and wraps what is here
    monkeypatch.delenv("LABKIT_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.xpu, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def two_cards(no_gpu, monkeypatch):
    """Let PyTorch find two cards, by name and memory: nothing can be computed on them."""
    cards = [SimpleNamespace(name=f"Card {letter}", total_memory=8 * 10**9) for letter in "AB"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(cards))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: cards[number])
