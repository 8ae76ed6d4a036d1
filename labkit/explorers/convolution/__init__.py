"""Slide a window over an image: convolution and pooling, number by number."""

from labkit.explorers.convolution.widget import ConvolutionExplorer, PoolingExplorer
