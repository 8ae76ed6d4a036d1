"""Notebook 3: padding, pooling, the numbers that reach fc1, parameters, images of any size."""

import torch
from torch import nn
from torch.nn import functional

from labkit.checks.engine.spec import exercise
from labkit.model import Net
from labkit.text import N_


def _kernels():
    return [(kernel,) for kernel in (1, 3, 5, 7, 9, 11)]


@exercise(1, _kernels)
def padding_that_keeps(kernel):
    for padding in range(kernel):
        if nn.Conv2d(1, 1, kernel, padding=padding)(torch.zeros(1, 1, 32, 32)).shape[-1] == 32:
            return padding


padding_that_keeps.if_it_returns(
    {
        "kernel - 1": "This is the padding of both sides together. Each side gets half of it.",
        "kernel / 2": "A half is left over. Padding is whole: (kernel - 1) // 2.",
        "kernel": "Padding by the whole kernel makes the output larger than 32.",
        "(kernel + 1) // 2": (
            "One too many: a kernel of 1 needs no padding, for its window fits everywhere."
        ),
        "2": "This is right for a kernel of 5 only. Which rule is behind it?",
        '"same"': (
            "nn.Conv2d understands padding='same' and works the number out. Which number is it?"
        ),
        "(32 - kernel) // 2": "This is right for a side of one pixel more than the kernel only.",
        "32 - kernel + 1": "This is the side of the output without padding. What is missing?",
        "kernel // 2, kernel // 2": "One number is enough: it holds for all four sides.",
    }
)


def _sides():
    return [(side,) for side in (32, 64, 33, 35, 48, 96, 16, 224)]


@exercise(3, _sides)
def inputs_of_fc1(side):
    x = torch.zeros(1, 3, side, side)
    for channels in (6, 16):
        x = functional.max_pool2d(nn.Conv2d(x.shape[1], channels, 5)(x), 2, 2)
    return x.numel()


def _end(side, loss=4):
    return (((side - loss) // 2) - loss) // 2


inputs_of_fc1.if_it_returns(
    {
        "16 * (side // 4) ** 2": (
            "The convolutions are left out: without padding, each takes 4 pixels off a side."
        ),
        "16 * (((side - 4) / 2 - 4) / 2) ** 2": (
            "The floor is missing: where a side is odd, the pooling leaves its last row and "
            "column out."
        ),
        "_end(side) ** 2": "This is one map. There are 16 of them.",
        "16 * _end(side)": "A map has height and width: the side counts twice.",
        "400 * (side / 32) ** 2": (
            "It does not grow in proportion: each convolution takes 4 off, however large the image."
        ),
        "16 * _end(side, loss=5) ** 2": "A kernel of 5 takes 4 off a side, not 5: side - 5 + 1.",
        "16 * (side - 8) ** 2": "The pooling is left out: it halves the side twice.",
        "16 * ((side - 8) // 2) ** 2": "There are two poolings, one after each convolution.",
        "6 * _end(side) ** 2": "Six maps leave the first convolution. Here the second counts: 16.",
        "16 * math.ceil((side - 12) / 4) ** 2": (
            "Rounded up. A pooling leaves the odd row and column out: round down."
        ),
        "16 * round((side - 12) / 4) ** 2": (
            "Rounded to the nearest. A pooling leaves the odd row and column out."
        ),
        "400 * side // 32": "It grows with the area, and each convolution takes 4 off a side.",
        "400 * (side // 32) ** 2": (
            "It does not grow in proportion: each convolution takes 4 off, however large the image."
        ),
        "3 * side * side": "These are the numbers of the image, before any layer.",
        "6 * ((side - 4) // 2) ** 2": (
            "This is behind the first convolution and pooling. Two layers follow."
        ),
        "16 * ((side - 4) // 2) ** 2": "The second convolution and its pooling are left out.",
    }
)


def _convolutions():
    return [(3, 6, 5), (6, 16, 5), (1, 1, 1), (6, 6, 3), (64, 128, 3), (4, 1, 7)]


@exercise(4, _convolutions)
def conv_parameters(inputs, outputs, kernel):
    return sum(p.numel() for p in nn.Conv2d(inputs, outputs, kernel, device="meta").parameters())


conv_parameters.if_it_returns(
    {
        "inputs * outputs * kernel * kernel": "The biases are missing: one for each filter.",
        "inputs * outputs * kernel * kernel + 1": (
            "There is one bias for each filter, not one in all."
        ),
        "outputs * (kernel * kernel + 1)": (
            "A filter spans all input channels: it is a block [inputs, kernel, kernel]."
        ),
        "outputs * inputs * (kernel * kernel + 1)": (
            "Each filter has one bias, not one for each channel that it looks at."
        ),
        "outputs * (inputs * kernel + 1)": (
            "A window has kernel · kernel weights: the kernel counts twice."
        ),
        "inputs * kernel * kernel + 1": "This is one filter. There are as many as output channels.",
        "inputs * (outputs * kernel * kernel + 1)": (
            "The biases belong to the outputs, one for each, not to the inputs."
        ),
        "inputs * kernel * kernel + outputs": (
            "The biases are those of all filters, the weights of one only: there are as many "
            "filters."
        ),
        "outputs, inputs, kernel, kernel": (
            "This is the shape of the weights. Their number is the product of it."
        ),
        "outputs * (inputs + kernel * kernel + 1)": (
            "A filter has inputs · kernel · kernel weights: a product, not a sum."
        ),
    }
)


def _sizes():
    return [(32, 32), (64, 64), (33, 47), (40, 96)]


def _logits(answer, height, width):
    """Return the logits of an answer's network, whose weights go by their names alone."""
    net = answer(4).eval()
    with torch.no_grad():
        for name, weight in net.named_parameters():
            generator = torch.Generator().manual_seed(sum(name.encode()))
            weight.copy_(torch.randn(weight.shape, generator=generator) / weight[0].numel() ** 0.5)
        generator = torch.Generator().manual_seed(height * width)
        return net(torch.rand(2, 3, height, width, generator=generator))


@exercise(5, _sizes, use=_logits)
class FlexibleNet(Net):
    def __init__(self, classes):
        super().__init__(classes)

    def maps(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        return self.pool(torch.relu(self.conv2(x)))

    def five(self, maps):
        return functional.adaptive_avg_pool2d(maps, 5)

    def forward(self, x):
        x = torch.flatten(self.five(self.maps(x)), 1)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


_Flexible = FlexibleNet.judge


@FlexibleNet.mistake(
    N_("It still takes images of 32 x 32 only. The adaptive pooling has to stand in forward().")
)
class _NotFlexible(Net):
    def forward(self, x):
        return super().forward(x)


@FlexibleNet.mistake(N_("This keeps the largest of each part. Take the mean: AdaptiveAvgPool2d."))
class _AdaptiveMax(_Flexible):
    def five(self, maps):
        return functional.adaptive_max_pool2d(maps, 5)


@FlexibleNet.mistake(
    N_("The images themselves are scaled to 32 x 32. Scale the maps, after the second pooling.")
)
class _PicturesScaled(_Flexible):
    def maps(self, x):
        return super().maps(functional.interpolate(x, (32, 32), mode="bilinear"))


@FlexibleNet.mistake(
    N_("The images are pooled to 32 x 32. Pool the maps, to 5 x 5, after the second pooling.")
)
class _PicturesPooled(_Flexible):
    def maps(self, x):
        return super().maps(functional.adaptive_avg_pool2d(x, 32))


@FlexibleNet.mistake(
    N_("This cuts a corner out of the maps, and the rest is never seen. Average over all of it.")
)
class _MapsCropped(_Flexible):
    def five(self, maps):
        return maps[:, :, :5, :5]


@FlexibleNet.mistake(
    N_("Pooled to 1 x 1, each map leaves one number, and fc1 wants 16 · 5 · 5. Pool to 5 x 5.")
)
class _PooledToOne(_Flexible):
    def five(self, maps):
        return functional.adaptive_avg_pool2d(maps, 1)


@FlexibleNet.mistake(
    N_("The adaptive pooling replaces the second max-pooling here. Leave that one in its place.")
)
class _MaxPoolReplaced(_Flexible):
    def maps(self, x):
        return torch.relu(self.conv2(self.pool(torch.relu(self.conv1(x)))))


@FlexibleNet.mistake(
    N_("There is a softmax at the end. The loss function has it inside: return the logits.")
)
class _WithSoftmax(_Flexible):
    def forward(self, x):
        return super().forward(x).softmax(dim=1)


@FlexibleNet.mistake(
    N_("The images are pooled to 5 x 5 before the first layer. Pool the maps behind the second.")
)
class _PicturesToFive(_Flexible):
    def forward(self, x):
        return super().forward(functional.adaptive_avg_pool2d(x, 5))


@FlexibleNet.mistake(
    N_("The pooling comes after torch.flatten, where rows and columns are gone. Put it before.")
)
class _PooledAfterFlatten(_Flexible):
    def forward(self, x):
        return functional.adaptive_avg_pool2d(torch.flatten(self.maps(x), 1), 5)


@FlexibleNet.mistake(N_("torch.flatten(x) makes one row of the whole batch: torch.flatten(x, 1)."))
class _BatchFlattened(_Flexible):
    def forward(self, x):
        return self.fc1(torch.flatten(self.five(self.maps(x))))


@FlexibleNet.mistake(N_("There is a ReLU behind the last layer: logits may be negative."))
class _ReluAtTheEnd(_Flexible):
    def forward(self, x):
        return torch.relu(super().forward(x))


@FlexibleNet.mistake(N_("The convolutions lack their activations: self.pool(torch.relu(...))."))
class _NoReluInTheMaps(_Flexible):
    def maps(self, x):
        return self.pool(self.conv2(self.pool(self.conv1(x))))


@FlexibleNet.mistake(N_("The activations between the linear layers are missing: torch.relu."))
class _NoReluAfterTheMaps(_Flexible):
    def forward(self, x):
        return self.fc3(self.fc2(self.fc1(torch.flatten(self.five(self.maps(x)), 1))))


@FlexibleNet.mistake(N_("Both max-poolings are left out. The adaptive one comes after them."))
class _NoPooling(_Flexible):
    def maps(self, x):
        return torch.relu(self.conv2(torch.relu(self.conv1(x))))


@FlexibleNet.mistake(N_("This is the class with the largest logit. Return the logits themselves."))
class _Argmax(_Flexible):
    def forward(self, x):
        return super().forward(x).argmax(dim=1)


@FlexibleNet.mistake(
    N_("The images themselves are scaled to 32 x 32. Scale the maps, after the second pooling.")
)
class _PicturesScaledByNearest(_Flexible):
    def maps(self, x):
        return super().maps(functional.interpolate(x, (32, 32)))


@FlexibleNet.mistake(N_("The activations are missing: torch.relu after each layer but the last."))
class _NoRelu(_Flexible):
    def forward(self, x):
        x = self.pool(self.conv2(self.pool(self.conv1(x))))
        return self.fc3(self.fc2(self.fc1(torch.flatten(self.five(x), 1))))


def _maps():
    def some(*shape):
        return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape) + shape[-1]))

    return [
        (some(1, 6, 28, 28),),
        (some(2, 3, 5, 7),),
        (some(1, 1, 2, 2),),
        (some(4, 2, 4, 3),),
        (torch.zeros(1, 2, 4, 4),),
    ]


@exercise(2, _maps)
def average_pool(maps):
    return nn.AvgPool2d(2, 2)(maps)


average_pool.if_it_returns(
    {
        "functional.max_pool2d(maps, 2, 2)": "This is max-pooling. Take the mean of each window.",
        "4 * functional.avg_pool2d(maps, 2, 2)": (
            "This is the sum of each window, four times its mean."
        ),
        "functional.avg_pool2d(maps, 2, 1)": (
            "The windows overlap: they move by 1. The stride is 2."
        ),
        "functional.avg_pool2d(maps, 2, 2, ceil_mode=True)": (
            "The floor is missing: with an odd side, the last row or column fills no window."
        ),
        "maps.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=-1)": (
            "This is the mean of each row of a window, on one axis only: average over both."
        ),
        "maps[:, :, : maps.shape[2] // 2 * 2 : 2, : maps.shape[3] // 2 * 2 : 2]": (
            "This keeps every second number and looks at no other."
        ),
        "maps.mean(dim=(2, 3), keepdim=True).expand_as(functional.avg_pool2d(maps, 2, 2))": (
            "Each map is averaged as a whole. Average each window of 2 x 2."
        ),
        "maps.unfold(2, 2, 2).unfold(3, 2, 2).mean()": (
            "This is one mean of everything. Take it over the two axes of a window: "
            "mean(dim=(4, 5))."
        ),
        "maps.unfold(2, 2, 2).unfold(3, 2, 2)": (
            "These are the windows. Take the mean of each, over the last two axes."
        ),
        "maps.unfold(2, 2, 2).mean(dim=-1)": (
            "Only one axis is cut into windows, the height. Unfold the width, axis 3, as well."
        ),
        "maps.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(2, 3))": (
            "The windows are the last two axes. Yours averages over the places."
        ),
        "maps.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=4)": (
            "One axis of each window is left: average over both, dim=(4, 5)."
        ),
        "maps.mean(dim=(2, 3))": (
            "Each map is averaged to one number. Average each window of 2 x 2."
        ),
        "maps[:, :, ::2, ::2]": "This keeps every second number. Average each window of 2 x 2.",
    }
)


@average_pool.mistake(N_("The windows overlap: window i begins at 2 * i, not at i."))
def _begins_too_early(maps):
    height, width = maps.shape[2] // 2, maps.shape[3] // 2
    return functional.avg_pool2d(maps, 2, 1)[:, :, :height, :width]


@average_pool.mistake(N_("reshape cuts the numbers anew: neighbours below each other come apart."))
def _reshaped(maps):
    n, channels, height, width = maps.shape
    if height % 2 or width % 2:
        return average_pool.judge(maps)
    return maps.reshape(n, channels, height // 2, width // 2, 2, 2).mean(dim=(4, 5))


average_pool.if_it_returns(
    {
        "maps.unfold(2, 2, 2).unfold(3, 2, 2).median(dim=-1).values.median(dim=-1).values": (
            "This is the median of each window. Take the mean."
        ),
    }
)
