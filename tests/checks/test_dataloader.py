import random

import numpy as np
import torch
from torch.utils.data import DataLoader
from torchvision import transforms as v1
from torchvision.transforms import v2

from labkit.checks import dataloader as check

TENSOR = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
NORMALISE = v2.Normalize([0.5] * 3, [0.5] * 3)
FLIP = v2.RandomHorizontalFlip()


def _in_numpy(mean, std):
    def transform(picture):
        array = np.asarray(picture) / 255
        return ((array - mean) / std).transpose(2, 0, 1)

    return transform


def _with_numpy(pixels, labels):
    x, y = pixels.numpy(), labels.numpy()
    return np.argmax([x[y == c][..., 0].mean() for c in np.unique(y)])


def _own(picture):
    image = v2.Compose([*TENSOR, NORMALISE])(picture)
    return image.flip(-1) if np.random.rand() < 0.5 else image


def _as_a_list(dataset, batch_size, shuffle):
    numbers = list(range(len(dataset)))
    if shuffle:
        random.shuffle(numbers)
    result = []
    while numbers:
        taken, numbers = numbers[:batch_size], numbers[batch_size:]
        images = torch.cat([dataset[n][0].unsqueeze(0) for n in taken])
        result.append([images, torch.LongTensor([dataset[n][1] for n in taken])])
    return result


def _in_arrays(dataset, batch_size, shuffle):
    order = np.random.permutation(len(dataset)) if shuffle else np.arange(len(dataset))
    images = torch.stack([dataset[n][0] for n in order])
    labels = torch.tensor([dataset[n][1] for n in order])
    return zip(images.split(batch_size), labels.split(batch_size), strict=True)


class _Loader:
    def __init__(self, *settings):
        self.settings = settings

    def __iter__(self):
        return check.batches.solution(*self.settings)


def _in_two_orders(dataset, batch_size, shuffle):
    pick = torch.randperm if shuffle else torch.arange
    one, two = pick(len(dataset)), pick(len(dataset))
    images = torch.stack([dataset[n][0] for n in one])
    labels = torch.tensor([dataset[n][1] for n in two])
    yield from zip(images.split(batch_size), labels.split(batch_size), strict=True)


def test_no_batch_at_all_is_an_answer_like_others():
    def none_at_all(dataset, batch_size, shuffle):
        return []

    verdict = check.batches(none_at_all)
    assert verdict.state == "wrong"
    assert "never looks at `dataset`, `batch_size`, `shuffle`" in str(verdict)


RIGHT = {
    check.last_batch: [
        lambda n, b: (n - 1) % b + 1,
        lambda n, b: n - (np.ceil(n / b) - 1) * b,
        lambda n, b: [len(x) for x in DataLoader(range(n), b)][-1],
        lambda n, b: torch.tensor(n).sub(1).remainder(b).add(1),
    ],
    check.true_transform: [
        lambda mean, std: v2.Compose([*TENSOR, v2.Normalize(mean, std)]),
        _in_numpy,
        lambda mean, std: v2.Compose(
            [v2.PILToTensor(), v2.ConvertImageDtype(torch.float32), v2.Normalize(mean, std)]
        ),
        lambda mean, std: lambda p: v2.functional.normalize(v1.ToTensor()(p), mean, std),
    ],
    check.reddest: [_with_numpy],
    check.flipping: [
        v2.Compose([FLIP, *TENSOR, NORMALISE]),
        v2.Compose([*TENSOR, NORMALISE, FLIP]),
        v2.Compose([v2.RandomHorizontalFlip(p=0.5), v2.Compose([*TENSOR, NORMALISE])]),
        v1.Compose([v1.RandomHorizontalFlip(), v1.ToTensor(), v1.Normalize(0.5, 0.5)]),
        torch.nn.Sequential(FLIP, *TENSOR, NORMALISE),
        _own,
    ],
    check.batches: [_as_a_list, _in_arrays, _Loader],
}

WRONG = {
    check.true_transform: (
        lambda mean, std: v2.Compose([*TENSOR, NORMALISE]),
        "This uses 0.5 for all. Use the mean and std",
    ),
    check.reddest: (
        lambda x, y: torch.bincount(y, x[..., 0].double().sum((1, 2))).argmax(),
        "This adds up the red, so the class with most",
    ),
    check.flipping: (
        v2.Compose([v2.RandomVerticalFlip(), *TENSOR, NORMALISE]),
        "This turns images upside down. From left to",
    ),
    check.batches: (_in_two_orders, "shuffled separately"),
}
