"""What is worth its price: waiting, and a dear device."""

import math
from collections.abc import Iterable, Mapping

import torch

from labkit.checks.engine.spec import exercise
from labkit.text import N_


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
    N_("These are images per second: more is better. You compare as if they were seconds.")
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


@cheaper_on_gpu.mistake(N_("These are the images per second. Return the batch sizes, the keys."))
def _rates_listed(cpu, gpu, times_as_dear):
    return [gpu[batch] for batch in cpu if gpu[batch] > times_as_dear * cpu[batch]]


@cheaper_on_gpu.mistake(
    N_("return inside the loop ends it at the first size. Gather all of them in a list.")
)
def _first_size(cpu, gpu, times_as_dear):
    return next((batch for batch in cpu if gpu[batch] > times_as_dear * cpu[batch]), None)


@cheaper_on_gpu.mistake(N_("At the same cost per image it is not cheaper: > and not >=."))
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
def _places_in_order(cpu, gpu, times_as_dear):
    return [n for n, batch in enumerate(cpu) if gpu[batch] > times_as_dear * cpu[batch]]


@cheaper_on_gpu.mistake(N_("These are texts. Return the batch sizes as numbers."))
def _texts(cpu, gpu, times_as_dear):
    return [str(batch) for batch in cheaper_on_gpu.judge(cpu, gpu, times_as_dear)]
