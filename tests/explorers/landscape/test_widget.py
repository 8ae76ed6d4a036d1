"""The step-size explorer, set from Python as a learner would in a browser."""

import numpy as np
import pytest
import torch

from labkit.explorers.landscape import LandscapeExplorer
from labkit.explorers.landscape.compute import LANDSCAPES, OPTIMIZERS, named, walk
from labkit.explorers.landscape.widget import MOMENTA, RATES


def shown(explorer):
    return np.frombuffer(explorer.stage.losses, "<f8")


def test_the_losses_shown_are_those_of_torch_optim():
    explorer = LandscapeExplorer()
    explorer.learning_rate.value = RATES.index(0.03)
    explorer.momentum.value = MOMENTA.index(0.9)
    explorer.start[0].value = 3.0
    weight = torch.tensor([3.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.03, momentum=0.9)
    for loss in shown(explorer):
        optimizer.zero_grad()
        height = ((weight - 1) ** 2).sum()
        assert loss == pytest.approx(height.item())
        height.backward()
        optimizer.step()


def test_rates_and_momenta_grow_from_stop_to_stop():
    assert list(RATES) == sorted(set(RATES)) and RATES[0] == 0.001 and RATES[-1] == 3
    assert list(MOMENTA) == sorted(set(MOMENTA))


def test_too_large_a_rate_diverges_and_too_small_a_one_crawls_in_words():
    explorer = LandscapeExplorer()
    explorer.learning_rate.value = len(RATES) - 1
    assert "the walk diverges" in explorer.stage.says[-1]
    explorer.learning_rate.value = 0
    assert "it crawls" in explorer.stage.says[-1]


def test_every_landscape_is_entered_at_its_own_start_with_its_own_sliders():
    explorer = LandscapeExplorer("pass")
    assert explorer.walk.landscape is named("pass")
    for ground in [*LANDSCAPES, *reversed(LANDSCAPES)]:
        explorer.landscape.value = ground
        sliders = explorer.start[: len(ground.reach)]
        assert tuple(slider.value for slider in sliders) == pytest.approx(ground.start)
        assert [(slider.minimum, slider.maximum) for slider in sliders] == list(ground.reach)
        assert explorer.walk.weights[0] == pytest.approx(ground.start)
        assert (explorer.start[1].layout.display == "none") == (len(ground.reach) == 1)
        assert bool(explorer.stage.map) == (len(ground.reach) == 2)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_setting_is_complained_of(optimizer):
    explorer = LandscapeExplorer()
    explorer.optimizer.value = optimizer
    for ground in LANDSCAPES:
        explorer.landscape.value = ground
        for explorer.learning_rate.value in (0, len(RATES) - 1):
            for explorer.momentum.value in (0, len(MOMENTA) - 1):
                assert explorer.message.value == ""
                assert explorer.walk.momentum == MOMENTA[explorer.momentum.value]


def test_a_click_moves_the_start_in_one_redraw():
    explorer = LandscapeExplorer("long valley")
    before = explorer.stage.revision
    explorer.stage.chosen = [2.013, -1.02]
    assert explorer.walk.weights[0] == pytest.approx([2.0, -1.0])
    assert explorer.stage.revision == before + 1
    explorer.start[0].value = 0.0
    explorer.stage.chosen = [2.013, -1.02]  # the same place again
    assert explorer.walk.weights[0] == pytest.approx([2.0, -1.0])


def test_the_position_stays_while_the_sliders_move():
    explorer = LandscapeExplorer()
    explorer.stage.position = 40
    explorer.learning_rate.value += 1
    explorer.landscape.value = named("pass")
    assert explorer.stage.position == 40


def test_the_ground_is_sent_again_only_where_it_changed():
    explorer = LandscapeExplorer("long valley")
    sent = []
    explorer.stage.observe(lambda change: sent.append(change.name), ["map", "places", "curve"])
    explorer.learning_rate.value += 1
    assert sent == []
    explorer.landscape.value = named("bowl")
    assert set(sent) == {"map", "places", "curve"}


def test_without_a_kernel_the_whole_walk_and_its_end_are_left():
    bundle = LandscapeExplorer()._repr_mimebundle_()
    assert bundle["text/html"].startswith("<img")
    assert bundle["text/plain"].startswith("SGD, learning rate 0.1, momentum 0, a bowl. After 100")


def test_an_unknown_landscape_is_refused_in_words():
    with pytest.raises(ValueError, match="no landscape 'hill'"):
        LandscapeExplorer("hill")


def moved(explorer, *, rate=None, momentum=None, start=None):
    """Move sliders, as a learner does before looking at the walk."""
    if rate is not None:
        explorer.learning_rate.value = RATES.index(rate)
    if momentum is not None:
        explorer.momentum.value = MOMENTA.index(momentum)
    for slider, weight in zip(explorer.start, start or (), strict=False):
        slider.value = weight
    return explorer.walk


@pytest.mark.parametrize(
    ("rate", "fate"),
    [
        (0.001, "crawls"),
        (0.4, "lowest"),
        (0.6, "lowest"),
        (0.9, "lowest"),
        (1.0, "swings"),
        (1.2, "diverges"),
    ],
)
def test_on_the_bowl_1_is_the_limit_of_the_learning_rate(rate, fate):
    assert moved(LandscapeExplorer("bowl"), rate=rate).fate(100) == fate


def test_on_the_bowl_the_walk_jumps_from_side_to_side_from_one_half_on():
    sides = {}
    for rate in (0.001, 0.4, 0.6, 0.9, 1.2):
        distances = moved(LandscapeExplorer("bowl"), rate=rate).weights[:13, 0] - 1
        np.testing.assert_allclose(distances[1:], (1 - 2 * rate) * distances[:-1], atol=1e-9)
        sides[rate] = bool((distances > 0).any())
    assert sides == {0.001: False, 0.4: False, 0.6: True, 0.9: True, 1.2: True}


def test_at_1_the_walk_goes_to_and_fro_between_two_places():
    weights = moved(LandscapeExplorer("bowl"), rate=1.0).weights[:, 0]
    assert weights[0] == weights[2] != weights[1] == weights[3]


def test_momentum_moves_the_limit_to_1_9():
    for rate, arrives in ((1.5, True), (2.0, False)):
        walk_shown = moved(LandscapeExplorer("bowl"), rate=rate, momentum=0.9)
        assert (walk_shown.losses[100] < 0.01) == arrives
    for rate, arrives in ((1.85, True), (1.95, False)):
        assert (walk("bowl", "SGD", rate, 0.9, steps=300).losses[-1] < 1e-6) == arrives


def test_momentum_carries_the_walk_out_of_the_small_hollow():
    explorer = LandscapeExplorer("two hollows")
    assert explorer.walk.fate(100) == "local"
    assert moved(explorer, momentum=0.9).losses[100] < 0.5


def test_in_two_valleys_the_start_decides():
    explorer = LandscapeExplorer("two valleys")
    assert moved(explorer, start=(1.6,)).fate(100) == "local"
    assert moved(explorer, start=(-1.6,)).fate(100) == "lowest"


def test_on_the_ridge_of_the_pass_one_notch_to_the_side_is_enough():
    explorer = LandscapeExplorer("pass")
    assert explorer.walk.fate(100) == "saddle"
    assert moved(explorer, momentum=0.9).fate(100) == "saddle"
    beside = moved(explorer, start=(1.5, explorer.start[1].step))
    assert beside.fate(100) == "lowest"
