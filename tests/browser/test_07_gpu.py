"""Notebook 7 in a real browser: the device buttons, by keys and while a training runs."""

import re

import pytest

from labkit.device import missing
from tests.browser.kernel import execute, settle, value
from tests.browser.lab import unusable

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


def test_every_control_can_be_heard_and_reached_by_tab_and_nothing_scrolls(notebook):
    assert unusable(notebook.page) == []


def test_one_device_is_always_pressed_whatever_the_key(notebook):
    cpu = button(notebook, "cpu")
    cpu.focus()
    for key in ("Space", "Enter", "Enter"):
        notebook.page.keyboard.press(key)
    settle(notebook)
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
    for kind, reason in missing().items():
        assert button(notebook, kind).is_disabled()
        assert notebook.page.get_by_text(reason).first.is_visible()


def status(notebook):
    return notebook.page.locator(".lk-live-status")


def test_a_device_chosen_in_mid_training_is_followed_or_refused_and_it_trains_on(notebook):
    execute(notebook, "training.live.set_epochs(900)")  # so that it does not end meanwhile
    training = notebook.page.locator(".lk-explorer:has(.lk-live-status)")
    training.locator("button.lk-live-play").click()
    status(notebook).filter(has_text="Training.").wait_for()
    execute(notebook, "training.live.to('cuda:99')")
    status(notebook).filter(has_text="It stays on cpu, as it cannot move to cuda:99: ").wait_for()
    execute(notebook, "training.live.to(toggle.device)")
    before = value(notebook, "training.live.run.steps_done")
    status(notebook).filter(has_text=" · on cpu · ").wait_for()
    while value(notebook, "training.live.run.steps_done") <= before:
        notebook.page.wait_for_timeout(100)
    assert value(notebook, "training.live.state") == "running"
    training.locator("button.lk-live-pause").click()
    status(notebook).filter(has_text="Paused. Start goes on from here.").wait_for()
    execute(notebook, "training.live.to(toggle.device)")
    status(notebook).filter(has_text="Moved to cpu.").wait_for()


def test_the_table_holds_what_was_measured(notebook):
    shown = notebook.page.locator(".jp-RenderedHTML table").filter(has_text="ms per step").first
    rows = [row.all_inner_texts() for row in map(cells_of, shown.locator("tbody tr").all())]
    assert rows == value(notebook, "[list(row) for row in rows(results)]")
    for row in rows:
        milliseconds = float(re.match(r"[\d.]+", row[4])[0])
        rate = float(row[5].replace(",", ""))
        assert rate == pytest.approx(1000 * int(row[2]) / milliseconds, rel=0.02)


def cells_of(row):
    return row.locator("td")


def test_an_epoch_costs_what_its_seconds_cost(notebook):
    printed = notebook.page.locator(".jp-OutputArea-output", has_text=" per epoch").inner_text()
    found = re.findall(r"cpu, batch +(\d+): +([\d.]+) s and ([\d.]+) per epoch", printed)
    assert [int(batch) for batch, _seconds, _cost in found] == [4, 16, 64, 256]
    for _batch, seconds, cost in found:
        assert float(cost) == pytest.approx(float(seconds) / 3600, abs=2e-6)


def test_the_charts_say_what_was_measured(notebook):
    rate = value(notebook, "found['cpu'][1][4]")
    busiest = value(notebook, "max(trace.percent)")
    chart = notebook.page.locator("img[alt^='Images trained per second on cpu.']")
    assert f"Width 1: {rate:,.0f} at batch 4" in chart.get_attribute("alt")
    busy = notebook.page.locator("img[alt^='How busy cpu was']").get_attribute("alt")
    shares = [int(share) for share in re.findall(r"batch \d+: (\d+) %", busy)]
    assert len(shares) == 2 and all(0 <= share <= busiest + 1 for share in shares)


def test_nothing_went_wrong_meanwhile(notebook):
    assert notebook.errors() == []
