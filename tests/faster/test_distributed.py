"""Two processes against one, and against a worker that is killed."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from labkit.faster import distributed
from labkit.faster.distributed import command, launch, main
from labkit.model import Net
from labkit.training import checkpoint

RECIPE = ["--epochs", "4", "--batch-size", "24", "--learning-rate", "0.02"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of three classes, 60 pictures each, told apart by their colour."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    for label, name in enumerate(["red", "green", "blue"]):
        (folder / name).mkdir()
        for number in range(60):
            pixels = generator.integers(0, 200, (32, 32, 3), dtype=np.uint8)
            pixels[..., label] += 40
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def options(folder, path, *more):
    return ["--source", str(folder), "--checkpoint", str(path), "--save-every", "5", *more]


def weights(path):
    return checkpoint.load(path).model


def largest_difference(one, other):
    return max((one[name] - other[name]).abs().max().item() for name in one)


def straight(folder, path, *recipe):
    """Return the weights after ``recipe`` in one process, this one."""
    main(options(folder, path, *recipe))
    return weights(path)


def test_two_processes_go_on_to_the_weights_of_one_at_the_same_batch_and_leave_no_litter(
    folder, tmp_path, monkeypatch
):
    path, litter = tmp_path / "moved.pt", tmp_path / "temporary"
    main(options(folder, path, *RECIPE, "--steps", "9"))
    litter.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(litter))
    result = launch(2, *options(folder, path, *RECIPE))
    assert result.returncode == 0, result.stderr
    assert "resumed at step 9" in result.stdout
    assert "epoch 4: validation accuracy" in result.stdout
    assert list(litter.iterdir()) == []
    one = straight(folder, tmp_path / "one.pt", *RECIPE)
    assert largest_difference(one, weights(path)) < 1e-6
    torch.manual_seed(0)
    assert largest_difference(one, Net(3).state_dict()) > 1e-3, "nothing was learned"


def test_a_batch_that_cannot_be_shared_evenly_is_refused_in_words(folder, tmp_path):
    asked = distributed._options(options(folder, tmp_path / "odd.pt", "--batch-size", "5"))
    with pytest.raises(ValueError, match="A batch of 5 cannot be shared evenly by 2 processes."):
        distributed.prepare(distributed.Process(0, 2, torch.device("cpu")), asked)


WAITS = "import time; print('before', flush=True); time.sleep(600)"
COMPUTES = "import time\nwhile time.process_time() < 1.5: pass\nprint('done')"


def test_what_waits_for_ever_is_ended_and_says_so(monkeypatch):
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WAITS!r}])"
    monkeypatch.setattr(distributed, "command", lambda *_: [sys.executable, "-c", parent])
    result = launch(2, limit=1)
    assert result.returncode == 124 and "before" in result.stdout
    assert "Ended, because nothing was computed for 1 seconds." in result.stderr


def test_what_computes_slowly_on_a_busy_machine_goes_on_to_its_end(monkeypatch):
    monkeypatch.setattr(distributed, "command", lambda *_: [sys.executable, "-c", COMPUTES])
    result = launch(2, limit=1)
    assert result.returncode == 0 and "done" in result.stdout


def test_after_a_worker_is_killed_the_same_options_end_with_the_weights_of_one(
    folder, tmp_path, monkeypatch, capsys
):
    """The two start in the way of Windows, without libuv; one process goes on alone."""
    monkeypatch.setenv("USE_LIBUV", "0")
    path, recipe = tmp_path / "broken.pt", ["--epochs", "40", "--batch-size", "24"]
    torchrun = subprocess.Popen(
        command(2, *options(folder, path, *recipe), windows=True),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    wait_for(path.exists)
    kill_one_worker(torchrun.pid)
    torchrun.communicate(timeout=120)
    assert torchrun.returncode != 0, "the training ended before its worker was killed"
    assert checkpoint.load(path).run["epoch"] < 40

    ended = straight(folder, path, *recipe)
    assert "resumed at step" in capsys.readouterr().out
    assert largest_difference(straight(folder, tmp_path / "one.pt", *recipe), ended) < 1e-4


@pytest.mark.parametrize("processes", [1, 2])
def test_workers_end_when_whoever_launched_them_is_killed(folder, tmp_path, processes):
    arguments = options(folder, tmp_path / "endless.pt", "--epochs", "100000")
    launcher = multiprocessing.Process(target=launch, args=(processes, *arguments))
    launcher.start()
    wait_for((tmp_path / "endless.pt").exists)
    family = psutil.Process(launcher.pid).children(recursive=True)
    assert len(family) == (1 if processes == 1 else 3)  # torchrun and two workers
    launcher.kill()
    _gone, alive = psutil.wait_procs(family, timeout=60)
    launcher.join()
    assert not alive


def test_workers_end_when_torchrun_is_killed(folder, tmp_path):
    arguments = options(folder, tmp_path / "endless.pt", "--epochs", "100000")
    torchrun = subprocess.Popen(command(2, *arguments), stdout=subprocess.DEVNULL)
    wait_for((tmp_path / "endless.pt").exists)
    workers = psutil.Process(torchrun.pid).children(recursive=True)
    assert len(workers) >= 2
    torchrun.kill()
    torchrun.wait()
    _gone, alive = psutil.wait_procs(workers, timeout=60)
    for worker in alive:
        worker.kill()
    assert not alive


def wait_for(happened, seconds=120):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.01)


def kill_one_worker(torchrun):
    workers = [
        child
        for child in psutil.Process(torchrun).children(recursive=True)
        if "labkit.faster.distributed" in child.cmdline()
    ]
    assert len(workers) == 2
    workers[1].send_signal(signal.SIGKILL)
