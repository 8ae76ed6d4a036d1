"""The live panel in a real browser: what it draws, and that no run is left without its buttons."""

import pytest

from tests.benchmarks.widgets import SET_UP
from tests.browser.kernel import execute, settle, value
from tests.browser.lab import unusable, write_notebook

pytestmark = pytest.mark.browser

MADE = """
from labkit.data import BatchLoader
from labkit.explorers.live_training import LiveTraining
from labkit.training import Run
torch.manual_seed(0)
net, batches = Net(), BatchLoader(pictures, batch_size=4)
run = Run(net, batches, batches, torch.optim.SGD(net.parameters(), lr=0.1), epochs=900)
"""
SHOWN = """panels = globals().get("panels", [])
panels.append(LiveTraining(run))
panels[-1]"""


@pytest.fixture(scope="module")
def opened(root, open_notebook):
    write_notebook(root / "live.ipynb", SET_UP + MADE, SHOWN)
    return open_notebook("live.ipynb")


@pytest.fixture
def panel(opened):
    """The panel, at rest and in sight."""
    shown = opened.page.locator(".lk-explorer:has(.lk-live-status)")
    if shown.count():  # not where its cell was deleted
        shown.evaluate("each => each.scrollIntoView({ block: 'center' })")
    yield shown
    execute(opened, "for each in panels: each.live.pause(); each.live.wait()")


def press(panel, icon):
    panel.locator(f"button.lk-live-{icon}").click()


def says(panel, text):
    panel.locator(".lk-live-status", has_text=text).wait_for()


def drawn(panel, selector):
    """Return what a canvas shows, as a PNG in text."""
    return panel.locator(selector).first.evaluate("canvas => canvas.toDataURL()")


def test_before_it_trains_it_shows_filters_an_image_and_the_line_of_blind_guessing(opened, panel):
    assert opened.errors() == []
    says(panel, "Ready to start.")
    assert "blind guess, ln 10 = 2.30" in panel.locator("svg").text_content()
    assert panel.locator("svg text").first.text_content() == "0"
    assert panel.locator(".lk-filters canvas").count() == 2
    assert panel.locator("tr").count() == 10


def test_every_control_can_be_heard_and_reached_by_tab_and_nothing_scrolls(opened):
    assert unusable(opened.page) == []


def test_while_it_trains_curve_filters_and_probabilities_change(opened, panel):
    filters = ".lk-filters div:last-child canvas"
    before = drawn(panel, filters), panel.locator("table").inner_text()
    press(panel, "play")
    panel.locator("polyline.lk-validation[points*=' ']").wait_for(state="attached")
    press(panel, "pause")
    says(panel, "Paused. Start goes on from here.")
    assert drawn(panel, filters) != before[0]
    assert panel.locator("table").inner_text() != before[1]
    assert panel.locator(".lk-accuracy b").inner_text().endswith("%")
    shares = value(opened, "panels[0]._watched.probabilities(run)")
    texts = panel.locator("td:last-child").all_inner_texts()
    assert texts == [f"{int(100 * share + 0.5)}%" for share in shares]


def test_a_run_that_is_scrolled_away_sends_no_frame_until_it_is_seen(opened, panel):
    press(panel, "play")
    says(panel, "Training.")
    move = "(each, by) => { each.closest('.jp-Cell').style.transform = `translateY(${by}px)` }"
    for by, seen in ((9000, False), (0, True)):
        panel.evaluate(move, by)
        states = (value(opened, "panels[0]._seen") for _try in range(600))
        assert any(state is seen for state in states)
        assert value(opened, "panels[0].live.state") == "running"


def test_a_screen_reader_hears_a_sentence_at_rest_and_no_frame(opened, panel):
    assert panel.locator("[role=status]").count() == 1
    sentence = panel.locator("[role=status]").inner_text()
    assert "The running training loss goes from" in sentence
    assert "Validation accuracy" in sentence and "the network predicts" in sentence


def test_start_over_goes_back_to_the_weights_of_the_start_and_keeps_the_old_curve(opened, panel):
    press(panel, "undo")
    says(panel, "Back at the start.")
    assert value(opened, "run.steps_done") == 0
    assert drawn(panel, ".lk-filters div:nth-child(2) canvas") == drawn(
        panel, ".lk-filters div:nth-child(3) canvas"
    )
    assert panel.get_by_text("the run before").is_visible()
    assert len(panel.locator("polyline.lk-before").get_attribute("points")) > 20


def test_another_image_is_asked_about(opened, panel):
    before = drawn(panel, ".lk-image-asked canvas")
    press(panel, "image")
    panel.locator("tr.lk-true", has_text="automobile").wait_for()
    assert panel.get_by_text("true class: automobile", exact=True).is_visible()
    assert drawn(panel, ".lk-image-asked canvas") != before


def test_a_panel_that_is_reloaded_shows_the_run_that_goes_on(opened, panel):
    press(panel, "play")
    says(panel, "Training.")
    execute(opened, "")
    opened.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
    opened.page.reload()
    says(panel, "Training.")
    assert value(opened, "panels[0].live.state") == "running"


def test_a_cell_that_is_run_again_stops_the_run_it_started(opened, panel):
    press(panel, "play")
    says(panel, "Training.")
    run_cell(opened, 1)
    says(panel, "Ready to start.")
    assert value(opened, "[panels[0].live.wait(30), len(panels)]") == ["paused", 2]
    assert value(opened, "panels[1].live.state") == "ready"


def test_a_cell_that_is_deleted_stops_the_run_it_started(opened, panel):
    press(panel, "play")
    says(panel, "Training.")
    opened.page.evaluate(
        """async () => {
        const { content } = window.jupyterapp.shell.currentWidget;
        content.activeCellIndex = 1;
        await window.jupyterapp.commands.execute('notebook:delete-cell');
        }"""
    )
    panel.wait_for(state="detached")
    settle(opened)
    assert value(opened, "panels[1].live.wait(30)") == "paused"
    assert "its panel was closed" in value(opened, "panels[1].live.message")


def run_cell(opened, number):
    opened.page.evaluate(
        """async number => {
        const { content } = window.jupyterapp.shell.currentWidget;
        content.activeCellIndex = number;
        await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        number,
    )


def test_after_the_kernel_is_restarted_the_panel_says_so(opened, panel):
    opened.page.evaluate("window.jupyterapp.commands.execute('notebook:undo-cell-action')")
    run_cell(opened, 1)
    press(panel, "play")
    says(panel, "Training.")
    opened.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    panel.locator(".lk-live-status").wait_for(state="hidden")
    said = panel.evaluate("each => getComputedStyle(each, '::before').content")
    assert said == '"The kernel was restarted: run this cell again."'
    opened.run_all()
    says(panel, "Ready to start.")
    assert opened.errors() == []
