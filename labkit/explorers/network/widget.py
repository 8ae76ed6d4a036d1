"""Inside the network: from the pixels of an image to the probabilities, number by number."""

import contextlib
import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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

        model: stays as it is
        samples: a set of images, or images, uint8 ``[H, W, 3]``, by name
        snapshots: pairs of a name and a state_dict, ``("epoch 1", net.state_dict())``; copied
        classes: names of the outputs (default: the classes of ``samples``)
        prepare: makes of an image, uint8 ``[32, 32, 3]``, what the model takes
        """
        self.model, self.prepare = model, prepare
        self.snapshots = [(name, copy.deepcopy(dict(state))) for name, state in snapshots]
        self.classes = list(classes or getattr(samples, "classes", ()))
        self.reading = Reading([])
        self._shapes, self._sees = [], []
        self.choice = ImageChoice(samples)
        names = [name for name, _state in self.snapshots] or ["–"]
        self.weights = Slider.of(_("Weights"), names, len(names) - 1)
        self.stage = NetworkStage(EMPTY, self._filter_of)
        self.stage.on_msg(self._foresee)
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
    def _run(self, change=None) -> None:
        """Run the network on the image with the chosen weights and show what it makes of it."""
        if change is None or change.owner is not self.weights:
            self._foreseen, self.stage.ahead = set(), {}
        shapes = [line.values.shape for line in self.reading.lines]
        self.reading, told = self._read(self.weights.value)
        with self.stage.hold_sync():
            if self.weights.value not in self._foreseen:
                self.stage.tell(told)
            if shapes != [line.values.shape for line in self.reading.lines]:
                self.stage.set(place=self._start(), opened=False)

    def _foresee(self, _stage, message: dict, _buffers) -> None:
        """Send what the network makes of the image with other weights, before they are chosen."""
        if (weights := message.get("weights")) is not None:
            with contextlib.suppress(ValueError):  # it is said when they are chosen
                self.stage.ahead = self._read(weights)[1]
                self._foreseen.add(weights)

    def _read(self, weights: int) -> tuple[Reading, dict[str, Any]]:
        """Run the network with some weights; return its lines, and what the stage is told."""
        model = self._weighted(weights)
        batch = as_batch(self.prepare(self.choice.image))
        reading = read(model, batch)
        shapes = [line.values.shape for line in reading.lines]
        if shapes != self._shapes:
            self._blind = look_back(reading, model, batch)
            self._shapes, self._sees = shapes, [line.told["sees"] for line in reading.lines]
        for line, sees in zip(reading.lines, self._sees, strict=True):
            line.told["sees"] = sees
        told = {"brightest": self._brightest, "blind": self._blind, "at": weights}
        if self.snapshots:
            told["slider"] = self.weights.model_id
        return reading, told | reading.story(self.choice.image, self.classes)

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

    def _weighted(self, weights: int) -> nn.Module:
        """Return the model, or a copy of it with the weights of a snapshot."""
        if not self.snapshots:
            return self.model
        name, state = self.snapshots[weights]
        try:
            model = copy.deepcopy(self.model)
            model.load_state_dict(state)
        except (RuntimeError, TypeError) as error:
            text = _('The weights "{name}" do not fit this network: {error}')
            raise ValueError(text.format(name=name, error=error)) from error
        return model

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
