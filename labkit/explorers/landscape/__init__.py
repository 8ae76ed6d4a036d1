"""Walk down a loss landscape with the optimizers of torch.optim."""

from labkit.explorers.landscape.widget import LandscapeExplorer
