"""Notebook 2, the part on batches: the last one of an epoch, and a loader of one's own."""

import numpy
import torch
from torch.utils.data import DataLoader

from labkit.checks.engine import values
from labkit.checks.engine.spec import exercise
from labkit.text import _

NOTEBOOK = "dataloader"


def _counts():
    return [(10_000, 32), (96, 32), (5, 32), (33, 32), (7, 1), (47_500, 64), (32, 32)]


def _from_the_last_start(count, batch_size):
    return count - range(0, count, batch_size)[-1]


@exercise(1, _counts, judge=_from_the_last_start)
def last_batch(count, batch_size):
    return count % batch_size or batch_size


_LACKING = "This is how many images the last batch lacks. How many does it hold?"

last_batch.sentences = {
    "count % batch_size": (
        "Where the images divide evenly, the remainder is 0, but the last batch is a whole one."
    ),
    "-count % batch_size": _LACKING,
    "batch_size - count % batch_size": _LACKING,
    "-(-count // batch_size)": (
        "This is the number of batches. How many images are in the last one?"
    ),
    "count // batch_size": "This is the number of whole batches. What is left for the last one?",
    "batch_size": "A single batch can be smaller than the batch size: the last one.",
    "count % batch_size or batch_size if count >= batch_size else batch_size": (
        "Where the images are fewer than the batch size there is one batch, with all of them."
    ),
    "min(count, batch_size)": (
        "Only a last batch that is also the first is so large. What is left after whole batches?"
    ),
    "count % batch_size or count": (
        "Where they divide evenly, the last batch is as large as any: batch_size."
    ),
    "count - batch_size": "One batch is taken off. There may be many before the last one.",
    "count / batch_size": "This is how many batches there are, with the fraction of the last one.",
    "batch_size if count % batch_size else count % batch_size": (
        "The two cases are swapped: with a remainder, the last batch holds it."
    ),
    "batch_size % count": "The other way round: what is left of count, count % batch_size.",
    "count - 1 % batch_size + 1": (
        "% comes before the minus. Set brackets: (count - 1) % batch_size + 1."
    ),
}


class _Items:
    """Numbered items of a tiny data set: image ``[3, 2, 2]`` and label tell the number."""

    asked = False

    def __init__(self, count: int):
        self.count = count

    def __getattr__(self, name: str):
        self.asked |= name == "__getitems__"  # which nobody but a DataLoader looks for
        raise AttributeError(name)

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


def _two_passes(answer, dataset, batch_size, shuffle):
    """Return what can be said of two passes; which order a shuffled one has is left open."""
    first, again = (
        [tuple(batch) for batch in answer(dataset, batch_size, shuffle)] for _pass in "12"
    )
    shapes = [_shapes(batch) for batch in first]
    if not first or not all(map(_is_batch, first)):
        return {_("shapes"): shapes}
    images = numpy.concatenate([values.plain(images)[:, 0, 0, 0] for images, _labels in first])
    labels = [values.plain(labels).reshape(-1) - 100 for _images, labels in first]
    seen = numpy.concatenate(labels)
    other = numpy.concatenate([values.plain(labels).reshape(-1) - 100 for _images, labels in again])
    found = {
        _("shapes"): sorted(shapes, reverse=True),
        _("each item once"): sorted(seen) == list(range(len(dataset))),
        _("labels fit the images"): numpy.array_equal(images, seen),
        _("labels are whole numbers"): not any(
            numpy.asarray(labels).dtype.kind == "f" for _images, labels in first
        ),
    }
    if len(seen) != len(dataset):
        return found
    found[_("in order")] = sorted(seen) == list(seen)
    found[_("another order in each pass")] = not numpy.array_equal(seen, other)
    if shuffle:
        in_a_row = _mostly_alike(numpy.diff(seen) % len(dataset))
        kept = [numpy.ptp(batch) < batch_size and min(batch) % batch_size == 0 for batch in labels]
        same = not in_a_row and bool(sum(kept) > len(kept) / 2)
        found[_("neighbours stay together")] = in_a_row
        found[_("each batch holds the same items in every pass")] = same
    return found


def _mostly_alike(steps) -> bool:
    """Return whether one step from item to item is the rule, e.g. always to the next one."""
    _steps, counts = numpy.unique(steps, return_counts=True)
    return len(steps) > 0 and bool(counts.max() > len(steps) / 2)


def _shapes(batch: tuple) -> str:
    shown = [str(list(x.shape)) if hasattr(x, "shape") else type(x).__name__ for x in batch]
    return " ".join(shown if len(shown) <= 4 else [*shown[:4], "..."])


def _is_batch(batch: tuple) -> bool:
    parts = [values.plain(part) for part in batch]
    return [getattr(part, "ndim", None) for part in parts] == [4, 1]


def _by_pytorch(dataset, batch_size, shuffle):
    return DataLoader(dataset, batch_size, shuffle=shuffle)


@exercise(5, _sets, judge=_by_pytorch, use=_two_passes)
def batches(dataset, batch_size, shuffle):
    count = len(dataset)
    order = torch.randperm(count).tolist() if shuffle else range(count)
    for start in range(0, count, batch_size):
        items = [dataset[number] for number in order[start : start + batch_size]]
        images, labels = zip(*items)  # noqa: B905
        yield torch.stack(images), torch.tensor(labels)


def _uses_a_loader(answer, dataset, batch_size, shuffle):
    made = answer(dataset, batch_size, shuffle)
    return isinstance(made, DataLoader) or (len(list(made)) > 0 and dataset.asked)


batches.caution(
    lambda: _sets()[:1],
    "The batches are right, but they come from PyTorch's own DataLoader. Write the loop yourself.",
    use=_uses_a_loader,
    forbidden=True,
)

_PAIR = "torch.stack(images), torch.tensor(labels)"
_STEPS = "range(0, count, batch_size)"
_ORDER = "torch.randperm(count).tolist() if shuffle else range(count)"
_CHOSEN = "order[start : start + batch_size]"
_RETURN_IN_THE_LOOP = (
    "return ends the function at the first batch. yield gives one batch after the other."
)
_ONE_BATCH = "All items come as one batch. Go through their numbers in steps of batch_size."
_TWO_ORDERS = (
    "Images and labels are shuffled separately: they no longer fit. Use one order for both."
)

batches.sentences = {
    (_STEPS, "range(0, count - batch_size + 1, batch_size)"): (
        "The last, smaller batch is missing: its images are never seen."
    ),
    (_CHOSEN, "[order[n % count] for n in range(start, start + batch_size)]"): (
        "The last batch is filled up with items from the beginning. It may be smaller."
    ),
    (_ORDER, "range(count)"): "shuffle=True changes nothing: the items come in order.",
    (_ORDER, "torch.randperm(count).tolist()"): (
        "They are always shuffled: with shuffle=False they come in order."
    ),
    ("randperm(count)", "randint(count, (count,))"): (
        "Some items come twice and others never: they are drawn again for each place or each "
        "batch. Draw one order for the whole pass; torch.randperm has each number once."
    ),
    (
        "for start",
        f"other = {_ORDER}\n    for start",
        "zip(*items)",
        "zip(*[(dataset[n][0], dataset[m][1]) for n, m in zip(order, other)][start : start + "
        "batch_size])",
    ): _TWO_ORDERS,
    (
        "zip(*items)",
        "zip(*[(dataset[n][0], dataset[m][1]) for n, m in zip(order, range(count))][start : start "
        "+ batch_size])",
    ): _TWO_ORDERS,
    ("randperm(count)", "randperm(count, generator=torch.Generator().manual_seed(0))"): (
        "The order is the same in every pass. Draw a new one each time, and set no seed inside."
    ),
    (
        _ORDER,
        "range(count)",
        _STEPS,
        f"torch.tensor({_STEPS})[torch.randperm(-(-count // batch_size))] if shuffle else {_STEPS}",
    ): (
        "Neighbours stay together: only the batches, or only the beginning, are drawn at random. "
        "Shuffle the order of all items."
    ),
    (
        _ORDER,
        "range(count)",
        "zip(*items)",
        "zip(*[items[n] for n in (torch.randperm(len(items)) if shuffle else range(len(items)))])",
    ): (
        "The items are shuffled inside their batch only, so each batch holds the same ones in "
        "every epoch. Shuffle the order of all items, before you cut it into batches."
    ),
    ("torch.stack(images)", "list(images)"): (
        "The images of a batch are a list. torch.stack makes one tensor [N, C, H, W] of them."
    ),
    ("torch.tensor(labels)", "torch.Tensor(labels)"): (
        "The labels are floats: torch.Tensor makes those. torch.tensor keeps whole numbers."
    ),
    ("torch.tensor(labels)", "tuple(labels)"): (
        "The labels of a batch are a tuple. torch.tensor makes a tensor [N] of it."
    ),
    ("torch.tensor(labels)", "list(labels)"): (
        "The labels of a batch are a list. torch.tensor makes a tensor [N] of it."
    ),
    (_PAIR, "list(images), list(labels)"): (
        "Both are still lists: torch.stack the images, and make a torch.tensor of the labels."
    ),
    ("yield", "return"): _RETURN_IN_THE_LOOP,
    (f"yield {_PAIR}", f"return [({_PAIR})]"): _RETURN_IN_THE_LOOP,
    (_CHOSEN, "order", "yield", "return"): _ONE_BATCH,
    (_CHOSEN, "order", f"yield {_PAIR}", f"return [({_PAIR})]"): _ONE_BATCH,
    (_PAIR, "items"): (
        "A batch is a list of pairs here. zip(*items) makes one sequence of images and one of "
        "labels of it; stack both."
    ),
    (_PAIR, "torch.tensor(labels), torch.stack(images)"): (
        "Images and labels are swapped: the images come first."
    ),
    ("torch.stack", "torch.cat"): (
        "torch.cat joins the images along their channels. torch.stack gives each its place."
    ),
    (_STEPS, "range(0, count + 1, batch_size)"): (
        "There is one batch too many, without items: range(0, n, batch_size) ends before n."
    ),
    (", torch.tensor(labels)", ""): "Only the images come. A batch is a pair: images and labels.",
    ("start : start + batch_size", ": start + batch_size"): (
        "The lists have to be emptied after each batch: yours hold all items so far."
    ),
    (_STEPS, "range(count)"): (
        "The batches overlap: each begins one item later. Go in steps of batch_size."
    ),
    (_STEPS, "range(0, count if shuffle else 0, batch_size)"): (
        "Without shuffle nothing comes at all. Which line belongs inside the if?"
    ),
    ("start + batch_size]", "start + batch_size - 1]"): (
        "Each batch is one item short: order[a:b] ends before b by itself."
    ),
}
