from fractions import Fraction

import numpy as np
import torch

from labkit.checks import tensors as check


def _swap_by_hand(image):
    swapped = image.clone()
    swapped[0], swapped[2] = image[2], image[0]
    return swapped


def _swap_with_loop(image):
    return [image[2 - channel].tolist() for channel in range(3)]


def _in_numpy(batch):
    array = batch.numpy()
    mean = array.mean(axis=(1, 2, 3), keepdims=True)
    return (array - mean) / array.std(axis=(1, 2, 3), keepdims=True)  # divides by n


def _flattened(batch):
    rows = batch.flatten(1)
    return ((rows - rows.mean(1, keepdim=True)) / rows.std(1, keepdim=True)).view_as(batch)


def _with_epsilon(batch):
    std = batch.std(dim=(1, 2, 3), keepdim=True)
    return (batch - batch.mean(dim=(1, 2, 3), keepdim=True)) / (std + 1e-8)


def _pasted(batch):
    _four, _three, height, width = batch.shape
    whole = torch.empty(3, 2 * height, 2 * width)
    for number, image in enumerate(batch):
        top, left = number // 2 * height, number % 2 * width
        whole[:, top : top + height, left : left + width] = image
    return whole


RIGHT = {
    check.swap_red_and_blue: [
        lambda image: image.flip(0),
        lambda image: image.numpy()[::-1],
        _swap_by_hand,
        _swap_with_loop,
    ],
    check.grey: [
        lambda image: 0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2],
        lambda image: torch.einsum("chw,c->hw", image, torch.tensor([0.299, 0.587, 0.114])),
        lambda image: np.tensordot([0.299, 0.587, 0.114], image.numpy(), axes=1),
        lambda image: (image.permute(1, 2, 0) @ torch.tensor([0.299, 0.587, 0.114])).tolist(),
    ],
    check.megabytes: [
        lambda pictures, bytes_each: pictures * 3072 * bytes_each / 10**6,
        lambda pictures, bytes_each: torch.tensor(pictures * 3 * 1024 * bytes_each) / 1e6,
        lambda n, size: np.prod([n, 3, 32, 32, size]) * 1e-6,
        lambda n, size: [n * 3 * 32 * 32 * size / 1000 / 1000],
        lambda n, size: Fraction(n * 3 * 32 * 32 * size, 1_000_000),
    ],
    check.standardise: [
        _in_numpy,
        _flattened,
        _with_epsilon,
        lambda batch: [(image - image.mean()) / image.std() for image in batch],
        lambda batch: torch.nn.functional.layer_norm(batch, batch.shape[1:], eps=0.0),
        torch.nn.GroupNorm(1, 3),
    ],
    check.mosaic: [
        _pasted,
        lambda b: np.block([[list(b.numpy())[0], b.numpy()[1]], [b.numpy()[2], b.numpy()[3]]]),
        lambda b: b.unflatten(0, (2, 2)).permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2),
    ],
}

WRONG = {
    check.swap_red_and_blue: (
        lambda image: image.flip(2),
        "This mirrors the image from left to right. The",
    ),
    check.grey: (
        lambda image: (image[0] + image[1] + image[2]) / 3,
        "This is the plain mean: every colour counts the",
    ),
    check.megabytes: (
        lambda n, size: n * 1024 * size / 1e6,
        "The colours are missing",
    ),
    check.standardise: (
        lambda batch: (batch - batch.mean()) / batch.std(),
        "The whole batch shares one mean and one",
    ),
    check.mosaic: (
        lambda b: b.reshape(3, 2 * b.shape[2], 2 * b.shape[3]),
        "The shape is right and the image is torn:",
    ),
}
