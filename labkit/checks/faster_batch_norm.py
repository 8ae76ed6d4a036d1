"""Notebook 8, the part on batch norm: by hand in evaluation, and folded into a convolution."""

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from labkit.checks.engine.spec import drawn, exercise, goes_through
from labkit.sandbox.randomness import seed_all
from labkit.text import _

NOTEBOOK = "faster"


def _trained_norm(channels: int, eps: float = 1e-5) -> nn.BatchNorm2d:
    """Return a batch norm in evaluation mode, with averages as training would leave them."""
    generator = torch.Generator().manual_seed(channels)
    norm = nn.BatchNorm2d(channels, eps=eps).eval().requires_grad_(False)
    norm.running_mean = torch.randn(channels, generator=generator)
    norm.running_var = torch.rand(channels, generator=generator) * 3 + 0.05
    norm.weight.copy_(torch.randn(channels, generator=generator))
    norm.bias.copy_(torch.randn(channels, generator=generator))
    return norm


def _normed():
    return [
        (2 * drawn(8, 6, 5, 7) + 1, _trained_norm(6)),
        (2 * drawn(1, 4, 4, 4) + 1, _trained_norm(4)),
        (2 * drawn(2, 3, 1, 1) + 1, _trained_norm(3, eps=0.5)),
    ]


def _by_the_layer(maps, norm):
    return copy.deepcopy(norm).eval()(maps)


@exercise(4, _normed, judge=_by_the_layer)
def normed_in_evaluation(maps, norm):
    mean = norm.running_mean[:, None, None]  # [C, 1, 1]
    scale = (norm.running_var + norm.eps).sqrt()[:, None, None]
    weight, bias = norm.weight[:, None, None], norm.bias[:, None, None]
    return (maps - mean) / scale * weight + bias


normed_in_evaluation.caution(
    lambda: _normed()[:1],
    "The numbers are right, but they come from PyTorch's own batch norm. Compute them by hand.",
    use=goes_through("batch_norm"),
    forbidden=True,
)
_OF_THE_BATCH = "norm.running_var", "maps.var(dim=(0, 2, 3), correction=0)"
_RESULT = "(maps - mean) / scale * weight + bias"
_FORGOTTEN_ROOT = "Divide by the square root of the variance."

normed_in_evaluation.sentences = {
    ("norm.running_mean", "maps.mean(dim=(0, 2, 3))", *_OF_THE_BATCH): (
        "These are mean and variance of this batch. In evaluation, running_mean and running_var "
        "are used."
    ),
    _OF_THE_BATCH: "The variance is that of this batch. In evaluation it is running_var.",
    (".sqrt()", ""): _FORGOTTEN_ROOT,
    (" * weight + bias", ""): "What was learned is missing: times weight, plus bias.",
    (" + bias", ""): "The learned bias is missing.",
    (" * weight", ""): "The learned weight is missing: multiply by it.",
    ("* weight + bias", "* bias + weight"): "weight and bias are swapped.",
    (" + norm.eps", ""): (
        "eps is missing, or not the norm's own: norm.eps is added to the variance, so that nothing "
        "is divided by 0."
    ),
    ("(norm.running_var + norm.eps).sqrt()", "(norm.running_var.sqrt() + norm.eps)"): (
        "eps is added after the root is taken. Add it before, to the variance."
    ),
    ("[:, None, None]", ""): (
        "The numbers of the channels meet the columns: [C] is compared with the last axis. Give "
        "them two more axes, [:, None, None]."
    ),
    ("- mean", "+ mean"): "The mean is subtracted, not added.",
    (" - mean", ""): "The mean is not subtracted.",
    ("/ scale", "* scale"): "Divide by the root of the variance, do not multiply by it.",
    ("+ bias", "- bias"): "The bias comes last, and is added.",
    (_RESULT, "((maps - mean) / scale + bias) * weight"): (
        "The bias comes last: times weight first, then plus bias."
    ),
    ("(maps - mean) /", "maps - mean /"): (
        "Division comes before subtraction: set brackets, (maps - mean) / ..."
    ),
}


def _layers():
    def layer(inputs, outputs, kernel, **settings):
        seed_all(outputs)
        return nn.Conv2d(inputs, outputs, kernel, **settings).requires_grad_(False)

    return [
        (layer(3, 6, 3, bias=False), _trained_norm(6)),
        (layer(3, 4, 5), _trained_norm(4)),
        (layer(2, 3, 3, stride=2, padding=1), _trained_norm(3, eps=0.5)),
        (layer(4, 4, 3), _trained_norm(4, eps=0.1)),
    ]


def _applied(answer, conv, norm):
    """Return what the new layer makes of some images, and whether the old one is as it was."""
    before = {name: value.clone() for name, value in conv.state_dict().items()}
    layer = answer(conv, norm)
    with torch.no_grad():
        maps = layer(drawn(2, conv.in_channels, 9, 9))
    after = conv.state_dict()
    return {
        _("maps"): maps,
        _("the given layer is unchanged"): all(torch.equal(before[n], after[n]) for n in before),
        _("what came"): type(layer).__name__,
    }


def _by_torch(conv, norm):
    return fuse_conv_bn_eval(copy.deepcopy(conv).eval(), copy.deepcopy(norm).eval())


@exercise(5, _layers, judge=_by_torch, use=_applied)
def folded(conv, norm):
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()  # [F]
    bias = 0 if conv.bias is None else conv.bias
    layer = copy.deepcopy(conv)
    layer.weight = nn.Parameter(conv.weight * scale[:, None, None, None])
    layer.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return layer


_NEW_BIAS = "(bias - norm.running_mean) * scale + norm.bias"
_SHAPED = "scale[:, None, None, None]"
_ALONG_THE_INPUTS = (
    "The scale meets the wrong axis of the filters. It belongs to axis 0, the output channels: "
    "scale[:, None, None, None]."
)

folded.sentences = {
    (_NEW_BIAS, "bias * scale + norm.bias"): (
        "The mean is missing: it is subtracted before the scaling, so it goes into the bias too."
    ),
    ("0 if conv.bias is None else conv.bias", "0"): (
        "The convolution's own bias is lost. Where it has one, it is scaled as well."
    ),
    ("0 if conv.bias is None else conv.bias", "conv.bias"): (
        "A convolution with bias=False has None there, and None cannot be computed with: take 0 in "
        "its place."
    ),
    (".sqrt()", ""): _FORGOTTEN_ROOT,
    ("norm.weight /", "1 /"): "norm.weight is missing in the scale.",
    (" + norm.eps", ""): "eps is missing: it is added to the variance before the root is taken.",
    (
        "copy.deepcopy(conv)",
        "conv",
        _SHAPED,
        f"{_SHAPED})\n    layer.bias = nn.Parameter(bias + 0 * scale",
    ): ("The given layer was changed. Work on a copy: copy.deepcopy(conv), or a new nn.Conv2d."),
    ("copy.deepcopy(conv)", "nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size)"): (
        "The new layer has lost stride or padding: copy.deepcopy(conv) keeps all settings."
    ),
    (f"nn.Parameter(conv.weight * {_SHAPED})", f"conv.weight * {_SHAPED}"): (
        "A layer takes a parameter in place of a parameter: nn.Parameter(...) around the tensor."
    ),
    ("return layer", "return copy.deepcopy(conv)"): (
        "This is the convolution as it was; nothing of the norm is in it."
    ),
    ("return layer", "return nn.Sequential(conv, norm).eval()"): (
        "These are still two layers in a row. Put the norm's numbers into the first."
    ),
    (f" * {_SHAPED}", ""): "The filters are as they were: each of them is multiplied by its scale.",
    (_SHAPED, "scale[None, :, None, None]"): _ALONG_THE_INPUTS,
    (_SHAPED, "scale"): _ALONG_THE_INPUTS,
    (f"nn.Parameter({_NEW_BIAS})", "conv.bias"): (
        "The filters are right, the bias is the old one: the norm changes it as well."
    ),
    (") * scale + norm.bias", ") * scale"): "norm.bias is missing in the new bias.",
    (_NEW_BIAS, "bias - norm.running_mean * scale + norm.bias"): (
        "The old bias is scaled as well: (bias - mean) * scale, with brackets."
    ),
    (_NEW_BIAS, "bias * scale - norm.running_mean + norm.bias"): (
        "The mean is scaled as well: (bias - mean) * scale, with brackets."
    ),
    (") * scale +", ") +"): "The bias is not scaled: (bias - mean) * scale + norm.bias.",
    ("bias - norm", "bias + norm"): "The mean is subtracted, not added.",
}
