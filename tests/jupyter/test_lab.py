"""``python -m labkit.jupyter.lab`` opens the workshop, with its settings, in any language."""

import ast
import os
import re
from pathlib import Path

import pytest

from labkit.jupyter import lab
from tests.test_preflight import contrast_with_white

ROOT = Path(__file__).parents[2]


@pytest.fixture
def opened(monkeypatch):
    """Return what JupyterLab is started with: its options by name."""
    monkeypatch.setattr(lab.subprocess, "call", lambda command: 0)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
    started: list[str] = []
    monkeypatch.setattr(lab.LabApp, "launch_instance", started.extend)

    def run(*arguments):
        assert lab.main(*arguments) == 0
        return dict(option.removeprefix("--").partition("=")[::2] for option in started)

    return run


def test_it_opens_the_first_notebook_with_the_settings_beside_ones_own(opened, monkeypatch):
    monkeypatch.chdir(ROOT / "tests")
    options = opened("--no-browser", "--ServerApp.port=1")
    assert Path.cwd() == ROOT and options["ServerApp.root_dir"] == "."
    assert options["LabApp.default_url"] == "/lab/tree/notebooks/00_setup.ipynb"
    assert options["ServerApp.port"] == "1" and "no-browser" in options
    [style] = ast.literal_eval(options["ServerApp.tornado_settings"])["static_custom_path"]
    assert Path(style, "custom.css").is_file()
    ours, own = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert Path(ours, "jupyter_server_config.json").is_file() and own == "mine"


def test_with_a_language_it_opens_that_edition(opened, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert opened("es")["LabApp.default_url"] == "/lab/tree/notebooks/es/00_setup.ipynb"


@pytest.mark.parametrize(
    "why, said", [("locked", "is read-only"), ("full", "is full. You can go on")]
)
def test_a_home_that_takes_no_file_stops_nobody_and_ones_own_settings_are_read(
    why, said, opened, monkeypatch, capsys
):
    own, names = lab.jupyter_config_dir(), ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    for name in (*(f"JUPYTER_{name}" for name in names), "IPYTHONDIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, "")  # so that it is put back
    monkeypatch.setattr(lab, "jupyter_config_dir", lambda: own)
    monkeypatch.setattr(lab, "unwritable", lambda folder: why)
    monkeypatch.chdir(ROOT)
    options = opened()
    assert f"home folder {said}" in capsys.readouterr().out
    spare = options["LabApp.workspaces_dir"]
    assert os.environ["JUPYTER_CONFIG_DIR"] == os.environ["IPYTHONDIR"] == spare
    assert os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)[1:] == ["mine", own]


def test_a_language_that_there_is_not_opens_nothing(monkeypatch, capfd):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(lab.LabApp, "launch_instance", pytest.fail)
    assert lab.main("xx") == 1
    assert "pt_BR" in capfd.readouterr().out
    assert os.environ.get("LABKIT_LANGUAGE") != "xx"  # each notebook has its own


def test_comments_in_a_cell_can_be_read_in_the_light_and_in_the_dark():
    """Shapes stand in comments. The backgrounds are those of JupyterLab's cells."""
    style = (ROOT / "labkit/jupyter/custom/custom.css").read_text(encoding="utf-8")
    colours = re.findall(r"editor-comment-color: (#\w{6});", style)
    for colour, background in zip(colours, ("#f5f5f5", "#212121"), strict=True):
        light, dark = sorted(map(contrast_with_white, (colour, background)))
        assert dark / light >= 4.5
