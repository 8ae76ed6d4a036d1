"""Notebook 7: one place for model and batch, what a step costs, what is worth its price."""

from labkit.checks.gpu.costs import batch_for_a_tenth, fixed_and_each
from labkit.checks.gpu.places import in_one_place
from labkit.checks.gpu.worth import cheaper_on_gpu, steps_to_earn_back

__all__ = [
    "in_one_place",
    "fixed_and_each",
    "batch_for_a_tenth",
    "steps_to_earn_back",
    "cheaper_on_gpu",
]
