"""Pictures for the browser are packed by our own few lines, and read back by Pillow."""

import io

import numpy as np
import pytest
from PIL import Image

from labkit.explorers.shared.pixels import to_png


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (33, 44, 3), (300, 1, 3)])
def test_every_pixel_comes_back(shape):
    levels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    image = Image.fromarray(levels)
    back = Image.open(io.BytesIO(to_png(image)))
    assert back.format == "PNG" and back.mode == image.mode
    assert np.array_equal(back, levels)


def test_a_palette_stays():
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).convert("P")
    image.putpalette([level for n in range(256) for level in (n, 255 - n, 7)])
    back = Image.open(io.BytesIO(to_png(image)))
    assert back.mode == "P"
    assert np.array_equal(back.convert("RGB"), image.convert("RGB"))
