"""What Python and PyTorch say about the usual slips of the pen, and what to do."""

import re
from collections.abc import Callable
from difflib import get_close_matches

from torch import nn

from labkit.inspect.fixes import Fix, resized
from labkit.inspect.recording import Recording
from labkit.inspect.slips import called, made_with_a_tensor, names_of, still_none, value_in_forward
from labkit.inspect.wants import earlier
from labkit.text import _


def own_line(broken: Recording) -> list[Fix]:
    """Return the fix of an error that a line of the learner's own forward has raised."""
    error, text = broken.error, str(broken.error)
    made = made_with_a_tensor(error)
    if made:
        return [called(broken, made)]
    if "NoneType" in text and (fixes := still_none(broken)):
        return fixes
    if isinstance(error, (NameError, AttributeError)):
        return names_of(broken)
    for pattern, fix in _MESSAGES:
        if found := re.search(pattern, text):
            return fix(broken, *found.groups())
    return []


def _kinds(broken: Recording, *kinds: str) -> list[Fix]:
    """Return the fix of what stands where a tensor belongs, by its type."""
    for kind in kinds:
        if kind in ("tuple", "list"):
            return [Fix(_("take the part of the {kind} that you mean, x[0]").format(kind=kind))]
        value = value_in_forward(broken, kind)
        if isinstance(value, dict | tuple) and value:  # as models for segmentation return
            text = _("take the part that you mean, x[{key!r}]")
            return [Fix(text.format(key=next(iter(value)) if isinstance(value, dict) else 0))]
        if "dict" in kind.lower():
            text = _("take the part of the {kind} that you mean, by its key")
            return [Fix(text.format(kind=kind))]
        if isinstance(getattr(nn, kind, None), type):
            return [called(broken, kind)]
    return []


def _keyword(wrong: str) -> list[Fix]:
    known = ["kernel_size", "stride", "padding", "dim", "keepdim", "scale_factor", "inplace"]
    close = get_close_matches(wrong, known, 1, 0.5)
    text = _("write {close}: there is no argument called {wrong}")
    return [Fix(text.format(close=close[0], wrong=wrong))] if close else []


def _for_a_batch(size: str) -> str:
    """Write the size of a hidden state for a batch of any size."""
    return re.sub(r"^\((\d+), \d+, ", r"(\1, len(x), ", size)


def _as_deep(broken: Recording) -> list[Fix]:
    """Return the fix of a recurrent layer with fewer layers than the one whose state it gets."""
    module, call = broken.call.module, broken.call
    made = [t for t, n in zip(call.tensors, broken.sources, strict=True) if n is not None][1:]
    if not isinstance(module, nn.RNNBase) or not made or made[0].shape[-1] != module.hidden_size:
        return []
    return resized(call, num_layers=len(made[0]) // (1 + module.bidirectional))


def _says(text: Callable[[], str]) -> Callable:
    return lambda broken, *found: [Fix(text().format(*found))]


_MESSAGES = (
    (r"(\w+)\(\)(?:: argument 'tensors' \(position 1\) must be tuple of Tensors, not Tensor"
     r"| received an invalid combination of arguments - got \(Tensor, Tensor[^*]*"
     r"\* \(tuple of Tensors)",
     _says(lambda: _("put the tensors into brackets of their own: torch.{0}((a, b), 1)"))),
    (r"(\w+)\(\): argument 'weight' .* must be Tensor, not",
     _says(lambda: _("make the layer in __init__: {0}() has no weights of its own, and "
                     "expects them as an argument"))),
    (r"Can't call numpy\(\) on Tensor that requires grad",
     _says(lambda: _("use torch functions instead of numpy here: gradients stop at numpy"))),
    (r"(?:must be Tensor, not|expected Tensor as element \d in argument 0, but got) [\w.]*\b(\w+)",
     _kinds),
    (r"got \([\w.]*\b(\w+)", _kinds),
    (r"split_sizes to sum exactly to (\d+)",
     _says(lambda: _("choose sizes whose sum is {0}"))),
    (r"expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\) at [\w-]+ "
     r"dimension (\d+)",
     _says(lambda: _("write -1 for axis {2}, which keeps its size {1}; or make the tensor "
                     "with size {0} there"))),
    (r"Boolean value of Tensor",
     _says(lambda: _("choose number by number with torch.where(condition, a, b), or ask "
                     "condition.any() or condition.all()"))),
    (r"only one element tensors|a Tensor with \d+ elements cannot be converted",
     _says(lambda: _("reduce the tensor to one number first, as x.mean() does"))),
    (r"attn_mask is .* but should be \((\d+), ?(\d+)",
     _says(lambda: _("make the mask {0} x {1}: a row and a column for each token"))),
    (r"(\w+) is not a Module subclass",
     _says(lambda: _("put a layer, such as nn.ReLU(), where {0} is: that is a function"))),
    (r"(tuple) indices must be integers or slices, not tuple", _kinds),
    (r"unsupported operand type\(s\) for .+: '(\w+)' and '(\w+)'", _kinds),
    (r"\b_*([a-zA-Z]\w*)\(\) missing \d+ required positional arguments?: ['\"](\w+)['\"]",
     _says(lambda: _("give {0} its {1} in brackets, e.g. {1}=2"))),
    (r"'(?:builtin_function_or_method|method)' object is not subscriptable",
     _says(lambda: _("call it with round brackets, x.size(0), or write x.shape[0]"))),
    (r"'(\w+)' object is not (?:subscriptable|iterable)", _kinds),
    (r"'torch.Size' object is not callable", _says(lambda: _("write x.shape[0], or x.size(0)"))),
    (r"(?:ints?\b.*(?:type |got )float|float' object cannot be interpreted|to be int.*float)",
     _says(lambda: _("divide with //, which gives a whole number"))),
    (r"(?:too many|not enough) values to unpack",
     _says(lambda: _("write one name on the left for each value on the right: n, c, h, w = "
                     "x.shape for maps, or one for each part that chunk() or split() "
                     "returns"))),
    (r"'NoneType' object is not callable",
     _says(lambda: _("put a layer where None is: append() and its like change a list and return "
                     "None"))),
    (r"unexpected keyword argument '(\w+)'", lambda broken, wrong: _keyword(wrong)),
    (r"should contain (\d+) elements not (\d+)",
     lambda broken, given, own: earlier(broken, broken.sources[0], int(given), int(own))),
    (r"expecting embedding dimension of (\d+), but got (\d+)",
     _says(lambda: _("make its layers with d_model={1} (embed_dim={1}), or the embedding with {0} "
                     "numbers"))),
    (r"unflatten: Provided sizes \[([\d, ]+)\] don't multiply up to the size of dim \d+ \((\d+)",
     _says(lambda: _("in place of ({0}), choose sizes whose product is {1}"))),
    (r"expects its input's 'channel' dimension to be divisible by the square",
     _says(lambda: _("give the layer before it the channels that you want times "
                     "upscale_factor * upscale_factor as outputs"))),
    (r"[Pp]adding size should be less than the corresponding input dimension",
     _says(lambda: _("pad by less than the side of its maps, or with nn.ZeroPad2d"))),
    (r"Input and output must have .+ \[\d+, \d+\] and output size of \(\d+, \d+, ",
     _says(lambda: _("give it height and width alone, size=(height, width)"))),
    (r"output padding must be smaller than either stride or dilation",
     _says(lambda: _("set stride=2 there, or leave output_padding out"))),
    (r"Expected hidden\S* size (\(.+?\)), got",
     lambda broken, size: _as_deep(broken) + [
         Fix(_("give it a hidden state of {0}").format(_for_a_batch(size)))]),
    (r"'list' object is not callable",
     _says(lambda: _("call its layers in turn, for layer in layers: x = layer(x), and make the "
                     "list an nn.ModuleList"))),
    (r"'tuple' object is not callable",
     _says(lambda: _("remove the comma at the end of the line in __init__ that makes it a tuple"))),
    (r"'Tensor' object is not callable",
     _says(lambda: _("call the layer and not the tensor, self.layer(x): a tensor stands before "
                     "these brackets"))),
)  # fmt: skip
"""What Python and PyTorch say about the usual slips, and what to do."""
