"""Mistakes in one line of a forward pass: the change that the coach names is made, and it runs."""

import linecache
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labkit.inspect import summary
from labkit.inspect.fixes import path

ones = torch.ones


class Written(nn.Module):
    """A module whose forward is one line of Python over ``x``, its layers and some tensors."""

    def __init__(self, line, **known):
        super().__init__()
        for name, layer in known.items():
            if isinstance(layer, nn.Module) and re.search(rf"\b{name}\(", line):
                setattr(self, name, layer)
                line = re.sub(rf"(?<![\w.]){name}\(", f"self.{name}(", line)
        source, place = f"def forward(self, x):\n    return {line}\n", f"<{line}>"
        linecache.cache[place] = (len(source), None, source.splitlines(True), place)
        names = dict(torch=torch, nn=nn, F=F, **known)
        exec(compile(source, place, "exec"), names)
        self.__class__ = type("Written", (Written,), {"forward": names["forward"]})


JOINS = """
x.permute(0, 2, 1)              | x.permute(0, 2, 1, 3)  | 2, 1 -> 2, 1, 3
F.max_pool2d(x.flatten(1), 2)   | max_pool2d(x, 2) in    | .flatten(1) ->
x * x.mean((2, 3))              | [:, :, None, None]     | 3)) -> 3))[:, :, None, None]
torch.cat([x, x, y])            | dim=1                  | ]) -> ], dim=1)
torch.cat([token, x], 1)        | .expand(len(x), -1, | token, -> token.expand(2, -1, -1, -1),
torch.cat([x, v], 1)            | x.flatten(1)           | [x -> [torch.flatten(x, 1)
x[:, :, 1:] @ y[:, :3, :5]      | transpose(-2, -1)      | :5] -> :5].transpose(-2, -1)
x.view(32, 192)                 | x.view(len(x), 192)    | 32 -> len(x)
x.reshape(3, 64)                | x.reshape(len(x), 3, 64) | (3 -> (len(x), 3
x.view(-1, -1)                  | torch.flatten(x, 1)    | x.view(-1, -1) -> torch.flatten(x, 1)
x.transpose(1, 2).view(2, 192)  | use reshape            | view -> reshape
x.softmax(4)                    | dim=3                  | 4 -> 3
(lstm(x[:, 0])[0] + lstm(x[:, 0])).mean(1) | x[0] | + lstm(x[:, 0]) -> + lstm(x[:, 0])[0]
lstm(x[:, 0, :7, :5])[0]         | input_size=5           | lstm(x -> nn.LSTM(5, 4)(x
torch.relu(lstm(x[:, 0]))       | x[0]                   | ])) -> ])[0])
linear(x)                       | x.mean((2, 3))         | (x) -> (x.mean((2, 3)))
linear(x.mean())                | x.mean((2, 3))         | () -> ((2, 3))
conv1d(x)                       | nn.Conv2d(3, 5, 2)     | conv1d -> nn.Conv2d(3, 5, 2)
conv1d(x[:, :, 0].mT)           | x.permute(0, 2, 1)     | .mT ->
split(x[:, [0, 1, 2, 0, 1]])    | groups=1               | split -> nn.Conv2d(5, 8, 3)
prelu(x)                        | nn.PReLU(num_parameters=3) | prelu -> nn.PReLU(3)
embedding(x)                    | x.long()               | (x) -> (x.long())
embedding(x.long() + 7)         | num_embeddings=8       | + 7 -> + 4
"""
OTHERWISE = """
linear(x.mean((1, 2)))          | x.mean((2, 3))             | 1, 2 -> 2, 3
twelve(pool1(x[:, :, :4]).flatten(1)) | output_size=(None, 1) | pool1 -> pool2
one(x[:, 2])                    | x.unsqueeze(1)         | 2] -> 2:3]
three(x.permute(0, 2, 1, 3))    | self.three(x) in place | .permute(0, 2, 1, 3) ->
x + x.permute(0, 2, 3, 1)       | x + x in place         | .permute(0, 2, 3, 1) ->
F.interpolate(x.mean(1), (9, 9)) | keepdim=True          | (1) -> (1, keepdim=True)
attend(x.flatten(2)).mean(1)    | (2).transpose(1, 2))   | (2) -> (2).mT
torch.cat([ones(1, 2, 4), v], 1) | x[-1]                 | 1, 2 -> 2
three(norm(x))                  | nn.GroupNorm(1, 3)     | norm -> nn.GroupNorm(1, 3)
flat(rows(x.flatten(1)))        | nn.BatchNorm1d(2)      | flat -> nn.BatchNorm1d(2)
pool2(rows(x.flatten(1)))       | [:, :, None, None]     | pool2 ->
F.relu(x.squeeze)               | x.squeeze()            | squeeze -> squeeze()
x + even(x)                     | kernel_size=3, padding=1 | even -> nn.Conv2d(3, 3, 3, padding=1)
torch.cat([x, F.max_pool2d(x, 3, 1)], 1) | padding=1     | 3, 1 -> 3, 1, 1
one(bn(x))                      | nn.BatchNorm2d(3), and set in_channels=3 | one(bn(x)) -> three(x)
"""
"""Where replacing the layer would run as well, and be wrong; and faults behind faults."""
SEARCHED = """
torch.einsum('nhwc,cd->nhwd', x, w) | 'nchw,cd->ndhw' | 'nhwc, -> 'nchw,
x.masked_fill(ones(8, 8).tril(), 0) | .tril().bool()     | tril() -> tril().bool()
gru(x[:, 0], state)[0].mean(1)  | state.transpose(0, 1)      | state -> state.transpose(0, 1)
gru(x[:, 0], y[0])[0]           | a hidden state of (1, len(x), 4) | , y[0] ->
up(x.flatten(1))                | .unflatten(1, (3, 8, 8)) | .flatten(1) ->
three(x.flatten(2).mT)          | unflatten(2, (8, 8))   | .flatten(2).mT ->
F.relu(x + ones(1, 3, 5, 8))    | the size 8 in axis 2   | 5 -> 8
torch.cat([ones(4, 1, 8, 8), x], 1) | ones(2, 1, 8, 8) | 4 -> 2
torch.cat([x, token.expand(4, -1, -1, -1)], 1) | token.expand(len(x), -1 | 4 -> 2
(x.flatten(2) + tokens(x.flatten(2))).mean(2) | 2)).transpose(1, 2) | tokens( -> (
twelve(x[:, :, :5, :4]).mean(1) | join the heads         | :4] -> :4].transpose(1, 2).flatten(2)
linear((x * ones(8).double()).mean((2, 3))) | tensors of one type, x.float() | .double() ->
same(x) + three(x)[:, :, ::2, ::2] | nn.Conv2d(3, 4, 1, stride=3) | same -> nn.Conv2d(3, 4, 1, 3)
same(x).mean(2, 3)              | mean((2, 3)) in place  | 2, 3 -> (2, 3)
"""
"""What no rule knows: found by a search among small edits of the line."""


def rows(text):
    return [[part.strip() for part in line.split("|")] for line in text.strip().split("\n")]


def fixed(line, edit):
    old, new = edit.rsplit("-> ", 1) if "-> " in edit else (edit[:-2], "")
    assert old.strip() in line
    return line.replace(old.strip(), new.strip(), 1)


MAPS = dict(y=ones(2, 5, 8, 8), token=ones(1, 3, 8, 8), v=ones(2, 4), ones=ones)
MAPS.update(lstm=nn.LSTM(8, 4), linear=nn.Linear(3, 2), conv1d=nn.Conv1d(3, 5, 2))
MAPS.update(prelu=nn.PReLU(8), embedding=nn.Embedding(5, 2), split=nn.Conv2d(4, 8, 3, groups=2))
MAPS.update(one=nn.Conv2d(1, 4, 3), pair=nn.Conv2d(2, 4, 3), three=nn.Conv2d(3, 4, 3))
MAPS.update(pool1=nn.AdaptiveAvgPool2d((1, None)), pool2=nn.AdaptiveAvgPool2d((None, 1)))
MAPS.update(twelve=nn.Linear(12, 2), rows=nn.Linear(192, 2), bn=nn.BatchNorm2d(1))
MAPS.update(attend=nn.TransformerEncoderLayer(3, 1, 8, batch_first=True), norm=nn.LayerNorm(3))
MAPS.update(flat=nn.BatchNorm2d(2), even=nn.Conv2d(3, 3, 4, padding=2))
MAPS.update(w=ones(3, 5), gru=nn.GRU(8, 4, batch_first=True))
MAPS.update(state=ones(2, 1, 4), up=nn.ConvTranspose2d(3, 4, 2), same=nn.Identity())
MAPS.update(tokens=nn.Sequential(nn.BatchNorm1d(64)))
CASES = rows(JOINS) + rows(OTHERWISE) + rows(SEARCHED)


@pytest.mark.parametrize("line, words, edit", CASES, ids=[case[0] for case in CASES])
def test_the_change_that_is_named_lets_the_line_run(line, words, edit):
    x = torch.zeros(2, 3, 8, 8)
    fault = summary(Written(line, **MAPS), x).fault
    assert words in fault.change, fault
    again = summary(Written(fixed(line, edit), **MAPS), x)
    assert again.fault is None, again.fault


class Biased(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_parameter("bias", None)

    def forward(self, x):
        return x + self.bias


class Slips(nn.Module):
    """What a forward, a function of the module and x, may get wrong in a class."""

    def __init__(self, forward):
        super().__init__()
        self.scale, self.own = nn.Parameter(ones(1)), forward
        self.indented, self.biased = Indented(), Biased()
        self.register_buffer("mean", ones(3, 1, 1).double())
        self.head, self.blocks = nn.Conv2d(3, 4, 3), nn.Sequential(nn.Bilinear(8, 8, 8))

    def forward(self, x):
        return self.own(self, x)


class Indented(nn.Module):
    def __init__(self):
        super().__init__()

        def forward(self, x):
            return x


@pytest.mark.parametrize(
    "forward, words",
    [
        (lambda m, x: m.scale.clamp_(0, 1) * x, "clamp without the underscore"),
        (lambda m, x: m.head(x - m.mean), "convert self.mean first, x.float()"),
        (lambda m, x: m.blocks(x, x), "for layer in self.blocks: x = layer(x, y)"),
        (lambda m, x: m.indented(x), "move def forward out of __init__"),
        (lambda m, x: m.biased(x), "self.bias is None"),
    ],
)
def test_what_a_class_forgets_is_named(forward, words):
    shown = summary(Slips(forward), ones(2, 3, 8, 8))
    assert words in (shown.fault.change if shown.fault else "")


def test_what_breaks_in_training_alone_is_told_and_what_is_no_mistake_there_is_not():
    clamping = Slips(lambda m, x: m.scale.clamp_(0, 1) * x)
    assert "in training, with gradients" in summary(clamping, (2, 3, 8, 8)).warnings[0]
    with torch.no_grad():
        assert summary(clamping, (2, 3, 8, 8)).fault is None
    detector = Slips(lambda m, x: torch._assert(not m.training, "targets!") or x)
    assert summary(detector, (2, 3, 8, 8)).fault is None
    assert summary(nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12)), (1, 3, 2, 2)).fault is None


class Unfinished(nn.Module):
    def __init__(self):
        self.layers = [nn.Linear(2, 3)]


def test_what_is_missing_in_the_constructor_is_named():
    with pytest.raises(ValueError, match=r"super\(\).__init__\(\) as the first line"):
        summary(Unfinished(), (2, 2))
    written = Written("F.dropout(self.act(x))")
    written.act = nn.ReLU
    assert "self.act = nn.ReLU(), with brackets" in summary(written, (2, 2)).fault.change
    fault = summary(Written("nn.Sequential(F.relu)(x)"), (2, 2)).fault
    assert "such as nn.ReLU(), where relu is" in fault.change


@pytest.mark.parametrize(
    "line, words",
    [
        ("attend(x.flatten(2).mT, v, v)[0].mean(1)", "batch_first=True in self.attend"),
        ("three(x.flatten(1))", "x.unflatten(1, (3, 8, 8))"),
        ("x - ones(3)", "the axes of a map, x[:, None, None]"),
        ("torch.cat([token, x], 1)", ".expand(len(x), -1, -1, -1)"),
        ("x.flatten(2) @ x.flatten(2)", "transpose the right one, x.transpose(-2, -1)"),
    ],
)
def test_a_module_whose_lines_cannot_be_read_gets_its_fix_too(line, words):
    known = dict(MAPS, attend=nn.MultiheadAttention(3, 1), v=ones(2, 5, 3))
    module = Written(line, **known)
    del linecache.cache[module.forward.__code__.co_filename]  # as of a program given to exec()
    fault = summary(module, ones(2, 3, 8, 8)).fault
    assert words in fault.change


@pytest.mark.parametrize("name", ["fc1", "features.3", "trunk.block1-0.conv", "1x"])
def test_where_a_layer_hangs_is_python(name):
    compile(f"{path(name)} = nn.Identity()", "fix", "exec")
