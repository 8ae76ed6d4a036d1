"""The batch loader against ``DataLoader``, and what a resumed training needs of it."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Subset

from labkit.data.loaders import BatchLoader
from labkit.display import ExplainedError


class Images(Dataset):
    """Images in memory, one PIL image per item, as torchvision's own sets are made."""

    def __init__(self, count: int, transform=None):
        generator = np.random.default_rng(0)
        self.data = generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        self.targets = generator.integers(0, 10, count).tolist()
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, item):
        image = Image.fromarray(self.data[item])
        return self.transform(image) if self.transform else image, self.targets[item]


def normalise(mean, std):
    from torchvision import transforms

    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])


def add_noise(images, generator):
    return images + torch.rand(len(images), 1, 1, 1, generator=generator)


def assert_same(ours, theirs):
    pairs = itertools.zip_longest(ours, theirs)
    for (images, labels), (expected_images, expected_labels) in pairs:
        assert torch.equal(images, expected_images) and images.is_contiguous()
        assert torch.equal(labels, expected_labels) and labels.dtype == torch.int64


@pytest.mark.parametrize("batch_size", [1, 4, 7, 1500, 5000])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_are_those_of_a_dataloader_in_the_same_order(batch_size, drop_last):
    mean, std = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
    image_set = Images(2100, normalise(mean, std))
    loader = BatchLoader(image_set, batch_size, mean=mean, std=std, drop_last=drop_last)
    reference = DataLoader(image_set, batch_size, drop_last=drop_last)
    assert len(loader) == len(reference) == len(list(loader))
    assert_same(loader, reference)


def test_a_shuffled_epoch_agrees_with_a_dataloader_given_its_order():
    image_set = Images(1300, normalise((0.5,) * 3, (0.5,) * 3))
    loader = BatchLoader(image_set, 4, shuffle=True, seed=3)
    expected = torch.randperm(1300, generator=torch.Generator().manual_seed(3 + 2))
    assert torch.equal(loader.order(2), expected)
    loader.set_epoch(2)
    assert_same(loader, DataLoader(image_set, 4, sampler=expected.tolist()))


def test_every_pass_takes_the_next_epoch_and_every_epoch_visits_every_image_once():
    loader = BatchLoader(Images(50), 4, shuffle=True)
    passes = [torch.cat([images for images, _ in loader]) for _ in range(2)]
    assert not torch.equal(*passes)
    assert torch.equal(passes[0].flatten(1).sum(1).sort()[0], passes[1].flatten(1).sum(1).sort()[0])
    loader.set_epoch(0)
    assert torch.equal(torch.cat([images for images, _ in loader]), passes[0])
    assert loader.epoch == 1


def test_an_epoch_is_repeated_bit_for_bit():
    loader = BatchLoader(Images(2100), 4, shuffle=True, mirror=True, augment=add_noise)
    loader.set_epoch(5)
    whole = list(loader)
    assert loader.epoch == 6
    loader.set_epoch(5)
    assert_same(loader, whole)


def test_augmentation_differs_between_chunks_and_between_epochs():
    loader = BatchLoader(Images(2048), 1024, augment=lambda x, g: torch.rand(x.shape, generator=g))
    first, second, third, fourth = (images for images, _ in [*loader, *loader])
    assert len({float(images.sum()) for images in (first, second, third, fourth)}) == 4


def test_mirroring_shows_each_image_both_ways_in_two_epochs():
    image_set = Images(1500)
    plain = torch.cat([images for images, _ in BatchLoader(image_set, 100)])
    loader = BatchLoader(image_set, 100, mirror=True)
    first, second = (torch.cat([images for images, _ in loader]) for _ in range(2))
    assert torch.equal(first, second.flip(3))
    same = [torch.equal(*pair) for pair in zip(first, plain, strict=True)]
    mirrored = [torch.equal(*pair) for pair in zip(first, plain.flip(3), strict=True)]
    assert all(one != other for one, other in zip(same, mirrored, strict=True))
    assert 600 < sum(mirrored) < 900


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, "4", None, True])
def test_a_batch_size_that_is_no_count_is_refused_in_words(batch_size):
    with pytest.raises(ExplainedError, match=f"{batch_size!r}.*1 or more"):
        BatchLoader(Images(8), batch_size)


def test_a_subset_of_a_subset_gives_its_own_images():
    image_set = Images(60, normalise((0.5,) * 3, (0.5,) * 3))
    subset = Subset(Subset(image_set, range(10, 40)), [3, 1, 2, 20, 7])
    assert_same(BatchLoader(subset, 2), DataLoader(subset, 2))


def test_the_shards_of_three_processes_make_up_the_batches_of_one():
    image_set = Images(100)
    whole = BatchLoader(image_set, 12, shuffle=True, drop_last=True)
    shards = [
        BatchLoader(image_set, 4, shuffle=True, drop_last=True, shard=(rank, 3))
        for rank in range(3)
    ]
    assert len(whole) == 8 and all(len(shard) == 8 for shard in shards)
    for (images, labels), *parts in zip(whole, *shards, strict=True):
        for rank, (part_images, part_labels) in enumerate(parts):
            assert torch.equal(part_images, images[rank::3])
            assert torch.equal(part_labels, labels[rank::3])


def test_no_more_than_one_chunk_of_floats_is_alive():
    loader = BatchLoader(Images(4096), 64, shuffle=True)
    largest = max(images.untyped_storage().nbytes() for images, _ in loader)
    assert largest <= 1024 * 3 * 32 * 32 * 4


def test_the_data_set_is_not_changed():
    image_set = Images(40)
    before = image_set.data.copy()
    for images, _ in BatchLoader(image_set, 8):
        images.zero_()
    assert np.array_equal(image_set.data, before)
