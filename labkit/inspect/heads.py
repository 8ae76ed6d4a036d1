"""The rules for heads: that of a ready model, and those of attention."""

import torch
from torch import nn

from labkit.inspect.fixes import Fix, both, made, path, shape_text, twin
from labkit.inspect.recording import Recording
from labkit.inspect.rules import Diagnosis
from labkit.text import _


def replaced(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose a ready model whose new head is not in the place of its last layer."""
    call, tensors = broken.call, broken.call.tensors
    if not isinstance(call.module, nn.Linear) or not tensors or call.module.out_features != 1000:
        return None
    parent, _dot, own = call.name.rpartition(".")
    beside = dict(broken.model.get_submodule(parent).named_children())
    linear = [name for name, layer in beside.items() if isinstance(layer, nn.Linear)]
    if linear[-2:-1] == [] or linear[-1] != own:
        return None
    n, size, first = call.module.in_features, tensors[0].shape[-1], beside[linear[-2]]
    if not isinstance(first, nn.Linear) or first.out_features != size or size == n:
        return None
    if size >= call.module.out_features:  # no classes of the learner's, but a layer in between
        return None
    place, line = f"{parent}.{linear[-2]}".strip("."), f"{path(call.name, call)} = "
    text = _("put your layer in the place of the last one, {line}, and leave {layer} as it was")
    words = text.format(line=f"{line}nn.Linear({n}, {size})", layer=path(place))
    layers = {
        place: made("Linear", f"{first.in_features}, {n}", first.weight),
        call.name: made("Linear", f"{n}, {size}", first.weight),
    }
    expected = _("{n} numbers per image (in_features={n})").format(n=n)
    return shape_text(tensors[0].shape), expected, [Fix(words, layers, certain=True)]


def keys(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose an attention whose keys and values have other numbers than its queries."""
    call, tensors = broken.call, broken.call.tensors
    module = call.module
    if not isinstance(module, nn.MultiheadAttention) or len(tensors) < 3:
        return None
    got, mask = both(t.shape for t in tensors[:3]), call.options.get("key_padding_mask")
    if not module.batch_first and isinstance(mask, torch.Tensor):
        if mask.shape == tensors[0].shape[:2] != (mask.shape[1], mask.shape[0]):
            words = _("set {change} in {layer}")
            words = words.format(change="batch_first=True", layer=path(call.name, call))
            other = twin(module, batch_first=True)
            expected = _("the time in axis 0, as batch_first=False says")
            return got, expected, [Fix(words, {call.name: other}, certain=True)]
    wide, k, v = (tensor.shape[-1] for tensor in tensors[:3])
    if wide != module.embed_dim or (k, v) == (module.kdim, module.vdim):
        return None
    change = f"kdim={k}, vdim={v}"
    line = f"{wide}, {module.num_heads}, {change}, batch_first={module.batch_first}"
    words = _("set {change} in {layer}").format(change=change, layer=path(call.name, call))
    expected = _("{n} in the last axis ({name}={n})").format(n=module.kdim, name="kdim")
    layer = made("MultiheadAttention", line, module.out_proj.weight)
    return got, expected, [Fix(words, {call.name: layer}, certain=True)]
