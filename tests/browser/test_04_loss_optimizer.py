"""Notebook 4 in a real browser: the step size and the logits, by keys and by mouse."""

import json
import re

import pytest
import torch
from torch.nn import functional

from labkit.explorers.landscape.compute import walk
from labkit.explorers.landscape.widget import RATES
from tests.browser.fit import TestForAnybody  # noqa: F401
from tests.browser.kernel import settle
from tests.browser.lab import drag

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/04_loss_optimizer.ipynb")


@pytest.fixture
def bowl(notebook):
    """The first landscape, as a learner finds it: plain SGD on the bowl, twelve steps."""
    explorer = notebook.page.locator(".lk-explorer:has(.lk-walk)").first
    explorer.locator("select").first.select_option(label="two valleys")
    explorer.locator("select").first.select_option(label="a bowl")
    move(explorer, "Learning rate", "Home")
    settle(notebook)  # the start is put back by Python
    return explorer


@pytest.fixture
def hollows(notebook):
    return notebook.page.locator(".lk-explorer:has(.lk-walk)").nth(1)


@pytest.fixture
def softmax(notebook):
    return notebook.page.locator(".lk-explorer:has(.lk-numbers)")


def slider(explorer, label):
    return explorer.locator(f'label:has-text("{label}") input[type=range]').first


def move(explorer, label, *keys):
    """Press keys on a slider; return the words beside it."""
    control = slider(explorer, label)
    control.focus()
    for key in keys:
        control.press(key)
    return control.locator("xpath=../output").inner_text()


def go_to(explorer, label, text):
    """Move a slider with its keys until it reads ``text``."""
    while (reads := move(explorer, label)) != text:
        assert move(explorer, label, "ArrowRight") != reads, f"{label} has no stop {text}"


def read(text):
    """Return the number that a text is, with a true minus or none."""
    return float(text.replace("−", "-"))


def logits_of(softmax):
    return [read(text) for text in softmax.locator("th output").all_inner_texts()]


def said(explorer):
    return explorer.locator("[role=status]").last


def position(explorer):
    """Return the step that is shown."""
    drawn = explorer.locator(".lk-stage").get_attribute("data-drawn")
    return json.loads(drawn)["position"]


def wait_for_step(explorer, least):
    explorer.page.wait_for_function(
        "([stage, least]) => JSON.parse(stage.dataset.drawn).position >= least",
        arg=[explorer.locator(".lk-stage").element_handle(), least],
    )


def test_steps_are_taken_at_once_and_land_where_torch_optim_lands(bowl):
    go_to(bowl, "Learning rate", "0.3")
    expected = walk("bowl", "SGD", 0.3)
    bowl.get_by_role("button", name="Reset").click()
    said(bowl).filter(has_text="At the start, w = −1.00, the loss is 4.00").wait_for()
    step = bowl.get_by_role("button", name="Step")
    for number in (1, 2):
        step.press("Enter")
        said(bowl).filter(has_text=f"After {number} step").wait_for()
    said(bowl).filter(has_text=f"{expected.losses[2]:.2f}").wait_for()


def test_the_chart_names_what_is_drawn(bowl):
    words = bowl.locator("svg text").all_text_contents()
    assert {"slope (the gradient)", "start", "now", "step", "global minimum"} <= set(words)


def test_a_rate_that_crawls_and_one_that_diverges_are_said(bowl):
    move(bowl, "Steps", "Home", *["PageUp"] * 5)
    said(bowl).filter(has_text="it crawls").wait_for()
    assert move(bowl, "Learning rate", "End") == "3"
    said(bowl).filter(has_text="the walk diverges").wait_for()
    assert bowl.get_by_text("off the map: loss more than a million").count() == 2


def test_play_goes_on_to_the_end_and_pause_halts_it(bowl):
    bowl.get_by_role("button", name="Reset").click()
    bowl.get_by_role("button", name="Play").click()
    wait_for_step(bowl, 3)
    bowl.get_by_role("button", name="Pause").press("Space")
    halted = position(bowl)
    assert 3 <= halted < 100
    bowl.page.wait_for_timeout(300)
    assert position(bowl) == halted
    move(bowl, "Steps", *["PageUp"] * 8)
    bowl.get_by_role("combobox", name="Speed").select_option(label="30 a second")
    bowl.get_by_role("button", name="Play").click()
    said(bowl).filter(has_text="After 100 steps").wait_for()
    assert position(bowl) == 100
    assert bowl.get_by_role("button", name="Step").is_disabled()


def test_a_rate_dragged_fast_gives_the_walk_of_the_rate_it_stops_at(bowl):
    drag(slider(bowl, "Learning rate"), 0.4)
    rate = RATES[int(slider(bowl, "Learning rate").input_value())]
    assert move(bowl, "Learning rate") == f"{rate:g}" and 0.01 < rate < 0.1
    drag(slider(bowl, "Steps"), 0.3)
    step = int(slider(bowl, "Steps").input_value())
    assert step == pytest.approx(30, abs=3)
    expected = walk("bowl", "SGD", rate)
    said(bowl).filter(has_text=f"After {step} steps").filter(
        has_text=f"to {expected.losses[step]:.2f}"
    ).wait_for()
    assert position(bowl) == step


def test_a_click_on_the_map_starts_there(hollows):
    hollows.get_by_role("button", name="Reset").click()
    ground = hollows.locator("image")
    ground.scroll_into_view_if_needed()
    box = ground.bounding_box()
    x, y = box["x"] + box["width"] * (1 + 3) / 6, box["y"] + box["height"] * (3 - 2) / 6
    hollows.page.mouse.click(x, y)
    said(hollows).filter(has_text="At the start, w₁ = 1.0").wait_for()
    numbers = re.findall(r"w. = ([−\d.]+\d)", said(hollows).inner_text())
    assert [float(number) for number in numbers] == pytest.approx([1, 2], abs=0.1)


def test_logits_by_keys_and_by_mouse_give_pytorchs_loss(softmax):
    label = softmax.get_by_label("True class")
    label.select_option(index=3)
    name = label.locator("option:checked").inner_text()
    assert move(softmax, softmax.locator("th span").nth(1).inner_text(), "End") == "5"
    drag(slider(softmax, name), 0.2)
    logit = float(slider(softmax, name).input_value())
    assert logit == pytest.approx(-5 + 0.2 * 10, abs=0.5)
    logits = logits_of(softmax)
    added = read(move(softmax, "Add to all", "Home"))
    assert logits[1] == 5 and logits[3] == logit and added == -5
    free = torch.tensor([each + added for each in logits], requires_grad=True)
    loss = functional.cross_entropy(free, torch.tensor(3))
    loss.backward()
    assert f"The true class, {name}, gets p = " in said(softmax).inner_text()
    assert f"the loss is −ln p = {loss.item():.3f}." in said(softmax).inner_text()
    cells = softmax.locator("tr.lk-true td")
    assert cells.nth(3).inner_text() == "1"
    assert cells.last.inner_text() == f"{free.grad[3]:+.3f}".replace("-", "−")
    track = cells.last.locator(".lk-length")
    bar = track.locator("i").bounding_box()["width"] / track.bounding_box()["width"]
    assert bar == pytest.approx(abs(free.grad[3].item()) / 2, abs=0.02)
