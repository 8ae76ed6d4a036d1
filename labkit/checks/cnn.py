"""Notebook 3: padding, the numbers that reach fc1, parameters; pooling stands in ``any_size``."""

import torch
from torch import nn
from torch.nn import functional

from labkit.checks.any_size import FlexibleNet, average_pool
from labkit.checks.engine.spec import exercise

__all__ = ["FlexibleNet", "average_pool", "conv_parameters", "inputs_of_fc1", "padding_that_keeps"]


def size(n, k, s=1, p=0):
    """Return how many places a window has, as the notebook computes it."""
    return (n + 2 * p - k) // s + 1


def _kernels():
    return [(kernel,) for kernel in (1, 3, 5, 7, 9, 11)]


def _by_trying(kernel):
    for padding in range(kernel):
        if nn.Conv2d(1, 1, kernel, padding=padding)(torch.zeros(1, 1, 32, 32)).shape[-1] == 32:
            return padding


@exercise(1, _kernels, judge=_by_trying)
def padding_that_keeps(kernel):
    return (kernel - 1) // 2


padding_that_keeps.sentences = {
    "kernel - 1": "This is the padding of both sides together. Each side gets half of it.",
    "kernel / 2": "A half is left over. Padding is whole: (kernel - 1) // 2.",
    "kernel": "Padding by the whole kernel makes the output larger than 32.",
    "(kernel + 1) // 2": (
        "One too many: a kernel of 1 needs no padding, because its window fits everywhere."
    ),
    "kernel - 2": "This is right for a kernel of 3 only. Which rule gives 1, 2 and 3 for 3, 5, 7?",
    "kernel // 3": "A kernel of 5 needs 2. Each side gets half of kernel - 1.",
    "2": "This is right for a kernel of 5 only. Which rule is behind it?",
    '"same"': "nn.Conv2d understands padding='same' and works the number out. Which number is it?",
    "(32 - kernel) // 2": (
        "This is half of what the kernel leaves. The padding gives back half of what the kernel "
        "takes, kernel - 1."
    ),
    "32": "This is the side, which stays 32 with the right padding. Return the padding itself.",
    "32 - kernel + 1": "This is the side of the output without padding. What is missing?",
    "kernel // 2, kernel // 2": "One number is enough: it holds for all four sides.",
}


def _sides():
    return [(side,) for side in (32, 64, 33, 35, 48, 96, 16, 224)]


def _counted(side):
    x = torch.zeros(1, 3, side, side)
    for channels in (6, 16):
        x = functional.max_pool2d(nn.Conv2d(x.shape[1], channels, 5)(x), 2, 2)
    return x.numel()


@exercise(3, _sides, judge=_counted)
def inputs_of_fc1(side):
    for _convolution in range(2):
        side = size(side, 5)
        side = size(side, 2, s=2)
    return 16 * side * side


_NOT_IN_PROPORTION = (
    "It does not grow in proportion: each convolution takes 4 off, however large the image."
)
inputs_of_fc1.sentences = {
    (", s=2", ""): "The pooling moves in steps of 2 as well: size(side, 2, s=2).",
    ("        side = size(side, 5)\n", ""): (
        "The convolutions are left out: without padding, each takes 4 pixels off a side."
    ),
    ("16 * ", ""): "This is one map. There are 16 of them.",
    (" * side * side", " * side"): "A map has height and width: the side counts twice.",
    ("size(side, 5)", "side - 5"): "A kernel of 5 takes 4 off a side, not 5: side - 5 + 1.",
    ("        side = size(side, 2, s=2)\n", ""): (
        "The pooling is left out: it halves the side twice."
    ),
    ("        side = size(side, 2, s=2)\n", "", "return", "side = side // 2\n    return"): (
        "There are two poolings, one after each convolution."
    ),
    ("16", "6"): "Six maps leave the first convolution. Here the second counts: 16.",
    ("size(side, 2, s=2)", "math.ceil(side / 2)"): (
        "Rounded up. A pooling leaves the odd row and column out: round down."
    ),
    ("range(2)", "range(1)"): "The second convolution and its pooling are left out.",
    ("range(2)", "range(1)", "16", "6"): (
        "This is after the first convolution and pooling. Two layers follow."
    ),
    "16 * (((side - 4) / 2 - 4) / 2) ** 2": (
        "The floor is missing: where a side is odd, the pooling leaves its last row and column out."
    ),
    "400 * (side / 32) ** 2": _NOT_IN_PROPORTION,
    "400 * (side // 32) ** 2": _NOT_IN_PROPORTION,
    "400 * side // 32": "It grows with the area, and each convolution takes 4 off a side.",
    "16 * round((side - 12) / 4) ** 2": (
        "Too many for some sides: each convolution takes 4 off, and each pooling rounds down."
    ),
    "3 * side * side": "These are the numbers of the image, before any layer.",
}


def _convolutions():
    return [(3, 6, 5), (6, 16, 5), (1, 1, 1), (6, 6, 3), (64, 128, 3), (4, 1, 7)]


def _by_the_layer(inputs, outputs, kernel):
    return sum(p.numel() for p in nn.Conv2d(inputs, outputs, kernel, device="meta").parameters())


@exercise(4, _convolutions, judge=_by_the_layer)
def conv_parameters(inputs, outputs, kernel):
    return outputs * (inputs * kernel * kernel + 1)


_KERNEL_TWICE = "A window has kernel · kernel weights: the kernel counts twice."

conv_parameters.sentences = {
    "inputs * outputs * kernel * kernel": "The biases are missing: one for each filter.",
    "inputs * outputs * kernel * kernel + 1": "There is one bias for each filter, not one in all.",
    "outputs * (kernel * kernel + 1)": (
        "A filter spans all input channels: it is a block [inputs, kernel, kernel]."
    ),
    "outputs * inputs * (kernel * kernel + 1)": (
        "Each filter has one bias, not one for each channel that it looks at."
    ),
    "outputs * (inputs * kernel + 1)": _KERNEL_TWICE,
    "outputs * (inputs * 2 * kernel + 1)": _KERNEL_TWICE,
    "inputs * kernel * kernel + 1": "This is one filter. There are as many as output channels.",
    "inputs * (outputs * kernel * kernel + 1)": (
        "The biases belong to the outputs, one for each, not to the inputs."
    ),
    "inputs * kernel * kernel + outputs": (
        "The biases are those of all filters, the weights of one only: there are as many filters "
        "as outputs."
    ),
    "outputs, inputs, kernel, kernel": (
        "This is the shape of the weights. Their number is the product of it."
    ),
    "outputs * (inputs + kernel * kernel + 1)": (
        "A filter has inputs · kernel · kernel weights: a product, not a sum."
    ),
    "(inputs + outputs) * kernel * kernel": (
        "Each filter looks at every input channel: inputs · outputs, and the biases on top."
    ),
    "(inputs + outputs) * kernel * kernel + outputs": (
        "Each filter looks at every input channel: inputs · outputs, not their sum."
    ),
    "2": "These are the tensors, weight and bias. How many numbers do they hold?",
}
