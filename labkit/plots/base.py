"""A figure with alt text, its colours, and how Jupyter shows it."""

import base64
import html
import io
import re
import warnings
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text
from matplotlib.ticker import Formatter

from labkit.text import with_signs

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
"""Okabe and Ito's colours (https://jfly.uni-koeln.de/color/) with 3:1 contrast on white."""

CYCLE = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PINK, ":", "D"))
"""Colour, line style and marker of the first, second ... curve: never colour alone."""

INK, GRID = "#1a1a1a", "#d0d0d0"

OVER_THE_LINE = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
"""The box of a number that stands on grid lines: they must not strike it through."""


_FONTS = (
    *("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "PingFang SC"),
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "WenQuanYi Zen Hei", "Arial Unicode MS"),
    *("Noto Sans Devanagari", "Nirmala UI", "Noto Emoji", "Segoe UI Emoji"),
)
"""Where letters are looked for that the first font lacks, if a machine has these."""


class Plot(Figure):
    """A matplotlib figure that knows the sentence saying what to see in it.

    Jupyter shows it as an image with that sentence as alt text; the background stays white,
    so that it reads alike in a light and in a dark theme.
    """

    def __init__(self, width: float = 7.0, height: float = 3.0, *, alt: str = ""):
        """Start an empty figure, ``width`` x ``height`` inches at 100 dots per inch."""
        super().__init__(figsize=(width, height), dpi=100, layout="constrained")
        FigureCanvasAgg(self)
        self.alt = alt

    def draw(self, renderer) -> None:
        """Draw, with every name as it is written: a class may be called ``$10`` or 猫."""
        for axes in self.axes:
            for axis in (axes.xaxis, axes.yaxis):
                axis.get_major_formatter().fix_minus = _fix_signs
            _ticks = axes.get_xticklabels(), axes.get_yticklabels()  # makes them, to be found
        families = [name for name in _FONTS if name in fontManager.get_font_names()]
        for text in self.findobj(Text):
            text.set_parse_math("\\mathdefault" in text.get_text())  # 10^3 on a log axis
            if not text.get_text().isascii():
                text.set_fontfamily(families)
        with warnings.catch_warnings():
            # A box, or letters side by side that belong together, say so themselves.
            warnings.filterwarnings("ignore", "Glyph .* missing|.* does not support .* natively")
            super().draw(renderer)

    def png(self, scale: float = 1.0) -> bytes:
        """Return the figure as PNG bytes, ``scale`` times 100 dots per inch."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=100 * scale, facecolor="white")
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        width = round(self.get_figwidth() * 100)
        return image_html(self.png(scale=2), self.alt, width=width)


def _fix_signs(s: str) -> str:
    """Write a number at an axis as this language does: thousands parted, a minus that is one."""
    parted = re.sub(r"(?<![\d.])\d{4,}", lambda digits: f"{int(digits[0]):,}", s)
    return with_signs(Formatter.fix_minus(parted))


_RIM = 6
"""Pixels of white around a figure."""


def image_html(png: bytes, alt: str, *, width: int | None = None, pixelated: bool = False) -> str:
    """Return an ``<img>`` with the PNG inside and ``alt`` as alt text.

    An image in ``text/html`` keeps its alt text in JupyterLab and in static HTML; one in
    ``image/png`` loses it.
    """
    style = "max-width: 100%; background: white; border-radius: 4px"
    if pixelated:
        style += "; image-rendering: pixelated"
    else:  # on a dark page the white is a card: no letter stands at its edge
        style += f"; box-sizing: border-box; padding: {_RIM}px"
        width = width and width + 2 * _RIM
    size = f' width="{width}"' if width else ""
    source = base64.b64encode(png).decode()
    return (
        f'<img src="data:image/png;base64,{source}" alt="{html.escape(alt, quote=True)}"'
        f'{size} style="{style}">'
    )


def tiles(
    images: Sequence, titles: Sequence[str], *, columns: int, size: tuple[float, float], **look
) -> Plot:
    """Draw images in rows, each under its title.

    images: each as ``imshow`` takes it, ``[H, W]`` or ``[H, W, 3]``
    titles: one for each image
    columns: images in a row, at most
    size: width and height of a tile, in inches
    look: for ``imshow``, e.g. ``cmap="gray"``
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    plot = Plot(size[0] * columns, size[1] * rows)
    for place, (image, title) in enumerate(zip(images, titles, strict=True), start=1):
        show(plot.add_subplot(rows, columns, place), image, title, **look)
    return plot


def show(axes, image, title: str = "", **look) -> None:
    """Draw an image pixel by pixel, under a title and without axes."""
    axes.imshow(image, interpolation="nearest", **look)
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()


def plain_axes(plot: Plot, *position):
    """Add axes without the upper and right frame, with a light grid behind the data."""
    return plain(plot.add_subplot(*position))


def plain(axes):
    """Take the upper and right frame away from axes, and put a light grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    return axes
