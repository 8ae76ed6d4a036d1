"""Notice when something other than a run changes its weights, e.g. another cell."""

import torch
from torch import nn

from labkit.text import _
from labkit.training.loop import TrainingStopped


class ModelChanged(TrainingStopped):
    """The weights were changed by something other than the run."""


class WeightsGuard:
    """Compare the weights with how they were last accepted, by PyTorch's count of their changes."""

    def accept(self, model: nn.Module) -> None:
        """Accept the weights as they are now, whoever changed them."""
        self._versions = [weight._version for weight in model.parameters()]

    def check(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Raise ``ModelChanged`` if weights were changed or replaced since they were accepted."""
        weights = list(model.parameters())
        stepped = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
        if any(weight.requires_grad and id(weight) not in stepped for weight in weights):
            raise ModelChanged(
                _(
                    "The model has weights that the optimizer does not know: a layer was replaced, "
                    "or this is another model. Make a new optimizer and a new run for it."
                )
            )
        if [weight._version for weight in weights] != self._versions:
            raise ModelChanged(
                _(
                    "The weights were changed since the last step, by another cell. Start again "
                    "to go on from the weights as they are now, or make a new run."
                )
            )
