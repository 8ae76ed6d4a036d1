"""The memory of one notebook for each learner: the kernel of the one before is closed in time.

A kernel that was closed, or that died, says so when its notebook is at work again. Where the home
is full or read-only, a kernel starts all the same; that it is full, it says.
"""

import contextlib
import os
import tempfile
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Integer

from labkit import classroom
from labkit.files import unwritable
from labkit.languages.edition import write_all


class OneAtWork(AsyncMappingKernelManager):
    """The server's own kernel manager, which also closes the kernels that a learner left behind.

    A kernel that trained keeps 0.5 to 0.8 GB, and a learner walks through nine notebooks. A kernel
    is closed when another one was at work ``left_behind`` seconds after it last was. The last one
    at work stays, however long it is idle, and so does one that computes or moves a widget.
    """

    left_behind = Integer(180, config=True, help="Seconds that a kernel is kept, 0: for ever.")
    cull_interval = Integer(30, config=True, help="Seconds between two looks at the kernels.")
    cull_idle_timeout = Integer(10**9, config=True, help="Seconds for which any kernel may idle.")

    def __init__(self, **options):
        super().__init__(**options)
        self._notebooks: dict[str, str] = {}  # by the id of their kernel
        self._closed: set[str] = set()
        self._spare = ""  # a folder for where the home takes no file

    async def start_kernel(self, **options):  # ty: ignore[incompatible-mutable-override]
        """Start a kernel; say which notebook it is, and whether it was closed."""
        notebook = options.get("env", {}).get("JPY_SESSION_NAME", "")
        if notebook.endswith(".ipynb"):
            classroom.note(Path(notebook).stem.lstrip("0123456789_"))
        if Path(notebook).name == "00_setup.ipynb":  # it leads to the other languages
            Thread(target=_write_editions, args=[Path(notebook).parent], daemon=True).start()
        if notebook in self._closed:
            self._closed.remove(notebook)
            options["extra_arguments"] = _to_say("closed")
        if why := _home():  # a kernel writes there before its first cell
            self.connection_dir = self._spare = self._spare or tempfile.mkdtemp(prefix="labkit-")
            spared = dict.fromkeys(("IPYTHONDIR", "MPLCONFIGDIR"), self._spare)
            options["env"] = {**options.get("env", os.environ), **spared}
            if why == "full":
                options["extra_arguments"] = _to_say(why)
        kernel_id = await super().start_kernel(**options)
        self._notebooks[kernel_id] = notebook
        self.add_restart_callback(kernel_id, lambda: self._next_says(kernel_id, "died"), "restart")
        return kernel_id

    async def restart_kernel(self, kernel_id, now=False):  # ty: ignore[incompatible-mutable-override]
        """Restart a kernel as its learner asks: there is nothing to explain."""
        self._next_says(kernel_id, "")
        await super().restart_kernel(kernel_id, now=now)

    def _next_says(self, kernel_id: str, why: str) -> None:
        """Let the process that takes the place of this kernel's say what became of it."""
        kernel: Any = self.get_kernel(kernel_id)  # Jupyter keeps there what it starts it with
        kernel._launch_args["extra_arguments"] = _to_say(why) if why else []

    async def cull_kernel_if_idle(self, kernel_id):
        """Close a kernel that was left behind; leave all others to the server's own rules."""
        kernel, wait = self._kernels[kernel_id], timedelta(seconds=self.left_behind)
        newest = max(other.last_activity for other in self._kernels.values())
        if wait and kernel.execution_state == "idle" and newest - kernel.last_activity > wait:
            self.log.info("Closing kernel %s: the next notebook is at work.", kernel_id)
            self._closed.add(self._notebooks.pop(kernel_id, ""))
            await self.shutdown_kernel(kernel_id)
        else:
            await super().cull_kernel_if_idle(kernel_id)


def _home() -> str:
    """Return why the home takes none of IPython's files, "" where it does."""
    return unwritable(Path(os.environ.get("IPYTHONDIR") or os.path.expanduser("~/.ipython")))


def _write_editions(folder: Path) -> None:
    with contextlib.suppress(OSError):  # the English notebooks are there all the same
        write_all(folder)


def _to_say(why: str) -> list[str]:
    """Return the options of a kernel that explains itself (`labkit.jupyter.reopened`)."""
    line = f"from labkit.jupyter.reopened import explain; explain(get_ipython(), {why!r})"
    return [f"--IPKernelApp.exec_lines={line}; del explain"]
