"""Run a model without leaving a mark on it or on the random numbers."""

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import nn

from labkit.sandbox import randomness
from labkit.sandbox.model_lock import model_lock, one_thread


@contextmanager
def untouched(model: nn.Module) -> Generator[None]:
    """Run a block with the model in evaluation mode and without gradients, then restore it.

    A live run waits meanwhile, and the block waits for the end of its step.
    Restored are the attributes of every module (mode, hooks, counters), the buffers (the
    statistics of batch normalisation) and the random state of Python, NumPy and PyTorch.
    Gradients are not touched. A forward pass that writes into its own parameters is not undone.
    """
    with model_lock, one_thread(), randomness.kept(), torch.no_grad():
        modules = [_Snapshot(module) for module in model.modules()]
        model.eval()
        try:
            yield
        finally:
            for snapshot in modules:
                snapshot.restore()


class _Snapshot:
    def __init__(self, module: nn.Module):
        self.module = module
        self.attributes = dict(vars(module))
        self.registries = {
            name: dict(value)
            for name, value in self.attributes.items()
            if name.startswith("_") and isinstance(value, dict)
        }
        self.values = {
            name: buffer.clone() for name, buffer in module._buffers.items() if buffer is not None
        }

    def restore(self) -> None:
        vars(self.module).clear()
        vars(self.module).update(self.attributes)
        for name, content in self.registries.items():
            registry = self.attributes[name]
            registry.clear()
            registry.update(content)
        for name, value in self.values.items():
            buffer = self.module._buffers[name]
            if buffer is None or buffer.is_meta or torch.equal(buffer, value):
                continue  # a write would disturb a pending backward()
            buffer.copy_(value)
