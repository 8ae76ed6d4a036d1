"""The hub kit, as far as it goes without a hub; `tests/benchmarks/hub.py` has a real one."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from traitlets.config import Config

ROOT = Path(__file__).parents[2]
KIT = ROOT / "labkit/jupyter/hub"


def _configured(text):
    c = Config()
    exec(compile(text, "config", "exec"), {"get_config": lambda: c})  # as JupyterHub does
    return c.Spawner


def _reads_the_settings_of_the_workshop(environment, workshop):
    folder = Path(environment["JUPYTER_CONFIG_PATH"].replace(workshop, str(ROOT)))
    assert (folder / "jupyter_server_config.json").is_file()
    assert (folder / "labconfig/default_setting_overrides.json").is_file()


def test_every_class_that_the_settings_name_is_there():
    settings = json.loads((KIT.parent / "jupyter_server_config.json").read_text())["ServerApp"]
    for name in ("kernel_manager_class", "kernel_websocket_connection_class"):
        module, _dot, kind = settings[name].rpartition(".")
        assert getattr(import_module(module), kind)
    for module in settings["jpserver_extensions"]:
        assert import_module(module)._load_jupyter_server_extension


def test_the_hub_finds_settings_style_and_a_short_path_for_sockets(monkeypatch):
    monkeypatch.setenv("LABKIT_WORKSHOP", "/srv/x")
    monkeypatch.setenv("LABKIT_SHARED", "/srv/y")
    spawner = _configured((KIT / "jupyterhub_config.py").read_text())
    environment = spawner.environment.get_value({})
    _reads_the_settings_of_the_workshop(environment, "/srv/x")
    assert environment["LABKIT_CACHE"] == "/srv/y/images"
    one, other = (environment["JUPYTER_RUNTIME_DIR"](None) for _ in range(2))
    assert one != other and len(f"{one}/kernel-{'x' * 36}-ipc-5") <= 107
    [style] = [a for a in spawner.args.get_value([]) if "tornado_settings" in a]
    [folder] = ast.literal_eval(style.partition("=")[2])["static_custom_path"]
    assert (ROOT / folder.removeprefix("/srv/x/") / "custom.css").is_file()


def test_no_two_servers_that_start_at_once_get_one_port(monkeypatch):
    ports = iter([39251, 39251, 39251, 39252])  # as the system may give them
    local = SimpleNamespace(random_port=lambda: next(ports))
    monkeypatch.setitem(sys.modules, "jupyterhub.spawner", local)
    _configured((KIT / "jupyterhub_config.py").read_text())
    assert [local.random_port(), local.random_port()] == [39251, 39252]


def test_the_image_for_kubernetes_has_the_same_settings():
    text = (KIT / "Dockerfile").read_text()
    environment = dict(re.findall(r"(\w+)=(\S+)", text.partition("\nENV ")[2]))
    _reads_the_settings_of_the_workshop(environment, "/srv/labkit/workshop")
    assert environment["OMP_NUM_THREADS"] == "1"
    values = yaml.safe_load((KIT / "values.yaml").read_text())
    pulled = values["singleuser"]["lifecycleHooks"]["postStart"]["exec"]["command"][-1].split()[3]
    assert values["singleuser"]["defaultUrl"] == f"/labkit/en/{pulled}/notebooks/00_setup.ipynb"
    assert values["cull"]["enabled"] and values["scheduling"]["userPlaceholder"]["replicas"]
    compile(values["hub"]["extraConfig"]["labkit"], "values.yaml", "exec")
    assert values["hub"]["config"]["SharedPasswordAuthenticator"]["user_password"] == "PASSWORD"
    assert "place of `PASSWORD`" in (KIT / "README.md").read_text()


@pytest.mark.skipif(os.name == "nt", reason="scripts for Linux")
def test_binder_installs_the_versions_that_were_tried_and_has_the_same_settings(tmp_path):
    binder = ROOT / ".binder"
    wanted = (binder / "requirements.txt").read_text().splitlines()
    [constraints] = [line.partition(" ")[2] for line in wanted if line.startswith("--constraint")]
    assert (binder / constraints).resolve() == ROOT / "constraints.txt"
    assert "--editable ." in wanted  # repo2docker installs in the folder of the workshop
    filled = re.search(r"fill_cache (\S+)", (binder / "postBuild").read_text())[1]
    done = subprocess.run(
        [binder / "start", "bash", "-c", f'env; test "$LABKIT_CACHE" = {filled}'],
        env={**os.environ, "REPO_DIR": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    environment = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    _reads_the_settings_of_the_workshop(environment, str(ROOT))
    assert environment["OMP_NUM_THREADS"] == "1"


@pytest.mark.skipif(
    os.name == "nt" or not shutil.which("git"), reason="a script for a Linux server"
)
def test_the_script_for_a_server_sets_up_and_brings_up_to_date(tmp_path):
    tools = tmp_path / "tljh/user/bin"
    tools.mkdir(parents=True)
    hub, system = tmp_path / "tljh/hub/bin", tmp_path / "system"
    for folder, names in (
        (tools, ("pip", "python")),
        (hub, ("jupyterhub",)),
        (system, ("useradd", "chown")),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/calls\n')
            (folder / name).chmod(0o755)
    (tmp_path / "shared/class").mkdir(parents=True)
    authors = tmp_path / "authors"
    shutil.copytree(KIT.parent, authors / "labkit/jupyter", ignore=shutil.ignore_patterns("__py*"))
    for command in ("init", "add .", "-c user.name=a -c user.email=a@b commit -m one"):
        subprocess.run(["git", *command.split()], cwd=authors, check=True, capture_output=True)
    environment = {
        **os.environ,
        "REPOSITORY": str(authors),
        "ADMIN": "nobody-here",
        "LABKIT_SHARED": str(tmp_path / "shared"),
        "TLJH": str(tmp_path / "tljh"),
        "PATH": f"{system}:{os.environ['PATH']}",
    }
    for _time in ("first", "again"):  # and Spanish only then
        done = subprocess.run(
            ["bash", KIT / "tljh.sh"], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        environment["LABKIT_LANGUAGE"] = "es"
    link = urllib.parse.urlsplit(done.stdout.split()[-1])
    asked = urllib.parse.parse_qs(link.query)
    assert link.path == "/hub/user-redirect/git-pull" and asked["repo"] == [str(authors)]
    assert asked["urlpath"] == ["labkit/es/authors/notebooks/00_setup.ipynb"]
    calls = (tmp_path / "calls").read_text()
    assert calls.index("-m labkit.languages en") < calls.index("-m labkit.languages es")
    made = calls.index("useradd --create-home --key UMASK=0027 jupyter-nobody-here")
    assert made < calls.index("chown jupyter-nobody-here:jupyter-nobody-here")
    assert "--editable . nbgitpuller" in calls and "labkit.data.fill_cache" in calls
    written = (tmp_path / "tljh/config/jupyterhub_config.d/labkit.py").read_text()
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            f"get_config = __import__('unittest.mock').mock.MagicMock\n{written}",
        ],
        check=False,
    )
    assert found.returncode == 0
