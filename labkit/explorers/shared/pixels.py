"""Draw with Pillow what is made of pixels: fast enough to keep pace with a slider.

Lengths are in pixels on the screen; the images have ``SCALE`` times as many, to be crisp.
"""

import io
import struct
import zlib
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from labkit.plots.base import INK, ORANGE

SCALE = 2
WHITE, MUTED = "#ffffff", "#5c5c5c"


def fit(levels: np.ndarray, side: int) -> Image.Image:
    """Return pixels ``[H, W]`` or ``[H, W, 3]`` as large as fits into a square of ``side``."""
    height, width = levels.shape[:2]
    scale = side * SCALE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    way = Image.Resampling.NEAREST if max(height, width) <= side else Image.Resampling.BOX
    return Image.fromarray(np.ascontiguousarray(levels)).resize(size, way)


def frame(draw: ImageDraw.ImageDraw, box, *, colours=(WHITE, ORANGE)) -> None:
    """Draw an orange frame with a white rim around ``box`` (left, top, right, bottom)."""
    for grow, colour in zip((3, 2), colours, strict=True):
        left, top = (SCALE * (side - grow) for side in box[:2])
        right, bottom = (SCALE * (side + grow) - 1 for side in box[2:])
        draw.rectangle([round(left), round(top), round(right), round(bottom)], None, colour, 4)


def write(
    draw: ImageDraw.ImageDraw, text: str, at: tuple[float, float], size: int = 11, **options
) -> None:
    """Write ``text`` at x and y, ``size`` high; ``fill`` and ``anchor`` as in Pillow."""
    options.setdefault("fill", 26 if draw.mode == "L" else INK)
    x, y = at
    draw.text((SCALE * x, SCALE * y), text, font=_font(size), **options)


def to_png(image: Image.Image) -> bytes:
    """Return an image of mode P, L or RGB as PNG bytes, packed quickly rather than small.

    Pillow tries five filters on every row of L and RGB, which takes longer than all the rest.
    Here each row is stored as its difference from the one above (filter 2, "Up").
    """
    if image.mode == "P":  # Pillow does not filter these
        buffer = io.BytesIO()
        image.save(buffer, format="PNG", compress_level=1)
        return buffer.getvalue()
    rows = np.asarray(image).reshape(image.height, -1)
    filtered = np.empty((len(rows), 1 + rows.shape[1]), dtype=np.uint8)
    filtered[:, 0], filtered[0, 1:] = 2, rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    colour_type = {"L": 0, "RGB": 2}[image.mode]
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">2I5B", *image.size, 8, colour_type, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(filtered.data, 1)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk as https://www.w3.org/TR/png-3/#5Chunk-layout lays it out."""
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font of our figures, which comes with matplotlib and knows most alphabets."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), SCALE * size)
