"""One image from outside, whatever its size, mode and format, becomes 32 x 32 RGB."""

import io
import os
import struct
import sys
import types
import warnings
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


def test_an_image_of_the_right_size_comes_unchanged():
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


def test_an_image_taken_sideways_is_turned_upright():
    image = Image.new("RGB", (32, 32), (0, 0, 255))
    image.paste(RED, (0, 0, 32, 16))  # red above
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held so that the right edge is up
    turned = read_image(encoded(image, exif=exif))
    assert turned[16, 31].tolist() == list(RED) and turned[16, 0].tolist() == [0, 0, 255]


def test_a_large_image_is_averaged_not_sampled():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    assert all_over(read_image(encoded(Image.fromarray(stripes))), (128,) * 3, tolerance=8)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [5_001, 12_000, 60_000])
def test_an_image_with_too_many_pixels_is_refused_before_it_is_decoded(side):
    with pytest.raises(ImageError, match="more than 25 million pixels"):
        read_image(png(8, 2, b"", side=side))


def test_a_truncated_image_is_refused():
    noise = np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), "JPEG")
    with pytest.raises(ImageError, match="cat.jpg: damaged"):
        read_image(whole[: len(whole) // 2], name="cat.jpg")


@pytest.mark.parametrize("content", [b"", b"Hello", b"<html>", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_image_is_refused(content):
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
def test_any_damage_ends_in_an_image_or_in_an_image_error(kind):
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


def png(depth: int, colour: int, row: bytes, transparent: bytes = b"", side: int = 32) -> bytes:
    """Return a PNG that says it is a square, of 32 equal rows: Pillow writes no such files."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + (chunk(b"tRNS", transparent) if transparent else b"")
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + row) * 32))
    return b"\x89PNG\r\n\x1a\n" + chunks + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("depth", "colour", "row", "transparent"),
    [
        (16, 0, b"\0\7" * 32, b"\0\7"),
        (4, 0, b"\x33" * 16, b"\0\3"),
        (2, 0, b"\x55" * 8, b"\0\1"),
        (1, 0, b"\0" * 4, b"\0\0"),
        (8, 2, b"\x12\x56\x9a" * 32, b"\0\x12\0\x56\0\x9a"),
        (16, 2, b"\x12\x34\x56\x78\x9a\xbc" * 32, b"\x12\x34\x56\x78\x9a\xbc"),
    ],
    ids=["grey 16", "grey 4", "grey 2", "grey 1", "RGB 8", "RGB 16"],
)
def test_a_transparent_colour_becomes_white_whatever_its_bits(depth, colour, row, transparent):
    assert all_over(read_image(png(depth, colour, row, transparent)), WHITE)
    assert not all_over(read_image(png(depth, colour, row)), WHITE)


@pytest.mark.parametrize(("bits", "limit"), [(8, 255), (10, 1023), (12, 4095), (16, 65_535)])
def test_greys_of_fewer_bits_in_sixteen_are_not_black(bits, limit):
    ramp = np.linspace(0, limit, 32).astype(np.uint16)[None].repeat(32, 0)
    pixels = read_image(encoded(Image.fromarray(ramp)))
    assert np.abs(pixels[0, :, 0] - np.linspace(0, 255, 32)).max() <= 1


def test_a_large_image_in_strips_looks_as_if_it_were_resized_at_once():
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    large = Image.fromarray(noise).resize((3001, 1999), Image.Resampling.BICUBIC)
    square = large.crop((501, 0, 501 + 1999, 1999)).resize((32, 32), Image.Resampling.LANCZOS)
    pixels = read_image(encoded(large)).astype(int)
    assert np.abs(pixels - np.asarray(square)).max() <= 4


def test_a_transparent_edge_of_a_large_image_does_not_darken_it():
    image = Image.new("RGBA", (2_000, 2_000), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (0, 0, 1_007, 2_000))
    assert all_over(read_image(encoded(image)), WHITE)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_photograph_of_48_megapixels_is_decoded_at_a_fraction(progressive):
    image = encoded(Image.new("L", (8_064, 6_048), 90), "JPEG", progressive=progressive)
    assert all_over(read_image(image), (90, 90, 90), tolerance=2)


def test_a_progressive_jpeg_that_would_fill_the_memory_is_refused():
    image = encoded(Image.new("L", (9_000, 9_000)), "JPEG", progressive=True)
    with pytest.raises(ImageError, match="million pixels"):
        read_image(image)


TRUNCATED_EXIF = (
    b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\3\0\1\0\0\0\6\0\0\0\x69\x87\x04\0\1\0\0\0\xff"
)


def test_damaged_metadata_of_a_good_image_make_no_noise(recwarn, capfd):
    image = encoded(Image.new("RGB", (40, 40), RED), "JPEG", exif=TRUNCATED_EXIF)
    assert all_over(read_image(image), RED, tolerance=3)
    assert not list(recwarn) and capfd.readouterr() == ("", "")


def test_what_libtiff_writes_stays_out_of_the_notebook(capfd):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), "TIFF", compression="tiff_lzw")
    with pytest.raises(ImageError, match="damaged"):
        read_image(whole[:100] + b"\xff" * 900 + whole[1_000:])
    assert capfd.readouterr() == ("", "")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_reading_an_image_leaves_the_filters_of_warnings_as_they_were():
    before = list(warnings.filters)
    read_image(encoded(Image.new("RGB", (9, 9), RED)))
    assert list(warnings.filters) == before


KINDS = {
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC image.*Export it as JPEG.*pillow-heif"),
    "HEIC of another brand": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC image.*Export"),
    "AVIF": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF file cannot be read here"),
    "TIFF": (b"II*\0\x08\0\0\0\0\0", "TIFF file cannot be read here"),
    "PDF": (b"%PDF-1.7\n", "PDF file cannot be read here.*save it as JPEG or PNG"),
    "SVG": (b'<?xml version="1.0"?>\n<svg width="9">', "SVG file"),
    "JPEG XL": (b"\xff\x0a\xfa\x7f", "JPEG XL file"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_a_known_kind_gets_advice_for_its_kind(kind):
    content, advice = KINDS[kind]
    with pytest.raises(ImageError, match=f"^a: this (is a )?{advice}"):
        read_image(content, name="a")


def test_a_bitmap_with_rare_bit_fields_is_not_called_damaged():
    header = struct.pack("<IiiHHIIiiII", 40, 32, 32, 1, 32, 3, 4096, 0, 0, 0, 0)
    fields = struct.pack("<III", 0xFFE00000, 0x001FFC00, 0x000003FF)  # 11, 11 and 10 bits
    start = b"BM" + struct.pack("<IHHI", 14 + 40 + 12 + 4096, 0, 0, 66)
    with pytest.raises(ImageError, match="BMP file cannot be read here.*rare kind"):
        read_image(start + header + fields + bytes(4096))


def test_a_file_that_may_not_be_opened_is_not_called_damaged(tmp_path, monkeypatch):
    def refuse(_path, *_options):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.png").write_bytes(encoded(Image.new("RGB", (9, 9))))
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ImageError, match=r"a.png: it cannot be opened \(Permission denied\)"):
        read_image(tmp_path / "a.png", name="a.png")


def test_heic_is_read_where_pillow_heif_is_installed(monkeypatch):
    def register_heif_opener():
        Image.register_open("HEIF", lambda _file, _name: Image.new("RGB", (40, 30), RED))

    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    monkeypatch.setitem(sys.modules, "pillow_heif", types.ModuleType("pillow_heif"))
    sys.modules["pillow_heif"].register_heif_opener = register_heif_opener
    assert all_over(read_image(KINDS["HEIC"][0]), RED)
