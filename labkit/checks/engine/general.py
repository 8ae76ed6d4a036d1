"""Mistakes that are made in any exercise, recognised by what they do to the right answer."""

import inspect
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy
import torch

from labkit.checks.engine import values
from labkit.text import N_

NOTHING = N_("The function returns nothing. Is a return missing, or does it print its result?")

GIVEN_BACK = N_(
    "What was given comes back as it was. x = ... in a loop only gives a new value a name; "
    "return what you have computed."
)

IN_A_LIST = N_("A list cannot be called. v2.Compose([...]) makes one transform of several.")


@dataclass(frozen=True)
class Rule:
    """A mistake by its name, and what to say.

    ``fits(expected, came)`` looks at the outcomes of all inputs; ``shows`` at one, and says
    whether the learner can see there what the sentence speaks of.
    """

    name: str
    fits: Callable
    sentence: str
    shows: Callable = lambda _expected, _came: True


def _somewhere(name: str, shows: Callable, sentence: str) -> Rule:
    """Return a rule for a mistake that one input is enough to show."""
    return Rule(name, lambda expected, came: any(map(shows, expected, came)), sentence, shows)


def _everywhere(name: str, change: Callable, sentence: str) -> Rule:
    """Return a rule for answers that are ``change`` of the right one, input by input."""

    def fits(expected, came) -> bool:
        pairs = _pairs(expected, came)
        varied = len({e.tobytes() for e, _c in pairs}) > 1
        changed = [change(e) for e, _c in pairs]
        return varied and all(
            new is not None and values.same(numpy.asarray(new), c, 1e-4)
            for new, (_e, c) in zip(changed, pairs, strict=True)
        )

    return Rule(name, fits, sentence)


def _pairs(expected, came) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
    """Return what was expected and what came, input by input; nothing where one is no array.

    Of several values by name, that one counts which is wrong, if it is always the same one.
    """
    pairs, names = [], set()
    for one, other in zip(expected, came, strict=True):
        wanted, got = one.plain, other.plain
        if isinstance(wanted, Mapping) and isinstance(got, Mapping):
            wrong = [name for name in wanted if not values.same(wanted[name], got.get(name), 1e-4)]
            names.update(wrong)
            if not wrong:
                continue
            wanted, got = wanted[wrong[0]], got.get(wrong[0])
            if isinstance(one.value[wrong[0]], bool):
                return []
        pairs.append((wanted, got))
    arrays = all(isinstance(value, numpy.ndarray) for pair in pairs for value in pair)
    return pairs if arrays and len(names) < 2 else []


def _is_none(_expected, came) -> bool:
    """Return whether the answer returned ``None``, by itself or as a part of what is compared."""
    parts = came.value.values() if isinstance(came.value, Mapping) else [came.value]
    return came.error is None and any(part is None for part in parts)


def _is_text(expected, came) -> bool:
    return isinstance(came.value, str) and isinstance(expected.plain, numpy.ndarray)


def _is_nan(expected, came) -> bool:
    return any(
        numpy.isnan(c).any() and not numpy.isnan(e).any() for e, c in _pairs([expected], [came])
    )


def _waits(_expected, came) -> bool:
    return inspect.iscoroutine(came.value) or inspect.isasyncgen(came.value)


def _rounded(expected, came) -> bool:
    pairs = _pairs(expected, came)
    return any(
        bool(pairs) and all(values.same(numpy.asarray(e.round(places)), c, 1e-6) for e, c in pairs)
        for places in range(5)
    )


def _cut_off(expected, came) -> bool:
    """Return whether the fractions are lost; 2 // 0.02 is 99, because 0.02 is a little more."""
    pairs = _pairs(expected, came)
    return any((e != e.round()).any() for e, _c in pairs) and all(
        e.shape == c.shape
        and (c == numpy.trunc(c)).all()
        and ((e - c) >= -1e-6).all()
        and ((e - c) <= 1).all()
        for e, c in pairs
    )


def _first_only(expected, came) -> bool:
    pairs = _pairs(expected, came)
    return any(e.ndim and len(e) > 1 for e, _c in pairs) and all(
        e.ndim
        and len(e)
        and any(values.same(numpy.asarray(first), c, 1e-4) for first in (e[0], e[:1]))
        for e, c in pairs
    )


def _axes_swapped(expected, came) -> bool:
    pairs = _pairs(expected, came)
    orders = itertools.permutations(range(pairs[0][0].ndim)) if pairs else ()
    return any(
        all(e.ndim == len(order) and values.same(e.transpose(order), c, 1e-4) for e, c in pairs)
        for order in orders
        if len(order) > 1
    )


def factor(expected, came) -> float:
    """Return the number that every answer is too large by as a factor, 0 if there is none."""
    pairs = [(e.reshape(-1), c.reshape(-1)) for e, c in _pairs(expected, came)]
    if not pairs or any(e.shape != c.shape for e, c in pairs):
        return 0.0
    wanted, got = (numpy.concatenate(parts) for parts in zip(*pairs, strict=True))
    known = wanted != 0
    if known.sum() < 2 or not numpy.isfinite(wanted).all() or not numpy.isfinite(got).all():
        return 0.0
    times = float(numpy.median(got[known] / wanted[known]))
    return times if values.same(wanted * times, got, 1e-4) else 0.0


def given_back(cases: list[tuple], came) -> str:
    """Return what to say where the first thing that is given comes back as it was, each time."""
    same = all(
        isinstance(case[0], torch.Tensor | list | int | float)
        and outcome.error is None
        and values.same(values.plain(case[0]), outcome.plain, 1e-6)
        for case, outcome in zip(cases, came, strict=True)
    )
    return GIVEN_BACK if same else ""


def _wrong_shape(expected, came) -> bool:
    pairs = _pairs(expected, came)
    return any(e.shape != c.shape for e, c in pairs) and all(
        e.size == c.size and values.same(e.reshape(-1), c.reshape(-1), 1e-3) for e, c in pairs
    )


def _channels_last(expected, came) -> bool:
    pairs = _pairs(expected, came)
    return bool(pairs) and all(
        c.ndim >= 3 and values.same(e, numpy.moveaxis(c, -1, -3), 1e-3) for e, c in pairs
    )


def _shifted(by: int) -> Callable:
    def fits(expected, came) -> bool:
        pairs = _pairs(expected, came)
        return bool(pairs) and all(
            e.size == 1 and values.same(numpy.asarray(e + by), c, 1e-6) for e, c in pairs
        )

    return fits


def _constant(_expected, came) -> bool:
    numbers = [outcome.plain for outcome in came]
    return len(numbers) > 1 and all(
        isinstance(c, numpy.ndarray) and c.ndim == 0 and values.same(numbers[0], c, 1e-6)
        for c in numbers
    )


GENERAL = (
    _somewhere(
        "coroutine returned",
        _waits,
        N_("async def makes a coroutine, which does not run by itself. Write def alone."),
    ),
    Rule("nothing returned", lambda e, c: all(map(_is_none, e, c)), NOTHING),
    _somewhere(
        "nothing returned sometimes",
        _is_none,
        N_("For some inputs the function returns nothing: one of its branches has no return."),
    ),
    _somewhere(
        "text returned",
        _is_text,
        N_("The function returns text. Return the value itself, without quotation marks."),
    ),
    _somewhere(
        "dots returned",
        lambda _e, c: c.error is None and c.value is ...,
        N_("There are still three dots where it returns."),
    ),
    Rule(
        "channels last",
        _channels_last,
        N_("The numbers are right, but the channels come last. PyTorch wants them first."),
    ),
    Rule(
        "wrong shape",
        _wrong_shape,
        N_("The numbers are right, the shape is not: is there an axis too many or too few?"),
    ),
    Rule("one too many", _shifted(1), N_("Off by one: always 1 too many.")),
    Rule("one too few", _shifted(-1), N_("Off by one: always 1 too few.")),
    _everywhere(
        "percent",
        lambda e: 100 * e if (abs(e) <= 1).all() else None,
        N_("A hundred times too large: a share from 0 to 1 is expected, not a percentage."),
    ),
    Rule("rounded", _rounded, N_("Rounded too early: return the number with all its digits.")),
    Rule(
        "cut off",
        _cut_off,
        N_(
            "Only whole numbers came out. int() and // cut off the fraction, and a tensor of whole "
            "numbers cannot hold one: call .float() first."
        ),
    ),
    Rule(
        "first only",
        _first_only,
        N_("This is the first one alone. If return is inside the loop, it ends the function."),
    ),
    Rule(
        "axes swapped",
        _axes_swapped,
        N_("The numbers are right, but axes are swapped, e.g. rows and columns."),
    ),
    _somewhere(
        "not a number",
        _is_nan,
        N_("nan is not a number: it comes from 0 / 0, or from a logarithm or root below 0."),
    ),
    _everywhere("one minus", lambda e: 1 - e, N_("This is 1 minus the right answer.")),
    _everywhere(
        "reciprocal",
        lambda e: 1 / e if e.all() else None,
        N_("This is 1 divided by the right answer."),
    ),
    _everywhere(
        "wrong sign",
        lambda e: -e,
        N_("The numbers are right, but their sign is the wrong way round."),
    ),
    Rule(
        "always the same",
        _constant,
        N_("The result is the same for every input. It has to change with what is given."),
    ),
)
"""Mistakes that are made in any exercise: name, what they look like, what to say."""
