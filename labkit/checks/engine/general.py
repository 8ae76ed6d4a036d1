"""Mistakes that are made in any exercise, recognised by what they do to the right answer."""

import inspect
import itertools
from collections.abc import Mapping

import numpy

from labkit.checks.engine import values
from labkit.text import N_

NOTHING = N_("The function returns nothing. Is a return missing, or does it print its result?")

GIVEN_BACK = N_(
    "What was given comes back as it was. x = ... in a loop only gives a new value a name; "
    "return what you have computed."
)

IN_A_LIST = N_("Several in a list are not yet one that can be called: v2.Compose([...]) makes it.")


def _pairs(expected, came) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
    """Return what was expected and what came, case by case; nothing where one is no array."""
    pairs = [(e.plain, c.plain) for e, c in zip(expected, came, strict=True)]
    arrays = all(isinstance(value, numpy.ndarray) for pair in pairs for value in pair)
    return pairs if arrays else []


def _nothing(outcome) -> bool:
    """Return whether the answer returned ``None``, by itself or as a part of what is compared."""
    parts = outcome.value.values() if isinstance(outcome.value, Mapping) else [outcome.value]
    return outcome.error is None and any(part is None for part in parts)


def _returns_nothing(_expected, came) -> bool:
    return all(map(_nothing, came))


def _returns_nothing_sometimes(_expected, came) -> bool:
    return any(map(_nothing, came))


def _returns_text(expected, came) -> bool:
    return any(
        isinstance(c.value, str) and isinstance(e.plain, numpy.ndarray)
        for e, c in zip(expected, came, strict=True)
    )


def _not_a_number(expected, came) -> bool:
    pairs = _pairs(expected, came)
    return any(numpy.isnan(c).any() and not numpy.isnan(e).any() for e, c in pairs)


def _rounded(expected, came) -> bool:
    pairs = _pairs(expected, came)
    return any(
        bool(pairs) and all(values.same(numpy.asarray(e.round(places)), c, 1e-6) for e, c in pairs)
        for places in range(5)
    )


def _cut_off(expected, came) -> bool:
    pairs = _pairs(expected, came)
    return any((e != e.round()).any() for e, _c in pairs) and all(
        values.same(numpy.asarray(numpy.trunc(e)), c, 1e-6) for e, c in pairs
    )


def _first_only(expected, came) -> bool:
    pairs = _pairs(expected, came)
    return bool(pairs) and all(
        e.ndim and len(e) and e.shape[1:] == c.shape and values.same(numpy.asarray(e[0]), c, 1e-4)
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


def _taken_from_one(expected, came) -> bool:
    return _is(expected, came, lambda e: 1 - e)


def _turned_over(expected, came) -> bool:
    return _is(expected, came, lambda e: 1 / e)


def _is(expected, came, change) -> bool:
    pairs = _pairs(expected, came)
    return len(pairs) > 1 and all(
        e.dtype.kind == "f" and values.same(numpy.asarray(change(e)), c, 1e-4) for e, c in pairs
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


def _returns_dots(_expected, came) -> bool:
    return any(outcome.error is None and outcome.value is ... for outcome in came)


def _has_to_be_awaited(outcome) -> bool:
    return inspect.iscoroutine(outcome.value) or inspect.isasyncgen(outcome.value)


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


def _ratio(expected, came, wanted: float) -> bool:
    pairs = _pairs(expected, came)
    return any(e.any() for e, _c in pairs) and all(
        values.same(numpy.asarray(e * wanted), c, 1e-4) for e, c in pairs
    )


def _shifted(expected, came, by: int) -> bool:
    pairs = _pairs(expected, came)
    return bool(pairs) and all(
        e.size == 1 and values.same(numpy.asarray(e + by), c, 1e-6) for e, c in pairs
    )


def _constant(expected, came) -> bool:
    pairs = _pairs(expected, came)
    return len(pairs) > 1 and all(
        values.same(pairs[0][1], c, 1e-6) and c.ndim == 0 for _e, c in pairs
    )


GENERAL = (
    (
        "coroutine returned",
        lambda _expected, came: any(map(_has_to_be_awaited, came)),
        N_("async def gives a coroutine, which waits to be awaited. Write def alone."),
    ),
    ("nothing returned", _returns_nothing, NOTHING),
    (
        "nothing returned sometimes",
        _returns_nothing_sometimes,
        N_("For some inputs the function returns nothing: one of its ways ends without a return."),
    ),
    (
        "text returned",
        _returns_text,
        N_("The function returns text. Return the number itself, without quotation marks."),
    ),
    ("dots returned", _returns_dots, N_("There are still three dots where it returns.")),
    (
        "channels last",
        _channels_last,
        N_("The numbers are right, but the channels come last. PyTorch wants them first."),
    ),
    (
        "wrong shape",
        _wrong_shape,
        N_("The numbers are right, the shape is not: is there an axis too many or too few?"),
    ),
    ("one too many", lambda e, c: _shifted(e, c, 1), N_("Off by one: always 1 too many.")),
    ("one too few", lambda e, c: _shifted(e, c, -1), N_("Off by one: always 1 too few.")),
    (
        "percent",
        lambda e, c: _ratio(e, c, 100),
        N_("A hundred times too large: a share is wanted, from 0 to 1, not a percentage."),
    ),
    (
        "rounded",
        _rounded,
        N_("Rounded too early: return the number with all its digits."),
    ),
    (
        "cut off",
        _cut_off,
        N_("Whole numbers came: int() and // drop what is behind the point."),
    ),
    (
        "first only",
        _first_only,
        N_("This is the first one alone. Does return stand inside the loop? It ends the function."),
    ),
    (
        "axes swapped",
        _axes_swapped,
        N_("The numbers are right, but axes have changed places, rows and columns say."),
    ),
    (
        "not a number",
        _not_a_number,
        N_("nan is not a number: it comes from 0 / 0, or from a logarithm or root below 0."),
    ),
    ("taken from one", _taken_from_one, N_("This is 1 minus the right answer.")),
    ("turned over", _turned_over, N_("This is 1 divided by the right answer.")),
    ("wrong sign", lambda e, c: _ratio(e, c, -1), N_("The sign is the wrong way round.")),
    (
        "always the same",
        _constant,
        N_("The answer is the same for every input. It has to be computed from what is given."),
    ),
)
"""Mistakes that are made in any exercise: name, what they look like, what to say."""
