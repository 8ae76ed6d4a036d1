"""Scores, intervals, calibration and corruptions, and the figures that show them."""

import numpy as np
import pytest

from labkit.figures import evaluating as figures

NAMES = ["cat", "dog", "ship"]
IMAGES = np.zeros((4, 32, 32, 3), dtype=np.uint8)


def _texts(picture):
    found = [text.get_text() for text in picture.findobj(lambda part: hasattr(part, "get_text"))]
    return "\n".join(found)


def test_class_accuracies_are_sorted_and_an_empty_class_is_said():
    picture = figures.class_accuracy([0.25, float("nan"), 0.75], NAMES, 0.5)
    assert "Overall 50% are right. Best class: ship, 75%. Worst: cat, 25%." in picture.alt
    assert "Without pictures: dog." in picture.alt
    assert "no pictures" in _texts(picture)
    labels = [tick.get_text() for tick in picture.axes[0].get_yticklabels()]
    assert labels == ["ship", "cat", "dog"]


def test_no_class_with_pictures_at_all_is_no_crash():
    picture = figures.class_accuracy([float("nan")] * 3, NAMES, float("nan"))
    assert picture.alt == "There is no picture of any class."


def test_a_confusion_matrix_names_the_most_frequent_mistake():
    matrix = np.array([[5, 3, 0], [1, 6, 0], [0, 0, 0]])
    picture = figures.confusion(matrix, NAMES)
    assert "11 of 15 on the diagonal" in picture.alt
    assert "cat taken for dog, 3 times" in picture.alt
    assert picture.png()


def test_a_matrix_without_a_mistake_names_none():
    assert "mistake" not in figures.confusion(np.eye(3, dtype=int), NAMES).alt


def test_the_surest_mistakes_are_listed():
    picture = figures.most_wrong(IMAGES[:1], ["cat"], ["dog"], [0.987])
    assert "cat taken for dog (99% sure)" in picture.alt
    assert "is: cat" in _texts(picture)


def test_no_mistake_is_said():
    assert figures.most_wrong(IMAGES[:0], [], [], []).alt == "There is no mistake to show."


@pytest.mark.parametrize(("classes", "shown"), [(3, 3), (8, 5)])
def test_an_answer_shows_the_five_likeliest_at_most(classes, shown):
    probabilities = np.arange(1, classes + 1) / sum(range(1, classes + 1))
    names = [f"class {k}" for k in range(classes)]
    picture = figures.answer(IMAGES[0], probabilities, names)
    assert picture.alt.count("%") == shown
    assert f"answers: class {classes - 1} " in picture.alt
