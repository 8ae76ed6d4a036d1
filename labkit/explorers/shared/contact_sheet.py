"""Many small images at once, of which one is picked by a click."""

import io
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from labkit.explorers.shared.looks import Screen

ORANGE = 0xD5, 0x5E, 0x00, 0xFF
OPAQUE = np.full((32, 32, 1), 0xFF, np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """Return pixels uint8 ``[H, W, 3 or 4]`` as PNG, packed quickly rather than small."""
    buffer = io.BytesIO()
    quick = {"compress_level": 1, "compress_type": zlib.Z_RLE}
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", **quick)
    return buffer.getvalue()


class ContactSheet(Screen):
    """Images of 32 pixels a side in rows; the browser shows them ``scale`` times as large.

    Pixels stay square, so the sheet comes small and is crisp on every screen. Between the images
    the page shows, light or dark.
    """

    TILE, PITCH = 32, 36

    def __init__(
        self, columns: int, rows: int, on_pick: Callable[[int], None], *, scale: float = 2
    ):
        """Hold so many images; ``on_pick(number)`` hears which one of those shown is clicked."""
        super().__init__(width=round(scale * columns * self.PITCH))
        self.columns, self.page, self._count = columns, columns * rows, 0
        self._on_pick = on_pick
        self.add_class("lk-pixelated")
        self.on_click(self._click)

    def show_images(self, images: np.ndarray, sentence: str, framed: int | None = None) -> None:
        """Show at most ``page`` images, uint8 ``[N, 32, 32, 3]``, and frame one of them."""
        self._count = len(images)
        rows = -(-self._count // self.columns)
        sheet = np.zeros((rows * self.PITCH, self.columns * self.PITCH, 4), np.uint8)
        for number, image in enumerate(images):
            top, left = (self.PITCH * place + 2 for place in divmod(number, self.columns))
            if number == framed:
                sheet[top - 2 : top + self.TILE + 2, left - 2 : left + self.TILE + 2] = ORANGE
            sheet[top : top + self.TILE, left : left + self.TILE] = np.dstack([image, OPAQUE])
        self.show(png(sheet) if rows else b"", sentence)

    def _click(self, x: float, y: float) -> None:
        rows = -(-self._count // self.columns)
        number = int(y * rows) * self.columns + int(x * self.columns)
        if number < self._count:
            self._on_pick(number)
