import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from labkit.checks import faster as check


def _from_the_loss(labels, classes, smoothing):
    logits = torch.zeros(len(labels), classes, requires_grad=True)
    functional.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum").backward()
    return logits.detach().softmax(1) - logits.grad


def _written(labels, classes, smoothing):
    table = np.full((len(labels), classes), smoothing / classes)
    table[np.arange(len(labels)), labels.numpy()] = 1 - smoothing + smoothing / classes
    return table


def _a_new_layer(conv, norm):
    layer = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    with torch.no_grad():
        layer.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1))
        layer.bias.copy_(norm.bias - norm.running_mean * scale)
        if conv.bias is not None:
            layer.bias.add_(conv.bias * scale)
    return layer


def _in_the_given_one(conv, norm):
    layer = _a_new_layer(conv, norm)
    conv.weight.data = layer.weight.data
    conv.bias = layer.bias
    return conv


RIGHT = {
    check.whole_speedup: [
        lambda s, f: f / (f - f * s + s),
        lambda s, f: torch.tensor(1.0) / (1 - s + s / f),
        lambda s, f: np.reciprocal(1 - s * (1 - 1 / f)),
    ],
    check.wanted_probabilities: [
        _from_the_loss,
        _written,
        lambda y, c, s: [[(k == label) * (1 - s) + s / c for k in range(c)] for label in y],
    ],
    check.combined_gradient: [
        lambda g, n: np.average([x.numpy() for x in g], axis=0, weights=n),
        lambda g, n: torch.tensordot(torch.tensor(n) / sum(n), torch.stack(g), dims=1),
    ],
    check.normed_in_evaluation: [
        lambda x, n: (
            ((x.permute(0, 2, 3, 1) - n.running_mean) * n.weight) / (n.running_var + n.eps) ** 0.5
            + n.bias
        ).permute(0, 3, 1, 2),
    ],
    check.folded: [_a_new_layer],
}

WRONG = {
    check.wanted_probabilities: (
        lambda y, c, s: functional.one_hot(y, c),
        "These are the plain one-hot rows, without any",
    ),
    check.combined_gradient: (
        lambda g, n: sum(g) / len(g),
        "A plain mean is right where all parts have one",
    ),
    check.normed_in_evaluation: (
        lambda x, norm: copy.deepcopy(norm).train()(x),
        "These are mean and variance of this batch. In",
    ),
    check.folded: (_in_the_given_one, "The given layer was changed. Work on a copy:"),
}
