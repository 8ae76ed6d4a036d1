"""Inside the network: from the pixels of an image to the probabilities, number by number."""

import copy
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from labkit.data import ImageSet, normalise
from labkit.explorers.network.compute import Reading, as_batch, look_back, read
from labkit.explorers.network.draw import still
from labkit.explorers.network.stage import NetworkStage
from labkit.explorers.shared.looks import Explorer, Slider, reporting
from labkit.explorers.shared.own_image import ImageChoice
from labkit.inspect import first_convolution
from labkit.text import _

Snapshots = Sequence[tuple[str, Mapping[str, torch.Tensor]]]


EMPTY = {"plan": [], "maps": b"", "weights": b"", "image": b"", "size": [0, 0], "classes": []}


class NetworkExplorer(Explorer):
    """Walk through a network: what each layer makes of an image, and how each number is computed.

    ``reading`` holds the lines that are shown, with their numbers. The model stays as it is:
    weights of snapshots go into a copy of it.
    """

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
        copied. ``classes`` are those of ``samples`` if nothing is said; ``prepare`` makes of an
        image, uint8 ``[32, 32, 3]``, what the model takes.
        """
        self.model, self.prepare = model, prepare
        self.snapshots = [(name, copy.deepcopy(dict(state))) for name, state in snapshots]
        self.classes = list(classes or getattr(samples, "classes", ()))
        self.reading = Reading([])
        self._sees: list = []
        self._copy: nn.Module | None = None
        self.choice = ImageChoice(samples)
        names = [name for name, _state in self.snapshots] or ["–"]
        self.weights = Slider.of(_("Weights"), names, len(names) - 1)
        self.stage = NetworkStage(EMPTY, self._filter_of)
        self._brightest = self._largest_weight()
        if self.snapshots:
            self.choice.path.add_class("lk-narrow")  # room for "batch 10,000" beside "Weights"
            self.choice.controls.children += (self.weights.add_class("lk-wide"),)
        super().__init__(self.choice, screen=self.stage)
        self.add_class("lk-network")
        self._run()
        self.choice.observe(self._run, "image")
        self.weights.observe(self._run, "value")

    def still(self) -> tuple[bytes, str]:
        """Return the image, all maps and the prediction, and what they show."""
        if not self.reading.lines:
            return b"", ""
        picture = still(self.choice.image, self.choice.name, self.reading, self.classes)
        return picture.png(), picture.alt

    @reporting
    def _run(self, _change=None) -> None:
        """Run the network on the image with the chosen weights and show what it makes of it."""
        model = self._weighted()
        batch = as_batch(self.prepare(self.choice.image))
        reading = read(model, batch)
        shapes = [line.values.shape for line in reading.lines]
        met = shapes == [line.values.shape for line in self.reading.lines]
        if not met:
            self._blind = look_back(reading, model, batch)
            self._sees = [line.told["sees"] for line in reading.lines]
        for line, sees in zip(reading.lines, self._sees, strict=True):
            line.told["sees"] = sees
        told = reading.story(self.choice.image, self.classes)
        self.reading = reading
        with self.stage.hold_sync():
            self.stage.tell(told | {"brightest": self._brightest, "blind": self._blind})
            if not met:
                self.stage.set(place=self._start(), opened=False)

    def _start(self) -> list[int]:
        """Return a place to begin at: the largest number of the last convolution, if there is one.

        Else the largest of the last line that has maps.
        """
        lines = self.reading.lines
        with_maps = [n for n, line in enumerate(lines) if line.values.shape[1:] != (1, 1)]
        made = [n for n in with_maps if lines[n].told["kind"] == "products"]
        number = (made or with_maps)[-1]
        values = np.nan_to_num(lines[number].values)
        return [number, *map(int, np.unravel_index(values.argmax(), values.shape))]

    def _weighted(self) -> nn.Module:
        """Return the model, or a copy of it with the weights of the chosen snapshot."""
        if not self.snapshots:
            return self.model
        name, state = self.snapshots[self.weights.value]
        try:
            self._copy = self._copy or copy.deepcopy(self.model)
            self._copy.load_state_dict(state)
        except (RuntimeError, TypeError) as error:
            text = _('The weights "{name}" do not fit this network: {error}')
            raise ValueError(text.format(name=name, error=error)) from error
        return self._copy

    def _largest_weight(self) -> float:
        """Return how large the first filters' weights get in any snapshot; 0 without snapshots."""
        if not self.snapshots:
            return 0.0
        try:
            layer = first_convolution(self.model)
        except ValueError:
            return 0.0
        name = next(name for name, part in self.model.named_modules() if part is layer)
        states = [state for _name, state in self.snapshots if f"{name}.weight" in state]
        return max((float(one[f"{name}.weight"].abs().max()) for one in states), default=0.0)

    def _filter_of(self, line: int, map: int) -> np.ndarray:
        """Return the weights of one map, and its bias behind them if it has one."""
        made = self.reading.lines[line]
        parts = [part[map].reshape(-1) for part in (made.filters, made.biases) if part is not None]
        return np.concatenate(parts)
