"""The timing figures: what their alt texts say is computed from the numbers."""

import re

import pytest

from labkit.plots import Plot
from labkit.plots import speed as figures

CPU = {1: {4: 3000.0, 64: 9000.0, 256: 8000.0}, 4: {4: 1000.0, 64: 2000.0}}
GPU = {1: {4: 1000.0, 64: 18000.0, 256: 64000.0}, 4: {4: 500.0, 64: 1000.0, 256: 9000.0}}


def lines(plot):
    (axes,) = plot.axes
    return {line.get_label(): line for line in axes.lines}


def test_with_one_device_its_speed_is_drawn_against_the_batch():
    plot = figures.speed({"cpu": CPU}, {})
    assert isinstance(plot, Plot)
    assert plot.alt == (
        "Images trained per second on cpu. "
        "Width 1: 3,000 at batch 4, at most 9,000 at batch 64. "
        "Width 4: 1,000 at batch 4, at most 2,000 at batch 64."
    )
    assert list(lines(plot)["width 1"].get_ydata()) == [3000, 9000, 8000]
    assert list(lines(plot)["width 4"].get_xdata()) == [4, 64]


def test_with_two_devices_the_crossover_is_drawn_and_said():
    plot = figures.speed({"cpu": CPU, "cuda:0": GPU}, {"cuda:0": {1: 64, 4: None}})
    assert plot.alt == (
        "Speed of cuda:0 as a multiple of cpu. "
        "Width 1: from batch 64 on cuda:0 wins, 8 times as fast at batch 256. "
        "Width 4: cuda:0 is not ahead at the largest batch; at most it is 0.5 times as fast, at "
        "batch 4."
    )
    assert list(lines(plot)["width 1"].get_ydata()) == pytest.approx([1 / 3, 2, 8])
    assert plot.axes[0].get_title(loc="left") == "A ring: from this batch on cuda:0 wins"


def test_a_width_where_nothing_was_measured_is_left_out():
    plot = figures.throughput({1: CPU[1], 8: {}}, "cpu")
    assert "Width 8" not in plot.alt
    assert "width 8" not in lines(plot)


def test_lines_differ_by_more_than_their_colour():
    rates = {width: {4: 10.0 * width, 64: 20.0 * width} for width in (1, 2, 4, 8, 16)}
    drawn = [
        line for name, line in lines(figures.throughput(rates, "cpu")).items() if "width" in name
    ]
    assert len({line.get_marker() for line in drawn}) == 5


def test_the_first_step_is_compared_with_a_later_one():
    plot = figures.step_times([0.030, 0.004, 0.001, 0.001, 0.001, 0.001])
    assert plot.alt == (
        "The first of 6 steps takes 30.0 ms, 30.0 times the 1.0 ms that a step of the later half "
        "takes in the median."
    )


@pytest.mark.parametrize("slowest", [0.0121, 0.030, 2.0])
def test_times_can_be_read_off_whether_they_lie_close_or_far_apart(slowest):
    (axes,) = figures.step_times([slowest, 0.0079, 0.0083, 0.0086, 0.0085]).axes
    low, high = axes.get_ylim()
    assert sum(low <= tick <= high for tick in axes.get_yticks()) >= 3


def test_how_busy_a_device_was_is_said_for_each_part():
    plot = figures.busy(
        [0.1, 0.2, 0.3, 0.4], [10, 30, 90, 70], {"batch 4": 0, "batch 64": 0.25}, "cuda:0"
    )
    assert plot.alt == (
        "How busy cuda:0 was, in percent. batch 4: 20 % on average. batch 64: 80 % on average."
    )


def test_a_part_without_a_sample_is_not_given_a_number():
    assert "batch 4" not in figures.busy([0.5], [10], {"batch 4": 0, "batch 64": 0.25}, "cpu").alt


def test_a_table_is_a_table_in_a_notebook_and_lines_elsewhere():
    table = figures.Table("Speed <b>", ("device", "rate"), (("cpu", "1"), ("cuda:0", "20")))
    shown = table._repr_html_()
    assert shown.count("<tr>") == 3 and shown.count('scope="col"') == 2
    assert "Speed &lt;b&gt;" in shown
    assert str(table).splitlines() == ["Speed <b>", "device  rate", "cpu        1", "cuda:0    20"]


def test_numbers_stand_flush_right_and_words_left_also_where_a_number_is_missing():
    rows = (("1. on the cpu", "1,095", "+16.1"), ("2. on cuda:0", "out of memory", ""))
    shown = figures.Table("Speed", ("where", "rate", "gain"), rows)._repr_html_()
    alignments = re.findall(r"text-align: (\w+); padding: .25em", shown)
    assert alignments == ["left", "right", "right"] * 3
