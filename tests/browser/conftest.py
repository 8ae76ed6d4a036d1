"""One server and one browser for all browser tests; where there is no browser, they skip."""

import pytest

from tests.browser.lab import BROWSER_FLAGS, Notebook, find_browser, jupyterlab


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with jupyterlab(tmp_path_factory.mktemp("jupyter")) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = find_browser()
        if path is None:
            pytest.skip("no Chromium or Chrome is installed: widgets were not clicked")
        with playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS) as chromium:
            yield chromium


@pytest.fixture(scope="module")
def open_notebook(server, browser):
    """Return a function that opens a notebook in a page of its own and runs all its cells."""
    pages = []

    def open_one(path: str) -> Notebook:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        pages.append(page)
        notebook = Notebook(page, *server, path)
        notebook.run_all()
        return notebook

    yield open_one
    for page in pages:
        page.close()
