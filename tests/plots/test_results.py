"""What the figures of an evaluation say in their alt texts."""

import numpy as np

from labkit.data import ImageSet
from labkit.plots.results import predicted


def test_images_stand_under_their_true_names_and_predictions():
    shown = ImageSet(np.zeros((4, 32, 32, 3), np.uint8), [0, 1, 1, 0], ["cat", "dog"], source="t")
    picture = predicted(shown, np.array([0, 0, 1, 1]), range(1, 4))
    assert picture.alt.replace("\n", " ") == (
        "3 images, read by rows: dog → cat, dog → dog, cat → dog."
    )
