"""Choose the pictures in notebook 0, with the keyboard alone."""

import pytest


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
        page.keyboard.press("ArrowDown")  # down to "a folder of your own pictures"
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


def test_the_preflight_is_a_table_with_a_caption_and_nine_named_rows(notebook):
    table = notebook.page.locator("table:has(caption)")
    assert table.locator("th[scope=row]").count() == 9
    assert table.locator("caption").inner_text().endswith(".")


def test_the_gallery_says_what_it_shows(notebook):
    assert notebook.page.locator('img[alt^="16 pictures, read by rows: "]').count() == 1
