"""Items signed by the worker that made them, however workers start."""

import json
import multiprocessing
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from torch.utils.data import DataLoader

from labkit.data import load, workers
from labkit.data.workers import SignedItems, usable_workers

MB = 10**6
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "02_dataloader.ipynb"


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_two_workers_take_turns_with_whole_batches_however_they_start(method):
    loader = DataLoader(SignedItems(16), 4, num_workers=2, multiprocessing_context=method)
    assert [batch.tolist() for batch in loader] == [[0] * 4, [1] * 4, [0] * 4, [1] * 4]


def test_without_workers_the_main_process_signs():
    assert [batch.tolist() for batch in DataLoader(SignedItems(8), 4)] == [[-1] * 4, [-1] * 4]


@pytest.mark.parametrize(
    ("shared", "cores", "usable"), [(64 * MB, 8, 2), (None, 8, 2), (64 * MB, 1, 1), (MB, 8, 0)]
)
def test_workers_are_used_only_where_they_can_work(monkeypatch, tmp_path, shared, cores, usable):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=shared))
    monkeypatch.setattr(workers, "cores", lambda: cores)
    assert usable_workers(2, tmp_path if shared else tmp_path / "none") == usable


def test_a_spawned_worker_hands_over_images_of_a_set():
    from torchvision.transforms import ToTensor

    test_set = load("drawn", transform=ToTensor()).test
    test_set.targets, test_set.data = test_set.targets[:8], test_set.data[:8]
    loader = DataLoader(test_set, 4, num_workers=1, multiprocessing_context="spawn")
    assert [list(images.shape) for images, _labels in loader] == [[4, 3, 32, 32]] * 2


def test_the_lines_that_the_notebook_shows_are_those_of_the_class():
    import inspect

    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    source = inspect.getsource(SignedItems.__getitem__)
    assert all(line.strip() in text for line in source.splitlines()[1:])
