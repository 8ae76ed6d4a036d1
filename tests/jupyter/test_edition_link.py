import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments):
        return None


@pytest.fixture
def server(tmp_path):
    """A Jupyter server with our settings over a workshop of one notebook; yield how to ask it."""
    folder = tmp_path / "workshop" / "notebooks"
    folder.mkdir(parents=True)
    cell = {"id": "a", "cell_type": "markdown", "metadata": {}, "source": ["## Recap"]}
    (folder / "03_cnn.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, base = secrets.token_hex(16), "/user/ada/"
    options = {
        "ServerApp.port": port,
        "ServerApp.base_url": base,
        "ServerApp.root_dir": tmp_path,
        "IdentityProvider.token": token,
    }
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    folders = {
        f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("DATA", "RUNTIME", "CONFIG")
    }
    variables = {**os.environ, **folders, "JUPYTER_CONFIG_PATH": str(ROOT / "labkit" / "jupyter")}
    process = subprocess.Popen(command, env=variables, cwd=ROOT, stderr=subprocess.DEVNULL)

    def ask(path, token=token):
        """Return where an address leads, or its status if it leads nowhere."""
        headers = {"Authorization": f"token {token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{base}{path}", headers=headers)
        try:
            return urllib.request.build_opener(_Stay).open(request, timeout=60).status
        except urllib.error.HTTPError as error:
            return error.headers["Location"] or error.code

    for _ in range(300):
        try:
            ask("api")
            break
        except OSError:
            time.sleep(0.2)
    yield ask, folder
    process.terminate()
    process.wait(30)


def test_a_link_leads_to_the_edition_and_writes_it_if_it_is_not_there(server):
    ask, folder = server
    inside = "user/ada/lab/tree/workshop/notebooks"
    link = "labkit/{}/workshop/notebooks/03_cnn.ipynb".format
    assert ask(link("es")) == f"/{inside}/es/03_cnn.ipynb"
    assert '"lang": "es"' in (folder / "es" / "03_cnn.ipynb").read_text("utf-8")
    assert ask(link("en")) == f"/{inside}/03_cnn.ipynb"
    assert ask(link("xx")) == 404
    assert ask("labkit/de/elsewhere/03_cnn.ipynb").endswith("/lab/tree/elsewhere/03_cnn.ipynb")
    assert ask("labkit/class") == 200
    assert ask(link("es"), token="another") != f"/{inside}/es/03_cnn.ipynb"
