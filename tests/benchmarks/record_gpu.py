"""Record on your GPU what notebook 7 shows to learners who have none.

    python tests/benchmarks/record_gpu.py

It takes a few minutes and writes ``labkit/timing/recorded/gpu_<name>.json``, with device, driver,
versions and date inside. Run it while the machine does nothing else.
"""

import argparse
import json
import platform
import re
import shutil
import subprocess
from dataclasses import asdict
from datetime import date
from pathlib import Path

import torch

from labkit.device import choose, describe
from labkit.display import ExplainedError
from labkit.timing import Setting, recordings
from labkit.timing.clock import PRECISIONS, Result, run_all, settings

BATCHES, WIDTHS = (4, 16, 64, 256, 1024), (1, 2, 4, 8)


def grid(gpu: str) -> list[Setting]:
    """Return CPU against GPU over batch and width, then on the GPU each way to be faster."""
    plain = settings(["cpu", gpu], BATCHES, WIDTHS)
    faster = settings([gpu], [256, 1024], [4, 8], PRECISIONS, [False, True], [False, True])
    return plain + [setting for setting in faster if setting not in plain]


def versions(gpu: str) -> dict[str, str]:
    """Return what else the times depend on: the driver, where its tool is installed."""
    if not gpu.startswith("cuda") or not shutil.which("nvidia-smi"):
        return {}
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    return {"driver": answer.split()[0]}


def here(results: list[Result], device: str, **versions: str) -> recordings.RecordedGrid:
    """Return what was measured on this machine as a recording of today."""
    versions = {"Python": platform.python_version(), "torch": torch.__version__, **versions}
    return recordings.RecordedGrid(
        describe(device), date.today().isoformat(), versions, tuple(results)
    )


def save(recording: recordings.RecordedGrid, path: Path) -> Path:
    """Write a recording as JSON, times in seconds, memory in bytes; return the path."""
    content = json.dumps({"format": recordings.FORMAT, **asdict(recording)}, indent=1)
    path.write_text(content + "\n", encoding="utf-8")
    return path


def main(arguments: list[str] | None = None) -> Path:
    """Measure, write the file, and return its path."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="gpu", help="e.g. cuda:1; default: the first GPU")
    parser.add_argument("--out", type=Path, default=recordings.FOLDER)
    parser.add_argument("--limit", type=float, default=600, help="seconds, 600 by default")
    options = parser.parse_args(arguments)
    gpu = str(choose(options.device))
    results = run_all(grid(gpu), limit=options.limit, repeats=5, on_result=_report)
    name = re.sub(r"\W+", "_", describe(gpu).partition("(")[2]).strip("_").lower()
    options.out.mkdir(parents=True, exist_ok=True)
    recording = here(results, gpu, **versions(gpu))
    path = save(recording, options.out / f"gpu_{name}.json")
    print(recording.heading, path, sep="\n")
    return path


def _report(result: Result) -> None:
    print("  ".join(recordings.rows([result])[0]), flush=True)


if __name__ == "__main__":
    try:
        main()
    except ExplainedError as error:
        raise SystemExit(str(error)) from None
