"""Notice when code reaches past its arguments, and put the originals back."""

import copy
import functools
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch
from torch import nn
from torch.optim import optimizer as torch_optimizer

from labkit.sandbox.model_lock import model_lock


@contextmanager
def kept(
    model: nn.Module, optimizer: torch.optim.Optimizer | None
) -> Generator[Callable[[], list[str]]]:
    """Run a block on copies; if the originals change all the same, put them back at its end.

    What is yielded says, when called, which of them have changed up to then.
    """
    elsewhere = _Elsewhere(model, optimizer)
    with model_lock:
        tensors = [*model.parameters(), *model.buffers()]
        tensors = [tensor for tensor in tensors if not nn.parameter.is_lazy(tensor)]
        weights = [_Weights(tensor) for tensor in tensors]
        modes = [(module, module.training) for module in model.modules()]
        state = copy.deepcopy(optimizer.state_dict()) if optimizer else None
        rates = _rates(optimizer)

    def changed() -> list[str]:
        found = []
        with model_lock:
            if elsewhere.at_work:  # a live run goes on meanwhile: those are its own changes
                return found
            if any(weight.changed for weight in weights):
                found.append("weights")
            if any(module.training is not mode for module, mode in modes):
                found.append("mode")
            if _rates(optimizer) != rates:
                found.append("optimizer")
        return found

    try:
        yield changed
    finally:
        with model_lock:
            found = changed()
            elsewhere.stop()
            if optimizer and state and ("optimizer" in found or "weights" in found):
                optimizer.load_state_dict(state)
            for weight in weights if "weights" in found else ():
                weight.restore()
            for module, mode in modes if "mode" in found else ():
                module.training = mode


class _Elsewhere:
    """Notice whether another thread steps the optimizer or switches the mode of the model.

    For the mode there is no hook: ``nn.Module.train`` is wrapped until ``stop``.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer | None):
        self.at_work = False
        self._ours, self._thread = (model, optimizer), threading.get_ident()
        self._handles = [
            torch_optimizer.register_optimizer_step_pre_hook(self._note),
            torch_optimizer.register_optimizer_step_post_hook(self._note),
        ]
        self._train = nn.Module.train

        @functools.wraps(self._train)
        def train(module, mode=True):
            self._note(module)
            return self._train(module, mode)

        nn.Module.train = train  # ty: ignore[invalid-assignment]

    def _note(self, who, *_arguments) -> None:
        if any(who is ours for ours in self._ours) and threading.get_ident() != self._thread:
            self.at_work = True

    def stop(self) -> None:
        nn.Module.train = self._train
        for handle in self._handles:
            handle.remove()


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
        if not self._holds_its_values():
            with torch.no_grad():
                self.tensor.copy_(self.values)
        self.tensor.grad = self.grad
        if self.grad is not None and self.slopes is not None:
            with torch.no_grad():
                if self.grad._version != self.grad_version:
                    self.grad.copy_(self.slopes)


def equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Compare two tensors; NaN equals NaN, and tensors without numbers equal each other."""
    if one.is_meta or other.is_meta:
        return one.is_meta and other.is_meta
    return torch.equal(one, other) or bool(torch.allclose(one, other, 0, 0, equal_nan=True))


def _rates(optimizer: torch.optim.Optimizer | None) -> list:
    return [group.get("lr") for group in optimizer.param_groups] if optimizer else []
