"""Mistakes in one line of a forward pass: the change that the coach names is made, and it runs."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labkit.inspect import summary

ones = torch.ones


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
x.permute(0, 2, 1)              | x.permute(0, 2, 1, 3)  | 2, 1 -> 2, 1, 3
F.max_pool2d(x.flatten(1), 2)   | before they are flattened | .flatten(1) ->
x * x.mean((2, 3))              | [:, :, None, None]     | 3)) -> 3))[:, :, None, None]
torch.cat([x, x, y])            | dim=1                  | ]) -> ], dim=1)
torch.cat([token, x], 1)        | .expand(2, -1, -1, -1) | token, -> token.expand(2, -1, -1, -1),
torch.cat([x, v], 1)            | torch.flatten(x, 1)    | [x -> [torch.flatten(x, 1)
x @ y[:, :3, :5]                | transpose(-2, -1)      | :5] -> :5].transpose(-2, -1)
x.view(32, 192)                 | x.view(len(x), 192)    | 32 -> len(x)
x.reshape(3, 64)                | x.reshape(len(x), 3, 64) | (3 -> (len(x), 3
x.view(-1, -1)                  | torch.flatten(x, 1)    | x.view(-1, -1) -> torch.flatten(x, 1)
x.transpose(1, 2).view(2, 192)  | use reshape            | view -> reshape
x.softmax(4)                    | dim=3                  | 4 -> 3
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


def rows(text):
    return [[part.strip() for part in line.split("|")] for line in text.strip().split("\n")]


def fixed(line, edit):
    old, new = edit.split("->")
    assert old.strip() in line
    return line.replace(old.strip(), new.strip(), 1)


MAPS = dict(y=ones(2, 5, 8, 8), token=ones(1, 3, 8, 8), v=ones(2, 4), ones=ones)
MAPS.update(lstm=nn.LSTM(8, 4), linear=nn.Linear(3, 2), conv1d=nn.Conv1d(3, 5, 2))
MAPS.update(prelu=nn.PReLU(8), embedding=nn.Embedding(5, 2), split=nn.Conv2d(4, 8, 3, groups=2))
CASES = rows(JOINS)


@pytest.mark.parametrize("line, words, edit", CASES, ids=[case[0] for case in CASES])
def test_the_change_that_is_named_lets_the_line_run(line, words, edit):
    fault = summary(Written(line, **MAPS), (2, 3, 8, 8)).fault
    assert words in fault.change, fault
    again = summary(Written(fixed(line, edit), **MAPS), (2, 3, 8, 8))
    assert again.fault is None, again.fault
