"""Notebook 7: one place for model and batch, what a step costs, what is worth its price."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from labkit.checks.engine.spec import exercise
from labkit.text import N_, _


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


fixed_and_each.if_it_returns(
    {
        "seconds_a, (seconds_b - seconds_a) / (batch_b - batch_a)": (
            "A step of batch_a images is not all fixed: take off what its images cost."
        ),
    }
)


@fixed_and_each.mistake(
    N_(
        "seconds / batch shares the fixed cost out among the images. Take the difference of both "
        "steps first: the fixed cost falls out of it."
    )
)
def _each_includes_fixed(batch_a, seconds_a, batch_b, seconds_b):
    each = seconds_b / batch_b
    return seconds_a - batch_a * each, each


@fixed_and_each.mistake(
    N_("The numbers are right, their order is not: the fixed cost comes first.")
)
def _other_order(batch_a, seconds_a, batch_b, seconds_b):
    each = (seconds_b - seconds_a) / (batch_b - batch_a)
    return each, seconds_a - batch_a * each


@fixed_and_each.mistake(
    N_("The second step has batch_b - batch_a more images than the first, not batch_b.")
)
def _divided_by_second(batch_a, seconds_a, batch_b, seconds_b):
    each = (seconds_b - seconds_a) / batch_b
    return seconds_a - batch_a * each, each


@fixed_and_each.mistake(N_("This takes for granted that batch_a is 1. It need not be."))
def _first_is_one(batch_a, seconds_a, batch_b, seconds_b):
    each = (seconds_b - seconds_a) / (batch_b - batch_a)
    return seconds_a - each, each


def _line(batch_a, seconds_a, batch_b, seconds_b):
    each = (seconds_b - seconds_a) / (batch_b - batch_a)
    return seconds_a - batch_a * each, each


@fixed_and_each.mistake(N_("This is each alone. Return both: fixed, each."))
def _each_alone(*measured):
    return _line(*measured)[1]


@fixed_and_each.mistake(N_("This is fixed alone. Return both: fixed, each."))
def _fixed_alone(*measured):
    return _line(*measured)[0]


@fixed_and_each.mistake(N_("The images of batch_a are taken off the seconds of batch_b: mixed up."))
def _mixed_up(batch_a, seconds_a, batch_b, seconds_b):
    each = _line(batch_a, seconds_a, batch_b, seconds_b)[1]
    return seconds_b - batch_a * each, each


@fixed_and_each.mistake(N_("What the images cost is taken off, not added: seconds - batch · each."))
def _added(batch_a, seconds_a, batch_b, seconds_b):
    each = _line(batch_a, seconds_a, batch_b, seconds_b)[1]
    return seconds_a + batch_a * each, each


@fixed_and_each.mistake(N_("Both differences have to run the same way: b - a above and below."))
def _other_sign(batch_a, seconds_a, batch_b, seconds_b):
    each = (seconds_a - seconds_b) / (batch_b - batch_a)
    return seconds_a - batch_a * each, each


fixed_and_each.if_it_returns(
    {
        "seconds_b - seconds_a, batch_b - batch_a": (
            "These are the two differences. Divided, they are what one image costs."
        ),
    }
)


@fixed_and_each.mistake(
    N_("seconds_a / batch_a shares the fixed cost out too. Take the difference of the steps first.")
)
def _each_of_the_first(batch_a, seconds_a, batch_b, seconds_b):
    each = seconds_a / batch_a
    return seconds_b - batch_b * each, each


def _costs():
    return [(1.0, 0.7), (0.002, 0.00013), (3.0, 50.0), (0.5, 0.011), (1.0, 4.1), (1.0, 1.0)]


@exercise(3, _costs)
def batch_for_a_tenth(fixed, each):
    batch = 1
    while fixed > 0.1 * (fixed + batch * each):
        batch += 1
    return batch


batch_for_a_tenth.if_it_returns(
    {
        "math.ceil(10 * fixed / each)": (
            "Here the fixed cost is a tenth of what the images cost. The step is both "
            "together: if the fixed cost is one tenth of it, the images are nine."
        ),
        "math.ceil(fixed / each)": "Here the fixed cost is a half of the step, not a tenth.",
        "math.floor(9 * fixed / each)": (
            "Rounded down, the fixed cost is still a little over a tenth. Round up."
        ),
        "9 * fixed / each": "A batch is a whole number of images: round up, math.ceil.",
        "math.ceil(0.1 * fixed / each)": (
            "Here the images are a tenth of the step's fixed cost: it is the wrong way round."
        ),
        "math.floor(9 * fixed / each) + 1": (
            "Where it comes out even, + 1 is one too many: round up, math.ceil."
        ),
        "round(9 * fixed / each)": (
            "Rounded to the nearest, it may be one too few. Round up, math.ceil."
        ),
        "math.ceil(9 * each / fixed)": (
            "each costs the images: it divides. batch · each has to be 9 · fixed."
        ),
        "math.ceil(0.9 * fixed / each)": (
            "If the fixed cost is one tenth, the images are nine: 9 times it."
        ),
    }
)


@batch_for_a_tenth.mistake(N_("Doubled each time, the batch jumps over the right one: go up by 1."))
def _doubled(fixed, each):
    batch = 1
    while fixed > 0.1 * (fixed + batch * each):
        batch *= 2
    return batch


class _Model(nn.Sequential):
    """A model described by the devices of its parameters."""

    @property
    def words(self) -> str:
        devices = dict.fromkeys(parameter.device.type for parameter in self.parameters())
        return _("a model with parameters on {devices}").format(devices=_(" and ").join(devices))


def _batch(device: str) -> torch.Tensor:
    batch = torch.zeros(4, 2, device=device)
    batch.words = _("a batch on {device}").format(device=device)
    return batch


def _places():
    def model(*devices):
        return _Model(*[nn.Linear(2, 2, device=device) for device in devices])

    one_bias = model("cpu", "cpu")
    one_bias[0].bias = nn.Parameter(torch.zeros(2, device="meta"))
    here, there = _batch("cpu"), _batch("meta")
    return [
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


in_one_place.if_it_returns(
    {
        "next(model.parameters()).device == batch.device": (
            "This looks at the first parameter only. A model may be moved by halves: look at "
            "them all."
        ),
        "len({parameter.device for parameter in model.parameters()}) == 1": (
            "The batch is left out: it has a device as well."
        ),
        "any(parameter.device == batch.device for parameter in model.parameters())": (
            "One parameter in the right place is not enough: all(), not any()."
        ),
        '{p.device.type for p in [*model.parameters(), batch]} == {"cpu"}': (
            "One place is wanted, whichever it is. It need not be the CPU."
        ),
        "any(parameter.device != batch.device for parameter in model.parameters())": (
            "This is the wrong way round: True where they are in one place."
        ),
        "list(model.parameters())[-1].device == batch.device": (
            "This looks at the last parameter only. Look at them all."
        ),
    }
)


@in_one_place.mistake(N_("These are the answers one by one. all(...) makes one of them."))
def _one_by_one(model, batch):
    return [parameter.device == batch.device for parameter in model.parameters()]


in_one_place.if_it_returns(
    {
        "sum(_one_by_one(model, batch))": (
            "This is how many agree. all(...) says whether every one does."
        ),
        "True": (
            "This is True every time. Only look where they are; do not move the model to the batch."
        ),
    }
)


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
    return math.ceil(waiting / (before - after)) if after < before else math.inf


steps_to_earn_back.if_it_returns(
    {
        "math.ceil(waiting / (before - after))": (
            "If a step is not faster afterwards, the waiting is never earned back: return math.inf."
        ),
        "math.ceil(waiting / abs(before - after)) if after != before else math.inf": (
            "A step that is slower afterwards earns nothing back, however you take the difference."
        ),
        "math.ceil(waiting / after) if after < before else math.inf": (
            "Each step earns the difference, before - after, not the whole time of a step."
        ),
        "math.ceil(waiting / (before - after)) if after < before else None": (
            "Where it is never earned back, return math.inf: a number larger than any other, "
            "not None."
        ),
        "math.ceil(waiting / (before - after)) if after < before else 0": (
            "Where it is never earned back, return math.inf: a number larger than any other, not 0."
        ),
        "math.ceil(waiting / (before - after)) if after < before else -1": (
            "Where it is never earned back, return math.inf: a number larger than any other, "
            "not -1."
        ),
        "math.ceil(waiting / (before - after)) if after < before else -math.inf": (
            "Never is math.inf, without a minus."
        ),
        "math.ceil(waiting / (after - before)) if after < before else math.inf": (
            "Each step earns before - after; after - before is below 0."
        ),
        "math.ceil(waiting * (before - after)) if after < before else math.inf": (
            "Divide the waiting by what each step earns, do not multiply."
        ),
        "round(waiting / (before - after)) if after < before else math.inf": (
            "Rounded to the nearest, a little may be left. Round up, math.ceil."
        ),
        "math.ceil(waiting / (before - after)) if after > before else math.inf": (
            "The condition is turned round: it earns where after < before."
        ),
        "math.ceil(waiting / before) if after < before else math.inf": (
            "Each step earns before - after, not before."
        ),
        "math.floor(waiting / (before - after)) if after < before else math.inf": (
            "Rounded down, a little of the waiting is left. Round up."
        ),
        "waiting / (before - after) if after < before else math.inf": (
            "Steps are whole: round up, math.ceil."
        ),
    }
)


def _rates():
    return [
        ({4: 900, 64: 3_000, 256: 3_200}, {4: 800, 64: 11_000, 256: 40_000}, 4),
        ({1: 10, 2: 10, 4: 10, 8: 10}, {1: 39, 2: 40, 4: 41, 8: 400}, 4),
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
    return [batch for batch in cpu if gpu[batch] / price_ratio > cpu[batch]]


cheaper_on_gpu.if_it_returns(
    {
        "[batch for batch in cpu if gpu[batch] > cpu[batch]]": (
            "Here the GPU is the faster one. It has to be faster by more than its price."
        ),
        "[batch for batch in cpu if gpu[batch] * price_ratio < cpu[batch]]": (
            "These are images per second: more is better. You compare as if they were seconds."
        ),
        "[batch for batch in cpu if gpu[batch] * price_ratio > cpu[batch]]": (
            "The price is on the wrong side: the more expensive device has to be the faster one."
        ),
        "[gpu[batch] > price_ratio * cpu[batch] for batch in cpu]": (
            "These are True and False. Return the batch sizes themselves: put if behind the for."
        ),
        "[gpu[batch] for batch in cpu if gpu[batch] > price_ratio * cpu[batch]]": (
            "These are the images per second. Return the batch sizes, the keys."
        ),
        "next((batch for batch in cpu if gpu[batch] > price_ratio * cpu[batch]), None)": (
            "return inside the loop ends it at the first size. Gather all of them in a list."
        ),
        "[batch for batch in cpu if gpu[batch] >= price_ratio * cpu[batch]]": (
            "At the same cost per image it is not cheaper: > and not >=."
        ),
        "[batch for batch in cpu if gpu[batch] < price_ratio * cpu[batch]]": (
            "These are the sizes at which the CPU is the cheaper one."
        ),
        "{batch: gpu[batch] for batch in cpu if gpu[batch] > price_ratio * cpu[batch]}": (
            "These are sizes with their speeds. Return the batch sizes alone, in a list."
        ),
        "len(cheaper_on_gpu.judge(cpu, gpu, price_ratio))": (
            "This is how many they are. Return the batch sizes themselves, in a list."
        ),
        "[n for n, batch in enumerate(cpu) if gpu[batch] > price_ratio * cpu[batch]]": (
            "These are places in the dictionary. Return the batch sizes, its keys."
        ),
        "[str(batch) for batch in cheaper_on_gpu.judge(cpu, gpu, price_ratio)]": (
            "These are texts. Return the batch sizes as numbers."
        ),
    }
)
