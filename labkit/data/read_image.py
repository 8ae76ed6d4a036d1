"""Open one image file safely and make it 32 x 32 RGB, whatever its size, mode and format."""

import contextlib
import io
import logging
import os
import re
import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Generator
from concurrent.futures import Executor

import numpy as np
from PIL import Image, UnidentifiedImageError

from labkit.display import ExplainedError
from labkit.text import _

SIDE = 32
"""Pixels of a side of what comes out."""

PIXELS_AT_MOST = 25_000_000
"""More pixels than this are not decoded: 12,000 x 12,000 would take 824 MB."""

LARGE = 4_000_000
"""Images of more pixels are left to a few threads: 25 million take 100 MB."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "MPO", "AVIF", "ICO", "HEIF")
"""The common ones. Left out are those that start another program (EPS) or fetch a file."""

_KINDS = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG",
    "GIF": rb"GIF8",
    "BMP": rb"BM.{4}\0\0\0\0",
    "WEBP": rb"RIFF.{4}WEBP",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "AVIF": rb".{4}ftyp.{0,40}?avi[fs]",
    "HEIC": rb".{4}ftyp.{0,40}?(hei[cxms]|hev[cxms]|mif1|msf1)",
    "JPEG 2000": rb"\0\0\0\x0cjP|\xff\x4f\xff\x51",
    "JPEG XL": rb"\0\0\0\x0cJXL|\xff\x0a",
    "PDF": rb"%PDF",
    "Photoshop": rb"8BPS",
    "SVG": rb"\s*(<\?xml.{0,500}?)?<svg",
}
"""How files of a kind begin, also of kinds that cannot be read here."""

_DAMAGED = (
    *(OSError, ValueError, TypeError, SyntaxError, RuntimeError),  # seen with flipped bytes
    *(LookupError, ArithmeticError, EOFError, MemoryError, struct.error, zlib.error),
)
"""What decoders raise on damaged files."""

_UNDO = {number: Image.Transpose(turn) for number, turn in enumerate((0, 3, 1, 5, 4, 6, 2), 2)}
"""What turns an image upright, by the number that the camera noted (EXIF, orientation)."""


class ImageError(ExplainedError):
    """An image file that cannot be used; the message says why in one sentence."""


def read_image(source: str | os.PathLike | bytes, *, name: str | None = None) -> np.ndarray:
    """Open an image from a path or from its bytes; return uint8 ``[32, 32, 3]``, RGB.

    The image is turned upright as its camera noted, its first frame is used, transparent parts
    become white, and its centre square is resized. Greys of 16 bits that stay below 256, 1,024
    or 4,096 are read as 8, 10 or 12 bits, and floats as 0 to 1, or to their maximum.

    Raise ``ImageError``, which calls the file ``name``, where it is no image, is damaged, or
    would be decoded to more than ``PIXELS_AT_MOST`` pixels (a JPEG is decoded at a fraction).
    """
    raw = isinstance(source, bytes | bytearray | memoryview)
    name = name or (_("The image") if raw else str(source))
    with quiet():
        return decode(io.BytesIO(source) if raw else source, name)


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Keep Pillow's warnings about damaged metadata out of a notebook.

    For one thread at a time: its threads may call ``decode`` inside.
    """
    logger = logging.getLogger("PIL")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            logger.setLevel(level)


def decode(
    file: str | os.PathLike | io.BytesIO, name: str, large: Executor | None = None
) -> np.ndarray:
    """Do what ``read_image`` does inside of ``quiet``, in any thread.

    More than ``LARGE`` pixels are decoded by ``large``: few threads, because each keeps the
    memory that its largest image took.
    """
    kind = _kind(file, name)
    try:
        with Image.open(file, formats=_formats(kind)) as image:
            whole = image.width * image.height
            image.draft(None, (8 * SIDE, 8 * SIDE))  # a large JPEG is decoded at a fraction
            pixels = image.width * image.height
            if image.info.get("progressive"):  # all of it is in memory first, as 16-bit numbers
                pixels = max(pixels, whole // 2)
            if pixels > PIXELS_AT_MOST:
                raise ImageError(_too_large(name, kind))
            if large is not None and pixels > LARGE:
                return large.submit(_pixels, image).result()
            return _pixels(image)
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(_too_large(name, kind)) from None
    except UnidentifiedImageError:
        raise ImageError(_unknown(name, kind)) from None
    except _DAMAGED as error:
        reason = str(error) or type(error).__name__
        if kind and re.search(
            "unsupported|not supported|unknown|unrecogni|not avail", reason, re.I
        ):
            raise ImageError(_unknown(name, kind)) from None
        text = _("{name}: damaged, it cannot be read ({reason}).")
        raise ImageError(text.format(name=name, reason=reason)) from None


def _kind(file: str | os.PathLike | io.BytesIO, name: str) -> str:
    """Return what the first bytes say, "" where they say nothing; raise where there are none."""
    try:
        if isinstance(file, io.BytesIO):
            head = file.getbuffer()[:700].tobytes()
        elif not stat.S_ISREG(os.stat(file).st_mode):
            raise FileNotFoundError
        else:
            with open(file, "rb") as opened:
                head = opened.read(700)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a path with a 0 byte
        raise ImageError(_("{name}: there is no such file.").format(name=name)) from None
    except OSError as error:
        text = _("{name}: it cannot be opened ({reason}).")
        raise ImageError(text.format(name=name, reason=error.strerror)) from None
    return next((kind for kind, start in _KINDS.items() if re.match(start, head, re.DOTALL)), "")


def _formats(kind: str) -> list[str]:
    Image.init()
    if kind == "HEIC":
        with contextlib.suppress(ImportError):  # it is large: used where it is installed
            from pillow_heif import register_heif_opener  # ty: ignore[import-not-found]

            register_heif_opener()
    return [name for name in FORMATS if name in Image.OPEN]


def _too_large(name: str, kind: str) -> str:
    limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) if kind == "JPEG" else PIXELS_AT_MOST
    text = _("{name}: more than {limit} million pixels, make it smaller first.")
    return text.format(name=name, limit=limit // 1_000_000)


def _unknown(name: str, kind: str) -> str:
    """Say what to do about a file whose kind, or whose kind of a kind, cannot be read."""
    text = _("{name}: not an image in a format that can be read here ({formats}).")
    if kind == "HEIC":
        text = _(
            "{name}: this is a HEIC image, as many phones save them, and cannot be read here yet. "
            "Export it as JPEG (an iPhone takes JPEG after Settings, Camera, Formats, Most "
            "Compatible), or install pillow-heif with pip and restart the kernel."
        )
    elif kind:
        text = _(
            "{name}: this {kind} file cannot be read here, it is of a rare kind, or incomplete. "
            "Open it in an image program and save it as JPEG or PNG."
        )
    return text.format(name=name, kind=kind, formats=", ".join(_formats("")))


def _pixels(image: Image.Image) -> np.ndarray:
    """Decode an image and make it small; ``info["transparency"]`` gets the pixels' units."""
    tile = getattr(image, "tile", ())
    rawmode = tile[0][3] if image.format == "PNG" and tile else ""
    if image.format == "TIFF":
        with _stderr_closed():
            image.load()
    else:
        image.load()
    value = image.info.get("transparency")
    if isinstance(value, int) and rawmode in ("L;2", "L;4"):  # as it is in the file
        image.info["transparency"] = value * (85 if rawmode == "L;2" else 17)
    elif isinstance(value, tuple) and rawmode == "RGB;16B":
        image.info["transparency"] = tuple(number >> 8 for number in value)
    return np.asarray(_small(image))


_closed = threading.Lock()


@contextlib.contextmanager
def _stderr_closed() -> Generator[None]:
    """Close the process's standard error for a moment: libtiff writes what it finds odd there."""
    with _closed:
        try:
            kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        except OSError:  # there is none
            yield
            return
        os.dup2(nothing, 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nothing)


def _small(image: Image.Image) -> Image.Image:
    """Return the centre square as RGB, upright: read in strips, so that no copy is as large."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    factor = max(1, side // (8 * SIDE))  # so many pixels are averaged before LANCZOS
    step = factor * max(1, 128 // factor)
    white = _white(image)
    length = -(-side // factor)
    small = Image.new("RGB", (length, length))
    for start in range(0, side, step):
        end = min(start + step, side)
        strip = image.crop((left, top + start, left + side, top + end))
        small.paste(_rgb(strip, white).reduce(factor), (0, start // factor))
    box = (0, 0, side / factor, side / factor)
    small = small.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box)
    turn = _UNDO.get(_orientation(image))
    return small if turn is None else small.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(0x0112, 1)
    except _DAMAGED:  # the metadata; the pixels may be good
        return 1


def _rgb(image: Image.Image, white: float) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        values = _numbers(image)
        scaled = np.clip(values * (255 / white), 0, 255)
        scaled[values == image.info.get("transparency", -1)] = 255
        return Image.fromarray(np.rint(scaled).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _numbers(image: Image.Image) -> np.ndarray:
    return np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0, neginf=0)


def _white(image: Image.Image) -> float:
    """Return which number is white in greys of 16 bits or floats; of others it is not asked."""
    if not image.mode.startswith(("I", "F")):
        return 255
    rows = range(0, image.height, 128)
    strips = (image.crop((0, row, image.width, min(row + 128, image.height))) for row in rows)
    limits = np.array([(values.min(), values.max()) for values in map(_numbers, strips)])
    least, most = limits[:, 0].min(), limits[:, 1].max()
    if image.mode == "F":
        return max(1.0, most)
    usual = (255, 1023, 4095, 65_535) if least < most else (65_535,)
    return next((white for white in usual if most <= white), most)
