import json

import pytest
import requests

from tests.browser.lab import ROOT, jupyterlab


@pytest.fixture
def server(tmp_path):
    """A Jupyter server with our settings over a workshop of one notebook; yield how to ask it."""
    folder = tmp_path / "workshop" / "notebooks"
    folder.mkdir(parents=True)
    cell = {"id": "a", "cell_type": "markdown", "metadata": {}, "source": ["## Recap"]}
    (folder / "03_cnn.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}}))
    settings = str(ROOT / "labkit" / "jupyter")
    options = {"root": tmp_path, "base": "/user/ada", "JUPYTER_CONFIG_PATH": settings}
    with jupyterlab(tmp_path, **options) as (url, token):

        def ask(path, token=token):
            """Return where an address leads, or its status if it leads nowhere."""
            headers = {"Authorization": f"token {token}"}
            answer = requests.get(f"{url}/{path}", headers=headers, allow_redirects=False)
            return answer.headers.get("Location", answer.status_code)

        yield ask, folder


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
