"""A set of images with labels that can be used like torchvision's CIFAR10."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from torch.utils.data import Dataset

from labkit.data.store import mapped
from labkit.text import _, ngettext


class ImageSet(Dataset):
    """Images and their labels, in memory or mapped from a file.

    An item is ``(image, label)``: a PIL image, or whatever ``transform`` makes of it, and an int.

    data: uint8 ``[N, 32, 32, 3]``.
    targets: N class indices, kept as a list.
    classes: the names of the classes.
    source: where the images come from, e.g. "cifar10" or the path of a folder.
    split: "train", "validation" or "test".
    transform: called with each PIL image.
    """

    def __init__(
        self,
        data: np.ndarray,
        targets: np.ndarray | list[int],
        classes: tuple[str, ...] | list[str],
        *,
        source: str,
        split: str = "",
        transform: Callable | None = None,
    ):
        self.data = data
        self.targets = np.asarray(targets, dtype=np.int64).tolist()
        self.classes = list(classes)
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
        self.source = source
        self.split = split
        self.transform = transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = Image.fromarray(self.data[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, self.targets[index]

    def __getstate__(self) -> dict[str, Any]:
        """Send the name of the mapped file to a worker process, not 150 MB of images."""
        state = self.__dict__.copy()
        file = getattr(self.data.base, "filename", None)
        if file is not None and _same(self.data, mapped(file)):
            state["data"] = Path(file)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self.data, Path):
            self.data = mapped(self.data)

    def __repr__(self) -> str:
        names = ", ".join(self.classes[:10]) + (", ..." if len(self.classes) > 10 else "")
        count = ngettext("{n:,} image", "{n:,} images", len(self)).format(n=len(self))
        return _(
            "ImageSet {split}: {count} of 32 x 32 pixels, RGB\n"
            "  source: {source}\n"
            "  {k} classes: {names}\n"
            "  transform: {transform}"
        ).format(
            split=self.split,
            count=count,
            source=self.source,
            k=len(self.classes),
            names=names,
            transform=self.transform,
        )


def _same(data: np.ndarray, other: np.ndarray, step: int = 4096) -> bool:
    return data.shape == other.shape and all(
        np.array_equal(data[i : i + step], other[i : i + step]) for i in range(0, len(data), step)
    )


class Splits(NamedTuple):
    """The three sets of a source: to train with, to choose by, and to test with once."""

    train: ImageSet
    validation: ImageSet
    test: ImageSet

    def __repr__(self) -> str:
        return "\n".join(map(repr, self))
