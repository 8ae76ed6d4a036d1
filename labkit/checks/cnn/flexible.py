"""A network for images of any size."""

import torch
from torch.nn import functional

from labkit.checks.engine.spec import exercise
from labkit.model import Net
from labkit.text import N_


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
    def __init__(self, classes):
        super().__init__(classes)

    def maps(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        return self.pool(torch.relu(self.conv2(x)))

    def five(self, maps):
        return functional.adaptive_avg_pool2d(maps, 5)

    def forward(self, x):
        x = torch.flatten(self.five(self.maps(x)), 1)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


_Flexible = FlexibleNet.judge


@FlexibleNet.mistake(
    N_("It still takes images of 32 x 32 only. The adaptive pooling has to stand in forward().")
)
class _NotFlexible(Net):
    def forward(self, x):
        return super().forward(x)


@FlexibleNet.mistake(N_("This keeps the largest of each part. Take the mean: AdaptiveAvgPool2d."))
class _AdaptiveMax(_Flexible):
    def five(self, maps):
        return functional.adaptive_max_pool2d(maps, 5)


@FlexibleNet.mistake(
    N_("The images themselves are scaled to 32 x 32. Scale the maps, after the second pooling.")
)
class _PicturesScaled(_Flexible):
    def maps(self, x):
        return super().maps(functional.interpolate(x, (32, 32), mode="bilinear"))


@FlexibleNet.mistake(
    N_("The images are pooled to 32 x 32. Pool the maps, to 5 x 5, after the second pooling.")
)
class _PicturesPooled(_Flexible):
    def maps(self, x):
        return super().maps(functional.adaptive_avg_pool2d(x, 32))


@FlexibleNet.mistake(
    N_("This cuts a corner out of the maps, and the rest is never seen. Average over all of it.")
)
class _MapsCropped(_Flexible):
    def five(self, maps):
        return maps[:, :, :5, :5]


@FlexibleNet.mistake(
    N_("Pooled to 1 x 1, each map leaves one number, and fc1 wants 16 · 5 · 5. Pool to 5 x 5.")
)
class _PooledToOne(_Flexible):
    def five(self, maps):
        return functional.adaptive_avg_pool2d(maps, 1)


@FlexibleNet.mistake(
    N_("The adaptive pooling replaces the second max-pooling here. Leave that one in its place.")
)
class _MaxPoolReplaced(_Flexible):
    def maps(self, x):
        return torch.relu(self.conv2(self.pool(torch.relu(self.conv1(x)))))


@FlexibleNet.mistake(
    N_("There is a softmax at the end. The loss function has it inside: return the logits.")
)
class _WithSoftmax(_Flexible):
    def forward(self, x):
        return super().forward(x).softmax(dim=1)


@FlexibleNet.mistake(
    N_("The images are pooled to 5 x 5 before the first layer. Pool the maps behind the second.")
)
class _PicturesToFive(_Flexible):
    def forward(self, x):
        return super().forward(functional.adaptive_avg_pool2d(x, 5))


@FlexibleNet.mistake(
    N_("The pooling comes after torch.flatten, where rows and columns are gone. Put it before.")
)
class _PooledAfterFlatten(_Flexible):
    def forward(self, x):
        return functional.adaptive_avg_pool2d(torch.flatten(self.maps(x), 1), 5)


@FlexibleNet.mistake(N_("torch.flatten(x) makes one row of the whole batch: torch.flatten(x, 1)."))
class _BatchFlattened(_Flexible):
    def forward(self, x):
        return self.fc1(torch.flatten(self.five(self.maps(x))))


@FlexibleNet.mistake(N_("There is a ReLU behind the last layer: logits may be negative."))
class _ReluAtTheEnd(_Flexible):
    def forward(self, x):
        return torch.relu(super().forward(x))


@FlexibleNet.mistake(N_("The convolutions lack their activations: self.pool(torch.relu(...))."))
class _NoReluInTheMaps(_Flexible):
    def maps(self, x):
        return self.pool(self.conv2(self.pool(self.conv1(x))))


@FlexibleNet.mistake(N_("The activations between the linear layers are missing: torch.relu."))
class _NoReluAfterTheMaps(_Flexible):
    def forward(self, x):
        return self.fc3(self.fc2(self.fc1(torch.flatten(self.five(self.maps(x)), 1))))


@FlexibleNet.mistake(N_("Both max-poolings are left out. The adaptive one comes after them."))
class _NoPooling(_Flexible):
    def maps(self, x):
        return torch.relu(self.conv2(torch.relu(self.conv1(x))))


@FlexibleNet.mistake(N_("This is the class with the largest logit. Return the logits themselves."))
class _Argmax(_Flexible):
    def forward(self, x):
        return super().forward(x).argmax(dim=1)


@FlexibleNet.mistake(
    N_("The images themselves are scaled to 32 x 32. Scale the maps, after the second pooling.")
)
class _PicturesScaledByNearest(_Flexible):
    def maps(self, x):
        return super().maps(functional.interpolate(x, (32, 32)))


@FlexibleNet.mistake(N_("The activations are missing: torch.relu after each layer but the last."))
class _NoRelu(_Flexible):
    def forward(self, x):
        x = self.pool(self.conv2(self.pool(self.conv1(x))))
        return self.fc3(self.fc2(self.fc1(torch.flatten(self.five(x), 1))))
