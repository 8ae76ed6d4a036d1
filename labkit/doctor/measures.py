"""Numbers that an evaluation may say of answers that are known: accuracy, recall, precision, F1."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

_OTHERS = (
    r"recall|precision|f_?score|jaccard|kappa|balanced|macro|(?<![a-z])(?:f1|iou|auc|mcc|dice)"
)
"""What stands in the names of an evaluation that says something else than the accuracy."""


@dataclass
class Marks:
    """Which answers of the stand-in are right, batch by batch."""

    right: list[torch.Tensor]

    def share(self) -> float:
        """Return the share of right answers over all images."""
        return torch.cat(self.right).float().mean().item()

    def of_batches(self) -> float:
        """Return the mean of the shares of the batches."""
        return sum(part.float().mean().item() for part in self.right) / len(self.right)

    def of_classes(self, labels: list[torch.Tensor], classes: int, name: str) -> list[float]:
        """Return recall, precision, f1 or overlap: the mean of the classes, in usual ways."""
        truth, right = torch.cat(labels), torch.cat(self.right)
        said = torch.where(right, truth, (truth + 1) % classes)
        hits = truth[right].bincount(minlength=classes).double()
        there, named = (x.bincount(minlength=classes).double() for x in (truth, said))
        least = {
            "recall": there,
            "precision": named,
            "f1": (there + named) / 2,
            "overlap": there + named - hits,
        }[name]
        each = hits / least.clamp(min=0.5)
        ways = [each.mean(), each[there > 0].mean(), (each * there).sum() / len(truth), each[-1]]
        return [way.item() for way in (ways if classes == 2 else ways[:-1])]


def scale(value: float, total: int) -> float:
    """Return what stands for all right: 1, 100 (per cent) or the number of images; else 0."""
    return next((s for s in (1.0, 100.0, float(total)) if abs(value - s) < 0.006 * min(s, 1)), 0.0)


def near(value: float, expected: float, scale: float) -> bool:
    """Tell whether a share is what was expected, as far as it was printed."""
    close = 0.0101 if scale == 100 else 0.006 if scale == 1 else 0.5 / scale
    return abs(value - expected) <= close


def called(function: Callable | None) -> set[str]:
    """Return which other measures than the accuracy stand in the names of an evaluation."""
    code: Any = getattr(function, "__code__", None)
    if code is None:
        return set()
    texts = [text for text in code.co_consts if isinstance(text, str)]
    names = [code.co_name, *code.co_names, *code.co_varnames, *code.co_cellvars, *texts]
    return set(re.findall(_OTHERS, " ".join(names).lower()))
