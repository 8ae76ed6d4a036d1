"""The coach on small broken modules as learners write them, each with the right fix.

Written before its rules were read.
"""

import linecache
import re
from collections import OrderedDict
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import mobilenet_v3_small, resnet18

from labkit.inspect import summary

MODULES = r"""
the second convolution expects other channels than the first gives
    conv1 = nn.Conv2d(3, 16, 3); conv2 = nn.Conv2d(32, 64, 3)
    x = F.relu(self.conv1(x)); x = F.relu(self.conv2(x)); return x.mean((2, 3))
    conv2: in_channels=16
    nn.Conv2d(32, 64, 3) -> nn.Conv2d(16, 64, 3)
one channel count is mistyped in the middle of a net that fits otherwise
    conv1 = nn.Conv2d(3, 23, 3, padding=1); bn1 = nn.BatchNorm2d(32); conv2 = nn.Conv2d(32, 64, \
        3); fc = nn.Linear(64, 10)
    x = F.relu(self.bn1(self.conv1(x))); x = self.conv2(x).mean((2, 3)); return self.fc(x)
    bn1: conv1.*out_channels=32
    nn.Conv2d(3, 23, -> nn.Conv2d(3, 32,
the linear layer counts the maps before they are pooled
    conv = nn.Conv2d(3, 16, 3, padding=1); fc = nn.Linear(16 * 32 * 32, 10)
    x = torch.flatten(F.max_pool2d(F.relu(self.conv(x)), 2), 1); return self.fc(x)
    fc: in_features=4096
    16 * 32 * 32 -> 16 * 16 * 16
nothing flattens the maps
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Linear(8 * 30 * 30, 10))
    return self.net(x)
    net.2: [Ff]latten
    nn.Linear(8 -> nn.Flatten(), nn.Linear(8
one image without a batch axis meets batch normalisation
    conv = nn.Conv2d(3, 16, 3, padding=1); bn = nn.BatchNorm2d(16)
    return F.relu(self.bn(self.conv(x))).mean((2, 3))
    bn: unsqueeze\(0\)
    self.conv(x) -> self.conv(x.unsqueeze(0))
    fed [3, 32, 32] float32
one image without a batch axis meets group normalisation
    conv = nn.Conv2d(3, 16, 3, padding=1); norm = nn.GroupNorm(4, 16)
    return F.relu(self.norm(self.conv(x))).mean((2, 3))
    norm: unsqueeze\(0\)
    self.conv(x) -> self.conv(x.unsqueeze(0))
    fed [3, 32, 32] float32
one image without a batch axis is flattened
    conv = nn.Conv2d(3, 16, 3, padding=1); fc = nn.Linear(16 * 16 * 16, 10)
    x = torch.flatten(F.max_pool2d(F.relu(self.conv(x)), 2), 1); return self.fc(x)
    fc: unsqueeze\(0\)
    self.conv(x) -> self.conv(x.unsqueeze(0))
    fed [3, 32, 32] float32
a residual branch halves its maps and the shortcut does not
    a = nn.Conv2d(3, 16, 3, stride=2, padding=1); b = nn.Conv2d(16, 16, 3, padding=1); shortcut = \
        nn.Conv2d(3, 16, 1)
    return F.relu(self.b(F.relu(self.a(x))) + self.shortcut(x))
    add: shortcut.*stride=2
    nn.Conv2d(3, 16, 1) -> nn.Conv2d(3, 16, 1, stride=2)
a residual branch without padding
    stem = nn.Conv2d(3, 16, 3, padding=1); a = nn.Conv2d(16, 16, 3)
    x = self.stem(x); return x + F.relu(self.a(x))
    add: a.*padding=1
    nn.Conv2d(16, 16, 3) -> nn.Conv2d(16, 16, 3, padding=1)
a residual branch with more channels beside the identity
    a = nn.Conv2d(3, 16, 3, padding=1); b = nn.Conv2d(16, 16, 3, padding=1)
    return x + self.b(F.relu(self.a(x)))
    add: nn\.Conv2d\(3, 16, 1\)
    return x + -> return nn.Conv2d(3, 16, 1)(x) +
a U-Net concatenates odd sides
    down = nn.Conv2d(3, 8, 3, padding=1); mid = nn.Conv2d(8, 16, 3, padding=1); up = \
        nn.ConvTranspose2d(16, 8, 2, stride=2); out = nn.Conv2d(16, 2, 1)
    skip = self.down(x); x = self.up(self.mid(F.max_pool2d(skip, 2))); return \
        self.out(torch.cat((skip, x), 1))
    cat: interpolate|output_padding=1|multiple of
    stride=2) -> stride=2, output_padding=1)
    fed [4, 3, 31, 31] float32
the decoder forgets the channels of the skip
    down = nn.Conv2d(3, 8, 3, padding=1); mid = nn.Conv2d(8, 16, 3, padding=1); up = \
        nn.ConvTranspose2d(16, 8, 2, stride=2); out = nn.Conv2d(8, 2, 1)
    skip = self.down(x); x = self.up(self.mid(F.max_pool2d(skip, 2))); return \
        self.out(torch.cat((skip, x), 1))
    out: in_channels=16
    nn.Conv2d(8, 2, 1) -> nn.Conv2d(16, 2, 1)
a block forgets to return
    block = Block(3); fc = nn.Linear(3, 10)
    x = self.block(x); return self.fc(x.mean((2, 3)))
    block: return
self is forgotten before a layer
    conv = nn.Conv2d(3, 8, 3)
    x = conv(x); return x.mean((2, 3))
    Net: self\.conv
    x = conv( -> x = self.conv(
a layer is handed over instead of called
    conv = nn.Conv2d(3, 8, 3)
    x = F.relu(self.conv); return x.mean((2, 3))
    relu: self\.conv\(x\)
    self.conv) -> self.conv(x))
a list of modules is called
    blocks = nn.ModuleList([nn.Conv2d(3, 8, 3), nn.ReLU()])
    return self.blocks(x).mean((2, 3))
    blocks: for \w+ in self\.blocks|nn\.Sequential
    nn.ModuleList([nn.Conv2d(3, 8, 3), nn.ReLU()]) -> nn.Sequential(nn.Conv2d(3, 8, 3))
an activation is made with the maps
    conv = nn.Conv2d(3, 8, 3); fc = nn.Linear(8, 10)
    x = nn.ReLU6(self.conv(x)); return self.fc(torch.mean(x, (2, 3)))
    Net: nn\.ReLU6\(\)\(
    nn.ReLU6( -> nn.ReLU6()(
channels are shuffled in groups that do not divide them
    conv = nn.Conv2d(3, 16, 3, padding=1); groups = 3
    x = self.conv(x); n, c, h, w = x.shape; return x.view(n, self.groups, c // self.groups, h, \
        w).transpose(1, 2).flatten(1, 2)
    view: set groups=2 in model
    groups = 3 -> groups = 4
view(-1, n) with the wrong n mixes the images
    conv = nn.Conv2d(3, 16, 3, padding=1); fc = nn.Linear(16 * 8 * 8, 10)
    x = F.max_pool2d(self.conv(x), 2); return self.fc(x.view(-1, 16 * 8 * 8))
    view: flatten\(x, 1\)
    8 * 8 -> 16 * 16
view(-1, n) does not divide the numbers
    conv = nn.Conv2d(3, 16, 3); fc = nn.Linear(16 * 7 * 7, 10)
    x = F.max_pool2d(self.conv(x), 2); return self.fc(x.view(-1, 16 * 7 * 7))
    view: flatten\(x, 1\).*in_features=3600
    7 * 7 -> 15 * 15
bytes are fed in
    conv = nn.Conv2d(3, 16, 3, padding=1); fc = nn.Linear(4096, 10)
    x = torch.flatten(F.max_pool2d(F.relu(self.conv(x)), 2), 1); return self.fc(x)
    conv: x\.float\(\)
    self.conv(x) -> self.conv(x.float())
    fed [4, 3, 32, 32] uint8
numbers of double precision are made on the way
    conv = nn.Conv2d(3, 8, 3); fc = nn.Linear(8, 10)
    x = self.conv(x).mean((2, 3)); x = x * torch.ones(8, dtype=torch.float64); return self.fc(x)
    fc: \.float\(\)|float32
    self.fc(x) -> self.fc(x.float())
a part of the model lies on another device
    conv = nn.Conv2d(3, 8, 3); fc = nn.Linear(8, 10, device='meta')
    return self.fc(self.conv(x).mean((2, 3)))
    fc: without device
    , device='meta' -> 
small images are pooled once too often
    conv = nn.Conv2d(3, 8, 3, padding=1); pool = nn.MaxPool2d(2)
    for _ in range(4): x = self.pool(self.conv(x) if x.shape[1] == 3 else x) ;; return x
    pool: leave this pooling out
    range(4) -> range(3)
    fed [4, 3, 8, 8] float32
a kernel is larger than what is left of the map
    conv1 = nn.Conv2d(3, 8, 5, stride=4); conv2 = nn.Conv2d(8, 16, 5)
    return self.conv2(F.max_pool2d(self.conv1(x), 2)).mean((2, 3))
    conv2: padding=1|kernel_size=3
    nn.Conv2d(8, 16, 5) -> nn.Conv2d(8, 16, 5, padding=1)
a depthwise convolution expects other channels
    a = nn.Conv2d(3, 16, 1); depth = nn.Conv2d(32, 32, 3, groups=32)
    return self.depth(self.a(x)).mean((2, 3))
    depth: out_channels=32|in_channels=16.*groups=16
    nn.Conv2d(3, 16, 1) -> nn.Conv2d(3, 32, 1)
group normalisation expects other channels
    conv = nn.Conv2d(3, 16, 3); norm = nn.GroupNorm(8, 32)
    return self.norm(self.conv(x)).mean((2, 3))
    norm: num_channels=16
    nn.GroupNorm(8, 32) -> nn.GroupNorm(8, 16)
batch normalisation for vectors is given maps
    conv = nn.Conv2d(3, 16, 3); norm = nn.BatchNorm1d(16)
    return self.norm(self.conv(x)).mean((2, 3))
    norm: BatchNorm2d\(16\)
    BatchNorm1d -> BatchNorm2d
layer normalisation is given channels first
    conv = nn.Conv2d(3, 16, 3, padding=1); norm = nn.LayerNorm(16)
    return self.norm(self.conv(x)).mean((2, 3))
    norm: permute\(0, 2, 3, 1\)|GroupNorm\(1, 16\)
    nn.LayerNorm(16) -> nn.GroupNorm(1, 16)
an assertion of the model says which size it wants
    conv = nn.Conv2d(3, 8, 16, stride=16)
    torch._assert(x.shape[2] == 224, f'Wrong image height! Expected 224, got {x.shape[2]}'); \
        return self.conv(x).mean((2, 3))
    assert: 224
    == 224 -> == 32
softmax over an axis that is not there
    fc = nn.Linear(3 * 32 * 32, 10); softmax = nn.Softmax(dim=2)
    return self.softmax(self.fc(torch.flatten(x, 1)))
    softmax: dim=1|axis 1
    dim=2 -> dim=1
channels come last
    conv = nn.Conv2d(3, 8, 3)
    return self.conv(x).mean((2, 3))
    conv: permute\(0, 3, 1, 2\)
    self.conv(x) -> self.conv(x.permute(0, 3, 1, 2))
    fed [4, 32, 32, 3] float32
grey images without a channel axis
    conv = nn.Conv2d(1, 8, 3)
    return self.conv(x).mean((2, 3))
    conv: unsqueeze\(1\)
    self.conv(x) -> self.conv(x.unsqueeze(1))
    fed [4, 28, 28] float32
forward is misspelt
    conv = nn.Conv2d(3, 8, 3); block = Misspelt()
    return self.block(self.conv(x))
    block: forward
the size is asked with square brackets
    fc = nn.Linear(3072, 10)
    return self.fc(x.view(x.size[0], -1))
    Net: x\.size\(0\)|x\.shape\[0\]|len\(x\)
    x.size[0] -> x.size(0)
two tensors are concatenated without brackets
    a = nn.Conv2d(3, 8, 3, padding=1); b = nn.Conv2d(3, 8, 5, padding=2)
    return torch.cat(self.a(x), self.b(x)).mean((2, 3))
    Net: torch\.cat\(\(
    torch.cat(self.a(x), self.b(x)) -> torch.cat((self.a(x), self.b(x)), 1)
branches are concatenated along the batch
    a = nn.Conv2d(3, 8, 3, padding=1); b = nn.Conv2d(3, 16, 5, padding=2)
    return torch.cat((self.a(x), self.b(x))).mean((2, 3))
    cat: dim=1
    self.b(x))) -> self.b(x)), dim=1)
the weights of the channels have no sides
    conv = nn.Conv2d(3, 16, 3); fc = nn.Linear(16, 16)
    x = self.conv(x); w = torch.sigmoid(self.fc(x.mean((2, 3)))); return x * w
    mul: \[:, :, None, None\]
    x * w -> x * w[:, :, None, None]
a pooling function without its window
    conv = nn.Conv2d(3, 8, 3)
    return F.max_pool2d(self.conv(x)).mean((2, 3))
    Net: max_pool2d.*kernel_size
    self.conv(x)) -> self.conv(x), 2)
a layer is given a number too many
    conv = nn.Conv2d(3, 8, 3); fc = nn.Linear(8, 10)
    x = self.conv(x).mean((2, 3)); return self.fc(x, 10)
    fc: one|fc\(x\)
    self.fc(x, 10) -> self.fc(x)
a layer with a number between two others was never made
    fc1 = nn.Linear(20, 8); fc3 = nn.Linear(8, 2)
    return self.fc3(self.fc2(self.fc1(x)))
    Net: make self\.fc2 in __init__
    self.fc2(self.fc1(x)) -> self.fc1(x)
    fed [4, 20] float32
a view fixes another batch size than there is
    fc = nn.Linear(784, 10)
    x = x.view(64, -1); return self.fc(x)
    fc: x\.view\(len\(x\), -1\)
    view(64 -> view(len(x)
    fed [32, 1, 28, 28] float32
a view lacks a comma
    fc = nn.Linear(48, 10)
    x = x.view(x.size(0) -1); return self.fc(x)
    view: x\.view\(len\(x\), -1\)
    0) -1 -> 0), -1
    fed [4, 3, 4, 4] float32
the input is used again where the last output belongs
    conv1 = nn.Conv2d(3, 8, 3, padding=1); conv2 = nn.Conv2d(8, 16, 3)
    out = F.relu(self.conv1(x)); out = self.conv2(x); return out
    conv2: not the input again
    self.conv2(x) -> self.conv2(out)
inputs and outputs of a linear layer are swapped
    fc1 = nn.Linear(128, 784); fc2 = nn.Linear(128, 10)
    return self.fc2(F.relu(self.fc1(x)))
    fc1: fix it: set in_features=784, out_features=128: self\.fc1 = nn\.Linear\(784, 128\)\.
    128, 784 -> 784, 128
    fed [4, 784] float32
a layer is called twice
    fc1 = nn.Linear(20, 64); fc2 = nn.Linear(64, 2)
    x = F.relu(self.fc1(x)); x = F.relu(self.fc1(x)); return self.fc2(x)
    fc1: leave out this second call of fc1
    x = F.relu(self.fc1(x))\n        x -> x
    fed [4, 20] float32
the frames of a video stand before its channels
    conv = nn.Conv3d(3, 8, 3)
    return self.conv(x)
    conv: x\.transpose\(1, 2\)
    self.conv(x) -> self.conv(x.transpose(1, 2))
    fed [2, 16, 3, 8, 8] float32
a pooling branch shrinks because its stride is its kernel
    a = nn.Conv2d(3, 8, 1); b = nn.Sequential(nn.MaxPool2d(3, padding=1), nn.Conv2d(3, 8, 1))
    return torch.cat([self.a(x), self.a(x), self.b(x)], 1)
    cat: stride=1
    MaxPool2d(3,  -> MaxPool2d(3, stride=1, 
    fed [4, 3, 28, 28] float32
branches of other channels are joined, and the third lacks a padding
    a = nn.Conv2d(3, 8, 1); b = nn.Conv2d(3, 16, 3, padding=1); c = nn.Conv2d(3, 8, 5, padding=1)
    return torch.cat([self.a(x), self.b(x), self.c(x)], 1)
    cat: padding=2: .*kernel_size=5
    nn.Conv2d(3, 8, 5, padding=1) -> nn.Conv2d(3, 8, 5, padding=2)
one of two branches that are concatenated has too many channels
    a = nn.Conv2d(3, 8, 3); b = nn.Conv2d(3, 18, 3); c = nn.Conv2d(16, 4, 3)
    x = torch.concatenate([self.a(x), self.b(x)], 1); return self.c(x).mean((2, 3))
    c: give b 8 outputs
    nn.Conv2d(3, 18 -> nn.Conv2d(3, 8
branches are joined along the batch
    a = nn.Conv2d(3, 8, 3, padding=1); b = nn.Conv2d(16, 8, 3)
    x = torch.cat([self.a(x), self.a(x)]); return self.b(x)
    b: join the channels, dim=1
    self.a(x)]) -> self.a(x)], 1)
a pooled branch of one pixel is joined
    a = nn.Conv2d(3, 8, 1); pool = nn.AdaptiveAvgPool2d(1)
    x = self.a(x); return torch.cat([x, self.pool(x)], 1)
    cat: x\.expand\(-1, -1, 32, 32\)
    self.pool(x)] -> self.pool(x).expand(-1, -1, 32, 32)]
layers in a list do not follow the model to another type
    experts = [nn.Linear(3072, 10), nn.Linear(3072, 10)]; norm = nn.BatchNorm2d(3).double()
    x = self.norm(x).flatten(1); return self.experts[0](x) + self.experts[1](x)
    linear: self\.experts an nn\.ModuleList
    [nn.Linear(3072, 10), nn.Linear(3072, 10)] -> nn.ModuleList([nn.Linear(3072, 10), \
        nn.Linear(3072, 10)]).double()
    fed [4, 3, 32, 32] float64
a normalisation in a list does not follow the model to another type
    norms = [nn.BatchNorm2d(3)]; fc = nn.Linear(3072, 10); first = nn.BatchNorm2d(3).double()
    x = self.first(x); return self.fc(self.norms[0](x).flatten(1).float())
    batch_norm: self\.norms an nn\.ModuleList
    [nn.BatchNorm2d(3)] -> nn.ModuleList([nn.BatchNorm2d(3)]).double()
    fed [4, 3, 32, 32] float64
the weights of a functional normalisation are one too many
    conv = nn.Conv2d(3, 7, 3); w = nn.Parameter(torch.ones(8))
    x = F.batch_norm(self.conv(x), None, None, self.w, self.w, True); return x.mean((2, 3))
    batch_norm: conv.*out_channels=8
    nn.Conv2d(3, 7 -> nn.Conv2d(3, 8
a depthwise convolution is built for what comes before the expansion
    expand = nn.Conv2d(3, 12, 1); depth = nn.Conv2d(3, 12, 3, groups=3); norm = nn.BatchNorm2d(12)
    return self.norm(self.depth(self.expand(x))).mean((2, 3))
    depth: in_channels=12, out_channels=12, groups=12
    nn.Conv2d(3, 12, 3, groups=3) -> nn.Conv2d(12, 12, 3, groups=12)
photographs are oblong, and the layers fit squares
    a = nn.Conv2d(3, 8, 3, padding=1); p = nn.MaxPool2d(4); fc = nn.Linear(512, 2)
    x = self.p(self.a(x)); return self.fc(x.flatten(1))
    fc: feed images of 32 x 32
    fed [2, 3, 32, 44] float32
the maps are a list
    a = nn.Conv2d(3, 8, 1); b = nn.Conv2d(11, 8, 1)
    x = [x, self.a(x)]; return self.b(x)
    b: torch\.cat\(x, 1\)
    self.b(x) -> self.b(torch.cat(x, 1))
one image a batch, and squeeze takes the batch before a softmax
    conv = nn.Conv2d(3, 64, 3); fc = nn.Linear(64, 10)
    x = F.adaptive_avg_pool2d(self.conv(x), 1).squeeze(); return F.softmax(self.fc(x), dim=1)
    softmax: x\.squeeze\(\(2, 3\)\)
    .squeeze() -> .squeeze((2, 3))
    fed [1, 3, 32, 32] float32
a shortcut is made and the sum does without it
    a = nn.Conv2d(3, 16, 3, 2, 1); short = nn.Conv2d(3, 16, 1, 2); fc = nn.Linear(16, 10)
    y = F.relu(self.a(x)); y = F.relu(y + x); return self.fc(y.mean((2, 3)))
    add: y \+ self\.short\(x\)\) in place of y = F\.relu\(y \+ x\)
    y + x -> y + self.short(x)
the shortcut is given the tensor of the other branch
    a = nn.Conv2d(3, 16, 3, 2, 1); short = nn.Conv2d(3, 16, 1, 2); fc = nn.Linear(16, 10)
    y = F.relu(self.a(x)); y = F.relu(y + self.short(y)); return self.fc(y.mean((2, 3)))
    short: y \+ self\.short\(x\)
    self.short(y) -> self.short(x)
the first normalisation is called twice
    a = nn.Conv2d(3, 8, 3); bn1 = nn.BatchNorm2d(8); b = nn.Conv2d(8, 16, 3); bn2 = \
        nn.BatchNorm2d(16); fc = nn.Linear(16, 10)
    x = self.bn1(self.a(x)); x = self.bn1(self.b(x)); return self.fc(x.mean((2, 3)))
    bn1: self\.bn2\(self\.b\(x\)\)
    self.bn1(self.b -> self.bn2(self.b
the layers are called in the wrong order
    fc1 = nn.Linear(3072, 100); fc2 = nn.Linear(100, 10)
    x = F.relu(self.fc2(x.flatten(1))); return self.fc1(x)
    fc2: swap self\.fc2 and self\.fc1
    fc1 = nn.Linear(3072, 100)\n        self.fc2 -> fc2 = nn.Linear(3072, 100)\n        self.fc1
tokens are mixed without a transposition before and after
    mix = nn.Sequential(nn.Linear(16, 32), nn.Linear(32, 16)); fc = nn.Linear(12, 10)
    x = x.reshape(len(x), 12, 16, 16).flatten(2)[:, :, ::16].transpose(1, 2); x = x + \
        self.mix(x); return self.fc(x.mean(1))
    mix.0: self\.mix\(x\.transpose\(1, 2\)\)\.transpose\(1, 2\)
    self.mix(x) -> self.mix(x.mT).mT
an einsum reads channels last
    w = nn.Parameter(torch.ones(3, 10))
    return torch.einsum("bhwc,cd->bhwd", x, self.w).mean((2, 3))
    einsum: bchw,cd->bdhw
    bhwc,cd->bhwd -> bchw,cd->bdhw
tokens attend the wrong way round
    c = nn.Conv2d(3, 24, 4, 4); fc = nn.Linear(24, 10)
    t = self.c(x).flatten(2).transpose(1, 2); a = (t @ t.transpose(1, 2)).softmax(-1); t = t @ a; \
        return self.fc(t.mean(1))
    matmul: the other way round, \[4, 64, 64\] by \[4, 64, 24\]
    t @ a -> a @ t
rows of three colours into an LSTM of one
    rnn = nn.LSTM(32, 24, batch_first=True); fc = nn.Linear(24, 10)
    x = x.permute(0, 2, 1, 3).reshape(len(x), 32, -1); out, _ = self.rnn(x); return \
        self.fc(out[:, -1])
    rnn: input_size=96
    nn.LSTM(32 -> nn.LSTM(96
numpy in a forward pass
    c = nn.Conv2d(3, 10, 3)
    x = self.c(x).mean((2, 3)); return torch.from_numpy(x.numpy() * 2)
    numpy: torch functions instead of numpy
    torch.from_numpy(x.numpy() * 2) -> x * 2
there is a position too few, and one for all tokens would run
    c = nn.Conv2d(3, 8, 8, 8); pos = nn.Embedding(15, 8); fc = nn.Linear(8, 10)
    t = self.c(x).flatten(2).transpose(1, 2); n = torch.arange(16).expand(len(x), -1); t = t + \
        self.pos(n); return self.fc(t.mean(1))
    pos: num_embeddings=16
    nn.Embedding(15 -> nn.Embedding(16
heads and tokens of the keys are swapped, and the keys of one image would run
    c = nn.Conv2d(3, 24, 8, 8); qkv = nn.Linear(24, 72); fc = nn.Linear(24, 10)
    t = self.c(x).flatten(2).transpose(1, 2); q, k, v = self.qkv(t).reshape(len(x), 16, 3, 3, \
        8).permute(2, 0, 3, 1, 4); a = (q @ k.transpose(1, 2)).softmax(-1); t = (a @ \
        v).transpose(1, 2).flatten(2); return self.fc(t.mean(1))
    matmul: \(q @ k\.transpose\(-2, -1\)\)
    k.transpose(1, 2) -> k.transpose(2, 3)
the channels come back a line too late, and as many channels as the side has would run
    c = nn.Conv2d(3, 16, 4, 4); mix = nn.Linear(16, 16); norm = nn.GroupNorm(4, 16); fc = \
        nn.Linear(16, 10)
    x = self.mix(self.c(x).permute(0, 2, 3, 1)); x = self.norm(x); x = x.permute(0, 3, 1, 2); \
        return self.fc(x.mean((2, 3)))
    norm: x = x\.permute\(0, 3, 1, 2\); x = self\.norm\(x\) in place
    self.norm(x) -> self.norm(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
a method lacks its brackets two lines before
    fc = nn.Linear(3072, 10)
    std = x.flatten(1).exp; y = x.flatten(1); return self.fc(y + y * std)
    Net: write std = x\.flatten\(1\)\.exp\(\) in place
    flatten(1).exp -> flatten(1).exp()
an RNN with the time in front gives a tuple
    rnn = nn.LSTM(96, 8); fc = nn.Linear(8, 10)
    t = x.permute(2, 0, 1, 3).flatten(2); h = self.rnn(t); n, b, c = h.size(); \
        return self.fc(h.view(n * b, c)).view(n, b, -1)
    Net: h = self\.rnn\(t\)\[0\]
several heads in a list are called at once
    c = nn.Conv2d(3, 8, 3); heads = nn.ModuleList([nn.Linear(8, 2), nn.Linear(8, 5)])
    h = self.c(x).mean((2, 3)); a, b = self.heads(h); return torch.cat([a, b], 1)
    heads: \[layer\(x\) for layer in self\.heads\]
    self.heads(h) -> [layer(h) for layer in self.heads]
the keys of an attention are wider than its queries
    a = nn.MultiheadAttention(8, 2, batch_first=True); q = nn.Linear(3072, 8); c = nn.Conv2d(3, \
        12, 8, 8)
    k = self.c(x).flatten(2).mT; q = self.q(x.flatten(1))[:, None]; return self.a(q, k, k)[0][:, 0]
    a: set kdim=12, vdim=12
    nn.MultiheadAttention(8, 2 -> nn.MultiheadAttention(8, 2, kdim=12, vdim=12
the mode of an interpolation stands where its factor belongs
    c = nn.Conv2d(3, 10, 3)
    x = F.interpolate(x, (8, 8), "bilinear", align_corners=False); return self.c(x).mean((2, 3))
    interpolate: \(8, 8\), mode=.bilinear., align_corners
    "bilinear" -> mode="bilinear"
a layer for a larger map is made with options, and not called
    c = nn.Conv2d(3, 10, 3)
    x = nn.Upsample(x, scale_factor=2); return self.c(x).mean((2, 3))
    c: nn\.Upsample\(scale_factor=2\)\(x\)
    nn.Upsample(x, scale_factor=2) -> nn.Upsample(scale_factor=2)(x)
channels become pixels, and too few are made
    up = nn.Conv2d(3, 16, 3, 1, 1); shuffle = nn.PixelShuffle(2); act = nn.PReLU(); c = \
        nn.Conv2d(8, 10, 3)
    x = self.act(self.shuffle(self.up(x))); return self.c(x).mean((2, 3))
    c: give up 32 outputs
    nn.Conv2d(3, 16 -> nn.Conv2d(3, 32
the indices of two poolings are swapped
    c = nn.Conv2d(3, 3, 1); p = nn.MaxPool2d(2, return_indices=True); u = nn.MaxUnpool2d(2)
    y, i = self.p(x); y, j = self.p(self.c(y)); y = self.u(y, i); y = self.u(y, j); return y
    u: write y = self\.u\(y, j\); y = self\.u\(y, i\) in place
    y = self.u(y, i)\n        y = self.u(y, j) -> y = self.u(y, j)\n        y = self.u(y, i)
complex numbers reach a layer
    ln = nn.LayerNorm(32); fc = nn.Linear(32, 10)
    y = torch.fft.fft(x, dim=-1); return self.fc(self.ln(y).mean((1, 2)))
    ln: \.real
    dim=-1) -> dim=-1).real
a block adds its input though it halves the maps
    c = nn.Conv2d(3, 3, 3, 2, 1); adds = True
    y = self.c(x); y = x + y if self.adds else y; return y.mean((2, 3))
    add: let self\.adds be True only where the shape stays the same
    adds = True -> adds = False
frames and height are swapped
    c = nn.Conv3d(3, 4, 3, padding=1); p = nn.MaxPool3d((1, 2, 2)); fc = nn.Linear(3328, 10)
    y = x.permute(0, 2, 3, 1, 4); y = self.p(self.c(y)); return self.fc(y.flatten(1))
    fc: permute\(0, 2, 1, 3, 4\)
    0, 2, 3, 1, 4 -> 0, 2, 1, 3, 4
    fed [2, 13, 3, 16, 16] float32
each head of attention is given the whole width
    heads = 3; c = nn.Conv2d(3, 24, 8, 8); qkv = nn.Linear(24, 72); fc = nn.Linear(24, 10)
    t = self.c(x).flatten(2).mT; n, m, d = t.shape; q, k, v = self.qkv(t).reshape(n, m, 3, \
        self.heads, d).permute(2, 0, 3, 1, 4); t = q @ k.mT @ v; return self.fc(t.transpose(1, \
        2).flatten(2).mean(1))
    reshape: self\.heads, d // self\.heads\)
    self.heads, d) -> self.heads, d // self.heads)
codes of a table are floats
    emb = nn.Embedding(9, 8); fc = nn.Linear(11, 10)
    e = self.emb(x[:, 0, 0, 0]); return self.fc(torch.cat([e, x[:, :, 0, 0]], 1))
    emb: convert what emb is given first, x\.long\(\)
    0, 0, 0]) -> 0, 0, 0].long())
what append returns is kept
    c = nn.Conv2d(3, 10, 3)
    h = []; h = h.append(self.c(x)); h.append(self.c(x)); return torch.cat(h, 1).mean((2, 3))
    Net: write h\.append\(self\.c\(x\)\) in place of h = h\.append
    h = h.append -> h.append
filters of one channel each are not told so
    w = nn.Parameter(torch.ones(3, 1, 3, 3))
    return F.conv2d(x, self.w).mean((2, 3))
    conv2d: set groups=3
    x, self.w) -> x, self.w, groups=3)
maps that were kept are taken in the order in which they came
    a = nn.Conv2d(3, 4, 3, 2, 1); b = nn.Conv2d(4, 8, 3, 2, 1); c = nn.Conv2d(16, 10, 1)
    s = [self.a(x), self.b(self.a(x))]; y = torch.cat([self.b(self.a(x)), s[0]], 1); return \
        self.c(y).mean((2, 3))
    cat: s\[-1\]
    s[0] -> s[-1]
one of two poolings returns no indices
    p = nn.MaxPool2d(2); u = nn.MaxUnpool2d(2)
    y, i = self.p(x); return self.u(y, i)
    u: return_indices=True
    nn.MaxPool2d(2) -> nn.MaxPool2d(2, return_indices=True)
    fed [2, 3, 32, 32] float32
a size stands where a factor is meant
    a = nn.Conv2d(3, 8, 3, 1, 1); b = nn.Conv2d(3, 8, 3, 2, 1)
    y = self.a(x) + F.interpolate(self.b(x), 2); return y.mean((2, 3))
    add: write scale_factor=2
    self.b(x), 2) -> self.b(x), scale_factor=2)
a table has too few rows
    t = nn.Parameter(torch.zeros(20, 4)); c = nn.Conv2d(3, 4, 8, 8)
    b = self.t[torch.arange(25)]; return self.c(x).mean((2, 3)) + b.mean(0)
    getitem: make self\.t with 25 rows
    zeros(20, 4) -> zeros(25, 4)
an attention with a mask takes images for time
    c = nn.Conv2d(3, 8, 8, 8); a = nn.MultiheadAttention(8, 2)
    t = self.c(x).flatten(2).mT; m = torch.zeros(t.shape[:2], dtype=torch.bool); t, _ = self.a(t, \
        t, t, key_padding_mask=m); return t.mean(1)
    a: set batch_first=True in self\.a
    8, 2) -> 8, 2, batch_first=True)
the keys of an einsum are named as if they were turned
    c = nn.Conv2d(3, 24, 8, 8); fc = nn.Linear(24, 10)
    t = self.c(x).flatten(2).mT.unflatten(2, (3, 8)).transpose(1, 2); a = \
        torch.einsum("bhid,bhdj->bhij", t, t).softmax(-1); return self.fc((a @ t).transpose(1, \
        2).flatten(2).mean(1))
    einsum: 'bhid,bhjd->bhij'
    bhid,bhdj -> bhid,bhjd
the numbers of an embedding are swapped
    e = nn.Embedding(6, 40); fc = nn.Linear(6, 10)
    return self.fc(self.e(x + 30).mean(1))
    e: num_embeddings=40, embedding_dim=6
    nn.Embedding(6, 40) -> nn.Embedding(40, 6)
    fed [4, 30] int64
the second of two causal convolutions is not cut
    a = nn.Conv1d(3, 3, 3, padding=2); b = nn.Conv1d(3, 3, 3, padding=2)
    x = x.flatten(2); y = self.a(x)[:, :, :-2]; y = self.b(y); return (x + y).mean(2)
    add: cut off at the end what the padding of b adds, x\[:, :, :-2\]
    self.b(y) -> self.b(y)[:, :, :-2]
a row of numbers is joined to maps
    e = nn.Linear(3072, 1024); c = nn.Conv2d(4, 10, 3)
    m = self.e(x.flatten(1)); return self.c(torch.cat([x, m], 1)).mean((2, 3))
    cat: turn \[4, 1024\] into maps first, x\.view\(len\(x\), 1, 32, 32\)
    [x, m] -> [x, m.view(len(x), 1, 32, 32)]
the numbers of a turn stand in one row
    fc = nn.Linear(3072, 6)
    t = self.fc(x.flatten(1)); g = F.affine_grid(t, x.shape, align_corners=False); return \
        F.grid_sample(x, g, align_corners=False).mean((2, 3))
    affine_grid: t\.view\(-1, 2, 3\)
    affine_grid(t, -> affine_grid(t.view(-1, 2, 3),
only one of several convolutions has no padding
    a = nn.Conv2d(3, 4, 4, 2, 1); b = nn.Conv2d(4, 4, 4, 2, 1); c = nn.Conv2d(4, 4, 4, 2); d = \
        nn.Conv2d(4, 10, 4)
    return self.d(self.c(self.b(self.a(x)))).flatten(1)
    d: set padding=1: self\.c
    self.c = nn.Conv2d(4, 4, 4, 2) -> self.c = nn.Conv2d(4, 4, 4, 2, 1)
    fed [4, 3, 32, 32] float32
three parts are made where four are taken
    c = nn.Conv2d(3, 24, 3); fc = nn.Linear(8, 10)
    i, f, g, o = torch.split(self.c(x), 8, 1); return self.fc((i * f + g * o).mean((2, 3)))
    Net: give c 32 outputs
    nn.Conv2d(3, 24 -> nn.Conv2d(3, 32
too few channels for the pixels that are made of them
    c = nn.Conv2d(3, 6, 3, padding=1); s = nn.PixelShuffle(2)
    return self.s(self.c(x))
    s: give c 12 outputs
    nn.Conv2d(3, 6 -> nn.Conv2d(3, 12
rows of channels and heights are read by an RNN
    c = nn.Conv2d(3, 8, 8, 8); r = nn.GRU(8, 6, batch_first=True)
    f = self.c(x); n, c, h, w = f.shape; f = f.permute(0, 3, 1, 2).reshape(n, w, c * h); y, _ = \
        self.r(f); return y.permute(1, 0, 2)
    r: set input_size=32
    nn.GRU(8 -> nn.GRU(32
anchors and classes are counted without brackets
    c = nn.Conv2d(3, 17, 3, padding=1)
    y = self.c(x); n, _, h, w = y.shape; return y.view(n, 3, 7, h, w).mean((3, 4)).flatten(1)
    view: give c 21 outputs
    nn.Conv2d(3, 17 -> nn.Conv2d(3, 21
there are fewer positions than tokens, in a buffer
    c = nn.Conv2d(3, 8, 4, 4); e = nn.Embedding(50, 8); fc = nn.Linear(8, 10)
    t = self.c(x).flatten(2).mT; p = self.e.weight[None]; return self.fc((t + p[:, : \
        t.size(1)]).mean(1))
    add: the size 64 in axis 1
    nn.Embedding(50 -> nn.Embedding(64
one of the two tensors of a product is turned, and no more
    q = nn.Conv2d(3, 4, 1); k = nn.Conv2d(3, 4, 1); v = nn.Conv2d(3, 10, 1)
    q = self.q(x).flatten(2)[:, :, :64]; k = self.k(x).flatten(2); a = torch.bmm(q, \
        k).softmax(-1); return torch.bmm(a, self.v(x).flatten(2).mT).mean(1)
    bmm: torch\.bmm\(q\.transpose\(1, 2\), k\)\.softmax
    torch.bmm(q, k) -> torch.bmm(q.mT, k)
a layer goes by another name than in the constructor
    conv = nn.Conv2d(3, 8, 3); out = nn.Linear(8, 10)
    x = F.relu(self.conv(x)); return self.classifier(x.mean((2, 3)))
    Net: return self\.out\(
    self.classifier -> self.out
an einsum has one letter for the tokens of queries and of keys
    c = nn.Conv2d(3, 24, 8, 8); q = nn.Linear(24, 24); k = nn.Linear(24, 24); fc = nn.Linear(24, 10)
    t = self.c(x).flatten(2).transpose(1, 2); a = torch.einsum("bnd,bnd->bnn", self.q(t), \
        self.k(t)).softmax(-1); return self.fc((a @ t).mean(1))
    einsum: 'bnd,bmd->bnm'
    bnd,bnd->bnn -> bnd,bmd->bnm
an einsum keeps the numbers of a head where it is to keep the tokens of the keys
    c = nn.Conv2d(3, 24, 8, 8); fc = nn.Linear(24, 10)
    t = self.c(x).flatten(2).transpose(1, 2).unflatten(2, (3, 8)); a = \
        torch.einsum("bihd,bjhd->bhid", t, t).softmax(-1); t = torch.einsum("bhij,bjhd->bihd", a, \
        t).flatten(2); return self.fc(t.mean(1))
    einsum: 'bihd,bjhd->bhij'
    bihd,bjhd->bhid -> bihd,bjhd->bhij
a layer lacks the number that its call has
    conv = nn.Conv2d(3, 8, 3)
    return self.conv1(x).mean((2, 3))
    Net: write self\.conv: there is no self\.conv1
    self.conv1 -> self.conv
an einsum forgets an axis
    w = nn.Parameter(torch.ones(3, 10))
    return torch.einsum("bhw,cd->bdhw", x, self.w).mean((2, 3))
    einsum: 'bchw,cd->bdhw'
    bhw,cd -> bchw,cd
an einsum has one letter for the channels of two branches
    a = nn.Conv2d(3, 4, 1); b = nn.Conv2d(3, 6, 1); fc = nn.Linear(24, 10)
    p = self.a(x).flatten(2); q = self.b(x).flatten(2); return self.fc(torch.einsum("bcn,bcn->bc", \
        p, q).flatten(1))
    einsum: 'bcn,bmn->bcm'
    bcn,bcn->bc -> bcn,bmn->bcm
an einsum has one letter for height and width
    c = nn.Conv2d(3, 4, 3); fc = nn.Linear(16, 10)
    h = self.c(x); return self.fc(torch.einsum("bci,bdi->bcd", h, h).flatten(1))
    einsum: 'bcim,bdim->bcd'
    bci,bdi -> bcij,bdij
the heads of attention do not divide the width
    heads = 4; c = nn.Conv2d(3, 50, 8, 8); fc = nn.Linear(50, 10)
    t = self.c(x).flatten(2).mT; q = t.reshape(len(x), 16, self.heads, 50 // \
        self.heads).transpose(1, 2); return self.fc((q @ q.mT @ q).transpose(1, \
        2).flatten(2).mean(1))
    reshape: set heads=5 in model
    heads = 4 -> heads = 5
two transposed convolutions miss the size of the image
    enc = nn.Conv2d(3, 8, 4, 4); a = nn.ConvTranspose2d(8, 8, 3, 2, 1); b = nn.ConvTranspose2d(8, \
        3, 3, 2, 1)
    y = self.b(self.a(self.enc(x))).sigmoid(); return y, F.binary_cross_entropy(y, x)
    binary_cross_entropy: output_padding=1: self.a.* and .*output_padding=1: self.b
    3, 2, 1) -> 3, 2, 1, 1)
    fed [4, 3, 32, 32] float32
rows of colour are read by an RNN
    rnn = nn.GRU(32, 8, batch_first=True); fc = nn.Linear(8, 10)
    h = self.rnn(x.permute(0, 2, 1, 3).flatten(2))[0]; return self.fc(h[:, -1])
    rnn: input_size=96
    GRU(32 -> GRU(96
a sum of maps has another axis forgotten in its order
    c = nn.Conv2d(3, 8, 3); ln = nn.LayerNorm(8); fc = nn.Linear(8, 10)
    return self.fc(self.ln(self.c(x).permute(0, 2, 1)).mean((1, 2)))
    permute: permute\(0, 2, 3, 1\)
    0, 2, 1) -> 0, 2, 3, 1)
a shortcut and its normalisation have too few channels
    a = nn.Conv2d(3, 16, 3, 2, 1); down = nn.Sequential(nn.Conv2d(3, 4, 1, 2), nn.BatchNorm2d(4)); \
        fc = nn.Linear(16, 10)
    h = self.a(x) + self.down(x); return self.fc(h.mean((2, 3)))
    add: out_channels=16.*num_features=16
    4, 1, 2), nn.BatchNorm2d(4) -> 16, 1, 2), nn.BatchNorm2d(16)
a softmax is taken over one score
    c = nn.Conv2d(3, 8, 8, 8); s = nn.Linear(8, 1); fc = nn.Linear(8, 10)
    t = self.c(x).flatten(2).mT; w = torch.softmax(self.s(t), dim=3); return self.fc((w * t).sum(1))
    softmax: dim=1
    dim=3 -> dim=1
the images are flattened a line too early
    flat = nn.Flatten(); c = nn.Conv2d(1, 4, 3); fc = nn.Linear(4 * 26 * 26, 10)
    x = self.flat(x); x = self.c(x); return self.fc(x)
    c: write x = self\.c\(x\); x = self\.flat\(x\)
    x = self.flat(x)\n        x = self.c(x) -> x = self.c(x)\n        x = self.flat(x)
    fed [4, 1, 28, 28] float32
two means lose the axis of the channels
    a = nn.Conv2d(2, 1, 7, 1, 3); fc = nn.Linear(3, 10)
    m = torch.cat([x.mean(1), x.amax(1)], 1); return self.fc((x * self.a(m)).mean((2, 3)))
    a: torch\.stack\(\.\.\., dim=1\)
    mean(1), x.amax(1) -> mean(1, keepdim=True), x.amax(1, keepdim=True)
a layer for numbers is the head where maps are pooled
    head = nn.Sequential(nn.Linear(3, 10), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    return self.head(x).flatten(1)
    head.0: nn\.Conv2d\(3, 10, 1\)
    nn.Linear(3, 10) -> nn.Conv2d(3, 10, 1)
the input is flattened, and the maps are forgotten
    c = nn.Conv2d(3, 8, 3); fc = nn.Linear(8 * 30 * 30, 10)
    h = self.c(x); h = x.view(x.size(0), -1); return self.fc(h)
    fc: write h = h.view\(
    h = x.view -> h = h.view
a grey image is repeated along the batch
    c = nn.Conv2d(3, 8, 3)
    x = x.repeat(3, 1, 1, 1); return self.c(x).mean((2, 3))
    c: write x = x.repeat\(1, 3, 1, 1\)
    repeat(3, 1, -> repeat(1, 3,
    fed [4, 1, 28, 28] float32
a function is misspelt
    fc = nn.Linear(3072, 10)
    return self.fc(torch.flaten(x, 1))
    Net: write flatten: there is no flaten
    flaten -> flatten
branches are joined along the height
    a = nn.Conv2d(3, 14, 3, padding=1); b = nn.Conv2d(3, 14, 5, padding=2); c = nn.Conv2d(28, 8, 1)
    y = torch.cat([self.a(x), self.b(x)], dim=2); return self.c(F.relu(y)).mean((2, 3))
    c: dim=1 in cat
    dim=2 -> dim=1
number of filters and size of the kernel are swapped
    c1 = nn.Conv2d(3, 5, 32); c2 = nn.Conv2d(32, 8, 3)
    x = self.c2(F.relu(self.c1(x))); return x.mean((2, 3))
    c1: out_channels=32, kernel_size=5
    nn.Conv2d(3, 5, 32) -> nn.Conv2d(3, 32, 5)
    fed [4, 3, 28, 28] float32
a code is repeated along its features and not in time
    code = nn.Linear(3072, 18); rnn = nn.LSTM(18, 24, batch_first=True); fc = nn.Linear(24, 3)
    x = self.code(x.flatten(1)).repeat(1, 25); out, _ = self.rnn(x); return self.fc(out)
    rnn: x\.view\(len\(x\), -1, 18\)
    .repeat(1, 25) -> .repeat(1, 25).view(len(x), -1, 18)
a mask for the longest text is not cut
    emb = nn.Linear(3, 8); mask = nn.Parameter(torch.ones(1, 2048, 2048), requires_grad=False)
    t = self.emb(x.flatten(2).mT[:, :20]); a = (t @ t.mT).masked_fill(self.mask == 0, -1e9); \
        return (a.softmax(-1) @ t).mean(1)
    masked_fill: x\[:, :20, :20\]
    self.mask == 0 -> self.mask[:, :20, :20] == 0
a query meets keys without a time axis
    q = nn.Linear(3, 8); k = nn.Linear(3, 8); v = nn.Linear(8, 1)
    t = x.flatten(2).mT[:, :20]; s = self.v(torch.tanh(self.k(t) + self.q(t[:, 0]))); \
        return (s.softmax(1) * t).sum(1)
    add: x\.unsqueeze\(1\)
    self.q(t[:, 0]) -> self.q(t[:, 0]).unsqueeze(1)
features and neighbours are multiplied in the wrong order
    near = nn.Parameter(torch.eye(1024), requires_grad=False); w = nn.Linear(3, 7)
    h = self.w(x.flatten(2).mT); return torch.matmul(h, self.near.expand(len(x), -1, -1)).mean(1)
    matmul: the other way round, \[4, 1024, 1024\] by \[4, 1024, 7\]
    torch.matmul(h, self.near.expand(len(x), -1, -1)) -> torch.matmul(self.near, h)
queries, keys and values are made of too few numbers
    qkv = nn.Linear(3, 16); fc = nn.Linear(8, 10)
    t = x.flatten(2).mT[:, :20]; q, k, v = self.qkv(t).view(len(x), 20, 3, 8).unbind(2); \
        return self.fc(((q @ k.mT).softmax(-1) @ v).mean(1))
    view: qkv.*out_features=24
    nn.Linear(3, 16) -> nn.Linear(3, 24)
a decoder has fewer layers than the encoder whose state it gets
    enc = nn.GRU(96, 12, 2, batch_first=True); dec = nn.GRU(96, 12, batch_first=True)
    t = x.transpose(1, 2).flatten(2); _, h = self.enc(t); out, _ = self.dec(t, h); \
        return out[:, -1]
    dec: num_layers=2
    nn.GRU(96, 12, batch_first=True) -> nn.GRU(96, 12, 2, batch_first=True)
one of several like convolutions has another stride
    a = nn.Conv2d(3, 8, 4, 2, 1); b = nn.Conv2d(8, 16, 4, 4, 1); c = nn.Conv2d(16, 32, 4, 2, 1); \
        d = nn.Conv2d(32, 1, 4)
    return self.d(self.c(F.relu(self.b(F.relu(self.a(x)))))).flatten(1)
    d: b.*stride=2|stride=2.*b =
    nn.Conv2d(8, 16, 4, 4, 1) -> nn.Conv2d(8, 16, 4, 2, 1)
mean and maximum of the channels are joined without an axis
    a = nn.Conv2d(3, 8, 3); spatial = nn.Conv2d(2, 1, 7, padding=3)
    y = self.a(x); s = torch.cat([y.max(1)[0], y.mean(1)], dim=1); \
        return (y * self.spatial(s).sigmoid()).mean((2, 3))
    spatial: torch\.stack
    torch.cat([y.max(1)[0], y.mean(1)], dim=1) -> torch.stack([y.max(1)[0], y.mean(1)], dim=1)
a view in front of a decoder makes more rows
    fc = nn.Linear(3072, 1024); up = nn.ConvTranspose2d(64, 3, 4, 2, 1)
    h = self.fc(x.flatten(1)).view(-1, 32, 4, 4); return self.up(h)
    up: x\.view\(-1, 64, 4, 4\)
    view(-1, 32, 4, 4) -> view(-1, 64, 4, 4)
the count behind alike blocks is made wrongly twice
    d1 = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1)); d2 = nn.Sequential(nn.Conv2d(9, 6, 3, \
        padding=1)); d3 = nn.Sequential(nn.Conv2d(15, 6, 3, padding=1)); norm = \
        nn.BatchNorm2d(33); fc = nn.Linear(33, 10)
    x = torch.cat([x, self.d1(x)], 1); x = torch.cat([x, self.d2(x)], 1); x = torch.cat([x, \
        self.d3(x)], 1); return self.fc(self.norm(x).mean((2, 3)))
    norm: num_features=21.*and set in_features=21
    33 -> 21
softmax over the batch
    c = nn.Conv2d(3, 8, 3); fc = nn.Linear(8, 10)
    return F.softmax(self.fc(self.c(x).mean((2, 3))), dim=0)
    -: depends on the others: softmax\(\) mixes them. To fix it: set dim=1
    dim=0 -> dim=1
a layer that is a softmax over the batch
    c = nn.Conv2d(3, 8, 3); fc = nn.Linear(8, 10); s = nn.Softmax(dim=0)
    return self.s(self.fc(self.c(x).mean((2, 3))))
    -: depends on the others: s \(Softmax\) mixes them. To fix it: set dim=1
    dim=0 -> dim=1
rows of an image as time, and the batch as rows
    rnn = nn.LSTM(96, 16); fc = nn.Linear(16, 10)
    out, _ = self.rnn(x.transpose(1, 2).flatten(2)); return self.fc(out[:, -1])
    -: rnn \(LSTM\) mixes them. To fix it: set batch_first=True
    nn.LSTM(96, 16) -> nn.LSTM(96, 16, batch_first=True)
patches whose batch is taken for the sequence
    c = nn.Conv2d(3, 8, 8, 8); e = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, \
        0.0), 1); fc = nn.Linear(8, 10)
    return self.fc(self.e(self.c(x).flatten(2).mT).mean(1))
    -: e \(TransformerEncoder\) mixes them. To fix it: set batch_first=True
    0.0) -> 0.0, batch_first=True)
a batch that is scaled by its largest number
    c = nn.Conv2d(3, 8, 3); fc = nn.Linear(8, 10)
    x = self.c(x); x = x / x.max(); return self.fc(x.mean((2, 3)))
    -: depends on the others: max\(\) mixes them
    x.max() -> x.amax((1, 2, 3), keepdim=True)
the batch size is written into forward
    c = nn.Conv2d(3, 8, 3); fc = nn.Linear(7200, 10)
    return self.fc(self.c(x).view(4, -1))
    -: view\(\) always makes 4 rows. Write x\.flatten\(1\), or len\(x\)
    view(4, -1) -> view(len(x), -1)
a squeeze without axes takes a batch of one away
    c = nn.Conv2d(3, 8, 3); fc = nn.Linear(8, 10)
    x = F.adaptive_avg_pool2d(self.c(x), 1).squeeze(); return self.fc(x).log_softmax(1)
    -: it breaks at log_softmax\(\). To fix it: name the axes, x\.squeeze\(\(2, 3\)\)
    squeeze() -> squeeze((2, 3))
a class token is not repeated for the batch
    c = nn.Conv2d(3, 8, 8, 8); t = nn.Parameter(torch.zeros(1, 1, 8)); fc = nn.Linear(8, 10)
    x = torch.cat([self.t, self.c(x).flatten(2).mT], 1); return self.fc(x[:, 0])
    -: with a batch of 2 it breaks at cat\(\)\. To fix it: repeat \[1, 1, 8\] for the batch
    cat([self.t, -> cat([self.t.expand(len(x), -1, -1),
    fed [1, 3, 32, 32] float32
a network returns its maps by name
    n = Named()
    maps = self.n(x); return torch.sigmoid(maps)
    Net: take the part that you mean, x\['out'\]
    self.n(x) -> self.n(x)['out']
a network returns its maps by name, and nothing keeps them
    n = Named()
    return torch.sigmoid(self.n(x))
    Net: take the part of the OrderedDict that you mean, by its key
    self.n(x) -> self.n(x)['out']
a mean in double precision that is no buffer
    c = nn.Conv2d(3, 8, 3); m = torch.zeros(1, 3, 1, 1, dtype=torch.float64)
    return self.c((x - self.m) / 2).mean((2, 3))
    c: convert self\.m first, x\.float\(\)
    x - self.m -> x - self.m.float()
a view counts another flat size than there is, and takes it from the batch
    c = nn.Conv2d(3, 8, 3, padding=1); fc = nn.Linear(8 * 16 * 16, 10)
    return self.fc(self.c(x).view(-1, 8 * 16 * 16))
    -: mixed the images.*Then fc \(Linear\) gets \[4, 8192\]: set in_features=8192
"""
"""Each by its name: its layers, its forward, the layer to blame with what the fix has to say, the
right fix as an edit, which has to run, and what is fed if that is not a batch of four images."""


@dataclass(frozen=True)
class Broken:
    """A module that a learner wrote, and what a teacher would say."""

    layers: str
    forward: str
    layer: str
    fix: str
    edit: tuple[str, ...] = ()
    shape: tuple[int, ...] = (4, 3, 32, 32)
    dtype: torch.dtype = torch.float32


def read(block: str) -> Broken:
    layers, forward, told, *more = block.split("\n    ")
    parts = [layers, forward.replace(" ;; ", "\n"), *told.split(": ", 1)]
    edit, shape, dtype = (), Broken.shape, "float32"
    for line in more:
        if line.startswith("fed "):
            sizes, dtype = re.match(r"fed \[(.*)\] (\w+)", line).groups()
            shape = tuple(map(int, sizes.split(",")))
        else:
            edit = tuple(line.replace("\\n", "\n").split(" -> "))
    return Broken(*parts, edit, shape, getattr(torch, dtype))


_ROWS = re.split(r"\n(?=\S)", re.sub(r" \\\n +", " ", MODULES.strip()))
BROKEN = {name: read(block) for name, block in (row.split("\n    ", 1) for row in _ROWS)}


class Named(nn.Module):
    """Returns its maps by name, as torchvision's networks for segmentation do."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 2, 3)

    def forward(self, x):
        return OrderedDict(out=self.layer(x))


class Block(nn.Module):
    """A block whose forward has no return."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        x = x + self.conv(x)


class Misspelt(nn.Module):
    """A block whose forward is spelt foward."""

    def foward(self, x):
        return x.mean((2, 3))


class NeverMade(nn.Module):
    """A network whose constructor is misspelt, so that it never runs."""

    def _init_(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x)


def built(case: Broken, edit: tuple[str, ...] = ()) -> nn.Module:
    """Return the module of a row, as a learner's cell would define it."""
    indent = " " * 8
    lines = [f"self.{line.strip()}" for line in case.layers.split(";")]
    body = [line.strip() for line in re.split(r";|\n", case.forward)]
    source = f"class Net(nn.Module):\n    def __init__(self):\n{indent}super().__init__()\n"
    source += "".join(f"{indent}{line}\n" for line in lines) + "    def forward(self, x):\n"
    source += "".join(f"{indent}{line}\n" for line in body)
    if edit:
        assert edit[0] in source
        source = source.replace(*edit)
    place = f"<learner {abs(hash(source))}>"
    linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)
    names = dict(
        __name__=__name__, torch=torch, nn=nn, F=F, Block=Block, Misspelt=Misspelt, Named=Named
    )
    exec(compile(source, place, "exec"), names)
    return names["Net"]()


def fed(case: Broken) -> torch.Tensor:
    return torch.zeros(case.shape, dtype=case.dtype)


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_the_coach_names_the_layer_and_the_right_fix(case):
    shown = summary(built(case), fed(case))
    said = str(shown.fault or " ".join(shown.warnings))
    assert re.search(case.fix, said, re.DOTALL), said
    if shown.fault:
        assert re.match(r"[\w.]+", shown.fault.layer)[0] == case.layer, said


@pytest.mark.parametrize("case", [case for case in BROKEN.values() if case.edit])
def test_with_the_right_fix_the_module_runs(case):
    shown = summary(built(case, case.edit), fed(case))
    assert shown.fault is None and not shown.warnings


def test_layers_of_a_ready_model_are_named_by_the_model_and_own_lines_stay():
    change = summary(resnet18(), (2, 1, 32, 32)).fault.change
    assert "model.conv1 = nn.Conv2d(1, 64" in change
    case = BROKEN["layers in a list do not follow the model to another type"]
    inside = nn.Sequential(built(case))
    assert "model[0].experts an nn.ModuleList" in summary(inside, fed(case)).fault.change


class Twins(nn.Module):
    """Two images through one branch, which is a method without return."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(12, 5)

    def branch(self, x):
        x = self.fc(x.flatten(1))

    def forward(self, x, y):
        return F.pairwise_distance(self.branch(x), self.branch(y))


def test_a_method_without_return_is_named():
    said = str(summary(Twins(), (torch.zeros(2, 3, 2, 2), torch.ones(2, 3, 2, 2))).fault)
    assert "x = self.fc(x.flatten(1)); return x in place of" in said


def test_a_head_in_the_place_of_another_layer_of_a_ready_model_is_told():
    model = mobilenet_v3_small()
    model.classifier[0] = nn.Linear(576, 7)
    change = summary(model, (2, 3, 64, 64)).fault.change
    assert "model.classifier[3] = nn.Linear(1024, 7), and leave model.classifier[0] as" in change


def test_a_wrong_size_of_the_last_layer_of_a_ready_model_is_no_head_in_another_place():
    model = mobilenet_v3_small()
    model.classifier[3] = nn.Linear(512, 1000)
    change = summary(model, (2, 3, 64, 64)).fault.change
    assert change.startswith("set in_features=1024: model.classifier[3] = nn.Linear(1024, 1000)")


def test_a_head_under_a_name_that_a_ready_model_does_not_know_is_told():
    model = mobilenet_v3_small()
    model.fc = nn.Linear(1024, 7)
    said = " ".join(summary(model, (2, 3, 64, 64)).warnings)
    assert "put it in the place of the last layer, model.classifier[3]" in said


def test_a_misspelt_constructor_is_told():
    said = str(summary(NeverMade(), (2, 4)).fault)
    assert "write def __init__ in NeverMade: it is spelt _init_ there" in said
