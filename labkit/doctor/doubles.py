"""Other networks of the model's shapes: averages, copies, teachers; and its two-mode layers."""

import gc

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from labkit.sandbox.copies import Copies


class Doubles:
    """Copies of other modules whose weights have the shapes of the model's."""

    def __init__(self, copies: Copies, model: nn.Module):
        self._model, self._before = model, _weights(model)
        self._statistics = _statistics(model)
        shapes = [p.shape for p in self._before]
        mine = {id(p) for p in model.parameters()}
        self._found: dict[int, tuple[nn.Module, list]] = {}
        self._kept: dict[int, list] = {}
        for key, other in copies.made(nn.Module).items():
            weights = _weights(other)
            alike = len(shapes) > 1 and [p.shape for p in weights] == shapes
            if alike and not mine & set(map(id, other.parameters())):
                self._found[key], self._kept[key] = (other, weights), _statistics(other)

    def moved(self) -> dict[int, float]:
        """Return how far each has moved, as a share of the way that the model went."""
        way = _distance(_weights(self._model), self._before)
        return {
            key: (_distance(_weights(other), before) / way if way else 0.0)
            for key, (other, before) in self._found.items()
        }

    def without_statistics(self) -> bool:
        """Return whether one follows in its weights, and its batch norms keep what they had."""
        if not _differ(_statistics(self._model), self._statistics):
            return False
        return any(
            _differ(_weights(other), weights) and not _differ(_statistics(other), self._kept[key])
            for key, (other, weights) in self._found.items()
        )

    def among(self, called: set[int]) -> set[int]:
        """Return those that were called, by the originals' ids."""
        return {key for key, (other, _before) in self._found.items() if id(other) in called}


def _weights(module: nn.Module) -> list[torch.Tensor]:
    some = (p for p in module.parameters() if not nn.parameter.is_lazy(p))
    return [p.detach().clone() for p in some]


def _statistics(module: nn.Module) -> list[torch.Tensor]:
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    return [b.detach().clone() for m in norms for b in m.buffers() if b.is_floating_point()]


def _differ(one: list, other: list) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(one, other, strict=False))


def _distance(one: list, other: list) -> float:
    return sum((a - b).double().norm().item() ** 2 for a, b in zip(one, other, strict=True)) ** 0.5


def steps_in_hooks(model: nn.Module) -> bool:
    """Tell whether hooks change the weights while gradients are computed; copies have no hooks."""
    return any(getattr(p, "_post_accumulate_grad_hooks", None) for p in model.parameters())


def sharing(model: nn.Module) -> list[nn.Module]:
    """Return what copy.copy(model) made: other modules that consist of the very same layers."""
    others = (thing for thing in gc.get_objects() if type(thing) is type(model))
    return [o for o in others if o is not model and vars(o).get("_modules") is model._modules]


def two_mode_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return by name the layers that do one thing in training and another in evaluation."""
    return {
        name: module
        for name, module in model.named_modules()
        if (isinstance(module, _DropoutNd) and module.p > 0)
        or (isinstance(module, (_BatchNorm, nn.InstanceNorm2d)) and module.track_running_stats)
    }
