"""Notebook 2 in a real browser: the sample gallery, by mouse and by keyboard."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from torchvision import transforms

from labkit.data import load
from tests.browser.fit import TestForAnybody  # noqa: F401
from tests.browser.lab import encoded, painted, upload

pytestmark = pytest.mark.browser

PNG = """async image => {
  const bytes = new Uint8Array(await (await fetch(image.src ?? image.toDataURL())).arrayBuffer());
  return Array.from(bytes, each => String.fromCharCode(each)).join('');
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/02_dataloader.ipynb", down_to="SampleGallery(")


@pytest.fixture(scope="module")
def train(few):
    normalise = transforms.Normalize([0.5] * 3, [0.5] * 3)
    return load(few, transform=transforms.Compose([transforms.ToTensor(), normalise])).train


@pytest.fixture
def gallery(notebook):
    """The gallery of the notebook, which follows the transforms; its first tab in front."""
    gallery = notebook.page.locator(".lk-gallery")
    gallery.get_by_role("tab", name="One image").click()
    return gallery


def open_picture(gallery, index):
    number = gallery.get_by_role("spinbutton", name="Number")
    number.fill(str(index))
    number.press("Tab")
    gallery.get_by_text(f"Image {index} of ").wait_for()


def cursor(gallery):
    return gallery.locator(".lk-values [role=status]")


def expect_cursor(gallery, sentence):
    """Wait until the cursor says this, and nothing else."""
    expect(cursor(gallery)).to_have_text(sentence, timeout=60_000)


def said(values, form="{:.3f}"):
    texts = [form.format(value).replace("-", "−") for value in values]
    return ", ".join(f"{name} {text}" for name, text in zip(COLOURS, texts, strict=True)) + "."


COLOURS = ("red", "green", "blue")


def enlarged(gallery):
    """Return the canvas of the enlarged image, a pixel for each of its own."""
    return gallery.locator(".lk-values .lk-framed-map canvas")


def pixel(gallery, row, column):
    """Return where a pixel is on the screen."""
    canvas = enlarged(gallery)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return box["x"] + box["width"] * (column + 0.5) / 32, box["y"] + box["height"] * (
        row + 0.5
    ) / 32


def enlarge(gallery, stage):
    gallery.get_by_role("combobox", name="Enlarged").select_option(label=stage)


def test_arrow_keys_read_the_numbers_of_the_tensor(gallery, train):
    open_picture(gallery, 17)
    image, label = train[17]
    cursor = gallery.get_by_role("slider", name="Arrow keys or the mouse")
    for key in ["Home", "PageDown", *["ArrowRight"] * 3, *["ArrowUp"] * 40, "ArrowDown"]:
        cursor.press(key)
    expected = "Row 1, column 3 after Normalize: " + said(image[:, 1, 3])
    expect_cursor(gallery, expected)
    assert cursor.get_attribute("aria-valuetext") == expected
    assert gallery.get_by_text(f"{train.classes[label]}, label {label}.").count() == 1
    for _step in range(2):
        cursor.press("PageUp")
    expect_cursor(gallery, "Row 1, column 3 of the image: " + said(train.data[17][1, 3], "{}"))


def test_the_mouse_reads_the_pixel_under_it_and_the_image_has_its_colours(gallery, train):
    open_picture(gallery, 4)
    enlarge(gallery, "Normalize")
    gallery.page.mouse.move(*pixel(gallery, 20, 9))
    values = said(train[4][0][:, 20, 9])
    expect_cursor(gallery, f"Row 20, column 9 after Normalize: {values}")
    for row, column in ((0, 0), (3, 28), (31, 16)):
        painted(enlarged(gallery), (row, column), train.data[4][row, column], within=1)


def test_a_click_on_a_row_enlarges_that_stage(gallery):
    gallery.locator(".lk-values tbody tr").nth(1).click()
    cursor(gallery).filter(has_text=" after ToTensor: ").wait_for()
    chosen = gallery.get_by_role("combobox", name="Enlarged")
    assert chosen.locator("option:checked").inner_text() == "ToTensor"


def test_the_tabs_and_the_batch_by_keyboard(gallery):
    page = gallery.page
    gallery.get_by_role("tab", name="One image").focus()
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
    labels = table.locator("tbody tr").nth(1).locator("td").all_inner_texts()
    assert len(names) == 4
    assert [train.classes[int(label)] for label in labels] == names


def test_a_click_on_the_sheet_of_a_class_opens_that_picture(gallery, train):
    gallery.get_by_role("tab", name="Classes").click()
    gallery.locator(".lk-gallery-sheet select").select_option(train.classes[2])
    gallery.get_by_text(f"{train.classes[2]}, label 2: 1 to 42 of ").wait_for()
    members = np.flatnonzero(np.array(train.targets) == 2)
    sheet = gallery.locator(".lk-clickable")
    box = sheet.bounding_box()
    sheet.click(position={"x": box["width"] * 3.5 / 7, "y": box["height"] * 1.5 / 6})
    gallery.get_by_text(f"Image {members[7 + 3]} of ").wait_for()


def test_others_of_a_class_and_the_pixels_of_the_sheet(gallery, train):
    gallery.get_by_role("tab", name="Classes").click()
    chosen = gallery.locator(".lk-gallery-sheet select")
    chosen.focus()
    chosen.press("Home")  # by keys alone
    name, members = train.classes[0], np.flatnonzero(np.array(train.targets) == 0)
    gallery.get_by_text(f"{name}, label 0: 1 to 42 of ").wait_for()
    gallery.get_by_role("button", name="Others of this class").click()
    count = min(42, len(members) - 42)
    gallery.get_by_text(f"{name}, label 0: 43 to {42 + count} of {len(members):,}.").wait_for()
    sheet = gallery.locator(".lk-clickable")
    shown = np.asarray(Image.open(io.BytesIO(sheet.evaluate(PNG).encode("latin-1"))).convert("RGB"))
    rows = -(-count // 7)  # two white pixels are around each
    assert shown.shape == (rows * 36, 7 * 36, 3)
    for row, column in ((0, 0), divmod(count - 1, 7)):
        found = shown[36 * row + 2 : 36 * row + 34, 36 * column + 2 : 36 * column + 34]
        assert np.array_equal(found, train.data[members[42 + row * 7 + column]])


def test_pictures_at_random_and_the_one_before_by_mouse(gallery, train):
    gallery.get_by_role("combobox", name="Class").first.select_option(train.classes[2])
    gallery.get_by_text(f"{train.classes[2]}, label 2.").wait_for()
    members = np.flatnonzero(np.array(train.targets) == 2)
    number = gallery.get_by_role("spinbutton", name="Number")
    before = int(number.input_value())
    gallery.get_by_role("button", name="At random").click()
    gallery.get_by_text(f"Image {before} of ").wait_for(state="detached")
    drawn = int(number.input_value())
    assert drawn in members and drawn != before
    gallery.get_by_role("button", name="Back").click()
    shown = members[np.searchsorted(members, drawn) - 1]
    gallery.get_by_text(f"Image {shown} of ").wait_for()
    enlarge(gallery, "the image")
    painted(enlarged(gallery), (7, 30), train.data[shown][7, 30], within=1)
    enlarge(gallery, "Normalize")


def test_a_mouse_that_crosses_the_picture_fast_leaves_the_cursor_where_it_stops(gallery, train):
    open_picture(gallery, 9)
    enlarge(gallery, "the image")
    for place in [*zip(range(32), range(32), strict=True), (11, 24)]:
        gallery.page.mouse.move(*pixel(gallery, *place))
    expected = "Row 11, column 24 of the image: " + said(train.data[9][11, 24], "{}")
    cursor(gallery).filter(has_text=expected).wait_for()
    gallery.page.wait_for_timeout(300)
    assert cursor(gallery).inner_text() == expected


FRAMES = [Image.new("P", (40, 40), colour) for colour in (1, 2)]
for frame in FRAMES:
    frame.putpalette([0, 0, 0, 0, 200, 0, 0, 0, 200])

USABLE = {
    "red.png": (encoded(Image.new("RGB", (60, 50), (255, 0, 0))), (255, 0, 0)),
    "animated.gif": (
        encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:], duration=50),
        (0, 200, 0),
    ),
    "deep.png": (encoded(np.full((50, 90), 51400, np.uint16)), (200, 200, 200)),
    "print.jpg": (encoded(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG"), (255, 0, 0)),
}
NOISE = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
UNUSABLE = {
    "notes.png": (b"no image", "not an image"),
    "truncated.png": (encoded(NOISE)[:9000], "damaged, it cannot be read"),
    "bomb.png": (encoded(Image.new("1", (6000, 6000))), "more than 25 million pixels"),
}


@pytest.mark.parametrize("way", ["upload", "path"])
def test_pictures_of_ones_own_and_files_that_are_none(gallery, tmp_path, way):
    enlarge(gallery, "the image")
    alert = gallery.get_by_role("alert")

    def give(name, content):
        (tmp_path / name).write_bytes(content)
        if way == "upload":
            return upload(gallery, tmp_path / name)
        path = gallery.get_by_role("textbox", name="or its path")
        path.fill(str(tmp_path / name))
        path.press("Enter")

    for (bad, (content, reason)), (good, (picture, colour)) in zip(
        UNUSABLE.items(), list(USABLE.items())[1:], strict=True
    ):
        give(bad, content)
        alert.filter(has_text=reason).wait_for()
        assert bad in alert.inner_text()
        give(good, picture)
        gallery.get_by_text("Your own image, ").filter(has_text=good).wait_for()
        alert.wait_for(state="detached")
        painted(enlarged(gallery), (20, 9), colour, within=2)
    give("red.png", USABLE["red.png"][0])
    gallery.get_by_text("Your own image, ").filter(has_text="red.png").wait_for()
    enlarge(gallery, "Normalize")
    cursor(gallery).filter(has_text="red 1.000, green −1.000, blue −1.000.").wait_for()
