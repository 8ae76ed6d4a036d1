"""One server and one browser for all browser tests; where there is no browser, they skip."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.alone import alone, pages  # noqa: F401
from tests.browser.lab import ROOT, Notebook, jupyterlab, launch, obtain_browser
from tests.minutes import NOTEBOOKS
from tests.shorter import shorter

NO_BROWSER = "no Chromium or Chrome could be had"


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """A copy of the workshop with shorter trainings, to which tests add notebooks of their own."""
    root = tmp_path_factory.mktemp("workshop")
    for name in ("notebooks", "images"):
        shutil.copytree(ROOT / name, root / name)
    for notebook in NOTEBOOKS:
        shorter(notebook, root / "notebooks")
    return root


@pytest.fixture(scope="session")
def server(root, tmp_path_factory, few):
    home = tmp_path_factory.mktemp("jupyter")
    with jupyterlab(home, root=root, LABKIT_DATA=str(few)) as address:
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


@pytest.fixture(scope="session")
def context(browser):
    """One for all pages, so that JupyterLab's scripts are loaded once."""
    return browser.new_context(viewport={"width": 1280, "height": 720})


@pytest.fixture(scope="module")
def open_notebook(context, server):
    """Return a function that opens a notebook in a page of its own and runs its cells.

    Whatever went wrong in one, in a cell or in the page, is an error at the end of its tests.
    """
    opened = []

    def open_one(path: str, down_to: str | None = "") -> Notebook:
        opened.append(Notebook(context.new_page(), *server, path))
        if down_to is not None:
            opened[-1].run_all(down_to)
        return opened[-1]

    yield open_one
    errors = [notebook.errors() for notebook in opened]
    for notebook in opened:
        notebook.shut_down(wait=False)
        notebook.page.close()
    assert not any(errors), errors
