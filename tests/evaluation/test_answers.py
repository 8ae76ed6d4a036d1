"""The learner's 24 answers: as they are typed, on disk, and read again in another notebook."""

import json

import numpy as np
import pytest

from labkit.data import ImageSet
from labkit.evaluation import answers
from labkit.evaluation.answers import keep_answers, kept_answers
from tests.checks.exercises import source

CLASSES = ["airplane", "cat", "deer", "dog", "palm tree", "Ship"]
NAMES = ["cat", "dog", "Ship", "palm tree"] * 6


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_CHECKPOINTS", str(tmp_path / "checkpoints"))


def images(count=30, classes=CLASSES, source="drawn", seed=0):
    data = np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return ImageSet(data, [0] * count, classes, source=source)


def test_answers_are_kept_for_the_next_notebook():
    assert kept_answers(images()) is None
    assert keep_answers(NAMES, images()) == NAMES
    assert kept_answers(images()) == NAMES


def test_new_answers_replace_the_old_ones_and_nothing_else_is_left_in_the_folder():
    keep_answers(NAMES, images())
    keep_answers(["deer"] * 24, images())
    assert kept_answers(images()) == ["deer"] * 24
    assert [file.name for file in answers.path().parent.iterdir()] == [answers.FILE]


@pytest.mark.parametrize(
    "typed",
    [
        ", ".join(NAMES),
        "cat,dog;ship, PALM TREE," * 6,
        "\n c, do,\tSh,  palm ,\n" * 6,
        ("cat", "dog", "SHIP ", "palm tree") * 6,
    ],
)
def test_names_may_be_typed_in_many_ways(typed):
    assert keep_answers(typed, images()) == NAMES


def test_without_commas_or_lines_every_space_separates():
    assert keep_answers("cat dog\nship palm\n" * 6, images()) == NAMES


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("cat, dog", "24 images, and you typed 2 names"),
        ("cat", "you typed 1 name."),
        ("", "you typed 0 names"),
        (NAMES + ["cat"], "you typed 25 names"),
        (["cat"] * 23 + ["unicorn"], "Image 24: 'unicorn' is not one of the classes. They are: "),
        (["d"] + ["cat"] * 23, "Image 1: 'd' is not one of the classes. Did you mean deer or dog?"),
        (["sihp"] + ["cat"] * 23, "Did you mean Ship?"),
        ([""] + ["cat"] * 23, "They are: airplane, cat"),
        ([3] + ["cat"] * 23, "'3'"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence_and_nothing_is_kept(typed, words):
    with pytest.raises(ValueError) as caught:
        keep_answers(typed, images())
    assert words in str(caught.value)
    assert kept_answers(images()) is None


def test_a_set_with_fewer_images_wants_fewer_names():
    few = images(count=3)
    assert keep_answers("cat, dog, cat", few) == ["cat", "dog", "cat"]
    assert kept_answers(few) == ["cat", "dog", "cat"]


@pytest.mark.parametrize(
    "other",
    [
        images(source="cifar10"),
        images(classes=[*CLASSES, "truck"]),
        images(seed=1),
        images(count=3),
        images(count=0),
    ],
)
def test_answers_to_other_images_are_not_these(other):
    keep_answers(NAMES, images())
    assert kept_answers(other) is None


def test_only_the_images_that_were_shown_have_to_be_the_same():
    keep_answers(NAMES, images())
    longer = images(count=40)
    longer.data[:30] = images().data
    assert kept_answers(longer) == NAMES


@pytest.mark.parametrize(
    "change",
    [
        {"answers": ["unicorn"] * 24},
        {"answers": [["cat"]] * 24},
        {"answers": [None] * 24},
        {"answers": "c" * 24},
        {"answers": NAMES[:5]},
        {"format": 2},
        {"source": 1},
        {"images": None},
    ],
)
def test_a_file_that_says_something_else_counts_as_none(change):
    keep_answers(NAMES, images())
    content = json.loads(answers.path().read_text())
    answers.path().write_text(json.dumps(content | change))
    assert kept_answers(images()) is None


@pytest.mark.parametrize(
    "damaged",
    [b"", b"\xff\xfe", b"{", b"null", b"[]", b"3", b"[" * 100_000, b"9" * 5_000, b'{"answers": 1}'],
)
def test_a_damaged_file_counts_as_none(damaged):
    answers.path().parent.mkdir()
    answers.path().write_bytes(damaged)
    assert kept_answers(images()) is None


def test_a_folder_in_place_of_the_file_counts_as_none_and_is_said_when_written(capsys):
    answers.path().mkdir(parents=True)
    assert kept_answers(images()) is None
    assert keep_answers(NAMES, images()) == NAMES
    assert "could not be kept for notebook 6" in capsys.readouterr().err
    assert list(answers.path().parent.iterdir()) == [answers.path()]


def test_exercise_1_of_notebook_0_counts_what_is_correct_and_keeps_it(capsys):
    cell = next(text for kind, text in source("setup") if kind == "code" and "keep_answers" in text)
    exec(cell, {"my_answers": "", "validation_set": images()})
    assert capsys.readouterr().out == "" and kept_answers(images()) is None
    typed = "airplane, " * 22 + "cat, dog"
    exec(cell, {"my_answers": typed, "validation_set": images()})
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "22 of 24 correct"
    assert said[1:] == [
        "image 23: you say cat, it is airplane",
        "image 24: you say dog, it is airplane",
    ]
    assert len(kept_answers(images())) == 24
