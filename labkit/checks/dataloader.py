"""Notebook 2: batches, transforms, class by class, and a loader of one's own."""

import numpy
import torch
from PIL import Image
from torch.utils.data import DataLoader

from labkit.checks.engine import values
from labkit.checks.engine.spec import exercise
from labkit.text import N_, _


def _counts():
    return [(10_000, 32), (96, 32), (5, 32), (33, 32), (7, 1), (47_500, 64), (32, 32)]


@exercise(1, _counts)
def last_batch(count, batch_size):
    starts = range(0, count, batch_size)
    return count - starts[-1]


@last_batch.mistake(
    N_("Where the images divide evenly, the remainder is 0, but the last batch is a whole one.")
)
def _remainder(pictures, batch_size):
    return pictures % batch_size


@last_batch.mistake(N_("This is what the last batch lacks. What does it hold?"))
def _missing(pictures, batch_size):
    return -pictures % batch_size


@last_batch.mistake(N_("This is what the last batch lacks. What does it hold?"))
def _size_less_remainder(pictures, batch_size):
    return batch_size - pictures % batch_size


@last_batch.mistake(N_("This is the number of batches. How many images are in the last one?"))
def _number_of_batches(pictures, batch_size):
    return -(-pictures // batch_size)


@last_batch.mistake(N_("This is the number of whole batches. What is left for the last one?"))
def _whole_batches(pictures, batch_size):
    return pictures // batch_size


@last_batch.mistake(N_("A single batch can be smaller than the batch size: the last one."))
def _always_whole(pictures, batch_size):
    return batch_size


@last_batch.mistake(
    N_("Where the images are fewer than the batch size there is one batch, with all of them.")
)
def _whole_if_few(pictures, batch_size):
    return pictures % batch_size or batch_size if pictures >= batch_size else batch_size


@last_batch.mistake(
    N_("Only a last batch that is also the first is so large. What is left after whole batches?")
)
def _no_more_than_there_are(pictures, batch_size):
    return min(pictures, batch_size)


@last_batch.mistake(N_("Where they divide evenly, the last batch is as large as any: batch_size."))
def _all_if_even(pictures, batch_size):
    return pictures % batch_size or pictures


@last_batch.mistake(N_("One batch is taken off. There may be many before the last one."))
def _one_batch_off(pictures, batch_size):
    return pictures - batch_size


@last_batch.mistake(N_("This is how many batches there are, with the fraction of the last one."))
def _batches_with_fraction(pictures, batch_size):
    return pictures / batch_size


class _Items:
    """Numbered items of a tiny data set: image ``[3, 2, 2]`` and label tell the number."""

    def __init__(self, count: int):
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int):
        if not 0 <= index < self.count:
            raise IndexError(index)
        return torch.full((3, 2, 2), float(index)), 100 + int(index)

    @property
    def words(self) -> str:
        return _("{n} items").format(n=self.count)


def _sets():
    return [
        (_Items(10), 4, False),
        (_Items(8), 4, False),
        (_Items(6), 8, False),
        (_Items(7), 1, False),
        (_Items(40), 7, True),
        (_Items(30), 3, True),
    ]


def _one_pass(answer, dataset, batch_size, shuffle):
    """Return what can be said of two passes; which order a shuffled one has is left open."""
    first, again = (
        [tuple(batch) for batch in answer(dataset, batch_size, shuffle)] for _pass in "12"
    )
    shapes = [_shapes(batch) for batch in first]
    if not first or not all(map(_is_batch, first)):
        return {_("shapes"): shapes}
    images = [values.plain(images)[:, 0, 0, 0] for images, _labels in first]
    labels = [values.plain(labels).reshape(-1) - 100 for _images, labels in first]
    seen = numpy.concatenate(labels)
    other = numpy.concatenate([values.plain(labels).reshape(-1) - 100 for _images, labels in again])
    return {
        _("shapes"): sorted(shapes, reverse=True),
        _("each item once"): sorted(seen) == list(range(len(dataset))),
        _("labels fit the images"): numpy.array_equal(numpy.concatenate(images), seen),
        _("in order"): sorted(seen) == list(seen),
        _("another order in each pass"): not numpy.array_equal(seen, other),
        _("neighbours stay together"): all((numpy.diff(batch) == 1).all() for batch in labels),
    }


def _shapes(batch: tuple) -> str:
    shown = [str(list(x.shape)) if hasattr(x, "shape") else type(x).__name__ for x in batch]
    return " ".join(shown if len(shown) <= 4 else [*shown[:4], "..."])


def _is_batch(batch: tuple) -> bool:
    parts = [values.plain(part) for part in batch]
    return [getattr(part, "ndim", None) for part in parts] == [4, 1]


@exercise(5, _sets, use=_one_pass)
def batches(dataset, batch_size, shuffle):
    return DataLoader(dataset, batch_size, shuffle=shuffle)


def _made(dataset, batch_size, order, *, stop=None, labels_from=None):
    labels_from = order if labels_from is None else labels_from
    for at in range(0, stop or len(dataset), batch_size):
        images = torch.stack([dataset[int(n)][0] for n in order[at : at + batch_size]])
        labels = [dataset[int(n)][1] for n in labels_from[at : at + batch_size]]
        yield images, torch.tensor(labels)


def _order(dataset, shuffle):
    return torch.randperm(len(dataset)) if shuffle else torch.arange(len(dataset))


batches.if_it_returns(
    {
        "DataLoader(dataset, batch_size, shuffle=shuffle, drop_last=True)": (
            "The last, smaller batch is missing: its images are never seen."
        ),
        "DataLoader(dataset, batch_size)": "shuffle=True changes nothing: the items come in order.",
        "DataLoader(dataset, batch_size, shuffle=True)": (
            "They are shuffled always: with shuffle=False they come in order."
        ),
    }
)


@batches.mistake(
    N_(
        "Some items come twice and others never: torch.randint draws with repetition. "
        "torch.randperm gives each number once."
    )
)
def _drawn_with_repetition(dataset, batch_size, shuffle):
    again = torch.randint(len(dataset), (len(dataset),))
    return _made(dataset, batch_size, again if shuffle else _order(dataset, False))


@batches.mistake(
    N_("Images and labels are shuffled apart: they no longer fit. Use one order for both.")
)
def _torn_apart(dataset, batch_size, shuffle):
    other = _order(dataset, shuffle)
    return _made(dataset, batch_size, _order(dataset, shuffle), labels_from=other)


@batches.mistake(
    N_("The order is the same in every pass. Draw a new one each time, and set no seed inside.")
)
def _one_order_for_ever(dataset, batch_size, shuffle):
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(dataset), generator=generator)
    return _made(dataset, batch_size, order if shuffle else _order(dataset, False))


@batches.mistake(
    N_("Only the batches change places; inside each one the items stay in order. Shuffle items.")
)
def _only_batches_shuffled(dataset, batch_size, shuffle):
    made = list(_made(dataset, batch_size, _order(dataset, False)))
    return [made[n] for n in torch.randperm(len(made))] if shuffle else made


@batches.mistake(
    N_("The images of a batch are a list. torch.stack makes one tensor [N, C, H, W] of them.")
)
def _not_stacked(dataset, batch_size, shuffle):
    for images, labels in DataLoader(dataset, batch_size, shuffle=shuffle):
        yield list(images), labels


@batches.mistake(N_("The labels of a batch are a list. torch.tensor makes a tensor [N] of it."))
def _labels_as_list(dataset, batch_size, shuffle):
    for images, labels in DataLoader(dataset, batch_size, shuffle=shuffle):
        yield images, labels.tolist()


@batches.mistake(
    N_("Both are still lists: torch.stack the images, and make a torch.tensor of the labels.")
)
def _two_lists(dataset, batch_size, shuffle):
    for images, labels in DataLoader(dataset, batch_size, shuffle=shuffle):
        yield list(images), labels.tolist()


batches.if_it_returns(
    {
        "next(_made(dataset, batch_size, _order(dataset, shuffle)))": (
            "return ends the function at the first batch. yield gives one batch after the other."
        ),
        "next(_made(dataset, len(dataset), _order(dataset, shuffle)))": (
            "All items come as one batch. Go through their numbers in steps of batch_size."
        ),
    }
)


@batches.mistake(
    N_(
        "A batch is a list of pairs here. zip(*items) makes one sequence of images and one of "
        "labels of it; stack both."
    )
)
def _list_of_pairs(dataset, batch_size, shuffle):
    numbers = _order(dataset, shuffle).tolist()
    for start in range(0, len(dataset), batch_size):
        yield [dataset[number] for number in numbers[start : start + batch_size]]


@batches.mistake(N_("Images and labels have changed places: the images come first."))
def _labels_first(dataset, batch_size, shuffle):
    for images, labels in DataLoader(dataset, batch_size, shuffle=shuffle):
        yield labels, images


@batches.mistake(
    N_("torch.cat joins the images along their channels. torch.stack gives each its place.")
)
def _joined(dataset, batch_size, shuffle):
    for images, labels in DataLoader(dataset, batch_size, shuffle=shuffle):
        yield images.flatten(0, 1), labels


@batches.mistake(
    N_("There is one batch too many, without items: range(0, n, batch_size) ends before n.")
)
def _empty_at_the_end(dataset, batch_size, shuffle):
    yield from _made(dataset, batch_size, _order(dataset, shuffle))
    if len(dataset) % batch_size == 0:
        _images, _labels = ()


@batches.mistake(N_("Only the images come. A batch is a pair: images and labels."))
def _images_only(dataset, batch_size, shuffle):
    for images, _labels in DataLoader(dataset, batch_size, shuffle=shuffle):
        yield images


@batches.mistake(N_("The lists have to be emptied after each batch: yours hold all items so far."))
def _never_emptied(dataset, batch_size, shuffle):
    made = list(_made(dataset, len(dataset), _order(dataset, shuffle)))
    count = len(dataset)
    for end in [*range(batch_size, count + 1, batch_size), count]:
        yield tuple(part[:end] for part in made[0])


@batches.mistake(N_("The batches overlap: each begins one item later. Go in steps of batch_size."))
def _overlapping(dataset, batch_size, shuffle):
    order = _order(dataset, shuffle)
    for start in range(len(dataset)):
        yield next(_made(dataset, batch_size, order[start:], stop=1))


batches.if_it_returns(
    {
        "DataLoader(dataset, batch_size, shuffle=True) if shuffle else []": (
            "Without shuffle nothing comes at all. Which line belongs into the if?"
        ),
    }
)


@batches.mistake(N_("Each batch is one item short: order[a:b] ends before b by itself."))
def _one_item_short(dataset, batch_size, shuffle):
    order = _order(dataset, shuffle)
    for start in range(0, len(dataset), batch_size):
        yield next(_made(dataset, batch_size, order[start : start + batch_size - 1], stop=1))


def _classes():
    def some(n, classes, seed, size=32):
        numbers = numpy.random.default_rng(seed)
        pixels = numbers.integers(0, 256, (n, size, size, 3), dtype=numpy.uint8)
        labels = numbers.integers(0, classes, n)
        labels[:classes] = range(classes)
        return pixels, labels

    uneven, labels = some(60, 3, seed=5, size=8)
    labels[3:50] = 0  # many pictures of class 0,
    uneven[labels == 1, ..., 0] |= 128  # few and red ones of class 1,
    uneven[labels == 2, ..., 2] |= 192  # and blue ones of class 2
    uneven[labels == 2, ..., 1] |= 128
    bright, two = some(24, 2, 4, 6)
    bright[two == 0] |= 224  # bright in all colours, so with more red,
    bright[two == 1, ..., 1:] //= 4  # than the class whose red is the larger part
    cases = [(uneven, labels), some(50, 10, 1, 5), some(4, 4, 2, 3), some(30, 2, 3, 8)]
    cases.append((bright, two))
    return [(torch.from_numpy(pixels), torch.from_numpy(labels)) for pixels, labels in cases]


def _extreme(pixels, labels, channel, *, total=False, pick=max):
    """Return the class whose pictures have the most of a channel (or of all, ``...``)."""
    red = pixels[..., channel].double().flatten(1)

    def amount(c):
        chosen = red[labels == c]
        return (chosen.sum() if total else chosen.mean()).item()

    return pick(range(int(labels.max()) + 1), key=amount)


@exercise(3, _classes)
def reddest(pixels, labels):
    return _extreme(pixels, labels, 0)


reddest.if_it_returns(
    {
        "_extreme(pixels, labels, 0, total=True)": (
            "This adds up the red, so the class with most images wins. Take the mean of each class."
        ),
        "_extreme(pixels, labels, 2)": (
            "This is the bluest class: channel 0 is red, 1 green, 2 blue."
        ),
        "_extreme(pixels, labels, 1)": (
            "This is the greenest class: channel 0 is red, 1 green, 2 blue."
        ),
        "_extreme(pixels, labels, slice(None))": (
            "This is the brightest class, over all three channels. Take channel 0."
        ),
        "_extreme(pixels, labels, 0, pick=min)": "This is the class with the least red.",
        "_extreme(pixels[:, 0], labels, slice(None))": (
            "pixels[:, 0] is the top row of each image: here the channels come last, "
            "pixels[..., 0]."
        ),
        "pixels[labels == _extreme(pixels, labels, 0)][..., 0].double().mean()": (
            "This is the mean red itself. Which class has it?"
        ),
        "labels[pixels[..., 0].double().mean(dim=(1, 2)).argmax()]": (
            "This is the class of the reddest image. Take the mean over all images of a class."
        ),
    }
)


@reddest.mistake(
    N_("There are not always ten classes: an empty one has a mean of nan. Count: labels.max() + 1.")
)
def _always_ten(pixels, labels):
    means = [pixels[labels == c][..., 0].float().mean() for c in range(10)]
    return torch.stack(means).argmax()


reddest.if_it_returns(
    {
        "[_amount(pixels, labels, c) for c in range(int(labels.max()) + 1)]": (
            "These are the means of all classes. Which is largest? argmax()."
        ),
    }
)


@reddest.mistake(N_("This is the class whose red is the largest part. Take its mean red itself."))
def _largest_part(pixels, labels):
    reds = [_amount(pixels, labels, c) for c in range(int(labels.max()) + 1)]
    parts = [red / pixels[labels == c].double().mean() for c, red in enumerate(reds)]
    return torch.stack(parts).argmax()


reddest.if_it_returns(
    {
        "_extreme(pixels[labels < labels.max()], labels[labels < labels.max()], 0)": (
            "The last class is left out: the labels go from 0 to labels.max(), so + 1."
        ),
    }
)


@reddest.mistake(N_("This goes by the reddest single pixel. Take the mean over all pixels."))
def _reddest_pixel(pixels, labels):
    largest = [pixels[labels == c][..., 0].max() for c in range(int(labels.max()) + 1)]
    return torch.stack(largest).argmax()


reddest.if_it_returns(
    {
        "_amount(pixels, labels, 0)": (
            "This is the mean red of class 0: return ends the loop at the first class."
        ),
    }
)


def _amount(pixels, labels, c):
    return pixels[labels == c][..., 0].double().mean()


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


true_transform.if_it_returns(
    {
        "lambda picture: (_pixels(picture) / 255 - 0.5) / 0.5": (
            "This uses 0.5 for all. Use the mean and std that are given."
        ),
        "lambda picture: (_pixels(picture) - _column(mean)) / _column(std)": (
            "The pixels are still 0 to 255 when they are normalised. mean and std are those "
            "of 0 to 1: ToTensor() divides by 255, and so does v2.ToDtype with scale=True."
        ),
        "lambda picture: _pixels(picture) / 255": "Normalize is missing: the values are 0 to 1.",
        "lambda picture: (_pixels(picture) / 255 - _column(std)) / _column(mean)": (
            "mean and std have changed places: Normalize(mean, std)."
        ),
        "lambda picture: (_pixels(picture) / 255 - _column(mean)) * _column(std)": (
            "Divide by the deviation. Multiplied by it, the values spread even less."
        ),
    }
)


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


true_transform.if_it_returns(
    {
        "[true_transform.judge(mean, std)]": _ONE_OF_SEVERAL,
        "(true_transform.judge(mean, std),)": _ONE_OF_SEVERAL,
    }
)


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


flipping.if_it_returns(
    {
        "_normalised(picture, turn=(1,))": (
            "This turns images upside down. From left to right it is RandomHorizontalFlip."
        ),
        "_normalised(picture)": "No image is ever mirrored.",
        "_normalised(picture, turn=(2,), often=1.0)": (
            "Every image is mirrored. At random means: about every second time."
        ),
        "_normalised(picture, turn=(2,)) * 0.5 + 0.5": (
            "The other transforms are missing: what comes out is 0 to 1, not normalised with 0.5."
        ),
        "_normalised(picture, turn=(2,), scale=1.0)": (
            "The pixels are still 0 to 255 when they are normalised: scale=True."
        ),
        "_normalised(_turned(picture), turn=(2,))": (
            "Left and right and up and down: only left and right are wanted."
        ),
    }
)


def _turned(picture, way=Image.Transpose.FLIP_TOP_BOTTOM):
    return picture.transpose(way) if torch.rand(1) < 0.5 else picture


@flipping.mistake(N_("It is made without brackets: RandomHorizontalFlip() with them."))
def _not_made(picture):
    from torchvision.transforms import v2

    return v2.RandomHorizontalFlip(picture)


flipping.if_it_returns(
    {
        "(_normalised(picture, turn=(2,)) - 0.5) / 0.5": "Normalised twice: once is enough.",
        "_normalised(picture, turn=(2,), often=0.1)": (
            "Some are mirrored, but not every second one: the chance is to be p=0.5."
        ),
        "_turned(picture, Image.Transpose.FLIP_LEFT_RIGHT)": (
            "The other transforms are missing: a PIL image comes out, and not a tensor."
        ),
        "_normalised(picture, turn=(0,))": (
            "flip(0) swaps the colours: the channels are axis 0, the width is the last."
        ),
    }
)
