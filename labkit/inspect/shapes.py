"""Sizes, parameters and receptive fields of layers, in whole numbers.

The size formula is that of ``torch.nn.Conv2d`` and ``torch.nn.MaxPool2d``; the receptive field
follows Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks"
(Distill, 2019, https://doi.org/10.23915/distill.00021).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from labkit.text import _


def output_size(n: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Return how many windows fit along one side: floor((n + 2p - d(k - 1) - 1) / s) + 1.

    It holds for convolution and for pooling, for height and for width apart. Raises ValueError
    where an argument is out of range or the window is larger than the padded side.
    """
    _check(n, kernel, stride, padding, dilation)
    room = n + 2 * padding - (dilation * (kernel - 1) + 1)
    if room < 0:
        raise ValueError(
            _(
                "The window spans {span} pixels, the image with its padding only {side}: "
                "take a smaller kernel, more padding or a larger image."
            ).format(span=dilation * (kernel - 1) + 1, side=n + 2 * padding)
        )
    return room // stride + 1


def unvisited(
    n: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> tuple[int, ...]:
    """Return the positions along one side, of 0 to n - 1, that no window touches.

    There are some at the end where the floor bites, and in between where the stride is larger
    than the kernel. Raises ValueError as ``output_size`` does.
    """
    touched = {
        window * stride + tap * dilation - padding
        for window in range(output_size(n, kernel, stride, padding, dilation))
        for tap in range(kernel)
    }
    return tuple(position for position in range(n) if position not in touched)


def conv_parameters(
    in_channels: int, out_channels: int, kernel: int | tuple[int, int], bias: bool = True
) -> int:
    """Return the number of weights and biases: out * (in * height * width + 1)."""
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    return out_channels * (in_channels * height * width + bool(bias))


@dataclass(frozen=True)
class Window:
    """One layer of a stack: a convolution if it says how many channels come out, else a pooling.

    ``kernel``, ``stride``, ``padding`` and ``dilation`` hold for height and width alike.
    """

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    out_channels: int | None = None


@dataclass(frozen=True)
class Stage:
    """What one layer of a stack makes of the image.

    ``field`` is the receptive field: the side of the square of input pixels that one output pixel
    sees. ``jump`` is the distance between the squares of two neighbours, in input pixels.
    """

    channels: int
    size: int
    unvisited: tuple[int, ...]
    parameters: int
    field: int
    jump: int

    @property
    def flattened(self) -> int:
        """The numbers that are left when the map is flattened: channels * size * size."""
        return self.channels * self.size * self.size


def stack(size: int, channels: int, layers: Sequence[Window]) -> tuple[Stage, ...]:
    """Follow an image ``[channels, size, size]`` through layers; return a stage for each.

    Raises ValueError, with the number of the layer, where a window does not fit.
    """
    stages, field, jump = [], 1, 1
    for number, layer in enumerate(layers, 1):
        sides = (size, layer.kernel, layer.stride, layer.padding, layer.dilation)
        try:
            missed, size = unvisited(*sides), output_size(*sides)
        except ValueError as error:
            raise ValueError(_("Layer {n}: {reason}").format(n=number, reason=error)) from error
        parameters = 0
        if layer.out_channels is not None:
            parameters = conv_parameters(channels, layer.out_channels, layer.kernel)
            channels = layer.out_channels
        field += layer.dilation * (layer.kernel - 1) * jump
        jump *= layer.stride
        stages.append(Stage(channels, size, missed, parameters, field, jump))
    return tuple(stages)


def seen_by(size: int, layers: Sequence[Window], position: int) -> tuple[int, ...]:
    """Return the positions along a side of the image that one output position sees.

    ``position`` is counted from 0 along the side of the last layer's map. Positions in a padding
    are left out, so fewer are seen at the edge. Raises ValueError for a position that is not
    there and, as ``stack`` does, for a window that does not fit.
    """
    sides = [size, *(stage.size for stage in stack(size, 1, layers))]
    if not 0 <= position < sides[-1]:
        raise ValueError(
            _("Position {position} is not in the map: choose 0 to {last}.").format(
                position=position, last=sides[-1] - 1
            )
        )
    seen = {position}
    for layer, side in zip(reversed(layers), reversed(sides[:-1]), strict=True):
        taps = [tap * layer.dilation - layer.padding for tap in range(layer.kernel)]
        reached = {at * layer.stride + tap for at in seen for tap in taps}
        seen = {at for at in reached if 0 <= at < side}
    return tuple(sorted(seen))


def _check(n: int, kernel: int, stride: int, padding: int, dilation: int) -> None:
    limits = (
        (_("size"), n, 1),
        (_("kernel"), kernel, 1),
        (_("stride"), stride, 1),
        (_("padding"), padding, 0),
        (_("dilation"), dilation, 1),
    )
    for name, value, least in limits:
        if value < least:
            raise ValueError(
                _("{name} is {value}, but must be at least {least}.").format(
                    name=name, value=value, least=least
                )
            )
