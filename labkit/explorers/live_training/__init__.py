"""Steer a training run while it runs."""

from labkit.explorers.live_training.widget import LiveTraining
