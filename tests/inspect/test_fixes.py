"""Mistakes in one line of a forward pass: the change that the coach names is made, and it runs."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labkit.inspect import summary

ones, whole = torch.ones, torch.arange
FC = nn.Linear(3, 5)


class Written(nn.Module):
    """A module whose forward is one line of Python over ``x``, its layers and some tensors."""

    def __init__(self, line, **known):
        super().__init__()
        self.line, self.known = line, known
        for name, layer in known.items():
            if isinstance(layer, nn.Module):
                setattr(self, name, layer)

    def forward(self, x):
        return eval(
            self.line, {"torch": torch, "nn": nn, "F": F, **self.known, **self._modules, "x": x}
        )


JOINS = """
x * x.mean((2, 3))              | [:, :, None, None]     | 3)) -> 3))[:, :, None, None]
torch.cat([x, x, y])            | dim=1                  | ]) -> ], dim=1)
torch.cat([token, x], 1)        | .expand(2, -1, -1, -1) | token, -> token.expand(2, -1, -1, -1),
torch.cat([x, v], 1)            | torch.flatten(x, 1)    | [x -> [torch.flatten(x, 1)
x @ y[:, :3, :5]                | transpose(-2, -1)      | :5] -> :5].transpose(-2, -1)
x.sum(1) * x.sum((1, 3))        | .unsqueeze(-1)         | , 3)) -> , 3)).unsqueeze(-1)
x.view(32, 192)                 | x.view(len(x), 192)    | 32 -> len(x)
x.reshape(3, 64)                | x.reshape(len(x), 3, 64) | (3 -> (len(x), 3
x.view(-1, -1)                  | torch.flatten(x, 1)    | x.view(-1, -1) -> torch.flatten(x, 1)
x.transpose(1, 2).view(2, 192)  | use reshape            | view -> reshape
x.permute(0, 2, 1)              | x.permute(0, 2, 1, 3)  | 2, 1 -> 2, 1, 3
x.softmax(4)                    | dim=3                  | 4 -> 3
x[:, 3]                         | take 2                 | 3 -> 2
F.group_norm(x, 2)              | num_groups=1           | 2 -> 1
F.max_pool2d(x.flatten(1), 2)   | before they are flattened | .flatten(1) ->
lstm(x[:, 0])[0] + lstm(x[:, 0]) | [0]                 | + lstm(x[:, 0]) -> + lstm(x[:, 0])[0]
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
LOSSES = """
F.cross_entropy(fc(x), t[:, None])    | targets.squeeze(1)    | [:, None] ->
F.cross_entropy(fc(x), ones(4))       | targets.long()        | ones(4) -> ones(4).long()
F.cross_entropy(fc(x), one_hot)       | targets.argmax(1)     | one_hot -> one_hot.argmax(1)
F.cross_entropy(fc(x), t + 2)         | targets - 1           | t + 2 -> t + 1
F.cross_entropy(fc(x), t * 2)         | 7 outputs             | fc -> nn.Linear(3, 7)
F.cross_entropy(t, fc(x))             | loss(logits, targets) | t, fc(x) -> fc(x), t
F.cross_entropy(fc(words), ones(4, 2).long()) | logits.transpose(1, -1) | s), -> s).transpose(1, -1),
F.cross_entropy(fc(words), ones(8).long())    | logits.flatten(0, 1)    | s), -> s).flatten(0, 1),
F.mse_loss(fc(x)[:, :1], t)           | targets.reshape     | t) -> t.unsqueeze(-1))
F.binary_cross_entropy_with_logits(x[:, :1], ones(4)) | targets.unsqueeze(-1) | (4) -> (4).unsqueeze(-1)
F.binary_cross_entropy_with_logits(fc(x), t) | one_hot(targets, logits.shape[-1]).float() | t) -> F.one_hot(t, 5).float())
F.binary_cross_entropy_with_logits(x, x.long()) | targets.float() | x.long() -> x.long().float()
F.binary_cross_entropy(x + 3, x)      | torch.sigmoid(logits) | x + 3 -> torch.sigmoid(x + 3)
"""  # noqa: E501


def rows(text):
    return [[part.strip() for part in line.split("|")] for line in text.strip().split("\n")]


def fixed(line, edit):
    old, new = edit.split("->")
    assert old.strip() in line
    return line.replace(old.strip(), new.strip(), 1)


MAPS = dict(y=ones(2, 5, 8, 8), token=ones(1, 3, 8, 8), v=ones(2, 4), ones=ones)
MAPS.update(lstm=nn.LSTM(8, 4), linear=nn.Linear(3, 2), conv1d=nn.Conv1d(3, 5, 2))
MAPS.update(prelu=nn.PReLU(8), embedding=nn.Embedding(5, 2), split=nn.Conv2d(4, 8, 3, groups=2))
VECTORS = dict(fc=FC, t=whole(4), one_hot=torch.eye(5)[:4].long(), words=ones(4, 2, 3), ones=ones)
CASES = [(*row, (2, 3, 8, 8), MAPS) for row in rows(JOINS)]
CASES += [(*row, (4, 3), VECTORS) for row in rows(LOSSES)]


@pytest.mark.parametrize("line, words, edit, shape, known", CASES, ids=[case[0] for case in CASES])
def test_the_change_that_is_named_lets_the_line_run(line, words, edit, shape, known):
    shown = summary(Written(line, **known), shape)
    said = shown.fault.change if shown.fault else " ".join(shown.warnings)
    assert words in said, shown.fault or said
    again = summary(Written(fixed(line, edit), **known), shape)
    assert again.fault is None, again.fault
