"""One training run in several processes.

Start it with ``torchrun --nproc-per-node=2 -m labkit.faster.distributed``.

Each process has a copy of the model and learns from its own share of every batch;
``DistributedDataParallel`` averages the gradients of all before each step, so that all copies
stay equal, and equal to one process that sees the whole batch. On the CPU the processes talk by
gloo, on GPUs (one for each) by nccl; no other line differs. ``python -m
labkit.faster.distributed``, with the same options, is the one process.

Every ``--save-every`` steps the first process saves a checkpoint. Whatever dies, the same command
resumes from there.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from labkit.data import load
from labkit.data.loaders import BatchLoader
from labkit.model import Net
from labkit.text import _
from labkit.training import Run, checkpoint

_WATCHED = "LABKIT_WATCHED_PROCESS"


class Process(NamedTuple):
    """Which process this is, of how many, and where it computes."""

    rank: int
    world: int
    device: torch.device


@contextmanager
def joined() -> Generator[Process]:
    """Join the other processes that torchrun started; without torchrun, be the only one."""
    on_gpu = torch.cuda.is_available()
    local = int(os.environ.get("LOCAL_RANK", 0))  # torchrun sets LOCAL_RANK and WORLD_SIZE
    device = torch.device("cuda", local) if on_gpu else torch.device("cpu")
    if "WORLD_SIZE" not in os.environ:
        yield Process(0, 1, device)
        return
    if on_gpu:
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    yield Process(distributed.get_rank(), distributed.get_world_size(), device)
    distributed.destroy_process_group()


def prepare(place: Process, options: argparse.Namespace) -> tuple[Net, Run]:
    """Return the network and its run, resumed from the checkpoint if there is one.

    Raise ValueError if the batch cannot be shared out evenly.
    """
    if options.batch_size % place.world:
        text = _("A batch of {batch} cannot be shared evenly by {world} processes.")
        raise ValueError(text.format(batch=options.batch_size, world=place.world))
    train, validation, _test = load(options.source)
    torch.manual_seed(options.seed)
    net = Net(len(train.classes)).to(place.device)
    run = Run(
        net,
        BatchLoader(
            train,
            options.batch_size // place.world,
            shuffle=True,
            seed=options.seed,
            drop_last=True,
            shard=(place.rank, place.world),
        ),
        BatchLoader(validation, 500),
        torch.optim.SGD(net.parameters(), lr=options.learning_rate, momentum=0.9),
        epochs=options.epochs,
        device=place.device,
        seed=options.seed,
    )
    if options.checkpoint.is_file():
        checkpoint.load(options.checkpoint, device=place.device).resume(run)
    if place.world > 1:
        run.model = DistributedDataParallel(net)
        run.to(place.device)  # wrapping has written to the weights
    return net, run


def train(place: Process, options: argparse.Namespace) -> Run:
    """Take the steps that are left; the first process saves and reports."""
    net, run = prepare(place, options)
    first = place.rank == 0
    if first and run.steps_done:
        print(_("resumed at step {step}").format(step=run.steps_done), flush=True)
    steps = min(options.steps, run.steps_done + run.steps_left)
    while run.steps_done < steps:
        run.advance()
        if first and run.step == 0:
            history = run.history
            said = _("epoch {epoch}: validation accuracy {accuracy:.1%}, {seconds:.1f} s").format(
                epoch=run.epoch,
                accuracy=history.validation_accuracy[-1],
                seconds=history.seconds[-1],
            )
            print(said, flush=True)
        if first and (run.steps_done == steps or run.steps_done % options.save_every == 0):
            checkpoint.save(options.checkpoint, net, run=run)
    if first:
        print(_("{steps} steps done").format(steps=run.steps_done), flush=True)
    return run


def launch(processes: int, *options: str, limit: float = 180) -> subprocess.CompletedProcess:
    """Run this module in ``processes`` processes, wait, and return what they printed.

    They end when the caller is interrupted, and also when it is killed. When they have waited for
    ``limit`` seconds, and computed for less than a hundredth of them, they are ended; then the
    return code is 124 and ``stderr`` says so. On a machine that many share, they compute slowly,
    and go on.
    """
    added = {"OMP_NUM_THREADS": "1", _WATCHED: str(os.getpid())}
    if os.name == "nt":
        added["USE_LIBUV"] = "0"
    asked = command(processes, *options)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as litter:
        folders = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), litter)
        with subprocess.Popen(
            asked,
            env={**os.environ, **added, **folders},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            try:
                printed, said, hangs = _wait(running, limit)
            finally:
                running.kill()  # its workers watch it
    if not hangs:
        return subprocess.CompletedProcess(asked, running.returncode, printed, said)
    reason = _("Ended, because nothing was computed for {limit:.0f} seconds.").format(limit=limit)
    return subprocess.CompletedProcess(asked, 124, printed, said + reason)


def _wait(running: subprocess.Popen, limit: float) -> tuple[str, str, bool]:
    """Return what ``running`` printed, to stdout and stderr, and whether it was ended."""
    computed = 0.0
    while True:
        try:
            return *running.communicate(timeout=limit), False
        except subprocess.TimeoutExpired:
            before, computed = computed, sum(map(_computed, _family(running.pid)))
            if computed - before < limit / 100:  # what waits looks up now and then
                for one in _family(running.pid):
                    with suppress(psutil.NoSuchProcess):
                        one.kill()
                return *running.communicate(), True


def _family(process: int) -> list[psutil.Process]:
    """Return ``process`` and all that it has started."""
    try:
        first = psutil.Process(process)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _computed(process: psutil.Process) -> float:
    """Return for how many seconds a processor has worked for ``process``."""
    try:
        times = process.cpu_times()
        return times.user + times.system
    except psutil.NoSuchProcess:
        return 0.0


def command(processes: int, *options: str, windows: bool = os.name == "nt") -> list[str]:
    """Return the command line that runs this module in ``processes`` processes.

    Without an address of their own they hang where the machine's name is unknown. PyTorch for
    Windows has no libuv, which ``--standalone`` asks for whatever USE_LIBUV says.
    """
    meeting = ["--standalone", "--local-addr=127.0.0.1"]
    if windows:
        with socket.create_server(("127.0.0.1", 0)) as free:
            meeting = ["--master-addr=127.0.0.1", f"--master-port={free.getsockname()[1]}"]
    module = ["-m", "labkit.faster.distributed", *options]
    if processes == 1:  # needs nobody to start the others, and is there in half the time
        return [sys.executable, *module]
    torchrun = ["-m", "torch.distributed.run", *meeting, f"--nproc-per-node={processes}"]
    return [sys.executable, *torchrun, *module]


@contextmanager
def _ending_with(*processes: int) -> Generator[None]:
    """End this process soon after one of ``processes``: what is killed cannot tell its children.

    The thread that watches is gone when the block ends: one that still runs while Python shuts
    down can abort the process.
    """
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            if not all(map(_lives, processes)):
                os._exit(1)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _lives(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "labkit.faster.distributed", description=_("Train in parallel.")
    )
    add = parser.add_argument
    add("--source", help=_("cifar10, drawn, or a folder; else LABKIT_DATA says"))
    add("--epochs", type=int, default=2)
    add("--steps", type=int, default=sys.maxsize, help=_("end here, even within an epoch"))
    add("--batch-size", type=int, default=32, help=_("of all processes together"))
    add("--learning-rate", type=float, default=0.01)
    add("--seed", type=int, default=0)
    add("--save-every", type=int, default=100, metavar="STEPS")
    add("--checkpoint", type=Path, default=checkpoint.folder() / "distributed.pt")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    options = _options(arguments)
    watched = [os.getppid(), int(os.environ.get(_WATCHED, os.getppid()))]
    with (
        _ending_with(*watched if {_WATCHED, "WORLD_SIZE"} & os.environ.keys() else []),
        joined() as place,
    ):
        train(place, options)


if __name__ == "__main__":
    main()
