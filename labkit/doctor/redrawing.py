"""Draw the training images again, without a step of their transform or with another one."""

import copy
import time
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from torch.utils.data import Subset, default_collate

from labkit.doctor.case import Case
from labkit.doctor.shortcuts import images_and_labels
from labkit.inspect.recording import FAILURES


def transforms(case: Case) -> Iterator[tuple[str, dict]]:
    """Yield the attributes of the training set without a step, or as those of the judging set."""
    mine, other = (vars(_whole(x)) for x in (case.dataset, getattr(case.judging, "dataset", None)))
    for name, value in mine.items():
        steps = getattr(value, "transforms", ())
        for n, step in enumerate(steps if isinstance(steps, list) and len(steps) > 1 else ()):
            without = copy.copy(value)
            without.transforms = steps[:n] + steps[n + 1 :]
            yield f"{step}", {name: without}
    names = [name for name, value in mine.items() if callable(value) and name in other]
    if names:
        yield "", {name: other[name] for name in names}


def _whole(dataset: Any) -> Any:
    dataset = dataset.dataset if isinstance(dataset, Subset) else dataset
    return dataset if hasattr(dataset, "__dict__") else SimpleNamespace()


def drawn(case: Case, changes: dict) -> tuple | None:
    """Return training images as the training set makes them with other attributes."""
    mine = case.dataset
    indices: Any = mine.indices if isinstance(mine, Subset) else range(len(mine or ()))
    still: Any = copy.copy(_whole(mine))
    start, items = time.monotonic(), []
    vars(still).update(changes)
    with suppress(*FAILURES):
        for index in indices[:1000]:
            items.append(still[index])
            if time.monotonic() > start + 1:
                break
        return images_and_labels([tuple(default_collate(items))])
    return None
