"""Honest timing: warm up, wait for the device, repeat, and give the spread with the median."""

import importlib.util
import math
import os
import shutil
import statistics
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import torch
from torch import nn

from labkit.device import choose, out_of_memory, peak_memory, reset_peak_memory, synchronize
from labkit.model import Net
from labkit.text import _

PRECISIONS = ("float32", "bf16")


@dataclass(frozen=True)
class Timing:
    """How long one call takes: one number of seconds for each repeat."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the repeats, in seconds: one disturbed repeat does not move it."""
        return statistics.median(self.samples)

    def __str__(self) -> str:
        return _("{median:.2f} ms ({low:.2f} to {high:.2f} ms in {n} repeats)").format(
            median=self.median * 1e3,
            low=min(self.samples) * 1e3,
            high=max(self.samples) * 1e3,
            n=len(self.samples),
        )


def measure(
    work: Callable[[], object],
    *,
    device: str | torch.device = "cpu",
    warmup: int = 2,
    repeats: int = 5,
    seconds: float = 0.05,
) -> Timing:
    """Time ``work()``, which computes on ``device``; return seconds per call.

    A GPU answers before it has computed: the clock is read after `synchronize`.

    work: called without arguments
    device: where it computes (default: the CPU)
    warmup: calls that are not counted, at least 1: first ones are slower (libraries load)
    repeats: how many numbers the result has
    seconds: about how long a repeat lasts; short work is called several times in each
    """
    for _call in range(max(warmup, 1)):
        work()
    once = _clock(work, 1, device)
    calls = max(1, math.ceil(seconds / max(once, 1e-9)))
    return Timing(tuple(_clock(work, calls, device) / calls for _repeat in range(repeats)))


def _clock(work: Callable[[], object], calls: int, device: str | torch.device) -> float:
    synchronize(device)
    start = time.perf_counter()
    for _call in range(calls):
        work()
    synchronize(device)
    return time.perf_counter() - start


@contextmanager
def threads(count: int) -> Generator[None]:
    """Let PyTorch compute with ``count`` threads in this block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def best_threads(work: Callable[[], object]) -> int:
    """Return 1 if ``work()`` on the CPU is faster with one thread, else the number set now.

    More threads wait for each other after every operation: small ones lose by that, and all do
    where other programs use the cores (20 times slower, seen on two cores).
    """
    seconds = {}
    for count in sorted({1, torch.get_num_threads()}):
        with threads(count):
            seconds[count] = measure(work, warmup=1, repeats=1, seconds=0.01).median
    return min(seconds, key=seconds.__getitem__)


@dataclass(frozen=True)
class Setting:
    """What one measurement of the grid trains.

    device: its name (default: "cpu")
    batch: images in a batch (default: 4)
    width: how many times as wide as notebook 3's the network is (default: 1)
    precision: one of ``PRECISIONS``, "float32" or "bf16" (default: "float32")
    channels_last: whether the channels come last in memory (default: no)
    compiled: whether ``torch.compile`` is used (default: no)

    Raises ``ValueError`` for a batch or a width below 1, and for another precision.
    """

    device: str = "cpu"
    batch: int = 4
    width: int = 1
    precision: str = "float32"
    channels_last: bool = False
    compiled: bool = False

    def __post_init__(self):
        if self.batch < 1 or self.width < 1:
            text = _("Batch {batch} and width {width}: both must be at least 1.")
            raise ValueError(text.format(batch=self.batch, width=self.width))
        if self.precision not in PRECISIONS:
            text = _("There is no precision {precision!r} here; choose one of: {names}.")
            raise ValueError(text.format(precision=self.precision, names=", ".join(PRECISIONS)))


@dataclass(frozen=True)
class Result:
    """What was measured for one setting; without a timing, ``note`` says why there is none."""

    setting: Setting
    timing: Timing | None = None
    peak_bytes: int | None = None
    note: str = ""

    @property
    def images_per_second(self) -> float:
        """Images trained on per second, from the median; NaN where nothing was measured."""
        return self.setting.batch / self.timing.median if self.timing else math.nan


def settings(
    devices: Iterable[str | torch.device],
    batches: Iterable[int],
    widths: Iterable[int] = (1,),
    precisions: Iterable[str] = ("float32",),
    channels_last: Iterable[bool] = (False,),
    compiled: Iterable[bool] = (False,),
) -> list[Setting]:
    """Return every combination, the least work first, so that a time limit cuts the largest.

    devices, batches: names of devices, and images in a batch
    widths: how many times as wide as notebook 3's the network is
    precisions: some of ``PRECISIONS``: "float32", "bf16"
    channels_last, compiled: False, True, or both

    Raises ``ValueError`` for a batch or a width below 1, and for another precision.
    """
    names = [str(device) for device in devices]
    all_of_them = product(names, batches, widths, precisions, channels_last, compiled)
    grid = [Setting(*one) for one in all_of_them]
    return sorted(grid, key=lambda one: one.batch * one.width**2)


def training_step(setting: Setting) -> Callable[[], None]:
    """Return a function that trains `Net` for one step on random images, copying included.

    As in a real training run, each step moves its batch ``[batch, 3, 32, 32]`` from host memory
    (pinned where there is CUDA) to the device. The content of the pixels does not change the time.
    """
    device = torch.device(setting.device)
    layout = torch.channels_last if setting.channels_last else torch.contiguous_format
    model = Net(width=setting.width).to(device).to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    if setting.compiled:
        torch.compiler.reset()  # else the ninth network in a row silently runs uncompiled
    forward = torch.compile(model, dynamic=False) if setting.compiled else model
    loss_function = nn.CrossEntropyLoss()
    images = torch.randn(setting.batch, 3, 32, 32).contiguous(memory_format=layout)
    labels = torch.randint(10, (setting.batch,))
    if device.type == "cuda":
        images, labels = images.pin_memory(), labels.pin_memory()

    def step() -> None:
        inputs, targets = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        optimizer.zero_grad()
        with autocast(device, setting.precision):
            loss = loss_function(forward(inputs), targets)
        loss.backward()
        optimizer.step()

    return step


def autocast(device: str | torch.device, precision: str) -> torch.autocast:
    """Return the context in which matrix work is done in bfloat16 if ``precision`` is "bf16"."""
    kind = torch.device(device).type
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=precision == "bf16")


def run(setting: Setting, *, repeats: int = 3, cpu_threads: int | None = None) -> Result:
    """Measure one training step; too little memory or no compiler becomes a note, not an error.

    The CPU computes with ``cpu_threads``; left out, with one or all, whichever is faster.
    """
    reason = why_not_compile(setting.device) if setting.compiled else ""
    if reason:
        return Result(setting, note=reason)
    reset_peak_memory(setting.device)
    try:
        step = training_step(setting)
        if torch.device(setting.device).type == "cpu" and cpu_threads is None:
            cpu_threads = best_threads(step)
        with threads(cpu_threads or torch.get_num_threads()):
            timing = measure(step, device=setting.device, repeats=repeats)
    except (RuntimeError, MemoryError) as error:
        if out_of_memory(error):
            return Result(setting, note=_("out of memory"))
        if setting.compiled:
            said = str(error).strip().partition("\n")[0]
            return Result(setting, note=_("could not be compiled: {error}").format(error=said))
        raise
    return Result(setting, timing, peak_memory(setting.device))


def run_all(
    grid: Iterable[Setting],
    *,
    limit: float = math.inf,
    on_result: Callable[[Result], object] | None = None,
    **options,
) -> list[Result]:
    """Measure a whole grid; what would start after ``limit`` seconds is noted as left out."""
    start, results = time.perf_counter(), []
    for setting in grid:
        if time.perf_counter() - start < limit:
            result = run(setting, **options)
        else:
            late = _("left out: the {limit:.0f} s were over").format(limit=limit)
            result = Result(setting, note=late)
        results.append(result)
        if on_result:
            on_result(result)
    return results


def rates(results: Iterable[Result]) -> dict[str, dict[int, dict[int, float]]]:
    """Return images per second as ``{device: {width: {batch: rate}}}``, for the charts.

    Only what was measured is there, and only plain settings: float32, the usual memory format,
    not compiled.
    """
    found: dict[str, dict[int, dict[int, float]]] = {}
    for result in results:
        setting = result.setting
        plain = setting == Setting(setting.device, setting.batch, setting.width)
        if not (plain and result.timing):
            continue
        by_width = found.setdefault(setting.device, {})
        by_width.setdefault(setting.width, {})[setting.batch] = result.images_per_second
    return {
        name: {width: dict(sorted(row.items())) for width, row in sorted(by_width.items())}
        for name, by_width in found.items()
    }


def wins_from(slow: Mapping[int, float], fast: Mapping[int, float]) -> int | None:
    """Return the smallest batch from which on ``fast`` has the higher rate at every batch.

    Both map batch to images per second; batches not measured on both are left aside.
    """
    winning = None
    for batch in sorted(slow.keys() & fast.keys(), reverse=True):
        if fast[batch] <= slow[batch]:
            break
        winning = batch
    return winning


def crossovers(
    found: Mapping[str, Mapping[int, Mapping[int, float]]],
) -> dict[str, dict[int, int | None]]:
    """Return ``{device: {width: batch from which on it beats the CPU, or None}}`` from `rates`."""
    return {
        name: {w: wins_from(found["cpu"].get(w, {}), row) for w, row in by_width.items()}
        for name, by_width in found.items()
        if name != "cpu"
    }


def why_not_compile(device: str | torch.device = "cpu") -> str:
    """Return why `torch.compile` cannot work for this device, or an empty string.

    For the CPU it writes C++ and needs a compiler; for a GPU it needs Triton, or Apple's Metal.
    """
    kind = choose(device).type
    if kind in ("cuda", "xpu") and importlib.util.find_spec("triton") is None:
        return _("torch.compile needs the package triton for a GPU, which is not installed.")
    compilers = (os.environ.get("CXX", "g++"), "g++", "clang++", "cl")
    if kind != "mps" and not any(map(shutil.which, compilers)):
        return _("torch.compile needs a C++ compiler, and finds none on this machine.")
    return ""
