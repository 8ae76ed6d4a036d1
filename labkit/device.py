"""Which devices this machine has, one way to choose among them, and how to move a training."""

import os
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from labkit.display import ExplainedError, tell
from labkit.text import _

T = TypeVar("T")


@dataclass(frozen=True)
class Device:
    """One device that PyTorch can compute on: its name, its maker's title, its memory in bytes."""

    name: str
    title: str
    memory: int | None = None

    @property
    def kind(self) -> str:
        """The name without its number: cpu, cuda (NVIDIA, AMD), mps (Apple) or xpu (Intel)."""
        return self.name.partition(":")[0]

    def __str__(self) -> str:
        memory = f", {self.memory / 1e9:.0f} GB" if self.memory else ""
        return f"{self.name} ({self.title}{memory})"


def available() -> list[Device]:
    """Return the devices that PyTorch can use here: the CPU first, then every GPU by number."""
    import psutil  # slow to load beside torch, and of no use to who only trains

    found = [Device("cpu", _cpu_title(), psutil.virtual_memory().total)]
    for kind in ("cuda", "xpu"):
        module = torch.get_device_module(kind)
        for number in range(module.device_count() if module.is_available() else 0):
            card = module.get_device_properties(number)
            found.append(Device(f"{kind}:{number}", card.name, card.total_memory))
    if torch.backends.mps.is_available():
        found.append(Device("mps:0", _("Apple GPU"), torch.mps.recommended_max_memory()))
    return found


def missing() -> dict[str, str]:
    """Return, for each kind of GPU that is not there, the reason in one sentence."""
    reasons = {}
    if not torch.cuda.is_available():
        if torch.version.cuda or torch.version.hip:
            reasons["cuda"] = _("PyTorch finds no NVIDIA or AMD GPU with a working driver here.")
        else:
            reasons["cuda"] = _("This PyTorch was built without support for NVIDIA and AMD GPUs.")
    if not torch.backends.mps.is_available():
        if platform.system() == "Darwin":
            reasons["mps"] = _("PyTorch cannot use this Mac's GPU: it needs a newer macOS or Mac.")
        else:
            reasons["mps"] = _("Only Apple computers have an Apple GPU.")
    if not torch.xpu.is_available():
        reasons["xpu"] = _("PyTorch finds no Intel GPU, or was built without support for one.")
    return reasons


def cores() -> int:
    """Return how many cores this process may use, which may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose(name: str | torch.device | None = None) -> torch.device:
    """Return the device called ``name``; without a name the first GPU, else the CPU.

    ``name`` is ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``, ``"xpu"`` or ``"gpu"`` (the first
    GPU of any kind); without it the environment variable LABKIT_DEVICE is asked. The number is
    filled in, ``cuda`` becomes ``cuda:0``, so that the answer equals the ``.device`` of a tensor
    that was moved there. Raises ValueError, naming the devices there are, if it is not one of them.
    """
    wanted = str(name or os.environ.get("LABKIT_DEVICE") or "auto").strip().lower()
    there = available()
    gpus = [device.name for device in there if device.kind != "cpu"]
    if wanted == "auto":
        return torch.device(gpus[0] if gpus else "cpu")
    for device in there:
        if wanted in (device.name, device.kind) or (wanted == "gpu" and device.kind != "cpu"):
            return torch.device(device.name)
    names = ", ".join(device.name for device in there)
    text = _("There is no device {wanted!r} on this machine; choose one of: {names}.")
    raise ExplainedError(text.format(wanted=wanted, names=names))


def describe(device: str | torch.device | None = None) -> str:
    """Return one line about a device: name, maker's title, memory in GB (10**9 bytes)."""
    chosen = str(choose(device))
    return next(str(found) for found in available() if found.name == chosen)


def recorded(description: str) -> str:
    """Return a line that `describe` wrote in English, on another machine, in this language."""

    def counted(found: re.Match) -> str:
        return _("{name}, {cores} cores").format(name=found[1], cores=found[2])

    return re.sub(r"(?<=\()(.+), (\d+) cores", counted, description)


def synchronize(device: str | torch.device) -> None:
    """Wait until the device has finished all that it was given; a clock read before is a lie."""
    device = torch.device(device)
    several = device.type in ("cuda", "xpu")  # there may be more than one: say which
    torch.get_device_module(device).synchronize(*([device] if several else []))


def peak_memory(device: str | torch.device) -> int | None:
    """Return the most bytes that tensors held there since `reset_peak_memory`, if it is counted.

    PyTorch counts them on ``cuda`` and ``xpu``; elsewhere the answer is None.
    """
    module = torch.get_device_module(device)
    if not hasattr(module, "max_memory_allocated"):
        return None
    return module.max_memory_allocated(torch.device(device))


def reset_peak_memory(device: str | torch.device) -> None:
    """Start counting the peak of memory afresh, where it is counted."""
    module = torch.get_device_module(device)
    if hasattr(module, "reset_peak_memory_stats"):
        synchronize(device)  # wakes the device up: before its first use there is nothing to reset
        module.reset_peak_memory_stats(torch.device(device))


def move(
    model: nn.Module, optimizer: torch.optim.Optimizer | None, device: str | torch.device
) -> None:
    """Move a model and its optimizer's state to a device together, also between two steps.

    ``model.to`` moves parameters, buffers and gradients; what the optimizer remembers (momentum,
    Adam's averages) stays behind and would fail the next step, so it is moved as well. The
    optimizer goes on with the same parameters. If the device has too little memory for both
    (RuntimeError), or cannot hold such numbers (TypeError: mps has no float64), all is brought
    back and the error raised.
    """
    before = list(model.parameters())
    home = before[0].device if before else torch.device("cpu")
    remembered = optimizer.state_dict() if optimizer else None
    try:
        model.to(device)
        _follow(optimizer, before, model, remembered)
    except (RuntimeError, TypeError):
        model.to(home)
        _follow(optimizer, before, model, remembered)
        raise


def _follow(optimizer, before: list[nn.Parameter], model: nn.Module, remembered) -> None:
    """Let the optimizer go on with the parameters that the model has now, where they are now."""
    if optimizer is None:
        return
    moved = dict(zip(before, model.parameters(), strict=True))  # mostly the very objects
    for group in optimizer.param_groups:
        group["params"] = [moved.get(parameter, parameter) for parameter in group["params"]]
    optimizer.load_state_dict(remembered)  # puts every state tensor beside its parameter


def out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that a device had too little memory, whatever its wording."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = (
        "out of memory",
        "can't allocate memory",
        "not enough memory",
        "alloc_failed",  # cuBLAS and cuDNN
        "error_out_of_",  # Intel: ..._OUT_OF_DEVICE_MEMORY, ..._OUT_OF_RESOURCES
    )
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in said for word in words)


def with_smaller_batches(work: Callable[[int], T], batch: int) -> tuple[T, int]:
    """Return ``work(batch)`` and the batch size that fitted, halved as often as memory ran out.

    Each halving is told. Raises MemoryError if even a batch of 1 does not fit.
    """
    while True:
        try:
            return work(batch), batch
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if batch <= 1:
                raise MemoryError(
                    _("Even a batch of 1 does not fit into memory: take a smaller network.")
                ) from error
        # Only now: inside `except` the traceback still holds the tensors.
        for kind in {device.kind for device in available()} - {"cpu"}:
            torch.get_device_module(kind).empty_cache()
        tell(
            _("Out of memory"),
            _("A batch of {batch} does not fit; going on with {half}.").format(
                batch=batch, half=batch // 2
            ),
        )
        batch //= 2


def _cpu_title() -> str:
    name, facts = platform.processor(), Path("/proc/cpuinfo")
    if facts.is_file():
        lines = [line for line in facts.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].partition(":")[2].strip() if lines else name
    return _("{name}, {cores} cores").format(name=name or platform.machine(), cores=cores())
