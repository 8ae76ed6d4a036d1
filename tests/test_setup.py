"""What the two commands of the README rest on."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from labkit.jupyter import install

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_conda_environment_lists_no_dependency_of_its_own():
    lines = (ROOT / "environment.yml").read_text().splitlines()
    items = [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]
    python = items.pop(1)
    assert items == ["conda-forge", "pip", "pip:", "--editable .[test]"]
    for said in (python, (ROOT / ".binder" / "runtime.txt").read_text().strip()):
        version = re.fullmatch(r"python[=-](3\.\d+)", said)[1]
        assert Version(version) in SpecifierSet(PROJECT["requires-python"])


def test_the_proven_versions_can_be_had_for_the_oldest_python():
    """Debian 12 has Python 3.11.2: a version that needs 3.11.5 cannot be installed there."""
    oldest = re.fullmatch(r">=([\d.]+)", PROJECT["requires-python"])[1] + ".0"
    lines = (ROOT / "constraints.txt").read_text().split()
    pins = dict(line.split("==") for line in lines if "==" in line)
    refused, seen = [], 0
    for installed in distributions():
        if pins.get(installed.name) == installed.version:
            seen += 1
            if oldest not in SpecifierSet(installed.metadata.get("Requires-Python", "")):
                refused.append((installed.name, installed.version))
    assert refused == [] and seen > 50


def test_every_extra_that_conda_installs_exists():
    assert "test" in PROJECT["optional-dependencies"]


def test_importing_any_module_of_labkit_prints_nothing_and_leaves_torchvision_alone():
    modules = sorted(
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
        for path in (ROOT / "labkit").rglob("*.py")
        if path.name != "__main__.py" and path.parent.name != "hub"  # which a hub runs
    )
    modules.remove("labkit.checks.dataloader")  # its subject is torchvision's transforms
    code = f"import sys\nfor m in {modules!r}: __import__(m)\nprint('torchvision' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")


@pytest.mark.parametrize("target", ["lab", "test"])
def test_make_says_in_one_sentence_that_python_is_too_old(tmp_path, target):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = _make(tmp_path, target, f"PYTHON={old}")
    assert done.returncode != 0
    assert "needs Python 3.11 to 3.14" in done.stdout


def test_make_and_the_installer_know_the_same_newest_python():
    [above] = re.findall(
        r"sys.version_info < \((\d+, \d+)\)\)' 2>", (ROOT / "Makefile").read_text()
    )
    assert above == f"{install.NEWEST[0]}, {install.NEWEST[1] + 1}"


def test_make_says_in_one_sentence_that_venv_is_missing(tmp_path):
    without_venv = tmp_path / "python3"
    without_venv.write_text('#!/bin/sh\ncase "$*" in *venv*) exit 1;; *) exit 0;; esac\n')
    without_venv.chmod(0o755)
    done = _make(tmp_path, "lab", f"PYTHON={without_venv}")
    assert done.returncode != 0
    assert "lacks the venv module" in done.stdout


def test_a_folder_that_was_renamed_after_it_was_set_up_finds_its_own_package(tmp_path):
    here = tmp_path / "renamed ü"
    (here / ".venv" / "bin").mkdir(parents=True)
    python = here / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$PYTHONPATH"\n')
    python.chmod(0o755)
    _make(here, "help")  # copies the set-up files
    call = ["make", "--no-print-directory", "--old-file=.venv/ready-lab", "images"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=here)
    assert done.stdout.splitlines()[-1].split(":")[0] == str(here.resolve())


def _make(folder, *arguments):
    """Run make in a copy of the repository's set-up files: no environment there yet."""
    for name in ("Makefile", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    return subprocess.run(["make", *arguments], capture_output=True, text=True, cwd=folder)


def test_no_language_string_is_an_f_string():
    """An f-string inside _() is filled in before the catalogue is asked, so never translated."""
    offenders = [
        f"{path.name}: {match.group(0)}"
        for path in (ROOT / "labkit").rglob("*.py")
        for match in re.finditer(r"\b_\(\s*[rR]?[fF][\"'].*", path.read_text())
    ]
    assert offenders == []
