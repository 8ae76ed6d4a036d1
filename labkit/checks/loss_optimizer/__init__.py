"""Notebook 4: cross-entropy, log-probabilities, step lengths, weight decay, a cut."""

from labkit.checks.loss_optimizer.landscape import losses_along
from labkit.checks.loss_optimizer.losses import batch_loss, log_probabilities
from labkit.checks.loss_optimizer.steps import largest_rate, sgd_step_with_decay

__all__ = ["batch_loss", "log_probabilities", "largest_rate", "sgd_step_with_decay", "losses_along"]
