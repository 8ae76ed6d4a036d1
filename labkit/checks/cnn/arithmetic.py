"""The arithmetic of shapes: padding, inputs of fc1, parameters."""

import math

import torch
from torch import nn
from torch.nn import functional

from labkit.checks.engine.spec import exercise
from labkit.text import N_


def _kernels():
    return [(kernel,) for kernel in (1, 3, 5, 7, 9, 11)]


@exercise(1, _kernels)
def padding_that_keeps(kernel):
    for padding in range(kernel):
        if nn.Conv2d(1, 1, kernel, padding=padding)(torch.zeros(1, 1, 32, 32)).shape[-1] == 32:
            return padding


@padding_that_keeps.mistake(
    N_("This is the padding of both sides together. Each side gets half of it.")
)
def _both_sides(kernel):
    return kernel - 1


@padding_that_keeps.mistake(N_("A half is left over. Padding is whole: (kernel - 1) // 2."))
def _half_kernel(kernel):
    return kernel / 2


@padding_that_keeps.mistake(N_("Padding by the whole kernel makes the output larger than 32."))
def _whole_kernel(kernel):
    return kernel


@padding_that_keeps.mistake(
    N_("One too many: a kernel of 1 needs no padding, for its window fits everywhere.")
)
def _one_more(kernel):
    return (kernel + 1) // 2


@padding_that_keeps.mistake(N_("This is right for a kernel of 5 only. Which rule is behind it?"))
def _that_of_five(kernel):
    return 2


@padding_that_keeps.mistake(
    N_("nn.Conv2d understands padding='same' and works the number out. Which number is it?")
)
def _in_words(kernel):
    return "same"


@padding_that_keeps.mistake(N_("This is right for a side of one pixel more than the kernel only."))
def _half_of_what_is_left(kernel):
    return (32 - kernel) // 2


@padding_that_keeps.mistake(N_("This is the side of the output without padding. What is missing?"))
def _side_of_output(kernel):
    return 32 - kernel + 1


@padding_that_keeps.mistake(N_("One number is enough: it holds for all four sides."))
def _pair(kernel):
    return kernel // 2, kernel // 2


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


@inputs_of_fc1.mistake(
    N_("The convolutions are left out: without padding, each takes 4 pixels off a side.")
)
def _pooling_only(side):
    return 16 * (side // 4) ** 2


@inputs_of_fc1.mistake(
    N_("The floor is missing: where a side is odd, the pooling leaves its last row and column out.")
)
def _no_floor(side):
    return 16 * (((side - 4) / 2 - 4) / 2) ** 2


@inputs_of_fc1.mistake(N_("This is one map. There are 16 of them."))
def _one_map(side):
    return _end(side) ** 2


@inputs_of_fc1.mistake(N_("A map has height and width: the side counts twice."))
def _one_side(side):
    return 16 * _end(side)


@inputs_of_fc1.mistake(
    N_("It does not grow in proportion: each convolution takes 4 off, however large the image.")
)
def _in_proportion(side):
    return 400 * (side / 32) ** 2


@inputs_of_fc1.mistake(N_("A kernel of 5 takes 4 off a side, not 5: side - 5 + 1."))
def _kernel_off(side):
    return 16 * _end(side, loss=5) ** 2


@inputs_of_fc1.mistake(N_("The pooling is left out: it halves the side twice."))
def _no_pooling(side):
    return 16 * (side - 8) ** 2


@inputs_of_fc1.mistake(N_("There are two poolings, one after each convolution."))
def _pooled_once(side):
    return 16 * ((side - 8) // 2) ** 2


@inputs_of_fc1.mistake(N_("Six maps leave the first convolution. Here the second counts: 16."))
def _six_maps(side):
    return 6 * _end(side) ** 2


@inputs_of_fc1.mistake(N_("Rounded up. A pooling leaves the odd row and column out: round down."))
def _rounded_up(side):
    return 16 * math.ceil((side - 12) / 4) ** 2


@inputs_of_fc1.mistake(N_("Rounded to the nearest. A pooling leaves the odd row and column out."))
def _rounded(side):
    return 16 * round((side - 12) / 4) ** 2


@inputs_of_fc1.mistake(N_("It grows with the area, and each convolution takes 4 off a side."))
def _in_proportion_to_the_side(side):
    return 400 * side // 32


@inputs_of_fc1.mistake(
    N_("It does not grow in proportion: each convolution takes 4 off, however large the image.")
)
def _in_whole_proportion(side):
    return 400 * (side // 32) ** 2


@inputs_of_fc1.mistake(N_("These are the numbers of the image, before any layer."))
def _picture(side):
    return 3 * side * side


@inputs_of_fc1.mistake(N_("This is behind the first convolution and pooling. Two layers follow."))
def _after_the_first(side):
    return 6 * ((side - 4) // 2) ** 2


@inputs_of_fc1.mistake(N_("The second convolution and its pooling are left out."))
def _second_left_out(side):
    return 16 * ((side - 4) // 2) ** 2


def _convolutions():
    return [(3, 6, 5), (6, 16, 5), (1, 1, 1), (6, 6, 3), (64, 128, 3), (4, 1, 7)]


@exercise(4, _convolutions)
def conv_parameters(inputs, outputs, kernel):
    return sum(p.numel() for p in nn.Conv2d(inputs, outputs, kernel, device="meta").parameters())


@conv_parameters.mistake(N_("The biases are missing: one for each filter."))
def _no_bias(inputs, outputs, kernel):
    return inputs * outputs * kernel * kernel


@conv_parameters.mistake(N_("There is one bias for each filter, not one in all."))
def _one_bias(inputs, outputs, kernel):
    return inputs * outputs * kernel * kernel + 1


@conv_parameters.mistake(
    N_("A filter spans all input channels: it is a block [inputs, kernel, kernel].")
)
def _flat_filters(inputs, outputs, kernel):
    return outputs * (kernel * kernel + 1)


@conv_parameters.mistake(N_("Each filter has one bias, not one for each channel that it looks at."))
def _bias_per_channel(inputs, outputs, kernel):
    return outputs * inputs * (kernel * kernel + 1)


@conv_parameters.mistake(N_("A window has kernel · kernel weights: the kernel counts twice."))
def _one_side_of_kernel(inputs, outputs, kernel):
    return outputs * (inputs * kernel + 1)


@conv_parameters.mistake(N_("This is one filter. There are as many as output channels."))
def _one_filter(inputs, outputs, kernel):
    return inputs * kernel * kernel + 1


@conv_parameters.mistake(N_("The biases belong to the outputs, one for each, not to the inputs."))
def _bias_per_input(inputs, outputs, kernel):
    return inputs * (outputs * kernel * kernel + 1)


@conv_parameters.mistake(
    N_("The biases are those of all filters, the weights of one only: there are as many filters.")
)
def _weights_of_one_filter(inputs, outputs, kernel):
    return inputs * kernel * kernel + outputs


@conv_parameters.mistake(N_("This is the shape of the weights. Their number is the product of it."))
def _shape(inputs, outputs, kernel):
    return outputs, inputs, kernel, kernel


@conv_parameters.mistake(N_("A filter has inputs · kernel · kernel weights: a product, not a sum."))
def _summed_up(inputs, outputs, kernel):
    return outputs * (inputs + kernel * kernel + 1)
