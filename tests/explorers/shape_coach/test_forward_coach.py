"""The coach for any model, set from Python as a learner would in a browser."""

from torch import nn

from labkit.explorers.shape_coach import ShapeCoach
from labkit.model import Net


def test_without_a_kernel_the_layers_and_the_first_question_are_left():
    bundle = ShapeCoach()._repr_mimebundle_()
    assert bundle["text/plain"] == "32 → ? Guess the side that layer 1 makes."
    assert bundle["text/html"].count("<tr>") == 1 + 4 and "convolution" in bundle["text/html"]


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
