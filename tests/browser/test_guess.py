"""A guess in a real browser: typed, compared and kept, with the keyboard alone."""

import pytest


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/01_tensors.ipynb")


def test_the_answer_stays_hidden_until_a_guess_is_typed_and_compared(notebook):
    page = notebook.page
    callout = page.locator(".lk-guess").first
    said = callout.locator("[role=status]")
    cells = page.locator(".jp-Cell").count()
    assert "4 · 3 · 32 · 32" not in page.locator(".jp-Notebook").inner_text()
    callout.get_by_role("button", name="Compare").focus()
    page.keyboard.press("Space")
    callout.get_by_text("Type a guess first.").wait_for()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("dd")  # on a cell this would delete it
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    callout.get_by_text("“dd” is not a number.").wait_for()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("12288")
    page.keyboard.press("Enter")
    said.filter(has_text="✓ 12,288, as you guessed. Multiply the lengths").wait_for()
    assert page.locator(".jp-Cell").count() == cells and notebook.errors() == []


def test_a_cell_that_runs_again_keeps_the_guess(notebook):
    page = notebook.page
    page.locator(".lk-guess input").last.fill("10")
    page.locator(".lk-guess button").last.click()
    page.locator(".lk-guess [role=status]").last.filter(has_text="It is 4.").wait_for()
    notebook.run_all()
    page.wait_for_function("document.querySelectorAll('.lk-guess input').length == 2")
    assert page.locator(".lk-guess input").last.input_value() == "10"
