import numpy
import pytest

from labkit.plots.descent import descents, landscape, loss_curve, softmax_bars


def test_the_bars_say_the_likeliest_and_the_true_class():
    plot = softmax_bars(["cat", "dog"], numpy.array([2.0, -1.0]), numpy.array([0.95, 0.05]), 1)
    assert "from -1.00 to 2.00 become 2 probabilities that sum to 1.00" in plot.alt
    assert "largest is cat with 0.950" in plot.alt and "dog, hatched, has 0.050" in plot.alt
    assert [bar.get_width() for bar in plot.axes[1].patches] == [0.95, 0.05]
    assert [bool(bar.get_hatch()) for bar in plot.axes[0].patches] == [False, True]


def test_the_loss_curve_marks_the_blind_guess_where_it_lies():
    probability = numpy.linspace(0.01, 1, 100)
    plot = loss_curve(probability, -numpy.log(probability), 0.1)
    assert "At 0.10, the blind guess, it is 2.30" in plot.alt
    assert plot.axes[0].lines[1].get_xydata()[0] == pytest.approx([0.1, 2.302585], abs=1e-3)


def test_a_path_that_runs_away_is_said_to_have_left_the_map():
    weight = numpy.linspace(-2, 2, 9)
    paths = {"small": ([2, 1], [4.0, 1.0]), "large": ([2, -6], [4.0, 36.0])}
    plot = descents(weight, weight**2, paths)
    assert "small: after 1 steps the loss went from 4.00 to 1.00;" in plot.alt
    assert plot.alt.endswith("to 36.00, off the map.")
    assert plot.axes[1].get_ylim()[1] < 5


def test_the_landscape_says_where_each_path_ends():
    axis = numpy.linspace(-1, 1, 11)
    loss = axis[None] ** 2 + axis[:, None] ** 2
    plot = landscape(axis, axis, loss, {"SGD": numpy.array([[1.0, 1.0], [0.5, 0.25]])})
    assert "from 0.00 (blue) to 2.00 (sand)" in plot.alt
    assert "SGD goes from (1.00, 1.00) to (0.50, 0.25)" in plot.alt


def test_without_a_path_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="at least one"):
        descents(numpy.zeros(2), numpy.zeros(2), {})
