"""Notebook 7: one place for model and batch, what a step costs, what is worth its price."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from labkit.checks.engine.spec import exercise
from labkit.sandbox.randomness import seed_all
from labkit.text import _


class _Model(nn.Sequential):
    """A model described by the devices of its parameters."""

    @property
    def words(self) -> str:
        devices = dict.fromkeys(parameter.device.type for parameter in self.parameters())
        return _("a model with parameters on {devices}").format(devices=_(" and ").join(devices))


def _batch(device: str) -> torch.Tensor:
    batch = torch.zeros(4, 2, device=device)
    batch.words = _("a batch on {device}").format(device=device)  # ty: ignore[missing-attribute]
    return batch


def _places():
    seed_all(0)

    def model(*devices):
        return _Model(*[nn.Linear(2, 2, device=device) for device in devices])

    one_bias = model("cpu", "cpu")
    one_bias[0].bias = nn.Parameter(torch.zeros(2, device="meta"))
    here, there = _batch("cpu"), _batch("meta")
    return [
        (_Model(model("cpu"), _Model(model("meta"))), here),
        (model("cpu", "cpu"), here),
        (model("cpu", "cpu"), there),
        (model("meta", "meta"), here),
        (model("meta", "meta"), there),
        (model("cpu", "meta"), here),
        (model("meta", "cpu"), here),
        (model("cpu", "meta", "cpu"), here),
        (one_bias, here),
    ]


@exercise(1, _places)
def in_one_place(model, batch):
    return all(parameter.device == batch.device for parameter in model.parameters())


_WEIGHTS_ALONE = "Some parameters are left out, e.g. biases: look at model.parameters()."
in_one_place.sentences = {
    ("all(", "next("): (
        "This looks at the first parameter only. A part of a model may have moved: look at them "
        "all."
    ),
    ("all(", "any("): "One parameter in the right place is not enough: all(), not any().",
    ("all(", "list("): "These are the answers one by one. all(...) makes one of them.",
    ("all(", "any(", "==", "!="): "This is the wrong way round: True where they are in one place.",
    "len({parameter.device for parameter in model.parameters()}) == 1": (
        "The batch is left out: it has a device as well."
    ),
    '{p.device.type for p in [*model.parameters(), batch]} == {"cpu"}': (
        "It has to be one place, whichever it is. It need not be the CPU."
    ),
    "list(model.parameters())[-1].device == batch.device": (
        "This looks at the last parameter only. Look at them all."
    ),
    "all(layer.weight.device == batch.device for layer in model)": _WEIGHTS_ALONE,
    'all(m.weight.device == batch.device for m in model.modules() if hasattr(m, "weight"))': (
        _WEIGHTS_ALONE
    ),
    "model.device == batch.device": (
        "A model has no device, its parameters have: look at each of model.parameters()."
    ),
    "model.to(batch.device) is model": (
        "This moves the model to the batch. Only look where they are: parameter.device."
    ),
    "False": (
        "This is False every time here, as is_cuda is: nothing is on a GPU. Compare the devices "
        "themselves, parameter.device == batch.device."
    ),
    "True": (
        "This is True every time. Compare the devices themselves, parameter.device == batch.device "
        "(is_cuda is False on the CPU and on meta alike)."
    ),
}


def _two_times():
    def measured(fixed, each, a, b):
        return (a, fixed + a * each, b, fixed + b * each)

    return [
        measured(0.5, 0.25, 1, 64),
        measured(0.002, 0.0001, 1, 64),
        measured(3.0, 0.5, 16, 4),
        measured(0.0, 0.25, 1, 8),
        measured(2.0, 0.0, 2, 32),
    ]


def _both(answer, batch_a, seconds_a, batch_b, seconds_b):
    """Return the two numbers; a dictionary with their names will do."""
    both = answer(batch_a, seconds_a, batch_b, seconds_b)
    named = isinstance(both, Mapping) and both.keys() == {"fixed", "each"}
    return (both["fixed"], both["each"]) if named else both


@exercise(2, _two_times, use=_both)
def fixed_and_each(batch_a, seconds_a, batch_b, seconds_b):
    each = (seconds_b - seconds_a) / (batch_b - batch_a)
    return seconds_a - batch_a * each, each


_EACH = "(seconds_b - seconds_a) / (batch_b - batch_a)"
_FIXED = "seconds_a - batch_a * each"
_FIXED_SHARED = (
    "seconds / batch shares the fixed cost out among the images. Take the difference of both "
    "steps first: the fixed cost falls out of it."
)
_UPSIDE_DOWN = (
    "Upside down: this is images per second. The seconds of each image are seconds / images."
)

fixed_and_each.sentences = {
    (_FIXED, "seconds_a"): (
        "A step of batch_a images is not all fixed: take off what its images cost."
    ),
    (_EACH, "seconds_b / batch_b"): _FIXED_SHARED,
    (_EACH, "seconds_a / batch_a", _FIXED, "seconds_b - batch_b * each"): _FIXED_SHARED,
    (f"{_FIXED}, each", f"each, {_FIXED}"): (
        "The numbers are right, their order is not: the fixed cost comes first."
    ),
    (_EACH, "(batch_b - batch_a) / (seconds_b - seconds_a)"): _UPSIDE_DOWN,
    (f"{_FIXED}, each", f"{_FIXED}, 1 / each"): _UPSIDE_DOWN,
    (_EACH, "seconds_b - seconds_a / batch_b - batch_a"): (
        "Division comes before subtraction. Set brackets around both differences."
    ),
    ("/ (batch_b - batch_a)", "/ batch_b"): (
        "The second step has batch_b - batch_a more images than the first, not batch_b."
    ),
    (_FIXED, "seconds_a - each"): "This assumes that batch_a is 1. It need not be.",
    (f"{_FIXED}, each", "each"): "This is `each` alone. Return both: fixed, each.",
    (f"{_FIXED}, each", _FIXED): "This is `fixed` alone. Return both: fixed, each.",
    (_FIXED, "seconds_b - batch_a * each"): (
        "The images of batch_a are taken off the seconds of batch_b. Keep them together."
    ),
    (_FIXED, "seconds_a + batch_a * each"): (
        "What the images cost is taken off, not added: seconds - batch · each."
    ),
    ("seconds_b - seconds_a", "seconds_a - seconds_b"): (
        "Both differences have to run the same way: b - a above and below."
    ),
}


def _costs():
    return [(1.0, 0.7), (0.002, 0.00013), (3.0, 50.0), (0.5, 0.011), (1.0, 4.1), (1.0, 1.0)]


def _one_more(fixed, each):
    batch = 1
    while fixed > 0.1 * (fixed + batch * each):
        batch += 1
    return batch


@exercise(3, _costs, judge=_one_more)
def batch_for_a_tenth(fixed, each):
    return math.ceil(9 * fixed / each)


def _doubled(fixed, each):
    batch = 1
    while fixed > 0.1 * (fixed + batch * each):
        batch *= 2
    return batch


batch_for_a_tenth.sentences = {
    ("9 * fixed", "10 * fixed"): (
        "Here the fixed cost is a tenth of what the images cost. The step is both together: if the "
        "fixed cost is one tenth of it, the images are nine."
    ),
    ("9 * fixed", "fixed"): "Here the fixed cost is a half of the step, not a tenth.",
    ("ceil", "floor"): "Rounded down, the fixed cost is still a little over a tenth. Round up.",
    ("math.ceil", ""): "A batch is a whole number of images: round up, math.ceil.",
    ("(9 * fixed / each)", "(9 * fixed) / each"): (
        "The rounding comes too early: round up the whole quotient, math.ceil(9 * fixed / each)."
    ),
    ("9 * fixed", "0.1 * fixed"): (
        "Here the images are a tenth of the step's fixed cost: it is the wrong way round."
    ),
    ("math.ceil(9 * fixed / each)", "math.floor(9 * fixed / each) + 1"): (
        "Where it comes out even, + 1 is one too many: round up, math.ceil."
    ),
    ("math.ceil", "round"): "Rounded to the nearest, it may be one too few: math.ceil.",
    ("9 * fixed / each", "fixed / (9 * each)"): "The 9 belongs above: 9 · fixed, not 9 · each.",
    ("fixed / each", "each / fixed"): (
        "`each` is what one image costs: divide by it. batch · each has to be 9 · fixed."
    ),
    ("9 *", "0.9 *"): "If the fixed cost is one tenth, the images are nine: 9 times it.",
    _doubled: "Doubled each time, the batch jumps over the right one: go up by 1.",
}


def _waits():
    return [
        (30.0, 0.0093, 0.004),
        (10.0, 1.0, 0.7),
        (10.0, 1.0, 0.75),  # comes out even
        (0.3, 0.5, 0.1),
        (30.0, 0.004, 0.004),
        (30.0, 0.004, 0.009),
    ]


@exercise(4, _waits)
def steps_to_earn_back(waiting, before, after):
    if after >= before:
        return math.inf
    return math.ceil(waiting / (before - after))


_NEVER = "If it never pays off, return math.inf, a number larger than any other."
_TEST = "    if after >= before:\n        return math.inf\n"

steps_to_earn_back.sentences = {
    (_TEST, ""): "If a step is not faster afterwards, the waiting never pays off: return math.inf.",
    ("after >= before", "after > before"): (
        "Equal times earn nothing either: if after >= before, it never pays off."
    ),
    ("after >= before", "after == before", "before - after", "abs(before - after)"): (
        "A step that is slower afterwards earns nothing back, however you take the difference."
    ),
    ("(before - after)", "after"): (
        "Each step earns the difference, before - after, not the whole time of a step."
    ),
    ("math.inf", "None"): _NEVER,
    ("math.inf", "0"): _NEVER,
    ("math.inf", "-1"): _NEVER,
    ("math.inf", "-math.inf"): "Never is math.inf, without a minus.",
    (
        _TEST,
        "",
        "return",
        "return max(0, math.ceil(waiting / (before - after))) if before != after "
        "else math.inf\n    return",
    ): _NEVER,
    ("before - after", "after - before"): (
        "Each step earns before - after; after - before is below 0."
    ),
    ("waiting /", "waiting *"): "Divide the waiting by what each step earns, do not multiply.",
    ("math.ceil", "round"): "Rounded to the nearest, a little may be left. Round up, math.ceil.",
    ("after >= before", "after <= before"): (
        "The condition is the wrong way round: it pays off where after < before."
    ),
    ("(before - after)", "before"): (
        "Each step earns before - after, not before. Set brackets: waiting / (before - after)."
    ),
    ("math.ceil", "math.floor"): "Rounded down, a little of the waiting is left. Round up.",
    ("math.ceil(waiting / (before - after))", "math.floor(waiting / (before - after)) + 1"): (
        "Where it comes out even, + 1 is one too many: round up, math.ceil."
    ),
    ("math.ceil", ""): "Steps are whole: round up, math.ceil.",
}


def _rates():
    return [
        ({4: 900, 64: 3_000, 256: 3_200}, {4: 800, 64: 11_000, 256: 40_000}, 4),
        ({1: 10, 2: 20, 4: 30, 8: 40}, {2: 80, 8: 400, 1: 39, 4: 121}, 4),  # in another order
        ({4: 900, 64: 3_000}, {4: 100, 64: 2_900}, 4),
        ({16: 100, 32: 100}, {16: 250, 32: 150}, 2),
        ({8: 100.0}, {8: 350.0}, 1),
    ]


def _in_order(answer, cpu, gpu, price_ratio):
    sizes = answer(cpu, gpu, price_ratio)
    listed = isinstance(sizes, Iterable) and not isinstance(sizes, str | Mapping | torch.Tensor)
    return sorted(sizes) if listed else sizes


@exercise(5, _rates, use=_in_order)
def cheaper_on_gpu(cpu, gpu, price_ratio):
    return [batch for batch in cpu if gpu[batch] > price_ratio * cpu[batch]]


_BY_PLACE = (
    "These are paired by their places in the two dictionaries, whose orders may differ. Look each "
    "up by its batch size: gpu[batch]."
)
_CHEAPER = "gpu[batch] > price_ratio * cpu[batch]"

cheaper_on_gpu.sentences = {
    ("price_ratio * ", ""): (
        "Here the GPU is the faster one. It has to be faster by more than its price."
    ),
    (_CHEAPER, "gpu[batch] * price_ratio < cpu[batch]"): (
        "These are images per second: more is better. You compare as if they were seconds."
    ),
    (_CHEAPER, "gpu[batch] * price_ratio > cpu[batch]"): (
        "The price is on the wrong side: the more expensive device has to be the faster one."
    ),
    (f"batch for batch in cpu if {_CHEAPER}", f"{_CHEAPER} for batch in cpu"): (
        "These are True and False. Return the batch sizes themselves: put the if after the for."
    ),
    ("[batch for", "[gpu[batch] for"): (
        "These are the images per second. Return the batch sizes, the keys."
    ),
    ("[batch for", "next(batch for", "cpu[batch]]", "cpu[batch])"): (
        "return inside the loop ends it at the first size. Gather all of them in a list."
    ),
    ("cpu[batch]]", "cpu[batch]][:1]"): (
        "return inside the loop ends it at the first size. Gather all of them in a list."
    ),
    ("for batch in cpu if gpu[batch]", "for batch, g in zip(cpu, gpu.values()) if g"): _BY_PLACE,
    "[n for n, c, g in zip(gpu, cpu.values(), gpu.values()) if g > price_ratio * c]": _BY_PLACE,
    ("] > ", "] >= "): "At the same cost per image it is not cheaper: > and not >=.",
    ("] > ", "] < "): "These are the sizes at which the CPU is the cheaper one.",
    ("[batch for", "{batch: gpu[batch] for", "cpu[batch]]", "cpu[batch]}"): (
        "These are sizes with their speeds. Return the batch sizes alone, in a list."
    ),
    ("return [batch", "return sum([1", "cpu[batch]]", "cpu[batch]])"): (
        "This is how many there are. Return the batch sizes themselves, in a list."
    ),
    ("[batch for batch in cpu", "[n for n, batch in enumerate(cpu)"): (
        "These are places in the dictionary. Return the batch sizes, its keys."
    ),
}
