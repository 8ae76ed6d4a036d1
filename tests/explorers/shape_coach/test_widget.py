"""The shape coach, set from Python as a learner would in a browser."""

import pytest
import torch
from torch import nn

from labkit.explorers.shape_coach import ShapeCoach
from labkit.explorers.shape_coach.widget import LAYERS_AT_MOST
from labkit.inspect.shapes import Window
from labkit.model import Net


@pytest.fixture
def coach():
    return ShapeCoach()


def edit(coach, number, **numbers):
    layers = list(coach.table.layers)
    layers[number] = {**layers[number], **numbers}
    coach.table.layers = layers


def states(coach):
    return [result["state"] for result in coach.table.results]


def guess(coach, *texts):
    blank = [""] * (len(coach.table.guesses) - len(texts))
    coach.table.guesses = [*texts, *blank]


def test_nothing_is_told_before_a_guess(coach):
    assert states(coach) == ["open"] * 5
    assert all(result["answer"] == result["why"] == "" for result in coach.table.results)
    assert "28" not in coach.screen.sentence


def test_right_guesses_lead_to_the_flattened_length_and_what_a_unit_sees(coach):
    guess(coach, "28", "14", " 10 ", "5", "400")
    assert states(coach) == ["right"] * 5
    assert coach.screen.sentence.startswith("32 → 28 → 14 → 10 → 5. ")
    lines = coach.table.results[:4]
    assert [line["parameters"] for line in lines] == ["456", "0", "2,416", "0"]
    assert [line["field"] for line in lines] == ["5 × 5", "6 × 6", "14 × 14", "16 × 16"]
    coach.unit.value = 0
    assert "sees the pixels 0 to 15" in coach.screen.sentence


def test_a_wrong_guess_is_told_which_way_it_is_wrong(coach):
    guess(coach, "27", "16", "ten")
    answers = [result["answer"] for result in coach.table.results]
    assert answers[:3] == ["✗ too small", "✗ too large", "✗ a whole number?"]
    assert states(coach)[3:] == ["open", "open"]
    edit(coach, 2, filters=64)
    guess(coach, "028", "14", "10", "5", "1,600")
    assert states(coach) == ["right"] * 5


def test_the_answers_are_those_of_pytorch_for_a_stack_with_everything(coach):
    coach.size.value = 37
    edit(coach, 0, kernel=3, stride=2, padding=1, dilation=2, filters=4)
    edit(coach, 1, kernel=3, stride=2, padding=1, dilation=1)
    edit(coach, 2, kernel=2, dilation=3, filters=5)
    coach.reveal.value = True
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1, dilation=2),
        nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(4, 5, 2, dilation=3),
        nn.MaxPool2d(2, 2),
    )
    x, expected = torch.zeros(1, 3, 37, 37), []
    for layer in layers:
        x = layer(x)
        expected.append(f"{x.shape[-1]}")
    answers = [result["answer"] for result in coach.table.results]
    assert answers == [*expected, f"{x.numel()}"]
    assert coach.table.results[-1]["parameters"] == str(sum(p.numel() for p in layers.parameters()))


def test_where_the_floor_bites_it_is_shown_with_the_place_never_visited(coach):
    edit(coach, 0, stride=2)
    coach.reveal.value = True
    assert coach.table.results[0]["why"].endswith("=\u00a0⌊13.5⌋\u00a0+\u00a01")
    assert "Layer 1 never visits 1 of the 32 places" in coach.screen.sentence


def test_a_change_keeps_the_guesses_and_judges_them_anew(coach):
    guess(coach, "28", "14", "10", "5", "400")
    edit(coach, 2, kernel=3)
    assert coach.table.guesses == ["28", "14", "10", "5", "400"]
    assert states(coach) == ["right", "right", "wrong", "wrong", "wrong"]
    coach.size.value = 33
    assert states(coach) == ["wrong", "right", "wrong", "wrong", "wrong"]


def test_following_a_unit_waits_for_the_last_guess_and_says_so(coach):
    assert coach.unit.disabled and coach.unit.texts[coach.unit.value] == "when all is guessed"
    guess(coach, "28", "14", "10", "5", "400")
    assert not coach.unit.disabled and coach.unit.texts == []


def test_a_window_that_does_not_fit_is_a_sentence_and_goes_away_again(coach):
    edit(coach, 2, kernel=20)
    assert "Layer 3: " in coach.message.value and "20 pixels" in coach.message.value
    assert states(coach)[2:] == ["broken"] * 3
    coach.reveal.value = True
    assert coach.screen.sentence == "32 → 28 → 14, and there it ends: layer 3 does not fit."
    edit(coach, 2, kernel=5)
    assert coach.message.value == "" and states(coach) == ["shown"] * 5


@pytest.mark.parametrize(
    ("number", "change", "words"),
    [
        (0, {"kernel": 0}, "kernel is a whole number from 1 to 64, not 0"),
        (0, {"stride": 2.5}, "stride is a whole number from 1 to 16, not 2.5"),
        (2, {"filters": 0}, "filters is a whole number from 1 to 1024, not 0"),
        (1, {"padding": 2}, "half its kernel at most, 1 here"),
    ],
)
def test_a_number_that_cannot_be_is_said_with_its_layer(coach, number, change, words):
    edit(coach, number, **change)
    assert f"Layer {number + 1}: " in coach.message.value and words in coach.message.value


def test_layers_come_and_go_within_limits(coach):
    for _ in range(LAYERS_AT_MOST):
        coach.more.click()
    assert len(coach.table.layers) == LAYERS_AT_MOST and "room for 6" in coach.message.value
    for _ in range(LAYERS_AT_MOST):
        coach.fewer.click()
    assert len(coach.table.layers) == 1 and "must stay" in coach.message.value
    assert len(coach.table.guesses) == len(coach.table.results) == 2


def test_what_does_not_fit_is_still_said_when_a_layer_comes_or_goes(coach):
    edit(coach, 0, kernel=60)
    for button in (coach.more, coach.fewer):
        button.click()
        assert "Layer 1: The window spans 60 pixels" in coach.message.value


def test_an_edit_that_comes_late_neither_brings_a_layer_back_nor_takes_one_away(coach):
    four = list(coach.table.layers)
    coach.fewer.click()
    coach.table.set_state({"layers": [{**four[0], "kernel": 3}, *four[1:]]})  # as from the browser
    assert [stage.size for stage in coach.stages] == [30, 15, 11]
    three = list(coach.table.layers)
    coach.more.click()
    late = {"layers": [{**three[0], "kernel": 7}, *three[1:]], "guesses": ["26", "", "", "9"]}
    coach.table.set_state(late)
    assert [stage.size for stage in coach.stages] == [26, 13, 9, 9]
    coach.table.set_state({"guesses": ["26", "", "", "9"]})
    assert coach.table.guesses == ["26", "", "", "", "9"]


def test_without_a_kernel_a_picture_and_a_sentence_are_left():
    bundle = ShapeCoach([Window(3, out_channels=2)])._repr_mimebundle_()
    assert bundle["text/html"].startswith("<img") and "32 → ?" in bundle["text/plain"]


def test_any_model_is_followed_to_where_it_breaks_and_mended():
    model = Net()
    coach = ShapeCoach.of(model, (4, 3, 32, 32))
    assert coach.summary.fault is None and "comes out as [4, 10]" in coach.still()[1]
    coach.side.value = 52
    assert coach.shape.value == "4, 3, 52, 52"
    view = coach.view.value
    assert "It breaks at fc1 (Linear)" in view
    assert view.index("in_features=1600") < view.index("The error says") < view.index("4x1600")
    model.fc1 = nn.Linear(1600, 120)
    coach.shape.value = "2 x 3 x 52 x 52"
    assert coach.summary.fault is None and coach.side.value == 52


def test_a_shape_that_is_none_is_said_and_the_table_stays():
    coach = ShapeCoach.of(nn.Flatten(), (1, 3, 8))
    before = coach.view.value
    assert coach.side.disabled
    coach.shape.value = "cat"
    assert "whole numbers" in coach.message.value and coach.view.value == before
    coach.shape.value = "1, 0, 8"
    assert "from 1 up" in coach.message.value


def test_a_model_is_left_as_it_was():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    ShapeCoach.of(model, (2, 3, 8, 8)).side.value = 2
    assert model.training and torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    assert not any(module._forward_hooks for module in model.modules())
