"""The evaluation studio, set from Python as a learner would in a browser."""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional

from labkit.data import ImageSet, normalise
from labkit.data.loaders import BatchLoader
from labkit.evaluation.corruptions import CORRUPTIONS, corrupt
from labkit.evaluation.scores import confusion_matrix, most_confused
from labkit.explorers.studio import EvaluationStudio
from labkit.explorers.studio.confusion_grid import NOWHERE
from labkit.model import Net
from labkit.training import Evaluation, evaluate

NAMES = ["cat", "dog", "ship", "yak"]
"""There is no image of a yak."""


def pictures(count, seed=0):
    numbers = np.random.default_rng(seed)
    data = numbers.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return ImageSet(data, numbers.integers(0, 3, count), NAMES, source="test")


def an_evaluation(test, seed=0):
    """Answers at random, so that there are mistakes of every kind."""
    logits = torch.randn(len(test), len(test.classes), generator=torch.manual_seed(seed))
    predictions, targets = logits.argmax(1), torch.tensor(test.targets)
    return Evaluation(
        functional.cross_entropy(logits, targets).item(),
        (predictions == targets).float().mean().item(),
        predictions,
        targets,
        logits.softmax(1),
    )


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Net(classes=len(NAMES))


@pytest.fixture
def studio(model):
    test = pictures(120)
    return EvaluationStudio(model, test, an_evaluation(test), pictures(60, seed=1))


def members(studio, truth, answer):
    pairs = zip(studio.result.targets.tolist(), studio.result.predictions.tolist(), strict=True)
    return {n for n, pair in enumerate(pairs) if pair == (truth, answer)}


def test_the_menus_open_a_cell_and_the_grid_follows(studio):
    studio.mistakes.truth.value = 2
    assert studio.mistakes.grid.settings["chosen"] == [2, -1]
    studio.mistakes.answer.value = 2
    assert studio.mistakes.grid.settings["chosen"] == [2, 2]
    assert set(studio.mistakes.found.tolist()) == members(studio, 2, 2)


def test_the_headers_open_all_mistakes_of_a_row_of_a_column_and_of_all(studio):
    mistakes, wrong = studio.mistakes, studio.result.predictions != studio.result.targets
    assert set(mistakes.found.tolist()) == set(wrong.nonzero().flatten().tolist())
    mistakes.grid.set(chosen=[1, -1])
    of_dogs = wrong & (studio.result.targets == 1)
    assert set(mistakes.found.tolist()) == set(of_dogs.nonzero().flatten().tolist())
    mistakes.grid.set(chosen=[-1, 1])
    called_dogs = wrong & (studio.result.predictions == 1)
    assert set(mistakes.found.tolist()) == set(called_dogs.nonzero().flatten().tolist())


def test_the_surest_picture_comes_first_and_its_probabilities_are_shown(studio):
    sure = studio.result.probabilities[studio.mistakes.found].max(dim=1).values
    assert torch.equal(sure, sure.sort(descending=True).values)
    index = studio.mistakes.index
    assert studio.mistakes.one.sentence.startswith(f"Image {index}: ")
    answer = NAMES[int(studio.result.predictions[index])]
    assert f"The network predicts {answer}, {sure[0]:.0%}" in studio.mistakes.bars.value


def test_a_click_on_the_sheet_frames_that_image_on_its_page(studio):
    mistakes = studio.mistakes
    page, columns = mistakes.sheet.page, mistakes.sheet.columns
    assert len(mistakes.found) > page + 2
    mistakes.sheet._handle_custom_msg({"pick": columns + 2}, [])
    assert mistakes.which.value == columns + 2 + 1
    mistakes.which.value = page + 1
    assert f"Shown: {page + 1} to" in mistakes.sheet.sentence
    mistakes.sheet._handle_custom_msg({"pick": 2}, [])
    assert mistakes.which.value == page + 2 + 1


def test_a_class_without_test_pictures_is_said(studio):
    studio.mistakes.grid.set(chosen=[3, 0])
    assert "no test images of the class yak" in studio.mistakes.sheet.sentence
    assert studio.mistakes.index is None and studio.mistakes.inside.disabled
    assert studio.mistakes.grid.scene["texts"][4][1:] == ["–"] * 4
    for tab in (1, 2):
        studio.tabs.selected_index = tab
        assert "No image is framed" in studio.message.value
    studio.tabs.selected_index = 0
    assert studio.message.value == ""
    studio.mistakes.go_to()
    studio.tabs.selected_index = 1
    assert studio.changes.before.sentence.startswith("Image ")


def test_a_class_without_mistakes_is_an_empty_sheet(model):
    test = pictures(30)
    targets = torch.tensor(test.targets)
    probabilities = functional.one_hot(targets, 4).float()
    perfect = Evaluation(0.0, 1.0, targets, targets, probabilities)
    studio = EvaluationStudio(model, test, perfect, test)
    assert studio.mistakes.sheet.sentence == "0 mistakes in all."
    assert studio.mistakes.sheet.images == b""


def test_the_feature_maps_are_those_of_the_framed_picture(studio, model):
    studio.mistakes.which.value = 5
    studio.mistakes.inside.click()
    assert studio.tabs.selected_index == 2
    picture = studio.test.data[studio.mistakes.index]
    with torch.no_grad():
        expected = model.conv1(normalise(picture)[None])[0].relu().numpy()
    np.testing.assert_allclose(studio.network.reading.lines[1].values, expected, atol=1e-5)
    studio.tabs.selected_index = 0
    studio.mistakes.which.value = 6
    studio.tabs.selected_index = 2
    assert np.array_equal(studio.network.choice.image, studio.test.data[studio.mistakes.index])


def test_a_changed_picture_gets_the_answer_that_the_model_gives_it(studio, model):
    studio.mistakes.change.click()
    changes = studio.changes
    for kind, change in CORRUPTIONS.items():
        changes.kind.value = kind
        changes.amount.value = len(change.amounts) - 1
        picture = studio.test.data[studio.mistakes.index]
        changed = corrupt(picture[None], kind, change.amounts[-1])[0]
        with torch.no_grad():
            expected = model(normalise(changed)[None])[0].softmax(0).numpy()
        np.testing.assert_allclose(changes.probabilities, expected, atol=1e-5)
        assert change.say(change.amounts[-1]) in changes.accuracy.value


def test_an_unchanged_validation_set_has_the_accuracy_that_evaluate_finds(studio, model):
    studio.mistakes.change.click()
    plain = CORRUPTIONS["brightness"].amounts.index(0)
    accuracy = evaluate(model, BatchLoader(studio.validation, 20)).accuracy
    assert studio.changes.measured["brightness"][plain].value == pytest.approx(accuracy)


def test_nothing_is_measured_before_it_is_looked_at(studio):
    assert studio.changes.measured == {} and studio.network is None


def test_of_many_classes_the_most_confused_are_in_the_grid_and_the_menus_have_all():
    names = [f"class {k}" for k in range(40)]
    numbers = np.random.default_rng(0)
    data = numbers.integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
    test = ImageSet(data, numbers.integers(0, 40, 200), names, source="test")
    studio = EvaluationStudio(Net(classes=40), test, an_evaluation(test), test)
    assert len(studio.mistakes.grid.scene["texts"]) == 1 + 10
    assert studio.mistakes.shown == most_confused(confusion_matrix(studio.result), 10)
    assert "10 of 40 classes" in studio.mistakes.part.value
    hidden = next(k for k in range(40) if k not in studio.mistakes.shown)
    studio.mistakes.go_to(hidden)
    assert (studio.result.targets[studio.mistakes.found] == hidden).all()
    assert studio.mistakes.grid.settings["chosen"] == NOWHERE


def test_an_evaluation_of_other_pictures_or_other_classes_is_refused(model):
    test = pictures(20)
    with pytest.raises(ValueError, match="not of these images"):
        EvaluationStudio(model, test, an_evaluation(pictures(20, seed=7)), test)
    wide = Net(classes=10)
    with pytest.raises(ValueError, match="has 10 classes, and the images have 4"):
        EvaluationStudio(wide, test, evaluate(wide, BatchLoader(test, 10)), test)


def test_answers_that_are_no_numbers_are_said_and_not_counted(model):
    test = pictures(20)
    broken = copy.deepcopy(model)
    with torch.no_grad():
        broken.fc3.bias[1] = float("nan")
    with pytest.raises(ValueError, match="For 20 of 20 images the network computes NaN"):
        EvaluationStudio(broken, test, evaluate(broken, BatchLoader(test, 10)), test)


def test_without_a_kernel_the_confusion_matrix_is_left(studio):
    bundle = studio._repr_mimebundle_()
    assert "on the diagonal" in bundle["text/plain"]
    assert bundle["text/html"].startswith("<img")


def test_the_model_is_left_as_it_was(studio, model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    for tab in (1, 2):
        studio.tabs.selected_index = tab
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
