"""Many small images at once, of which one is picked by a click."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import traitlets
from PIL import Image

from labkit.explorers.shared.looks import STATIC, Screen, joined


def png(pixels: np.ndarray) -> bytes:
    """Return pixels uint8 ``[H, W, 3 or 4]`` as PNG, packed quickly rather than small."""
    buffer = io.BytesIO()
    quick = {"compress_level": 1, "compress_type": zlib.Z_RLE}
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", **quick)
    return buffer.getvalue()


class ContactSheet(Screen):
    """Images of 32 pixels a side in rows; the browser shows them ``scale`` times as large.

    They come as they are and pixels stay square. Between them the page shows, light or dark.
    """

    _esm = joined(STATIC / "parts.js", Path(__file__).with_name("contact_sheet.js"))

    images = traitlets.Bytes().tag(sync=True)
    columns = traitlets.Int().tag(sync=True)
    framed = traitlets.Int(-1).tag(sync=True)

    def __init__(
        self, columns: int, rows: int, on_pick: Callable[[int], None], *, scale: float = 2
    ):
        """Hold so many images; ``on_pick(number)`` hears which one of those shown is clicked."""
        super().__init__(width=round(scale * columns * 36), columns=columns)
        self.page = columns * rows
        self.on_msg(lambda _sheet, message, _buffers: on_pick(message["pick"]))

    def show_images(self, images: np.ndarray, sentence: str, framed: int = -1) -> None:
        """Show at most ``page`` images, uint8 ``[N, 32, 32, 3]``, and frame one of them."""
        with self.hold_sync():
            self.images, self.sentence, self.framed = images.tobytes(), sentence, framed
