"""One picture from outside, whatever its size, mode and format, becomes 32 x 32 RGB."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from labkit.data.read_image import ImageError, read_image

RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def all_over(pixels: np.ndarray, colour, tolerance: int = 0) -> bool:
    assert pixels.shape == (32, 32, 3) and pixels.dtype == np.uint8
    return np.abs(pixels.astype(int) - colour).max() <= tolerance


def test_a_picture_of_the_right_size_comes_unchanged():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.array_equal(read_image(encoded(Image.fromarray(pixels))), pixels)


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_bytes_are_read_however_they_are_wrapped(wrap):
    assert all_over(read_image(wrap(encoded(Image.new("RGB", (9, 9), RED)))), RED)


def test_a_path_is_read_with_spaces_and_umlauts_and_a_wrong_extension(tmp_path):
    path = tmp_path / "mein schönes Bild.txt"
    path.write_bytes(encoded(Image.new("RGB", (40, 50), RED)))
    assert all_over(read_image(path), RED)
    assert all_over(read_image(str(path)), RED)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "PPM", "WEBP", "JPEG"])
@pytest.mark.parametrize("size", [(1, 1), (32, 32), (300, 7), (3, 200)])
def test_any_size_in_a_common_format_is_read(kind, size):
    assert all_over(read_image(encoded(Image.new("RGB", size, RED), kind)), RED, tolerance=3)


@pytest.mark.parametrize(
    "mode, colour, expected",
    [
        ("1", 1, WHITE),
        ("L", 128, (128, 128, 128)),
        ("LA", (100, 255), (100, 100, 100)),
        ("LA", (0, 0), WHITE),
        ("P", 0, (0, 0, 0)),
        ("RGBA", (255, 0, 0, 255), RED),
        ("RGBA", (255, 0, 0, 0), WHITE),
        ("RGBA", (255, 0, 0, 51), (255, 204, 204)),
        ("I;16", 65_535, WHITE),
        ("I;16", 32_896, (128, 128, 128)),
        ("I;16", 257, (1, 1, 1)),
    ],
)
def test_every_mode_becomes_its_colour(mode, colour, expected):
    assert all_over(read_image(encoded(Image.new(mode, (20, 20), colour))), expected)


@pytest.mark.parametrize("value, expected", [(0.5, 128), (1.0, 255), (2.0, 255)])
def test_floats_between_0_and_1_are_scaled_and_larger_ones_to_their_largest(value, expected):
    image = encoded(Image.new("F", (20, 20), value), "TIFF")
    assert all_over(read_image(image), (expected,) * 3)


def test_print_colours_are_turned_into_screen_colours():
    image = encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95)
    assert all_over(read_image(image), RED, tolerance=3)


def test_a_transparent_colour_of_a_palette_is_laid_on_white():
    image = Image.new("P", (32, 32), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    assert all_over(read_image(encoded(image)), RED)
    assert all_over(read_image(encoded(image, transparency=1)), WHITE)


def test_the_first_frame_of_an_animation_is_taken():
    second = Image.new("RGB", (32, 32), (0, 0, 255))
    first = Image.new("RGB", (32, 32), RED)
    animation = encoded(first, "GIF", save_all=True, append_images=[second])
    assert all_over(read_image(animation), RED)


def test_the_centre_square_is_kept():
    image = Image.new("RGB", (300, 100), (0, 0, 255))
    image.paste(RED, (100, 0, 200, 100))
    assert all_over(read_image(encoded(image)), RED)


def test_a_picture_taken_sideways_is_turned_upright():
    image = Image.new("RGB", (32, 32), (0, 0, 255))
    image.paste(RED, (0, 0, 32, 16))  # red above
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held so that the right edge is up
    turned = read_image(encoded(image, exif=exif))
    assert turned[16, 31].tolist() == list(RED) and turned[16, 0].tolist() == [0, 0, 255]


def test_a_photograph_of_24_megapixels_is_read():
    pixels = read_image(encoded(Image.new("RGB", (6_000, 4_000), RED), "JPEG"))
    assert all_over(pixels, RED, tolerance=3)


def test_a_large_picture_is_averaged_not_sampled():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    assert all_over(read_image(encoded(Image.fromarray(stripes))), (128,) * 3, tolerance=8)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [5_001, 12_000, 60_000])
def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(side):
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match="more than 25 million pixels"):
        read_image(bomb)


def test_a_truncated_picture_is_refused():
    noise = np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), "JPEG")
    with pytest.raises(ImageError, match="cat.jpg: damaged"):
        read_image(whole[: len(whole) // 2], name="cat.jpg")


@pytest.mark.parametrize("content", [b"", b"Hello", b"<html>", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(ImageError, match="The image: not an image"):
        read_image(content)


@pytest.mark.parametrize("name", ["", "nowhere.png"])
def test_a_folder_or_a_file_that_is_not_there_is_refused(tmp_path, name):
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "pipe.png")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "PPM", "ICO", "WEBP", "JPEG"])
def test_any_damage_ends_in_a_picture_or_in_a_picture_error(kind):
    noise = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    generator = np.random.default_rng(1)
    for _time in range(60):
        damaged = bytearray(whole)
        for position in generator.integers(0, min(len(whole), 400), 3):
            damaged[position] = generator.integers(256)
        try:
            assert read_image(damaged[: generator.integers(1, len(whole) + 1)]).shape[2] == 3
        except ImageError as error:
            assert str(error).startswith("The image: ")
