from fractions import Fraction

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from labkit.checks import tensors as check
from tests.checks.exercises import own_progress  # noqa: F401


def _swap_by_hand(image):
    swapped = image.clone()
    swapped[0], swapped[2] = image[2], image[0]
    return swapped


def _swap_with_loop(image):
    return [image[2 - channel].tolist() for channel in range(3)]


def _swap_three_names(image):
    red, green, blue = image
    return torch.stack((blue, green, red))


SWAPS = [
    lambda image: image[[2, 1, 0]],
    lambda image: image.flip(0),
    lambda image: image.numpy()[::-1],
    _swap_by_hand,
    _swap_with_loop,
    _swap_three_names,
]


@pytest.mark.parametrize("answer", SWAPS)
def test_red_and_blue_may_be_swapped_in_any_way(answer):
    assert check.swap_red_and_blue(answer).solved


def _swap_without_clone(image):
    image[0], image[2] = image[2], image[0]
    return image


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (lambda image: image.flip(2), "image.flip(-1)"),
        (lambda image: torch.flip(image, (1,)), "image.flip(1)"),
        (_swap_without_clone, "swapped in place"),
        (lambda image: image.roll(1, 0), "image[[2, 0, 1]]"),
        (lambda image: image, "image"),
        (lambda image: image.flip(0).permute(1, 2, 0), "channels last"),
        (lambda image: image.flip(0)[None], "wrong shape"),
        (lambda image: image[:, [2, 1, 0]], "image[:, [2, 1, 0]]"),
        (lambda image: image[..., [2, 1, 0]], "image[..., [2, 1, 0]]"),
        (lambda image: image[::-1], "image[::-1]"),
        (lambda image: torch.zeros_like(image), ""),
    ],
)
def test_a_wrong_swap_is_recognised(answer, mistake):
    verdict = check.swap_red_and_blue(answer)
    assert not verdict.solved
    assert verdict.mistake == mistake


def _grey_by_pixels(image):
    _three, height, width = image.shape
    grey = torch.zeros(height, width)
    for row in range(height):
        for column in range(width):
            red, green, blue = image[:, row, column].tolist()
            grey[row, column] = 0.299 * red + 0.587 * green + 0.114 * blue
    return grey


GREYS = [
    lambda image: 0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2],
    lambda image: (image * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=0),
    lambda image: torch.einsum("chw,c->hw", image, torch.tensor([0.299, 0.587, 0.114])),
    lambda image: np.tensordot([0.299, 0.587, 0.114], image.numpy(), axes=1),
    lambda image: (image.permute(1, 2, 0) @ torch.tensor([0.299, 0.587, 0.114])).tolist(),
    _grey_by_pixels,
]


@pytest.mark.parametrize("answer", GREYS)
def test_grey_may_be_computed_in_any_way(answer):
    assert check.grey(answer).solved


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (lambda image: (image[0] + image[1] + image[2]) / 3, "image.mean(dim=0)"),
        (lambda image: image[0] + image[1] + image[2], "image.sum(dim=0)"),
        (
            lambda image: 0.114 * image[0] + 0.587 * image[1] + 0.299 * image[2],
            "(image * torch.tensor(BRIGHTNESS[::-1])[:, None, None]).sum(dim=0)",
        ),
        (
            lambda image: (image * torch.tensor([0.299, 0.587, 0.114])).sum(dim=0),
            "(image * torch.tensor(BRIGHTNESS)).sum(dim=0)",
        ),
        (v2.functional.rgb_to_grayscale, "wrong shape"),  # [1, H, W], weights almost the same
        (
            lambda image: (image * torch.tensor([[[0.299]], [[0.587]], [[0.114]]])).sum(),
            "(image * torch.tensor(BRIGHTNESS)[:, None, None]).sum()",
        ),
        (lambda image: image * [0.299, 0.587, 0.114], "image * list(BRIGHTNESS)"),
        (
            lambda i: 0.299 * i[1] + 0.587 * i[2] + 0.114 * i[3],
            "0.299 * image[1] + 0.587 * image[2] + 0.114 * image[3]",
        ),
        (lambda image: image[1], ""),
    ],
)
def test_a_wrong_grey_is_recognised(answer, mistake):
    verdict = check.grey(answer)
    assert not verdict.solved
    assert verdict.mistake == mistake


@pytest.mark.parametrize(
    "answer",
    [
        lambda pictures, bytes_each: pictures * 3072 * bytes_each / 10**6,
        lambda pictures, bytes_each: torch.tensor(pictures * 3 * 1024 * bytes_each) / 1e6,
        lambda n, size: np.prod([n, 3, 32, 32, size]) * 1e-6,
        lambda n, size: [n * 3 * 32 * 32 * size / 1000 / 1000],
        lambda n, size: Fraction(n * 3 * 32 * 32 * size, 1_000_000),
    ],
)
def test_megabytes_may_be_counted_in_any_way(answer):
    assert check.megabytes(answer).solved


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (lambda n, size: n * 1024 * size / 1e6, "images * 32 * 32 * bytes_each / 1e6"),
        (
            lambda n, size: n * 3072 * size / 1024 / 1024,
            "images * 3 * 32 * 32 * bytes_each / 2**20",
        ),
        (lambda n, size: n * 3072 * 4 / 1e6, "input unused"),
        (lambda n, size: n * 3072 / 1e6, "images * 3 * 32 * 32 / 1e6"),
        (lambda n, size: n * 3072 * size, "images * 3 * 32 * 32 * bytes_each"),
        (lambda n, size: round(n * 3072 * size / 1e6, 1), "rounded"),
        (lambda n, size: f"{n * 3072 * size / 1e6} MB", "text returned"),
    ],
)
def test_a_wrong_count_of_megabytes_is_recognised(answer, mistake):
    verdict = check.megabytes(answer)
    assert (verdict.state, verdict.mistake) == ("wrong", mistake)


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


@pytest.mark.parametrize(
    "answer",
    [
        _in_numpy,
        _flattened,
        _with_epsilon,
        lambda batch: [(image - image.mean()) / image.std() for image in batch],
        lambda batch: torch.nn.functional.layer_norm(batch, batch.shape[1:], eps=0.0),
        torch.nn.GroupNorm(1, 3),
    ],
)
def test_images_may_be_standardised_in_any_way(answer):
    verdict = check.standardise(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (
            lambda batch: (batch - batch.mean()) / batch.std(),
            "(batch - batch.mean()) / batch.std()",
        ),
        (
            lambda batch: (
                (batch - batch.mean((2, 3), keepdim=True)) / batch.std((2, 3), keepdim=True)
            ),
            "_per(batch, (2, 3))",
        ),
        (lambda batch: batch - batch.mean((1, 2, 3), keepdim=True), "only centred"),
        (
            lambda batch: (batch - batch.mean((1, 2, 3))) / batch.std((1, 2, 3)),
            "(batch - batch.mean(dim=(1, 2, 3))) / batch.std(dim=(1, 2, 3))",
        ),
        (
            lambda b: b - b.mean((1, 2, 3), keepdim=True) / b.std((1, 2, 3), keepdim=True),
            "without brackets",
        ),
        (lambda batch: (batch - 0.5) / 0.5, "(batch - 0.5) / 0.5"),
    ],
)
def test_a_wrong_standardisation_is_recognised(answer, mistake):
    verdict = check.standardise(answer)
    assert not verdict.solved
    assert verdict.mistake == mistake


def _pasted(batch):
    _four, _three, height, width = batch.shape
    whole = torch.empty(3, 2 * height, 2 * width)
    for number, image in enumerate(batch):
        top, left = number // 2 * height, number % 2 * width
        whole[:, top : top + height, left : left + width] = image
    return whole


@pytest.mark.parametrize(
    "answer",
    [
        _pasted,
        lambda b: torch.cat([torch.cat([b[0], b[1]], 2), torch.cat([b[2], b[3]], 2)], 1),
        lambda b: np.block([[list(b.numpy())[0], b.numpy()[1]], [b.numpy()[2], b.numpy()[3]]]),
        lambda b: b.unflatten(0, (2, 2)).permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2),
    ],
)
def test_a_mosaic_may_be_laid_in_any_way(answer):
    verdict = check.mosaic(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (
            lambda b: b.reshape(3, 2 * b.shape[2], 2 * b.shape[3]),
            "batch.reshape(3, 2 * batch.shape[2], 2 * batch.shape[3])",
        ),
        (
            lambda b: torch.cat([torch.cat([b[0], b[2]], 2), torch.cat([b[1], b[3]], 2)], 1),
            "_laid_out(batch, 2, 1, 3, 0, 4)",
        ),
        (lambda b: torch.cat([b[0], b[1], b[2], b[3]], 2), "torch.cat(list(batch), dim=2)"),
        (lambda b: torch.cat(tuple(b), dim=-2), "torch.cat(list(batch), dim=1)"),
        (lambda b: _pasted(b).permute(1, 2, 0), "channels last"),
    ],
)
def test_a_wrong_mosaic_is_recognised(answer, mistake):
    verdict = check.mosaic(answer)
    assert (verdict.state, verdict.mistake) == ("wrong", mistake)
