"""What a network makes of one image, and of which numbers each number was made.

``Reading.story`` returns it as plain JSON and bytes, so that a page can tell it without a kernel:

``plan``
    A list with a dict for each line of the explorer; the first is the image. ``name``, ``type``
    (the layer's class), ``shape`` ``[C, H, W]`` (a vector of n numbers is ``[n, 1, 1]``),
    ``kind`` (how its numbers are made, see ``recipes.py``), ``sources`` (the lines that they are
    made of), ``activations`` (names of what is applied last, as "ReLU") and ``sees``: the first
    row of the image, the row after the last, the first column, the column after the last, that a
    number depends on, by its row or column; None where that cannot be said in this way.
``maps``
    The numbers of all lines in their order, float32, little endian.
``weights``
    float32. A line of kind "products" has its filters ``[C, inputs, h, w]`` at number ``filters``
    and its biases at number ``biases``; None where there are none, or too many to send.
``image``
    The image that is shown, uint8 ``[H, W, 3]``, with ``size`` its height and width.
``classes``
    The names of the last line's numbers.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from labkit.explorers.network.recipes import activation, is_reshape, recipe
from labkit.inspect.faults import find_fault
from labkit.inspect.fields import fields
from labkit.inspect.recording import Step, record
from labkit.sandbox.untouched import untouched
from labkit.text import _

MAPS_AT_MOST, WEIGHTS_AT_MOST = 4_000_000, 1_000_000
"""So many numbers of one image are sent to the browser, and so many weights; 4 bytes each."""


@dataclass(eq=False)
class LayerLine:
    """One layer with the activations and reshapings after it.

    ``values`` float32 ``[C, H, W]`` is what goes on; ``filters`` ``[C, inputs, h, w]`` and
    ``biases`` ``[C]`` what a line of products is made with.
    """

    told: dict[str, Any]
    values: np.ndarray
    step: int = -1
    filters: np.ndarray | None = None
    biases: np.ndarray | None = None


@dataclass(eq=False)
class Reading:
    """All lines of a network for one image; ``of[step]`` is the line of a recorded step."""

    lines: list[LayerLine]
    of: dict[int, int] = field(default_factory=dict)

    @property
    def plan(self) -> list[dict[str, Any]]:
        """Return the lines as JSON, each with the places of its weights among those sent."""
        plan, room, place = [], WEIGHTS_AT_MOST, 0
        for line in self.lines:
            told = line.told | {"filters": None, "biases": None}
            sizes = [0 if part is None else part.size for part in (line.filters, line.biases)]
            if line.filters is not None and sum(sizes) <= room:
                told["filters"] = place
                told["biases"] = place + sizes[0] if sizes[1] else None
                place, room = place + sum(sizes), room - sum(sizes)
            plan.append(told)
        return plan

    @property
    def weights(self) -> bytes:
        """Return the weights that ``plan`` says are sent."""
        sent = [
            part
            for line, told in zip(self.lines, self.plan, strict=True)
            if told["filters"] is not None
            for part in (line.filters, line.biases)
            if part is not None
        ]
        return b"".join(_floats(part).tobytes() for part in sent)

    @property
    def maps(self) -> bytes:
        """Return the numbers of all lines. Raises ValueError where they are too many."""
        count = sum(line.values.size for line in self.lines)
        if count > MAPS_AT_MOST:
            text = _(
                "This network makes {n:,} numbers of one image; the explorer shows at most "
                "{most:,}. Make the image smaller in prepare."
            )
            raise ValueError(text.format(n=count, most=MAPS_AT_MOST))
        return b"".join(_floats(line.values).tobytes() for line in self.lines)

    def story(self, image: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
        """Return all that a browser needs, as described above."""
        return {
            "plan": self.plan,
            "maps": self.maps,
            "weights": self.weights,
            "image": np.ascontiguousarray(image, np.uint8).tobytes(),
            "size": list(image.shape[:2]),
            "classes": list(classes),
        }

    @property
    def probabilities(self) -> np.ndarray | None:
        """Return what the network predicts, float32 ``[classes]``; None without such a vector."""
        last = self.lines[-1:]
        return next((line.values.ravel() for line in last if line.told["kind"] == "softmax"), None)


def as_batch(image: torch.Tensor) -> torch.Tensor:
    """Return ``[C, H, W]`` or ``[1, C, H, W]`` as a batch. Raises ValueError for another shape."""
    batch = image if image.ndim == 4 else image.unsqueeze(0)
    if batch.ndim != 4 or len(batch) != 1:
        text = _("One image has the shape [3, 32, 32], not {shape}.")
        raise ValueError(text.format(shape=list(image.shape)))
    return batch


def read(model: nn.Module, batch: torch.Tensor) -> Reading:
    """Run the model on one image ``[1, C, H, W]`` and return its lines.

    An activation or a reshaping belongs to the line before it, if nothing else takes what stands
    between them. Raises ValueError, with the fault in words, where the forward pass breaks.
    """
    recording = record(model, batch, keep=True)
    if recording.error:
        with untouched(model):  # its fixes are tried
            fault = find_fault(recording, batch)
        raise ValueError(str(fault)) from recording.error
    taken = Counter(source for step in recording.steps for source in step.sources)
    reading = Reading([_image_line(batch)])
    with torch.no_grad():
        for number, step in enumerate(recording.steps):
            if step.shape[:1] == (1,) and not _joined(reading, step, number, taken):
                reading.lines.append(_line(reading, step, number))
                reading.of[number] = len(reading.lines) - 1
    if len(reading.lines) == 1:
        raise ValueError(_("No layer of this network keeps one row for each image."))
    _predict(reading)
    return reading


def look_back(reading: Reading, model: nn.Module, batch: torch.Tensor) -> str:
    """Note for each line the pixels that its numbers depend on; return why not, or ""."""
    try:
        found = fields(model, tuple(batch.shape[1:]))
    except (ValueError, RuntimeError, TypeError) as error:  # some models cannot be copied
        return str(error)
    for line in reading.lines[1:]:
        if line.step < 0:  # the probabilities depend on what the logits depend on
            line.told["sees"] = reading.lines[-2].told["sees"]
        elif (seen := found[line.step]) is not None:
            line.told["sees"] = _by_place(seen.reshape(4, *line.values.shape))
    return ""


def _image_line(batch: torch.Tensor) -> LayerLine:
    _n, channels, height, width = batch.shape
    ends = [*_ends(height), *_ends(width)]
    shape = [channels, height, width]
    return LayerLine(_told(_("image"), "", "input", shape, [], sees=ends), _floats(batch[0]))


def _told(name: str, layer: str, kind: str, shape, sources: list[int], **more) -> dict[str, Any]:
    told = {"name": name, "type": layer, "kind": kind, "shape": list(shape), "sources": sources}
    return told | {"activations": [], "sees": None} | more


def _ends(length: int) -> tuple[list[int], list[int]]:
    return list(range(length)), list(range(1, length + 1))


def _line(reading: Reading, step: Step, number: int) -> LayerLine:
    """Begin a line with a step."""
    values = _planes(step.values[0])
    sources = [_source(reading, step, n) for n in range(len(step.sources))]
    before = [None if source is None else reading.lines[source].values for source in sources]
    made = recipe(step, before, values.shape)
    known = [source for source in sources if source is not None]
    told = _told(step.layer, step.call.kind, made.kind, values.shape, known, **made.how)
    return LayerLine(told, values, number, made.filters, made.biases)


def _source(reading: Reading, step: Step, number: int) -> int | None:
    """Return the line that a step's input comes from; the image is fed in from outside."""
    source = step.sources[number]
    if source is not None:
        return reading.of.get(source)
    return 0 if step.inputs[number][1:] == reading.lines[0].values.shape else None


def _joined(reading: Reading, step: Step, number: int, taken: Counter) -> bool:
    """Add an activation or a reshaping to the line that it follows; say whether it was one."""
    if len(step.sources) != 1 or not (is_reshape(step) or activation(step)):
        return False
    source, at = step.sources[0], _source(reading, step, 0)
    if at is None or (source is not None and taken[source] > 1):
        return False
    line, values = reading.lines[at], _floats(step.values[0]).reshape(-1)
    if is_reshape(step):
        if not np.array_equal(values, line.values.reshape(-1), equal_nan=True):
            return False  # a dropout that is never switched off
    elif source is None:
        return False
    else:
        line.told["activations"].append(activation(step))
        line.values = values.reshape(line.values.shape)
    reading.of[number] = at
    return True


def _predict(reading: Reading) -> None:
    """End with a line of probabilities: by softmax, unless the last one holds some already."""
    last = reading.lines[-1]
    if last.values.shape[1:] != (1, 1) or len(last.values) < 2:
        return
    if last.told["kind"] == "softmax":
        return
    shares = torch.from_numpy(last.values).softmax(0).numpy()
    told = _told("softmax", "", "softmax", shares.shape, [len(reading.lines) - 1])
    reading.lines.append(LayerLine(told, shares))


def _planes(values: torch.Tensor) -> np.ndarray:
    """Return any output as maps ``[C, H, W]``: its last two axes are a map, the others count."""
    if values.ndim < 2:
        return _floats(values.reshape(-1, 1, 1))
    return _floats(values.reshape(-1, *values.shape[-2:]))


def _floats(values: torch.Tensor | np.ndarray) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().float().cpu().numpy()
    return np.ascontiguousarray(values, dtype="<f4")


def _by_place(seen: np.ndarray) -> list[list[int]] | None:
    """Return the pixels seen ``[4, C, H, W]`` by row and by column, if they depend on no more."""
    top, bottom, left, right = seen
    rows, columns = [part[0, :, 0] for part in (top, bottom)], [p[0, 0] for p in (left, right)]
    same = all((a == b[:, None]).all() for a, b in zip((top, bottom), rows, strict=True))
    same &= all((a == b).all() for a, b in zip((left, right), columns, strict=True))
    return [part.tolist() for part in (*rows, *columns)] if same else None
