"""The shape coach answers as PyTorch computes, whatever is typed."""

import pytest
import torch
from torch import nn

from labkit.explorers.shape_coach import ShapeCoach
from labkit.explorers.shape_coach.widget import LAYERS_AT_MOST, WORKSHOP

pytestmark = pytest.mark.browser

STACKS = [
    WORKSHOP,
    [WORKSHOP[0] | dict(kernel=3, stride=2, padding=1, dilation=2, filters=4), *WORKSHOP[1:]],
    [WORKSHOP[1] | dict(kernel=3, stride=2, padding=1), WORKSHOP[0] | dict(kernel=2, dilation=3)],
    [WORKSHOP[0] | dict(kernel=4, stride=3, padding=1), WORKSHOP[1] | dict(stride=1)],
]


@pytest.fixture
def coach(alone):
    return alone(ShapeCoach().stage)


def modules(layers):
    """Return the layers of the table as PyTorch's."""
    channels = 3
    for layer in layers:
        numbers = [layer[name] for name in ("kernel", "stride", "padding", "dilation")]
        if layer["kind"] == "conv":
            yield nn.Conv2d(channels, layer["filters"], *numbers)
            channels = layer["filters"]
        else:
            yield nn.MaxPool2d(*numbers)


def texts(coach, selector):
    return coach.stage.locator(f"tbody {selector}").all_inner_texts()


def guess(coach, *guesses):
    layers = coach.settings("layers")
    coach.set(guesses=[*guesses, *[""] * (len(layers) + 1 - len(guesses))])


@pytest.mark.parametrize("size", [32, 37])
@pytest.mark.parametrize("layers", STACKS)
def test_sides_numbers_and_parameters_are_pytorchs(coach, layers, size):
    coach.set(size=size, layers=layers, guesses=[""] * (len(layers) + 1), reveal=True)
    maps, sides, counts = torch.zeros(1, 3, size, size), [], []
    for layer in modules(layers):
        maps = layer(maps)
        sides.append(maps.shape[-1])
        counts.append(sum(parameter.numel() for parameter in layer.parameters()))
    written = [f"{number:,}" for number in [*sides, maps.numel()]]
    assert texts(coach, "output") == written
    parameters = texts(coach, ".lk-number:nth-last-child(2)")
    assert parameters == [f"{number:,}" for number in [*counts, sum(counts)]]
    assert coach.says().startswith(" → ".join(map(str, [size, *sides])))


@pytest.mark.parametrize("layers", STACKS)
def test_what_a_unit_sees_and_what_nobody_visits_is_where_a_gradient_is(coach, layers):
    size = 37
    found = coach.page.evaluate(
        """([size, layers]) => {
          const { stages } = stack(size, 3, layers, model.get("scene").limits, model.get("words"));
          const sides = [size, ...stages.map((stage) => stage.size)];
          const seen = range(sides.at(-1)).map((unit) => seenBy(sides, layers, unit));
          return [seen, stages.map((stage) => stage.unvisited), stages.at(-1).field];
        }""",
        [size, layers],
    )
    seen, unvisited, field = found
    lines = [torch.zeros(1, 1, size, requires_grad=True)]
    for layer, missed in zip(layers, unvisited, strict=True):  # ones: no gradient is lost
        options = {name: layer[name] for name in ("stride", "padding", "dilation")}
        begin = lines[-1].detach().requires_grad_()
        weight = torch.ones(1, 1, layer["kernel"])
        nn.functional.conv1d(begin, weight, **options).sum().backward()
        assert (begin.grad[0, 0] == 0).nonzero().flatten().tolist() == missed
        lines.append(nn.functional.conv1d(lines[-1], weight, **options))
    for unit, places in enumerate(seen):
        (gradient,) = torch.autograd.grad(lines[-1][0, 0, unit], lines[0], retain_graph=True)
        assert gradient[0, 0].nonzero().flatten().tolist() == places
        assert max(places) - min(places) < field


def test_nothing_is_told_before_a_guess(coach):
    assert texts(coach, "output") == [""] * 5 and texts(coach, ".lk-why") == [""] * 5
    assert "28" not in coach.says()
    unit = coach.stage.get_by_role("slider", name="Follow unit")
    assert unit.is_disabled() and unit.get_attribute("aria-valuetext") == "when all is guessed"


def test_right_guesses_lead_to_the_flattened_length_and_what_a_unit_sees(coach):
    guess(coach, "28")
    assert coach.says() == "32 → 28 → ? Guess the side that layer 2 makes."
    guess(coach, "28", "14", " 10 ", "5", "400")
    assert texts(coach, "output") == ["✓ 28", "✓ 14", "✓ 10", "✓ 5", "✓ 400"]
    assert texts(coach, ".lk-number:last-child")[:4] == ["5 × 5", "6 × 6", "14 × 14", "16 × 16"]
    coach.set(unit=0)
    assert coach.says() == "32 → 28 → 14 → 10 → 5. Unit 0 of the last map sees the pixels 0 to 15."


def test_a_wrong_guess_is_told_which_way_it_is_wrong(coach):
    guess(coach, "27", "16", "ten")
    assert texts(coach, "output") == ["✗ too small", "✗ too large", "✗ a whole number?", "", ""]
    layers = coach.settings("layers")
    coach.set(layers=[*layers[:2], layers[2] | {"filters": 64}, layers[3]])
    guess(coach, "028", "14", "10", "5", "1,600")
    assert texts(coach, "output")[-1] == "✓ 1,600"


def test_where_the_floor_bites_it_is_shown_with_the_place_never_visited(coach):
    layers = coach.settings("layers")
    coach.set(layers=[layers[0] | {"stride": 2}, *layers[1:]], reveal=True)
    assert texts(coach, ".lk-why")[0].endswith("=\u00a0⌊13.5⌋\u00a0+\u00a01")
    assert "Layer 1 never visits 1 of the 32 places" in coach.says()
    assert coach.stage.get_by_text("1 never visited").first.is_visible()
    assert coach.stage.locator("path.lk-missed").count() == 2


@pytest.mark.parametrize(
    ("number", "name", "typed", "words"),
    [
        (1, "kernel", "0", "kernel is a whole number from 1 to 64, not 0"),
        (1, "stride", "2.5", "stride is a whole number from 1 to 16, not 2.5"),
        (3, "filters", "0", "filters is a whole number from 1 to 1024, not 0"),
        (2, "padding", "2", "half its kernel at most, 1 here"),
        (3, "kernel", "20", "The window spans 20 pixels"),
    ],
)
def test_a_number_that_cannot_be_is_said_with_its_layer(coach, number, name, typed, words):
    coach.set(reveal=True)
    field = coach.stage.get_by_label(f"Layer {number}: {name}")
    before = field.input_value()
    field.fill(typed)
    said = coach.stage.get_by_role("alert").inner_text()
    assert f"Layer {number}: " in said and words in said
    assert texts(coach, "output")[number - 1] == "✗ does not fit"
    assert coach.says().endswith(f"and there it ends: layer {number} does not fit.") or number == 1
    field.fill(before)
    assert coach.stage.get_by_role("alert").count() == 0


def test_layers_come_and_go_within_limits_and_keep_their_guesses(coach):
    guess(coach, "28", "14", "10", "5", "400")
    more, fewer = (
        coach.stage.get_by_role("button", name=name) for name in ("Add a layer", "Remove the last")
    )
    for _press in range(LAYERS_AT_MOST):
        more.click()
    assert len(coach.settings("layers")) == LAYERS_AT_MOST
    assert "room for 6" in coach.stage.get_by_role("alert").inner_text()
    assert coach.settings("guesses") == ["28", "14", "10", "5", "", "", "400"]
    for _press in range(LAYERS_AT_MOST):
        fewer.click()
    assert len(coach.settings("layers")) == 1
    assert "must stay" in coach.stage.get_by_role("alert").inner_text()
    assert coach.settings("guesses") == ["28", "400"]
