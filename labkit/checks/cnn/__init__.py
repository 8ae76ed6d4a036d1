"""Notebook 3: padding, pooling, the numbers that reach fc1, parameters, images of any size."""

from labkit.checks.cnn.arithmetic import conv_parameters, inputs_of_fc1, padding_that_keeps
from labkit.checks.cnn.flexible import FlexibleNet
from labkit.checks.cnn.pooling import average_pool

__all__ = ["padding_that_keeps", "average_pool", "inputs_of_fc1", "conv_parameters", "FlexibleNet"]
