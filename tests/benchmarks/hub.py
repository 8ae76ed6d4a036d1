"""A class on a real JupyterHub of this machine: ``python -m tests.benchmarks.hub 30``.

Run it as root: it makes that many users (labkit-01, ...), each with a home of their own and a clone
of the last commit, and removes them at the end. It needs ``jupyterhub`` beside this Python, which
also has what the workshop needs, and ``configurable-http-proxy`` on the path.
All learners arrive at once. Each starts their server, opens a notebook, and runs its cells over the
websocket as a browser does, to the first explorer and on to the end of the core; then each answers
an exercise. Printed: who reached the first explorer when, memory, failures, lost boards.

``--notebooks 00 01 ... 07`` lets a learner walk through several notebooks and leave the kernels
behind; ``--keep-kernels`` does so without ``labkit.jupyter.kernels``, to compare. They hurry:
20 seconds stand for the four minutes that the shortest core takes, and 15 for the three and a half
after which a kernel is closed.
"""

import argparse
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests
import websocket

ROOT = Path(__file__).parents[2]
PROGRAMS = ("jupyterhub", "configurable-http-proxy")
WIDGET = "application/vnd.jupyter.widget-view+json"
ANSWER = (
    "from labkit.checks import tensors as _check\n"
    "assert _check.swap_red_and_blue(lambda image: image.flip(0)).solved"
)
CONFIG = """
import sys
c = get_config()
load_subconfig({kit!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.db_url = "sqlite:///{home}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{home}/cookie_secret"
c.JupyterHub.log_level = "WARN"
c.JupyterHub.concurrent_spawn_limit = 0
c.LocalProcessSpawner.shell_cmd = []
c.Spawner.cmd = [{singleuser!r}]
c.Spawner.args.extend({arguments!r})
c.Spawner.environment.update({environment!r})
c.JupyterHub.services = [{{"name": "class", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [{{
    "name": "class", "services": ["class"],
    "scopes": ["admin:users", "admin:servers", "access:servers"],
}}]
"""


@dataclass
class Learner:
    """One learner, and what came of it: seconds since the class began, failures in words."""

    name: str
    home: Path
    explorer: float | None = None
    done: float | None = None
    failures: list[str] = field(default_factory=list)
    peak: int = 0


class Kernel:
    """A kernel, run over the websocket as JupyterLab does."""

    def __init__(self, url: str, token: str, path: str):
        self.headers = {"Authorization": f"token {token}"}
        body = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        answer = requests.post(f"{url}api/sessions", json=body, headers=self.headers, timeout=300)
        answer.raise_for_status()
        kernel = answer.json()["kernel"]["id"]
        address = url.replace("http", "ws", 1) + f"api/kernels/{kernel}/channels"
        self.socket = websocket.create_connection(address, header=self.headers, timeout=600)

    def run(self, code: str) -> tuple[bool, str]:
        """Run a cell; return whether it showed a widget, and the error it raised ("" if none)."""
        message = {
            "header": {
                "msg_id": uuid.uuid4().hex,
                "msg_type": "execute_request",
                "session": "class",
                "username": "",
                "version": "5.3",
            },
            "parent_header": {},
            "metadata": {},
            "channel": "shell",
            "content": {"code": code, "silent": False, "store_history": True},
        }
        self.socket.send(json.dumps(message))
        widget, error = False, ""
        while True:
            reply = self.socket.recv()
            if isinstance(reply, bytes):
                continue  # of a widget, with buffers
            reply = json.loads(reply)
            if reply.get("parent_header", {}).get("msg_id") != message["header"]["msg_id"]:
                continue
            kind, content = reply["msg_type"], reply["content"]
            widget = widget or WIDGET in content.get("data", {})
            if kind == "error":
                error = f"{content['ename']}: {content['evalue']}"
            if kind == "status" and content["execution_state"] == "idle":
                return widget, error


def core(notebook: Path) -> list[str]:
    """Return the code cells above *Going deeper*."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return [
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and "deeper" not in cell["metadata"].get("tags", [])
    ]


def attend(learner: Learner, hub: str, token: str, options: argparse.Namespace, began: float):
    """Do what a learner does, and note when, and what failed."""
    try:
        url = _served(learner, hub, token)
        for number in options.notebooks:
            notebook = next((learner.home / "workshop" / "notebooks").glob(f"{number}_*.ipynb"))
            kernel = Kernel(url, token, f"workshop/notebooks/{notebook.name}")
            opened = time.monotonic()
            for code in core(notebook):
                widget, error = kernel.run(code)
                if error:
                    learner.failures.append(f"{notebook.name}: {error}")
                if widget and learner.explorer is None:
                    learner.explorer = time.monotonic() - began
            _widget, error = kernel.run(ANSWER)
            if error:
                learner.failures.append(f"answer: {error}")
            while len(options.notebooks) > 1 and time.monotonic() - opened < 20:
                time.sleep(1)
                kernel.run("pass")
        learner.done = time.monotonic() - began
    except Exception as error:  # whatever kept a learner out is what we want to know
        learner.failures.append(f"{type(error).__name__}: {error}"[:300])


def _served(learner: Learner, hub: str, token: str) -> str:
    """Start a learner's server; return its address when it answers."""
    headers = {"Authorization": f"token {token}"}
    api = f"{hub}/hub/api/users/{learner.name}"
    requests.post(api, headers=headers, timeout=60).raise_for_status()
    requests.post(f"{api}/server", headers=headers, timeout=600).raise_for_status()
    for _ in range(600):
        if (
            requests.get(api, headers=headers, timeout=60)
            .json()["servers"]
            .get("", {})
            .get("ready")
        ):
            return f"{hub}/user/{learner.name}/"
        time.sleep(1)
    raise TimeoutError("the server did not start within ten minutes")


def watch(learners: list[Learner], over: threading.Event) -> None:
    """Note the largest memory of each learner: what all processes of theirs hold (PSS).

    Where the machine runs out of memory, everything of theirs is ended.
    """
    while not over.wait(3):
        if psutil.virtual_memory().available < 10**9:
            print("The machine runs out of memory: the class is ended.")
            end([learner.name for learner in learners])
        held: dict[str, int] = {}
        for process in psutil.process_iter(["username"]):
            try:
                if str(process.info["username"]).startswith("labkit-"):
                    name = process.info["username"]
                    held[name] = held.get(name, 0) + process.memory_full_info().pss
            except psutil.Error:
                continue
        for learner in learners:
            learner.peak = max(learner.peak, held.get(learner.name, 0))


def end(names: list[str]) -> None:
    """End all processes of these users."""
    for process in psutil.process_iter(["username"]):
        if process.info["username"] in names:
            process.kill()


@contextmanager
def a_class(size: int, home: Path) -> Generator[list[Learner]]:
    """Make users with homes that only they can enter; remove both at the end."""
    names = [f"labkit-{number:02}" for number in range(1, size + 1)]
    learners = []
    try:
        for name in names:
            place = home / "homes" / name
            place.parent.mkdir(exist_ok=True)
            subprocess.run(["useradd", "--create-home", "--home-dir", place, name], check=True)
            place.chmod(0o700)
            subprocess.run(
                ["git", "clone", "-q", "--depth=1", ROOT.as_uri(), place / "workshop"], check=True
            )
            owner = pwd.getpwnam(name)
            for path in (place, *place.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
            learners.append(Learner(name, place))
        yield learners
    finally:
        end(names)
        for name in names:
            subprocess.run(["userdel", name], check=False)


@contextmanager
def a_hub(home: Path, options: argparse.Namespace) -> Generator[tuple[str, str]]:
    """Fill the shared cache and start a hub with the kit's settings; yield its address, a token."""
    shared, token = home / "shared", secrets.token_hex(16)
    python, here = [sys.executable, "-m"], {"cwd": ROOT, "check": True}
    source = os.environ.get("LABKIT_DATA", "drawn")
    subprocess.run([*python, "labkit.data.fill_cache", shared / "images", source], **here)
    subprocess.run([*python, "labkit.jupyter.class_page", shared / "class"], **here)
    ports = [_free_port() for _ in range(3)]
    arguments = ["--allow-root"]
    if options.keep_kernels:
        arguments += ["--OneAtWork.left_behind=0"]
    elif len(options.notebooks) > 1:  # this learner does not stop to think
        arguments += ["--OneAtWork.left_behind=12", "--OneAtWork.cull_interval=3"]
    config = home / "jupyterhub_config.py"
    config.write_text(
        CONFIG.format(
            kit=str(ROOT / "labkit/jupyter/hub/jupyterhub_config.py"),
            **dict(zip(("port", "hub_port", "proxy_port"), ports, strict=True)),
            home=home,
            singleuser=shutil.which("jupyterhub-singleuser"),
            arguments=arguments,
            environment={"PYTHONPATH": str(ROOT), "LABKIT_DATA": source},
            token=token,
        )
    )
    environment = {**os.environ, "LABKIT_WORKSHOP": str(ROOT), "LABKIT_SHARED": str(shared)}
    with (home / "hub.log").open("w") as log:
        hub = subprocess.Popen(
            ["jupyterhub", "--config", config], cwd=home, env=environment, stdout=log, stderr=log
        )
        try:
            url = f"http://127.0.0.1:{ports[0]}"
            for _ in range(120):
                try:
                    requests.get(f"{url}/hub/api", timeout=5).raise_for_status()
                    break
                except requests.RequestException:
                    if hub.poll() is not None:
                        raise RuntimeError((home / "hub.log").read_text()) from None
                    time.sleep(1)
            yield url, token
        finally:
            hub.terminate()
            hub.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def report(learners: list[Learner]) -> None:
    """Print a line for each learner, then the class."""
    for learner in learners:
        times = [
            f"{t:6.0f} s" if t is not None else "   never" for t in (learner.explorer, learner.done)
        ]
        said = "; ".join(learner.failures)
        print(learner.name, *times, f"{learner.peak / 1e9:.2f} GB", said)
    board = [
        next(iter(one.home.glob("workshop/notebooks/progress.json")), None) for one in learners
    ]
    kept = sum(
        file is not None and file.owner() == one.name and '"solved": "2' in file.read_text()
        for file, one in zip(board, learners, strict=True)
    )
    reached = sorted(one.explorer for one in learners if one.explorer is not None)
    print(f"first explorer: {len(reached)} of {len(learners)}", end="")
    print(f", from {reached[0]:.0f} to {reached[-1]:.0f} s" if reached else "")
    print(f"through the core: {sum(one.done is not None for one in learners)} of {len(learners)}")
    print(f"failures: {sum(len(one.failures) for one in learners)}")
    print(f"boards kept, each by its owner: {kept} of {len(learners)}")
    peaks = [one.peak / 1e9 for one in learners]
    print(f"memory (PSS): {max(peaks):.2f} GB for a learner at most, {sum(peaks):.1f} GB for all")


def main() -> None:
    """Hold the class and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.hub", description=__doc__)
    parser.add_argument("learners", type=int)
    parser.add_argument("--notebooks", nargs="+", default=["03"], metavar="NN")
    parser.add_argument("--keep-kernels", action="store_true")
    options = parser.parse_args()
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        parser.error(f"install {' and '.join(missing)} first, with pip and npm")
    home = Path(tempfile.mkdtemp(prefix="labkit-hub-"))
    home.chmod(0o755)
    try:
        with a_class(options.learners, home) as learners, a_hub(home, options) as (hub, token):
            began, over = time.monotonic(), threading.Event()
            watcher = threading.Thread(target=watch, args=(learners, over))
            threads = [
                threading.Thread(target=attend, args=(one, hub, token, options, began))
                for one in learners
            ]
            for thread in (watcher, *threads):
                thread.start()
            for thread in threads:
                thread.join()
            over.set()
            watcher.join()
            report(learners)
            seen = len(list((home / "shared" / "class").glob("*.jsonl")))
            print(f"learners on the page of the class: {seen} of {len(learners)}")
            if any(one.failures for one in learners):
                print((home / "hub.log").read_text()[-3000:], file=sys.stderr)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
