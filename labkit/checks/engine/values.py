"""Compare what came with what was expected, and say both in words."""

import itertools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

import numpy
import torch
from PIL import Image
from torch import nn

from labkit.text import _, ngettext

_SHORT = 12
"""Up to so many numbers are shown one by one."""

_LONGEST = 600
"""Up to so many characters describe a value."""

_INTEGER_TOLERANCE = 0.1
"""Expected integers must match to this whatever their size: 6,000 is not 6,001."""

_MOST = 100_000
"""A generator is read so far and no further."""


def plain(value):
    """Return ``value`` as an array if it is made of numbers, however it is written.

    Tensors, NumPy's and Python's numbers, lists and tuples of them all become a ``float64``
    array; lists of arrays of unlike shapes become tuples of arrays. Anything else stays.
    """
    if isinstance(value, torch.Tensor):
        value = value.detach().resolve_neg().resolve_conj().cpu()
        value = value if value.layout == torch.strided else value.to_dense()
        value = value.dequantize() if value.is_quantized else value
        return value.to(torch.float64).numpy() if not value.is_complex() else value.numpy()
    if isinstance(value, Iterator):
        value = list(itertools.islice(value, _MOST))
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    if isinstance(value, list | tuple):
        if all(type(part) in (int, float, bool) for part in value):
            array = numpy.asarray(value)  # at once: there may be a million
            if array.dtype.kind in "biuf":
                return array.astype(numpy.float64)
        return _joined([plain(part) for part in value])
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, Fraction | Decimal):
        value = float(value)
    if value is None or isinstance(value, str | type(...) | type | nn.Module):
        return value
    array = numpy.asarray(value)
    if array.dtype.kind in "biuf":
        return array.astype(numpy.float64)
    return tuple(value.ravel().tolist()) if array is value and array.dtype.kind != "c" else value


def _joined(parts: list):
    arrays = all(isinstance(part, numpy.ndarray) for part in parts)
    if arrays and len({part.shape for part in parts}) <= 1:
        return numpy.stack(parts) if parts else numpy.zeros(0)
    return tuple(parts)


def same(expected, came, tolerance: float) -> bool:
    """Return whether two ``plain`` values are equal up to rounding, counts exactly.

    Where one number is expected, an array that holds one number will do.
    """
    if isinstance(expected, numpy.ndarray) and isinstance(came, numpy.ndarray):
        if expected.size == 1 and expected.ndim == 0:
            came = came.reshape(()) if came.size == 1 else came
        return expected.shape == came.shape and _near(expected, came, tolerance)
    if isinstance(expected, tuple | dict) and type(expected) is type(came):
        if len(expected) != len(came):
            return False
        if isinstance(expected, dict):
            return expected.keys() == came.keys() and all(
                same(expected[key], came[key], tolerance) for key in expected
            )
        return all(same(e, c, tolerance) for e, c in zip(expected, came, strict=True))
    return type(expected) is type(came) and expected == came


def _near(expected: numpy.ndarray, came: numpy.ndarray, tolerance: float) -> bool:
    if not numpy.allclose(came, expected, rtol=tolerance, atol=tolerance / 10, equal_nan=True):
        return False
    finite = numpy.isfinite(expected)
    whole = (expected[finite] == expected[finite].round()).all()
    return bool(not whole or (abs(came[finite] - expected[finite]) < _INTEGER_TOLERANCE).all())


def describe(value) -> str:
    """Return a value in a few words: small ones in full, large ones by shape and range."""
    try:
        return shortened(_described(value), _LONGEST)
    except Exception:  # whatever a learner's object does when it is looked at
        return type(value).__name__


def _described(value) -> str:
    if value is None:
        return _("nothing (None)")
    if isinstance(value, torch.Tensor | numpy.ndarray | numpy.generic):
        if isinstance(value, torch.Tensor) and value.is_meta:
            return _("a tensor {shape} on meta").format(shape=list(value.shape))
        return _array(plain(value))
    if isinstance(value, bool | int | str):
        return shortened(repr(value))
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, nn.Module):
        return type(value).__name__ if any(value.children()) else repr(value)
    if isinstance(value, Image.Image):
        text = _("an image of {width} x {height} pixels")
        return text.format(width=value.width, height=value.height)
    if isinstance(words := getattr(value, "words", None), str):
        return words
    if isinstance(value, list | tuple):
        if value and all(isinstance(part, bool) for part in value):
            return shortened(repr(list(value)))
        array = plain(value)
        if isinstance(array, numpy.ndarray):
            return _array(array)
        if value and all(isinstance(part, str) for part in value):
            return ", ".join(value)
        if len(value) <= 4:
            return "(" + ", ".join(describe(part) for part in value) + ")"
        parts = _("{first}, ... ({n} in all)")
        return parts.format(first=describe(value[0]), n=len(value))
    if isinstance(value, Mapping):
        named = all(isinstance(key, str) for key in value)
        parts = (f"{key}: {_part(part)}" for key, part in value.items())
        return "; ".join(parts) if named and value else "{" + ", ".join(parts) + "}"
    if isinstance(value, Iterator):
        return type(value).__name__
    if type(value).__repr__ is object.__repr__:
        return _("an object of class {name}").format(name=type(value).__name__)
    return shortened(getattr(value, "__name__", None) or repr(value))


def said(error: BaseException | None) -> str:
    """Return an exception's class and text, as Python shows them last in a traceback."""
    try:
        text = str(error).strip()
    except Exception:  # whatever a learner's exception does when it is to speak
        text = ""
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _part(value) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value if isinstance(value, str) else describe(value)


def quoted(names) -> str:
    """Return names of the learner's code in a row, which are no words of the sentence."""
    return ", ".join(f"`{name}`" for name in names)


def shortened(text: str, most: int = 80) -> str:
    """Return a text, cut off behind ``most`` characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def _array(array) -> str:
    if not isinstance(array, numpy.ndarray) or array.dtype.kind != "f":
        return repr(array)
    if array.size <= _SHORT:
        return _numbers(array)
    shape = list(array.shape)
    low, high = array.min(), array.max()
    if low == high:
        return _("{shape}, all {value:.4g}").format(shape=shape, value=low)
    return _("{shape}, from {low:.4g} to {high:.4g}").format(shape=shape, low=low, high=high)


def _numbers(array: numpy.ndarray) -> str:
    if array.ndim:
        return "[" + ", ".join(_numbers(part) for part in array) + "]"
    return _number(float(array))


def _number(value: float) -> str:
    if float(value).is_integer() and abs(value) < 1e9:
        return str(int(value))
    return f"{value:.3f}" if 1e3 < abs(value) < 1e6 else f"{value:.4g}"


def differing(expected, came) -> tuple:
    """Return both; of two dictionaries, only the entries that both have and that differ."""
    if not (isinstance(expected, Mapping) and isinstance(came, Mapping)):
        return expected, came
    keys = [k for k in expected if not same(plain(expected[k]), plain(came.get(k)), 1e-4)]
    keys = [key for key in keys if key in came] or keys
    return {key: expected[key] for key in keys}, {key: came.get(key) for key in keys}


def single(value):
    """Return the only entry of a dictionary that has one, and anything else as it is."""
    one = isinstance(value, Mapping) and len(value) == 1
    return next(iter(value.values())) if one else value


def untouched(one, fresh) -> bool:
    """Return whether a tensor, layer or container still holds what a fresh one holds."""
    if isinstance(one, torch.Tensor):
        hidden = one.is_meta or one.shape != fresh.shape
        return one.shape == fresh.shape if hidden else same(plain(fresh), plain(one), 0)
    if isinstance(one, nn.Module):
        return untouched(list(one.state_dict().values()), list(fresh.state_dict().values()))
    if isinstance(one, dict):
        return one.keys() == fresh.keys() and all(untouched(one[key], fresh[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(fresh) and all(map(untouched, one, fresh))
    return one == fresh if isinstance(one, int | float | str) else True


def listed(expected, came) -> bool:
    """Return whether a list of tensors came where one tensor is expected."""
    several = isinstance(came, list | tuple) and any(isinstance(p, torch.Tensor) for p in came)
    return several and isinstance(expected, torch.Tensor)


def fractional(expected, came) -> bool:
    """Return whether floats came, 1.0, where whole numbers are expected, 1, perhaps inside."""
    if isinstance(expected, torch.Tensor) and isinstance(came, torch.Tensor):
        return came.is_floating_point() and expected.dtype == torch.int64
    if isinstance(expected, list | tuple) and isinstance(came, list | tuple):
        return any(map(fractional, expected, came))
    return type(expected) is int and isinstance(came, float)


def size(value) -> int:
    """Return how many numbers a value holds, 1 if it holds none."""
    if isinstance(value, torch.Tensor):
        return value.numel()
    if isinstance(value, numpy.ndarray):
        return value.size
    if isinstance(value, list | tuple):
        return sum(size(part) for part in value)
    return 1


def difference(expected, came) -> str:
    """Return one sentence on where two ``plain`` arrays differ; empty if nothing helps."""
    if not (isinstance(expected, numpy.ndarray) and isinstance(came, numpy.ndarray)):
        return ""
    if expected.shape != came.shape:
        if not expected.ndim:
            return _("One number is expected here.")
        if expected.ndim == came.ndim == 1:
            text = _("Numbers in yours: {came}, expected: {expected}.")
            return text.format(came=came.size, expected=expected.size)
        text = _("The shape is {came}, expected is {expected}.")
        return text.format(came=list(came.shape), expected=list(expected.shape))
    if expected.size <= _SHORT:
        return ""
    apart = ~numpy.isclose(came, expected, rtol=1e-3, atol=1e-5, equal_nan=True)
    if not apart.any():
        return ""
    place = numpy.unravel_index(numpy.argmax(apart), apart.shape)
    return ngettext(
        "{n} of {all} numbers differs: at {place} yours is {came:.4g}, expected is {expected:.4g}.",
        "{n} of {all} numbers differ, first at {place}: yours is {came:.4g}, "
        "expected is {expected:.4g}.",
        int(apart.sum()),
    ).format(
        n=f"{apart.sum():,}",
        all=f"{apart.size:,}",
        place=[int(at) for at in place],
        came=came[place],
        expected=expected[place],
    )
