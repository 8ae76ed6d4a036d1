"""A set of images behaves like torchvision's CIFAR10."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from labkit.data import ImageSet


def images(n: int = 12) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


def image_set(**options) -> ImageSet:
    return ImageSet(images(), np.arange(12) % 3, ("cat", "dog", "frog"), source="x", **options)


@pytest.fixture
def mapped(tmp_path):
    np.save(tmp_path / "a.npy", images(1_000))
    data = np.asarray(np.load(tmp_path / "a.npy", mmap_mode="c"))
    return ImageSet(data, np.arange(1_000) % 2, ("cat", "dog"), source="x")


def test_an_item_is_an_image_and_its_label():
    image, label = image_set()[4]
    assert isinstance(image, Image.Image) and image.mode == "RGB" and image.size == (32, 32)
    assert np.array_equal(image, images()[4])
    assert type(label) is int and label == 1


def test_a_transform_is_applied_to_the_image():
    both = image_set(transform=transforms.ToTensor())
    image, label = both[5]
    assert image.shape == (3, 32, 32) and image.dtype == torch.float32
    assert label == 2


def test_the_classes_are_counted_and_named():
    found = image_set()
    assert found.classes == ["cat", "dog", "frog"]
    assert found.class_to_idx == {"cat": 0, "dog": 1, "frog": 2}
    assert found.targets == [0, 1, 2] * 4


def test_it_ends_where_it_ends():
    assert len(list(image_set())) == 12
    with pytest.raises(IndexError):
        image_set()[12]


def test_a_worker_gets_the_name_of_the_file_and_maps_it_again(mapped):
    sent = pickle.dumps(mapped)
    assert len(sent) < 10_000
    received = pickle.loads(sent)
    assert np.array_equal(received.data, mapped.data)
    assert received.targets == mapped.targets


def test_a_worker_gets_the_images_that_a_learner_changed(mapped, tmp_path):
    mapped.data[3] = 0
    assert (pickle.loads(pickle.dumps(mapped)).data[3] == 0).all()
    assert np.load(tmp_path / "a.npy")[3].any()  # the file is as it was


def test_a_worker_gets_the_images_that_a_learner_kept(mapped):
    mapped.data = mapped.data[10:20]
    assert np.array_equal(pickle.loads(pickle.dumps(mapped)).data, mapped.data)


def test_it_tells_what_it_is():
    told = repr(image_set(split="train", transform=transforms.ToTensor()))
    for word in ("train", "12 images", "32 x 32", "3 classes: cat, dog, frog", "ToTensor()"):
        assert word in told
