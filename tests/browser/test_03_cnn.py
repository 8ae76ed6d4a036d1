"""Notebook 3 in a real browser: the windows, the shape coach and the inside of the network."""

import numpy as np
import pytest
import torch
from playwright.sync_api import TimeoutError, expect
from torch.nn import functional

from labkit.data import load
from labkit.explorers.convolution.compute import HAND_MADE
from labkit.explorers.shared.own_image import one_of_each
from tests.browser.fit import TestForAnybody  # noqa: F401
from tests.browser.kernel import execute, settle
from tests.browser.kernel import value as asked
from tests.browser.lab import cut_off, drag, encoded, painted, upload

pytestmark = pytest.mark.browser

_POSITION = "JSON.parse(document.querySelector('.lk-convolution .lk-stage').dataset.drawn).position"


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/03_cnn.ipynb")


@pytest.fixture(scope="module")
def page(notebook):
    return notebook.page


@pytest.fixture(scope="module")
def samples(few):
    return list(one_of_each(load(few).train).values())


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


def halves(left, right):
    """Return a picture of 32 x 32 whose left half has one colour and whose right has another."""
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:, :16], picture[:, 16:] = left, right
    return picture


def number(value, digits=3):
    """Write a number as the stage does."""
    return f"{value:.{digits}f}".replace("-", "−" if round(value, digits) else "")


def type_path(explorer, path):
    explorer.get_by_label("or its path").fill(str(path))
    explorer.get_by_label("or its path").press("Enter")


def convolved(picture, kernel):
    """Return what PyTorch makes of the mean of the channels, from 0 to 1."""
    grey = torch.from_numpy(np.array(picture)).float().mean(dim=2)[None, None] / 255
    weight = torch.tensor(kernel, dtype=torch.float32)[None, None]
    return functional.conv2d(grey, weight)[0, 0].numpy()


def expect_sentence(explorer, text):
    """Wait until one of the explorer's sentences holds ``text``."""
    said = explorer.locator("[role=status]")
    try:
        said.filter(has_text=text).first.wait_for(timeout=60_000)
    except TimeoutError:
        raise AssertionError(f"{text!r} is not in {said.all_inner_texts()}") from None


def point(explorer, part, row, column):
    """Return a place of the "lk-seen" image or of the "lk-output" on the screen."""
    canvas = explorer.locator(f".{part} canvas")
    canvas.scroll_into_view_if_needed()
    height, width = canvas.evaluate("({ height, width }) => [height, width]")
    box = canvas.bounding_box()
    return box["x"] + box["width"] * column / width, box["y"] + box["height"] * row / height


def press(page, key, times=1):
    for _ in range(times):
        page.keyboard.press(key)


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
    expect_sentence(convolution, f"(row 3, column 4): the products add up to {number(value)}")
    level = round(255 * float((output[1, 1] - output.min()) / np.ptp(output)))
    painted(convolution.locator(".lk-output canvas"), [1, 1], [level] * 3, within=1)


def test_a_click_on_output_or_image_moves_the_window_there(page, convolution, samples):
    output = convolved(samples[0], HAND_MADE["edges, left to right"])
    for part, row, column in (("lk-output", 20.5, 10.5), ("lk-seen", 6.5, 29.5)):
        page.mouse.click(*point(convolution, part, row, column))
        at = (20, 10) if part == "lk-output" else (5, 28)
        said = f"(row {at[0] + 1}, column {at[1] + 1}): the products add up to {number(output[at])}"
        expect_sentence(convolution, said)


def test_numbers_typed_by_keys_are_a_kernel_of_ones_own(convolution):
    numbers = convolution.get_by_role("textbox", name="Numbers")
    numbers.fill("1 2; 3 4")
    numbers.press("Enter")
    kernel = convolution.get_by_role("combobox", name="Kernel").locator("option:checked")
    expect(kernel).to_have_text("numbers of your own", timeout=60_000)
    convolution.get_by_text("/ 961").wait_for()


def test_a_picture_of_11_megabytes_is_uploaded(page, convolution):
    """Jupyter's server takes 10 MB at a time."""
    large = np.tile(np.uint8([250, 100, 40]), (1920, 1920, 1))
    file = {"name": "large.png", "mimeType": "image/png"}
    upload(convolution, file | {"buffer": encoded(large, compress_level=0)})
    painted(convolution.locator(".lk-seen canvas"), [17, 17], [250, 100, 40])


def test_a_window_dragged_fast_stops_where_the_mouse_stops(page, convolution):
    slider = convolution.get_by_role("slider", name="Window", exact=True)
    drag(slider, 0.3)
    position = int(slider.input_value())
    assert position == pytest.approx(0.3 * 960, abs=960 / 40)
    row, column = divmod(position, 31)
    expect_sentence(
        convolution, f"Window {position + 1} of 961 (row {row + 1}, column {column + 1})"
    )
    for step, down in enumerate((3.5, 9.5, 14.5)):  # over the output, the button held
        page.mouse.move(*point(convolution, "lk-output", down, 10.5))
        if step == 0:
            page.mouse.down()
    page.mouse.up()
    expect_sentence(convolution, "(row 15, column 11)")


def test_space_on_the_slider_plays_and_pauses(page, convolution):
    go_to(convolution, page, 2)
    page.keyboard.press("Space")
    convolution.get_by_role("button", name="Pause").wait_for()
    page.wait_for_function(f"{_POSITION} > 4")
    page.keyboard.press("Space")
    convolution.get_by_role("button", name="Play").wait_for()
    halted = page.evaluate(_POSITION)
    page.wait_for_timeout(300)
    assert page.evaluate(_POSITION) == halted


def test_the_kernel_hears_where_the_controls_stand(notebook, page, convolution):
    convolution.get_by_role("slider", name="Stride").press("ArrowRight")
    go_to(convolution, page, 5)
    settle(notebook)
    explorer = (
        "[one for one in Widget.widgets.values() if isinstance(one, ConvolutionExplorer)][-1]"
    )
    execute(notebook, f"from ipywidgets import Widget; stage = {explorer}.stage")
    assert asked(notebook, "[stage.settings[name] for name in ('stride', 'position')]") == [2, 5]
    execute(notebook, "stage.set(stride=1, position=7)")
    expect_sentence(convolution, "Window 8 of 961 (row 1, column 8)")
    assert notebook.errors() == []


def test_the_window_of_the_pooling_moves(page, pooling):
    go_to(pooling, page, 8)
    expect_sentence(pooling, "Window 9 of 256 (row 1, column 9): ")


def test_enter_leads_from_guess_to_guess_and_at_last_to_the_flattened_length(page, coach):
    coach.get_by_label("Layer 1: your guess").click()
    for number in (28, 14, 10, 5, 400):
        page.keyboard.type(str(number))
        press(page, "Enter")
    coach.get_by_text("✓ 400").wait_for()
    expect_sentence(coach, "32 → 28 → 14 → 10 → 5. Unit 2 of the last map sees the pixels 8 to 23.")


def test_the_longest_lines_of_the_coach_are_seen_without_scrolling(notebook, page, coach):
    coach.get_by_role("button", name="Show all answers").click()
    coach.get_by_role("slider", name="Image's side").press("End")
    numbers = {"kernel": 11, "stride": 2, "padding": 16, "dilation": 2, "filters": 1024}
    for name, number in numbers.items():
        coach.get_by_label(f"Layer 1: {name}").fill(str(number))
    coach.get_by_text("= ⌊37.5⌋ + 1").wait_for()
    settle(notebook)
    assert cut_off(coach) == []


def test_the_coach_for_any_model_reads_a_shape_that_is_typed(page):
    forward = page.locator(".lk-forward")
    shape = forward.get_by_label("Input shape")
    shape.fill("2, 1, 32, 32")
    shape.press("Enter")
    forward.get_by_text("set in_channels=1: self.conv1 = nn.Conv2d(1, 6, ").wait_for()
    shape.fill("two")
    shape.press("Enter")
    forward.get_by_role("alert").filter(has_text="A shape is whole numbers").wait_for()
    shape.fill("2, 3, 32, 32")
    shape.press("Enter")
    forward.get_by_role("alert").wait_for(state="detached")
    forward.get_by_role("cell", name="[2, 10]").wait_for()
    side = forward.get_by_role("slider", name="Image's side")
    drag(side, 0.5)
    chosen = int(side.input_value())
    flat = 16 * (((chosen - 4) // 2 - 4) // 2) ** 2
    expect(shape).to_have_value(f"2, 3, {chosen}, {chosen}", timeout=60_000)
    forward.get_by_text(f"in_features={flat}").first.wait_for()


# The network explorer


def chosen(network):
    """Return the place that is shown: line, map, row and column."""
    return [int(n) for n in network.locator("[data-place]").get_attribute("data-place").split()]


def line(network, name):
    return network.get_by_role("slider", name=name, exact=True)


def numbers(texts):
    return [float(text.replace("−", "-")) for text in texts]


def tile(network, number, map):
    return network.locator(f'.lk-map[data-line="{number}"][data-map="{map}"]')


def test_lines_lead_to_a_map_from_those_that_feed_it(page, network):
    tile(network, 3, 7).hover()
    expect_sentence(network, "This number is ")
    expect_sentence(network, ": 150 products of the 5 × 5 window in 6 maps, sum ")
    expect(network.locator("path")).to_have_count(6)
    expect(network.locator(".lk-window")).to_have_count(6)
    assert chosen(network)[:2] == [3, 7]
    to = tile(network, 3, 7).bounding_box()
    ends = network.locator("path").evaluate_all(
        """paths => paths.map(path => {
          const [x, y] = ['x', 'y'].map(n => path.getPointAtLength(path.getTotalLength())[n]);
          const { left, top } = path.ownerSVGElement.getBoundingClientRect();
          return [x + left, y + top];
        })"""
    )
    middle = [to["x"] + to["width"] / 2, to["y"]]
    assert all(end == pytest.approx(middle, abs=3) for end in ends)
    adds = network.locator("path").evaluate_all("paths => paths.map(path => path.classList[1])")
    assert set(adds) <= {"lk-more", "lk-less"}
    tile(network, 2, 3).hover()  # of a pooling, one map feeds it
    expect(network.locator("path")).to_have_count(1)
    expect_sentence(network, "the largest of the 4 under the window in conv1")


def test_a_click_opens_the_products_and_escape_closes_them(page, network):
    box = tile(network, 1, 2).bounding_box()
    middle = {"x": box["width"] * 20.5 / 28, "y": box["height"] * 9.5 / 28}
    tile(network, 1, 2).click(position=middle)
    page.mouse.move(0, 0)
    place = chosen(network)
    assert place[:2] == [1, 2] and place[2:] == pytest.approx([9, 20], abs=1)  # 1.5 points each
    sums = numbers(network.locator(".lk-channel b").all_inner_texts())
    assert len(sums) == 3
    network.get_by_role("slider", name="The maps that go in").focus()
    press(page, "ArrowUp", 2)
    products = []
    for channel in range(3):
        shown = network.locator(".lk-grid").nth(2).locator("span").all_inner_texts()
        products.append(numbers(shown))
        assert len(products[-1]) == 25
        assert sum(products[-1]) == pytest.approx(sums[channel], abs=0.13)  # two digits each
        press(page, "ArrowDown")
    total, bias, before = numbers(network.locator(".lk-chip:not(.lk-result) b").all_inner_texts())
    [value] = numbers([network.locator(".lk-result b").inner_text()])
    assert total == pytest.approx(sum(sums), abs=0.002)
    assert before == pytest.approx(total + bias, abs=0.002) and value == max(0, before)
    expect_sentence(network, f"75 products of the 5 × 5 window in 3 maps, sum {number(total)}")
    page.keyboard.press("Escape")
    expect(network.locator(".lk-sums")).to_be_hidden()
    assert chosen(network) == place


def test_from_a_probability_back_to_a_pixel_by_keys_alone(page, network):
    line(network, "softmax").focus()
    press(page, "Home")
    press(page, "Enter")
    expect_sentence(network, "e to the power of its logit")
    seen = []
    for part in ("terms", "terms", "terms", "grids", "grids", "grids", "grids"):
        network.locator(f'[data-part="{part}"]').focus()
        press(page, "Enter")
        seen.append(chosen(network)[0])
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    network.locator('[data-part="grids"]').focus()
    press(page, "Enter")
    expect_sentence(network, " of 255 in the image.")
    network.get_by_role("button", name="← conv1").press("Enter")
    assert chosen(network)[0] == 1
    press(page, "Escape")
    expect(network.locator(".lk-sums")).to_be_hidden()
    expect(line(network, "conv1")).to_be_focused()


def test_keys_go_from_line_to_line_and_the_pixels_seen_follow(page, network):
    line(network, "conv2").focus()
    number_in_map = network.get_by_role("slider", name="The number in this map")
    number_in_map.focus()
    press(page, "Home")
    press(page, "ArrowUp", 10)
    expect_sentence(network, "It depends on 14 × 14 pixels of the image: rows 0–13, columns 0–13.")
    press(page, "ArrowRight", 3)
    expect_sentence(network, "It depends on 14 × 14 pixels of the image: rows 0–13, columns 6–19.")
    line(network, "conv2").focus()
    press(page, "ArrowUp")
    expect(line(network, "pool")).to_be_focused()
    expect_sentence(network, "It depends on 6 × 6 pixels of the image: rows 0–5")
    press(page, "ArrowDown", 3)
    expect(line(network, "fc1")).to_be_focused()
    expect_sentence(network, "It depends on the whole image.")


def test_a_picture_of_ones_own_goes_through_the_network(page, network, samples, tmp_path):
    picture = halves([255, 0, 0], [0, 0, 255])
    file = {"name": "two.png", "mimeType": "image/png", "buffer": encoded(picture)}
    upload(network, file, by_key=True)
    painted(network.locator(".lk-image canvas"), [9, 1], [255, 0, 0])
    painted(network.locator(".lk-image canvas"), [9, 30], [0, 0, 255])
    (tmp_path / "green.png").write_bytes(encoded(halves([0, 255, 0], [0, 255, 0])))
    type_path(network, tmp_path / "green.png")
    painted(network.locator(".lk-image canvas"), [9, 1], [0, 255, 0])
    type_path(network, tmp_path / "none.png")
    network.get_by_role("alert").filter(has_text="none.png: there is no such file").wait_for()
    network.get_by_label("Image", exact=True).select_option(index=3)
    network.get_by_role("alert").wait_for(state="detached")
    painted(network.locator(".lk-image canvas"), [9, 20], samples[3][9, 20].tolist())
