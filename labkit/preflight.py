"""Judge whether this machine is ready for a lesson, and say what to fix.

`judge` turns the plain facts of `labkit.machine` into rows, without looking at anything else;
the `Report` shows itself: what needs attention, and all rows in a table that can be unfolded.
"""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labkit.machine import Facts, gather
from labkit.text import _, ngettext

READY, CARE, FIX = "ready", "care", "fix"

MB, GB = 10**6, 10**9
DISK_FULL, DISK_LOW = 0.5 * GB, 2 * GB
"""CIFAR-10 takes 0.17 GB packed and as much again unpacked, checkpoints a few MB each."""
MEMORY_SHORT, MEMORY_LOW = 0.6 * GB, 1.2 * GB
"""A kernel that trains the workshop's network was measured at 0.45 to 0.5 GB."""
SHARED_LOW = 256 * MB
"""Docker gives a container 64 MB unless told otherwise."""

_LOOKS = {READY: ("✓", "#00664A"), CARE: ("!", "#8A4B00"), FIX: ("✗", "#A31515")}
_CELL = "text-align: left; vertical-align: top; padding: .35em .8em"


@dataclass(frozen=True)
class Row:
    """One line of the table: what was looked at, how it stands, and the one thing to do."""

    name: str
    state: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Report:
    """The rows of a preflight; Jupyter shows them as tables, ``str`` as lines."""

    rows: tuple[Row, ...]

    def count(self, state: str) -> int:
        """Return how many rows are in ``state``."""
        return sum(row.state == state for row in self.rows)

    def summary(self) -> str:
        """Return the result in one sentence."""
        if self.count(FIX):
            return ngettext(
                "{n} thing to fix before you start.",
                "{n} things to fix before you start.",
                self.count(FIX),
            ).format(n=self.count(FIX))
        if self.count(CARE):
            return ngettext(
                "You can start. {n} thing is worth knowing.",
                "You can start. {n} things are worth knowing.",
                self.count(CARE),
            ).format(n=self.count(CARE))
        return _("Everything is ready.")

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
        fold = _("All {n} things that were looked at").format(n=len(self.rows))
        return (
            f"{summary}{first}<details><summary>{fold}</summary>{_table(self.rows, fold)}</details>"
        )


def run() -> Report:
    """Look over this machine; changes nothing on it."""
    return judge(gather())


def judge(facts: Facts) -> Report:
    """Return one row per thing that the workshop needs."""
    judges: tuple[Callable[[Facts], Row], ...] = (
        _python,
        _torch,
        _device,
        _data,
        _disk,
        _memory,
        _shared_memory,
        _workers,
        _widgets,
    )
    return Report(tuple(judged(facts) for judged in judges))


def _python(facts: Facts) -> Row:
    found = ".".join(map(str, facts.python[:3]))
    if facts.python < (3, 11):
        advice = _("Install Python 3.11 or newer and start again from the README.")
        return Row(_("Python"), FIX, found, advice)
    return Row(_("Python"), READY, found)


def _torch(facts: Facts) -> Row:
    found = _("torch {torch}, torchvision {vision}").format(
        torch=facts.torch or _("not found"), vision=facts.torchvision or _("not found")
    )
    if facts.torch is None or facts.torchvision is None:
        advice = _(
            "Install both in one command, so that they fit each other: pip install "
            "--force-reinstall torch torchvision. Then restart the kernel."
        )
        return Row(_("torch"), FIX, found, advice)
    return Row(_("torch"), READY, found)


def _device(facts: Facts) -> Row:
    if facts.accelerator:
        return Row(_("device"), READY, facts.accelerator)
    if facts.unused_gpu:
        found = _("CPU. There is a driver of an NVIDIA GPU, but torch cannot use it.")
        advice = _("Install a torch with CUDA: choose your system on pytorch.org/get-started.")
        return Row(_("device"), CARE, found, advice)
    return Row(_("device"), READY, _("CPU. Every notebook runs on it."))


def _data(facts: Facts) -> Row:
    if facts.source is None:
        advice = _("Choose other images above, and press the button.")
        return Row(_("data"), FIX, facts.source_problem, advice)
    if facts.source == "drawn":
        return Row(_("data"), READY, _("the drawn images"))
    if facts.source not in ("auto", "cifar10"):
        return Row(_("data"), READY, _("the images in {folder}").format(folder=facts.source))
    if facts.photographs:
        return Row(_("data"), READY, _("CIFAR-10, on this machine"))
    found = _("CIFAR-10 is not on this machine yet.")
    if facts.source == "auto":
        found += " " + _("Without a network, the drawn images take its place.")
    advice = _("Run load() once where there is a network: it downloads 170 MB and keeps them.")
    return Row(_("data"), CARE, found, advice)


def _disk(facts: Facts) -> Row:
    if not facts.cache_serves:
        found = _("The cache {folder} cannot be written.").format(folder=facts.folder)
        advice = _(
            "Let LABKIT_CACHE name a folder of your own: without one, CIFAR-10 cannot be "
            "downloaded, and other images are prepared again in every notebook."
        )
        return Row(_("disk space"), CARE, found, advice)
    found = _("{size} free for {folder}").format(size=_size(facts.disk), folder=facts.folder)
    if facts.disk >= DISK_LOW:
        return Row(_("disk space"), READY, found)
    advice = _("Free {size}, or let LABKIT_CACHE name a folder on a larger disk.").format(
        size=_size(DISK_LOW)
    )
    return Row(_("disk space"), FIX if facts.disk < DISK_FULL else CARE, found, advice)


def _memory(facts: Facts) -> Row:
    found = _("{size} free").format(size=_size(facts.memory))
    if facts.memory >= MEMORY_LOW:
        return Row(_("memory"), READY, found)
    advice = _(
        "Shut down the kernels that you do not need: the menu Kernel, Shut Down All Kernels."
    )
    return Row(_("memory"), FIX if facts.memory < MEMORY_SHORT else CARE, found, advice)


def _shared_memory(facts: Facts) -> Row:
    if facts.shared_memory is None:
        return Row(_("/dev/shm"), READY, _("not used on this system"))
    found = _("{size} free").format(size=_size(facts.shared_memory))
    if facts.shared_memory >= SHARED_LOW:
        return Row(_("/dev/shm"), READY, found)
    advice = _(
        "Keep num_workers=0: the workers of a DataLoader hand over their batches here. "
        "To have more, start the container with --shm-size=1g."
    )
    return Row(_("/dev/shm"), CARE, found, advice)


def _workers(facts: Facts) -> Row:
    if facts.start_method == "fork":
        return Row(_("workers"), READY, _("fork: a worker starts as a copy of the kernel"))
    found = _("{method}: a worker starts as a fresh Python").format(method=facts.start_method)
    advice = _(
        "Keep num_workers=0, or put your own data set classes into a .py file: "
        "such a worker cannot find a class that is defined in a cell."
    )
    return Row(_("workers"), CARE, found, advice)


def _widgets(facts: Facts) -> Row:
    if facts.ipywidgets is None or _major(facts.ipywidgets) < 8:
        found = _("ipywidgets {version}").format(version=facts.ipywidgets or _("not found"))
        advice = _("Run pip install --upgrade ipywidgets, restart JupyterLab, reload this page.")
        return Row(_("widgets"), FIX, found, advice)
    found = _("ipywidgets {version}").format(version=facts.ipywidgets)
    if facts.lab_widgets is None or _major(facts.lab_widgets) < 3:
        advice = _(
            "If you saw no buttons above, install jupyterlab_widgets 3 where JupyterLab itself "
            "is installed, and restart it."
        )
        return Row(_("widgets"), CARE, found, advice)
    return Row(_("widgets"), READY, found)


def _major(version: str) -> int:
    return int(version.split(".")[0])


def _size(count: float) -> str:
    if count < GB:
        return _("{n:.0f} MB").format(n=count / MB)
    return _("{n:.1f} GB").format(n=count / GB)


def _state(state: str) -> str:
    words = {READY: _("ready"), CARE: _("take care"), FIX: _("fix")}
    return f"{_LOOKS[state][0]} {words[state]}"


def _table(rows: Sequence[Row], caption: str) -> str:
    headings = (_("what"), _("state"), _("found"), _("what to do"))
    head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in headings)
    return (
        f'<table style="max-width: 64em; line-height: 1.45" aria-label="{caption}">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(map(_row_html, rows))}</tbody></table>"
    )


def _row_html(row: Row) -> str:
    colour = _LOOKS[row.state][1]
    badge = (
        f"background: {colour}; color: white; border-radius: 3px; padding: .1em .6em; "
        "white-space: nowrap"
    )
    return (
        f'<tr><th scope="row" style="{_CELL}; white-space: nowrap">{html.escape(row.name)}</th>'
        f'<td style="{_CELL}"><span style="{badge}">{html.escape(_state(row.state))}</span></td>'
        f'<td style="{_CELL}">{html.escape(row.found)}</td>'
        f'<td style="{_CELL}">{html.escape(row.advice)}</td></tr>'
    )
