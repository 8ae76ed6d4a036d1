"""Mistakes that are made in any exercise, recognised by what they do to the right answer."""

from collections.abc import Mapping

import numpy

from labkit.checks import values
from labkit.text import N_

NOTHING = N_("The function returns nothing. Is a return missing, or does it print its result?")


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


def _returns_dots(_expected, came) -> bool:
    return any(outcome.error is None and outcome.value is ... for outcome in came)


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
        "not a number",
        _not_a_number,
        N_("nan is not a number: it comes from 0 / 0, or from a logarithm or root below 0."),
    ),
    ("wrong sign", lambda e, c: _ratio(e, c, -1), N_("The sign is the wrong way round.")),
    (
        "always the same",
        _constant,
        N_("The answer is the same for every input. It has to be computed from what is given."),
    ),
)
"""Mistakes that are made in any exercise: name, what they look like, what to say."""
