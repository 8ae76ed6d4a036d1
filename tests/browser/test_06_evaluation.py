"""Notebook 6 in a real browser: the evaluation studio by mouse and by keyboard alone."""

import re

import pytest

from labkit.figures.studio import ContactSheet

pytestmark = pytest.mark.browser

_PIXEL = """(image, [x, y]) => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const brush = canvas.getContext('2d');
  brush.drawImage(image, 0, 0);
  return [...brush.getImageData(x * canvas.width, y * canvas.height, 1, 1).data].slice(0, 3);
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
    """Return a screen of the first tab: 0 is the sheet of pictures, 1 the one in front."""
    return studio.locator(".lk-mistakes .lk-screen").nth(number)


def first_with_pictures(studio, least=2):
    """Return row and column of the first cell off the diagonal with so many pictures."""
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


def test_every_cell_runs(notebook):
    assert notebook.errors() == []


def test_a_clicked_cell_opens_as_many_pictures_as_it_says(studio):
    row, column = first_with_pictures(studio)
    target = cell(studio, row, column)
    target.click()
    names = cell(studio, row, 0).inner_text(), cell(studio, 0, column).inner_text()
    found = say(studio, 0, rf"^{names[0]}: (\d+) pictures taken for {names[1]}\.")
    assert found[1] == target.inner_text()
    chosen = [menu.evaluate("m => m.selectedOptions[0].text") for menu in menus(studio)]
    assert chosen == list(names)


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
    found = say(studio, 0, rf"^{name}: (\d+) pictures? recognised")
    assert found[1] == cell(studio, 1, 1).inner_text()
    assert cell(studio, 1, 1).get_attribute("aria-selected") == "true"
    assert studio.locator(".lk-confusion [tabindex='0']").count() == 1


def test_a_clicked_picture_is_the_one_that_comes_to_the_front(studio):
    cell(studio, *first_with_pictures(studio)).click()
    sheet, one = (screen(studio, number).locator("img") for number in (0, 1))
    before = say(studio, 1, r"Picture (\d+)")[1]
    box = sheet.bounding_box()
    middle = 16.5 / 32  # of pixel 16 of 32
    corner, side = ContactSheet.EDGE, ContactSheet.TILE
    second = corner + side + ContactSheet.GAP
    tile = (
        (second + middle * side) / ContactSheet.WIDTH,
        (corner + middle * side) / ContactSheet.HEIGHT,
    )
    sheet.click(position={"x": tile[0] * box["width"], "y": tile[1] * box["height"]})
    say(studio, 1, rf"Picture (?!{before}:)")
    studio.page.wait_for_timeout(300)
    assert one.evaluate(_PIXEL, [middle, middle]) == sheet.evaluate(_PIXEL, tile)
    assert studio.locator(".lk-mistakes .lk-slider output").inner_text() == "2"


def test_its_feature_maps_open_by_the_keyboard(notebook, studio):
    cell(studio, *first_with_pictures(studio)).click()
    sentence = say(studio, 1, r"Picture \d+: .*sure\.")[0]
    studio.get_by_role("button", name="Feature maps").focus()
    notebook.page.keyboard.press("Enter")
    studio.locator(".lk-network").wait_for()
    assert studio.get_by_text(sentence).last.is_visible()
    assert studio.locator(".lk-network .lk-screen img").first.is_visible()


def test_a_change_is_turned_by_keys_and_says_answer_and_accuracy(notebook, studio):
    studio.get_by_role("button", name="Change it").click()
    changes = studio.locator(".lk-changes")
    changes.locator("select").select_option(label="rotation")
    changes.get_by_text("With rotation 30°").first.wait_for()
    changes.locator("input[type=range]").focus()
    notebook.page.keyboard.press("Home")
    plain = accuracy(changes, "0°")
    notebook.page.keyboard.press("End")
    assert accuracy(changes, "90°") < plain
    tables = changes.locator("table caption")
    assert tables.count() == 2 and all("The network says" in t for t in tables.all_inner_texts())


def accuracy(changes, words):
    said = changes.locator("p", has_text=f"With rotation {words}, ")
    said.wait_for()
    return float(re.search(r", ([\d.]+)% of", said.inner_text())[1])


def test_scores_and_calibration_are_drawn_with_their_sentences(studio):
    studio.get_by_role("tab", name="Scores").click()
    for start in ("Recall: from", "The network is"):
        said = studio.locator(".lk-screen", has_text=start)
        said.wait_for()
        image = said.locator("img")
        image.wait_for()
        assert image.get_attribute("alt") == said.locator("p").inner_text()


def test_keys_on_the_matrix_do_not_reach_the_notebook(notebook, studio):
    count = "window.jupyterapp.shell.currentWidget.content.widgets.length"
    before = notebook.page.evaluate(count)
    cell(studio, 1, 1).click()
    notebook.page.keyboard.press("d")
    notebook.page.keyboard.press("d")
    notebook.page.wait_for_timeout(300)
    assert notebook.page.evaluate(count) == before


def test_nothing_went_wrong_meanwhile(notebook):
    assert notebook.errors() == []
