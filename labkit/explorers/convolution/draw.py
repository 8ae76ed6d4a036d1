"""A still image of a convolution or a pooling: what goes in, what comes out."""

from matplotlib.patches import Rectangle

from labkit.explorers.convolution.compute import Steps
from labkit.plots.base import ORANGE, Plot
from labkit.text import _


def in_and_out(steps: Steps, position: int) -> Plot:
    """Draw the image with its window beside the whole output, for a reader without a kernel."""
    rows, columns = steps.output.shape
    alt = _(
        "An image of {height} x {width} pixels with a window of {k} x {l}; beside it the output "
        "of {kind}, {rows} x {columns} values from {low:.2f} to {high:.2f}."
    ).format(
        height=steps.image.shape[1],
        width=steps.image.shape[2],
        k=steps.size[0],
        l=steps.size[1],
        kind=_("a convolution") if steps.kind == "convolution" else _("a pooling"),
        rows=rows,
        columns=columns,
        low=steps.output.min(),
        high=steps.output.max(),
    )
    picture = Plot(6, 3, alt=alt)
    before, after = picture.subplots(1, 2)
    colour = steps.kind == "convolution" and len(steps.image) == 3
    pixels = (steps.image - steps.black) / (1 - steps.black)
    shown = pixels.transpose(1, 2, 0) if colour else pixels[steps.channel]
    before.imshow(shown, cmap="gray", vmin=0, vmax=1)
    top, left = steps.corner(position)
    corner, size = (left - 0.5, top - 0.5), (steps.size[1], steps.size[0])
    before.add_patch(Rectangle(corner, *size, fill=False, edgecolor=ORANGE, linewidth=2.5))
    after.imshow(steps.output, cmap="gray")
    before.set_title(_("image"))
    after.set_title(_("output"))
    for axes in (before, after):
        axes.set_xticks([])
        axes.set_yticks([])
    return picture
