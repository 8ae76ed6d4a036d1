"""How many numbers each layer wants, and the layer before it that gives them."""

import math
import re
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from labkit.inspect.fixes import Fix, argument, function, resized
from labkit.inspect.recording import Call, Recording, Step
from labkit.text import _


@dataclass(frozen=True)
class Want:
    """How many numbers a layer wants, by the name of its argument, along which axis."""

    name: str
    axis: int
    count: int


WANTS = (
    (nn.Linear, "in_features", -1),
    (_ConvNd, "in_channels", 1),
    (_NormBase, "num_features", 1),
    (nn.GroupNorm, "num_channels", 1),
    (nn.PReLU, "num_parameters", 1),
    (nn.RNNBase, "input_size", -1),
    (nn.LayerNorm, "normalized_shape", -1),
    (nn.RMSNorm, "normalized_shape", -1),
)
"""Which layer wants how many numbers along which axis."""

JOINS = ("cat", "concat", "concatenate")
_TIMES = 8
"""A layer that would need so many times the outputs it has was not mistyped."""
OUTPUTS = ((_ConvNd, "out_channels"), (nn.Linear, "out_features"), (nn.Embedding, "embedding_dim"))


def want(call: Call) -> Want | None:
    """Return what a call wants by the table, or None for one that is not in it."""
    for kind, name, axis in WANTS:
        if isinstance(call.module, kind):
            count = getattr(call.module, name)
            count = count if isinstance(count, int) else math.prod(count)
            return Want(name, axis, count)
    return None


def expected_by(call: Call, wanted: Want) -> str:
    """Return in words what a layer wants."""
    name, n = wanted.name, wanted.count
    if isinstance(call.module, nn.Conv2d) or (
        isinstance(call.module, _NormBase) and "2d" in call.kind
    ):
        return _("a batch [N, {n}, height, width] ({name}={n})").format(n=n, name=name)
    if name == "in_features":
        return _("{n} numbers per image (in_features={n})").format(n=n)
    if wanted.axis == -1:
        sizes = getattr(call.module, name, n)
        sizes = n if isinstance(sizes, int) or len(sizes) == 1 else list(sizes)
        return _("{n} in the last axis ({name}={n})").format(n=sizes, name=name)
    return _("{n} channels in axis 1 ({name}={n})").format(n=n, name=name)


def earlier(broken: Recording, source: int | None, size: int, n: int) -> list[Fix]:
    """Return the fixes of an earlier layer whose count was mistyped, so that this one fits."""
    for step in broken.back(source):
        for kind, name in OUTPUTS:
            if isinstance(step.call.module, kind):
                given = getattr(step.call.module, name)
                plausible = n <= _TIMES * size and not _is_one_of_many(broken, step, name)
                alike = given == size and plausible
                return _output(step.call, name, n) if alike else []
        if function(step.call) in JOINS:  # one of the joined has too few or too many
            ends = zip(step.sources, step.inputs, strict=True)
            pairs = [(one, shape[1]) for one, shape in ends if len(shape) > 1][-2:]
            return [
                fix
                for one, part in sorted(reversed(pairs), key=lambda p: (p[1] + n - size) % 2)
                if part + n - size > 0
                for fix in earlier(broken, one, part, part + n - size)
            ]
        if function(step.call) == "chunk":
            parts = argument(step.call, 1, "chunks") or 1
            return earlier(broken, step.sources[0], step.inputs[0][-1], n * parts)
        if isinstance(step.call.module, nn.PixelShuffle):
            times = step.call.module.upscale_factor**2
            size, n = size * times, n * times
        wanted = want(step.call)
        if wanted and wanted.count > 1:  # a layer in between that had the count it wants
            return []
    return []


def _is_one_of_many(broken: Recording, step: Step, name: str) -> bool:
    """Tell whether a layer stands alike in several blocks that ran well: it is not mistyped."""

    def form(layer: str) -> str:
        return re.sub(r"\d+(?=.*\.)", "", layer)

    own, count = step.call.name, getattr(step.call.module, name)
    if broken.call.name.startswith(own.rpartition(".")[0]):
        return False
    alike = [m for key, m in broken.model.named_modules() if form(key) == form(own)]
    return form(own) != own and [getattr(m, name, 0) for m in alike].count(count) > 2


def _output(call: Call, name: str, size: int) -> list[Fix]:
    changes: dict[str, Any] = {name: size}
    if size % getattr(call.module, "groups", 1):
        changes["groups"] = 1
    text = _("give {layer} {n} outputs, {rest}")
    return [
        Fix(text.format(layer=call.name, n=size, rest=fix.words), fix.layers)
        for fix in resized(call, **changes)
    ]
