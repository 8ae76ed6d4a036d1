"""What a pass does with other batches: does it run with more images, and is each on its own?"""

import copy
import math
from inspect import signature

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from labkit.inspect.faults import find_fault
from labkit.inspect.fixes import Fix, changed, function
from labkit.inspect.recording import Recording, Step, record
from labkit.inspect.soundness import tensors_of, touched
from labkit.text import _


def of_batches(recording: Recording, x: torch.Tensor) -> list[str]:
    """Return a sentence for what only another batch shows, none where all is well.

    recording: of a pass that ran to its end, in evaluation mode
    x: what was fed in, images ``[N, C, H, W]`` or vectors ``[N, D]``; others are not looked at
    """
    kinds = tuple(type(module) for module in recording.model.modules())
    images = x.ndim == 4 and nn.Conv3d not in kinds
    in_time = any(hasattr(module, "batch_first") for module in recording.model.modules())
    if x.is_meta or not (images or x.ndim == 2 and not in_time) or not len(x):
        return []
    return _of_another_size(recording, x) or (_mixed(recording, x) if images else [])


def _of_another_size(recording: Recording, x: torch.Tensor) -> list[str]:
    """Tell of a pass that runs with as many images as it was given, and with no other number.

    One that takes pairs, or makes pairs of its batch, runs with twice as many and not with one.
    """
    n = len(x)
    few = 4 if n == 2 else 2
    size = few if _with(recording, x, few).error and _with(recording, x, 2 * n).error else 0
    if not size and n > 1 and _with(recording, x, 1).error:
        works = not _with(recording, x, few).error and not _with(recording, x, 3).error
        size = int(works)  # 1, or none
    broken = _with(recording, x, size) if size else recording
    if not broken.broken:
        return []
    if fixed := _fixed(recording, broken, size):
        text = _(
            "It runs only with a batch of {n}: {layer} always makes {n} rows. Write "
            "x.flatten(1), or len(x) in place of {n}: the last batch may be smaller."
        )
        return [text.format(n=n, layer=fixed)]
    fault = find_fault(broken, _fed(x, size))
    text = _(
        "It runs with a batch of {n}, but with a batch of {size} it breaks at {layer}. To fix "
        "it: {change}."
    )
    return [text.format(n=n, size=size, layer=fault.layer, change=fault.change)]


def _with(recording: Recording, x: torch.Tensor, size: int) -> Recording:
    """Run the pass with a batch of another size."""
    n = len(x)
    rest = tuple(_fed(other, size) if _is_batch(other, n) else other for other in recording.rest)
    return record(recording.model, _fed(x, size), rest=rest)


def _is_batch(other: object, n: int) -> bool:
    return isinstance(other, torch.Tensor) and other.shape[:1] == (n,)


def _fed(x: torch.Tensor, size: int) -> torch.Tensor:
    return x[[k % len(x) for k in range(size)]]


def _fixed(recording: Recording, broken: Recording, size: int) -> str:
    """Return the name of the step that makes as many rows of any batch, if one does."""
    n = recording.steps[0].inputs[0][0] if recording.steps else 0
    for step, again in zip(recording.steps, broken.steps, strict=False):
        came = again.inputs[0][:1] == (size,) if again.inputs else False
        if came and step.shape[:1] == again.shape[:1] == (n,) != (size,):
            return step.layer
    return ""


def _mixed(recording: Recording, x: torch.Tensor) -> list[str]:
    """Tell of a layer with which the answer for one image depends on the others of its batch."""
    images = x if len(x) > 1 else _fed(x, 2)
    own = [k == 0 for k in range(len(images))]
    outputs = tensors_of(recording.output)
    rows = all(out.shape[:1] == (len(x),) != out.shape[1:] for out in outputs)  # no table N x N
    if not rows or not outputs or not x.is_floating_point():
        return []
    spoilt = images.clone()
    spoilt[0] = math.nan  # it spreads to all that is computed from it
    if all(touched(out, own) for out in tensors_of(record(recording.model, spoilt).output)):
        return []
    for step in record(recording.model, spoilt, keep=True).steps:
        shown = len(images) in step.shape or step.values.numel() == 1
        if not shown or not step.values.isnan().any() or touched(step.values, own):
            continue
        norm = isinstance(step.call.module, _NormBase) or function(step.call) == "batch_norm"
        if norm:  # by the statistics of its batch, and on purpose
            return []
        text = _("The answer for one image depends on the others: {layer} mixes them.")
        fix = _apart(step)
        if fix and _runs_apart(fix, recording, spoilt, own):
            text = _(
                "The answer for one image depends on the others: {layer} mixes them. To fix it: "
                "{change}."
            )
        kind = f" ({step.call.kind})" if step.call.module is not None else ""
        return [text.format(layer=step.layer + kind, change=fix.words if fix else "")]
    return []


def _apart(step: Step) -> Fix | None:
    """Return the fix of a layer that takes the batch for time steps, or sums over the batch."""
    call = step.call
    if call.module is None:
        given = call.options.get("dim", call.arguments[1] if len(call.arguments) > 1 else None)
        last = len(step.shape) - 1

        def turned(arguments: tuple, options: dict) -> tuple[tuple, dict]:
            return arguments[:1], {**options, "dim": last}

        text = _("set {change} in {layer}").format(change=f"dim={last}", layer=step.layer)
        return Fix(text, given=turned, at=(step.layer,)) if given == 0 else None
    module, words, where = copy.deepcopy(call.module), "", call.name
    for part in module.modules():
        if getattr(part, "batch_first", True) is False:
            part.batch_first, words = True, "batch_first=True"
    if words and "batch_first" not in signature(type(module)).parameters:  # it is made of layers
        takes = (type(part) for part in module.modules() if hasattr(part, "self_attn"))
        where = f"nn.{next(takes, type(module)).__name__}"
    if getattr(module, "dim", None) == 0 and len(step.shape) > 1:
        module.dim, words = 1, "dim=1"
    text = _("set {change} in {layer}").format(change=words, layer=where)
    return Fix(text, {call.name: module}) if words else None


def _runs_apart(fix: Fix, recording: Recording, spoilt: torch.Tensor, own: list[bool]) -> bool:
    with changed(fix, recording, spoilt) as (again, _fed):
        outputs = [] if again.error else tensors_of(again.output)
    return bool(outputs) and all(touched(out, own) for out in outputs)
