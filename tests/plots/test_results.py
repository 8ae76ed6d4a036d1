"""What the figures of an evaluation say in their alt texts."""

import warnings

import numpy as np
import pytest

from labkit.data import ImageSet
from labkit.plots.results import predicted


def test_images_stand_under_their_true_names_and_predictions():
    shown = ImageSet(np.zeros((4, 32, 32, 3), np.uint8), [0, 1, 1, 0], ["cat", "dog"], source="t")
    picture = predicted(shown, np.array([0, 0, 1, 1]), range(1, 4))
    assert picture.alt.replace("\n", " ") == (
        "3 images, read by rows: dog → cat ✗, dog → dog ✓, cat → dog ✗."
    )


@pytest.mark.parametrize("name", ["$10", r"a$\\frac{$b", "猫", "🐱", "قطة", "क"])
def test_any_name_of_a_class_is_drawn_as_it_is_written(name):
    shown = ImageSet(np.zeros((4, 32, 32, 3), np.uint8), [0, 1, 1, 0], [name, "$x$"], source="t")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert predicted(shown, np.array([0, 0, 1, 1]), range(1, 4)).png()
