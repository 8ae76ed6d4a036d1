"""Summarise a model: a row for each step of a forward pass and, where it breaks, the fix."""

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from labkit.display import ORANGE, Html, card, escaped, table
from labkit.inspect.batches import of_batches
from labkit.inspect.faults import Fault, find_fault
from labkit.inspect.reasons import why
from labkit.inspect.recording import Call, Recording, plain, record
from labkit.inspect.silent import in_silence
from labkit.sandbox.untouched import untouched
from labkit.text import _, written


@dataclass(frozen=True)
class Row:
    """One step of a forward pass: its output's shape and the parameters that are new in it."""

    layer: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    why: str


@dataclass(frozen=True)
class Summary:
    """A forward pass as rows; where it breaks, a fault; what it did in silence, as warnings.

    A notebook shows it as a table.
    """

    input_shape: tuple[int, ...]
    rows: tuple[Row, ...]
    parameters: int
    fault: Fault | None
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        width = max((len(row.layer) for row in self.rows), default=0)
        lines = [
            f"{row.layer:<{width}}  {list(row.shape)!s:<18} {row.parameters:>10,}  {row.why}"
            for row in self.rows
        ]
        lines += [
            _("{n} parameters in all").format(n=written(self.parameters, ",")),
            *self.warnings,
        ]
        return "\n".join(lines + ([str(self.fault)] if self.fault else []))

    def _repr_html_(self) -> str:
        heads = (_("layer"), _("kind"), _("output shape"), _("parameters"), _("why"))
        rows = [
            (row.layer, row.kind, str(list(row.shape)), _count(row.parameters), row.why)
            for row in self.rows
        ]
        text = _("Input {shape}; {n} parameters in all.")
        caption = text.format(shape=list(self.input_shape), n=written(self.parameters, ","))
        notes: list[tuple[str, ...]] = [(note,) for note in self.warnings]
        if self.fault:
            heading = escaped(_("✗ It breaks at {layer}").format(layer=self.fault.layer))
            notes.append((Html(f"<strong>{heading}</strong>"), *str(self.fault).split("\n")))
        shown = table(heads, rows, caption=caption, right={3}, wrapped={4})
        return shown + "".join(card(*note, edge=ORANGE) for note in notes)


def _count(n: int) -> str:
    return written(n, ",") if n else "–"


def summary(
    model: nn.Module, size: Sequence[int] | Sequence[torch.Tensor] | torch.Tensor
) -> Summary:
    """Run a real forward pass and describe each step; the model stays as it was.

    ``size`` counts the batch, as in ``(1, 3, 32, 32)``; zeros of the type and on the device of the
    model's first parameter are fed in, whole numbers where that is an embedding's. A tensor is fed
    in as it is, several one after the other, for ``forward(self, x1, x2)``. It runs in evaluation
    mode, and then as it is called here, training and with gradients, which may break where the
    first did not. A forward pass that breaks is described in ``fault``, not raised. Raises
    ValueError for what is no model or no size, or cannot be run.
    """
    model = plain(model)
    inputs: list[Any] = [size]
    if isinstance(size, (tuple, list)) and any(isinstance(x, torch.Tensor) for x in size):
        inputs = list(size)
    x, *rest = inputs
    x = x if isinstance(x, torch.Tensor) else _zeros(model, x)
    training = frozenset(module for module in model.modules() if module.training)
    with_gradients = torch.is_grad_enabled()
    with untouched(model):  # to read a weight may compute it, as spectral normalisation does
        recording = record(model, x, rest=tuple(rest))
        if with_gradients and not recording.error:
            live = record(model, x, rest=tuple(rest), live=training)
            recording = live if _breaks(live) else recording
        rows = tuple(
            Row(step.layer, _kind(step.call), step.shape, step.parameters, why(step))
            for step in recording.steps
        )
        fault = find_fault(recording, x) if recording.error else None
        warnings = in_silence(recording, x)
        if not recording.error and (not warnings or recording.unused):
            warnings += tuple(of_batches(recording, x))
    return Summary(tuple(x.shape), rows, recording.parameters, fault, warnings)


def _kind(call: Call) -> str:
    return call.kind if call.module else _("function")


def _zeros(model: nn.Module, shape: Sequence[int]) -> torch.Tensor:
    listed = isinstance(shape, (tuple, list)) and all(type(size) is int for size in shape)
    if not listed or not shape or any(size < 1 for size in shape):
        shown = list(shape) if isinstance(shape, (tuple, list)) else reprlib.repr(shape)
        text = _("A size is whole numbers from 1 up, the batch first, not {shape}.")
        more = _("Feed a tensor: torch.from_numpy(x).") if hasattr(shape, "__array__") else ""
        raise ValueError(f"{text.format(shape=shown)} {more}".strip())
    first = next(model.parameters(), torch.empty(0))
    kind = first.dtype if first.is_floating_point() else torch.float32
    owner = next((module for module in model.modules() if module._parameters), None)
    if isinstance(owner, nn.Embedding):
        kind = torch.int64
    return torch.zeros(*shape, dtype=kind, device=first.device)


def _breaks(live: Recording) -> bool:
    """Tell whether a pass that is well in evaluation mode breaks by a mistake when it trains.

    That a batch of one cannot train a normalisation is a warning, and what a model asserts then,
    as a detector does that wants its targets, is no mistake.
    """
    alone = "more than 1 value per channel" in str(live.error)
    return bool(live.error) and not alone and not isinstance(live.error, AssertionError)
