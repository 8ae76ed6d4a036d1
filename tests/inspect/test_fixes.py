"""Typical mistakes in a forward pass: the change that the coach names is made, and it must run."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labkit.inspect import trace

NAMES = {"torch": torch, "nn": nn, "F": F, "attend": F.scaled_dot_product_attention}
ones, whole = torch.ones, torch.arange


class Written(nn.Module):
    """A module whose forward is one line of Python over ``x``, its layers and some tensors."""

    def __init__(self, line, **known):
        super().__init__()
        self.line, self.known = line, known
        for name, layer in known.items():
            if isinstance(layer, nn.Module):
                setattr(self, name, layer)

    def forward(self, x):
        return eval(self.line, {**NAMES, **self.known, "x": x})


LINES = {
    "keys with other numbers": (
        *("attend(x, k, k)", (2, 4, 5, 8), {"k": ones(2, 4, 9, 6)}, "query and key of as many"),
        *("nn.Linear(6, 8)", ("(x, k,", "(x, nn.Linear(6, 8)(k),")),
    ),
    "keys turned by hand": (
        *("attend(x, k.transpose(-2, -1), k)", (2, 4, 5, 8), {"k": ones(2, 4, 9, 8)}),
        *("at each place, 8", "without .transpose(-2, -1)", (".transpose(-2, -1)", "")),
    ),
    "fewer heads of keys": (
        *("attend(x, k, k)", (2, 4, 5, 8), {"k": ones(2, 2, 9, 8)}, "4 in axis 1"),
        *("enable_gqa=True", ("k)", "k, enable_gqa=True)")),
    ),
    "heads behind the places": (
        *("attend(x, k, k)", (2, 5, 4, 8), {"k": ones(2, 9, 4, 8)}, "as many heads"),
        *(".transpose(1, 2)", ("x, k, k", "*(part.transpose(1, 2) for part in (x, k, k))")),
    ),
    "heads that do not divide": (
        *("attend(x, k, k)", (2, 4, 5, 8), {"k": ones(2, 3, 9, 8)}, "as many heads"),
        *("into 4 heads", ("k, k", "k[:, [0, 0, 1, 2]], k[:, [0, 0, 1, 2]]")),
    ),
    "another batch of keys": (
        *("attend(x, k, k)", (2, 4, 5, 8), {"k": ones(3, 4, 9, 8)}, "the same [2, 4]"),
        *("from the same batch", ("k, k", "k[:2], k[:2]")),
    ),
    "a mask of the whole block": (
        *("attend(x, x, x, attn_mask=m)", (2, 4, 5, 8), {"m": ones(7, 7).bool()}, "[5, 5]"),
        *("mask[..., :5, :5]", ("=m", "=m[..., :5, :5]")),
    ),
    "a mask of the padding": (
        *("attend(x, x, x, m)", (2, 4, 5, 8), {"m": ones(2, 5).bool()}, "a mask [5, 5]"),
        *("mask[:, None, None, :]", ("x, m", "x, m[:, None, None, :]")),
    ),
    "a mask without heads": (
        *("attend(x, x, x, m)", (2, 4, 5, 8), {"m": ones(2, 5, 5).bool()}, "a mask [5, 5]"),
        *("mask[:, None]", ("x, m", "x, m[:, None]")),
    ),
    "a mask of whole numbers": (
        *("attend(x, x, x, m)", (2, 4, 5, 8), {"m": ones(5, 5).long()}, "of type bool"),
        *("mask.bool()", ("x, m", "x, m.bool()")),
    ),
    "two masks": (
        *("attend(x, x, x, m, is_causal=True)", (2, 4, 5, 8), {"m": ones(5, 5).bool()}, "not both"),
        *("leave is_causal=True out", (", is_causal=True", "")),
    ),
    "keys of another type": (
        *("attend(x, k, k)", (2, 4, 5, 8), {"k": ones(2, 4, 5, 8).double()}, "float32"),
        *(".to(torch.float32)", ("k, k", "k.to(torch.float32), k.to(torch.float32)")),
    ),
    "arguments by name": (
        *("attend(query=x, key=k, value=k)", (2, 4, 5, 8), {"k": ones(2, 4, 9, 6)}, "at each"),
        *("nn.Linear(6, 8)", ("key=k", "key=nn.Linear(6, 8)(k)")),
    ),
    "a mask by hand": (
        *("x.masked_fill(m, 0.0)", (2, 4, 4), {"m": ones(6, 6).bool()}, "a mask [4, 4]"),
        *("mask[..., :4, :4]", ("m, 0", "m[..., :4, :4], 0")),
    ),
    "a pixel shuffle of too few channels": (
        *("F.pixel_shuffle(x, 2)", (1, 3, 8, 8), {}, "a multiple of 4 channels"),
        *("nn.Conv2d(3, 12, 1)", ("(x, 2", "(nn.Conv2d(3, 12, 1)(x), 2")),
    ),
    "a pixel unshuffle of odd maps": (
        *("F.pixel_unshuffle(x, 3)", (1, 3, 7, 8), {}, "multiples of 3"),
        *("nn.functional.pad(x, (0, 1, 0, 2))", ("(x", "(nn.functional.pad(x, (0, 1, 0, 2))")),
    ),
    "an unflatten of other channels": (
        *("x.unflatten(1, (6, 5, 5))", (2, 100), {}, "150 numbers in axis 1, for (6, 5, 5)"),
        *("x.unflatten(1, (4, 5, 5))", ("6,", "4,")),
    ),
    "an unflatten that rounds": (
        *("torch.unflatten(x, 1, (-1, 7))", (2, 100), {}, "a multiple of 7"),
        *("give the layer before it 105 outputs", ("(x", "(nn.Linear(100, 105)(x)")),
    ),
    "slopes of other channels": (
        *("F.prelu(x, w)", (2, 3, 5, 5), {"w": ones(8)}, "8 channels"),
        *("give the weight 3 numbers", ("w", "torch.ones(3)")),
    ),
    "slopes of the last axis": (
        *("act(x)", (2, 5, 8), {"act": nn.PReLU(8)}, "8 channels in axis 1"),
        *("x.movedim(-1, 1)", ("(x", "(x.movedim(-1, 1)")),
    ),
    "targets in a column": (
        *("F.cross_entropy(fc(x), t)", (4, 3), {"fc": nn.Linear(3, 5), "t": whole(4)[:, None]}),
        *("targets [4]", "targets.squeeze(1)", ("t)", "t.squeeze(1))")),
    ),
    "targets one-hot": (
        *("loss(fc(x), t)", (4, 3)),
        *({"fc": nn.Linear(3, 5), "t": torch.eye(5)[:4].long(), "loss": nn.CrossEntropyLoss()},),
        *("targets [4]", "targets.argmax(1)", ("t)", "t.argmax(1))")),
    ),
    "targets of floats": (
        *("loss(fc(x), t)", (4, 3)),
        *({"fc": nn.Linear(3, 5), "t": ones(4), "loss": nn.CrossEntropyLoss()}, "type int64"),
        *("targets.long()", ("t)", "t.long())")),
    ),
    "targets counted from one": (
        *("F.cross_entropy(fc(x), t)", (5, 3), {"fc": nn.Linear(3, 5), "t": 1 + whole(5)}),
        *("from 0 to 4 (5 logits)", "targets - 1", ("t)", "t - 1)")),
    ),
    "targets of more classes": (
        *("F.cross_entropy(fc(x), t)", (8, 3), {"fc": nn.Linear(3, 5), "t": whole(8)}),
        *("from 0 to 4", "give the last layer 8 outputs", ("fc", "nn.Linear(3, 8)")),
    ),
    "targets of probabilities of other classes": (
        *("F.cross_entropy(fc(x), t)", (2, 3), {"fc": nn.Linear(3, 5), "t": ones(2, 4)}),
        *("targets [2]", "give the last layer 4 outputs", ("fc", "nn.Linear(3, 4)")),
    ),
    "logits of a sequence": (
        *("F.cross_entropy(fc(x), t)", (2, 7, 3), {"fc": nn.Linear(3, 5), "t": ones(2, 7).long()}),
        *("in axis 1", "logits.permute(0, 2, 1)", ("fc(x)", "fc(x).permute(0, 2, 1)")),
    ),
    "targets of a sequence flattened": (
        *("F.cross_entropy(fc(x), t)", (2, 7, 3), {"fc": nn.Linear(3, 5), "t": ones(14).long()}),
        *("in axis 1", "logits.flatten(0, 1)", ("fc(x)", "fc(x).flatten(0, 1)")),
    ),
    "logits of a sequence flattened": (
        *("F.nll_loss(fc(x).flatten(0, 1), t)", (2, 7, 3)),
        *({"fc": nn.Linear(3, 5), "t": ones(2, 7).long()}, "targets [14]"),
        *("targets.flatten()", ("t)", "t.flatten())")),
    ),
    "targets first": (
        *("F.cross_entropy(t, fc(x))", (4, 3), {"fc": nn.Linear(3, 5), "t": whole(4)}),
        *("the logits first", "loss(logits, targets)", ("t, fc(x)", "fc(x), t")),
    ),
    "targets of another batch": (
        *(
            "F.cross_entropy(fc(x), t)",
            (4, 3),
            {"fc": nn.Linear(3, 5), "t": whole(5)},
            "targets [4]",
        ),
        *("in the shape [4]", ("t)", "t[:4])")),
    ),
    "a batch lost before the loss": (
        *("F.cross_entropy(fc(x.view(-1, 3)), t)", (4, 6), {"fc": nn.Linear(3, 5), "t": whole(4)}),
        *("targets [8]", "torch.flatten(x, 1): 4 went in, logits for 8 came out"),
        *(("fc(x.view(-1, 3))", "nn.Linear(6, 5)(torch.flatten(x, 1))"),),
    ),
    "weights for other classes": (
        *("F.cross_entropy(fc(x), t, w)", (4, 3)),
        *({"fc": nn.Linear(3, 5), "t": whole(4), "w": ones(4)}, "each of 5 logits"),
        *("torch.ones(5)", (", w", ", torch.ones(5)")),
    ),
    "targets elsewhere": (
        *("F.cross_entropy(fc(x), t)", (4, 3)),
        *({"fc": nn.Linear(3, 5), "t": ones(4, device="meta").long()}, "cpu"),
        *("targets.to('cpu')", ("t)", "torch.arange(4))")),
    ),
    "a binary loss of a column": (
        *("loss(fc(x), t)", (4, 3)),
        *({"fc": nn.Linear(3, 1), "t": ones(4), "loss": nn.BCEWithLogitsLoss()}, "[4, 1]"),
        *("targets.unsqueeze(-1)", ("t)", "t.unsqueeze(-1))")),
    ),
    "a binary loss of class numbers": (
        *("F.binary_cross_entropy_with_logits(x, t)", (3, 5), {"t": whole(3)}, "[3, 5]"),
        *("one_hot(targets, 5).float()", ("t)", "F.one_hot(t, 5).float())")),
    ),
    "a binary loss of whole numbers": (
        *("F.binary_cross_entropy_with_logits(x, t)", (3, 1), {"t": ones(3, 1).long()}),
        *("float32", "targets.float()", ("t)", "t.float())")),
    ),
    "a binary loss of logits": (
        *("F.binary_cross_entropy(x + 3, t)", (3, 1), {"t": ones(3, 1)}, "from 0 to 1"),
        *("torch.sigmoid(x)", ("x + 3", "torch.sigmoid(x + 3)")),
    ),
    "a skip of an odd side": (
        *("torch.cat([x, up(down(x))], dim=1)", (1, 3, 15, 15)),
        *({"down": nn.Conv2d(3, 6, 3, 2, 1), "up": nn.ConvTranspose2d(6, 3, 2, 2)}, "axis but the"),
        *("nn.functional.interpolate(x, (15, 15))",),
        *(("up(down(x))", "nn.functional.interpolate(up(down(x)), (15, 15))"),),
    ),
    "a residual of other maps and channels": (
        *("x + down(x)", (1, 3, 8, 8), {"down": nn.Conv2d(3, 6, 3, 2, 1)}, "axis by axis"),
        *("nn.functional.interpolate(x, (8, 8)), and to 3 channels, nn.Conv2d(6, 3, 1)",),
        *(("down(x)", "nn.Conv2d(6, 3, 1)(nn.functional.interpolate(down(x), (8, 8)))"),),
    ),
    "channels joined along the batch": (
        *("torch.cat([x, x, y])", (1, 3, 8, 8), {"y": ones(1, 5, 8, 8)}, "but the one along"),
        *("dim=1", ("])", "], dim=1)")),
    ),
    "one token for the whole batch": (
        *("torch.cat([token, x], 1)", (4, 5, 8), {"token": ones(1, 1, 8)}, "but the one along"),
        *(".expand(4, -1, -1)", ("token", "token.expand(4, -1, -1)")),
    ),
    "maps joined to a vector": (
        *("torch.cat([x, v], 1)", (2, 3, 4, 4), {"v": ones(2, 5)}, "but the one along"),
        *("torch.flatten(x, 1) of [2, 3, 4, 4]", ("[x", "[torch.flatten(x, 1)")),
    ),
    "a number for each channel": (
        *("x * x.mean((2, 3))", (2, 3, 8, 8), {}, "axis by axis"),
        *(".view(2, 3, 1, 1)", ("3))", "3)).view(2, 3, 1, 1)")),
    ),
    "a number for each place": (
        *("x * x.sum(-1)", (2, 5, 8), {}, "axis by axis"),
        *(".unsqueeze(-1)", ("(-1)", "(-1).unsqueeze(-1)")),
    ),
    "letters turned": (
        *("torch.einsum('ni,io->no', x, w)", (2, 5), {"w": ones(4, 5)}, "5 numbers for i in io"),
        *("ni,oi->no", ("ni,io", "ni,oi")),
    ),
    "too few letters": (
        *("torch.einsum('nc,cd->nd', x, w)", (2, 3, 8, 8), {"w": ones(3, 2)}, "letter of nc"),
        *("ncab,cd->nd", ("nc,", "ncab,")),
    ),
    "a letter from nowhere": (
        *("torch.einsum('nc,cd->nk', x, w)", (2, 3), {"w": ones(3, 2)}, "on the left, too"),
        *("nc,cd->n", ("nk", "n")),
    ),
    "too few terms": (
        *("torch.einsum('nc->nd', x, w)", (2, 3), {"w": ones(3, 2)}, "for each term of nc"),
        *("write 2 terms", ("nc->", "nc,cd->")),
    ),
    "a letter twice": (
        *("torch.einsum('nc->nn', x)", (2, 3), {}, "once on the right", "nc->n", ("nn", "n")),
    ),
    "logits of smaller maps": (
        *("F.cross_entropy(x, t)", (2, 3, 8, 8), {"t": ones(2, 16, 16).long()}, "[2, 8, 8]"),
        *("nn.functional.interpolate(logits, (16, 16))",),
        *(("x, t", "nn.functional.interpolate(x, (16, 16)), t"),),
    ),
    "words for a convolution": (
        *("conv(x)", (2, 8, 3), {"conv": nn.Conv1d(3, 5, 2)}, "3 channels"),
        *("x.permute(0, 2, 1)", ("(x", "(x.permute(0, 2, 1)")),
    ),
    "a product of batches with one matrix": (
        *("torch.bmm(x, w)", (2, 4, 3), {"w": ones(3, 5)}, "two tensors of 3 axes"),
        *("write @", ("torch.bmm(x, w)", "x @ w")),
    ),
    "a sequence with the channels in front": (
        *("fc(x)", (2, 3, 8), {"fc": nn.Linear(3, 5)}, "3 numbers in the last axis"),
        *("x.permute(0, 2, 1)", ("(x", "(x.permute(0, 2, 1)")),
    ),
    "no flatten after a sequence": (
        *("fc(x)", (2, 3, 8), {"fc": nn.Linear(24, 5)}, "24 numbers"),
        *("torch.flatten(x, 1)", ("(x", "(torch.flatten(x, 1)")),
    ),
    "no flatten after a global pooling": (
        *("fc(x)", (2, 3, 1, 1), {"fc": nn.Linear(3, 5)}, "3 numbers"),
        *("torch.flatten(x, 1)", ("(x", "(torch.flatten(x, 1)")),
    ),
    "a view for another batch": (
        *("x.view(32, 192)", (2, 3, 8, 8), {}, "6144 numbers"),
        *("x.view(len(x), 192)", ("32", "len(x)")),
    ),
    "a view without the batch": (
        *("x.reshape(16, 5, 5)", (2, 400), {}, "400 numbers"),
        *("x.reshape(len(x), 16, 5, 5)", ("(", "(len(x), ")),
    ),
    "a view of two unknowns": (
        *("x.view(-1, -1)", (2, 3, 4), {}, "-1 at one place"),
        *("torch.flatten(x, 1)", ("x.view(-1, -1)", "torch.flatten(x, 1)")),
    ),
    "too few axes named": (
        *("x.permute(0, 2, 1)", (2, 3, 8, 8), {}, "an order of 4 axes"),
        *("x.permute(0, 2, 1, 3)", ("2, 1", "2, 1, 3")),
    ),
    "a token expanded too little": (
        *("token.expand(len(x), -1) + x", (2, 5, 8), {"token": ones(1, 1, 8)}, "each of 3 axes"),
        *("x.expand(2, -1, -1)", ("-1)", "-1, -1)")),
    ),
    "a batch of one squeezed": (
        *(
            "norm(x.mean((2, 3), keepdim=True).squeeze())",
            (1, 3, 8, 8),
            {"norm": nn.BatchNorm1d(3)},
        ),
        *("a batch, also of one", "x.squeeze((2, 3))", ("squeeze()", "squeeze((2, 3))")),
    ),
    "one picture of one channel squeezed": (
        *("conv(x.squeeze())", (1, 1, 8, 8), {"conv": nn.Conv2d(1, 4, 3)}, "also of one"),
        *("leave squeeze() out", (".squeeze()", "")),
    ),
    "a mean of everything": (
        *("fc(x.mean())", (2, 3, 8, 8), {"fc": nn.Linear(3, 5)}, "a batch"),
        *("x.mean((2, 3))", ("mean()", "mean((2, 3))")),
    ),
    "an axis beyond the last": (
        *("x.softmax(2)", (2, 3), {}, "an axis 2", "take axis 1", ("2", "1")),
    ),
    "an index beyond the last": (
        *("x[:, 4]", (2, 4, 3), {}, "an index below 4 in axis 1", "take 3", ("4", "3")),
    ),
    "an embedding of floats": (
        *("F.embedding(x, w)", (2, 4), {"w": ones(5, 3)}, "int64"),
        *("x.to(torch.int64)", ("(x", "(x.to(torch.int64)")),
    ),
    "an embedding of too few": (
        *("F.embedding(t, w) + x", (2, 3), {"w": ones(5, 3), "t": whole(5, 7)}, "from 0 to 4"),
        *("num_embeddings=7", ("w", "torch.ones(7, 3)")),
    ),
    "maps enlarged as if they were vectors": (
        *("F.interpolate(x, scale_factor=2, mode='linear')", (2, 3, 8, 8), {}, "3 axes"),
        *("mode='bilinear'", ("'linear'", "'bilinear'")),
    ),
    "a gate of an odd axis": (
        *("F.glu(x, 1)", (2, 5), {}, "an even number in axis 1"),
        *("10 outputs: 5 come out", ("(x", "(nn.Linear(5, 10)(x)")),
    ),
    "a pooling after flattening": (
        *("pool(x.flatten(1))", (2, 3, 8, 8), {"pool": nn.MaxPool2d(2)}, "[N, channels, height"),
        *("before they are flattened", (".flatten(1)", "")),
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_the_change_that_is_named_lets_the_line_run(case):
    line, shape, known, expected, change, (old, new) = LINES[case]
    fault = trace(Written(line, **known), shape).fault
    assert expected in fault.expected and change in fault.change, fault
    assert old in line
    mended = trace(Written(line.replace(old, new, 1), **known), shape)
    assert mended.fault is None, mended.fault
    assert not [text for text in mended.warnings if "took no part" not in text]


LAYERS = {
    "a pixel shuffle": (nn.Sequential(nn.Conv2d(3, 6, 3), nn.PixelShuffle(2)), (1, 3, 8, 8)),
    "an unflatten of other channels": (nn.Sequential(nn.Unflatten(1, (6, 5, 5))), (2, 100)),
    "an unflatten of another square": (nn.Sequential(nn.Unflatten(1, (4, 4, 4))), (2, 100)),
    "an unflatten of another axis": (nn.Sequential(nn.Unflatten(1, (4, 6))), (2, 8, 24)),
    "slopes": (nn.Sequential(nn.Conv2d(3, 6, 3), nn.PReLU(8)), (2, 3, 8, 8)),
    "slopes as many as a side": (nn.Sequential(nn.PReLU(8)), (2, 3, 8, 8)),
}


@pytest.mark.parametrize("case", LAYERS)
def test_the_layer_that_is_named_takes_the_place_of_the_one_that_broke(case):
    model, shape = LAYERS[case]
    fault = trace(model, shape).fault
    kind, arguments = re.search(r"nn\.(\w+)(\(.*?\)+)(?:,| between|$)", fault.change).groups()
    mended = eval(f"nn.{kind}{arguments}", {"nn": nn})
    last = model[-1] if kind == "Conv2d" else nn.Identity()
    assert kind == "Conv2d" or type(mended) is type(model[-1])
    assert trace(nn.Sequential(*model[:-1], mended, last), shape).fault is None


def test_attention_of_a_query_to_other_keys_is_given_their_numbers():
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    known = {"attention": layer, "k": ones(2, 5, 6)}
    fault = trace(Written("attention(x, k, k)", **known), (2, 5, 8)).fault
    assert fault.got == "key [2, 5, 6] and value [2, 5, 6]" and "kdim=6, vdim=6" in fault.change
    known["attention"] = eval(fault.change.split("attention = ")[1], NAMES)
    assert trace(Written("attention(x, k, k)", **known), (2, 5, 8)).fault is None


MASKS = {
    "of a whole block": (
        "layer(x, x, x, attn_mask=m)",
        ones(7, 7),
        "mask[..., :5, :5]",
        "m[:5, :5]",
    ),
    "of the padding": ("layer(x, x, x, m)", ones(5, 2), "turn it, mask.T", "m.T"),
    "of an encoder": ("layer(x, m)", ones(7, 7), "mask[..., :5, :5]", "m[:5, :5]"),
}


@pytest.mark.parametrize("case", MASKS)
def test_a_mask_of_another_shape_given_to_a_layer_is_told(case):
    line, mask, change, new = MASKS[case]
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    if "encoder" in case:
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    known = {"layer": layer, "m": mask}
    fault = trace(Written(line, **known), (2, 5, 8)).fault
    assert "mask [" in fault.got and change in fault.change
    assert trace(Written(re.sub(r"\bm\)|\bm$", new + ")", line), **known), (2, 5, 8)).fault is None


def test_a_layer_that_is_given_too_little_says_what_is_missing():
    layer = nn.MultiheadAttention(8, 2)
    fault = trace(Written("layer(x)", layer=layer), (2, 5, 8)).fault
    assert fault.change == "call it with key, value, too"
    loss = nn.CrossEntropyLoss()
    assert "give it the targets, too" in trace(Written("f(x)", f=loss), (2, 5)).fault.change
    assert "torch.tensor(targets)" in trace(Written("f(x, [1, 2])", f=loss), (2, 5)).fault.change


def test_a_tuple_given_to_a_function_is_named():
    for name in ("torch.relu", "F.relu", "F.softmax"):
        known = {"layer": nn.LSTM(5, 4)}
        fault = trace(Written(f"{name}(layer(x))", **known), (2, 3, 5)).fault
        assert "x[0]" in fault.change, name
    assert trace(Written("torch.relu(layer(x)[0])", **known), (2, 3, 5)).fault is None


def test_a_squeezed_batch_and_a_wrong_layer_after_it_are_both_told():
    known = {"fc": nn.Linear(5, 2), "pool": nn.AdaptiveAvgPool2d(1)}
    fault = trace(Written("fc(pool(x).squeeze())", **known), (1, 4, 8, 8)).fault
    assert "x.squeeze((2, 3))" in fault.change
    assert "set in_features=4: self.fc = nn.Linear(in_features=4, " in fault.change
    known["fc"] = nn.Linear(4, 2)
    assert trace(Written("fc(pool(x).squeeze((2, 3)))", **known), (1, 4, 8, 8)).fault is None


def test_one_target_for_a_batch_is_told_as_a_target():
    known = {"loss": nn.CrossEntropyLoss(), "t": torch.tensor(3)}
    fault = trace(Written("loss(x, t)", **known), (2, 5)).fault
    assert fault.got == "logits [2, 5] and targets []" and "in the shape [2]" in fault.change


def test_one_logit_for_two_classes_asks_for_the_binary_loss():
    for line in ("x.squeeze(1)", "x"):
        model = Written(f"F.cross_entropy({line}, t)", t=whole(2))
        assert "nn.BCEWithLogitsLoss()" in trace(model, (2, 1)).fault.change


def test_values_of_other_places_are_a_fault_or_where_pytorch_goes_on_a_warning():
    model = Written("attend(x, k, v)", k=ones(2, 4, 9, 8), v=ones(2, 4, 7, 8))
    said = "a value for each key, 9 places"
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        assert said in trace(model, (2, 4, 5, 8)).fault.expected
    traced = trace(model, (2, 4, 5, 8))
    assert said in (traced.fault.expected if traced.fault else traced.warnings[0])


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_targets_spread_over_the_predictions_in_silence_are_a_warning():
    traced = trace(Written("F.mse_loss(x, t)", t=ones(4)), (4, 1))
    assert traced.fault is None
    assert "mse_loss() got predictions [4, 1] and targets [4]" in traced.warnings[0]
    assert "targets.unsqueeze(-1)" in traced.warnings[0]
    for target in (ones(4, 1), ones(4, 1).long()):
        assert trace(Written("F.mse_loss(x, t)", t=target), (4, 1)).warnings == ()


def test_keys_shared_by_heads_or_by_the_batch_are_no_fault_beside_a_wrong_mask():
    for shape, more in (((1, 1, 5, 8), ""), ((2, 2, 5, 8), ", enable_gqa=True")):
        line = f"attend(x, k, k, m{more})"
        fault = trace(Written(line, k=ones(shape), m=ones(4, 4).bool()), (2, 4, 5, 8)).fault
        assert fault.got == "a mask [4, 4]" and "the shape [5, 5]" in fault.change


def test_a_model_with_its_loss_inside_stays_as_it_was():
    loss = nn.CrossEntropyLoss(weight=ones(4))
    model = Written(
        "loss(fc(drop(x)), t)", fc=nn.Linear(3, 5), drop=nn.Dropout(), loss=loss, t=whole(4)
    )
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    numbers = torch.get_rng_state()
    fault = trace(model, (4, 3)).fault
    assert fault.layer == "loss (CrossEntropyLoss)" and fault.got == "weights for 4 classes"
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), numbers)
    assert all(module.training for module in model.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    "line",
    ["F.max_pool2d(x, '2')", "F.group_norm(x, 'a')", "F.pixel_shuffle(x, 0)", "torch.cat('ab')"],
)
def test_what_no_rule_has_foreseen_is_left_to_pytorchs_own_message(line):
    fault = trace(Written(line), (1, 3, 8, 8)).fault
    with pytest.raises((TypeError, RuntimeError)) as raised:
        Written(line)(torch.zeros(1, 3, 8, 8))
    assert str(raised.value).split("\n")[0] in fault.message
    assert fault.change


def test_a_step_that_no_rule_can_explain_is_traced_without_a_reason():
    traced = trace(Written("F.linear(x, ones)", ones=ones(8)), (1, 3, 8, 8))
    assert traced.fault is None
    assert [(row.shape, row.why) for row in traced.rows] == [((1, 3, 8), "")]
