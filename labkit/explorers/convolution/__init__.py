"""Slide a window over an image: convolution and pooling, number by number."""

from labkit.explorers.convolution.pooling import PoolingExplorer
from labkit.explorers.convolution.widget import ConvolutionExplorer

__all__ = ["ConvolutionExplorer", "PoolingExplorer"]
