"""Notebook 3, the part on pooling: average pooling by hand, and a network for any size."""

import torch
from torch import nn

from labkit.checks.engine.spec import drawn, exercise
from labkit.model import Net

NOTEBOOK = "cnn"


def _maps():
    return [
        (drawn(1, 6, 28, 28),),
        (drawn(2, 3, 5, 7),),
        (drawn(1, 1, 2, 4),),
        (drawn(4, 2, 4, 3),),
        (torch.zeros(1, 2, 4, 8),),
    ]


@exercise(2, _maps, judge=nn.AvgPool2d(2, 2))
def average_pool(maps):
    windows = maps.unfold(2, 2, 2).unfold(3, 2, 2)  # [N, C, H // 2, W // 2, 2, 2]
    return windows.mean(dim=(4, 5))


def _reshaped(maps):
    n, channels, height, width = maps.shape
    if height % 2 or width % 2:
        return average_pool.solution(maps)
    return maps.reshape(n, channels, height // 2, width // 2, 2, 2).mean(dim=(4, 5))


average_pool.sentences = {
    ("mean(", "amax("): "This is max-pooling. Take the mean of each window.",
    ("mean(", "amin("): "This is the smallest of each window. Take the mean.",
    ("mean(", "sum("): "This is the sum of each window, four times its mean.",
    ("2, 2)", "2, 1)"): "The windows overlap: they move by 1. The stride is 2.",
    ("dim=(4, 5)", "dim=-1"): (
        "This is the mean of each row of a window, on one axis only: average over both."
    ),
    ("dim=(4, 5)", "dim=4"): "One axis of each window is left: average over both, dim=(4, 5).",
    ("dim=(4, 5)", ""): (
        "This is one mean of everything. Take it over the two axes of a window: mean(dim=(4, 5))."
    ),
    ("dim=(4, 5)", "dim=(2, 3)"): (
        "The windows are the last two axes. Yours averages over the places."
    ),
    (
        "dim=(4, 5)",
        "dim=(1, 4, 5), keepdim=True",
        "return windows",
        "windows = windows",
        "True)",
        "True)\n    return windows.squeeze(-1).squeeze(-1).expand(-1, maps.shape[1], -1, -1)",
    ): ("The channels are averaged as well. Each channel keeps a map of its own: dim=(4, 5)."),
    (".mean(dim=(4, 5))", ""): (
        "These are the windows. Take the mean of each, over the last two axes."
    ),
    (".unfold(3, 2, 2)", "", "(4, 5)", "-1"): (
        "Only one axis is cut into windows, the height. Unfold the width, axis 3, as well."
    ),
    ("mean(dim=(4, 5))", "flatten(4).median(dim=-1).values"): (
        "This is the median of each window. Take the mean."
    ),
    ("maps.unfold", "maps[:, :, maps.shape[2] % 2 :, maps.shape[3] % 2 :].unfold"): (
        "Where a side is odd, the first row or column is left out. Pooling leaves out the last."
    ),
    "functional.avg_pool2d(maps, 2, 2, ceil_mode=True)": (
        "The floor is missing: with an odd side, the last row or column fills no window."
    ),
    "maps[:, :, : maps.shape[2] // 2 * 2 : 2, : maps.shape[3] // 2 * 2 : 2]": (
        "This keeps every second number and looks at no other."
    ),
    "maps[:, :, ::2, ::2]": "This keeps every second number. Average each window of 2 x 2.",
    "maps.mean(dim=(2, 3), keepdim=True).expand_as(functional.avg_pool2d(maps, 2, 2))": (
        "Each map is averaged as a whole. Average each window of 2 x 2."
    ),
    "maps.mean(dim=(2, 3))": "Each map is averaged to one number. Average each window of 2 x 2.",
    "functional.avg_pool2d(maps, 2, 1)[:, :, : maps.shape[2] // 2, : maps.shape[3] // 2]": (
        "The windows overlap: window i begins at 2 * i, not at i."
    ),
    _reshaped: "reshape cuts the numbers differently: neighbours below each other come apart.",
}


class _Watched(torch.Tensor):
    """A tensor that notes which of PyTorch's functions it goes through."""

    names: set[str] = set()

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.names.add(getattr(func, "__name__", ""))
        return super().__torch_function__(func, types, args, kwargs or {})


def _pools(answer, maps):
    _Watched.names.clear()
    answer(maps.as_subclass(_Watched))
    return any("pool" in name for name in _Watched.names)


average_pool.caution(
    lambda: _maps()[1:2],
    "One thing more: this is PyTorch's own pooling. You learn most from doing without it.",
    use=_pools,
)


def _sizes():
    return [(32, 32), (64, 64), (33, 47), (40, 96)]


def _logits(answer, height, width):
    """Return the logits of an answer's network, whose weights go by their names alone."""
    net = answer(4).eval()
    with torch.no_grad():
        for name, weight in net.named_parameters():
            generator = torch.Generator().manual_seed(sum(name.encode()))
            weight.copy_(torch.randn(weight.shape, generator=generator) / weight[0].numel() ** 0.5)
        generator = torch.Generator().manual_seed(height * width)
        return net(torch.rand(2, 3, height, width, generator=generator))


@exercise(5, _sizes, use=_logits)
class FlexibleNet(Net):
    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = nn.AdaptiveAvgPool2d(5)(x)  # any height and width -> [N, 16, 5, 5]
        x = torch.flatten(x, 1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


_FIVE = "        x = nn.AdaptiveAvgPool2d(5)(x)"
_FIRST = "        x = self.pool(torch.relu(self.conv1(x)))"
_SECOND = "self.pool(torch.relu(self.conv2(x)))"
_FLAT = "        x = torch.flatten(x, 1)\n"
_SCALED = "The images themselves are scaled to 32 x 32. Scale the maps, after the second pooling."
_TOO_LATE = "The pooling comes after torch.flatten, where rows and columns are gone. Put it before."
_ONE_SIZE = (
    "It still takes images of 32 x 32 only. The adaptive pooling has to be in forward(), and its "
    "result has to go on: x = ..."
)

FlexibleNet.sentences = {
    (_FIVE, "        "): _ONE_SIZE,
    (_FIVE, "        ", "torch.flatten(x, 1)", "x.view(-1, 400)"): _ONE_SIZE,
    ("AdaptiveAvg", "AdaptiveMax"): (
        "This keeps the largest of each part. Take the mean: AdaptiveAvgPool2d."
    ),
    (
        _FIVE,
        "        ",
        _FIRST,
        f"        x = functional.interpolate(x, (32, 32), mode='bilinear')\n{_FIRST}",
    ): _SCALED,
    (
        _FIVE,
        "        ",
        _FIRST,
        f"        x = functional.interpolate(x, (32, 32))\n{_FIRST}",
    ): _SCALED,
    (_FIVE, "        ", _FIRST, f"        x = functional.adaptive_avg_pool2d(x, 32)\n{_FIRST}"): (
        "The images are pooled to 32 x 32. Pool the maps, to 5 x 5, after the second pooling."
    ),
    ("nn.AdaptiveAvgPool2d(5)(x)", "x[:, :, :5, :5]"): (
        "This cuts a corner out of the maps, and the rest is never seen. Average over all of it."
    ),
    ("nn.AdaptiveAvgPool2d(5)(x)", "functional.interpolate(x, (5, 5))"): (
        "interpolate picks single numbers of the maps. Take the mean of each part: "
        "AdaptiveAvgPool2d."
    ),
    ("Pool2d(5)", "Pool2d(1)"): (
        "Pooled to 1 x 1, each map leaves one number, and fc1 expects 16 · 5 · 5. Pool to 5 x 5."
    ),
    (_SECOND, "torch.relu(self.conv2(x))"): (
        "The adaptive pooling replaces the second max-pooling here. Leave that one in its place."
    ),
    ("self.fc3(x)", "self.fc3(x).softmax(dim=1)"): (
        "There is a softmax at the end. The loss function has it inside: return the logits."
    ),
    (_FIVE, "        ", _FIRST, f"{_FIVE}\n{_FIRST}"): (
        "The images are pooled to 5 x 5 before the first layer. Pool the maps after the second "
        "pooling."
    ),
    (_FIVE, "        ", _FLAT, f"{_FLAT}{_FIVE}\n"): _TOO_LATE,
    (_FIVE, "        ", _FLAT, f"{_FLAT}        x = nn.AdaptiveAvgPool1d(400)(x)\n"): _TOO_LATE,
    ("flatten(x, 1)", "flatten(x)"): (
        "torch.flatten(x) makes one row of the whole batch: torch.flatten(x, 1)."
    ),
    ("self.fc3(x)", "torch.relu(self.fc3(x))"): (
        "There is a ReLU after the last layer: logits may be negative."
    ),
    ("torch.relu(self.conv1(x))", "self.conv1(x)", "torch.relu(self.conv2(x))", "self.conv2(x)"): (
        "The convolutions lack their activations: self.pool(torch.relu(...))."
    ),
    ("self.pool(torch.relu(self.conv1(x)))", "torch.relu(self.conv1(x))"): (
        "The max-pooling after conv1 is missing."
    ),
    ("torch.relu(self.conv1(x))", "self.conv1(x)"): "The ReLU of conv1 is missing.",
    ("torch.relu(self.conv2(x))", "self.conv2(x)"): "The ReLU of conv2 is missing.",
    ("torch.relu(self.fc1(x))", "self.fc1(x)", "torch.relu(self.fc2(x))", "self.fc2(x)"): (
        "The activations between the linear layers are missing: torch.relu."
    ),
    ("torch.relu(self.fc1(x))", "self.fc1(x)"): "The ReLU of fc1 is missing.",
    ("torch.relu(self.fc2(x))", "self.fc2(x)"): "The ReLU of fc2 is missing.",
    (
        "self.pool(torch.relu(self.conv1(x)))",
        "torch.relu(self.conv1(x))",
        _SECOND,
        "torch.relu(self.conv2(x))",
    ): ("Both max-poolings are left out. The adaptive one comes after them."),
    ("return self.fc3(x)", "return self.fc3(x).argmax(dim=1)"): (
        "This is the class with the largest logit. Return the logits themselves."
    ),
    ("torch.relu", ""): "The activations are missing: torch.relu after each layer but the last.",
}
