"""What a step costs: the fixed part, and each image's."""

import math
from collections.abc import Mapping

from labkit.checks.engine.spec import exercise
from labkit.text import N_


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
    N_("A step of batch_a images is not all fixed: take off what its images cost.")
)
def _first_is_fixed(batch_a, seconds_a, batch_b, seconds_b):
    return seconds_a, (seconds_b - seconds_a) / (batch_b - batch_a)


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


@fixed_and_each.mistake(
    N_("These are the two differences. Divided, they are what one image costs.")
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
        "Here the fixed cost is a tenth of what the images cost. The step is both together: if "
        "the fixed cost is one tenth of it, the images are nine."
    )
)
def _tenth_of_images(fixed, each):
    return math.ceil(10 * fixed / each)


@batch_for_a_tenth.mistake(N_("Here the fixed cost is a half of the step, not a tenth."))
def _half(fixed, each):
    return math.ceil(fixed / each)


@batch_for_a_tenth.mistake(
    N_("Rounded down, the fixed cost is still a little over a tenth. Round up.")
)
def _rounded_down(fixed, each):
    return math.floor(9 * fixed / each)


@batch_for_a_tenth.mistake(N_("A batch is a whole number of images: round up, math.ceil."))
def _not_whole(fixed, each):
    return 9 * fixed / each


@batch_for_a_tenth.mistake(
    N_("Here the images are a tenth of the step's fixed cost: it is the wrong way round.")
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
    N_("each costs the images: it divides. batch · each has to be 9 · fixed.")
)
def _other_way(fixed, each):
    return math.ceil(9 * each / fixed)


@batch_for_a_tenth.mistake(N_("If the fixed cost is one tenth, the images are nine: 9 times it."))
def _nine_tenths(fixed, each):
    return math.ceil(0.9 * fixed / each)


@batch_for_a_tenth.mistake(N_("Doubled each time, the batch jumps over the right one: go up by 1."))
def _doubled(fixed, each):
    batch = 1
    while fixed > 0.1 * (fixed + batch * each):
        batch *= 2
    return batch
