"""A notebook that was run, saved and opened again: alive with its kernel, a still without it."""

import pytest

from tests.browser.kinds import CELLS, EXPLORERS
from tests.browser.lab import Notebook, jupyterlab, write_notebook

BAR = """from labkit.display import ProgressBar
for _number in ProgressBar(range(5)):
    pass"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory, browser):
    """Run and save one of every explorer, with a page reload in between; yield home and folder."""
    home, root = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("root")
    write_notebook(root / "all.ipynb", *CELLS, BAR)
    with jupyterlab(home, root=root) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        notebook = Notebook(page, *address, "all.ipynb")
        notebook.run_all()
        _save(page)
        yield page, notebook, home, root


def _save(page):
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")


@pytest.fixture(scope="module", params=["trusted", "not trusted"])
def opened(saved, request, browser, tmp_path_factory):
    """The notebook in a new server, its old kernel gone; trusted where the signatures are kept."""
    page, _notebook, home, root = saved
    if not page.is_closed():
        page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.close()
    trusted = request.param == "trusted"
    with jupyterlab(home if trusted else tmp_path_factory.mktemp("other"), root=root) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        Notebook(page, *address, "all.ipynb")
        yield page, trusted
        page.close()


def test_every_explorer_is_alive_and_its_still_is_hidden(saved):
    page, notebook, _home, _root = saved
    assert notebook.errors() == []
    alive = page.locator(".jp-OutputArea-output > .lk-explorer:visible")
    assert alive.count() == EXPLORERS
    assert page.locator(".lk-still").count() == EXPLORERS
    assert page.locator(".lk-still:visible").count() == 0


def test_after_a_reload_with_the_kernel_alive_every_explorer_is_alive(saved):
    page, _notebook, _home, _root = saved
    page.reload()
    alive = page.locator(".jp-OutputArea-output > .lk-explorer:visible")
    alive.nth(EXPLORERS - 1).wait_for()
    assert alive.count() == EXPLORERS
    assert page.locator(".lk-still:visible").count() == 0


def test_without_its_kernel_each_explorer_is_a_still_with_its_sentence(opened):
    page, trusted = opened
    page.locator(".lk-still:visible").nth(EXPLORERS - 1).wait_for()
    assert page.locator(".jp-RenderedHTML.jp-mod-trusted").count() == trusted * (EXPLORERS + 1)
    hints = page.get_by_text("Run the cell to move it.", exact=True)
    assert hints.count() == EXPLORERS and all(hint.is_visible() for hint in hints.all())
    for still in page.locator(".lk-still").all():
        assert len(still.locator("p").nth(-2).inner_text()) > 20
    for words in ("model not found", "Loading widget", "Error displaying"):
        assert page.locator(f"text={words} >> visible=true").count() == 0


def test_without_its_kernel_a_progress_bar_shows_how_far_it_came(opened):
    page, _trusted = opened
    bar = page.locator("label:has(progress)")
    assert "100%" in bar.inner_text() and "5/5" in bar.inner_text()
    assert bar.locator("progress").get_attribute("value") == "5"


def test_a_cell_that_is_run_again_has_its_explorer_in_place_of_the_still(opened):
    page, _trusted = opened
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.locator(".jp-OutputArea-output > .lk-explorer:visible").nth(EXPLORERS - 1).wait_for()
    assert page.locator(".lk-still:visible").count() == 0
