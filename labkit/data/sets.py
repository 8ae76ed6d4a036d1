"""A set of pictures with labels that can be used like torchvision's CIFAR10."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from torch.utils.data import Dataset

from labkit.data.store import mapped
from labkit.text import _, ngettext


class ImageSet(Dataset):
    """Pictures and their labels, in memory or mapped from a file.

    ``data`` is uint8 ``[N, 32, 32, 3]``, ``targets`` a list of N class indices, ``classes`` the
    names, ``source`` where the pictures come from. An item is ``(picture, label)``: a PIL image,
    or whatever ``transform`` makes of it, and an int.
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
        target_transform: Callable | None = None,
    ):
        self.data = data
        self.targets = np.asarray(targets, dtype=np.int64).tolist()
        self.classes = list(classes)
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
        self.source = source
        self.split = split
        self.transform = transform
        self.target_transform = target_transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        picture, label = Image.fromarray(self.data[index]), self.targets[index]
        if self.transform is not None:
            picture = self.transform(picture)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return picture, label

    def __getstate__(self) -> dict[str, Any]:
        """Send the name of the mapped file to a worker process, not 150 MB of pictures."""
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
        count = ngettext("{n:,} picture", "{n:,} pictures", len(self)).format(n=len(self))
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
    """The three sets of a source: to learn from, to choose by, and to be judged by once."""

    train: ImageSet
    validation: ImageSet
    test: ImageSet

    def __repr__(self) -> str:
        return "\n".join(map(repr, self))
