"""Transforms: with the true mean and deviation, and with a flip by chance."""

import numpy
import torch
from PIL import Image

from labkit.checks.engine import values
from labkit.checks.engine.spec import exercise
from labkit.text import N_, _


def _colourful(height=32, width=32, seed=0):
    """Return a PIL image of random pixels, neither mirrored nor turned like itself."""
    pixels = numpy.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=numpy.uint8)
    return Image.fromarray(pixels)


def _statistics():
    true = [0.49, 0.48, 0.45], [0.25, 0.24, 0.26]
    odd = [0.2, 0.5, 0.9], [0.1, 1.0, 0.4]
    black = Image.new("RGB", (32, 32))
    return [(*true, _colourful()), (*odd, _colourful(seed=1)), (*true, black)]


def _transformed(answer, mean, std, picture):
    return answer(mean, std)(picture)


def _pixels(picture) -> torch.Tensor:
    return torch.from_numpy(numpy.array(picture)).permute(2, 0, 1).float()


def _column(numbers) -> torch.Tensor:
    return torch.tensor(numbers)[:, None, None]


@exercise(2, _statistics, use=_transformed)
def true_transform(mean, std):
    return lambda picture: (_pixels(picture) / 255 - _column(mean)) / _column(std)


@true_transform.mistake(N_("This uses 0.5 for all. Use the mean and std that are given."))
def _half(mean, std):
    return lambda picture: (_pixels(picture) / 255 - 0.5) / 0.5


@true_transform.mistake(
    N_(
        "The pixels are still 0 to 255 when they are normalised. mean and std are those of 0 to 1: "
        "ToTensor() divides by 255, and so does v2.ToDtype with scale=True."
    )
)
def _not_scaled(mean, std):
    return lambda picture: (_pixels(picture) - _column(mean)) / _column(std)


@true_transform.mistake(N_("Normalize is missing: the values are 0 to 1."))
def _not_normalised(mean, std):
    return lambda picture: _pixels(picture) / 255


@true_transform.mistake(N_("mean and std have changed places: Normalize(mean, std)."))
def _swapped(mean, std):
    return lambda picture: (_pixels(picture) / 255 - _column(std)) / _column(mean)


@true_transform.mistake(
    N_("Divide by the deviation. Multiplied by it, the values spread even less.")
)
def _multiplied(mean, std):
    return lambda picture: (_pixels(picture) / 255 - _column(mean)) * _column(std)


@true_transform.mistake(N_("Normalised twice: once is enough."))
def _twice(mean, std):
    once = true_transform.judge(mean, std)
    return lambda picture: (once(picture) - _column(mean)) / _column(std)


@true_transform.mistake(
    N_("Normalize takes floats: v2.ToDtype(torch.float32, scale=True) has to come before it.")
)
def _normalised_too_early(mean, std):
    from torchvision.transforms import v2

    return v2.Compose([v2.ToImage(), v2.Normalize(mean, std)])


_TENSOR_FIRST = N_("Normalize takes tensors: ToTensor() has to come before it.")
_ONE_OF_SEVERAL = N_("These are several transforms. transforms.Compose([...]) makes one of them.")
_BRACKETS = N_("A transform is made with brackets: ToTensor() with them.")


@true_transform.mistake(_TENSOR_FIRST)
def _normalised_first(mean, std):
    from torchvision.transforms import Normalize

    return Normalize(mean, std)


@true_transform.mistake(_TENSOR_FIRST)
def _normalised_first_by_v2(mean, std):
    from torchvision.transforms import v2

    return v2.Normalize(mean, std)


@true_transform.mistake(_ONE_OF_SEVERAL)
def _list(mean, std):
    return [true_transform.judge(mean, std)]


@true_transform.mistake(_ONE_OF_SEVERAL)
def _tuple(mean, std):
    return (true_transform.judge(mean, std),)


@true_transform.mistake(_BRACKETS)
def _class_itself(mean, std):
    from torchvision.transforms import Compose, ToTensor

    return Compose([ToTensor])


@true_transform.mistake(_BRACKETS)
def _class_itself_by_v2(mean, std):
    from torchvision.transforms import v2

    return v2.Compose([v2.ToImage])


_LOOKS = 120
"""So many times a picture is asked for.

A fair coin shows one side 30 to 90 times; that it does not happens once in 30 million times.
"""


def _looks():
    return [(_colourful(),), (_colourful(seed=2),), (_colourful(seed=3),)]


def _kinds(answer, picture):
    """Return what came out when a picture was asked for again and again."""
    right = _normalised(picture)
    known = {
        _("as it was"): right,
        _("mirrored"): right.flip(2),
        _("upside down"): right.flip(1),
        _("turned by half a turn"): right.flip(1, 2),
    }
    known = {name: values.plain(image) for name, image in known.items()}
    seen, other = dict.fromkeys(known, 0), _("never")
    for _look in range(_LOOKS):
        came = answer(picture)
        plain = values.plain(came)
        name = next((n for n, image in known.items() if values.same(image, plain, 1e-4)), None)
        if name is None:
            other = values.describe(came)
        else:
            seen[name] += 1
    often = (seen[_("mirrored")] + seen[_("turned by half a turn")]) / _LOOKS
    return {
        **{name: count > 0 for name, count in seen.items()},
        _("about every second one mirrored"): 0.25 <= often <= 0.75,
        _("something else"): other,
    }


def _normalised(picture, *, turn=(), often=0.5, scale=255.0):
    image = (_pixels(picture) / scale - 0.5) / 0.5
    return image.flip(turn) if turn and torch.rand(1) < often else image


@exercise(4, _looks, use=_kinds)
def flipping(picture):
    return _normalised(picture, turn=(2,))


@flipping.mistake(
    N_("This turns images upside down. From left to right it is RandomHorizontalFlip.")
)
def _vertical(picture):
    return _normalised(picture, turn=(1,))


@flipping.mistake(N_("No image is ever mirrored."))
def _never(picture):
    return _normalised(picture)


@flipping.mistake(N_("Every image is mirrored. At random means: about every second time."))
def _always(picture):
    return _normalised(picture, turn=(2,), often=1.0)


@flipping.mistake(
    N_("The other transforms are missing: what comes out is 0 to 1, not normalised with 0.5.")
)
def _without_normalise(picture):
    return _normalised(picture, turn=(2,)) * 0.5 + 0.5


@flipping.mistake(N_("The pixels are still 0 to 255 when they are normalised: scale=True."))
def _without_scale(picture):
    return _normalised(picture, turn=(2,), scale=1.0)


@flipping.mistake(N_("Left and right and up and down: only left and right are wanted."))
def _both_ways(picture):
    return _normalised(_turned(picture), turn=(2,))


def _turned(picture, way=Image.Transpose.FLIP_TOP_BOTTOM):
    return picture.transpose(way) if torch.rand(1) < 0.5 else picture


@flipping.mistake(N_("It is made without brackets: RandomHorizontalFlip() with them."))
def _not_made(picture):
    from torchvision.transforms import v2

    return v2.RandomHorizontalFlip(picture)


@flipping.mistake(N_("Normalised twice: once is enough."))
def _twice_normalised(picture):
    return (_normalised(picture, turn=(2,)) - 0.5) / 0.5


@flipping.mistake(N_("Some are mirrored, but not every second one: the chance is to be p=0.5."))
def _seldom(picture):
    return _normalised(picture, turn=(2,), often=0.1)


@flipping.mistake(N_("The other transforms are missing: a PIL image comes out, and not a tensor."))
def _flipped_only(picture):
    return _turned(picture, Image.Transpose.FLIP_LEFT_RIGHT)


@flipping.mistake(N_("flip(0) swaps the colours: the channels are axis 0, the width is the last."))
def _colours_flipped(picture):
    return _normalised(picture, turn=(0,))
