"""The site as it is laid out; `make check-site` looks at the whole of it in a browser."""

import re
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("myst_nb", reason="the environment is older than the site: make test")

from labkit.explorers.shared.looks import SHEET  # noqa: E402
from tests.site.__main__ import front_page, main  # noqa: E402
from tests.site.check import walk  # noqa: E402
from tests.site.pages import Fronts, to_page  # noqa: E402


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    assert main([str(out), "--only", "--languages", "en", "de"]) == 0  # no notebook is run
    return out


def test_every_link_of_the_site_leads_somewhere(site):
    for code in ("en", "de"):  # nine notebooks, glossary, index, search
        assert len(list(site.glob(f"{code}/*.html"))) == 12
    assert walk(site) == []


def test_a_walk_finds_what_is_wrong(site):
    page = site / "en" / "00_setup.html"
    whole = page.read_text(encoding="utf-8")
    broken = whole.replace('lang="en"', "").replace("01_tensors.html", "01_tensors.ipynb")
    broken += '<img src="_images/none.png" alt="none.png"><a href="#nowhere">x</a>'
    page.write_text(broken, encoding="utf-8")
    found = "\n".join(walk(site))
    page.write_text(whole, encoding="utf-8")
    for fault in (
        "no language",
        "alt text 'none.png'",
        "01_tensors.ipynb is not there",
        "_images/none.png is not there",
        "#nowhere has no such place",
    ):
        assert f"en/00_setup.html: {fault}" in found


def test_a_page_speaks_its_language_and_leads_to_the_same_page_in_the_others(site):
    names = re.compile(r'(?:aria-label|title|placeholder)="([^"]+)"')
    for path in sorted(site.glob("de/*.html")):
        page, english = (place.read_text("utf-8") for place in (path, site / "en" / path.name))
        assert '<html lang="de"' in page and "<h1>" in page
        assert f'hreflang="en" lang="en" href="../en/{path.name}"' in page
        same = {name for name in names.findall(page) if name in names.findall(english)}
        assert {name for name in same if re.search("[A-Za-z]{2}", name)} <= NAMES, path.name


NAMES = {"5. Training"}
"""What is called alike in both languages."""


def test_each_page_has_its_notebook_to_download(site):
    for path in site.glob("en/[0-9]*.html"):
        assert f'href="notebooks/{path.stem}.ipynb" download' in path.read_text(encoding="utf-8")
        assert (site / "en" / "notebooks" / f"{path.stem}.ipynb").is_file()


def test_without_the_explorer_of_the_front_page_its_image_stands_there():
    front = front_page("", [], {"softmax": ("04_loss_optimizer", "<div></div>")})
    assert "(images/widget.png)" in front and "04_loss_optimizer.html#softmax" in front


VIEW = {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}}


def paged(*outputs, states=None, **metadata):
    """Return a code cell with these outputs as it stands in the page of its notebook."""
    outputs = [nbformat.v4.new_output("display_data", data) for data in outputs]
    code = nbformat.v4.new_code_cell("x", outputs=outputs, metadata=metadata)
    state = {"application/vnd.jupyter.widget-state+json": {"state": states or {}}}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# 1"), code],
        metadata={"labkit": {"name": "01_x"}, "widgets": state},
    )
    to_page(notebook, Fronts())
    return notebook.cells[1]


def test_a_progress_bar_stands_where_it_ended_and_not_at_the_beginning():
    states = {
        "a": {"model_name": "HBoxModel", "state": {"children": ["IPY_MODEL_b", "IPY_MODEL_c"]}},
        "b": {"model_name": "FloatProgressModel", "state": {"max": 9.0, "value": 9.0}},
        "c": {"model_name": "HTMLModel", "state": {"value": " 9/9 [00:01<00:00]"}},
    }
    (shown,) = paged(VIEW | {"text/plain": "0%"}, states=states).outputs
    bar = '<progress max="9" value="9" aria-label="9/9 [00:01&lt;00:00]">'
    assert bar in shown.data["text/html"]


def test_the_answer_to_a_prediction_is_folded_and_its_code_is_not_shown():
    still = "<details><summary>The answer</summary><p>4.</p></details>"
    shown = paged(VIEW | {"text/html": still}, tags=["predict"])
    assert "remove-input" in shown.metadata["tags"]
    assert still in shown.outputs[0]["data"]["text/html"]


def test_a_still_and_the_dead_widget_under_it_become_one_output():
    still = '<style>p {}</style><div class="lk-still"><img><p class="lk-still-hint">Run</p></div>'
    (shown,) = paged({"text/html": still}, VIEW).outputs
    assert "<img>" in shown.data["text/html"] and "hint" not in shown.data["text/html"]


def test_the_site_knows_every_colour_that_explorers_have_from_jupyterlab():
    asked = set(re.findall(r"var\((--jp-[\w-]*color\d)", SHEET))
    known = (Path(__file__).parent / "static" / "site.css").read_text("utf-8")
    assert asked and {name for name in asked if f"{name}:" not in known} == set()
