"""Notebook 6 in a real browser: the evaluation studio by mouse and by keyboard alone."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from labkit.explorers.studio.confusion_grid import NOWHERE, ConfusionGrid
from labkit.training.run import POINTS_PER_EPOCH
from tests.browser.fit import TestForAnybody  # noqa: F401
from tests.browser.kernel import execute, value
from tests.browser.lab import drag, painted

pytestmark = pytest.mark.browser

_HEAR_OF_THE_RESTART = """() => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  let begun = false;
  window.restarted = new Promise(done => kernel.statusChanged.connect((_kernel, status) => {
    begun ||= status === 'restarting';
    if (begun && status === 'idle') done();
  }));
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook):
    opened = open_notebook("notebooks/06_evaluation.ipynb")
    opened.page.locator(".lk-studio").scroll_into_view_if_needed()
    return opened


@pytest.fixture
def studio(notebook):
    """The studio, in its first tab."""
    found = notebook.page.locator(".lk-studio")
    found.get_by_role("tab", name="Mistakes").click()
    return found


def cell(studio, row, column):
    """Return a cell of the matrix; 0 is the header."""
    return studio.locator(".lk-confusion tr").nth(row).locator("td, th").nth(column)


def screen(studio, number):
    """Return a screen of the first tab: 0 is the sheet of images, 1 the one in front."""
    return studio.locator(".lk-mistakes .lk-screen").nth(number)


def first_with_pictures(studio, least=2):
    """Return row and column of the first cell off the diagonal with so many images."""
    side = studio.locator(".lk-confusion tr").count()
    for row in range(1, side):
        texts = studio.locator(".lk-confusion tr").nth(row).locator("td").all_inner_texts()
        for column, text in enumerate(texts, start=1):
            if column != row and text.isdigit() and int(text) >= least:
                return row, column
    raise AssertionError("the network makes no mistake twice")


def say(studio, number, pattern):
    """Wait until a sentence of the first tab fits the pattern; return what it found."""
    sentence = screen(studio, number).locator("p").filter(has_text=re.compile(pattern))
    sentence.wait_for()
    return re.search(pattern, sentence.inner_text())


def test_a_clicked_cell_opens_as_many_pictures_as_it_says(studio):
    row, column = first_with_pictures(studio)
    target = cell(studio, row, column)
    target.click()
    names = cell(studio, row, 0).inner_text(), cell(studio, 0, column).inner_text()
    found = say(studio, 0, rf"^{names[0]}: (\d+) images predicted as {names[1]}\.")
    assert found[1] == target.inner_text()
    for menu, name in zip(menus(studio), names, strict=True):  # they follow the images
        expect(menu.locator("option:checked")).to_have_text(name, timeout=60_000)


def menus(studio):
    return studio.locator(".lk-mistakes select").all()


def test_arrow_keys_walk_the_matrix_and_its_headers(notebook, studio):
    cell(studio, 1, 1).click()
    press = notebook.page.keyboard.press
    press("ArrowUp")
    press("ArrowLeft")
    say(studio, 0, r"^\d+ mistakes in all")
    press("ArrowLeft")  # there is nothing to the left: it stays
    press("ArrowDown")
    press("ArrowRight")
    name = cell(studio, 1, 0).inner_text()
    found = say(studio, 0, rf"^{name}: (\d+) images? recognised")
    assert found[1] == (cell(studio, 1, 1).inner_text() or "0")  # an empty cell counts none
    assert cell(studio, 1, 1).get_attribute("aria-selected") == "true"
    assert studio.locator(".lk-confusion [tabindex='0']").count() == 1


def test_a_clicked_picture_is_the_one_that_comes_to_the_front(notebook, studio):
    cell(studio, *first_with_pictures(studio)).click()
    sheet, one = (screen(studio, number).locator("img, canvas") for number in (0, 1))
    first, other = value(notebook, "studio.mistakes.found[:2].tolist()")
    say(studio, 1, rf"^Image {first}: ")
    side = sheet.bounding_box()["width"] / 7
    sheet.click(position={"x": 1.5 * side, "y": side / 2})
    say(studio, 1, rf"^Image {other}: ")
    pixel = value(notebook, f"test_set.data[{other}][16, 16].tolist()")
    painted(one, (16, 16), pixel)
    painted(sheet, (2 + 16, 36 + 2 + 16), pixel)  # two white pixels are around each
    assert studio.locator(".lk-mistakes .lk-slider output").inner_text() == "2"


def test_its_feature_maps_open_by_the_keyboard(notebook, studio):
    cell(studio, *first_with_pictures(studio)).click()
    sentence = say(studio, 1, r"Image \d+: .*sure\.")[0]
    studio.get_by_role("button", name="Feature maps").focus()
    notebook.page.keyboard.press("Enter")
    studio.locator(".lk-network").wait_for()
    studio.get_by_text(sentence).last.wait_for()
    studio.locator(".lk-network .lk-map").first.wait_for()


def test_a_change_is_turned_by_keys_and_says_answer_and_accuracy(notebook, studio):
    studio.get_by_role("button", name="Change it").click()
    changes = studio.locator(".lk-changes")
    changes.locator("select").select_option(label="rotation")
    changes.get_by_text("With rotation 30°").first.wait_for()
    changes.locator("input[type=range]").focus()
    measured = value(notebook, "[round(100 * share.value, 1) for share in turned]")
    for key, words, share in (("Home", "0°", measured[0]), ("End", "90°", measured[-1])):
        notebook.page.keyboard.press(key)
        assert accuracy(changes, words) == share
    texts = changes.locator("table caption").all_inner_texts()
    assert ["The network predicts" in text for text in texts] == [True, True, False]


def accuracy(changes, words):
    said = changes.locator("caption", has_text=f"With rotation {words}, ")
    said.wait_for()
    return float(re.search(r", ([\d.]+)% of", said.inner_text())[1])


def test_menus_open_the_cell_and_a_dragged_slider_its_pictures(notebook, studio):
    row, column = first_with_pictures(studio)
    names = cell(studio, row, 0).inner_text(), cell(studio, 0, column).inner_text()
    for menu, name in zip(menus(studio), names, strict=True):
        menu.select_option(label=name)
    count = int(say(studio, 0, rf"^{names[0]}: (\d+) images predicted as {names[1]}\.")[1])
    assert cell(studio, row, column).get_attribute("aria-selected") == "true"
    drag(studio.locator(".lk-mistakes .lk-slider input"), 1.0)
    expected = value(notebook, "studio.mistakes.found[-1].item()")
    say(studio, 1, rf"^Image {expected}: {names[0]}, predicted as {names[1]}, ")
    assert studio.locator(".lk-mistakes .lk-slider output").inner_text() == str(count)
    pixel = value(notebook, f"test_set.data[{expected}][16, 16].tolist()")
    painted(screen(studio, 1).locator("img"), (16, 16), pixel)


def test_the_network_takes_sides_once_its_weights_are_the_trained_ones(notebook):
    network = notebook.page.locator(".lk-network").first
    weights = network.get_by_role("slider", name="Weights")
    for key, word, number in (("Home", "random", 0), ("End", "trained", 1)):
        weights.press(key)
        network.locator("output", has_text=word).wait_for()
        execute(
            notebook,
            f"""
one = Net(classes=len(classes))
one.load_state_dict(snapshots[{number}][1])
pixels = torch.tensor(explorer.choice.image).permute(2, 0, 1)[None]
with torch.inference_mode():
    shares = one((pixels / 255 - 0.5) / 0.5).softmax(dim=1)[0]
""",
        )
        best, share = value(notebook, "[classes[shares.argmax()], f'{shares.max():.1%}']")
        network.locator('.lk-best[data-line="8"]', has_text=share).wait_for()
        assert network.locator('.lk-best[data-line="7"] span').inner_text() == best


def test_keys_lead_back_from_where_no_cell_is_chosen(alone):
    shown = alone(ConfusionGrid(np.eye(3, dtype=int), ["a", "b", "c"], [0, 1, 2]))
    shown.set(chosen=NOWHERE)
    assert shown.stage.locator("[aria-selected=true]").count() == 0
    shown.stage.locator("[tabindex='0']").press("ArrowDown")
    assert shown.settings("chosen") == [-1, -1]


def code_cell(notebook, text):
    return notebook.page.locator(".jp-CodeCell", has_text=text).first


def run_cell(notebook, cell):
    """Click into a cell and press Shift+Enter, as a learner does."""
    cell.locator(".cm-line").first.click()
    notebook.page.keyboard.press("Shift+Enter")


def test_a_training_goes_on_in_a_restarted_kernel_as_one_unbroken_curve(notebook):
    page, training = notebook.page, code_cell(notebook, "saved after")
    run_cell(notebook, training)
    saved = value(notebook, "run.steps_done")  # answered after the cell
    assert 0 < saved < value(notebook, "run.steps_done + run.steps_left")

    page.evaluate(_HEAR_OF_THE_RESTART)
    page.locator(".lm-MenuBar-item", has_text="Kernel").click()
    page.locator(".lm-Menu-item", has_text="Restart Kernel…").click()
    page.locator(".jp-Dialog").get_by_role("button", name="Confirm").click()
    page.evaluate("() => window.restarted")
    assert value(notebook, "'run' not in globals()")

    for cell in (code_cell(notebook, "import torch"), code_cell(notebook, "def new_run"), training):
        run_cell(notebook, cell)
    training.locator(".jp-OutputArea-output", has_text=f"begins after {saved:,} steps").wait_for()
    for text in ("resumed.finish()", "resumed_at=resumed_at)"):
        run_cell(notebook, code_cell(notebook, text))
    curve = code_cell(notebook, "resumed_at=resumed_at)").locator("img")
    execute(notebook, "")  # the cells before it are done
    again, steps, per_epoch = value(
        notebook, "[run.steps_done, resumed.history.steps, len(run.train_batches)]"
    )
    assert again == 2 * saved
    page.wait_for_function(
        "([image, words]) => image.alt.includes(words)",
        arg=[curve.element_handle(), f"resumed after {again / per_epoch:.2f} epochs"],
    )
    every = -(-per_epoch // POINTS_PER_EPOCH)
    marks = [*range(every, per_epoch, every), per_epoch]
    assert steps == [epoch * per_epoch + mark for epoch in range(3) for mark in marks]
    assert notebook.errors() == []
