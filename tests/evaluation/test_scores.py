"""Scores, intervals, calibration and corruptions, and the figures that show them."""

import math

import numpy as np
import pytest
import torch

from labkit.data import ImageSet
from labkit.data.loaders import BatchLoader
from labkit.evaluation.corruptions import CORRUPTIONS, accuracy_under, corrupt
from labkit.evaluation.scores import (
    Z_95,
    Share,
    calibration,
    confusion_matrix,
    find,
    most_confused,
    precision,
    recall,
    wilson,
)
from labkit.model import Net
from labkit.plots import results as figures
from labkit.training import Evaluation, evaluate

NAMES = ["cat", "dog", "ship"]
IMAGES = np.zeros((4, 32, 32, 3), dtype=np.uint8)


def answered(count=400):
    """Answers that are right more often than not; no image is of class 4, the last."""
    dice = torch.Generator().manual_seed(0)
    targets = torch.randint(4, (count,), generator=dice)
    logits = torch.randn(count, 5, generator=dice)
    logits[torch.arange(count), targets] += 1.5
    probabilities = logits.softmax(1)
    predictions = probabilities.argmax(1)
    accuracy = (predictions == targets).float().mean().item()
    return Evaluation(0.0, accuracy, predictions, targets, probabilities)


def test_the_matrix_is_what_an_obvious_loop_counts():
    result = answered()
    expected = np.zeros((5, 5), dtype=np.int64)
    for target, answer in zip(result.targets, result.predictions, strict=True):
        expected[target, answer] += 1
    assert np.array_equal(confusion_matrix(result), expected)


def test_recall_and_precision_are_counted_along_rows_and_columns():
    result = answered()
    matrix = confusion_matrix(result)
    for k in range(5):
        of_class, predicted = result.targets == k, result.predictions == k
        both = int((of_class & predicted).sum())
        assert recall(matrix)[k] == Share(both, int(of_class.sum()))
        assert precision(matrix)[k] == Share(both, int(predicted.sum()))
    assert math.isnan(recall(matrix)[4].value) and recall(matrix)[4].interval == (0, 1)


@pytest.mark.parametrize(("right", "of"), [(0, 5), (5, 5), (1, 1), (37, 100), (176, 200)])
def test_the_ends_of_an_interval_are_just_as_many_errors_away_as_they_should(right, of):
    for end in wilson(right, of):
        if 0 < end < 1:
            away = abs(right / of - end) / math.sqrt(end * (1 - end) / of)
            assert away == pytest.approx(Z_95)


def test_the_interval_holds_the_true_share_95_times_in_100():
    dice = np.random.default_rng(0)
    counted = dice.binomial(200, 0.7, size=2_000)
    held = [low <= 0.7 <= high for low, high in (wilson(int(n), 200) for n in counted)]
    assert 0.93 < np.mean(held) < 0.97


def test_no_picture_says_nothing_and_none_of_five_does_not_say_never():
    assert wilson(0, 0) == (0, 1)
    assert wilson(0, 5)[0] == 0 and 0.3 < wilson(0, 5)[1] < 0.6
    with pytest.raises(ValueError, match="6 of 5 is no share"):
        wilson(6, 5)


def test_the_calibration_error_is_what_an_obvious_loop_adds_up():
    result = answered(2_000)
    found = calibration(result, bins=15)
    confidence = result.probabilities.max(dim=1).values
    correct = result.predictions == result.targets
    error = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence >= low) & (confidence < low + 1 / 15)
        if inside.any():
            gap = confidence[inside].mean() - correct[inside].float().mean()
            error += inside.float().mean().item() * abs(gap.item())
    assert found.error == pytest.approx(error, abs=1e-6)
    assert found.accuracy == pytest.approx(result.accuracy)
    assert found.mean_confidence == pytest.approx(confidence.mean().item())
    with pytest.raises(ValueError, match="bins is 0"):
        calibration(result, bins=0)


def test_answers_that_are_always_sure_fall_into_the_last_bin():
    targets = torch.tensor([0, 1, 1, 0])
    sure = torch.tensor([[1.0, 0.0]]).repeat(4, 1)
    found = calibration(Evaluation(0.0, 0.5, sure.argmax(1), targets, sure))
    assert found.shares[-1] == Share(2, 4) and found.error == 0.5


def test_what_is_found_is_sorted_by_confidence_and_none_stands_for_the_others():
    result = answered()
    everything = find(result)
    assert len(everything) == int((result.predictions != result.targets).sum())
    sure = result.probabilities.max(dim=1).values
    assert sure[everything].diff().max() <= 0
    cell = find(result, 1, 2)
    assert (result.targets[cell] == 1).all() and (result.predictions[cell] == 2).all()
    assert len(cell) == confusion_matrix(result)[1, 2]
    assert len(find(result, 1)) == sum(len(find(result, 1, k)) for k in (0, 2, 3, 4))
    assert len(find(result, answer=1)) == sum(len(find(result, k, 1)) for k in (0, 2, 3, 4))


def test_the_most_confused_classes_are_named_in_their_order():
    matrix = np.diag([9, 9, 9, 9])
    matrix[3, 1] = 5
    matrix[0, 1] = 1
    assert most_confused(matrix, 2) == [1, 3]
    assert most_confused(matrix, 10) == [0, 1, 2, 3]


@pytest.fixture
def photographs():
    numbers = np.random.default_rng(0)
    return numbers.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_every_change_has_an_amount_of_nothing_and_keeps_type_and_shape(kind, photographs):
    amounts = CORRUPTIONS[kind].amounts
    assert np.array_equal(corrupt(photographs, kind, 0), photographs)
    assert 0 in amounts and list(amounts) == sorted(amounts)
    before = photographs.copy()
    for amount in amounts:
        changed = corrupt(photographs, kind, amount)
        assert changed.dtype == np.uint8 and changed.shape == photographs.shape
        assert np.array_equal(changed, photographs) == (amount == 0)
        assert np.array_equal(changed, corrupt(photographs, kind, amount))
    assert np.array_equal(photographs, before)


def test_brightness_is_added_and_cut_off_at_black_and_white(photographs):
    brighter = corrupt(photographs, "brightness", 0.2)
    assert np.array_equal(brighter, np.minimum(photographs.astype(int) + 51, 255))


def test_a_quarter_turn_is_that_of_numpy(photographs):
    turned = corrupt(photographs, "rotation", 90)
    assert np.abs(turned.astype(int) - np.rot90(photographs, axes=(1, 2))).max() <= 1


def test_noise_has_the_deviation_asked_for():
    grey = np.full((20, 32, 32, 3), 128, dtype=np.uint8)
    noise = corrupt(grey, "noise", 0.1).astype(float) - 128
    assert noise.std() == pytest.approx(25.5, rel=0.03)
    assert abs(noise.mean()) < 0.5


def test_blur_keeps_the_mean_and_takes_the_contrast(photographs):
    blurred = corrupt(photographs, "blur", 2.0)
    assert blurred.mean() == pytest.approx(photographs.mean(), abs=2)
    assert blurred.std() < photographs.std() / 2


def test_a_change_there_is_not_is_refused_with_those_there_are(photographs):
    with pytest.raises(ValueError, match="'fog'.*brightness, blur, noise, rotation"):
        corrupt(photographs, "fog", 1)


def test_the_accuracy_without_a_change_is_that_of_evaluate(photographs):
    torch.manual_seed(0)
    net = Net(classes=3)
    pictures = ImageSet(photographs, [0, 1, 2, 0, 1, 2], NAMES, source="test")
    shares = accuracy_under(net, pictures, "noise")
    plain = evaluate(net, BatchLoader(pictures, 6)).accuracy
    assert shares[0].value == pytest.approx(plain) and shares[0].of == 6
    assert len(shares) == len(CORRUPTIONS["noise"].amounts)
    assert accuracy_under(net, pictures, "noise", most=4)[0].of == 4


def _texts(picture):
    found = [text.get_text() for text in picture.findobj(lambda part: hasattr(part, "get_text"))]
    return "\n".join(found)


def test_class_accuracies_are_sorted_and_an_empty_class_is_said():
    picture = figures.class_accuracy([0.25, float("nan"), 0.75], NAMES, 0.5)
    assert "Overall accuracy 50%. Best class: ship, 75%. Worst: cat, 25%." in picture.alt
    assert "Without images: dog." in picture.alt
    assert "no images" in _texts(picture)
    labels = [tick.get_text() for tick in picture.axes[0].get_yticklabels()]
    assert labels == ["ship", "cat", "dog"]


def test_no_class_with_pictures_at_all_is_no_crash():
    picture = figures.class_accuracy([float("nan")] * 3, NAMES, float("nan"))
    assert picture.alt == "There is no image of any class."


def test_a_confusion_matrix_names_the_most_frequent_mistake():
    matrix = np.array([[5, 3, 0], [1, 6, 0], [0, 0, 0]])
    picture = figures.confusion(matrix, NAMES)
    assert "11 of 15 on the diagonal" in picture.alt
    assert "cat predicted as dog, 3 times" in picture.alt
    assert picture.png()


def test_a_matrix_without_a_mistake_names_none():
    assert "mistake" not in figures.confusion(np.eye(3, dtype=int), NAMES).alt


def test_the_surest_mistakes_are_listed():
    picture = figures.most_wrong(IMAGES[:1], ["cat"], ["dog"], [0.987])
    assert "cat predicted as dog (99% sure)" in picture.alt
    assert "is: cat" in _texts(picture)


def test_no_mistake_is_said():
    assert figures.most_wrong(IMAGES[:0], [], [], []).alt == "There is no mistake to show."


@pytest.mark.parametrize(("classes", "shown"), [(3, 3), (8, 5)])
def test_an_answer_shows_the_five_likeliest_at_most(classes, shown):
    probabilities = np.arange(1, classes + 1) / sum(range(1, classes + 1))
    names = [f"class {k}" for k in range(classes)]
    picture = figures.answer(IMAGES[0], probabilities, names)
    assert picture.alt.count("%") == shown
    assert f"predictions: class {classes - 1} " in picture.alt


def test_scores_name_best_and_worst_and_classes_without_pictures_or_answers():
    matrix = np.array([[8, 2, 0, 0], [5, 5, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    names = [*NAMES, "yak"]
    picture = figures.class_scores(recall(matrix), precision(matrix), names)
    assert "Recall: from 0% (ship; 0 of 1, so 0% to 79%) to 80% (cat; 8 of 10" in picture.alt
    assert "Without images: yak." in picture.alt
    assert "Never predicted: ship, yak." in picture.alt
    labels = [tick.get_text() for tick in picture.axes[0].get_yticklabels()]
    assert labels == ["cat", "dog", "ship", "yak"]
    assert _texts(picture).count("none counted") == 3
    assert picture.png()


@pytest.mark.parametrize(
    ("confidence", "verdict"), [(0.99, "too sure"), (0.6, "not as sure"), (0.8, "as often correct")]
)
def test_a_reliability_diagram_says_who_is_too_sure(confidence, verdict):
    targets = (torch.arange(500) % 5 == 0).long()  # 0 is right 4 times in 5
    probabilities = torch.tensor([[confidence, 1 - confidence]]).repeat(500, 1)
    result = Evaluation(0.0, 0.8, probabilities.argmax(1), targets, probabilities)
    picture = figures.reliability(calibration(result))
    assert f"{confidence:.1%} on average, and the accuracy 80.0%" in picture.alt
    assert verdict in picture.alt and picture.png()


def test_scores_of_one_class_are_said_once():
    shares = [Share(1, 2), Share(0, 0)]
    alt = figures.class_scores(shares, shares, ["cat", "dog"]).alt
    assert "Recall: 50% (cat; 1 of 2, so" in alt and "from" not in alt
