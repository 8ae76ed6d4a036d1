"""Notebook 3: padding, pooling, the numbers that reach fc1, parameters, images of any size."""

import torch
from torch import nn
from torch.nn import functional

from labkit.checks.engine.spec import drawn, exercise, goes_through
from labkit.model import Net


def size(n, k, s=1, p=0):
    """Return how many places a window has, as the notebook computes it."""
    return (n + 2 * p - k) // s + 1


def _by_trying(kernel):
    for padding in range(kernel):
        if nn.Conv2d(1, 1, kernel, padding=padding)(torch.zeros(1, 1, 32, 32)).shape[-1] == 32:
            return padding


@exercise(1, lambda: [(kernel,) for kernel in (1, 3, 5, 7, 9, 11)], judge=_by_trying)
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


def _maps():
    return [
        (drawn(1, 6, 28, 28),),
        (drawn(2, 3, 5, 7),),
        (drawn(1, 1, 2, 4),),
        (drawn(4, 2, 4, 3),),
        (torch.zeros(1, 2, 4, 8),),
    ]


@exercise(2, _maps, judge=nn.AvgPool2d(2, 2))
def average_pool(maps):
    windows = maps.unfold(2, 2, 2).unfold(3, 2, 2)  # [N, C, H // 2, W // 2, 2, 2]
    return windows.mean(dim=(4, 5))


average_pool.caution(
    lambda: _maps()[1:2],
    "The numbers are right, but they come from PyTorch's own pooling. Write your own.",
    use=goes_through("pool"),
    forbidden=True,
)


def _reshaped(maps):
    n, channels, height, width = maps.shape
    if height % 2 or width % 2:
        return average_pool.solution(maps)
    return maps.reshape(n, channels, height // 2, width // 2, 2, 2).mean(dim=(4, 5))


_ODD = "A side may be odd. Its last row or column fills no window: leave it out first."
_AXES = "(4, 5)"
_MEAN = ".mean(dim=(4, 5))"

average_pool.sentences = {
    ("mean(", "amax("): "This is max-pooling. Take the mean of each window.",
    ("mean(", "amin("): "This is the smallest of each window. Take the mean.",
    ("mean(", "sum("): "This is the sum of each window, four times its mean.",
    ("2, 2)", "2, 1)"): "The windows overlap: they move by 1. The stride is 2.",
    (_AXES, "-1"): "This is the mean of each row of a window, on one axis only: average over both.",
    (_AXES, "4"): "One axis of each window is left: average over both, dim=(4, 5).",
    ("dim=(4, 5)", ""): (
        "This is one mean of everything. Take it over the two axes of a window: mean(dim=(4, 5))."
    ),
    (_AXES, "(2, 3)"): "The windows are the last two axes. Yours averages over the places.",
    (
        "dim=(4, 5)",
        "dim=(1, 4, 5), keepdim=True",
        "return windows",
        "windows = windows",
        "True)",
        "True)\n    return windows.squeeze(-1).squeeze(-1).expand(-1, maps.shape[1], -1, -1)",
    ): ("The channels are averaged as well. Each channel keeps a map of its own: dim=(4, 5)."),
    (_MEAN, ""): "These are the windows. Take the mean of each, over the last two axes.",
    (".unfold(3, 2, 2)", "", "(4, 5)", "-1"): (
        "Only one axis is cut into windows, the height. Unfold the width, axis 3, as well."
    ),
    (_MEAN, ".flatten(4).median(4)[0]"): "This is the median of each window. Take the mean.",
    ("maps.unfold", "maps[:, :, maps.shape[2] % 2 :, maps.shape[3] % 2 :].unfold"): (
        "Where a side is odd, the first row or column is left out. Pooling leaves out the last."
    ),
    "functional.avg_pool2d(maps, 2, 2, ceil_mode=True)": (
        "The floor is missing: with an odd side, the last row or column fills no window."
    ),
    "maps[:, :, : maps.shape[2] // 2 * 2 : 2, : maps.shape[3] // 2 * 2 : 2]": (
        "This keeps every second number and looks at no other."
    ),
    "maps[:, :, ::2, ::2]": "This keeps every second number. Average each window of 2 x 2.",
    "maps.mean(dim=(2, 3), keepdim=True).expand_as(functional.avg_pool2d(maps, 2, 2))": (
        "Each map is averaged as a whole. Average each window of 2 x 2."
    ),
    "maps.mean(dim=(2, 3))": "Each map is averaged to one number. Average each window of 2 x 2.",
    "functional.avg_pool2d(maps, 2, 1)[:, :, : maps.shape[2] // 2, : maps.shape[3] // 2]": (
        "The windows overlap: window i begins at 2 * i, not at i."
    ),
    _reshaped: "reshape cuts the numbers differently: neighbours below each other come apart.",
    "maps.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean(dim=(3, 5))": _ODD,
    "sum(maps[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4": _ODD,
}


def _counted(side):
    x = torch.zeros(1, 3, side, side)
    for channels in (6, 16):
        x = functional.max_pool2d(nn.Conv2d(x.shape[1], channels, 5)(x), 2, 2)
    return x.numel()


@exercise(3, lambda: [(side,) for side in (32, 64, 33, 35, 48, 96, 16, 224)], judge=_counted)
def inputs_of_fc1(side):
    for _convolution in range(2):
        side = size(side, 5)
        side = size(side, 2, s=2)
    return 16 * side * side


_NOT_IN_PROPORTION = (
    "It does not grow in proportion: each convolution takes 4 off, however large the image."
)
_ONE_CONVOLUTION = "One convolution is left out: there are two, and each takes 4 off a side."
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
    "400 * side * side // 1024": _NOT_IN_PROPORTION,
    "16 * (side * 5 // 32) ** 2": _NOT_IN_PROPORTION,
    "400 * (side // 32)": "It grows with the area, and each convolution takes 4 off a side.",
    "16 * size(size(size(side, 5), 2, s=2), 5) ** 2": (
        "The second pooling is missing: there is one after each convolution."
    ),
    "16 * size(size(size(side, 5), 2, s=2), 2, s=2) ** 2": _ONE_CONVOLUTION,
    "16 * size(size(size(side, 2, s=2), 5), 2, s=2) ** 2": _ONE_CONVOLUTION,
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


def _logits(answer, height, width):
    """Return the logits of an answer's network, whose weights go by their names alone."""
    net = answer(4).eval()
    with torch.no_grad():
        for name, weight in net.named_parameters():
            generator = torch.Generator().manual_seed(sum(name.encode()))
            weight.copy_(torch.randn(weight.shape, generator=generator) / weight[0].numel() ** 0.5)
        generator = torch.Generator().manual_seed(height * width)
        return net(torch.rand(2, 3, height, width, generator=generator))


@exercise(5, lambda: [(32, 32), (64, 64), (33, 47), (40, 96)], use=_logits)
class FlexibleNet(Net):
    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = nn.AdaptiveAvgPool2d(5)(x)  # any height and width -> [N, 16, 5, 5]
        x = torch.flatten(x, 1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


_FORWARD = "    def forward(self, x):"
_FIVE = "        x = nn.AdaptiveAvgPool2d(5)(x)"
_FIRST = "        x = self.pool(torch.relu(self.conv1(x)))"
_POOL_1, _POOL_2 = "self.pool(torch.relu(self.conv1(x)))", "self.pool(torch.relu(self.conv2(x)))"
_RELU_1, _RELU_2 = "torch.relu(self.conv1(x))", "torch.relu(self.conv2(x))"
_FLAT = "        x = torch.flatten(x, 1)\n"
_SCALED = "The images themselves are scaled to 32 x 32. Scale the maps, after the second pooling."
_TOO_LATE = "The pooling comes after torch.flatten, where rows and columns are gone. Put it before."
_ONE_SIZE = (
    "It still takes images of 32 x 32 only. The adaptive pooling has to be in forward(), and its "
    "result has to go on: x = ..."
)


def _before_the_first_layer(pooling):
    return _FIVE, "", _FIRST, f"        x = {pooling}\n{_FIRST}"


FlexibleNet.sentences = {
    (_FIVE, "        "): _ONE_SIZE,
    (_FIVE, "        ", "torch.flatten(x, 1)", "x.view(-1, 400)"): _ONE_SIZE,
    ("Avg", "Max"): "This keeps the largest of each part. Take the mean: AdaptiveAvgPool2d.",
    _before_the_first_layer("functional.interpolate(x, (32, 32), mode='bilinear')"): _SCALED,
    _before_the_first_layer("functional.interpolate(x, (32, 32))"): _SCALED,
    _before_the_first_layer("functional.adaptive_avg_pool2d(x, 32)"): (
        "The images are pooled to 32 x 32. Pool the maps, to 5 x 5, after the second pooling."
    ),
    ("nn.AdaptiveAvgPool2d(5)(x)", "x[:, :, :5, :5]"): (
        "This cuts a corner out of the maps, and the rest is never seen. Average over all of it."
    ),
    ("nn.AdaptiveAvgPool2d(5)(x)", "functional.interpolate(x, (5, 5))"): (
        "interpolate picks single numbers of the maps. Take the mean of each part: "
        "AdaptiveAvgPool2d."
    ),
    ("Pool2d(5)", "Pool2d(1)"): (
        "Pooled to 1 x 1, each map leaves one number, and fc1 expects 16 · 5 · 5. Pool to 5 x 5."
    ),
    (_POOL_2, _RELU_2): (
        "The adaptive pooling replaces the second max-pooling here. Leave that one in its place."
    ),
    ("self.fc3(x)", "self.fc3(x).softmax(dim=1)"): (
        "There is a softmax at the end. The loss function has it inside: return the logits."
    ),
    _before_the_first_layer("nn.AdaptiveAvgPool2d(5)(x)"): (
        "The images are pooled to 5 x 5 before the first layer. Pool the maps after the second "
        "pooling."
    ),
    (_FIVE, "        ", _FLAT, f"{_FLAT}{_FIVE}\n"): _TOO_LATE,
    (_FIVE, "        ", _FLAT, f"{_FLAT}        x = nn.AdaptiveAvgPool1d(400)(x)\n"): _TOO_LATE,
    (", 1)", ")"): "torch.flatten(x) makes one row of the whole batch: torch.flatten(x, 1).",
    ("fc3(x)", "fc3(x).relu()"): "There is a ReLU after the last layer: logits may be negative.",
    (_RELU_1, "self.conv1(x)", _RELU_2, "self.conv2(x)"): (
        "The convolutions lack their activations: self.pool(torch.relu(...))."
    ),
    (_POOL_1, _RELU_1): "The max-pooling after conv1 is missing.",
    (_RELU_1, "self.conv1(x)"): "The ReLU of conv1 is missing.",
    (_RELU_2, "self.conv2(x)"): "The ReLU of conv2 is missing.",
    ("torch.relu(self.fc1(x))", "self.fc1(x)", "torch.relu(self.fc2(x))", "self.fc2(x)"): (
        "The activations between the linear layers are missing: torch.relu."
    ),
    ("torch.relu(self.fc1(x))", "self.fc1(x)"): "The ReLU of fc1 is missing.",
    ("torch.relu(self.fc2(x))", "self.fc2(x)"): "The ReLU of fc2 is missing.",
    (_POOL_1, _RELU_1, _POOL_2, _RELU_2): (
        "Both max-poolings are left out. The adaptive one comes after them."
    ),
    ("return self.fc3(x)", "return self.fc3(x).argmax(dim=1)"): (
        "This is the class with the largest logit. Return the logits themselves."
    ),
    ("torch.relu", ""): "The activations are missing: torch.relu after each layer but the last.",
    (_FORWARD, f"    def __init__(self, classes):\n        super().__init__(10)\n\n{_FORWARD}"): (
        "There are always 10 outputs, whatever `classes` is: pass it on, super().__init__(classes)."
    ),
}
