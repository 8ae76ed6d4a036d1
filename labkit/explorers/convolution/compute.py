"""Convolution and pooling one window at a time, in numbers that add up to PyTorch's."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from labkit.text import N_, _

HAND_MADE = {
    N_("edges, left to right"): ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    N_("edges, top to bottom"): ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    N_("all edges"): ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
    N_("blur"): ((1 / 9,) * 3,) * 3,
    N_("sharpen"): ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    N_("emboss"): ((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
    N_("leave as it is"): ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
}
"""Well-known kernels: the first two are Sobel's, the third is the discrete Laplacian."""

NUMBERS_AT_MOST = 7
"""A typed kernel has at most so many rows and columns: more could not be read."""


@dataclass(frozen=True, eq=False)
class Steps:
    """All windows over one image.

    ``image`` float32 ``[C, H, W]``; ``output`` float32 ``[rows, columns]`` as PyTorch computes it;
    ``kernel`` float32 ``[C, k, k]``, or None for pooling. Of max-pooling alone, ``winners`` int64
    ``[rows, columns]`` is the place of each maximum, row * W + column, in ``channel``.
    Pixels lie between ``black`` and 1.
    """

    kind: str
    image: np.ndarray
    output: np.ndarray
    size: tuple[int, int]
    stride: int
    padding: int
    kernel: np.ndarray | None = None
    bias: float = 0.0
    winners: np.ndarray | None = None
    channel: int = 0
    black: float = 0.0

    def corner(self, position: int) -> tuple[int, int]:
        """Return row and column of the window's upper left pixel; negative in the padding."""
        row, column = divmod(position, self.output.shape[1])
        return row * self.stride - self.padding, column * self.stride - self.padding

    def patch(self, position: int) -> np.ndarray:
        """Return the pixels under the window, float32 ``[C, k, k]``; the padding is 0."""
        p = self.padding
        padded = np.pad(self.image, ((0, 0), (p, p), (p, p)))
        top, left = (place + p for place in self.corner(position))
        return padded[:, top : top + self.size[0], left : left + self.size[1]]

    def products(self, position: int) -> np.ndarray:
        """Return pixel times weight for each place of the window, float32 ``[C, k, k]``."""
        return self.patch(position) * self.kernel


def convolve(
    image: np.ndarray,
    kernel: np.ndarray,
    bias: float = 0.0,
    *,
    stride: int = 1,
    padding: int = 0,
    black: float = 0.0,
) -> Steps:
    """Convolve ``[C, H, W]`` with one filter ``[C, k, k]``: one output channel.

    Like ``nn.Conv2d`` it does not turn the kernel round. Raises ValueError where the kernel has
    other channels than the image or is larger than the padded image.
    """
    image, kernel = _float(image), _float(kernel)
    if kernel.ndim != 3 or len(kernel) != len(image):
        raise ValueError(
            _(
                "The filter has the shape {shape}: {channels} channels need [{channels}, k, k]."
            ).format(shape=list(kernel.shape), channels=len(image))
        )
    size = kernel.shape[1], kernel.shape[2]
    _check_fits(image, size, padding)
    output = functional.conv2d(
        torch.from_numpy(image)[None],
        torch.from_numpy(kernel)[None],
        torch.tensor([bias], dtype=torch.float32),
        stride,
        padding,
    )
    values = output[0, 0].numpy()
    numbers = (size, stride, padding, kernel, float(bias))
    return Steps("convolution", image, values, *numbers, black=black)


def pool(
    image: np.ndarray, size: int, stride: int, *, kind: str = "max", channel: int = 0
) -> Steps:
    """Pool one channel of ``[C, H, W]``: its largest or its mean value under each window.

    ``kind`` is "max" or "average". Raises ValueError for another kind, a channel that is not
    there, or a window larger than the image.
    """
    image = _float(image)
    if kind not in ("max", "average"):
        raise ValueError(_('Pooling is "max" or "average", not "{kind}".').format(kind=kind))
    if not 0 <= channel < len(image):
        raise ValueError(
            _("The image has the channels 0 to {last}, not {channel}.").format(
                last=len(image) - 1, channel=channel
            )
        )
    _check_fits(image, (size, size), 0)
    plane = torch.from_numpy(image[channel])[None]
    winners = None
    if kind == "max":
        values, places = functional.max_pool2d(plane, size, stride, return_indices=True)
        winners = places[0].numpy()
    else:
        values = functional.avg_pool2d(plane, size, stride)
    return Steps(
        kind, image, values[0].numpy(), (size, size), stride, 0, winners=winners, channel=channel
    )


def read_kernel(text: str) -> np.ndarray:
    """Read a kernel typed as rows of numbers, "1 0 -1; 1 0 -1"; return float32 ``[k, k]``.

    Rows end with a semicolon or a new line; a fraction such as 1/9 is a number too. Raises
    ValueError in words where it is no rectangle of numbers, or too large to be shown.
    """
    lines = text.replace(";", "\n").splitlines()
    rows = [line.replace(",", " ").split() for line in lines if line.strip()]
    if not rows or len({len(row) for row in rows}) > 1:
        raise ValueError(
            _("A kernel is rows of equally many numbers, for example 1 0 -1; 2 0 -2; 1 0 -1.")
        )
    if max(len(rows), len(rows[0])) > NUMBERS_AT_MOST:
        raise ValueError(
            _("This kernel is {rows} x {columns}; {limit} x {limit} can be shown at most.").format(
                rows=len(rows), columns=len(rows[0]), limit=NUMBERS_AT_MOST
            )
        )
    return np.array([[_number(word) for word in row] for row in rows], dtype=np.float32)


def _number(word: str) -> float:
    try:
        above, _slash, below = word.partition("/")
        value = float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        value = float("nan")
    if not np.isfinite(value):
        raise ValueError(_('"{word}" is not a number: write 0.5, -1 or 1/9.').format(word=word))
    return value


def _float(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32)


def _check_fits(image: np.ndarray, size: tuple[int, int], padding: int) -> None:
    height, width = image.shape[1] + 2 * padding, image.shape[2] + 2 * padding
    if size[0] > height or size[1] > width:
        raise ValueError(
            _("A window of {rows} x {columns} does not fit into {height} x {width} pixels.").format(
                rows=size[0], columns=size[1], height=height, width=width
            )
        )
