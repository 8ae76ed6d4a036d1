"""Kernels that begin as copies of a process which has imported PyTorch already.

A kernel of its own takes two seconds of processor time for that, and the site runs 45. Nothing of
labkit is imported before the copy is made, because its language is chosen then.
"""

import multiprocessing
import os
import sys

from ipykernel.kernelapp import IPKernelApp
from jupyter_client.manager import AsyncKernelManager

LOADED = ("torch._dynamo", "torchvision.transforms.v2", "matplotlib.backends.backend_agg")
LOADED += ("ipywidgets", "anywidget", "nbformat", __name__)

if sys.platform == "linux":
    from multiprocessing.context import ForkServerProcess

    multiprocessing.set_forkserver_preload([*LOADED])

    class Kernel(ForkServerProcess):
        """A process with the names that its manager knows from ``subprocess``."""

        stdin = stdout = stderr = None

        def poll(self) -> int | None:
            return self.exitcode

        def wait(self) -> int | None:
            self.join()
            return self.exitcode

        def send_signal(self, number: int) -> None:
            os.kill(self.pid or 0, number)


class Kernels(AsyncKernelManager):
    """Start kernels so where processes can be copied, else as usual."""

    async def _async_launch_kernel(self, kernel_cmd, **kw) -> None:
        if sys.platform != "linux":
            return await super()._async_launch_kernel(kernel_cmd, **kw)
        os.environ["OMP_NUM_THREADS"] = kw["env"]["OMP_NUM_THREADS"]  # PyTorch reads it early
        arguments = kernel_cmd[kernel_cmd.index("-f") :]
        made = Kernel(target=_serve, args=(arguments, kw["env"], kw["cwd"]))
        made.start()
        place = self.provisioner
        place.process, place.pid, place.pgid = made, made.pid, None


def _serve(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.setsid()
    multiprocessing.set_start_method(None, force=True)  # its own processes start as they always do
    watched = f"--IPKernelApp.parent_handle={os.getppid()}"  # it ends with the build
    IPKernelApp.launch_instance([*arguments, watched, "--IPKernelApp.log_level=40"])  # errors
