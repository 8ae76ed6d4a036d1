"""What is held out: in proportion, the same every time, never a class's last image."""

import numpy as np
import pytest

from labkit.data.split import hold_out, validation_size


@pytest.mark.parametrize(
    "train, held", [(50_000, 2_500), (27_500, 2_500), (11_000, 1_000), (11, 1), (2, 1)]
)
def test_one_in_eleven_is_held_out_and_2_500_at_most(train, held):
    assert validation_size(train) == held


def test_every_class_gives_its_share():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    held = hold_out(labels, 100)
    assert np.bincount(labels[held]).tolist() == [60, 30, 10]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 57])
def test_the_number_asked_for_is_met_whatever_the_remainders(count):
    labels = np.arange(100) % 7
    held = hold_out(labels, count)
    assert len(held) == len(set(held)) == count
    assert np.ptp(np.bincount(labels[held], minlength=7)) <= 1


def test_a_small_class_gives_one_where_there_are_enough_to_give():
    labels = np.repeat([0, 1], [98, 2])
    assert np.bincount(labels[hold_out(labels, 2)]).tolist() == [1, 1]


def test_no_class_gives_its_last_image():
    labels = np.array([0, 1, 1, 2, 2, 2])
    assert np.bincount(labels[hold_out(labels, 6)], minlength=3).tolist() == [0, 1, 2]
    assert len(hold_out(np.array([0, 1, 2]), 3)) == 0


def test_the_same_images_are_held_out_every_time():
    labels = np.arange(1_000) % 10
    assert np.array_equal(hold_out(labels, 90), hold_out(labels, 90))
