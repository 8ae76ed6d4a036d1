"""How much memory images take."""

from labkit.checks.engine.spec import exercise
from labkit.text import N_


def _memories():
    return [(50_000, 4), (50_000, 1), (1, 4), (0, 4), (47_500, 8), (12_345, 2)]


@exercise(3, _memories)
def megabytes(images, bytes_each):
    return images * 3 * 32 * 32 * bytes_each / 1e6


@megabytes.mistake(N_("The colours are missing: an image has three numbers for each pixel."))
def _no_channels(images, bytes_each):
    return images * 32 * 32 * bytes_each / 1e6


@megabytes.mistake(
    N_("This counts the numbers. Each of them takes bytes_each bytes: 4 as float32, 1 as uint8.")
)
def _counts_numbers(images, bytes_each):
    return images * 3 * 32 * 32 / 1e6


@megabytes.mistake(N_("These are bytes. A megabyte is 1,000,000 of them."))
def _in_bytes(images, bytes_each):
    return images * 3 * 32 * 32 * bytes_each


@megabytes.mistake(N_("These are kilobytes: divide by 1,000,000, not by 1,000."))
def _in_kilobytes(images, bytes_each):
    return images * 3 * 32 * 32 * bytes_each / 1e3


@megabytes.mistake(
    N_("Divided by 1024 · 1024 it is mebibytes (MiB). A megabyte (MB) is 1,000,000 bytes.")
)
def _in_mebibytes(images, bytes_each):
    return images * 3 * 32 * 32 * bytes_each / 2**20


@megabytes.mistake(N_("These are megabits: bytes_each counts bytes already, not bits."))
def _in_megabits(images, bytes_each):
    return images * 3 * 32 * 32 * bytes_each * 8 / 1e6


@megabytes.mistake(N_("// cuts off what is behind the point. Divide with /."))
def _cut_off(images, bytes_each):
    return images * 3 * 32 * 32 * bytes_each // 1_000_000


@megabytes.mistake(N_("Images of 32 x 32 have 32 · 32 pixels; one side of 32 is missing."))
def _one_side(images, bytes_each):
    return images * 3 * 32 * bytes_each / 1e6


@megabytes.mistake(N_("Divided by 1024 these are kibibytes: divide by 1,000,000."))
def _in_kibibytes(images, bytes_each):
    return images * 3 * 32 * 32 * bytes_each / 1024


@megabytes.mistake(N_("These are gigabytes: divide by 1,000,000."))
def _in_gigabytes(images, bytes_each):
    return images * 3 * 32 * 32 * bytes_each / 1e9


@megabytes.mistake(N_("bytes_each is the bytes of one number: multiply by it."))
def _divided_by_bytes(images, bytes_each):
    return images * 3 * 32 * 32 / bytes_each / 1e6


@megabytes.mistake(N_("The count of numbers is a product, 3 · 32 · 32, not a sum."))
def _added_up(images, bytes_each):
    return images * (3 + 32 + 32) * bytes_each / 1e6
