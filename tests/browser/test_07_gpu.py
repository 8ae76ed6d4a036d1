"""Notebook 7 in a real browser: the device buttons, by keys and while a training runs."""

import re

import pytest

from labkit.device import available, missing
from labkit.plots.comparing import recorded_gpus
from tests.browser.fit import TestForAnybody  # noqa: F401
from tests.browser.kernel import execute, settle, value

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/07_gpu.ipynb")


def toggle(notebook):
    """The toggle of the core; the same one is shown once more below."""
    return notebook.page.locator(".lk-explorer:has(.lk-devices)").first


def button(notebook, name):
    return toggle(notebook).get_by_role("button", name=name).first


def test_one_device_is_always_pressed_whatever_the_key(notebook):
    cpu = button(notebook, "cpu")
    cpu.focus()
    for key in ("Space", "Enter", "Enter"):
        notebook.page.keyboard.press(key)
    settle(notebook)
    pressed = toggle(notebook).locator(".lk-devices .mod-active")
    assert pressed.count() == 1
    status = notebook.page.get_by_text("The following cells compute on").first
    assert pressed.first.inner_text().strip() in status.inner_text()


def test_it_says_why_a_gpu_is_missing_when_asked(notebook):
    for unfold in (False, True):
        if unfold and missing():
            toggle(notebook).get_by_text("Which GPUs are missing here, and why?").click()
        for reason in missing().values():
            assert toggle(notebook).get_by_text(reason).first.is_visible() == unfold


@pytest.mark.skipif(len(available()) > 1, reason="there is a GPU on this machine")
def test_the_button_of_a_gpu_that_is_not_there_shows_a_race_by_keys(notebook):
    module = "labkit.explorers.device_toggle.compute"
    execute(notebook, f"import {module} as race; race.SECONDS, race.BATCHES = 1, (4, 16)")
    gpu = toggle(notebook).locator(".lk-devices button").last
    gpu.focus()
    notebook.page.keyboard.press("Space")
    race = toggle(notebook).locator(".lk-race")
    sentence = race.locator("p", has_text="images per second")
    sentence.wait_for()
    done = race.locator("td:last-child", has_text="✓")
    for lane in (0, 1):  # both reach the goal, each in its time
        done.nth(lane).wait_for()
    counts = [re.match(r"[\d,]+", text)[0] for text in done.all_inner_texts()]
    assert counts[0] == counts[1]
    rates = [
        re.match(r"[\d,]+", text)[0] for text in race.locator("td:nth-child(3)").all_inner_texts()
    ]
    assert all(rate in sentence.inner_text() for rate in rates)
    assert toggle(notebook).locator(".lk-devices .mod-active").count() == 1
    button(notebook, "cpu").click()
    race.wait_for(state="hidden")


def status(notebook):
    return notebook.page.locator(".lk-live-status")


def test_a_device_chosen_in_mid_training_is_followed_or_refused_and_it_trains_on(notebook):
    execute(notebook, "panel.live.set_epochs(900)")  # so that it does not end meanwhile
    training = notebook.page.locator(".lk-explorer:has(.lk-live-status)")
    training.locator("button.lk-live-play").click()
    status(notebook).filter(has_text="Training.").wait_for()
    execute(notebook, "panel.live.to('cuda:99')")
    status(notebook).filter(has_text="It stays on cpu, as it cannot move to cuda:99: ").wait_for()
    execute(notebook, "panel.live.to(toggle.device)")
    before = value(notebook, "panel.live.run.steps_done")
    status(notebook).filter(has_text=" · on cpu · ").wait_for()
    while value(notebook, "panel.live.run.steps_done") <= before:
        notebook.page.wait_for_timeout(100)
    assert value(notebook, "panel.live.state") == "running"
    training.locator("button.lk-live-pause").click()
    status(notebook).filter(has_text="Paused. Start goes on from here.").wait_for()
    execute(notebook, "panel.live.to(toggle.device)")
    status(notebook).filter(has_text="Moved to cpu.").wait_for()


def folded_tables(notebook):
    """The tables behind the charts: of the core, and of the crossover."""
    return notebook.page.locator(".jp-RenderedHTML details:has(table)")


def test_the_numbers_behind_a_chart_are_folded_and_agree_with_each_other(notebook):
    assert folded_tables(notebook).count() == 2
    for behind, measured in zip(folded_tables(notebook).all(), (2, 2), strict=True):
        assert not behind.locator("table").is_visible()
        behind.get_by_text("The numbers behind the chart").click()
        rows = [row.locator("td").all_inner_texts() for row in behind.locator("tbody tr").all()]
        assert len(rows) == measured
        for row in rows:
            milliseconds = float(re.match(r"[\d.]+", row[4])[0])
            rate = float(row[5].replace(",", ""))
            assert rate == pytest.approx(1000 * int(row[2]) / milliseconds, rel=0.02)


def test_without_a_gpu_and_a_recording_the_core_says_that_the_cpu_is_alone(notebook):
    alone = notebook.page.get_by_text("this is the CPU alone")
    assert alone.count() == (0 if available()[1:] or recorded_gpus() else 1)


def test_an_epoch_costs_what_its_seconds_cost(notebook):
    printed = notebook.page.locator(".jp-OutputArea-output", has_text=" per epoch").inner_text()
    found = re.findall(r"batch +(\d+): +([\d.]+) s and ([\d.]+) per epoch", printed)
    assert [int(batch) for batch, _seconds, _cost in found] == [4, 64, 256]
    for _batch, seconds, cost in found:
        assert float(cost) == pytest.approx(float(seconds) / 3600, abs=2e-6)


def test_the_charts_say_what_was_measured(notebook):
    charts = notebook.page.locator("img[alt^='Images trained per second on cpu.']")
    for chart, behind in zip(charts.all(), folded_tables(notebook).all(), strict=True):
        rates = behind.locator("tbody tr td:nth-child(6)").all_text_contents()
        first, most = re.search(
            r"Width 1: ([\d,]+) at batch 4, at most ([\d,]+) at", chart.get_attribute("alt")
        ).groups()
        assert first in rates and most in rates
    busy = notebook.page.locator("img[alt^='How busy cpu was']").get_attribute("alt")
    shares = [int(share) for share in re.findall(r"batch \d+: (\d+) %", busy)]
    assert len(shares) == 2 and all(0 <= share <= 100 for share in shares)
