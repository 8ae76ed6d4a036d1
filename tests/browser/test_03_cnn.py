"""Notebook 3 in a real browser: the windows, the shape coach and the inside of the network."""

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import TimeoutError
from torch.nn import functional

from labkit.data import load
from labkit.stepping import HAND_MADE
from labkit.widgets.own_picture import one_of_each

pytestmark = pytest.mark.browser

_PIXEL = """(canvas, [x, y]) => {
  const scale = canvas.width / 900;  // what the stage is drawn in is 900 wide
  return [...canvas.getContext('2d').getImageData(x * scale, y * scale, 1, 1).data].slice(0, 3);
}"""

_IMAGE_PIXEL = """(image, [x, y]) => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return [...context.getImageData(x, y, 1, 1).data].slice(0, 3);
}"""
ORANGE = [0xD5, 0x5E, 0x00]


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/03_cnn.ipynb")


@pytest.fixture(scope="module")
def page(notebook):
    return notebook.page


@pytest.fixture(scope="module")
def samples():
    return list(one_of_each(load().train).values())


@pytest.fixture
def convolution(page):
    return page.locator(".lk-convolution")


@pytest.fixture
def pooling(page):
    return page.locator(".lk-pooling")


@pytest.fixture
def coach(page):
    return page.locator(".lk-shapes")


@pytest.fixture
def network(page):
    return page.locator(".lk-network")


def convolved(picture, kernel, **numbers):
    """Return what PyTorch makes of the mean of the channels, from 0 to 1."""
    grey = torch.from_numpy(np.array(picture)).float().mean(dim=2)[None, None] / 255
    weight = torch.tensor(kernel, dtype=torch.float32)[None, None]
    return functional.conv2d(grey, weight, **numbers)[0, 0].numpy()


def expect_sentence(explorer, text):
    """Wait until one of the explorer's sentences holds ``text``."""
    said = explorer.locator("[role=status]")
    try:
        said.filter(has_text=text).first.wait_for(timeout=20_000)
    except TimeoutError:
        raise AssertionError(f"{text!r} is not in {said.all_inner_texts()}") from None


def expect_pixel(image, place, colour):
    """Wait until a pixel has its colour: a picture is painted a moment after its sentence."""
    for _attempt in range(50):
        found = image.evaluate(_IMAGE_PIXEL, place)
        if found == pytest.approx(colour, abs=1):
            return
        image.page.wait_for_timeout(100)
    raise AssertionError(f"{found} is not {colour}")


def press(page, key, times=1):
    for _ in range(times):
        page.keyboard.press(key)


def upload(page, explorer, file):
    with page.expect_file_chooser() as chooser:
        explorer.get_by_role("button", name="Your own").click()
    chooser.value.set_files(file)


def go_to(explorer, page, position):
    """Move the window to a position by keys alone: Home, then steps to the right."""
    slider = explorer.get_by_role("slider", name="Window", exact=True)
    slider.focus()
    press(page, "Home")
    press(page, "ArrowRight", position)
    return slider


def test_the_convolutions_number_and_pixel_are_those_of_pytorch(page, convolution, samples):
    output = convolved(samples[0], HAND_MADE["edges, left to right"])
    go_to(convolution, page, 3)
    press(page, "ArrowDown", 2)
    value = output[2, 3]
    expect_sentence(convolution, f"(row 3, column 4): the products add up to {value:.3f}")
    cell = 208 / 30
    place = [690 + 1.5 * cell, 26 + 1.5 * cell]  # the middle of row 1, column 1
    level = round(255 * float((output[1, 1] - output.min()) / np.ptp(output)))
    red, green, blue = convolution.locator("canvas").evaluate(_PIXEL, place)
    assert red == green == blue and abs(red - level) <= 1


def test_a_click_on_the_output_moves_the_window_there(convolution, samples):
    canvas = convolution.locator("canvas")
    scale, cell = canvas.bounding_box()["width"] / 900, 208 / 30
    place = {"x": scale * (690 + 10.5 * cell), "y": scale * (26 + 20.5 * cell)}
    canvas.click(position=place)
    value = convolved(samples[0], HAND_MADE["edges, left to right"])[20, 10]
    expect_sentence(convolution, f"(row 21, column 11): the products add up to {value:.3f}")
    assert canvas.get_attribute("data-position") == str(20 * 30 + 10)


def test_it_plays_and_pauses(page, convolution):
    go_to(convolution, page, 0)
    convolution.get_by_label("Speed").select_option("60")
    convolution.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "Number(document.querySelector('.lk-convolution canvas').dataset.position) > 5"
    )
    convolution.get_by_role("button", name="Pause").click()
    convolution.get_by_role("button", name="Play").wait_for()


def test_a_typed_kernel_stride_and_padding_are_those_of_pytorch(page, convolution, samples):
    convolution.get_by_label("Kernel").select_option("numbers of your own")
    numbers = convolution.get_by_label("Numbers")
    page.wait_for_function("!document.querySelector('.lk-convolution input[type=text]').disabled")
    numbers.fill("1 2; 3 4")
    numbers.press("Enter")
    convolution.get_by_role("slider", name="Stride").press("ArrowRight")
    convolution.get_by_role("slider", name="Padding").press("ArrowRight")
    output = convolved(samples[0], [[1, 2], [3, 4]], stride=2, padding=1)
    convolution.get_by_text(f"/ {output.size}").wait_for()
    go_to(convolution, page, 20)
    expect_sentence(convolution, f"(row 2, column 4): the products add up to {output[1, 3]:.3f}")


def test_a_kernel_that_is_none_is_a_sentence(convolution):
    numbers = convolution.get_by_label("Numbers")
    numbers.fill("1 dog")
    numbers.press("Enter")
    convolution.get_by_role("alert").filter(has_text='"dog" is not a number').wait_for()
    numbers.fill("1 2; 3 4")
    numbers.press("Enter")
    convolution.get_by_role("alert").wait_for(state="detached")


def test_an_uploaded_picture_is_convolved(page, convolution):
    picture = np.zeros((32, 32, 3), dtype=np.uint8)
    picture[:, 16:] = 200
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    file = {"name": "half.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    upload(page, convolution, file)
    output = convolved(picture, [[1, 2], [3, 4]], stride=2, padding=1)
    go_to(convolution, page, 17 + 12)
    expect_sentence(convolution, f"(row 2, column 13): the products add up to {output[1, 12]:.3f}")


def test_a_file_that_is_no_picture_is_a_sentence(page, convolution):
    file = {"name": "notes.png", "mimeType": "image/png", "buffer": b"hello"}
    upload(page, convolution, file)
    convolution.get_by_role("alert").filter(has_text="notes.png").wait_for()


def test_poolings_winner_stands_out_and_the_others_are_faded(page, pooling, samples):
    go_to(pooling, page, 4)  # the notebook's assert has set kernel 3 and stride 2
    patch = samples[0][:3, 8:11, 0] / 255
    expect_sentence(pooling, f"(row 1, column 5): {patch.max():.3f} is the largest of 9 values")
    cell = 260 / 3
    for place in np.ndindex(3, 3):
        corner = [330 + (place[1] + 0.14) * cell, 26 + (place[0] + 0.86) * cell]
        shade = pooling.locator("canvas").evaluate(_PIXEL, corner)[0]
        if place == np.unravel_index(patch.argmax(), (3, 3)):
            assert abs(shade - round(255 * patch.max())) <= 1
        else:
            assert shade == 0xF2


def test_average_pooling_goes_by_the_mean(page, pooling, samples):
    pooling.get_by_label("Takes the").select_option("mean (average pooling)")
    mean = samples[0][:3, 8:11, 0].mean() / 255
    expect_sentence(pooling, f"the mean of 9 values is {mean:.3f}")


def test_a_guess_is_answered_and_a_right_one_explained(page, coach):
    first = coach.get_by_label("Layer 1: your guess")
    first.click()
    page.keyboard.type("27")
    coach.get_by_text("✗ too small").wait_for()
    press(page, "Backspace")
    page.keyboard.type("8")
    coach.get_by_text("✓ 28").wait_for()
    coach.get_by_text("⌊(32 − 5) / 1⌋ + 1").wait_for()
    expect_sentence(coach, "32 → 28 → ? Guess the side that layer 2 makes.")
    for number, side in ((2, 14), (3, 10), (4, 5)):
        coach.get_by_label(f"Layer {number}: your guess").fill(str(side))
    coach.get_by_label("flattened: how many numbers?: your guess").fill("400")
    coach.get_by_text("✓ 400").wait_for()
    expect_sentence(coach, "32 → 28 → 14 → 10 → 5. Unit 2 of the last map sees the pixels 8 to 23.")


def test_the_pixel_that_nobody_visits_is_crossed_out(coach):
    coach.get_by_role("button", name="Show all answers").click()
    coach.get_by_label("Layer 1: stride").press("ArrowUp")
    coach.get_by_text("= ⌊13.5⌋ + 1").wait_for()
    expect_sentence(coach, "Layer 1 never visits 1 of the 32 places along its side.")
    cell = (950 - 2 * 96) / 32
    middle = [2 * (96 + 31.5 * cell), 2 * (6 + 17 / 2)]  # of pixel 31, where the lines cross
    expect_pixel(coach.locator("img"), middle, ORANGE)


def test_a_kernel_that_does_not_fit_is_a_sentence(coach):
    kernel = coach.get_by_label("Layer 3: kernel")
    kernel.fill("50")
    coach.get_by_role("alert").filter(has_text="Layer 3: The window spans 50 pixels").wait_for()
    kernel.fill("5")
    coach.get_by_role("alert").wait_for(state="detached")
    assert kernel.input_value() == "5"


def test_the_coach_for_any_model_follows_the_slider(page):
    forward = page.locator(".lk-forward")
    slider = forward.get_by_role("slider", name="Picture's side")
    slider.focus()
    press(page, "Home")
    forward.get_by_text("It breaks at conv1 (Conv2d)").wait_for()
    press(page, "ArrowRight", 35)
    forward.get_by_text("It breaks at fc1 (Linear)").wait_for()
    forward.get_by_text("in_features=576").first.wait_for()  # 16 · 6 · 6
    press(page, "ArrowLeft")
    forward.get_by_text("It breaks").wait_for(state="detached")


def test_a_click_on_a_map_enlarges_it_and_frames_it(network):
    image = network.locator(".lk-network-overview img")
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    left, top = 116 + 7 * 28, 6 + 3 * 29  # line 3 is conv2: its map 7
    image.click(position={"x": left + 12, "y": top + 12})
    expect_sentence(network, "framed: map 7 of conv2.")
    expect_sentence(network, "Map 7 of conv2, row ")
    assert box["width"] == 116 + 16 * 28 + 6
    expect_pixel(image, [2 * (left - 1), 2 * (top + 12)], ORANGE)


def test_keys_move_the_unit_and_the_pixels_that_it_sees(page, network):
    for name in ("Row", "Column"):
        network.get_by_role("slider", name=name).focus()
        press(page, "Home")
    expect_sentence(network, "It sees 14 x 14 pixels: rows 0-13, columns 0-13.")
    press(page, "ArrowRight", 3)
    expect_sentence(network, "It sees 14 x 14 pixels: rows 0-13, columns 6-19.")


def test_the_bars_are_the_softmax_of_the_last_layers_units(page, network):
    network.get_by_role("slider", name="Layer").focus()
    press(page, "End")
    unit = network.get_by_role("slider", name="Unit")
    unit.focus()
    press(page, "Home")
    logits = []
    for number in range(10):
        expect_sentence(network, f"Unit {number} of fc3 (")
        said = network.locator(".lk-network-closeup [role=status]").inner_text()
        logits.append(float(re.search(r"is (-?[\d.]+)\.", said).group(1)))
        press(page, "ArrowRight")
    shown = network.locator(".lk-bars td:last-child").all_inner_texts()
    shares = [float(text.removesuffix("%")) for text in shown]
    expected = torch.tensor(logits).softmax(0).mul(100).tolist()
    assert shares == pytest.approx(expected, abs=0.15)


def test_another_picture_is_shown_pixel_by_pixel(network, samples):
    network.get_by_label("Picture").select_option(index=3)
    cell = 174 / 32
    row_9_column_20 = [round(2 * (6 + 20.5 * cell)), round(2 * (24 + 9.5 * cell))]
    image = network.locator(".lk-network-closeup img")
    expect_pixel(image, row_9_column_20, samples[3][9, 20].tolist())


@pytest.mark.parametrize(
    ("explorer", "controls"),
    [
        (".lk-convolution", ['combobox "Picture"', 'combobox "Kernel"', 'textbox "Numbers"']),
        (".lk-convolution", ['slider "Stride"', 'slider "Padding"', 'slider "Window"']),
        (".lk-pooling", ['combobox "Takes the"', 'combobox "Channel"', 'slider "Kernel"']),
        (".lk-shapes", ['spinbutton "Layer 1: kernel"', 'textbox "Layer 4: your guess"']),
        (".lk-shapes", ['slider "Picture\'s side"', 'slider "Follow unit"', "table"]),
        (".lk-forward", ['textbox "Input shape"', 'slider "Picture\'s side"', "table"]),
        (".lk-network", ['slider "Layer"', 'slider "Row"', 'table "The network says']),
    ],
)
def test_every_control_has_a_name_for_a_screen_reader(page, explorer, controls):
    tree = page.locator(explorer).aria_snapshot()
    assert [name for name in controls if name not in tree] == []
    assert not re.search(r"- (slider|combobox|textbox|spinbutton|button|img)(:|$| \[)", tree), tree


@pytest.mark.parametrize("explorer", ["convolution", "pooling", "shapes", "forward", "network"])
def test_an_explorer_is_seen_without_scrolling(page, explorer):
    box = page.locator(f".lk-{explorer}").bounding_box()
    assert box["height"] < 600 and box["width"] <= 1000


def test_d_d_on_a_control_deletes_no_cell(page, network):
    before = page.locator(".jp-Cell").count()
    network.get_by_role("slider", name="Layer").focus()
    press(page, "d", 2)
    page.wait_for_timeout(300)
    assert page.locator(".jp-Cell").count() == before


def test_nothing_went_wrong(notebook):
    assert notebook.errors() == []
