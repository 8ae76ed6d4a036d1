"""Notebook 0 in a real browser: choose the images with the keyboard alone, see what is ready."""

import pytest

from tests.browser.fit import TestForAnybody  # noqa: F401


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/00_setup.ipynb")


def test_the_notebook_runs_without_an_error(notebook):
    assert notebook.errors() == []


def test_a_source_is_chosen_and_refused_with_the_keyboard_alone(notebook):
    page = notebook.page
    cells = page.locator(".jp-Cell").count()
    page.locator(".lk-source input:checked").focus()
    while not page.locator(".lk-source input").last.is_checked():
        page.keyboard.press("ArrowDown")  # down to "a folder of your own images"
    page.locator(".lk-source-folder input:enabled").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("/dd/no such folder")  # "d d" is also JupyterLab's "delete this cell"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    sentence = page.locator(".lk-explorer:has(.lk-source) [role=status]")
    sentence.filter(has_text="There is no folder /dd/no such folder").wait_for()
    assert sentence.inner_text().startswith("Nothing was changed.")
    assert page.locator(".jp-Cell").count() == cells


def test_the_preflight_unfolds_to_a_table_of_named_rows(notebook):
    fold = notebook.page.locator("details:has(table)")
    rows = fold.locator("th[scope=row]")
    assert fold.locator("summary").inner_text() == f"All {rows.count()} things that were checked"
    assert rows.count() >= 9 and not rows.first.is_visible()
    fold.locator("summary").click()
    rows.first.wait_for(state="visible")


def test_eight_images_stand_under_their_true_names_and_predictions(notebook):
    shown = notebook.page.locator('img[alt^="8 "][alt*="→ "]')
    assert shown.count() == 1
    assert shown.get_attribute("alt").count("→ ") == 8


def test_the_gallery_says_what_it_shows(notebook):
    assert notebook.page.locator('img[alt^="16 "][alt*="read by rows: "]').count() == 1
