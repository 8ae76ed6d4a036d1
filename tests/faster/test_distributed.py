"""Two processes against one, and against a worker that is killed."""

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


@pytest.fixture(scope="module")
def straight(folder):
    """The weights after RECIPE in one process, this one."""
    main(options(folder, folder.with_name("one.pt"), *RECIPE))
    return weights(folder.with_name("one.pt"))


def test_two_processes_give_the_weights_of_one_at_the_same_batch_and_leave_no_litter(
    folder, straight, tmp_path, monkeypatch
):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    result = launch(2, *options(folder, tmp_path / "two.pt", *RECIPE))
    assert result.returncode == 0, result.stderr
    assert "epoch 4: validation accuracy" in result.stdout
    assert largest_difference(straight, weights(tmp_path / "two.pt")) < 1e-6
    assert list((tmp_path / "temporary").iterdir()) == []
    torch.manual_seed(0)
    assert largest_difference(straight, Net(3).state_dict()) > 1e-3, "nothing was learned"


def test_the_way_of_windows_works_without_libuv(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("USE_LIBUV", "0")
    asked = command(2, *options(folder, tmp_path / "two.pt", "--steps", "3"), windows=True)
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert "3 steps done" in done.stdout, done.stderr


def test_a_batch_that_cannot_be_shared_evenly_is_refused_in_words(folder, tmp_path):
    asked = distributed._options(options(folder, tmp_path / "odd.pt", "--batch-size", "5"))
    with pytest.raises(ValueError, match="A batch of 5 cannot be shared evenly by 2 processes."):
        distributed.prepare(distributed.Place(0, 2, torch.device("cpu")), asked)


WAITS = "import time; print('before', flush=True); time.sleep(600)"
COMPUTES = "import time\nwhile time.process_time() < 3: pass\nprint('done')"


def test_what_waits_for_ever_is_ended_and_says_so(monkeypatch):
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WAITS!r}])"
    monkeypatch.setattr(distributed, "command", lambda *_: [sys.executable, "-c", parent])
    result = launch(2, limit=4)
    assert result.returncode == 124 and "before" in result.stdout
    assert "Ended, because nothing was computed for 4 seconds." in result.stderr


def test_what_computes_slowly_on_a_busy_machine_goes_on_to_its_end(monkeypatch):
    monkeypatch.setattr(distributed, "command", lambda *_: [sys.executable, "-c", COMPUTES])
    result = launch(2, limit=2)
    assert result.returncode == 0 and "done" in result.stdout


def test_after_a_worker_is_killed_the_same_command_ends_with_the_same_weights(folder, tmp_path):
    recipe = ["--epochs", "40", "--batch-size", "24"]
    unbroken, broken = tmp_path / "unbroken.pt", tmp_path / "broken.pt"
    launch(2, *options(folder, unbroken, *recipe))

    torchrun = subprocess.Popen(
        command(2, *options(folder, broken, *recipe)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    wait_for(lambda: broken.exists())
    kill_one_worker(torchrun.pid)
    torchrun.communicate(timeout=120)
    assert torchrun.returncode != 0, "the training ended before its worker was killed"
    assert checkpoint.load(broken).run["epoch"] < 40

    again = launch(2, *options(folder, broken, *recipe))
    assert again.returncode == 0, again.stderr
    assert "resumed at step" in again.stdout
    assert largest_difference(weights(unbroken), weights(broken)) == 0


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_a_training_goes_on_in_another_number_of_processes(
    folder, straight, tmp_path, before, after, capsys
):
    arguments = options(folder, tmp_path / "moved.pt", *RECIPE)
    said = ""
    for processes, more in ((before, ["--steps", "9"]), (after, [])):
        if processes == 1:
            main([*arguments, *more])
            said = capsys.readouterr().out
        else:
            said = launch(processes, *arguments, *more).stdout
    assert "resumed at step 9" in said
    assert largest_difference(straight, weights(tmp_path / "moved.pt")) < 1e-6


@pytest.mark.parametrize("processes", [1, 2])
def test_workers_end_when_whoever_launched_them_is_killed(folder, tmp_path, processes):
    arguments = options(folder, tmp_path / "endless.pt", "--epochs", "100000")
    script = f"from labkit.faster.distributed import launch; launch({processes}, *{arguments})"
    launcher = subprocess.Popen([sys.executable, "-c", script])
    wait_for(lambda: (tmp_path / "endless.pt").exists())
    family = psutil.Process(launcher.pid).children(recursive=True)
    assert len(family) == (1 if processes == 1 else 3)  # torchrun and two workers
    launcher.kill()
    _gone, alive = psutil.wait_procs(family, timeout=60)
    launcher.wait()
    assert not alive


def test_workers_end_when_torchrun_is_killed(folder, tmp_path):
    arguments = options(folder, tmp_path / "endless.pt", "--epochs", "100000")
    torchrun = subprocess.Popen(command(2, *arguments), stdout=subprocess.DEVNULL)
    wait_for(lambda: (tmp_path / "endless.pt").exists())
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
