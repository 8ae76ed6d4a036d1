"""Batch norm in evaluation, by hand and folded into a convolution."""

import copy

import torch
from torch import nn
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


@normed_in_evaluation.mistake(N_("Divide by the square root of the variance."))
def _by_the_variance(maps, norm):
    return _norm(maps, norm, scale=norm.running_var + norm.eps)


@normed_in_evaluation.mistake(N_("What was learned is missing: times weight, plus bias."))
def _nothing_learned(maps, norm):
    return _norm(maps, norm, weight=False, bias=False)


@normed_in_evaluation.mistake(N_("The learned bias is missing."))
def _no_bias(maps, norm):
    return _norm(maps, norm, bias=False)


@normed_in_evaluation.mistake(N_("The learned weight is missing: multiply by it."))
def _no_weight(maps, norm):
    return _norm(maps, norm, weight=False)


@normed_in_evaluation.mistake(
    N_("eps is missing: it is added to the variance, so that nothing is divided by 0.")
)
def _no_eps(maps, norm):
    return _norm(maps, norm, scale=norm.running_var.sqrt())


@normed_in_evaluation.mistake(
    N_("eps is added behind the root. It belongs under it, to the variance.")
)
def _eps_behind_the_root(maps, norm):
    return _norm(maps, norm, scale=norm.running_var.sqrt() + norm.eps)


@normed_in_evaluation.mistake(
    N_(
        "The numbers of the channels meet the columns: [C] is compared with the last axis. Give "
        "them two more axes, [:, None, None]."
    )
)
def _on_the_columns(maps, norm):
    return (maps - norm.running_mean) / (norm.running_var + norm.eps).sqrt()


@normed_in_evaluation.mistake(
    N_(
        "The numbers of the channels meet the columns: [C] is compared with the last axis. Give "
        "them two more axes, [:, None, None]."
    )
)
def _all_on_the_columns(maps, norm):
    return _on_the_columns(maps, norm) * norm.weight + norm.bias


@normed_in_evaluation.mistake(N_("The mean is subtracted, not added."))
def _mean_added(maps, norm):
    return _norm(maps, norm, mean=-norm.running_mean)


@normed_in_evaluation.mistake(N_("The mean is not subtracted."))
def _no_mean(maps, norm):
    return _norm(maps, norm, mean=torch.zeros_like(norm.running_mean))


@normed_in_evaluation.mistake(N_("Divide by the root of the variance, do not multiply by it."))
def _times_the_deviation(maps, norm):
    return _norm(maps, norm, scale=1 / (norm.running_var + norm.eps).sqrt())


@normed_in_evaluation.mistake(N_("The bias comes last, and is added."))
def _bias_subtracted(maps, norm):
    return _norm(maps, norm) - 2 * norm.bias[:, None, None]


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


@folded.mistake(
    N_("The mean is missing: it is subtracted before the scaling, so it goes into the bias too.")
)
def _mean_missing(conv, norm):
    return _fold(conv, norm, shift=False)


@folded.mistake(N_("The convolution's own bias is lost. Where it has one, it is scaled as well."))
def _old_bias_lost(conv, norm):
    return _fold(conv, norm, old_bias=False)


@folded.mistake(N_("Divide by the square root of the variance."))
def _root_missing(conv, norm):
    return _fold(conv, norm, root=False)


@folded.mistake(N_("norm.weight is missing in the scale."))
def _weight_missing(conv, norm):
    return _fold(conv, norm, weight=False)


@folded.mistake(N_("eps is missing: it is added to the variance before the root is taken."))
def _eps_missing(conv, norm):
    return _fold(conv, norm, eps=False)


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


@folded.mistake(N_("This is the convolution as it was; nothing of the norm is in it."))
def _as_it_was(conv, norm):
    return copy.deepcopy(conv)


@folded.mistake(N_("These are still two layers in a row. Put the norm's numbers into the first."))
def _two_layers(conv, norm):
    return nn.Sequential(conv, norm).eval()


@folded.mistake(N_("The filters are as they were: each of them is multiplied by its scale."))
def _filters_as_they_were(conv, norm):
    return _fold(conv, norm, kernel=False)


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


@folded.mistake(N_("norm.bias is missing in the new bias."))
def _norm_bias_missing(conv, norm):
    return _with_bias(conv, norm, lambda old, mean, scale, new: (old - mean) * scale)


@folded.mistake(N_("The old bias is scaled as well: (bias - mean) * scale, with brackets."))
def _brackets_missing(conv, norm):
    return _with_bias(conv, norm, lambda old, mean, scale, new: old - mean * scale + new)


@folded.mistake(N_("The bias is not scaled: (bias - mean) * scale + norm.bias."))
def _bias_not_scaled(conv, norm):
    return _with_bias(conv, norm, lambda old, mean, scale, new: old - mean + new)


@folded.mistake(N_("The mean is subtracted, not added."))
def _mean_added(conv, norm):
    return _with_bias(conv, norm, lambda old, mean, scale, new: (old + mean) * scale + new)
