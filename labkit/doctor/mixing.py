"""Images that are mixed with others of their batch: do their labels follow?"""

from collections.abc import Iterator
from typing import Any

import torch

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.findings import Finding
from labkit.doctor.log import Judged, Log
from labkit.doctor.sample import pairs, same


def look(case: Case, judged: list[Judged]) -> Iterator[Finding]:
    """Compare the share of an image that comes from another one with that of the other's label."""
    both, shares, said = pairs(case.sample), [], []
    for forward in case.log.forwards[:6] if both else ():
        images, labels = both[forward.batch % len(both)]
        entered = forward.images
        calls = [call for call in judged if call.batch == forward.batch]
        if not calls or entered is None or entered.shape != images.shape or images.ndim < 3:
            return
        share = _share_of_others(entered.cpu().float(), images.cpu().float())
        weight = _weight_of_others(case.log, calls, labels)
        if share is None or weight is None:
            return
        shares.append(share)
        said.append(weight)
    if not shares or max(shares) < 0.1:
        return
    values: dict[str, Any] = {"share": sum(shares) / len(shares), "weight": sum(said) / len(said)}
    apart = max(abs(one - other) for one, other in zip(shares, said, strict=True))
    turned = max(abs(1 - one - other) for one, other in zip(shares, said, strict=True))
    if not any(said):
        yield found("mixed-labels", judged[0].where, **values)
    elif len(shares) > 2 and turned < 0.15 < 0.4 < apart:
        yield found("mixed-labels/turned", judged[0].where, **values)


def _weight_of_others(log: Log, calls: list[Judged], labels: torch.Tensor) -> float | None:
    """Return the share of other labels in what the loss is made of; None if that is not known."""
    alike = [call.targets is not None and same(call.targets, labels) for call in calls]
    if all(alike):
        return 0.0
    whole = len(calls) == 2 and alike == [True, False] and len(log.sunk) == len(log.backwards)
    if not whole or calls[0].batch >= len(log.sunk) or calls[0].loss == calls[1].loss:
        return None
    own, other = (call.loss for call in calls)
    return (log.sunk[calls[0].batch] - own) / (other - own)


def _share_of_others(entered: torch.Tensor, images: torch.Tensor) -> float | None:
    """Return how much of the images comes from others of the batch; None if it is something else.

    Mixed as a whole (mixup), or cut out of one and put into another (cutmix).
    """
    here, there = entered.flatten(1), images.flatten(1)
    kept = here == there
    cut = ~kept.all(1)
    if not cut.any() or not 4 <= len(here) < there.shape[1]:
        return None
    parts = torch.linalg.lstsq(there.T, here.T).solution.T
    if (parts @ there - here).abs().max() < 1e-2 * there.std():
        two = ((parts.abs() > 0.02).sum(1) <= 2) & ((parts.sum(1) - 1).abs() < 0.02)
        own = parts.diagonal()[cut]
        return (1 - own).mean().item() if two.all() and (own > -0.02).all() else None
    strange = (here[cut, None] != there[None]) & ~kept[cut, None]
    explained = not strange.any(-1).all(1).any()
    return (~kept).float().mean().item() if explained else None
