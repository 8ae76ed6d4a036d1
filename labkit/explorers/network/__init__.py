"""Look inside a network: its feature maps for an image, at several moments of training."""

from labkit.explorers.network.widget import NetworkExplorer
