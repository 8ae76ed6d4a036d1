"""The walks in the page are torch.optim's, and are judged by what the steps really did."""

import re

import numpy as np
import pytest
import torch

from labkit.explorers.landscape import LandscapeExplorer
from labkit.explorers.landscape.compute import LANDSCAPES, OPTIMIZERS, walk
from labkit.explorers.landscape.widget import MOMENTA, RATES
from tests.browser.alone import Alone

pytestmark = pytest.mark.browser

WALKED = """([name, optimizer, lr, momentum, start, steps]) => {
  const ground = model.get("scene").grounds.find((one) => one.name === name);
  const walk = new Walk(ground, optimizer, lr, momentum, start ?? ground.start, steps);
  const says = walk.weights.map((_, step) => walk.sentence(step, model.get("words")));
  return [walk.weights, walk.losses.map(String), walk.weights.map((_, n) => walk.fate(n)), says];
}"""


@pytest.fixture(scope="module")
def page(browser):
    shown = Alone(browser.new_page(), LandscapeExplorer().stage)
    yield shown.page
    shown.leave()


def walked(page, name, optimizer="SGD", lr=0.1, momentum=0, start=None, steps=100):
    return page.evaluate(WALKED, [name, optimizer, lr, momentum, start, steps])


def fate(page, step, name="bowl", **setting):
    return walked(page, name, **setting)[2][step]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", [ground.name for ground in LANDSCAPES])
def test_a_walk_goes_as_torch_optim_steps_and_each_step_has_a_sentence(page, name, optimizer):
    for momentum in (0, 0.5, 0.99):
        for rate in (0.001, 0.03, 0.3, 3.0):
            weights, losses, _fates, says = walked(page, name, optimizer, rate, momentum)
            expected = walk(name, optimizer, rate, momentum)
            near = np.isfinite(expected.weights) & (abs(expected.weights) < 1e3)
            near[15 if rate == 3 else 101 :] = False  # so large a step doubles every last digit
            near &= np.logical_and.accumulate(near.all(axis=1))[:, None]
            shown = np.array(weights, float)
            np.testing.assert_allclose(shown[near], expected.weights[near], rtol=1e-6, atol=1e-8)
            lost = np.array(losses, float)[near.all(axis=1)]
            np.testing.assert_allclose(
                lost, expected.losses[near.all(axis=1)], rtol=1e-5, atol=1e-8
            )
            assert len(says) == 101 and all(text[-1] == "." and "{" not in text for text in says)
            assert not any("NaN" in text or "undefined" in text for text in says)


@pytest.mark.parametrize("ground", LANDSCAPES, ids=lambda ground: ground.name)
def test_the_slope_that_is_written_out_is_autograds(page, ground):
    sides = [torch.linspace(2 * low, 2 * high, 9).double() for low, high in ground.reach]
    for at in torch.cartesian_prod(*sides).reshape(-1, len(sides)):
        loss, slope = page.evaluate(
            "([name, at]) => LOSSES[name].map((of) => of(...at))", [ground.name, at.tolist()]
        )
        assert loss == pytest.approx(ground.loss(at).item(), abs=1e-12)
        expected = torch.autograd.functional.jacobian(ground.loss, at)
        np.testing.assert_allclose(slope, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("step", "setting", "expected"),
    [
        (0, dict(), "start"),
        (5, dict(lr=0.1), "falls"),
        (12, dict(lr=1.05), "higher"),
        (100, dict(lr=1.05), "diverges"),
        (100, dict(lr=3), "diverges"),
        (100, dict(lr=0.3), "lowest"),
        (12, dict(lr=0.95), "swings"),
        (100, dict(lr=1), "swings"),
        (50, dict(lr=0.001), "crawls"),
        (4, dict(lr=0.1, momentum=0.9), "carried"),
        (100, dict(name="two valleys", lr=0.03, start=[1.6]), "local"),
        (100, dict(name="two valleys", lr=0.03, start=[-1.6]), "lowest"),
        (5, dict(name="two valleys", lr=0.01, start=[0.101031258]), "top"),
        (60, dict(name="pass", lr=0.2, start=[1.5, 0.0]), "saddle"),
        (100, dict(name="pass", lr=0.2, start=[1.5, 0.05]), "lowest"),
        (100, dict(name="hole in a plain", lr=0.1, start=[-4.0]), "plain"),
        (5, dict(name="hole in a plain", lr=3.0), "jumped"),
        (100, dict(name="two hollows"), "local"),
        (100, dict(name="two hollows", lr=0.1, momentum=0.95), "carried"),
    ],
)
def test_what_became_of_a_walk_gets_its_name(page, step, setting, expected):
    assert fate(page, step, **setting) == expected


def test_the_fate_at_a_step_does_not_depend_on_later_steps(page):
    short, long = (walked(page, "bowl", lr=1.05, steps=steps)[2] for steps in (12, 100))
    assert short == long[:13]


def test_sentences_give_the_numbers_of_the_walk(page):
    _weights, losses, _fates, says = walked(page, "bowl", lr=1.05)
    grown = f"After 12 steps the loss has grown from 4.00 to {float(losses[12]):.2f}"
    assert says[12].startswith(grown) and says[1].startswith("After 1 step the")
    assert "to more than a million: the step is far too large" in says[100]
    still = walked(page, "bowl", lr=1.0)[3][6]
    assert still.startswith("After 6 steps the loss is still 4.00: each step jumps across")
    weights, _losses, _fates, says = walked(page, "bowl", lr=0.001)
    steps = round(6 / abs(weights[100][0] - weights[99][0]), -2)  # the part shown is 6 wide
    assert f"it crawls; {steps:,.0f} steps like the last one" in says[100]
    assert "has grown from 3.57 to infinity" in walked(page, "two valleys", lr=3.0)[3][100]


def test_the_slope_of_one_weight_has_its_sign(page):
    assert walked(page, "bowl", start=[-1.0])[3][0].endswith("is −4.00.")
    assert walked(page, "bowl", start=[3.0])[3][0].endswith("is 4.00.")
    assert "the slope here is −" in walked(page, "bowl", start=[-1.0])[3][5]


def test_every_landscape_is_entered_at_its_own_start_with_its_own_sliders(alone):
    shown = alone(LandscapeExplorer("pass").stage)
    menu = shown.stage.get_by_role("combobox", name="Landscape")
    for number in (*range(6), *reversed(range(6))):
        ground = LANDSCAPES[number]
        menu.select_option(index=number)
        assert [shown.settings(n) for n in ("first", "second")][: len(ground.start)] == list(
            ground.start
        )
        for name, ends in zip(("Start at w", "w₂"), ground.reach, strict=False):
            control = shown.stage.locator(f'label:has-text("{name}") input').first
            assert [float(control.get_attribute(end)) for end in ("min", "max")] == list(ends)
        assert shown.stage.get_by_text("w₂").first.is_visible() == (len(ground.reach) == 2)
        assert shown.stage.locator("image").count() == len(ground.reach) - 1


def test_two_weights_with_decimal_commas_have_a_semicolon_between_them(alone, monkeypatch):
    monkeypatch.setenv("LABKIT_LANGUAGE", "de")
    shown = alone(LandscapeExplorer("two hollows").stage)
    shown.set(position=0)
    assert re.search(r"w₁ = −?\d,\d\d; w₂ = −?\d,\d\d", shown.says())


MAP = """href => new Promise((done) => {
  const image = new Image();
  image.onload = () => {
    const canvas = make("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const at = (x, y) => [...context.getImageData(x * image.width, y * image.height, 1, 1).data];
    done([at(4.319948773 / 6, 1 - 2.151456876 / 6), at(0, 0), image.width]);
  };
  image.src = href;
})"""


def test_a_map_is_blue_at_its_lowest_place_and_the_second_weight_grows_upwards(alone):
    shown = alone(LandscapeExplorer("two hollows").stage)
    href = shown.stage.locator("image").get_attribute("href")
    lowest, corner, width = shown.page.evaluate(MAP, href)
    assert lowest == [0x7E, 0x9A, 0xB3, 255] and corner == [0xF0, 0xE7, 0xD5, 255] and width == 400


@pytest.mark.parametrize("width", [340, 833])
def test_the_walker_is_where_torch_optim_is_at_any_width(alone, width):
    shown = alone(LandscapeExplorer("long valley").stage, width=width)
    shown.set(position=7, rate=RATES.index(0.3), momentum=MOMENTA.index(0.5))
    at = walk("long valley", "SGD", 0.3, 0.5).weights[7]
    ground = shown.stage.locator("image").bounding_box()
    walker = shown.stage.locator(".lk-walker").first.bounding_box()
    middle = [walker["x"] + walker["width"] / 2, walker["y"] + walker["height"] / 2]
    x = ground["x"] + ground["width"] * (at[0] + 5) / 10
    y = ground["y"] + ground["height"] * (2.5 - at[1]) / 5
    assert middle == pytest.approx([x, y], abs=1)
