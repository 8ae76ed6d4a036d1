import numpy
import pytest

from labkit.plots.layers import curves, filters, maps, side_by_side


def test_feature_maps_share_one_grey_scale_and_the_alt_text_names_the_largest():
    values = numpy.zeros((3, 4, 4), numpy.float32)
    values[1, 2, 2] = 2.5
    plot = maps(values)
    assert plot.alt.startswith("3 feature maps of 4 x 4, from 0.00 (black) to 2.50 (white)")
    assert "map 1 has the largest" in plot.alt
    assert {axes.images[0].get_clim() for axes in plot.axes} == {(0.0, 2.5)}


def test_a_filter_is_middle_grey_where_its_weight_is_zero():
    weights = numpy.zeros((2, 3, 5, 5), numpy.float32)
    weights[1, 0, 0, 0], weights[1, 0, 0, 1] = 0.2, -0.1
    plot = filters(weights)
    shown = plot.axes[1].images[0].get_array()
    assert shown[0, 0, 0] == 1 and shown[0, 1, 0] == 0.25 and shown[4, 4, 2] == 0.5
    assert "between -0.10 and 0.20" in plot.alt and "filter 1" in plot.alt


def test_filters_with_many_input_channels_are_drawn_as_their_mean():
    weights = numpy.stack([numpy.full((1, 2, 2), 1.0), numpy.full((1, 2, 2), 0.0)], 1)
    assert (filters(weights).axes[0].images[0].get_array() == 0.75).all()


def test_an_array_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="3 axes"):
        maps(numpy.zeros((4, 4)))


def test_curves_say_where_each_begins_and_ends():
    x = numpy.array([-1.0, 1.0])
    plot = curves(x, {"double": 2 * x, "half": x / 2})
    assert "double goes from -2 to 2; half goes from -0.5 to 0.5." in plot.alt


def test_small_numbers_are_read_and_a_peak_is_named():
    """A learning rate that warms up was once said to go from 0.00 to 0.00."""
    rate = numpy.array([0.0004, 0.005, 0.01, 0.005, 0.0001])
    alt = curves(numpy.arange(5), {"rate": rate}, "step").alt
    assert alt == (
        "For step from 0 to 4: rate goes from 0.0004 to 0.0001, with its peak of 0.01 at 2."
    )
    assert curves(numpy.arange(5), {"dip": -rate}).alt.endswith("lowest point, -0.01, at 2.")


def test_every_picture_renders_with_its_alt_text():
    plot = side_by_side([numpy.zeros((4, 4, 3))] * 9, [f"n{i}" for i in range(9)])
    assert 'alt="9 images: n0' in plot._repr_html_()


def test_black_is_zero_where_no_number_of_the_maps_is_negative():
    plot = maps(numpy.full((2, 3, 3), 4.0))
    assert plot.axes[0].images[0].get_clim() == (0.0, 4.0)
    assert maps(numpy.full((1, 3, 3), -4.0)).axes[0].images[0].get_clim()[0] == -4.0


def test_every_curve_is_drawn_however_many_there_are():
    x = numpy.linspace(0, 1, 3)
    plot = curves(x, {str(n): n * x for n in range(6)})
    assert len(plot.axes[0].get_legend().get_texts()) == 6
