"""One server and one browser for all browser tests; where there is no browser, they skip."""

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.alone import alone  # noqa: F401
from tests.browser.lab import Notebook, jupyterlab, launch, obtain_browser

NO_BROWSER = "no Chromium or Chrome could be had"


@pytest.fixture(scope="session")
def server(tmp_path_factory, few):
    with jupyterlab(tmp_path_factory.mktemp("jupyter"), LABKIT_DATA=str(few)) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    if obtain_browser() is None:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        with launch(playwright) as chromium:
            yield chromium


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Say in the last lines that nobody clicked, where that is so."""
    yield
    skipped = terminalreporter.stats.get("skipped", [])
    if any(NO_BROWSER in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(
            "The widgets were NOT tried in a browser: none is installed and none could be fetched. "
            "Install Chromium or Chrome and run make test again."
        )


@pytest.fixture(scope="module")
def open_notebook(browser, server):
    """Return a function that opens a notebook in a page of its own and runs its cells."""
    pages = []

    def open_one(path: str, down_to: str = "") -> Notebook:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        pages.append(page)
        notebook = Notebook(page, *server, path)
        notebook.run_all(down_to)
        return notebook

    yield open_one
    for page in pages:
        page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.close()
