"""A still image of a convolution or a pooling: what goes in, what comes out."""

import numpy as np
from matplotlib.patches import Rectangle

from labkit.plots.base import ORANGE, Plot
from labkit.text import _


def in_and_out(image: np.ndarray, output: np.ndarray, size: int, stride: int, kind: str) -> Plot:
    """Draw an image with a window in its middle, and beside it the output.

    image: ``[H, W]`` or ``[H, W, 3]`` from 0 to 1
    output: ``[rows, columns]``
    size, stride: the window's side and step, in pixels
    kind: what made the output, in words
    """
    rows, columns = output.shape
    alt = _(
        "An image of {height} x {width} pixels with a window of {k} x {l}; beside it the output "
        "of {kind}, {rows} x {columns} values from {low:.2f} to {high:.2f}."
    ).format(
        height=image.shape[0],
        width=image.shape[1],
        k=size,
        l=size,
        kind=kind,
        rows=rows,
        columns=columns,
        low=output.min(),
        high=output.max(),
    )
    picture = Plot(6, 3, alt=alt)
    before, after = picture.subplots(1, 2)
    before.imshow(image, cmap="gray", vmin=0, vmax=1)
    corner = (columns // 2 * stride - 0.5, rows // 2 * stride - 0.5)
    before.add_patch(Rectangle(corner, size, size, fill=False, edgecolor=ORANGE, linewidth=2.5))
    after.imshow(output, cmap="gray")
    before.set_title(_("image"))
    after.set_title(_("output"))
    for axes in (before, after):
        axes.set_axis_off()
    return picture
