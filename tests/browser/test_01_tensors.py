"""Notebook 1 in a real browser: guesses and answers are typed, hints opened by keys."""

import csv
import io

import pytest

from labkit.checks import export
from labkit.checks.engine import board
from tests.browser.fit import TestForAnybody  # noqa: F401

pytestmark = pytest.mark.browser

ORANGE, GREEN = "rgb(213, 94, 0)", "rgb(0, 158, 115)"

RIGHT = "    return (image * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=0)"


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/01_tensors.ipynb")


def cell_with(notebook, text):
    return notebook.page.locator(".jp-CodeCell").filter(has_text=text).last


def run(cell, says):
    """Run a cell by keys; return the box of its output once it says ``says``."""
    cell.locator(".cm-content").press("Control+Enter")
    box = cell.locator("[role=note]").filter(has_text=says)
    box.wait_for()
    return box


def write_grey(notebook, body, says):
    """Type an answer to exercise 2 over the stub, as a learner does, and run it."""
    cell = cell_with(notebook, "check.grey(grey)")
    cell.locator(".cm-content").click()
    cell.page.keyboard.press("Control+a")
    cell.page.keyboard.insert_text(f"def grey(image):\n{body}\n\n\ncheck.grey(grey)")
    return run(cell, says)


def edge(box):
    return box.evaluate("box => getComputedStyle(box).borderLeftColor")


def shown_by(board_box):
    return board_box.locator("li").filter(has_text="grey").inner_text()


def restart(notebook):
    """Restart the kernel, without the outputs of the one before."""
    notebook.page.evaluate(
        """async () => {
            const context = window.jupyterapp.shell.currentWidget.sessionContext;
            await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
            await context.session.kernel.restart();
            while (context.session.kernel.status !== 'idle')
                await new Promise(next => setTimeout(next, 100));
        }"""
    )


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


def test_an_untouched_exercise_waits_quietly(notebook):
    box = run(cell_with(notebook, "check.grey(grey)"), "Exercise 2 waits for your answer")
    assert len(box.inner_text().splitlines()) == 1
    assert "○ grey" in shown_by(run(cell_with(notebook, 'board("tensors")'), "0 of 5"))


def test_nudge_hint_and_solution_open_one_at_a_time_by_keys(notebook):
    folds = notebook.page.locator('details:has(summary:text-matches("Nudge|Hint|Solution"))')
    steps = [folds.nth(3 + number) for number in range(3)]  # those of exercise 2
    assert [step.inner_text().strip() for step in steps] == ["Nudge", "Hint", "Solution"]
    steps[0].locator("summary").focus()
    for number in range(3):
        notebook.page.keyboard.press("Enter")
        steps[number].and_(notebook.page.locator("[open]")).wait_for()
        assert [step.get_attribute("open") is not None for step in steps] == [
            at <= number for at in range(3)
        ]
        notebook.page.keyboard.press("Tab")
    assert "def grey(image):" in steps[2].inner_text()


def test_a_wrong_answer_shows_input_yours_expected_and_the_mistake(notebook):
    box = write_grey(notebook, "    return image.mean(dim=0)", "✗ Not yet.")
    lines = [line for line in box.inner_text().splitlines() if line]
    starts = ["✗ Not yet.", "Tried with image = [[[", "Yours: [[", "Expected: [[", "This is the"]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
    assert "plain mean: every colour counts the same" in lines[-1]
    assert edge(box) == ORANGE


def test_an_error_is_shown_at_the_learners_own_line(notebook):
    body = "    weights = [0.299, 0.587, 0.114]\n    return image @ weights"
    box = write_grey(notebook, body, "Your code raised an error.")
    assert "In line 3 of its cell:" in box.inner_text()
    assert box.locator("pre").inner_text() == "return image @ weights"
    assert notebook.errors() == []


def test_an_endless_loop_is_cut_off_and_the_kernel_lives(notebook):
    box = write_grey(notebook, "    while True:\n        pass", "This takes too long.")
    assert "Stopped after 5 seconds" in box.inner_text()
    box = write_grey(notebook, "    print(image.shape)", "✗ Not yet.")
    assert "Is a return missing" in box.inner_text()


def test_a_right_answer_is_praised_and_goes_on_the_board(notebook):
    box = write_grey(notebook, RIGHT, "Right, on all 5 inputs tried.")
    assert box.inner_text().startswith("✓") and edge(box) == GREEN
    assert "✓ grey solved" in shown_by(run(cell_with(notebook, 'board("tensors")'), "1 of 5"))


def test_what_is_solved_outlives_the_kernel(notebook):
    restart(notebook)
    imports = cell_with(notebook, "from labkit.checks import tensors as check")
    imports.locator(".cm-content").press("Control+Enter")
    assert "✓ grey solved" in shown_by(run(cell_with(notebook, 'board("tensors")'), "1 of 5"))
    day = board.read()["tensors"]["grey"].solved[:10]
    box = write_grey(notebook, "    ...", f"Exercise 2 was solved on {day}.")
    assert box.inner_text().startswith("○")


def test_the_instructor_gets_it_as_a_table(notebook, capsys):
    assert export.main([str(board.path().parent)]) == 0
    table = csv.DictReader(io.StringIO(capsys.readouterr().out))
    rows = {row["exercise"]: row for row in table if row["notebook"] == "1. Tensors"}
    assert rows["grey"]["attempts"] == "5"
    assert rows["grey"]["solved"].startswith("20")
    assert rows["mosaic"]["attempts"] == "0"
