"""How ``.venv`` is made: which build of PyTorch, which versions, and when nothing is to be done."""

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import venv
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labkit.jupyter import install
from tests.jupyter.packages import wheel

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9"  # the port "discard": nobody listens
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "workshop"
version = "1"
requires-python = ">=3.11"
dependencies = ["torch>=2", "torchvision"]
[project.optional-dependencies]
test = []
"""

BACKEND = """
import sys
sys.path.append({tests!r})
from tests.jupyter.packages import wheel

def build_editable(folder, config_settings=None, metadata_directory=None):
    return wheel(folder, "workshop", "1", needs=["torch>=2", "torchvision"]).name
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


CPU_BUILDS = [
    ("torch", "2.14.1+cpu", f"{TAG}-{TAG}-linux_x86_64"),
    ("torch", "2.15.0+cpu", f"{TAG}-{TAG}-linux_x86_64"),
    ("torchvision", "0.29.1+cpu", f"{TAG}-{TAG}-linux_x86_64"),
    ("numpy", "99", "py3-none-any"),  # PyTorch's index has other packages, too: not to be taken
]
DEFAULT = [
    ("torch", "2.14.1", "py3-none-any"),
    ("torchvision", "0.29.1", "py3-none-any"),
    ("numpy", "2.5.5", "py3-none-any"),
]


@pytest.fixture
def serve(tmp_path):
    """Return a function that serves packages on the loopback address, as pip asks for them."""
    servers = []

    def start(packages):
        root = tmp_path / f"index-{len(servers)}"
        for name, version, tag in packages:
            (root / name).mkdir(parents=True, exist_ok=True)
            wheel(root / name, name, version, tag=tag, needs=["numpy"] * (name == "torch"))
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=root))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A new environment, as the installer makes it; a copy takes a twentieth of the time."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    return folder


@pytest.fixture
def workshop(tmp_path, serve, environment):
    """Return a function that runs the real installer on a project with two dependencies.

    Its environment is there, but nothing is installed.
    """
    folder = tmp_path / "my workshop"
    shutil.copytree(environment, folder / ".venv", symlinks=True)
    (folder / "labkit" / "jupyter").mkdir(parents=True)
    shutil.copy(ROOT / "labkit" / "jupyter" / "install.py", folder / "labkit" / "jupyter")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND.format(tests=str(ROOT)))
    (folder / "constraints.txt").write_text("torch==2.14.1\n")
    default = serve(DEFAULT)

    def run(*options, cpu_index=NOBODY, default=default, path="/usr/bin:/bin", **more):
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
        variables |= {
            "LABKIT_TORCH_INDEX": cpu_index,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": default,
            "PATH": path,
            **more,
        }
        call = [sys.executable, str(folder / "labkit" / "jupyter" / "install.py"), *options]
        return subprocess.run(call, capture_output=True, text=True, cwd=folder, env=variables)

    run.folder = folder
    return run


def installed(folder):
    python = folder / ".venv" / "bin" / "python"
    ask = [
        python,
        "-c",
        "import torch, torchvision as v, numpy as n; "
        "print(torch.__version__, v.__version__, n.__version__)",
    ]
    return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()


no_driver = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64" or install._driver(),
    reason="the choice is made on Linux without an NVIDIA driver",
)


@no_driver
def test_without_a_driver_the_small_build_is_taken_and_nothing_else_from_its_index(workshop, serve):
    done = workshop(cpu_index=serve(CPU_BUILDS))
    assert done.returncode == 0, done.stderr
    assert "CPU build" in done.stdout
    assert installed(workshop.folder) == ["2.14.1+cpu", "0.29.1+cpu", "2.5.5"]


@no_driver
def test_where_that_index_cannot_help_the_default_is_taken_without_a_word(workshop):
    done = workshop(cpu_index=NOBODY)
    assert done.returncode == 0, done.stderr
    assert "CPU" not in done.stdout + done.stderr
    assert installed(workshop.folder) == ["2.14.1", "0.29.1", "2.5.5"]


def test_an_index_without_the_wanted_version_is_of_no_help(serve, monkeypatch):
    monkeypatch.setattr(install, "CPU_INDEX", serve(CPU_BUILDS))
    assert install._has_torch("torch==2.14.1\n") and install._has_torch("torch==2.15.0\n")
    assert not install._has_torch("torch==2.13.0\n")


def test_a_choice_by_hand_is_kept_and_can_be_changed(workshop, serve):
    index = serve(CPU_BUILDS)
    shutil.rmtree(workshop.folder / ".venv")
    assert workshop("--torch", "cuda", cpu_index=index).returncode == 0
    assert not list(workshop.folder.rglob("torch.*.pyc"))  # 200 MB in all, most never needed
    assert installed(workshop.folder)[0] == "2.14.1"
    assert workshop("--torch", "cpu", cpu_index=index).returncode == 0
    assert installed(workshop.folder)[0] == "2.14.1+cpu"


def test_the_cpu_build_asked_for_by_hand_and_not_there_is_told_in_a_sentence(workshop):
    done = workshop("--torch", "cpu")
    assert done.returncode == 1
    assert "does not answer" in done.stderr and "Traceback" not in done.stderr


def test_a_second_call_needs_no_network_until_there_is_something_new(workshop):
    assert workshop("--torch", "cuda", "--test").returncode == 0
    (workshop.folder / "pyproject.toml").touch()  # what a git pull does
    for options in (["--test"], []):
        done = workshop("--torch", "cuda", *options, default=NOBODY)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (workshop.folder / "constraints.txt").write_text("torch==2.15.0\n")
    done = workshop("--torch", "cuda")
    assert done.returncode == 1  # there is no such version: so pip was asked
    assert "Not everything could be installed" in done.stderr


def _uv(folder, program):
    uv = folder / "uv"
    uv.write_text(f"#!/bin/sh\n{program}\n")
    uv.chmod(0o755)


def test_uv_is_used_where_it_is_at_hand(workshop, tmp_path):
    said = tmp_path / "said"
    _uv(tmp_path, f'test "$1" = --version || echo "$@" >> "{said}"')
    assert workshop("--torch", "cuda", path=f"{tmp_path}:/usr/bin:/bin").returncode == 0
    first = said.read_text()
    assert first.startswith("pip install --python ") and "--compile-bytecode" not in first
    more = {"path": f"{tmp_path}:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    assert workshop("--torch", "cuda", "--test", **more).returncode == 0
    assert "--compile-bytecode" in said.read_text()  # else each kernel compiles all of PyTorch


def test_a_python_that_pytorch_has_no_build_for_is_named_before_anything_is_made(workshop):
    shutil.rmtree(workshop.folder / ".venv")
    file = workshop.folder / "labkit" / "jupyter" / "install.py"
    file.write_text(re.sub(r"^NEWEST = .*", "NEWEST = (3, 10)", file.read_text(), flags=re.M))
    done = workshop()
    assert done.returncode != 0 and "py -3.10" in done.stderr and "PYTHON=python3.10" in done.stderr
    assert not (workshop.folder / ".venv").exists()


def test_a_uv_that_does_not_run_counts_as_none(workshop, tmp_path):
    _uv(tmp_path, "echo 'pyenv: uv: command not found' >&2; exit 127")
    done = workshop("--torch", "cuda", path=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr
    assert "not found" not in done.stdout + done.stderr
    assert installed(workshop.folder)[0] == "2.14.1"


def _without_a_python(folder):
    python = folder / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text("#!/gone\n")
    python.chmod(0o755)


def test_a_python_that_does_not_start_is_named_as_the_cause(workshop):
    _without_a_python(workshop.folder)
    done = workshop("--torch", "cuda")
    assert done.returncode == 1 and "does not start. Delete the folder" in done.stderr
    assert "network" not in done.stderr and "Traceback" not in done.stderr


def test_a_full_disk_is_named_as_the_cause(monkeypatch, tmp_path):
    monkeypatch.setattr(install, "FOLDER", tmp_path)
    monkeypatch.setattr(install, "PYTHON", Path(sys.executable))
    assert "network" in install._cause() and "give the same command again" in install._cause()
    usage = shutil.disk_usage(tmp_path)._replace(free=5 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert "only 5 MB left" in install._cause() and "network" not in install._cause()
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "may not write" in install._cause() and "network" not in install._cause()


SOURCE = ROOT / "labkit" / "jupyter" / "install.py"


def test_an_old_python_can_read_the_installer():
    """Its syntax, what it imports first, and its annotations, which are read at once, too."""
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 6))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.NamedExpr | ast.Match)]
    above = [node for node in tree.body if isinstance(node, ast.Import)]
    assert "tomllib" not in [alias.name for node in above for alias in node.names]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            hints = [node.returns, *(each.annotation for each in node.args.args)]
            assert not [hint for hint in hints if isinstance(hint, ast.Subscript | ast.BinOp)]


OLD = sorted(Path.home().glob(".pyenv/versions/3.[6-9].*/bin/python"))
OLD += sorted(Path.home().glob(".pyenv/versions/3.10.*/bin/python"))


@pytest.mark.skipif(not OLD, reason="needs an old Python, from pyenv")
def test_an_old_python_says_in_one_sentence_which_one_is_needed():
    for python in OLD:
        done = subprocess.run([python, SOURCE], capture_output=True, text=True)
        assert done.returncode == 1 and done.stdout == ""
        assert "needs Python 3.11 to 3.14, and this is 3." in done.stderr
        assert "py -3.14" in done.stderr and done.stderr.count("\n") == 1
