"""loss.gif: four optimizers of torch.optim walk down one loss, a function of two weights."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.colors import BoundaryNorm
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from mpl_toolkits.mplot3d.art3d import Line3D
from PIL import Image
from torch.optim import SGD, Adam, Optimizer, RMSprop

from draw.style import MUTED, Film, Sheet
from labkit.explorers.landscape.compute import follow, named
from labkit.explorers.landscape.draw import place_name
from labkit.plots.base import CYCLE, INK
from labkit.plots.descent import HEIGHTS
from labkit.text import _

START, STEPS, EVERY = (-2.25, 2.5), 80, 2
"""Where all four start, how many steps they take, and how many steps lie between two frames."""

LOWEST, HIGHEST = 0.0, 4.2
"""The range of losses shown."""

LEVELS = np.linspace(LOWEST, HIGHEST, 15)

SIZES = 17, 10, 13, 6
"""Of the walkers' markers: where they meet, each shows behind the next."""


@dataclass(frozen=True)
class Walker:
    """An optimizer: its name, its setting in words, and how to make it for some weights."""

    name: str
    setting: str
    make: Callable[[list[torch.Tensor]], Optimizer]


WALKERS = (
    Walker("SGD", "lr 0.05", lambda weights: SGD(weights, lr=0.05)),
    Walker("SGD", "lr 0.05, momentum 0.9", lambda weights: SGD(weights, lr=0.05, momentum=0.9)),
    Walker("RMSprop", "lr 0.03", lambda weights: RMSprop(weights, lr=0.03)),
    Walker("Adam", "lr 0.1", lambda weights: Adam(weights, lr=0.1)),
)


SURFACE = named("two hollows")
"""The loss that they walk on: a wide bowl with a small and a large hollow."""


def walk(walker: Walker, start=START, steps: int = STEPS) -> np.ndarray:
    """Step ``walker`` down the loss; return where it is before each step and at the end.

    The answer is ``[steps + 1, 3]``: both weights and the loss there.
    """
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    return np.column_stack(follow(SURFACE, weights, walker.make([weights]), steps))


def places() -> dict[str, np.ndarray]:
    """Return the two minima and the saddle point between them, by name."""
    heights = SURFACE.loss(torch.tensor([place.weights for place in SURFACE.places]))
    return {
        place_name(place.kind): np.array([*place.weights, height])
        for place, height in zip(SURFACE.places, heights.tolist(), strict=True)
    }


def draw(every: int = EVERY) -> Film:
    """Draw the four walks, on the surface and on its map, a frame each ``every`` steps."""
    paths = [walk(walker) for walker in WALKERS]
    sheet = Sheet(880, 520, scale=1)
    surface, chart = _surface(sheet), _map(sheet)
    movers = [_mover(sheet, surface, chart, i) for i in range(len(WALKERS))]
    clock = sheet.ax.text(440, 36, "", fontsize=13, weight="bold", ha="center", animated=True)
    sheet.canvas.draw()
    ground = sheet.canvas.copy_from_bbox(sheet.bbox)
    frames = []
    for step in range(0, STEPS + 1, every):
        sheet.canvas.restore_region(ground)
        clock.set_text(_("step {step}").format(step=step))
        for mover, path in zip(movers, paths, strict=True):
            mover.move(path[: step + 1])
        lines, points, numbers = zip(*(mover.parts() for mover in movers), strict=True)
        for artist in [clock, *sum(lines + points + numbers, ())]:  # the points over all lines
            artist.axes.draw_artist(artist)
        frames.append(Image.fromarray(np.asarray(sheet.canvas.buffer_rgba())[..., :3].copy()))
    return Film(frames, [1200] + [140] * (len(frames) - 2) + [4000], _alt(paths))


def _grid(points: int = 61):
    sides, heights = SURFACE.heights(points)
    return *np.meshgrid(*sides), heights


def _surface(sheet):
    axes = sheet.add_axes((0.02, 0.2, 0.53, 0.78), projection="3d", computed_zorder=False)
    axes.plot_surface(
        *_grid(),
        cmap=HEIGHTS,
        norm=BoundaryNorm(LEVELS, HEIGHTS.N),
        rcount=61,
        ccount=61,
        linewidth=0,
        antialiased=False,
    )
    axes.contour(*_grid(), LEVELS, colors="#66788a", linewidths=0.6)
    axes.set(zlim=(LOWEST, HIGHEST), xticks=[-2, 0, 2], yticks=[-2, 0, 2], zticks=[0, 4])
    axes.set_xlabel(_("weight 1"), fontsize=11)
    axes.set_ylabel(_("weight 2"), fontsize=11)
    axes.set_zlabel(_("loss"), fontsize=11, labelpad=-5)
    axes.view_init(elev=52, azim=40)
    axes.set_box_aspect((1, 1, 0.56), zoom=0.94)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.pane.set_alpha(0)
    axes.grid(False)
    return axes


def _map(sheet):
    axes = sheet.add_axes((0.57, 0.28, 0.40, 0.62))
    x, y, z = _grid(121)
    axes.contourf(x, y, z, LEVELS, cmap=HEIGHTS, extend="max")
    axes.contour(x, y, z, LEVELS, colors="#7d8b98", linewidths=0.5)
    axes.set(xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    axes.set_xlabel(_("weight 1"), fontsize=11)
    axes.set_ylabel(_("weight 2"), fontsize=11, labelpad=-2)
    shifts = (-9, -33, "right"), (9, 3, "left"), (0, -34, "center")
    for (name, (a, b, _height)), (right, up, ha) in zip(places().items(), shifts, strict=True):
        axes.plot(a, b, "+", color=INK, markersize=9, markeredgewidth=1.4)
        _label(axes, name.replace(" ", "\n") if ha == "right" else name, (a, b), (right, up), ha)
    _label(axes, _("start"), START, (8, 4), "left")
    return axes


def _label(axes, text, place, shift, ha):
    halo = [withStroke(linewidth=3, foreground="#ffffffb0")]
    axes.annotate(
        text, place, shift, textcoords="offset points", ha=ha, fontsize=10.5, path_effects=halo
    )


@dataclass(frozen=True)
class Mover:
    """What moves for one walker: line and point on the surface and on the map, and its loss."""

    on_surface: tuple[Line3D, Line3D]
    on_map: tuple[Line2D, Line2D]
    number: Text

    def move(self, path: np.ndarray) -> None:
        """Show the path so far, its last place as the point."""
        for (surface, flat), shown in zip(self.parts()[:2], (path, path[-1:]), strict=True):
            surface.set_data_3d(*shown.T)
            flat.set_data(*shown[:, :2].T)
        self.number.set_text(_("loss {loss:.2f}").format(loss=path[-1, 2]))

    def parts(self) -> tuple[tuple[Artist, ...], ...]:
        """Return the lines, the points and the number."""
        lines, points = zip(self.on_surface, self.on_map, strict=True)
        return lines, points, (self.number,)


def _mover(sheet, surface, chart, index) -> Mover:
    """Prepare a walker's line and point on both pictures, and its entry in the legend."""
    walker, (color, line, marker) = WALKERS[index], CYCLE[index]
    halo = [withStroke(linewidth=4, foreground="white")]
    trail = {"color": color, "ls": line, "lw": 2.2, "animated": True, "path_effects": halo}
    point = {"color": color, "marker": marker, "mec": "white", "animated": True}
    point["ms"] = SIZES[index]
    x, y = (20, 462)[index % 2], (452, 490)[index // 2]
    sheet.line((x, y), (x + 44, y), color=color, line=3, ls=line)
    sheet.ax.plot(x + 22, y, color=color, marker=marker, ms=8, mec="white", zorder=99)
    sheet.write(x + 54, y, walker.name, 16, bold=True, ha="left")
    sheet.write(x + 144, y, walker.setting, 13, color=MUTED, ha="left")
    return Mover(
        (surface.plot([], [], [], **trail)[0], surface.plot([], [], [], **point)[0]),
        (chart.plot([], [], **trail)[0], chart.plot([], [], **point)[0]),
        sheet.ax.text(x + 410, y + 6, "", fontsize=11.5, ha="right", animated=True),
    )


def _alt(paths) -> str:
    ends = []
    for walker, path in zip(WALKERS, paths, strict=True):
        place = min(places().items(), key=lambda item: np.hypot(*(item[1] - path[-1])[:2]))[0]
        ends.append(f"{walker.name} ({walker.setting}) at the {place}, loss {path[-1, 2]:.2f}")
    return (
        "A loss as a function of two weights, once as a mountain landscape, once as its map with "
        "contour lines. Four optimizers start at the same place, at loss {first:.2f}, and end "
        "after {steps} steps: {ends}. Between the two minima lies a saddle point."
    ).format(first=paths[0][0, 2], steps=STEPS, ends="; ".join(ends))
