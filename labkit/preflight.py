"""Check whether this computer is ready for the workshop, and say what to fix.

Each row of the report looks at one thing and judges it; nothing is changed. On a terminal,
``python -m labkit.preflight`` prints the report, and ends with 1 if there is something to fix;
with ``--images`` it fetches CIFAR-10 first.
"""

import html
import importlib
import importlib.metadata
import multiprocessing
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from labkit.display import Html, table
from labkit.files import existing, full, own_folder, temporary, work
from labkit.text import _, ngettext, on_any_terminal

READY, CARE, FIX = "ready", "care", "fix"

MB, GB = 10**6, 10**9
DISK_FULL, DISK_LOW = 0.5 * GB, 2 * GB
"""CIFAR-10 takes 0.17 GB packed and as much again unpacked."""
WORK = 50 * MB
"""Checkpoints take a few MB each."""
MEMORY_SHORT, MEMORY_LOW = 0.6 * GB, 1.2 * GB
"""A kernel that trains the workshop's network was measured at 0.45 to 0.5 GB."""
SHARED_LOW = 256 * MB
"""Docker gives a container 64 MB unless told otherwise."""

_LOOKS = {READY: ("✓", "#00664A"), CARE: ("!", "#8A4B00"), FIX: ("✗", "#A31515")}


@dataclass(frozen=True)
class Checked:
    """One line of the table: what was looked at, its state, what was found, what to do."""

    name: str
    state: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Preflight:
    """The rows of a preflight; Jupyter shows them as tables, ``str`` as lines."""

    rows: tuple[Checked, ...]

    def count(self, state: str) -> int:
        """Return how many rows are in ``state``."""
        return sum(row.state == state for row in self.rows)

    def summary(self) -> str:
        """Return the result in one sentence."""
        if n := self.count(FIX):
            text = ngettext(
                "{n} thing to fix before you start.", "{n} things to fix before you start.", n
            )
        elif n := self.count(CARE):
            text = ngettext(
                "You can start. {n} thing is worth knowing.",
                "You can start. {n} things are worth knowing.",
                n,
            )
        else:
            text = _("Everything is ready.")
        return text.format(n=n)

    def __str__(self) -> str:
        lines = [self.summary()]
        for row in self.rows:
            advice = f" -> {row.advice}" if row.advice else ""
            lines.append(f"{_state(row.state):<12} {row.name}: {row.found}{advice}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        summary = f"<p><strong>{html.escape(self.summary())}</strong></p>"
        attention = [row for row in self.rows if row.state != READY]
        first = _table(attention, _("What needs attention")) if attention else ""
        fold = _("All {n} things that were checked").format(n=len(self.rows))
        return f"{summary}{first}<details><summary>{fold}</summary>{_table(self.rows)}</details>"


def run() -> Preflight:
    """Check this computer; changes nothing on it."""
    looks = (_python, _torch, _device, _data, _disk, _work, _memory, _shared_memory, _workers)
    return Preflight(tuple(look() for look in (*looks, _widgets)))


def _python() -> Checked:
    found = platform.python_version()
    if tuple(map(int, found.split(".")[:2])) < (3, 11):
        advice = _("Install Python 3.11 or newer and start again from the README.")
        return Checked(_("Python"), FIX, found, advice)
    return Checked(_("Python"), READY, found)


def _torch() -> Checked:
    torch, vision = _imported("torch"), _imported("torchvision")
    text = _("torch {torch}, torchvision {vision}")
    found = text.format(torch=torch or _("not found"), vision=vision or _("not found"))
    if torch is None or vision is None:
        advice = _(
            "Install both in one command, so that they fit each other: pip install "
            "--force-reinstall torch torchvision. Then restart the kernel."
        )
        return Checked(_("torch"), FIX, found, advice)
    from torch import version

    build = _("built for CUDA {version}").format(version=version.cuda) if version.cuda else ""
    build = build or (_("built for ROCm") if version.hip else _("the build without CUDA"))
    return Checked(_("torch"), READY, f"{found}: {build}")


def _device() -> Checked:
    found = _("CPU. Every notebook runs on it.")
    if _imported("torch"):
        from labkit.device import available

        gpus = [str(device) for device in available() if device.kind != "cpu"]
        if not gpus and shutil.which("nvidia-smi"):
            found = _("CPU. There is a driver of an NVIDIA GPU, but torch cannot use it.")
            advice = _("Install a torch with CUDA: choose your system on pytorch.org/get-started.")
            return Checked(_("device"), CARE, found, advice)
        found = gpus[0] if gpus else found
    return Checked(_("device"), READY, found)


def _data() -> Checked:
    if not _imported("torch"):
        return Checked(_("data"), FIX, _("waits for torch"), _("Install torch first."))
    from labkit.data import DataError, chosen
    from labkit.data.layout import survey

    try:
        source = chosen().source
        if isinstance(source, Path):
            survey(source)
    except DataError as error:
        advice = _("Choose other images above, and press the button.")
        return Checked(_("data"), FIX, str(error), advice)
    if source == "drawn":
        return Checked(_("data"), READY, _("the drawn images"))
    if isinstance(source, Path):
        return Checked(_("data"), READY, _("the images in {folder}").format(folder=source))
    if "cifar10" in _cached():
        return Checked(_("data"), READY, _("CIFAR-10, on this computer"))
    found = _("CIFAR-10 is not on this computer yet.")
    if source == "auto":
        found += " " + _("Without a network, the drawn images take its place.")
    advice = _("Run load() once with a network: it downloads 170 MB and keeps them.")
    return Checked(_("data"), CARE, found, advice)


def _disk() -> Checked:
    folder = Path.cwd()
    if _imported("torch"):
        from labkit.data import store

        folder = store.folder()
    there = existing(folder)
    can_write = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    if not can_write and not _cached():  # a cache that learners share may be read-only
        found = _("The cache {folder} cannot be written.").format(folder=folder)
        advice = _(
            "Let LABKIT_CACHE name a folder of your own: without one, CIFAR-10 cannot be "
            "downloaded, and other images are prepared again in every notebook."
        )
        return Checked(_("disk space"), CARE, found, advice)
    free = shutil.disk_usage(there).free
    found = _("{size} free for {folder}").format(size=_size(free), folder=folder)
    advice = _("Free up {size}, or let LABKIT_CACHE name a folder on a larger disk.")
    return Checked(_("disk space"), *_by_size(free, (DISK_FULL, DISK_LOW), found, advice))


def _work() -> Checked:
    """Look at the place of checkpoints and solved exercises."""
    folder = work().absolute()
    found = _("checkpoints and solved exercises go to {folder}").format(folder=folder.parent)
    there = existing(folder)
    room = shutil.disk_usage(there).free >= WORK and not full(there)
    if folder.parent in (own_folder("data"), temporary("data")):  # not beside the notebooks
        advice = _(
            "The folder of the notebooks takes no files: copy the workshop into one that does."
        )
        return Checked(_("your work"), CARE, found, advice)
    if os.access(there, os.W_OK) and room:
        return Checked(_("your work"), READY, found)
    advice = _("It cannot be written, or is full: let LABKIT_CHECKPOINTS name another folder.")
    return Checked(_("your work"), FIX, found, advice)


def _memory() -> Checked:
    free = _free_memory()
    found = _("{size} free").format(size=_size(free))
    if n := _other_kernels():
        text = ngettext("{n} other kernel is open", "{n} other kernels are open", n)
        found = f"{found}; {text.format(n=n)}"
    advice = _("Shut down the kernels that you do not need: menu Kernel, Shut Down All Kernels.")
    return Checked(_("memory"), *_by_size(free, (MEMORY_SHORT, MEMORY_LOW), found, advice))


def _shared_memory(folder: Path = Path("/dev/shm")) -> Checked:
    if not folder.is_dir():
        return Checked(_("/dev/shm"), READY, _("not used on this system"))
    free = shutil.disk_usage(folder).free
    advice = _(
        "Keep num_workers=0: the workers of a DataLoader hand over their batches here. "
        "To have more, start the container with --shm-size=1g."
    )
    found = _("{size} free").format(size=_size(free))
    return Checked(_("/dev/shm"), *_by_size(free, (0, SHARED_LOW), found, advice))


def _workers() -> Checked:
    # get_start_method() without allow_none would fix the method; the first of all is the default
    method = multiprocessing.get_start_method(allow_none=True)
    method = method or multiprocessing.get_all_start_methods()[0]
    if method == "fork":
        return Checked(_("workers"), READY, _("fork: a worker starts as a copy of the kernel"))
    found = _("{method}: a worker starts as a fresh Python").format(method=method)
    advice = _(
        "Keep num_workers=0, or put your own data set classes into a .py file: "
        "such a worker cannot find a class that is defined in a cell."
    )
    return Checked(_("workers"), CARE, found, advice)


def _widgets() -> Checked:
    version, lab = _installed("ipywidgets"), _installed("jupyterlab_widgets")
    found = _("ipywidgets {version}").format(version=version or _("not found"))
    if _major(version) < 8:
        advice = _("Run pip install --upgrade ipywidgets, restart JupyterLab, reload this page.")
        return Checked(_("widgets"), FIX, found, advice)
    if _major(lab) < 3:
        advice = _(
            "If you saw no buttons above, install jupyterlab_widgets 3 where JupyterLab itself "
            "is installed, and restart it."
        )
        return Checked(_("widgets"), CARE, found, advice)
    return Checked(_("widgets"), READY, found)


def _by_size(free: float, limits: tuple[float, float], found: str, advice: str) -> tuple:
    short, low = limits
    if free >= low:
        return READY, found
    return FIX if free < short else CARE, found, advice.format(size=_size(low))


def _imported(name: str) -> str | None:
    """Return the version of a package, None if it is missing or does not fit the others."""
    try:
        return importlib.import_module(name).__version__
    except (ImportError, OSError, RuntimeError):  # RuntimeError: torchvision of another torch
        return None


def _installed(name: str) -> str | None:
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return None


def _major(version: str | None) -> int:
    return int(version.split(".")[0]) if version else 0


def _cached() -> list[str]:
    """Return the named sources whose images are in the cache."""
    if not _imported("torch"):
        return []
    from labkit.data import status

    return [known.source for known in status() if known.ready]


def _other_kernels() -> int:
    """Return how many kernels the same Jupyter server runs beside this one."""
    import psutil

    count = 0
    for process in getattr(psutil.Process().parent(), "children", list)():
        try:
            count += process.pid != os.getpid() and "ipykernel_launcher" in process.cmdline()
        except psutil.Error:  # ended meanwhile, or of somebody else
            continue
    return count


def _free_memory(group: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes that are free, no more than the container's limit leaves."""
    import psutil

    free = psutil.virtual_memory().available
    try:
        limit = int((group / "memory.max").read_text())
        return min(free, limit - int((group / "memory.current").read_text()))
    except (OSError, ValueError):  # no container, or no limit: the file says "max"
        return free


def _size(count: float) -> str:
    if count < GB:
        return _("{n:.0f} MB").format(n=count / MB)
    return _("{n:.1f} GB").format(n=count / GB)


def _state(state: str) -> str:
    words = {READY: _("ready"), CARE: _("take care"), FIX: _("fix")}
    return f"{_LOOKS[state][0]} {words[state]}"


def _table(rows: Sequence[Checked], caption: str = "") -> Html:
    columns = (_("what"), _("state"), _("found"), _("what to do"))
    cells = [(row.name, _badge(row.state), row.found, row.advice) for row in rows]
    return table(columns, cells, caption=caption, wrapped=(2, 3), row_heads=True)


def _badge(state: str) -> Html:
    style = f"background: {_LOOKS[state][1]}; color: white; border-radius: 3px; padding: .1em .6em"
    return Html(f'<span style="{style}">{html.escape(_state(state))}</span>')


def main(*options: str) -> int:
    """Print the report, and fetch CIFAR-10 before, if asked; return 1 if something is to fix."""
    on_any_terminal()
    if "--images" in options:
        from labkit.data import DataError, load

        try:
            load("cifar10")
        except DataError as error:
            print(error)
    report = run()
    print(report)
    return int(report.count(FIX) > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
