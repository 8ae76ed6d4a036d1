"""Notebook 8: what a faster part brings, smoothed labels, shared gradients, batch norm."""

import copy

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from labkit.checks.engine.spec import exercise
from labkit.text import N_, _


def _trained_norm(channels: int, eps: float = 1e-5) -> nn.BatchNorm2d:
    """Return a batch norm in evaluation mode, with averages as a training would leave them."""
    generator = torch.Generator().manual_seed(channels)
    norm = nn.BatchNorm2d(channels, eps=eps).eval().requires_grad_(False)
    norm.running_mean.copy_(torch.randn(channels, generator=generator))
    norm.running_var.copy_(torch.rand(channels, generator=generator) * 3 + 0.05)
    norm.weight.copy_(torch.randn(channels, generator=generator))
    norm.bias.copy_(torch.randn(channels, generator=generator))
    return norm


def _normed():
    def some(*shape):
        return torch.randn(shape, generator=torch.Generator().manual_seed(shape[-1])) * 2 + 1

    return [
        (some(8, 6, 5, 7), _trained_norm(6)),
        (some(1, 4, 4, 4), _trained_norm(4)),
        (some(2, 3, 1, 1), _trained_norm(3, eps=0.5)),
    ]


@exercise(4, _normed)
def normed_in_evaluation(maps, norm):
    return copy.deepcopy(norm).eval()(maps)


def _norm(maps, norm, mean=None, scale=None, weight=True, bias=True):
    def spread(numbers):
        return numbers[:, None, None]

    mean = norm.running_mean if mean is None else mean
    scale = (norm.running_var + norm.eps).sqrt() if scale is None else scale
    result = (maps - spread(mean)) / spread(scale)
    result = result * spread(norm.weight) if weight else result
    return result + spread(norm.bias) if bias else result


@normed_in_evaluation.mistake(
    N_("These are mean and variance of this batch. In evaluation the kept ones count: running_...")
)
def _of_this_batch(maps, norm):
    variance = maps.var(dim=(0, 2, 3), correction=0)
    return _norm(maps, norm, maps.mean(dim=(0, 2, 3)), (variance + norm.eps).sqrt())


normed_in_evaluation.if_it_returns(
    {
        "_norm(maps, norm, scale=norm.running_var + norm.eps)": (
            "Divide by the square root of the variance."
        ),
        "_norm(maps, norm, weight=False, bias=False)": (
            "What was learned is missing: times weight, plus bias."
        ),
        "_norm(maps, norm, bias=False)": "The learned bias is missing.",
        "_norm(maps, norm, weight=False)": "The learned weight is missing: multiply by it.",
        "_norm(maps, norm, scale=norm.running_var.sqrt())": (
            "eps is missing: it is added to the variance, so that nothing is divided by 0."
        ),
        "_norm(maps, norm, scale=norm.running_var.sqrt() + norm.eps)": (
            "eps is added behind the root. It belongs under it, to the variance."
        ),
    }
)


@normed_in_evaluation.mistake(
    N_(
        "The numbers of the channels meet the columns: [C] is compared with the last axis. Give "
        "them two more axes, [:, None, None]."
    )
)
def _on_the_columns(maps, norm):
    return (maps - norm.running_mean) / (norm.running_var + norm.eps).sqrt()


normed_in_evaluation.if_it_returns(
    {
        "_on_the_columns(maps, norm) * norm.weight + norm.bias": (
            "The numbers of the channels meet the columns: [C] is compared with the last "
            "axis. Give them two more axes, [:, None, None]."
        ),
    }
)


@normed_in_evaluation.mistake(N_("The mean is subtracted, not added."))
def _mean_added(maps, norm):
    return _norm(maps, norm, mean=-norm.running_mean)


normed_in_evaluation.if_it_returns(
    {
        "_norm(maps, norm, mean=torch.zeros_like(norm.running_mean))": (
            "The mean is not subtracted."
        ),
        "_norm(maps, norm, scale=1 / (norm.running_var + norm.eps).sqrt())": (
            "Divide by the root of the variance, do not multiply by it."
        ),
        "_norm(maps, norm) - 2 * norm.bias[:, None, None]": "The bias comes last, and is added.",
    }
)


@normed_in_evaluation.mistake(N_("The bias comes last: times weight first, then plus bias."))
def _bias_too_early(maps, norm):
    plain = _norm(maps, norm, weight=False, bias=False) + norm.bias[:, None, None]
    return plain * norm.weight[:, None, None]


@normed_in_evaluation.mistake(
    N_("Division comes before subtraction: set brackets, (maps - mean) / ...")
)
def _without_brackets(maps, norm):
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return maps + (norm.bias - norm.running_mean * scale)[:, None, None]


def _layers():
    def layer(inputs, outputs, kernel, **settings):
        torch.manual_seed(outputs)
        return nn.Conv2d(inputs, outputs, kernel, **settings).requires_grad_(False)

    return [
        (layer(3, 6, 3, bias=False), _trained_norm(6)),
        (layer(3, 4, 5), _trained_norm(4)),
        (layer(2, 3, 3, stride=2, padding=1), _trained_norm(3, eps=0.5)),
    ]


def _applied(answer, conv, norm):
    """Return what the new layer makes of some images, and whether the old one is as it was."""
    before = {name: value.clone() for name, value in conv.state_dict().items()}
    layer = answer(conv, norm)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, conv.in_channels, 9, 9, generator=generator)
    with torch.no_grad():
        maps = layer(images)
    after = conv.state_dict()
    return {
        _("maps"): maps,
        _("the given layer as before"): all(torch.equal(before[n], after[n]) for n in before),
        _("a convolution"): type(layer).__name__,
    }


@exercise(5, _layers, use=_applied)
def folded(conv, norm):
    return fuse_conv_bn_eval(copy.deepcopy(conv).eval(), copy.deepcopy(norm).eval())


def _fold(conv, norm, *, eps=True, root=True, shift=True, old_bias=True, weight=True, kernel=True):
    scale = norm.running_var + (norm.eps if eps else 0)
    scale = 1 / (scale.sqrt() if root else scale)
    scale = scale * norm.weight if weight else scale
    layer = copy.deepcopy(conv)
    if kernel:
        layer.weight = nn.Parameter(conv.weight * scale[:, None, None, None])
    bias = conv.bias if conv.bias is not None and old_bias else 0.0
    bias = (bias - norm.running_mean) * scale if shift else bias * scale
    layer.bias = nn.Parameter(bias + norm.bias)
    return layer


folded.if_it_returns(
    {
        "_fold(conv, norm, shift=False)": (
            "The mean is missing: it is subtracted before the scaling, so it goes into the "
            "bias too."
        ),
        "_fold(conv, norm, old_bias=False)": (
            "The convolution's own bias is lost. Where it has one, it is scaled as well."
        ),
        "_fold(conv, norm, root=False)": "Divide by the square root of the variance.",
        "_fold(conv, norm, weight=False)": "norm.weight is missing in the scale.",
        "_fold(conv, norm, eps=False)": (
            "eps is missing: it is added to the variance before the root is taken."
        ),
    }
)


@folded.mistake(
    N_("The given layer was changed. Work on a copy: copy.deepcopy(conv), or a new nn.Conv2d.")
)
def _in_place(conv, norm):
    layer = _fold(conv, norm)
    conv.weight = layer.weight
    conv.bias = layer.bias
    return conv


@folded.mistake(
    N_("The new layer has lost stride or padding: copy.deepcopy(conv) keeps all settings.")
)
def _settings_lost(conv, norm):
    layer = _fold(conv, norm)
    layer.stride, layer.padding = (1, 1), (0, 0)
    return layer


@folded.mistake(
    N_("A layer takes a parameter in place of a parameter: nn.Parameter(...) around the tensor.")
)
def _no_parameter(conv, norm):
    layer = copy.deepcopy(conv)
    layer.weight = conv.weight * norm.weight[:, None, None, None]


folded.if_it_returns(
    {
        "copy.deepcopy(conv)": "This is the convolution as it was; nothing of the norm is in it.",
        "nn.Sequential(conv, norm).eval()": (
            "These are still two layers in a row. Put the norm's numbers into the first."
        ),
        "_fold(conv, norm, kernel=False)": (
            "The filters are as they were: each of them is multiplied by its scale."
        ),
    }
)


def _with_bias(conv, norm, bias):
    layer = _fold(conv, norm)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    old = torch.zeros(conv.out_channels) if conv.bias is None else conv.bias
    layer.bias = nn.Parameter(bias(old, norm.running_mean, scale, norm.bias))
    return layer


@folded.mistake(N_("The filters are right, the bias is the old one: the norm changes it as well."))
def _bias_as_it_was(conv, norm):
    layer = _fold(conv, norm)
    layer.bias = conv.bias
    return layer


folded.if_it_returns(
    {
        "_with_bias(conv, norm, lambda old, mean, scale, new: (old - mean) * scale)": (
            "norm.bias is missing in the new bias."
        ),
        "_with_bias(conv, norm, lambda old, mean, scale, new: old - mean * scale + new)": (
            "The old bias is scaled as well: (bias - mean) * scale, with brackets."
        ),
        "_with_bias(conv, norm, lambda old, mean, scale, new: old - mean + new)": (
            "The bias is not scaled: (bias - mean) * scale + norm.bias."
        ),
    }
)


@folded.mistake(N_("The mean is subtracted, not added."))
def _mean_added(conv, norm):
    return _with_bias(conv, norm, lambda old, mean, scale, new: (old + mean) * scale + new)


def _labels():
    return [
        (torch.tensor([0, 1, 2, 3, 0]), 4, 0.1),
        (torch.tensor([2]), 3, 0.3),
        (torch.tensor([9, 0]), 10, 0.0),
        (torch.tensor([1, 0, 1]), 2, 1.0),
    ]


@exercise(2, _labels)
def wanted_probabilities(labels, classes, smoothing):
    wanted = torch.full((len(labels), classes), smoothing / classes)
    for row, label in enumerate(labels):
        wanted[row, label] += 1 - smoothing
    return wanted


wanted_probabilities.if_it_returns(
    {
        "functional.one_hot(labels, classes)": (
            "These are the plain one-hot rows, without any smoothing."
        ),
    }
)


@wanted_probabilities.mistake(
    N_(
        "The smoothing is shared by the wrong classes only here. PyTorch shares it among all "
        "classes, the right one too."
    )
)
def _among_the_wrong(labels, classes, smoothing):
    right = functional.one_hot(labels, classes)
    return right * (1 - smoothing) + (1 - right) * smoothing / (classes - 1)


wanted_probabilities.if_it_returns(
    {
        "functional.one_hot(labels, classes) + smoothing / classes": (
            "The rows do not sum to 1: the smoothing is added and not taken from the right class."
        ),
        "functional.one_hot(labels, classes) * (1 - smoothing) + smoothing": (
            "Each class gets the whole smoothing. It is shared: smoothing / classes for each."
        ),
    }
)


@wanted_probabilities.mistake(
    N_("The right class has 1 - smoothing, but not yet its own share on top: smoothing / classes.")
)
def _right_without_share(labels, classes, smoothing):
    right = functional.one_hot(labels, classes)
    return right * (1 - smoothing) + (1 - right) * smoothing / classes


wanted_probabilities.if_it_returns(
    {
        "functional.one_hot(labels, classes) * (1 - smoothing)": (
            "What is taken from the right class has to go to all classes."
        ),
        "functional.one_hot(labels, classes) * smoothing + (1 - smoothing) / classes": (
            "The smoothing is the part that is shared, 0.1 say; the right class keeps 1 - "
            "smoothing."
        ),
        "functional.one_hot(labels, classes) * (1 - smoothing) + smoothing / len(labels)": (
            "The smoothing is shared by the classes: divide by classes, not by N."
        ),
    }
)


@wanted_probabilities.mistake(
    N_("PyTorch shares the smoothing by all classes, not by classes - 1.")
)
def _one_class_too_few(labels, classes, smoothing):
    return functional.one_hot(labels, classes) * (1 - smoothing) + smoothing / max(classes - 1, 1)


@wanted_probabilities.mistake(N_("Each wrong class gets the whole smoothing. It is shared by all."))
def _wrong_ones_all(labels, classes, smoothing):
    right = functional.one_hot(labels, classes)
    return right * (1 - smoothing) + (1 - right) * smoothing


@wanted_probabilities.mistake(N_("The right class keeps 1 in yours, so the rows do not sum to 1."))
def _right_keeps_one(labels, classes, smoothing):
    right = functional.one_hot(labels, classes)
    return right + (1 - right) * smoothing / classes


@wanted_probabilities.mistake(
    N_("t[:, labels] sets whole columns. One place in each row: t[n, labels[n]].")
)
def _whole_columns(labels, classes, smoothing):
    wanted = torch.full((len(labels), classes), smoothing / classes)
    wanted[:, labels] += 1 - smoothing
    return wanted


def _shares():
    def some(*shape):
        return torch.randn(shape, generator=torch.Generator().manual_seed(shape[0]))

    return [
        ([some(5), some(5) + 1], [16, 16]),
        ([some(5), some(5) + 1], [30, 10]),
        ([some(2, 3), some(2, 3) * 4, some(2, 3) - 2], [7, 7, 1]),
        ([some(4)], [12]),
        ([some(3), some(3) + 5], [8, 0]),
    ]


@exercise(3, _shares)
def combined_gradient(gradients, sizes):
    pictures = [
        gradient for gradient, size in zip(gradients, sizes, strict=True) for _ in range(size)
    ]
    return torch.stack(pictures).mean(dim=0)


combined_gradient.if_it_returns(
    {
        "torch.stack(gradients).mean(dim=0)": (
            "A plain mean is right where all parts have one size. Weigh each gradient with "
            "its number of images."
        ),
        "torch.stack(gradients).sum(dim=0)": (
            "This is the sum of the gradients. They are means: take the mean."
        ),
    }
)


def _weighted(gradients, sizes):
    return sum(gradient * size for gradient, size in zip(gradients, sizes, strict=True))


combined_gradient.if_it_returns(
    {
        "_weighted(gradients, sizes)": (
            "Weighed with the sizes and added: divide by all images as well."
        ),
        "_weighted(gradients, sizes) / len(sizes)": (
            "Divided by the number of processes. Divide by the number of images, sum(sizes)."
        ),
        "torch.stack(gradients).sum(dim=0) / sum(sizes)": (
            "Each gradient is a mean: times its number of images it is a sum, and those are added."
        ),
        "gradients[0]": "This is the first process's gradient alone.",
    }
)


@combined_gradient.mistake(N_("These are the weighed gradients one by one. Add them up."))
def _one_by_one(gradients, sizes):
    return [gradient * size / sum(sizes) for gradient, size in zip(gradients, sizes, strict=True)]


combined_gradient.if_it_returns(
    {
        "_weighted(gradients, sizes) / sum(sizes) / len(sizes)": (
            "Divided twice: sum(sizes) alone is the number of images."
        ),
        "gradients[0] * sizes[0] / sum(sizes)": (
            "return ends the loop at the first gradient. Add up all of them."
        ),
        "gradients[-1] * sizes[-1] / sum(sizes)": (
            "total = ... forgets what was before. Add: total = total + ..."
        ),
        "sum(g / n for g, n in zip(gradients, sizes, strict=True) if n)": (
            "A gradient is a mean already: multiply by its size, do not divide."
        ),
        "(_weighted(gradients, sizes) / sum(sizes)).mean()": (
            "This averages over the weights too: keep the gradient's shape."
        ),
    }
)


def _parts():
    return [(0.5, 2.0), (0.9, 10.0), (0.25, 4.0), (1.0, 3.0), (0.0, 5.0), (0.6, 0.5)]


@exercise(1, _parts)
def whole_speedup(share, faster):
    before = 1.0
    after = (1 - share) * before + share * before / faster
    return before / after


whole_speedup.if_it_returns(
    {
        "faster": "This is how much faster the part becomes. The rest takes as long as before.",
        "1 - share + share / faster": (
            "This is the time that is left. How many times faster is 1 / that."
        ),
        "faster / share": "The rest of the time is missing: 1 - share stays as it was.",
        "1 - share + share * faster": (
            "Speeds cannot be averaged like this. Add up the times of both parts, then compare."
        ),
        "1 / (1 - share)": "The part is not gone: it still takes share / faster of the time.",
        "1 / (1 - share + share * faster)": (
            "A part that is faster takes less time: share / faster, not share · faster."
        ),
        "1 / (share + (1 - share) / faster)": (
            "share is the part that becomes faster; 1 - share stays as it was."
        ),
        "share / faster": "This is the time of the part. The rest, 1 - share, comes on top.",
        "share - share / faster": (
            "This is the part of the time that is saved. How many times as fast is it?"
        ),
        "1 / (1 - share / faster)": (
            "The part takes share / faster afterwards: 1 - share + share / faster."
        ),
    }
)
