"""Walks down the landscapes are torch.optim's, and the marked places are what they are called."""

import numpy as np
import pytest
import torch

from labkit.explorers.landscape import LandscapeExplorer, draw
from labkit.explorers.landscape.compute import LANDSCAPES, OPTIMIZERS, walk
from labkit.explorers.landscape.widget import MOMENTA, RATES

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


@each_landscape
def test_the_marked_places_are_what_they_are_called(ground):
    _sides, heights = ground.heights(201)
    lowest = min(ground.loss(torch.tensor(place.weights)).item() for place in ground.places)
    assert heights.min() >= lowest - 1e-6
    assert heights.min() < lowest + 0.01 * (heights.max() - lowest)
    for place in ground.places:
        at = torch.tensor(place.weights, dtype=torch.float64)
        gradient = torch.autograd.functional.jacobian(ground.loss, at)
        curvatures = torch.linalg.eigvalsh(torch.autograd.functional.hessian(ground.loss, at))
        assert gradient.abs().max() < 1e-8
        signs = {"lowest": {1}, "local": {1}, "top": {-1}, "saddle": {-1, 1}}[place.kind]
        assert set(curvatures.sign().int().tolist()) == signs
        assert (place.kind == "lowest") == (ground.loss(at).item() < lowest + 1e-6)
    for weight, (low, high) in zip(ground.start, ground.reach, strict=True):
        assert low < weight < high


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


def test_unknown_names_and_a_start_of_another_size_are_refused_in_words():
    with pytest.raises(ValueError, match="no landscape 'hill': choose one of bowl, "):
        LandscapeExplorer("hill")
    with pytest.raises(ValueError, match="no optimizer 'Sgd': choose one of SGD, "):
        walk("bowl", "Sgd")
    with pytest.raises(ValueError, match="pass has 2 weights, but the start has 1"):
        walk("pass", start=[1.0])


def test_rates_and_momenta_grow_from_stop_to_stop():
    assert list(RATES) == sorted(set(RATES)) and RATES[0] == 0.001 and RATES[-1] == 3
    assert list(MOMENTA) == sorted(set(MOMENTA))


@pytest.mark.parametrize(
    ("name", "rate", "said"),
    [
        ("bowl", 0.1, "after 100 steps the loss went from 4.00 to 0.00."),
        ("bowl", 1.0, "after 100 steps the loss went from 4.00 to 4.00."),
        ("two valleys", 3.0, "off the map."),
        ("two hollows", 0.1, "goes from (-2.25, 2.50) to (-0.90, 0.45)."),
    ],
)
def test_without_a_kernel_the_whole_walk_and_its_end_are_left(name, rate, said):
    explorer = LandscapeExplorer(name)
    explorer.stage.set(rate=RATES.index(rate))
    png, alt = explorer.still()
    assert png.startswith(b"\x89PNG") and alt.startswith(f"SGD, learning rate {rate:g}, ")
    assert alt.endswith(said)


def test_the_lowest_band_of_a_map_is_blue_and_the_highest_sand():
    assert draw.colours()[0] == "#7e9ab3" and draw.colours()[-1] == "#f0e7d5"
