"""Walks down the landscapes are torch.optim's, and are judged by what the steps really did."""

import numpy as np
import pytest
import torch

from labkit.explorers.landscape import draw as figures
from labkit.explorers.landscape.compute import LANDSCAPES, OPTIMIZERS, named, walk

each_landscape = pytest.mark.parametrize("ground", LANDSCAPES, ids=lambda ground: ground.name)


def by_hand(rule, start, gradient, steps=30):
    """Walk with ``rule(gradient, state, step) -> change``."""
    weights, state, path = np.array(start), {}, [np.array(start)]
    for step in range(1, steps + 1):
        weights = weights + rule(gradient(weights), state, step)
        path.append(weights)
    return np.array(path)


def sgd(gradient, state, step):
    state["v"] = 0.9 * state.get("v", 0) + gradient
    return -0.05 * state["v"]


def nesterov(gradient, state, step):
    state["v"] = 0.9 * state.get("v", 0) + gradient
    return -0.05 * (gradient + 0.9 * state["v"])


def rmsprop(gradient, state, step):
    state["s"] = 0.99 * state.get("s", 0) + 0.01 * gradient**2
    state["v"] = 0.9 * state.get("v", 0) + gradient / (np.sqrt(state["s"]) + 1e-8)
    return -0.05 * state["v"]


def adam(gradient, state, step):
    state["m"] = 0.9 * state.get("m", 0) + 0.1 * gradient
    state["s"] = 0.999 * state.get("s", 0) + 0.001 * gradient**2
    mean, square = state["m"] / (1 - 0.9**step), state["s"] / (1 - 0.999**step)
    return -0.05 * mean / (np.sqrt(square) + 1e-8)


@pytest.mark.parametrize(
    ("optimizer", "rule"), list(zip(OPTIMIZERS, (sgd, nesterov, rmsprop, adam), strict=True))
)
def test_a_walk_follows_the_rule_of_its_optimizer(optimizer, rule):
    walked = walk("long valley", optimizer, 0.05, 0.9, steps=30)
    expected = by_hand(rule, (-4.0, 1.5), lambda w: np.array([w[0] / 10, 2 * w[1]]))
    np.testing.assert_allclose(walked.weights, expected, atol=1e-9)
    np.testing.assert_allclose(walked.losses, expected[:, 0] ** 2 / 20 + expected[:, 1] ** 2)
    np.testing.assert_allclose(walked.slopes, expected * [0.1, 2], atol=1e-9)


def test_adam_without_momentum_and_nesterov_without_momentum_walk_too():
    assert walk("bowl", "Adam", 0.1, 0).fate(100) == "lowest"
    plain, nesterov = (walk("bowl", name, 0.1, 0) for name in ("SGD", "SGD, Nesterov"))
    assert np.array_equal(plain.weights, nesterov.weights)


@each_landscape
def test_the_slope_that_is_written_out_is_autograds(ground):
    sides = [torch.linspace(2 * low, 2 * high, 9).double() for low, high in ground.reach]
    for at in torch.cartesian_prod(*sides).reshape(-1, len(sides)):
        expected = torch.autograd.functional.jacobian(ground.loss, at)
        np.testing.assert_allclose(ground.slope(*at.tolist()), expected, atol=1e-12)


@each_landscape
def test_the_marked_places_are_what_they_are_called(ground):
    for place in ground.places:
        at = torch.tensor(place.weights, dtype=torch.float64)
        gradient = torch.autograd.functional.jacobian(ground.loss, at)
        curvatures = torch.linalg.eigvalsh(torch.autograd.functional.hessian(ground.loss, at))
        assert gradient.abs().max() < 1e-9
        signs = {"lowest": {1}, "local": {1}, "top": {-1}, "saddle": {-1, 1}}[place.kind]
        assert set(curvatures.sign().int().tolist()) == signs
    _sides, heights = ground.heights(201)
    assert heights.min() >= ground.lowest - 1e-12
    assert heights.min() < ground.lowest + 0.01 * (heights.max() - ground.lowest)


@each_landscape
def test_a_start_lies_within_the_picture(ground):
    for weight, (low, high) in zip(ground.start, ground.reach, strict=True):
        assert low < weight < high


@pytest.mark.parametrize(
    ("step", "setting", "fate"),
    [
        (0, dict(), "start"),
        (5, dict(learning_rate=0.1), "falls"),
        (12, dict(learning_rate=1.05), "higher"),
        (100, dict(learning_rate=1.05), "diverges"),
        (100, dict(learning_rate=3), "diverges"),
        (100, dict(learning_rate=0.3), "lowest"),
        (12, dict(learning_rate=0.95), "swings"),
        (50, dict(learning_rate=0.001), "crawls"),
        (4, dict(learning_rate=0.1, momentum=0.9), "carried"),
    ],
)
def test_on_the_bowl_each_step_size_gets_its_name(step, setting, fate):
    assert walk("bowl", "SGD", **setting).fate(step) == fate


def test_a_rest_is_named_by_its_place():
    assert walk("two valleys", learning_rate=0.03, start=[1.6]).fate(100) == "local"
    assert walk("two valleys", learning_rate=0.03, start=[-1.6]).fate(100) == "lowest"
    assert walk("pass", learning_rate=0.2, start=[1.5, 0.0]).fate(60) == "saddle"
    assert walk("pass", learning_rate=0.2, start=[1.5, 0.05]).fate(100) == "lowest"
    assert walk("hole in a plain", learning_rate=0.1, start=[-4.0]).fate(100) == "plain"
    top = next(place for place in named("two valleys").places if place.kind == "top")
    assert walk("two valleys", learning_rate=0.01, start=top.weights).fate(5) == "top"


def test_along_the_long_valley_three_optimizers_get_further_than_plain_sgd():
    """As notebook 4 draws it."""
    ends = {
        name: walk("long valley", optimizer, rate, momentum, steps=40).losses[-1]
        for name, optimizer, rate, momentum in (
            ("plain", "SGD", 0.1, 0),
            ("momentum", "SGD", 0.1, 0.9),
            ("RMSprop", "RMSprop", 0.05, 0),
            ("Adam", "Adam", 0.1, 0.9),
        )
    }
    assert max(ends, key=ends.get) == "plain"


def test_a_jump_past_the_floor_is_no_momentum():
    assert walk("hole in a plain", learning_rate=3.0).fate(5) == "jumped"


def test_the_fate_at_a_step_does_not_depend_on_later_steps():
    short, long = (walk("bowl", "SGD", 1.05, steps=steps) for steps in (12, 100))
    assert [short.fate(step) for step in range(13)] == [long.fate(step) for step in range(13)]


def test_sentences_give_the_numbers_of_the_walk():
    grown = walk("bowl", "SGD", 1.05)
    text = figures.sentence(grown, 12)
    assert text.startswith(f"After 12 steps the loss has grown from 4.00 to {grown.losses[12]:.2f}")
    assert figures.sentence(grown, 1).startswith("After 1 step the")
    assert "to more than a million: the step is far too large" in figures.sentence(grown, 100)
    crawl = walk("bowl", "SGD", 0.001)
    steps = round(6 / crawl.stride(100), -2)  # the picture is 6 wide
    assert f"it crawls; {steps:,.0f} steps like the last one" in figures.sentence(crawl, 100)


@each_landscape
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_setting_gives_a_sentence_at_every_step(ground, optimizer):
    for momentum in (0.0, 0.99):
        for rate in (0.001, 0.3, 3.0):
            walked = walk(ground, optimizer, rate, momentum)
            sentences = figures.sentences(walked)
            assert len(sentences) == 101
            assert all(text.endswith(".") and "{" not in text for text in sentences)
            assert "nan" not in " ".join(sentences)


def test_a_loss_that_stays_is_not_said_to_fall():
    text = figures.sentence(walk("bowl", "SGD", 1.0), 6)
    assert text.startswith("After 6 steps the loss is still 4.00: each step jumps across")


def test_a_walk_without_end_is_said_to_reach_infinity():
    text = figures.sentence(walk("two valleys", "SGD", 3.0), 100)
    assert "has grown from 3.57 to infinity" in text


def test_unknown_names_and_a_start_of_another_size_are_refused_in_words():
    with pytest.raises(ValueError, match="no landscape 'hill': choose one of bowl, "):
        walk("hill")
    with pytest.raises(ValueError, match="no optimizer 'Sgd': choose one of SGD, "):
        walk("bowl", "Sgd")
    with pytest.raises(ValueError, match="pass has 2 weights, but the start has 1"):
        walk("pass", start=[1.0])


def test_the_map_shows_lower_places_darker_and_the_second_weight_upwards():
    import io

    from PIL import Image

    ground = named("two hollows")
    image = np.asarray(Image.open(io.BytesIO(figures.height_map(ground, 121))).convert("RGB"))
    assert image.shape == (121, 121, 3)
    low = next(place for place in ground.places if place.kind == "lowest")
    column, row = (round((weight + 3) * 20) for weight in low.weights)
    darkest = image.sum(axis=2) == image[120 - row, column].sum()
    assert tuple(image[120 - row, column]) == (0x7E, 0x9A, 0xB3)
    assert darkest.mean() < 0.1 and tuple(image[0, 0]) == (0xF0, 0xE7, 0xD5)


def test_the_still_picture_says_setting_and_end():
    picture = figures.walked(walk("two hollows", "Adam", 0.1, 0.9), "Adam.")
    assert picture.alt.startswith("Adam. After 100 steps the loss has ")
    assert picture.png().startswith(b"\x89PNG")
