"""Notebook 2 in a real browser: the sample gallery, by mouse and by keyboard."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from labkit.data import load

pytestmark = pytest.mark.browser

COLOUR_AT = """(canvas, [x, y]) => {
  const ratio = canvas.width / 940;  // the stage's own width in points
  const data = canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data;
  return [...data.slice(0, 3)];
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/02_dataloader.ipynb")


@pytest.fixture(scope="module")
def train():
    normalise = v2.Normalize([0.5] * 3, [0.5] * 3)
    scale = v2.ToDtype(torch.float32, scale=True)
    return load(transform=v2.Compose([v2.ToImage(), scale, normalise])).train


@pytest.fixture
def gallery(notebook):
    """The second gallery of the notebook, which follows the transforms; its first tab in front."""
    gallery = notebook.page.locator(".lk-gallery").nth(1)
    gallery.get_by_role("tab", name="One picture").click()
    return gallery


def open_picture(gallery, index):
    number = gallery.get_by_role("spinbutton", name="Number")
    number.fill(str(index))
    number.press("Tab")
    gallery.get_by_text(f"Picture {index} of ").wait_for()


def cursor(gallery):
    return gallery.locator(".lk-values p").first


def said(values, form="{:.3f}"):
    texts = [form.format(value).replace("-", "−") for value in values]
    return ", ".join(f"{name} {text}" for name, text in zip(COLOURS, texts, strict=True)) + "."


COLOURS = ("red", "green", "blue")


def place_mouse(gallery, x, y):
    """Move the mouse to a place given in the canvas's own points."""
    canvas = gallery.locator("canvas")
    canvas.scroll_into_view_if_needed()
    scale = canvas.bounding_box()["width"] / 940
    canvas.hover(position={"x": x * scale, "y": y * scale})


def upload_file(gallery, path):
    with gallery.page.expect_file_chooser() as chooser:
        gallery.get_by_role("button", name="Your own").click()
    chooser.value.set_files(path)


def pixel(row, column):
    side = 300 / 32
    return 4 + (column + 0.5) * side, 26 + (row + 0.5) * side


def test_every_cell_runs(notebook):
    assert notebook.errors() == []


def test_arrow_keys_read_the_numbers_of_the_tensor(gallery, train):
    open_picture(gallery, 17)
    image, label = train[17]
    canvas = gallery.locator("canvas")
    canvas.focus()
    for key in ["Home", "PageDown", *["ArrowRight"] * 3, *["ArrowUp"] * 40, "ArrowDown"]:
        canvas.press(key)
    expected = "Row 1, column 3 after Normalize: " + said(image[:, 1, 3])
    assert cursor(gallery).inner_text() == expected
    assert gallery.get_by_role("application", name=expected).count() == 1
    assert gallery.get_by_text(f"{train.classes[label]}, label {label}.").count() == 1
    for _step in range(3):
        canvas.press("PageUp")
    expected = "Row 1, column 3 of the picture: " + said(train.data[17][1, 3], "{}")
    assert cursor(gallery).inner_text() == expected


def test_the_mouse_reads_the_pixel_under_it_and_the_canvas_shows_its_colour(gallery, train):
    open_picture(gallery, 4)
    gallery.get_by_role("combobox", name="Enlarged").select_option(label="Normalize")
    place_mouse(gallery, *pixel(20, 9))
    values = said(train[4][0][:, 20, 9])
    assert cursor(gallery).inner_text() == f"Row 20, column 9 after Normalize: {values}"
    for row, column in ((0, 0), (3, 28), (31, 16)):
        shown = gallery.locator("canvas").evaluate(COLOUR_AT, pixel(row, column))
        assert np.abs(np.array(shown) - train.data[4][row, column]).max() <= 1


def test_a_click_on_a_row_enlarges_that_stage(gallery):
    place_mouse(gallery, 500, 26 + 52 * 1.5)
    gallery.page.mouse.down()
    gallery.page.mouse.up()
    chosen = gallery.get_by_role("combobox", name="Enlarged")
    assert chosen.locator("option:checked").inner_text() == "ToImage"
    assert " after ToImage: " in cursor(gallery).inner_text()


def test_next_stays_within_the_chosen_class(gallery, train):
    gallery.get_by_role("combobox", name="Class").first.select_option(train.classes[1])
    members = np.flatnonzero(np.array(train.targets) == 1)
    gallery.get_by_text(f"{train.classes[1]}, label 1.").wait_for()
    shown = int(gallery.get_by_role("spinbutton", name="Number").input_value())
    following = members[np.searchsorted(members, shown) + 1]
    button = gallery.get_by_role("button", name="Next ▶")
    button.focus()
    button.press("Enter")
    gallery.get_by_text(f"Picture {following} of ").wait_for()


def test_the_tabs_and_the_batch_by_keyboard(gallery):
    page = gallery.page
    gallery.get_by_role("tab", name="One picture").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    table = gallery.get_by_role("table")
    table.wait_for()
    number = int(re.search(r"Batch (\d+) of", table.inner_text()).group(1))
    button = gallery.get_by_role("button", name="Next batch")
    button.focus()
    button.press("Space")
    gallery.get_by_text(f"Batch {number + 1} of ").wait_for()


def test_a_batch_is_four_pictures_and_their_labels(gallery, train):
    gallery.get_by_role("tab", name="A batch").click()
    table = gallery.get_by_role("table")
    assert "[4, 3, 32, 32]" in table.inner_text() and "[4]" in table.inner_text()
    names = [image.get_attribute("alt") for image in table.locator("img").all()]
    labels = re.findall(r"labels\[\d\] = (\d+)", table.inner_text())
    assert len(names) == 4
    assert [train.classes[int(label)] for label in labels] == names


def test_a_click_on_the_sheet_of_a_class_opens_that_picture(gallery, train):
    gallery.get_by_role("tab", name="Classes").click()
    gallery.locator(".lk-gallery-sheet select").select_option(train.classes[2])
    gallery.get_by_text(f"{train.classes[2]}, label 2: 1 to 40 of ").wait_for()
    members = np.flatnonzero(np.array(train.targets) == 2)
    sheet = gallery.locator(".lk-clickable")
    box = sheet.bounding_box()
    sheet.click(position={"x": box["width"] * 3.5 / 8, "y": box["height"] * 1.5 / 5})
    gallery.get_by_text(f"Picture {members[8 + 3]} of ").wait_for()


def test_a_picture_of_ones_own_and_a_file_that_is_none(gallery, tmp_path):
    Image.new("RGB", (60, 50), (255, 0, 0)).save(tmp_path / "red.png")
    (tmp_path / "notes.png").write_text("no picture")
    upload_file(gallery, tmp_path / "notes.png")
    gallery.get_by_role("alert").filter(has_text="notes.png: not a picture").wait_for()
    upload_file(gallery, tmp_path / "red.png")
    gallery.get_by_text("Your own picture, red.png.").wait_for()
    gallery.get_by_role("combobox", name="Enlarged").select_option(label="Normalize")
    assert cursor(gallery).inner_text().endswith("red 1.000, green −1.000, blue −1.000.")
    assert gallery.get_by_role("alert").count() == 0


def test_keys_in_the_gallery_are_no_commands_of_jupyterlab(notebook, gallery):
    cells = notebook.page.locator(".jp-Cell").count()
    for control in (gallery.locator("canvas"), gallery.get_by_role("button", name="At random")):
        control.focus()
        control.press("d")
        control.press("d")
    gallery.get_by_role("tab", name="One picture").focus()
    notebook.page.keyboard.press("d")
    notebook.page.keyboard.press("d")
    notebook.page.wait_for_timeout(300)
    assert notebook.page.locator(".jp-Cell").count() == cells


def test_nothing_went_wrong_meanwhile(notebook):
    assert notebook.errors() == []
