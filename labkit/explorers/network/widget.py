"""Inside the network: filters, feature maps, the pixels that a unit sees, the prediction."""

import copy
from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import numpy as np
import torch
from torch import nn

from labkit.data import ImageSet, normalise
from labkit.explorers.network.draw import FilterSheet, Mosaic, Sheet, bars, closeup
from labkit.explorers.shared.looks import Busy, Explorer, Screen, Slider, reporting, row
from labkit.explorers.shared.own_image import ImageChoice
from labkit.inspect import feature_maps, first_convolution, first_filters, summary
from labkit.inspect.fields import fields
from labkit.text import _, ngettext

Snapshots = Sequence[tuple[str, Mapping[str, torch.Tensor]]]


class NetworkExplorer(Explorer):
    """Look at what every layer makes of an image, and at the pixels that a unit looks at.

    ``sheets`` holds the output of each step; ``seen`` the first row, the row after the last, the
    first column and the column after the last that the chosen unit depends on; ``probabilities``
    what the network predicts. The model stays as it is: weights of snapshots go into a copy of it.
    """

    still_width = Mosaic.WIDTH

    def __init__(
        self,
        model: nn.Module,
        samples: ImageSet | Mapping[str, np.ndarray],
        *,
        snapshots: Snapshots = (),
        classes: Sequence[str] | None = None,
        prepare: Callable[[np.ndarray], torch.Tensor] = normalise,
    ):
        """Show ``model`` on images of ``samples``; step through ``snapshots`` where there are.

        A snapshot is a name and a state_dict, as in ``("epoch 1", net.state_dict())``; it is
        copied. ``classes`` are those of ``samples`` if nothing is said; ``prepare`` makes of a
        image, uint8 ``[32, 32, 3]``, what the model takes.
        """
        self.model, self.prepare = model, prepare
        self.snapshots = [(name, copy.deepcopy(dict(state))) for name, state in snapshots]
        self.classes = list(classes or getattr(samples, "classes", ()))
        self.sheets: list[Sheet] = []
        self.seen: tuple[int, int, int, int] | None = None
        self.probabilities: np.ndarray | None = None
        self._busy = Busy()
        self.choice = ImageChoice(samples)
        self._make_sliders()
        self._make_screens()
        left = widgets.VBox([self.overview, self.filters], layout={"flex": "0 0 auto"})
        right = widgets.VBox([self.closeup, self.bars])
        screen = widgets.HBox([left, right], layout={"grid_gap": "24px"})
        sliders = [self.layer, self.map, self.row, self.column]
        if self.snapshots:
            sliders.insert(0, self.weights)
        super().__init__(self.choice, row(*sliders), screen=screen)
        self.add_class("lk-network")
        self._run()
        self.choice.observe(self._run, "image")
        self.weights.observe(self._run, "value")
        self.layer.observe(self._enter, "value")
        for slider in (self.map, self.row, self.column):
            slider.observe(self._move, "value")

    def _make_sliders(self) -> None:
        names = [name for name, _state in self.snapshots] or ["–"]
        self.weights = Slider.of(_("Weights"), names, len(names) - 1)
        self.layer = Slider.of(_("Layer"), ["–"])
        self.map = Slider(label=_("Map"), maximum=0)
        self.row = Slider(label=_("Row"), maximum=0)
        self.column = Slider(label=_("Column"), maximum=0)

    def _make_screens(self) -> None:
        self.overview, self.filters = Screen(width=Mosaic.WIDTH), Screen()
        self.closeup, self.bars = Screen(width=374), widgets.HTML()
        self.overview.add_class("lk-network-overview")
        self.filters.add_class("lk-network-filters")
        self.closeup.add_class("lk-network-closeup")
        self.overview.on_click(self._click_overview)
        self.filters.on_click(self._click_filter)

    def choose(self, layer: int, tile: int, unit: tuple[int, int] | None = None) -> None:
        """Go to a map of a layer (or a unit of a vector), and to a row and column of the map."""
        with self._busy:
            self.layer.value = layer
            self._limit_sliders()
            self.map.value = tile
            if unit is not None:
                self.row.value, self.column.value = unit
        self._draw()

    def still(self) -> tuple[bytes, str]:
        """Return all maps, and what the chosen unit sees."""
        return self.overview.png, f"{self.overview.sentence} {self.closeup.sentence}".strip()

    @reporting
    def _run(self, _change=None) -> None:
        """Run the network on the image with the chosen weights and show what it makes of it."""
        model = self._weighted()
        batch = self.prepare(self.choice.image)
        batch = batch if batch.ndim == 4 else batch.unsqueeze(0)
        found = feature_maps(model, batch)
        if not found:
            raise ValueError(_("No layer of this network keeps one row for each image."))
        before = [sheet.name for sheet in self.sheets]
        self.sheets = [Sheet.of(maps.layer, maps.values) for maps in found]
        self._mosaic = None
        if before != [maps.layer for maps in found]:
            self._meet(model, batch)
        self._weigh(model)
        self._predict(found[-1].values)
        self.choose(self.layer.value, self.map.value)

    def _weighted(self) -> nn.Module:
        """Return the model, or a copy of it with the weights of the chosen snapshot."""
        if not self.snapshots:
            return self.model
        name, state = self.snapshots[self.weights.value]
        try:
            model = copy.deepcopy(self.model)
            model.load_state_dict(state)
        except (RuntimeError, TypeError) as error:
            text = _('The weights "{name}" do not fit this network: {error}')
            raise ValueError(text.format(name=name, error=error)) from error
        return model

    def _meet(self, model: nn.Module, batch: torch.Tensor) -> None:
        """Note what depends on the layers alone, not on weights or image."""
        with self.layer.hold_sync():
            self.layer.value, self.layer.maximum = 0, len(self.sheets) - 1
            self.layer.texts = [sheet.name for sheet in self.sheets]
        self._input = tuple(batch.shape[1:])
        rows = summary(model, batch).rows
        kept = [number for number, step in enumerate(rows) if step.shape[:1] == (1,)]
        try:
            found = fields(model, self._input)
            self._fields, self._blind = [found[number] for number in kept], ""
        except (ValueError, RuntimeError, TypeError) as error:  # some models cannot be copied
            self._fields, self._blind = None, str(error)

    def _weigh(self, model: nn.Module) -> None:
        """Take the first layer's filters, and how large they get in any snapshot."""
        self._painted = -1  # no filter: the sheet must be painted
        try:
            self._first_filters = first_filters(model)
        except ValueError as error:
            self._first_filters, self._first_layer = None, None
            self.filters.show(b"", str(error))
            return
        layer = first_convolution(model)
        self._first_name = next(name for name, part in model.named_modules() if part is layer)
        key = f"{self._first_name}.weight"
        weights = [state[key] for _name, state in self.snapshots if key in state]
        shown = [abs(self._first_filters).max(), *(float(each.abs().max()) for each in weights)]
        self._largest = max(map(float, shown)) or 1.0
        names = [sheet.name for sheet in self.sheets]
        self._first_layer = names.index(self._first_name) if self._first_name in names else None
        self._tiles = FilterSheet(len(self._first_filters))
        self.filters.width = self._tiles.WIDTH

    def _predict(self, output: np.ndarray) -> None:
        """Show the last vector as probabilities: by softmax, unless it is some already."""
        if output.ndim != 1 or len(output) < 2:
            self.probabilities = None
            self.bars.value = _("The last step gives no vector of classes, so there are no bars.")
            return
        already = (output >= 0).all() and abs(output.sum() - 1) < 1e-3
        shares = torch.from_numpy(output)
        self.probabilities = (shares if already else shares.softmax(0)).numpy()
        self.bars.value = bars(self._names(len(output)), self.probabilities.tolist())

    def _names(self, count: int) -> list[str]:
        if len(self.classes) == count:
            return self.classes
        return [_("class {n}").format(n=n) for n in range(count)]

    def _limit_sliders(self) -> None:
        """Give the sliders as many positions as the layer has; stay at the same place of a map."""
        sheet = self.sheets[self.layer.value]
        self.map.label = _("Unit") if sheet.is_vector else _("Map")
        _limit(self.map, len(sheet.planes), min(self.map.value, len(sheet.planes) - 1))
        for slider, count in zip((self.row, self.column), sheet.planes.shape[1:], strict=True):
            share = (slider.value + 0.5) / (slider.maximum + 1)
            _limit(slider, count, min(int(share * count), count - 1))

    @reporting
    def _enter(self, _change) -> None:
        if not self._busy and self.sheets:
            self.choose(self.layer.value, self.map.value)

    @reporting
    def _move(self, _change) -> None:
        if not self._busy and self.sheets:
            self._draw()

    def _click_overview(self, x: float, y: float) -> None:
        found = self._mosaic.at(x, y) if self._mosaic else None
        if found:
            self.choose(*found)

    def _click_filter(self, x: float, y: float) -> None:
        number, layer = self._tiles.at(x, y), self._first_layer
        if number is not None and layer is not None:
            self.choose(layer, number)

    def _draw(self) -> None:
        """Draw the close-up, and the mosaics where the choice or what they hold has changed."""
        line, tile, unit = self.layer.value, self.map.value, (self.row.value, self.column.value)
        sheet = self.sheets[line]
        self._look(line, tile, unit)
        png = closeup(self.choice.image, sheet, tile, unit, self._shares())
        self.closeup.show(png, self._say_unit(sheet, tile, unit))
        if self._mosaic is None or not self._mosaic.shows(line, tile):
            self._mosaic, self._framed = Mosaic(self.sheets, line, tile), None
        if self._framed != (line, tile):
            self.overview.show(self._mosaic.png(line, tile), self._say_overview(sheet, tile))
            self._framed = line, tile
        chosen = tile if line == self._first_layer else None
        if self._first_filters is not None and self._painted != chosen:
            self.filters.show(*self._paint_filters(self._first_filters, chosen))
            self._painted = chosen

    def _shares(self) -> list[float] | None:
        """Return the pixels seen as shares of the image's height and width."""
        if self.seen is None:
            return None
        height, width = self._input[1:]
        sides = (height, height, width, width)
        return [place / side for place, side in zip(self.seen, sides, strict=True)]

    def _look(self, line: int, tile: int, unit: tuple[int, int]) -> None:
        """Find the pixels that the chosen unit depends on."""
        self.seen = None
        field = self._fields[line] if self._fields is not None else None
        if field is not None:
            place = np.ravel_multi_index((tile, *unit), self.sheets[line].planes.shape)
            self.seen = tuple(field.reshape(4, -1)[:, place].tolist())

    def _paint_filters(self, weights: np.ndarray, chosen: int | None) -> tuple[bytes, str]:
        title = _("filters of {layer}: grey is 0").format(layer=self._first_name)
        text = ngettext(
            "{n} filter of {size} weights, from {low} to {high}.",
            "{n} filters of {size} weights, from {low} to {high}.",
            len(weights),
        ).format(
            n=len(weights),
            size=" x ".join(map(str, weights.shape[1:])),
            low=_read(weights.min()),
            high=_read(weights.max()),
        )
        return self._tiles.png(weights, self._largest, title, chosen), text

    def _say_overview(self, sheet: Sheet, tile: int) -> str:
        text = _("{n} steps from {first} to {last}, a line each; framed: {part} {tile} of {layer}.")
        return text.format(
            n=len(self.sheets),
            first=self.sheets[0].name,
            last=self.sheets[-1].name,
            part=_("unit") if sheet.is_vector else _("map"),
            tile=tile,
            layer=sheet.name,
        )

    def _say_unit(self, sheet: Sheet, tile: int, unit: tuple[int, int]) -> str:
        value = _read(sheet.planes[(tile, *unit)])
        if sheet.is_vector:
            name = f" ({self._names(len(sheet.planes))[tile]})" if sheet is self.sheets[-1] else ""
            text = _("Unit {tile} of {layer}{name} is {value}.")
            said = text.format(tile=tile, layer=sheet.name, name=name, value=value)
        else:
            text = _("Map {tile} of {layer}, row {row}, column {column} is {value}.")
            numbers = {"row": unit[0], "column": unit[1], "value": value}
            said = text.format(tile=tile, layer=sheet.name, **numbers)
        return f"{said} {self._say_seen()}"

    def _say_seen(self) -> str:
        if self.seen is None:
            return self._blind or _("It mixes images of a batch: no pixels can be named.")
        top, bottom, left, right = self.seen
        if bottom == top or right == left:
            return _("It depends on no pixel of the image.")
        text = _("It sees {height} x {width} pixels: rows {top}-{bottom}, columns {left}-{right}.")
        return text.format(
            height=bottom - top,
            width=right - left,
            top=top,
            bottom=bottom - 1,
            left=left,
            right=right - 1,
        )


def _read(value: float) -> str:
    """Write a number with a true minus."""
    return f"{value:.3f}".replace("-", "−")


def _limit(slider: Slider, count: int, value: int) -> None:
    """Let a slider run from 0 to ``count - 1`` and stand at ``value``, in one message."""
    with slider.hold_sync():
        slider.maximum, slider.disabled = count - 1, count == 1
        slider.value = value
