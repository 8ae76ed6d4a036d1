"""A figure with alt text, its colours, and how Jupyter shows it."""

import base64
import html
import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
"""Okabe and Ito's colours (https://jfly.uni-koeln.de/color/) with 3:1 contrast on white."""

CYCLE = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PINK, ":", "D"))
"""Colour, line style and marker of the first, second ... curve: never colour alone."""

INK, GRID = "#1a1a1a", "#d0d0d0"

OVER_THE_LINE = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
"""The box of a number that stands on grid lines: they must not strike it through."""


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

    def png(self, scale: float = 1.0) -> bytes:
        """Return the figure as PNG bytes, ``scale`` times 100 dots per inch."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=100 * scale, facecolor="white")
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        width = round(self.get_figwidth() * 100)
        return image_html(self.png(scale=2), self.alt, width=width)


def image_html(png: bytes, alt: str, *, width: int | None = None, pixelated: bool = False) -> str:
    """Return an ``<img>`` with the PNG inside and ``alt`` as alt text.

    An image in ``text/html`` keeps its alt text in JupyterLab and in static HTML; one in
    ``image/png`` loses it.
    """
    style = "max-width: 100%; background: white; border-radius: 4px"
    if pixelated:
        style += "; image-rendering: pixelated"
    size = f' width="{width}"' if width else ""
    source = base64.b64encode(png).decode()
    return (
        f'<img src="data:image/png;base64,{source}" alt="{html.escape(alt, quote=True)}"'
        f'{size} style="{style}">'
    )


def plain_axes(plot: Plot, *position, **options):
    """Add axes without the upper and right frame, with a light grid behind the data."""
    axes = plot.add_subplot(*position, **options)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    return axes
