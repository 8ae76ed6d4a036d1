"""Pictures followed through transforms, beside the transforms themselves."""

import random

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from labkit.explorers.gallery.compute import Shown, follow, steps
from labkit.sandbox import randomness

PLAIN = [
    v2.ToImage(),
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize([0.5] * 3, [0.25] * 3),
]


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def generators():
    numbers = np.random.get_state()
    return random.getstate(), numbers[1].tolist(), numbers[2], torch.get_rng_state().tolist()


def test_every_stage_holds_what_the_transforms_up_to_it_give(picture):
    stages, complaints = follow(picture, v2.Compose(PLAIN))
    assert complaints == []
    assert [stage.name for stage in stages[1:]] == ["ToImage", "ToDtype", "Normalize"]
    for count, stage in enumerate(stages[1:], start=1):
        expected = v2.Compose(PLAIN[:count])(Image.fromarray(picture))
        assert stage.values.dtype == expected.numpy().dtype
        assert np.array_equal(stage.values, expected)
    assert np.array_equal(stages[0].values, picture.transpose(2, 0, 1))


def test_random_transforms_are_drawn_from_the_seed_and_marked(picture):
    transform = v2.Compose([v2.RandomCrop(32, padding=4), *PLAIN])
    first, again, other = (follow(picture, transform, seed=seed)[0] for seed in (1, 1, 2))
    assert [stage.random for stage in first] == [False, True, False, False, False]
    assert np.array_equal(first[-1].values, again[-1].values)
    assert not np.array_equal(first[-1].values, other[-1].values)
    with randomness.kept(1):
        assert np.array_equal(first[-1].values, transform(Image.fromarray(picture)))


def test_the_learners_random_numbers_are_left_alone(picture):
    def three(image):
        return [random.random(), np.random.rand(), torch.rand(1)] and image

    before = generators()
    stages, _complaints = follow(picture, three)
    assert stages[-1].random
    assert generators() == before


def test_a_transform_that_changes_its_tensor_in_place_leaves_earlier_stages(picture):
    stages, _complaints = follow(picture, v2.Compose([*PLAIN[:2], lambda image: image.mul_(0)]))
    assert stages[-2].values.max() > 0.9
    assert stages[-1].values.max() == 0


def test_a_transform_that_raises_is_said_and_what_came_before_it_stays(picture):
    wrong = v2.Compose([*PLAIN[:2], v2.Normalize([0.5, 0.5], [0.5, 0.5]), v2.Grayscale()])
    stages, (complaint,) = follow(picture, wrong)
    assert [stage.name for stage in stages] == ["the image", "ToImage", "ToDtype"]
    assert complaint.startswith("Normalize raises RuntimeError: ")


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        (v2.FiveCrop(8), "FiveCrop gives a result of the type tuple"),
        (v2.Compose([*PLAIN, torch.flatten]), "flatten gives float32 [3072]; an image has"),
        (v2.Resize(1000), "Resize gives PIL image, RGB; up to 512 pixels"),
        (v2.Compose([PLAIN[0], lambda image: image[:, :0]]), "<lambda> gives uint8 [3, 0, 32]"),
    ],
)
def test_what_is_no_picture_is_said_in_a_sentence(picture, transform, said):
    _stages, (complaint,) = follow(picture, transform)
    assert complaint.startswith(said)


def test_a_result_that_is_no_picture_does_not_end_the_way(picture):
    stages, complaints = follow(picture, v2.Compose([v2.FiveCrop(8), lambda crops: crops[0]]))
    assert len(complaints) == 1
    assert stages[-1].values.shape == (3, 8, 8)


def test_composes_within_composes_and_nn_sequential_come_apart():
    inner = v2.Compose(PLAIN[1:])
    outer = torch.nn.Sequential(PLAIN[0], inner)
    assert steps(outer) == PLAIN
    assert steps(None) == []
    assert steps(PLAIN[2]) == [PLAIN[2]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([3, 9], np.uint8), (0, 255)),
        (np.array([0.2, 1.0], np.float32), (0, 1)),
        (np.array([-0.2, 0.9], np.float32), (-1, 1)),
        (np.array([3.0, 40.0], np.float32), (0, 255)),
        (np.array([-1.5, 2.5], np.float32), (-1.5, 2.5)),
        (np.array([np.nan, np.inf, 0.5], np.float32), (0, 1)),
        (np.array([7.5, 7.5]), (7.5, 8.5)),
    ],
)
def test_black_and_white_are_chosen_by_the_values(values, expected):
    assert Shown("", "", values.reshape(1, 1, -1)).range == expected


def test_pictures_are_shown_from_black_to_white(picture):
    stages, _complaints = follow(picture, v2.Compose(PLAIN[:2]))
    assert np.array_equal(stages[-1].pixels(), picture)
