"""Mistakes that are made in any exercise, recognised by what they do to the right answer."""

import ast
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy
import torch

from labkit.checks.engine import likeness, values
from labkit.text import N_

if TYPE_CHECKING:
    from labkit.checks.engine.trial import Trial

NOTHING = N_("The function returns nothing. Is a return missing, or does it print its result?")

IN_A_LIST = N_("A list cannot be called. v2.Compose([...]) makes one transform of several.")

Array = numpy.ndarray


@dataclass(frozen=True)
class Rule:
    """A mistake by its name, and what to say.

    ``fits(trial)`` returns the values that the sentence shows, {} if it shows none, and None where
    the rule does not apply; as "sentence", another one to say. ``shows(expected, came)`` says
    whether the learner can see at one input what the sentence speaks of.
    """

    name: str
    fits: Callable[["Trial"], dict | None]
    sentence: str
    shows: Callable = lambda _expected, _came: True


def _if(condition: Callable[["Trial"], bool]) -> Callable[["Trial"], dict | None]:
    return lambda trial: {} if condition(trial) else None


def _somewhere(name: str, shows: Callable, sentence: str) -> Rule:
    """Return a rule for a mistake that one input is enough to show."""
    return Rule(name, _if(lambda t: any(map(shows, t.expected, t.came))), sentence, shows)


def _everywhere(
    name: str,
    each: Callable[[Array, Array], bool],
    sentence: str,
    some: Callable[[Array, Array], bool] = lambda _e, _c: True,
) -> Rule:
    """Return a rule for what holds of each array and the expected one, and ``some`` for one."""

    def fits(trial: "Trial") -> bool:
        pairs = _pairs(trial.expected, trial.came)
        return any(some(*pair) for pair in pairs) and all(each(*pair) for pair in pairs)

    return Rule(name, _if(fits), sentence)


def _becomes(change: Callable[[Array], Array]) -> Callable[[Array, Array], bool]:
    return lambda e, c: values.same(numpy.asarray(change(e)), c, 1e-4)


def _pairs(expected, came) -> list[tuple[Array, Array]]:
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
    arrays = all(isinstance(value, Array) for pair in pairs for value in pair)
    return pairs if arrays and len(names) < 2 else []


def _is_none(_expected, came) -> bool:
    """Return whether the answer returned ``None``, by itself or as a part of what is compared."""
    parts = came.value.values() if isinstance(came.value, Mapping) else [came.value]
    return came.error is None and any(part is None for part in parts)


def _never_returns(trial: "Trial") -> bool:
    """Return whether nothing ever comes back, and no line of the function returns a value."""
    written = ast.walk(trial.answer.tree) if trial.answer.tree else ()
    returns = any(isinstance(line, ast.Return) and line.value for line in written)
    return not returns and all(map(_is_none, trial.expected, trial.came))


def _is_text(expected, came) -> bool:
    parts = came.value if isinstance(came.value, list | tuple) else [came.value]
    return any(isinstance(part, str) for part in parts) and isinstance(expected.plain, Array)


def _is_a_table(trial: "Trial") -> bool:
    """Return whether inputs are listed one by one, and the answer is right for those alone."""
    nodes = list(ast.walk(trial.answer.tree)) if trial.answer.tree else []
    keys = [key for node in nodes if isinstance(node, ast.Dict) for key in node.keys]
    keys += [node.value for node in nodes if isinstance(node, ast.MatchValue)]
    for node in nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
            keys += node.comparators if isinstance(node.left, ast.Name) else []
    listed = {key.value for key in keys if isinstance(key, ast.Constant)}
    numbers = [[n for n in case if type(n) in (int, float)] for case in trial.exercise.cases()]
    known = [not listed.isdisjoint(case) for case in numbers]
    return sum(known) > 1 and known == list(map(trial.same, trial.expected, trial.came))


def _is_nan(expected, came) -> bool:
    return any(
        numpy.isnan(c).any() and not numpy.isnan(e).any() for e, c in _pairs([expected], [came])
    )


def _all_nan(trial: "Trial") -> bool:
    """Return whether nan is all that is wrong."""
    pairs = zip(trial.expected, trial.came, strict=True)
    return all(_is_nan(*pair) for pair in pairs if not trial.same(*pair))


def _rounded(e: Array, c: Array) -> bool:
    return any(values.same(numpy.asarray(e.round(places)), c, 1e-6) for places in range(5))


def _cut_off(e: Array, c: Array) -> bool:
    """Return whether the fractions are lost; 2 // 0.02 is 99, because 0.02 is a little more."""
    whole = e.shape == c.shape and (c == numpy.trunc(c)).all()
    return whole and ((e - c) >= -1e-6).all() and ((e - c) <= 1).all()


def _first_only(e: Array, c: Array) -> bool:
    firsts = (numpy.asarray(e[0]), e[:1]) if e.ndim and len(e) else ()
    return any(values.same(first, c, 1e-4) for first in firsts)


def _axes_swapped(e: Array, c: Array) -> bool:
    orders = itertools.permutations(range(e.ndim)) if e.ndim > 1 else ()
    sides = e.ndim == c.ndim and e.shape != c.shape and _wrong_shape(e, c)
    return sides or any(values.same(e.transpose(order), c, 1e-4) for order in orders)


def _wrong_shape(e: Array, c: Array) -> bool:
    return e.size == c.size and values.same(e.reshape(-1), c.reshape(-1), 1e-3)


def _channels_last(e: Array, c: Array) -> bool:
    return c.ndim >= 3 and values.same(e, numpy.moveaxis(c, -1, -3), 1e-3)


def _one_apart(by: int) -> Callable[[Array, Array], bool]:
    return lambda e, c: e.size == 1 and values.same(numpy.asarray(e + by), c, 1e-6)


def _constant(trial: "Trial") -> bool:
    numbers = [outcome.plain for outcome in trial.came]
    return len(numbers) > 1 and all(
        isinstance(c, Array) and c.ndim == 0 and values.same(numbers[0], c, 1e-6) for c in numbers
    )


def _unused(trial: "Trial") -> dict | None:
    names = trial.answer.unused
    return {"names": values.quoted(names)} if names and _in_their_lines(trial) else None


def _outside(trial: "Trial") -> dict | None:
    names = trial.answer.outside
    return {"names": values.quoted(names)} if names and _in_their_lines(trial) else None


def _in_their_lines(trial: "Trial") -> bool:
    """Return whether nothing failed, or only in what the learner wrote."""
    errors = [outcome.error for outcome in trial.came if outcome.error]
    return all(trial.answer.line_of(error)[0] is not None for error in errors)


def _has_a_loop(trial: "Trial") -> bool:
    written = ast.walk(trial.answer.tree) if trial.answer.tree else ()
    return any(isinstance(line, ast.For | ast.While) for line in written)


def _given_back(trial: "Trial") -> bool:
    """Return whether the first thing that is given comes back as it was, each time."""
    return all(
        isinstance(case[0], torch.Tensor | list | int | float)
        and outcome.error is None
        and values.same(values.plain(case[0]), outcome.plain, 1e-6)
        for case, outcome in zip(trial.exercise.cases(), trial.came, strict=True)
    )


def _factor(trial: "Trial") -> dict | None:
    """Find the number that every answer is too large by as a factor."""
    pairs = [(e.reshape(-1), c.reshape(-1)) for e, c in _pairs(trial.expected, trial.came)]
    if not pairs or any(e.shape != c.shape for e, c in pairs):
        return None
    wanted, got = (numpy.concatenate(parts) for parts in zip(*pairs, strict=True))
    known = wanted != 0
    if known.sum() < 2 or not numpy.isfinite(wanted).all() or not numpy.isfinite(got).all():
        return None
    times = float(numpy.median(got[known] / wanted[known]))
    return {"times": times} if times and values.same(wanted * times, got, 1e-4) else None


def _partly_right(trial: "Trial") -> dict | None:
    right = sum(map(trial.same, trial.expected, trial.came))
    by_chance = isinstance(trial.expected[0].value, bool)  # half of those
    return {"n": right, "all": len(trial.came)} if right and not by_chance else None


def _right_where(trial: "Trial") -> dict | None:
    found = _partly_right(trial)
    where = likeness.where_right(trial) if found else ""
    return {**found, "condition": where} if found and where else None


GENERAL = (
    Rule("nothing returned", _if(_never_returns), NOTHING),
    Rule(
        "single inputs",
        _if(_is_a_table),
        N_(
            "This lists inputs one by one, but the function will get others, too: find the rule "
            "that holds for all."
        ),
    ),
    _somewhere(
        "nothing returned sometimes",
        _is_none,
        N_("For some inputs the function returns nothing: one of its branches has no return."),
    ),
    _somewhere(
        "text returned",
        _is_text,
        N_(
            "The function returns text. Numbers, or True and False, are expected. For a class, "
            "return its number, not its name."
        ),
    ),
    _somewhere(
        "dots returned",
        lambda _e, c: c.error is None and c.value is ...,
        N_("There are still three dots where it returns."),
    ),
    _everywhere(
        "channels last",
        _channels_last,
        N_("The numbers are right, but the channels come last. PyTorch wants them first."),
    ),
    _everywhere(
        "wrong shape",
        lambda e, c: e.ndim != c.ndim and _wrong_shape(e, c),
        N_("The numbers are right, the shape is not: is there an axis too many or too few?"),
    ),
    _everywhere("one too many", _one_apart(1), N_("Off by one: always 1 too many.")),
    _everywhere("one too few", _one_apart(-1), N_("Off by one: always 1 too few.")),
    _everywhere(
        "percent",
        lambda e, c: (abs(e) <= 1).all() and _becomes(lambda e: 100 * e)(e, c),
        N_("A hundred times too large: a share from 0 to 1 is expected, not a percentage."),
    ),
    _everywhere(
        "rounded", _rounded, N_("Rounded too early: return the number with all its digits.")
    ),
    _everywhere(
        "cut off",
        _cut_off,
        N_(
            "Only whole numbers came out. int() and // cut off the fraction, and a tensor of whole "
            "numbers cannot hold one: call .float() first."
        ),
        some=lambda e, c: (e != e.round()).any(),
    ),
    _everywhere(
        "first only",
        _first_only,
        N_("This is the first one alone. If return is inside the loop, it ends the function."),
        some=lambda e, c: e.ndim > 0 and len(e) > 1,
    ),
    _everywhere(
        "axes swapped",
        _axes_swapped,
        N_("The numbers are right, but axes are swapped, e.g. rows and columns."),
    ),
    Rule(
        "not given",
        _outside,
        N_("Your function reads {names} of the notebook. Use only what it is called with."),
    ),
    Rule(
        "not a number",
        _if(_all_nan),
        N_("nan is not a number: it comes from 0 / 0, or from a logarithm or root below 0."),
    ),
    _everywhere("one minus", _becomes(lambda e: 1 - e), N_("This is 1 minus the right answer.")),
    _everywhere(
        "reciprocal", _becomes(lambda e: 1 / e), N_("This is 1 divided by the right answer.")
    ),
    _everywhere(
        "wrong sign",
        _becomes(lambda e: -e),
        N_("The numbers are right, but their sign is the wrong way round."),
    ),
    Rule(
        "always the same",
        _if(_constant),
        N_("The result is the same for every input tried. It has to change with what is given."),
    ),
    Rule("input unused", _unused, N_("Your function never looks at {names}.")),
    Rule(
        "given back in a loop",
        _if(lambda t: _has_a_loop(t) and _given_back(t)),
        N_(
            "What was given comes back as it was. x = ... in a loop only gives a new value a name; "
            "return what you have computed."
        ),
    ),
    Rule("given back", _if(_given_back), N_("What was given comes back as it was.")),
    Rule("factor", _factor, N_("Each number is {times:.4g} times what it should be.")),
    Rule(
        "",
        _right_where,
        N_("It is right for {n} of the {all} inputs tried: those where {condition}."),
    ),
    Rule(
        "",
        likeness.one_change,
        N_("One small change in line {line} makes it right. It now reads: {code}"),
    ),
    Rule(
        "",
        _partly_right,
        N_("It is right for {n} of the {all} inputs tried. What is different in this one?"),
    ),
)
"""Mistakes that are made in any exercise: name, what they look like, what to say."""
