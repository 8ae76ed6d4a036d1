"""A notebook that was run, saved and opened again: alive with its kernel, a still without it."""

import pytest

from tests.browser.colours import pale
from tests.browser.kinds import CELLS, EXPLORERS
from tests.browser.lab import write_notebook

BAR = """from labkit.display import ProgressBar
for _number in ProgressBar(range(5)):
    pass"""


@pytest.fixture(scope="module")
def saved(root, open_notebook):
    """One of every explorer, run and saved."""
    write_notebook(root / "all.ipynb", *CELLS, BAR)
    notebook = open_notebook("all.ipynb")
    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
    return notebook


@pytest.fixture(scope="module", params=["trusted", "not trusted"])
def opened(saved, request, root, open_notebook):
    """The notebook without its kernel: as it was saved, or a copy that was changed elsewhere."""
    trusted = request.param == "trusted"
    if not trusted:
        text = (root / "all.ipynb").read_text("utf-8")
        (root / "copy.ipynb").write_text(
            text.replace("import torch", "import torch  #", 1), "utf-8"
        )
    saved.shut_down()
    return open_notebook("all.ipynb" if trusted else "copy.ipynb", down_to=None), trusted


def test_every_explorer_is_alive_and_its_still_is_hidden(saved):
    page, notebook = saved.page, saved
    assert notebook.errors() == []
    alive = page.locator(".jp-OutputArea-output > .lk-explorer:visible")
    assert alive.count() == EXPLORERS
    assert page.locator(".lk-still").count() == EXPLORERS
    assert page.locator(".lk-still:visible").count() == 0


def test_every_letter_of_every_explorer_stands_out_in_light_and_dark(saved):
    assert pale(saved.page) == []


def test_after_a_reload_with_the_kernel_alive_every_explorer_is_alive(saved):
    page = saved.page
    page.reload()
    alive = page.locator(".jp-OutputArea-output > .lk-explorer:visible")
    alive.nth(EXPLORERS - 1).wait_for()
    assert alive.count() == EXPLORERS
    assert page.locator(".lk-still:visible").count() == 0


def test_without_its_kernel_each_explorer_is_a_still_with_its_sentence(opened):
    page, trusted = opened[0].page, opened[1]
    page.locator(".lk-still:visible").nth(EXPLORERS - 1).wait_for()
    assert page.locator(".jp-RenderedHTML.jp-mod-trusted").count() == trusted * (EXPLORERS + 1)
    hints = page.get_by_text("Run the cell to move it.", exact=True)
    assert hints.count() == EXPLORERS and all(hint.is_visible() for hint in hints.all())
    for still in page.locator(".lk-still").all():
        assert len(still.locator("p").nth(-2).inner_text()) > 20
    for words in ("model not found", "Loading widget", "Error displaying"):
        assert page.locator(f"text={words} >> visible=true").count() == 0


def test_without_its_kernel_a_progress_bar_shows_how_far_it_came(opened):
    bar = opened[0].page.locator("label:has(progress)")
    assert "100%" in bar.inner_text() and "5/5" in bar.inner_text()
    assert bar.locator("progress").get_attribute("value") == "5"


def test_a_cell_that_is_run_again_has_its_explorer_in_place_of_the_still(opened):
    notebook, _trusted = opened
    notebook.run_all(down_to=CELLS[1])
    notebook.page.locator(".jp-OutputArea-output > .lk-explorer:visible").wait_for()
    assert notebook.page.locator(".lk-still:visible").count() == EXPLORERS - 1
