"""Change images as the world does, and see what that does to the accuracy.

Lighting, focus, sensor and angle are four of the common corruptions by which D. Hendrycks and
T. Dietterich (Benchmarking neural network robustness, ICLR 2019) judge classifiers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from labkit.data import ImageSet
from labkit.data.loaders import BatchLoader
from labkit.evaluation.scores import Share
from labkit.text import N_, _
from labkit.training import evaluate


@dataclass(frozen=True)
class Corruption:
    """One kind of change: ``amounts`` worth trying, and how it changes images in 0..1.

    ``name`` and ``words`` (of one amount) are message ids for ``labkit.text._``.
    """

    name: str
    words: str
    amounts: tuple[float, ...]
    change: Callable[[torch.Tensor, float, torch.Generator], torch.Tensor]

    def say(self, amount: float) -> str:
        """Return an amount in words."""
        said = _(self.words).format(amount=amount).replace("-", "−")
        return said if amount else said.removeprefix("+")


def _brighten(images: torch.Tensor, amount: float, _dice: torch.Generator) -> torch.Tensor:
    return images + amount


def _blur(images: torch.Tensor, amount: float, _dice: torch.Generator) -> torch.Tensor:
    from torchvision.transforms.functional import gaussian_blur

    size = 2 * int(np.ceil(3 * amount)) + 1  # odd, and three deviations to each side
    return gaussian_blur(images, [size, size], [amount, amount])


def _add_noise(images: torch.Tensor, amount: float, dice: torch.Generator) -> torch.Tensor:
    return images + amount * torch.randn(images.shape, generator=dice)


def _rotate(images: torch.Tensor, amount: float, _dice: torch.Generator) -> torch.Tensor:
    from torchvision.transforms.functional import InterpolationMode, center_crop, rotate

    height, width = images.shape[-2:]
    edge = min(height, width) // 3  # mirrored, so that no black corner comes into the image
    padded = functional.pad(images, (edge,) * 4, mode="reflect")
    turned = rotate(padded, amount, InterpolationMode.BILINEAR)
    return center_crop(turned, [height, width])


CORRUPTIONS = {
    "brightness": Corruption(
        N_("brightness"),
        "{amount:+.0%}",
        (-0.5, -0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        _brighten,
    ),
    "blur": Corruption(
        N_("blur"), N_("{amount:g} pixels"), (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0), _blur
    ),
    "noise": Corruption(
        N_("noise"), "{amount:.0%}", (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3), _add_noise
    ),
    "rotation": Corruption(
        N_("rotation"), "{amount:g}°", (0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0), _rotate
    ),
}
"""The four kinds by their names. Brightness is added, in shares of the way from black to white;
blur is the Gaussian's deviation in pixels; noise the deviation of what is added to each number,
in shares of the way from black to white; rotation is counter-clockwise, in degrees."""


def corrupt(images: np.ndarray, kind: str, amount: float) -> np.ndarray:
    """Return images uint8 ``[N, H, W, 3]`` changed by ``amount``; 0 leaves them as they are.

    The noise is the same each time. Raises ValueError for a kind there is not.
    """
    if kind not in CORRUPTIONS:
        text = _("There is no change {kind!r}. Choose one of {kinds}.")
        raise ValueError(text.format(kind=kind, kinds=", ".join(CORRUPTIONS)))
    if amount == 0:
        return np.array(images)
    values = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2) / 255
    dice = torch.Generator().manual_seed(0)
    changed = CORRUPTIONS[kind].change(values, amount, dice).clamp(0, 1)
    return (changed * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def accuracy_under(
    model: nn.Module,
    dataset: ImageSet,
    kind: str,
    *,
    most: int = 1_000,
    device: torch.device | str = "cpu",
) -> list[Share]:
    """Return how many images ``model`` gets right at each of the amounts of a kind.

    model: takes images normalised to -1 .. 1
    dataset: where the images come from, the same ones for each amount
    kind: a key of ``CORRUPTIONS``
    most: how many images at most, drawn with a fixed seed
    device: where the model is (default: the CPU)

    Raises ``KeyError`` for another kind.
    """
    order = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(0))[:most].numpy()
    images, targets = dataset.data[order], np.asarray(dataset.targets)[order]
    found = []
    for amount in CORRUPTIONS[kind].amounts:
        changed = ImageSet(
            corrupt(images, kind, amount), targets, dataset.classes, source=dataset.source
        )
        result = evaluate(model, BatchLoader(changed, 250), device=device)
        right = int((result.predictions == result.targets).sum())
        found.append(Share(right, len(targets)))
    return found
