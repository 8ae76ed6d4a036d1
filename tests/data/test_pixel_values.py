"""Bytes and normalised images, to and fro."""

import numpy as np
import pytest
import torch
from torchvision import transforms

from labkit.data import denormalise, normalise

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)


def test_normalise_does_what_torchvision_does():
    theirs = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
    assert torch.equal(normalise(PIXELS[0]), theirs(PIXELS[0]))
    assert torch.equal(normalise(PIXELS), torch.stack([theirs(image) for image in PIXELS]))
    assert normalise(np.array([[[0, 255, 255]]], np.uint8)).flatten().tolist() == [-1, 1, 1]


@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (0.47, 0.25)])
def test_denormalise_brings_every_byte_back(mean, std):
    every = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(denormalise(normalise(every, mean, std), mean, std), every)


def test_what_lies_beyond_black_and_white_is_cut_off():
    assert denormalise(torch.tensor([-3.0, 0.0, 3.0]).view(3, 1, 1)).tolist() == [[[0, 128, 255]]]
