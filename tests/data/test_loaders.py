"""The batch loader against ``DataLoader``, and what a resumed training needs of it."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Subset

from labkit.data.loaders import BatchLoader
from labkit.display import ExplainedError


class Pictures(Dataset):
    """Pictures in memory, one PIL image per item, as torchvision's own sets are made."""

    def __init__(self, count: int, transform=None):
        generator = np.random.default_rng(0)
        self.data = generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        self.targets = generator.integers(0, 10, count).tolist()
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, item):
        picture = Image.fromarray(self.data[item])
        return self.transform(picture) if self.transform else picture, self.targets[item]


def normalise(mean, std):
    from torchvision import transforms

    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])


def add_noise(images, generator):
    return images + torch.rand(len(images), 1, 1, 1, generator=generator)


def assert_same(ours, theirs):
    pairs = itertools.zip_longest(ours, theirs)
    for (images, labels), (expected_images, expected_labels) in pairs:
        assert torch.equal(images, expected_images)
        assert torch.equal(labels, expected_labels)


@pytest.mark.parametrize("batch_size", [1, 4, 7, 1500, 5000])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_are_those_of_a_dataloader_in_the_same_order(batch_size, drop_last):
    mean, std = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
    pictures = Pictures(2100, normalise(mean, std))
    loader = BatchLoader(pictures, batch_size, mean=mean, std=std, drop_last=drop_last)
    reference = DataLoader(pictures, batch_size, drop_last=drop_last)
    assert len(loader) == len(reference) == len(list(loader))
    assert_same(loader, reference)


def test_a_shuffled_epoch_agrees_with_a_dataloader_given_its_order():
    pictures = Pictures(1300, normalise((0.5,) * 3, (0.5,) * 3))
    loader = BatchLoader(pictures, 4, shuffle=True, seed=3)
    expected = torch.randperm(1300, generator=torch.Generator().manual_seed(3 + 2))
    assert torch.equal(loader.order(2), expected)
    loader.set_epoch(2)
    assert_same(loader, DataLoader(pictures, 4, sampler=expected.tolist()))


def test_images_are_float32_between_minus_one_and_one_and_labels_int64():
    images, labels = next(iter(BatchLoader(Pictures(10), 4)))
    assert images.shape == (4, 3, 32, 32) and images.dtype == torch.float32
    assert images.is_contiguous() and images.min() >= -1 and images.max() <= 1
    assert labels.shape == (4,) and labels.dtype == torch.int64


def test_every_pass_takes_the_next_epoch_and_every_epoch_visits_every_picture_once():
    loader = BatchLoader(Pictures(50), 4, shuffle=True)
    passes = [torch.cat([images for images, _ in loader]) for _ in range(2)]
    assert not torch.equal(*passes)
    assert torch.equal(passes[0].flatten(1).sum(1).sort()[0], passes[1].flatten(1).sum(1).sort()[0])
    loader.set_epoch(0)
    assert torch.equal(torch.cat([images for images, _ in loader]), passes[0])
    assert loader.epoch == 1


@pytest.mark.parametrize("start", [0, 1, 255, 256, 257, 524, 525])
def test_an_epoch_taken_up_at_any_batch_goes_on_bit_for_bit(start):
    loader = BatchLoader(Pictures(2100), 4, shuffle=True, mirror=True, augment=add_noise)
    loader.set_epoch(5)
    whole = list(loader)
    loader.set_epoch(5, start=start)
    assert_same(loader, whole[start:])
    assert (loader.epoch, loader.start) == (6, 0)


def test_augmentation_differs_between_chunks_and_between_epochs():
    loader = BatchLoader(
        Pictures(2048), 1024, augment=lambda x, g: torch.rand(x.shape, generator=g)
    )
    first, second, third, fourth = (images for images, _ in [*loader, *loader])
    assert len({float(images.sum()) for images in (first, second, third, fourth)}) == 4


def test_mirroring_shows_each_picture_both_ways_in_two_epochs():
    pictures = Pictures(1500)
    plain = torch.cat([images for images, _ in BatchLoader(pictures, 100)])
    loader = BatchLoader(pictures, 100, mirror=True)
    first, second = (torch.cat([images for images, _ in loader]) for _ in range(2))
    assert torch.equal(first, second.flip(3))
    same = [torch.equal(*pair) for pair in zip(first, plain, strict=True)]
    mirrored = [torch.equal(*pair) for pair in zip(first, plain.flip(3), strict=True)]
    assert all(one != other for one, other in zip(same, mirrored, strict=True))
    assert 600 < sum(mirrored) < 900


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, "4", None, True])
def test_a_batch_size_that_is_no_count_is_refused_in_words(batch_size):
    with pytest.raises(ExplainedError, match=f"{batch_size!r}.*1 or more"):
        BatchLoader(Pictures(8), batch_size)


def test_a_subset_of_a_subset_gives_its_own_pictures():
    pictures = Pictures(60, normalise((0.5,) * 3, (0.5,) * 3))
    subset = Subset(Subset(pictures, range(10, 40)), [3, 1, 2, 20, 7])
    assert_same(BatchLoader(subset, 2), DataLoader(subset, 2))


def test_the_shards_of_three_processes_make_up_the_batches_of_one():
    pictures = Pictures(100)
    whole = BatchLoader(pictures, 12, shuffle=True, drop_last=True)
    shards = [
        BatchLoader(pictures, 4, shuffle=True, drop_last=True, shard=(rank, 3)) for rank in range(3)
    ]
    assert len(whole) == 8 and all(len(shard) == 8 for shard in shards)
    for (images, labels), *parts in zip(whole, *shards, strict=True):
        for rank, (part_images, part_labels) in enumerate(parts):
            assert torch.equal(part_images, images[rank::3])
            assert torch.equal(part_labels, labels[rank::3])


def test_no_more_than_one_chunk_of_floats_is_alive():
    loader = BatchLoader(Pictures(4096), 64, shuffle=True)
    largest = max(images.untyped_storage().nbytes() for images, _ in loader)
    assert largest <= 1024 * 3 * 32 * 32 * 4


def test_the_data_set_is_not_changed():
    pictures = Pictures(40)
    before = pictures.data.copy()
    for images, _ in BatchLoader(pictures, 8):
        images.zero_()
    assert np.array_equal(pictures.data, before)
