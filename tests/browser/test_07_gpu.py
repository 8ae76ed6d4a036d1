"""Notebook 7 in a real browser: the device buttons, pressed with the keyboard."""

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/07_gpu.ipynb")


def button(notebook, kind):
    return notebook.page.locator(f"button.lk-device-{kind}").first


def cells(notebook):
    return notebook.page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length")


def test_every_cell_runs(notebook):
    assert notebook.errors() == []


def test_one_device_is_always_pressed_whatever_the_key(notebook):
    cpu = button(notebook, "cpu")
    cpu.focus()
    for key in ("Space", "Enter", "Enter"):
        notebook.page.keyboard.press(key)
    notebook.page.wait_for_timeout(500)
    pressed = notebook.page.locator("[class*=lk-device-].mod-active")
    assert pressed.count() == 1
    status = notebook.page.get_by_text("The following cells compute on").first
    assert pressed.first.inner_text().strip() in status.inner_text()


def test_deleting_by_d_d_does_not_reach_the_cell_of_the_buttons(notebook):
    before = cells(notebook)
    button(notebook, "cpu").focus()
    notebook.page.keyboard.press("d")
    notebook.page.keyboard.press("d")
    notebook.page.wait_for_timeout(500)
    assert cells(notebook) == before


def test_a_missing_device_cannot_be_pressed_and_says_why(notebook):
    from labkit.device import missing

    for kind, reason in missing().items():
        assert button(notebook, kind).is_disabled()
        assert notebook.page.get_by_text(reason).first.is_visible()
