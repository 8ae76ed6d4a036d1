"""Thirty learners on one server hold the images once: the kernel's own books say so."""

import subprocess
import sys

import numpy as np
import psutil
import pytest

from labkit.data import store

IMAGES = 3_000
READER = """
import sys
from labkit.data import ImageSet, store
from labkit.data.loaders import BatchLoader

stored = store.find("shared", "0123456789abcdef")
images, labels = stored.images["train"], stored.labels["train"]
learn = ImageSet(images, labels, stored.classes, source="noise")
total = sum(float(images.sum()) for images, _labels in BatchLoader(learn, 50, shuffle=True))
print(total, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def entry(monkeypatch, tmp_path):
    """Return the path of an entry of noise in a cache of its own."""
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path))
    noise = np.random.default_rng(0).integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(IMAGES) % 2
    arrays = store.Arrays(noise, labels, noise[:10], labels[:10], ("cat", "dog"))
    store.cached("shared", "0123456789abcdef", lambda: arrays)
    return tmp_path / "shared-0123456789abcdef"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells who shares what")
def test_processes_that_train_on_the_same_images_share_every_page_of_them(entry):
    file = entry / "train_images.npy"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _reader in range(2)
    ]
    try:
        totals = {reader.stdout.readline() for reader in readers}  # both have seen an epoch
        pages = [_pages(reader.pid, file) for reader in readers]
    finally:
        for reader in readers:
            reader.communicate()
    assert len(totals) == 1 and float(totals.pop())
    for mapped in pages:
        assert mapped.shared_clean + mapped.shared_dirty >= file.stat().st_size
        assert mapped.private_clean == mapped.private_dirty == mapped.anonymous == 0


def _pages(process, file):
    maps = psutil.Process(process).memory_maps(grouped=False)
    (mapped,) = [one for one in maps if one.path == str(file)]
    return mapped
