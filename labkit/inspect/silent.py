"""Tell what a step did in silence with tensors that do not fit each other."""

import torch

from labkit.inspect.attending import scaled_dot_product
from labkit.inspect.losses import of_pairs
from labkit.inspect.mends import unless_puzzled
from labkit.inspect.recording import Step
from labkit.text import _


def silent_misfits(steps: list[Step], fed: torch.Size) -> list[str]:
    """Return a warning for each loss that spread its targets, and for keys without a value."""
    found = []
    for step in steps:
        call, shapes, said = step.call, step.inputs, None
        if len(shapes) > 1 and shapes[0] != shapes[1]:
            said = unless_puzzled(of_pairs, call, call.tensors, fed)
        if len(shapes) > 2 and shapes[1][-2:-1] != shapes[2][-2:-1]:
            said = unless_puzzled(scaled_dot_product, call, call.tensors, fed)
        if said:
            text = _("{layer} got {got} and went on in silence. It expected {expected}: {change}.")
            got, expected, change = said
            found.append(text.format(layer=step.layer, got=got, expected=expected, change=change))
    return found
