"""Tests use the drawn pictures and touch nothing of the person who runs them."""

import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

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


@pytest.fixture
def no_gpu(monkeypatch):
    """Let PyTorch find no GPU, whatever the machine has."""
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
