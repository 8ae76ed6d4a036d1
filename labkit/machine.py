"""What this machine has: versions, memory, disk, how workers start. Looks, and changes nothing."""

import importlib
import importlib.metadata
import multiprocessing
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from labkit.text import _

_BATCHES = 16 * 10**6
"""Bytes of shared memory that two workers with a few batches of pictures ahead can do with."""


@dataclass(frozen=True)
class Facts:
    """What `judge` needs to know. Sizes are in bytes; None means that there is no such thing."""

    python: tuple[int, ...]
    torch: str | None
    torchvision: str | None
    accelerator: str | None
    unused_gpu: bool
    source: str | None
    source_problem: str
    photographs: bool
    folder: str
    cache_serves: bool
    disk: int
    memory: int
    shared_memory: int | None
    start_method: str
    ipywidgets: str | None
    lab_widgets: str | None


def usable_workers(wanted: int = 2) -> int:
    """Return how many workers of a DataLoader to try here: ``wanted``, as far as there are cores.

    0 where there is too little shared memory for a worker to hand over batches.
    """
    shared = _free_shared_memory()
    if shared is not None and shared < _BATCHES:
        return 0
    return min(wanted, _cores())


def gather() -> Facts:
    """Collect the facts of this machine; looks, and changes nothing."""
    torch = _imported("torch")
    folder = _cache() if torch else Path.cwd()
    accelerator, unused_gpu = _accelerator() if torch else (None, False)
    source, problem, photographs = _source() if torch else (None, _("waits for torch"), False)
    return Facts(
        python=sys.version_info[:3],
        torch=torch,
        torchvision=_imported("torchvision"),
        accelerator=accelerator,
        unused_gpu=unused_gpu,
        source=source,
        source_problem=problem,
        photographs=photographs,
        folder=str(folder),
        cache_serves=_can_write(folder) or bool(torch and _holds_pictures()),
        disk=shutil.disk_usage(_existing(folder)).free,
        memory=_free_memory(),
        shared_memory=_free_shared_memory(),
        start_method=_start_method(),
        ipywidgets=_installed("ipywidgets"),
        lab_widgets=_installed("jupyterlab_widgets"),
    )


def _cache() -> Path:
    from labkit.data import store

    return store.folder()


def _holds_pictures() -> bool:
    """Tell whether the cache holds a source already, as one that learners share does."""
    from labkit.data import status

    return any(known.ready for known in status())


def _source() -> tuple[str | None, str, bool]:
    """Return the source in use, or None and the problem; and whether CIFAR-10 is at hand."""
    from labkit.data import DataError, chosen, status
    from labkit.data.layout import survey

    photographs = any(known.ready for known in status() if known.source == "cifar10")
    try:
        source = chosen().source
        if isinstance(source, Path):
            survey(source)
    except DataError as error:
        return None, str(error), photographs
    return str(source), "", photographs


def _accelerator() -> tuple[str | None, bool]:
    """Return the name of the GPU that torch can use, and whether there is one that it cannot."""
    from labkit.device import available

    gpus = [str(device) for device in available() if device.kind != "cpu"]
    return (gpus[0], False) if gpus else (None, shutil.which("nvidia-smi") is not None)


def _imported(name: str) -> str | None:
    """Return the version of a package, None if it is missing or does not fit the others."""
    try:
        return importlib.import_module(name).__version__
    except (ImportError, OSError, RuntimeError):  # RuntimeError: torchvision of another torch
        return None


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _free_memory(group: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes that are free, no more than the container's limit leaves."""
    import psutil

    free = psutil.virtual_memory().available
    try:
        limit = int((group / "memory.max").read_text())
        return min(free, limit - int((group / "memory.current").read_text()))
    except (OSError, ValueError):  # no container, or no limit: the file says "max"
        return free


def _free_shared_memory(folder: Path = Path("/dev/shm")) -> int | None:
    return shutil.disk_usage(folder).free if folder.is_dir() else None


def _start_method() -> str:
    """Return how workers start here, without fixing it as ``get_start_method()`` would."""
    chosen = multiprocessing.get_start_method(allow_none=True)
    return chosen or multiprocessing.get_all_start_methods()[0]  # the first is the default


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if os.path.exists(place))


def _can_write(folder: Path) -> bool:
    """Tell whether files can be made in ``folder``, or ``folder`` itself where it is not there."""
    place = _existing(folder)
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


def _cores() -> int:
    """Return how many cores this process may use, which may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
