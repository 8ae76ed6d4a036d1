"""Notice when code reaches past its arguments, and put the originals back."""

import copy
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import torch
from torch import nn

from labkit.sandbox.model_lock import model_lock


@contextmanager
def kept(
    model: nn.Module, optimizer: torch.optim.Optimizer | None
) -> Generator[Callable[[], list[str]]]:
    """Run a block on copies; if the originals change all the same, put them back at its end.

    What is yielded says, when called, which of them have changed up to then. A live run that
    trains the originals in another thread waits meanwhile.
    """
    with model_lock:
        tensors = [*model.parameters(), *model.buffers()]
        weights = [_Weights(tensor) for tensor in tensors if not nn.parameter.is_lazy(tensor)]
        modes, state = [(module, module.training) for module in model.modules()], None
        with suppress(AttributeError):  # an optimizer by hand, without super().__init__()
            state = copy.deepcopy(optimizer.state_dict()) if optimizer else None
        rates = _rates(optimizer)

        def changed() -> list[str]:
            changes = {
                "weights": any(weight.changed for weight in weights),
                "mode": any(module.training is not mode for module, mode in modes),
                "optimizer": _rates(optimizer) != rates,
            }
            return [name for name, has_changed in changes.items() if has_changed]

        try:
            yield changed
        finally:
            found = changed()
            if optimizer and state and ("optimizer" in found or "weights" in found):
                optimizer.load_state_dict(state)
            for weight in weights if "weights" in found else ():
                weight.restore()
            for module, mode in modes:
                module.training = mode


class _Weights:
    def __init__(self, tensor: torch.Tensor):
        self.tensor, self.values, self.version = tensor, tensor.detach().clone(), tensor._version
        self.grad = tensor.grad
        self.slopes = None if tensor.grad is None else tensor.grad.detach().clone()
        self.grad_version = None if tensor.grad is None else tensor.grad._version

    @property
    def changed(self) -> bool:
        same_grad = self.tensor.grad is self.grad
        grad_version = self.grad._version if self.grad is not None else None
        stayed = self.tensor._version == self.version and grad_version == self.grad_version
        return not (same_grad and stayed and self._holds_its_values())

    def _holds_its_values(self) -> bool:
        """Compare: batch normalisation writes its statistics without a new version."""
        return equal(self.tensor, self.values)

    def restore(self) -> None:
        with torch.no_grad():
            if not self._holds_its_values():
                self.tensor.copy_(self.values)
            self.tensor.grad = self.grad
            if self.grad is not None and self.slopes is not None:
                if self.grad._version != self.grad_version:
                    self.grad.copy_(self.slopes)


def equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Compare two tensors; NaN equals NaN, and tensors without numbers equal each other."""
    if one.is_meta or other.is_meta:
        return one.is_meta and other.is_meta
    return torch.equal(one, other) or bool(torch.allclose(one, other, 0, 0, equal_nan=True))


def _rates(optimizer: torch.optim.Optimizer | None) -> list:
    return [group.get("lr") for group in optimizer.param_groups] if optimizer else []
