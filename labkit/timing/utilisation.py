"""How busy a device is while something runs: a sample every fraction of a second."""

import sys
import threading
import time
from dataclasses import dataclass, field

import psutil
import torch

from labkit.text import _


def why_not(device: str | torch.device) -> str:
    """Return why this device does not report how busy it is, or an empty string."""
    device = torch.device(device)
    if device.type == "cpu":
        return ""
    if device.type != "cuda":
        text = _("PyTorch cannot ask a device of kind {kind} how busy it is.")
        return text.format(kind=device.type)
    try:
        torch.cuda.utilization(device)
    except _refusals() as error:
        return _("The GPU could not be asked how busy it is: {error}").format(error=error)
    return ""


def _refusals() -> tuple[type[Exception], ...]:
    """Return what asking may raise; the errors of the makers' libraries are no RuntimeErrors."""
    libraries = {"pynvml": "NVMLError", "amdsmi": "AmdSmiException"}
    own = [
        getattr(sys.modules[name], error)
        for name, error in libraries.items()
        if name in sys.modules
    ]
    return ModuleNotFoundError, RuntimeError, *own


@dataclass
class Trace:
    """Watch a device inside a ``with`` block; ``seconds`` and ``percent`` are the samples.

    For the CPU it is this program's share of all cores; for an NVIDIA GPU the share of time in
    which it worked at all, over the last fraction of a second, whoever gave it the work. Raises
    ValueError, with the reason, for a device that does not report it.
    """

    device: str | torch.device = "cpu"
    every: float = 0.1
    seconds: list[float] = field(default_factory=list)
    percent: list[float] = field(default_factory=list)

    def __post_init__(self):
        self.device = torch.device(self.device)
        if reason := why_not(self.device):
            raise ValueError(reason)
        self._program, self._done = psutil.Process(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Trace":
        self._program.cpu_percent()  # starts its count; the first answer means nothing
        self._start = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(self, *_error) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(self.every):
            self.percent.append(self._sample())
            self.seconds.append(time.perf_counter() - self._start)

    def _sample(self) -> float:
        if torch.device(self.device).type == "cpu":
            return self._program.cpu_percent() / (psutil.cpu_count() or 1)
        return float(torch.cuda.utilization(self.device))
