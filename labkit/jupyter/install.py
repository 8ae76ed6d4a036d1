"""Set up ``.venv``: what ``make`` runs; on Windows, ``py labkit/jupyter/install.py``.

This file runs before anything is installed, so it needs nothing but Python's standard library. A
Python that is too old has to get as far as saying so: no syntax here that Python 3.6 cannot read.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

OLDEST = (3, 11)
NEWEST = (3, 14)
"""The newest Python that the proven versions have builds for."""
CPU_INDEX = os.environ.get("LABKIT_TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
"""Where PyTorch keeps its builds without CUDA, which are 3 GB smaller."""
PATIENCE = 4
"""Seconds to wait for that index. Where it does not answer, the default build serves as well."""


def main() -> None:
    """Bring ``.venv`` up to date; do nothing, and need no network, if it is."""
    if sys.version_info < OLDEST:
        sys.exit(_other_python())
    parser = argparse.ArgumentParser(description="Set up the workshop in .venv.")
    parser.add_argument("--test", action="store_true", help="also what the tests need")
    parser.add_argument("--torch", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--constraints", default="constraints.txt", help="file of proven versions")
    parser.add_argument(
        "--this-python", action="store_true", help="leave a .venv of another Python"
    )
    options = parser.parse_args()
    constraints = _read(ROOT / options.constraints) if options.constraints else ""

    wanted = {
        "requirements": _requirements(options.test),
        "constraints": hashlib.sha256(constraints.encode()).hexdigest(),
        "torch": options.torch,
    }
    if options.this_python:
        wanted["python"] = platform.python_version()
    stamp = FOLDER / ("ready-test" if options.test else "ready-lab")
    old = _stamp(stamp)
    if PYTHON.exists() and wanted.items() <= old.items():
        return

    other = options.this_python and _version() != platform.python_version()
    other = other or old.get("torch", options.torch) != options.torch
    cpu_index = _cpu_index(options.torch, constraints)
    if other or not PYTHON.exists():
        if constraints and sys.version_info[:2] > NEWEST:
            sys.exit(_other_python())
        venv.create(FOLDER, with_pip=True, clear=other)
    pinned = ["--constraint", options.constraints] if constraints else []
    if cpu_index:
        print("Taking PyTorch's CPU build, which is much smaller (TORCH=cuda takes the other one).")
        # Without the rest: that index has old copies of other packages, which must not be taken.
        _install(*pinned, "--no-deps", "--index-url", cpu_index, "torch", "torchvision")
    print("Installing what the workshop needs into .venv. This takes some minutes.", flush=True)
    _install(*pinned, "--editable", ".[test]" if options.test else ".")
    wanted["python"] = _version()
    stamp.write_text(json.dumps(wanted), encoding="utf-8")
    if options.test:
        less = wanted | {"requirements": _requirements(test=False)}
        stamp.with_name("ready-lab").write_text(json.dumps(less), encoding="utf-8")


def _other_python() -> str:
    oldest, newest = ("{}.{}".format(*version) for version in (OLDEST, NEWEST))
    return (
        f"This workshop needs Python {oldest} to {newest}, and this is "
        f"{platform.python_version()}. Install {newest} beside it, and name it: on Windows "
        f"py -{newest} labkit\\jupyter\\install.py, elsewhere make lab PYTHON=python{newest}."
    )


def _cpu_index(choice: str, constraints: str) -> str:
    """Return where to take the build without CUDA from; empty if the default build is wanted."""
    if choice == "cuda" or (choice == "auto" and not _cuda_is_of_no_use()):
        return ""
    if _has_torch(constraints):
        return CPU_INDEX
    if choice == "cpu":
        sys.exit(
            f"You asked for PyTorch's CPU build, but {CPU_INDEX} does not answer, or does not "
            "have this version for this Python. Check the network, or leave out TORCH=cpu."
        )
    return ""


def _cuda_is_of_no_use() -> bool:
    """Return whether the default build would bring a CUDA that this computer cannot use."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and not _driver()


def _driver() -> bool:
    signs = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")  # the last is WSL's
    return bool(shutil.which("nvidia-smi")) or any(map(os.path.exists, signs))


def _has_torch(constraints: str) -> bool:
    """Return whether the index answers in time and has the version that is wanted."""
    pin = re.search(r"^torch==([\w.]+)", constraints, re.MULTILINE)
    version = re.escape(pin[1]) if pin else r"[\d.]+"
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    wheel = re.compile(rf"torch-{version}(\+|%2B)cpu-{tag}-")
    pages = []

    def ask():
        try:
            with urllib.request.urlopen(f"{CPU_INDEX}/torch/", timeout=PATIENCE) as page:
                pages.append(page.read().decode())
        except (OSError, ValueError, urllib.error.URLError):
            pass

    # In a thread: looking up the name of a host has a time limit of its own, and a long one.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return bool(pages and wheel.search(pages[0]))


def _install(*arguments: str) -> None:
    """Install with uv where it is at hand, which is faster, and otherwise with pip."""
    # Python compiles a module when it is first needed, if it may: most of 200 MB never are.
    uv = _uv()
    if uv:
        command = [uv, "pip", "install", "--python", str(PYTHON)]
        command += ["--compile-bytecode"] if sys.dont_write_bytecode else []
    else:
        command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
        command += [] if sys.dont_write_bytecode else ["--no-compile"]
    try:
        failed = subprocess.run([*command, *arguments], cwd=ROOT).returncode
    except OSError:
        failed = True
    if failed:
        sys.exit(f"Not everything could be installed: {_cause()}")


def _uv() -> str:
    """Return the path of uv; empty where there is none, or one that does not run, as pyenv's."""
    uv = shutil.which("uv") or ""
    try:
        works = uv and not subprocess.run([uv, "--version"], capture_output=True).returncode
    except OSError:
        works = False
    return uv if works else ""


def _cause() -> str:
    """Return what the installation failed for, as far as that can be told, and what to do."""
    again = "then give the same command again: it goes on."
    free = shutil.disk_usage(FOLDER).free
    if not os.access(FOLDER, os.W_OK):
        return f"you may not write into {FOLDER}. Delete it, or have it deleted, {again}"
    if free < 2**30:
        return f"this disk has only {free / 2**20:.0f} MB left. Make room (up to 6 GB), {again}"
    if not _version():
        return f"the Python in .venv does not start. Delete the folder {FOLDER}, {again}"
    return (
        "the lines above say what failed. If that is the network, or the room on the disk (you may "
        f"have a quota), see to it, {again}"
    )


def _requirements(test: bool) -> list:
    import tomllib  # which a Python that is too old does not have

    project = tomllib.loads(_read(ROOT / "pyproject.toml"))["project"]
    return project["dependencies"] + (project["optional-dependencies"]["test"] if test else [])


def _stamp(path: Path) -> dict:
    try:
        return json.loads(_read(path))
    except ValueError:
        return {}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _version() -> str:
    """Return the version of the Python in ``.venv``, an empty text if none starts there."""
    ask = [str(PYTHON), "-c", "import platform; print(platform.python_version())"]
    try:
        return subprocess.run(ask, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
