"""Notebook 5 in a real browser: the live panel, pressed with the mouse while it trains."""

import hashlib
import re

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/05_training.ipynb")


def button(notebook, icon):
    return notebook.page.locator(f"button.lk-live-{icon}")


def status(notebook):
    return notebook.page.locator(".lk-live-status").inner_text()


def steps(notebook):
    """Return the batch that the status line names, over all epochs before it."""
    epoch, batch, per_epoch = (
        int(number.replace(",", ""))
        for number in re.search(
            r"epoch (\d+) of \d+, batch ([\d,]+) of ([\d,]+)", status(notebook)
        ).groups()
    )
    return (epoch - 1) * per_epoch + batch


def picture(notebook):
    source = notebook.page.locator(".lk-explorer:has(.lk-live-status) img").get_attribute("src")
    return hashlib.sha256(source.encode()).hexdigest()


def wait_until(notebook, condition):
    for _try in range(600):
        if condition():
            return True
        notebook.page.wait_for_timeout(100)
    return False


def test_every_cell_runs(notebook):
    assert notebook.errors() == []
    assert notebook.problems == []


def test_start_shows_progress_and_pause_halts_it(notebook):
    before = steps(notebook)
    button(notebook, "play").click()
    assert wait_until(notebook, lambda: steps(notebook) > before + 5)
    button(notebook, "pause").click()
    assert wait_until(notebook, lambda: "Paused" in status(notebook))
    halted = steps(notebook)
    notebook.page.wait_for_timeout(500)
    assert steps(notebook) == halted
    assert button(notebook, "pause").is_disabled()


def test_one_step_is_one_batch_and_another_picture(notebook):
    before, shown = steps(notebook), picture(notebook)
    button(notebook, "step-forward").click()
    assert wait_until(notebook, lambda: steps(notebook) == before + 1)
    assert wait_until(notebook, lambda: picture(notebook) != shown)


def test_a_slider_changes_the_learning_rate_by_keyboard(notebook):
    panel = notebook.page.locator(".lk-explorer:has(.lk-live-status)")
    panel.get_by_role("slider", name="learning rate").focus()
    notebook.page.keyboard.press("ArrowRight")
    assert wait_until(notebook, lambda: "learning rate 0.003" in status(notebook))


def test_stop_ends_it(notebook):
    button(notebook, "play").click()
    assert wait_until(notebook, lambda: "Training." in status(notebook))
    assert not button(notebook, "stop").is_disabled()
    button(notebook, "stop").click()
    assert wait_until(notebook, lambda: "Stopped" in status(notebook))
    assert notebook.problems == []
