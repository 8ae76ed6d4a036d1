"""Batches: the last one's size, and a loader of one's own."""

import numpy
import torch
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


@batches.mistake(N_("The last, smaller batch is missing: its images are never seen."))
def _last_dropped(dataset, batch_size, shuffle):
    return DataLoader(dataset, batch_size, shuffle=shuffle, drop_last=True)


@batches.mistake(N_("shuffle=True changes nothing: the items come in order."))
def _never_shuffled(dataset, batch_size, shuffle):
    return DataLoader(dataset, batch_size)


@batches.mistake(N_("They are shuffled always: with shuffle=False they come in order."))
def _always_shuffled(dataset, batch_size, shuffle):
    return DataLoader(dataset, batch_size, shuffle=True)


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


@batches.mistake(
    N_("return ends the function at the first batch. yield gives one batch after the other.")
)
def _only_the_first(dataset, batch_size, shuffle):
    return next(_made(dataset, batch_size, _order(dataset, shuffle)))


@batches.mistake(
    N_("All items come as one batch. Go through their numbers in steps of batch_size.")
)
def _all_at_once(dataset, batch_size, shuffle):
    return next(_made(dataset, len(dataset), _order(dataset, shuffle)))


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


@batches.mistake(N_("Without shuffle nothing comes at all. Which line belongs into the if?"))
def _nothing_without_shuffle(dataset, batch_size, shuffle):
    return DataLoader(dataset, batch_size, shuffle=True) if shuffle else []


@batches.mistake(N_("Each batch is one item short: order[a:b] ends before b by itself."))
def _one_item_short(dataset, batch_size, shuffle):
    order = _order(dataset, shuffle)
    for start in range(0, len(dataset), batch_size):
        yield next(_made(dataset, batch_size, order[start : start + batch_size - 1], stop=1))
