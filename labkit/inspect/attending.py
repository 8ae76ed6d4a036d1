"""The rules of faults for attention: the layers, and the function behind them.

Each returns what the layer got, what it expected and the mend, or None where it does not apply.
"""

import torch
from torch import nn

from labkit.inspect.mends import function, given, replaced, shape_text
from labkit.inspect.recording import Call
from labkit.text import _

_IN_TRANSFORMERS = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)


def attention(call: Call, tensors: list, fed: torch.Size):
    """Tell the wrong numbers per place of nn.MultiheadAttention and of a transformer's layer."""
    module, names = call.module, ("embed_dim", "num_heads")
    if isinstance(module, _IN_TRANSFORMERS):
        module, names = module.self_attn, ("d_model", "nhead")
    if not isinstance(module, nn.MultiheadAttention):
        return None
    shape, wanted = tuple(tensors[0].shape), module.embed_dim
    expected = _("{n} numbers at each place ({name}={n})").format(n=wanted, name=names[0])
    size, steps = shape[-1], []
    if len(shape) == 4:
        expected = _("a sequence, and {rest}").format(rest=expected)
        size, steps = shape[1], [_("make one of the maps, x.flatten(2).transpose(1, 2)")]
    if size != wanted:
        heads = next(n for n in range(module.num_heads, 0, -1) if size % n == 0)
        change = f"{names[0]}={size}, {names[1]}={heads}"
        more = ", batch_first=True" if module.batch_first else ""
        more += ", ..." if isinstance(call.module, _IN_TRANSFORMERS) else ""
        steps.append(replaced(call, change, change + more))
    if steps or module is not call.module:
        said = (shape_text(shape), expected, _(", and ").join(steps)) if steps else None
        return said or _layer_masks(call, module)
    return _other_keys(call, module) or _layer_masks(call, module)


def _layer_masks(call: Call, module: nn.MultiheadAttention):
    """Tell the masks of another shape of nn.MultiheadAttention or of an encoder's layer."""
    if isinstance(call.module, nn.TransformerEncoderLayer):
        query, mask, padding = given(call, "src", "src_mask", "src_key_padding_mask")
        key = query
    elif call.module is module:
        names = ("query", "key", "value", "key_padding_mask", "need_weights", "attn_mask")
        query, key, __, padding, __, mask = given(call, *names)
    else:
        return None
    if not isinstance(key, torch.Tensor) or query.ndim != 3 or key.ndim != 3:
        return None
    place = 1 if module.batch_first else 0
    rows, columns, batch = query.shape[place], key.shape[place], query.shape[1 - place]
    if isinstance(padding, torch.Tensor) and tuple(padding.shape) != (batch, columns):
        got = _("a padding mask {shape}").format(shape=shape_text(padding.shape))
        expected = _("a padding mask [{batch}, {columns}], a row for each of the batch")
        change = _("make it of the shape [{batch}, {columns}]")
        if tuple(padding.shape) == (columns, batch):
            change = _("turn it, mask.T")
        sizes = dict(batch=batch, columns=columns)
        return got, expected.format(**sizes), change.format(**sizes)
    if not isinstance(mask, torch.Tensor) or mask.ndim != 2:
        return None
    return _mask(mask, False, (rows, module.embed_dim), (columns, module.embed_dim))


def _other_keys(call: Call, module: nn.MultiheadAttention):
    """Tell the keys and values of another length than those of the queries."""
    __, key, value = given(call, "query", "key", "value")
    if not isinstance(key, torch.Tensor) or not isinstance(value, torch.Tensor):
        return None
    if not key.ndim or not value.ndim:
        return None
    sizes, wanted = (key.shape[-1], value.shape[-1]), (module.kdim, module.vdim)
    if sizes == wanted:
        return None
    got = _("key {key} and value {value}").format(
        key=shape_text(key.shape), value=shape_text(value.shape)
    )
    expected = _("keys of {k} numbers and values of {v} (kdim={k}, vdim={v})")
    change = "kdim={}, vdim={}".format(*sizes)
    arguments = f"embed_dim={module.embed_dim}, num_heads={module.num_heads}, {change}"
    arguments += ", batch_first=True" if module.batch_first else ""
    return got, expected.format(k=wanted[0], v=wanted[1]), replaced(call, change, arguments)


def scaled_dot_product(call: Call, tensors: list, fed: torch.Size):
    """Tell queries, keys, values and a mask that do not fit in scaled_dot_product_attention."""
    if function(call) != "scaled_dot_product_attention":
        return None
    parts = given(call, "query", "key", "value", "attn_mask", "dropout_p", "is_causal")
    if not all(isinstance(part, torch.Tensor) for part in parts[:3]):
        return None
    query, key, value = (tuple(part.shape) for part in parts[:3])
    got = _("query {query}, key {key} and value {value}").format(
        query=shape_text(query), key=shape_text(key), value=shape_text(value)
    )
    if min(map(len, (query, key, value))) < 2 or len({len(query), len(key), len(value)}) > 1:
        expected = _("all three as [N, heads, places, numbers]")
        return got, expected, _("give all three as many axes")
    said = _unlike_keys(query, key, value) or _unlike_heads(call, query, key, value)
    if said:
        return got, *said
    if key[-2] != value[-2]:
        expected = _("a value for each key, {n} places").format(n=key[-2])
        return got, expected, _("make key and value of the same tensor")
    mask = _mask(parts[3], bool(parts[5]), query, key)
    types = {part.dtype for part in parts[:3]}
    if mask or len(types) == 1:
        return mask
    dtype = str(parts[0].dtype).removeprefix("torch.")
    got = _(" and ").join(sorted(str(kind).removeprefix("torch.") for kind in types))
    change = _("convert key and value, .to(torch.{dtype})").format(dtype=dtype)
    return got, _("one type, {dtype}").format(dtype=dtype), change


def _unlike_keys(query: tuple, key: tuple, value: tuple):
    size, other = query[-1], key[-1]
    if size == other:
        return None
    expected = _("query and key of as many numbers at each place, {n}").format(n=size)
    if key[-2] == size and other == value[-2]:
        return expected, _("give the key unturned, without .transpose(-2, -1)")
    text = _("bring the key to the query's numbers, nn.Linear({a}, {b})")
    return expected, text.format(a=other, b=size)


def _unlike_heads(call: Call, query: tuple, key: tuple, value: tuple):
    shared = bool(call.options.get("enable_gqa"))
    outer = [query[:-2], key[:-2], value[:-2]]
    if shared and len(query) == 4 and query[1] % key[1] == query[1] % value[1] == 0:
        outer = [(sizes[0], 1) for sizes in outer]
    if all(len({*sizes, 1}) <= 2 for sizes in zip(*outer, strict=True)):
        return None
    if len(query) == 4 and query[0] == key[0] == value[0]:
        expected = _("as many heads in all three, {n} in axis 1").format(n=query[1])
        if key[1] == value[1] and query[1] % key[1] == 0 and not shared:
            text = _("share each head of the keys among {n} of the queries, enable_gqa=True")
            return expected, text.format(n=query[1] // key[1])
        if query[2] == key[2] == value[2]:
            return expected, _("move the heads before the places in all three, .transpose(1, 2)")
        return expected, _("split key and value into {n} heads, too").format(n=query[1])
    expected = _("the same {axes} before places and numbers in all three")
    change = _("take query, key and value from the same batch")
    return expected.format(axes=shape_text(query[:-2])), change


def _mask(mask: torch.Tensor | None, causal: bool, query: tuple, key: tuple):
    """Tell a mask of another shape or type, or one too many."""
    if not isinstance(mask, torch.Tensor):
        return None
    rows, columns, shape = query[-2], key[-2], tuple(mask.shape)
    got = _("a mask {shape}").format(shape=shape_text(shape))
    if causal:
        return got, _("a mask or is_causal=True, not both"), _("leave is_causal=True out")
    if not mask.is_floating_point() and mask.dtype != torch.bool:
        dtype = str(mask.dtype).removeprefix("torch.")
        got = _("a mask of type {dtype}").format(dtype=dtype)
        expected = _("a mask of type bool, True where a query may look")
        return got, expected, _("write attn_mask=mask.bool()")
    if _broadcasts(shape, (*query[:-1], columns)):
        return None
    expected = _("a mask [{rows}, {columns}], a row for each query, a column for each key").format(
        rows=rows, columns=columns
    )
    change = _("make it of the shape [{rows}, {columns}]").format(rows=rows, columns=columns)
    if len(query) == 4 and shape == (query[0], columns):
        change = _("give it axes for heads and queries, mask[:, None, None, :]")
    elif len(query) == 4 and shape == (query[0], rows, columns):
        change = _("give it an axis for the heads, mask[:, None]")
    elif _broadcasts((*shape[:-2], rows, columns), (*query[:-1], columns)):
        change = _cut(shape, rows, columns) or change
    return got, expected, change


def _cut(shape: tuple, rows: int, columns: int) -> str:
    """Return the mend of a mask for longer texts, as of a whole block."""
    if len(shape) < 2 or not (shape[-2] >= rows and shape[-1] >= columns):
        return ""
    return _("cut it, mask[..., :{rows}, :{columns}]").format(rows=rows, columns=columns)


def masked(call: Call, tensors: list, fed: torch.Size):
    """Tell a mask of another size than the scores of an attention written by hand."""
    if function(call) not in {"masked_fill", "masked_fill_"} or len(tensors) < 2:
        return None
    scores, mask = tensors[0], tensors[1]
    shape, whole = tuple(mask.shape), tuple(scores.shape)
    got = _("scores {scores} and a mask {mask}").format(
        scores=shape_text(whole), mask=shape_text(shape)
    )
    if mask.dtype != torch.bool:
        dtype = str(mask.dtype).removeprefix("torch.")
        got = _("a mask of type {dtype}").format(dtype=dtype)
        return got, _("a mask of type bool"), _("write mask.bool(), or mask == 0")
    if _broadcasts(shape, whole) or len(whole) < 2:
        return None
    rows, columns = whole[-2:]
    expected = _("a mask [{rows}, {columns}]").format(rows=rows, columns=columns)
    change = _("make it of the shape [{rows}, {columns}]").format(rows=rows, columns=columns)
    if _broadcasts((*shape[:-2], rows, columns), whole):
        change = _cut(shape, rows, columns) or change
    return got, expected, change


def _broadcasts(shape: tuple, whole: tuple) -> bool:
    pairs = zip(shape[::-1], whole[::-1], strict=False)
    return len(shape) <= len(whole) and all(size in (1, full) for size, full in pairs)


RULES = (attention, scaled_dot_product, masked)
