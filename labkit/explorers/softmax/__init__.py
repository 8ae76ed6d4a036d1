"""Move logits and watch the probabilities and the loss."""

from labkit.explorers.softmax.widget import SoftmaxExplorer
