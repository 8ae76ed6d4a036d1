"""Notebook 7: one place for model and batch, what a step costs, what is worth its price."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from labkit.checks.spec import exercise
from labkit.text import N_, _


class _Model(nn.Sequential):
    """A model told by the devices of its layers."""

    @property
    def words(self) -> str:
        devices = _(" and ").join(dict.fromkeys(layer.weight.device.type for layer in self))
        return _("a model with layers on {devices}").format(devices=devices)


def _batch(device: str) -> torch.Tensor:
    batch = torch.zeros(4, 2, device=device)
    batch.words = _("a batch on {device}").format(device=device)
    return batch


def _places():
    def model(*devices):
        return _Model(*[nn.Linear(2, 2, device=device) for device in devices])

    here, there = _batch("cpu"), _batch("meta")
    return [
        (model("cpu", "cpu"), here),
        (model("cpu", "cpu"), there),
        (model("meta", "meta"), here),
        (model("meta", "meta"), there),
        (model("cpu", "meta"), here),
        (model("meta", "cpu"), here),
        (model("cpu", "meta", "cpu"), here),
    ]


@exercise(1, _places)
def in_one_place(model, batch):
    return all(parameter.device == batch.device for parameter in model.parameters())


@in_one_place.mistake(
    N_("This looks at the first parameter only. A model may be moved by halves: look at them all.")
)
def _first_parameter(model, batch):
    return next(model.parameters()).device == batch.device


@in_one_place.mistake(N_("The batch is left out: it has a device as well."))
def _only_the_model(model, batch):
    return len({parameter.device for parameter in model.parameters()}) == 1


@in_one_place.mistake(N_("One parameter in the right place is not enough: all(), not any()."))
def _any(model, batch):
    return any(parameter.device == batch.device for parameter in model.parameters())


@in_one_place.mistake(N_("One place is wanted, whichever it is. It need not be the CPU."))
def _on_the_cpu(model, batch):
    return {p.device.type for p in [*model.parameters(), batch]} == {"cpu"}


@in_one_place.mistake(N_("This is the wrong way round: True where they are in one place."))
def _negated(model, batch):
    return any(parameter.device != batch.device for parameter in model.parameters())


@in_one_place.mistake(N_("This looks at the last parameter only. Look at them all."))
def _last_parameter(model, batch):
    return list(model.parameters())[-1].device == batch.device


@in_one_place.mistake(N_("These are the answers one by one. all(...) makes one of them."))
def _one_by_one(model, batch):
    return [parameter.device == batch.device for parameter in model.parameters()]


@in_one_place.mistake(N_("This is how many agree. all(...) says whether every one does."))
def _how_many(model, batch):
    return sum(_one_by_one(model, batch))


@in_one_place.mistake(
    N_("A look is wanted: this moves the model to the batch, and then it is there.")
)
def _moved(model, batch):
    return True


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


@fixed_and_each.mistake(
    N_("A step of batch_a pictures is not all fixed: take off what its pictures cost.")
)
def _first_is_fixed(batch_a, seconds_a, batch_b, seconds_b):
    return seconds_a, (seconds_b - seconds_a) / (batch_b - batch_a)


@fixed_and_each.mistake(
    N_(
        "seconds / batch shares the fixed cost out among the pictures. Take the difference of both "
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
    N_("The second step has batch_b - batch_a more pictures than the first, not batch_b.")
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


@fixed_and_each.mistake(
    N_("The pictures of batch_a are taken off the seconds of batch_b: mixed up.")
)
def _mixed_up(batch_a, seconds_a, batch_b, seconds_b):
    each = _line(batch_a, seconds_a, batch_b, seconds_b)[1]
    return seconds_b - batch_a * each, each


@fixed_and_each.mistake(
    N_("What the pictures cost is taken off, not added: seconds - batch · each.")
)
def _added(batch_a, seconds_a, batch_b, seconds_b):
    each = _line(batch_a, seconds_a, batch_b, seconds_b)[1]
    return seconds_a + batch_a * each, each


@fixed_and_each.mistake(N_("Both differences have to run the same way: b - a above and below."))
def _other_sign(batch_a, seconds_a, batch_b, seconds_b):
    each = (seconds_a - seconds_b) / (batch_b - batch_a)
    return seconds_a - batch_a * each, each


@fixed_and_each.mistake(
    N_("These are the two differences. Divided, they are what one picture costs.")
)
def _differences(batch_a, seconds_a, batch_b, seconds_b):
    return seconds_b - seconds_a, batch_b - batch_a


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


@batch_for_a_tenth.mistake(
    N_(
        "Here the fixed cost is a tenth of what the pictures cost. The step is both together: if "
        "the fixed cost is one tenth of it, the pictures are nine."
    )
)
def _tenth_of_pictures(fixed, each):
    return math.ceil(10 * fixed / each)


@batch_for_a_tenth.mistake(N_("Here the fixed cost is a half of the step, not a tenth."))
def _half(fixed, each):
    return math.ceil(fixed / each)


@batch_for_a_tenth.mistake(
    N_("Rounded down, the fixed cost is still a little over a tenth. Round up.")
)
def _rounded_down(fixed, each):
    return math.floor(9 * fixed / each)


@batch_for_a_tenth.mistake(N_("A batch is a whole number of pictures: round up, math.ceil."))
def _not_whole(fixed, each):
    return 9 * fixed / each


@batch_for_a_tenth.mistake(
    N_("Here the pictures are a tenth of the step's fixed cost: it is the wrong way round.")
)
def _upside_down(fixed, each):
    return math.ceil(0.1 * fixed / each)


@batch_for_a_tenth.mistake(N_("Where it comes out even, + 1 is one too many: round up, math.ceil."))
def _always_one_more(fixed, each):
    return math.floor(9 * fixed / each) + 1


@batch_for_a_tenth.mistake(
    N_("Rounded to the nearest, it may be one too few. Round up, math.ceil.")
)
def _rounded_to_nearest(fixed, each):
    return round(9 * fixed / each)


@batch_for_a_tenth.mistake(
    N_("each costs the pictures: it divides. batch · each has to be 9 · fixed.")
)
def _other_way(fixed, each):
    return math.ceil(9 * each / fixed)


@batch_for_a_tenth.mistake(N_("If the fixed cost is one tenth, the pictures are nine: 9 times it."))
def _nine_tenths(fixed, each):
    return math.ceil(0.9 * fixed / each)


@batch_for_a_tenth.mistake(N_("Doubled each time, the batch jumps over the right one: go up by 1."))
def _doubled(fixed, each):
    batch = 1
    while fixed > 0.1 * (fixed + batch * each):
        batch *= 2
    return batch


def _waits():
    return [
        (30.0, 0.0093, 0.004),
        (10.0, 1.0, 0.7),
        (0.3, 0.5, 0.1),
        (30.0, 0.004, 0.004),
        (30.0, 0.004, 0.009),
    ]


@exercise(4, _waits)
def steps_to_earn_back(waiting, before, after):
    return math.ceil(waiting / (before - after)) if after < before else math.inf


@steps_to_earn_back.mistake(
    N_("If a step is not faster afterwards, the waiting is never earned back: return math.inf.")
)
def _never_forgotten(waiting, before, after):
    return math.ceil(waiting / (before - after))


@steps_to_earn_back.mistake(
    N_("A step that is slower afterwards earns nothing back, however you take the difference.")
)
def _size_of_difference(waiting, before, after):
    return math.ceil(waiting / abs(before - after)) if after != before else math.inf


@steps_to_earn_back.mistake(
    N_("Each step earns the difference, before - after, not the whole time of a step.")
)
def _whole_step(waiting, before, after):
    return math.ceil(waiting / after) if after < before else math.inf


@steps_to_earn_back.mistake(
    N_("Where it is never earned back, return math.inf: a number larger than any other, not None.")
)
def _none_for_never(waiting, before, after):
    return math.ceil(waiting / (before - after)) if after < before else None


@steps_to_earn_back.mistake(
    N_("Where it is never earned back, return math.inf: a number larger than any other, not 0.")
)
def _nought_for_never(waiting, before, after):
    return math.ceil(waiting / (before - after)) if after < before else 0


@steps_to_earn_back.mistake(
    N_("Where it is never earned back, return math.inf: a number larger than any other, not -1.")
)
def _minus_one_for_never(waiting, before, after):
    return math.ceil(waiting / (before - after)) if after < before else -1


@steps_to_earn_back.mistake(N_("Never is math.inf, without a minus."))
def _minus_infinity(waiting, before, after):
    return math.ceil(waiting / (before - after)) if after < before else -math.inf


@steps_to_earn_back.mistake(N_("Each step earns before - after; after - before is below 0."))
def _other_sign(waiting, before, after):
    return math.ceil(waiting / (after - before)) if after < before else math.inf


@steps_to_earn_back.mistake(N_("Divide the waiting by what each step earns, do not multiply."))
def _multiplied(waiting, before, after):
    return math.ceil(waiting * (before - after)) if after < before else math.inf


@steps_to_earn_back.mistake(
    N_("Rounded to the nearest, a little may be left. Round up, math.ceil.")
)
def _rounded_to_nearest(waiting, before, after):
    return round(waiting / (before - after)) if after < before else math.inf


@steps_to_earn_back.mistake(N_("The condition is turned round: it earns where after < before."))
def _turned_round(waiting, before, after):
    return math.ceil(waiting / (before - after)) if after > before else math.inf


@steps_to_earn_back.mistake(N_("Each step earns before - after, not before."))
def _step_before(waiting, before, after):
    return math.ceil(waiting / before) if after < before else math.inf


@steps_to_earn_back.mistake(N_("Rounded down, a little of the waiting is left. Round up."))
def _rounded_off(waiting, before, after):
    return math.floor(waiting / (before - after)) if after < before else math.inf


@steps_to_earn_back.mistake(N_("Steps are whole: round up, math.ceil."))
def _part_of_a_step(waiting, before, after):
    return waiting / (before - after) if after < before else math.inf


def _rates():
    return [
        ({4: 900, 64: 3_000, 256: 3_200}, {4: 800, 64: 11_000, 256: 40_000}, 4),
        ({1: 10, 2: 10, 4: 10, 8: 10}, {1: 39, 2: 40, 4: 41, 8: 400}, 4),
        ({4: 900, 64: 3_000}, {4: 100, 64: 2_900}, 4),
        ({16: 100, 32: 100}, {16: 250, 32: 150}, 2),
        ({8: 100.0}, {8: 350.0}, 1),
    ]


def _in_order(answer, cpu, gpu, times_as_dear):
    sizes = answer(cpu, gpu, times_as_dear)
    listed = isinstance(sizes, Iterable) and not isinstance(sizes, str | Mapping | torch.Tensor)
    return sorted(sizes) if listed else sizes


@exercise(5, _rates, use=_in_order)
def cheaper_on_gpu(cpu, gpu, times_as_dear):
    return [batch for batch in cpu if gpu[batch] / times_as_dear > cpu[batch]]


@cheaper_on_gpu.mistake(
    N_("Here the GPU is the faster one. It has to be faster by more than its price.")
)
def _faster(cpu, gpu, times_as_dear):
    return [batch for batch in cpu if gpu[batch] > cpu[batch]]


@cheaper_on_gpu.mistake(
    N_("These are pictures per second: more is better. You compare as if they were seconds.")
)
def _as_seconds(cpu, gpu, times_as_dear):
    return [batch for batch in cpu if gpu[batch] * times_as_dear < cpu[batch]]


@cheaper_on_gpu.mistake(N_("The price is on the wrong side: the dear device has to be the faster."))
def _wrong_side(cpu, gpu, times_as_dear):
    return [batch for batch in cpu if gpu[batch] * times_as_dear > cpu[batch]]


@cheaper_on_gpu.mistake(
    N_("These are True and False. Return the batch sizes themselves: put if behind the for.")
)
def _truths(cpu, gpu, times_as_dear):
    return [gpu[batch] > times_as_dear * cpu[batch] for batch in cpu]


@cheaper_on_gpu.mistake(N_("These are the pictures per second. Return the batch sizes, the keys."))
def _rates_listed(cpu, gpu, times_as_dear):
    return [gpu[batch] for batch in cpu if gpu[batch] > times_as_dear * cpu[batch]]


@cheaper_on_gpu.mistake(
    N_("return inside the loop ends it at the first size. Gather all of them in a list.")
)
def _first_size(cpu, gpu, times_as_dear):
    return next((batch for batch in cpu if gpu[batch] > times_as_dear * cpu[batch]), None)


@cheaper_on_gpu.mistake(N_("At the same cost per picture it is not cheaper: > and not >=."))
def _same_cost(cpu, gpu, times_as_dear):
    return [batch for batch in cpu if gpu[batch] >= times_as_dear * cpu[batch]]


@cheaper_on_gpu.mistake(N_("These are the sizes at which the CPU is the cheaper one."))
def _cpu_is_cheaper(cpu, gpu, times_as_dear):
    return [batch for batch in cpu if gpu[batch] < times_as_dear * cpu[batch]]


@cheaper_on_gpu.mistake(
    N_("These are sizes with their speeds. Return the batch sizes alone, in a list.")
)
def _with_speeds(cpu, gpu, times_as_dear):
    return {batch: gpu[batch] for batch in cpu if gpu[batch] > times_as_dear * cpu[batch]}


@cheaper_on_gpu.mistake(
    N_("This is how many they are. Return the batch sizes themselves, in a list.")
)
def _how_many(cpu, gpu, times_as_dear):
    return len(cheaper_on_gpu.judge(cpu, gpu, times_as_dear))


@cheaper_on_gpu.mistake(N_("These are places in the dictionary. Return the batch sizes, its keys."))
def _places(cpu, gpu, times_as_dear):
    return [n for n, batch in enumerate(cpu) if gpu[batch] > times_as_dear * cpu[batch]]


@cheaper_on_gpu.mistake(N_("These are texts. Return the batch sizes as numbers."))
def _texts(cpu, gpu, times_as_dear):
    return [str(batch) for batch in cheaper_on_gpu.judge(cpu, gpu, times_as_dear)]
