"""One picture from outside: open it safely and make it 32 x 32 RGB."""

import io
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from labkit.display import ExplainedError
from labkit.text import _

PIXELS_AT_MOST = 25_000_000
"""Larger pictures are refused before they are decoded: 12,000 x 12,000 would take 824 MB."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "MPO", "AVIF", "ICO")
"""The common ones. Left out are those that start another program (EPS) or fetch a file."""

_DAMAGED = (
    *(OSError, ValueError, TypeError, SyntaxError, RuntimeError),  # seen with flipped bytes
    *(LookupError, ArithmeticError, EOFError, MemoryError, struct.error, zlib.error),
)
"""What decoders raise on damaged files."""


class ImageError(ExplainedError):
    """A picture that cannot be used; the message says why in one sentence."""


def read_image(
    source: str | os.PathLike | bytes, *, size: int = 32, name: str | None = None
) -> np.ndarray:
    """Open a picture from a path or from its bytes; return uint8 ``[size, size, 3]``, RGB.

    The picture is turned as its camera noted, its first frame taken, transparency laid on
    white, and its centre square resized. Raise ``ImageError``, which calls the picture
    ``name``, where it is not a picture, is damaged, or has more than ``PIXELS_AT_MOST`` pixels
    (looked at before it is decoded).
    """
    raw = isinstance(source, bytes | bytearray | memoryview)
    name = name or (_("The picture") if raw else str(source))
    if not raw and not os.path.isfile(source):
        raise ImageError(_("{name}: there is no such file.").format(name=name))
    try:
        with Image.open(io.BytesIO(source) if raw else source, formats=_formats()) as image:
            if image.width * image.height > PIXELS_AT_MOST:
                raise ImageError(_too_large(name))
            image.draft(None, (8 * size, 8 * size))  # a large JPEG is decoded at a fraction
            return np.asarray(_centre(_rgb(ImageOps.exif_transpose(image)), size))
    except ImageError:
        raise
    except UnidentifiedImageError:
        text = _("{name}: not a picture in a format that can be read here ({formats}).")
        raise ImageError(text.format(name=name, formats=", ".join(_formats()))) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(_too_large(name)) from None
    except _DAMAGED as error:
        reason = str(error) or type(error).__name__
        text = _("{name}: damaged, it cannot be read ({reason}).")
        raise ImageError(text.format(name=name, reason=reason)) from None


def _formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _too_large(name: str) -> str:
    return _("{name}: more than {limit} million pixels, make it smaller first.").format(
        name=name, limit=PIXELS_AT_MOST // 1_000_000
    )


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale grey values of 16 bits (0-65535), or floats (0-1), to 0-255."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    full = 65_535 if image.mode.startswith("I") else 1.0
    scaled = np.clip(values * (255 / max(full, values.max())), 0, 255)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _centre(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return square.resize((size, size), Image.Resampling.LANCZOS)
