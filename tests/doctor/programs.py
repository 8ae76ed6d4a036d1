"""Correct programs, and their parts, for the doctor's tests."""

import linecache

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from labkit.data.drawn import draw
from labkit.data.loaders import BatchLoader
from labkit.data.sets import ImageSet
from labkit.doctor import examine

pictures = draw(train=240, test=60, seed=0)

names = tuple(pictures.classes)


def split(kind="train", transform=None):
    images, labels = getattr(pictures, f"{kind}_images"), getattr(pictures, f"{kind}_labels")
    return ImageSet(images, labels, names, source="drawn", transform=transform)


class Small(nn.Module):
    """A network with the two kinds of layers that have a training and an evaluation mode."""

    def __init__(self, classes=10, last=None):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 5, stride=2)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(6 * 14 * 14, classes)
        self.last = last or nn.Identity()

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.last(self.head(self.drop(torch.flatten(x, 1))))


def cnn(last=10, act=nn.ReLU):
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), act(), nn.Conv2d(8, 12, 3, stride=2), act(),
        nn.Flatten(), nn.Linear(12 * 49, 32), act(), nn.Linear(32, last),
    )  # fmt: skip


class Parts(nn.Module):
    """A backbone and a head, joined by any function."""

    def __init__(self, forward=lambda self, x: self.head(self.backbone(x).flatten(1)), last=10):
        super().__init__()
        self.backbone, self.head = cnn(last)[:4], nn.Linear(12 * 49, last)
        self.joined = forward

    def forward(self, x):
        return self.joined(self, x)


def program(**changes):
    """Return a correct program as keyword arguments of ``examine``, with some changed."""
    torch.manual_seed(0)
    model = changes.pop("model", None)
    model = Small() if model is None else model
    parts = {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9),
        "loss_function": nn.CrossEntropyLoss(),
        "train_batches": BatchLoader(split(), 16, shuffle=True),
        "validation_batches": BatchLoader(split("test"), 25),
    }
    return {**parts, **changes}


TRAIN = """
def train(model, batches, loss_function, optimizer):
    model.train()
    total = examples = 0
    for images, labels in batches:
        optimizer.zero_grad()
        outputs = model(images)
        loss = loss_function(outputs, labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        examples += len(labels)
    return total / examples
"""
EVALUATE = """
def evaluate(model, batches):
    model.eval()
    right = examples = 0
    with torch.no_grad():
        for images, labels in batches:
            outputs = model(images)
            right += (outputs.argmax(1) == labels).sum().item()
            examples += len(labels)
    return right / examples
"""
CLEAR, BACK, STEP = (
    f"        {line}\n" for line in ("optimizer.zero_grad()", "loss.backward()", "optimizer.step()")
)
FIRST, LOOP = "    model.train()\n", "    for images, labels in batches:\n"


LEARNS = """            F.cross_entropy(outputs, labels).backward()
            torch.optim.SGD(model.parameters(), 0.1).step()
"""
LEARNING = ("no_grad", "enable_grad", "            right", f"{LEARNS}            right")
"""The edits that make a training of an evaluation."""


def written(source, *edits, **known):
    """Return the function that ``source`` defines, as in a cell, with pieces of it replaced."""
    for old, new in zip(edits[::2], edits[1::2], strict=True):
        assert old in source, old
        source = source.replace(old, new)
    cell = f"<cell {abs(hash(source))}>"
    linecache.cache[cell] = (len(source), None, source.splitlines(keepends=True), cell)
    variables = {"__name__": "__main__", "torch": torch, "nn": nn, "F": F, **known}
    exec(compile(source, cell, "exec"), variables)
    return variables[source.split()[1].partition("(")[0]]


right_loop, right_evaluation = written(TRAIN), written(EVALUATE)


def trains(*edits, parts=None, **known):
    """Return a program with a training loop, changed by edits."""
    return (parts or program(model=cnn())) | {"train": written(TRAIN, *edits, **known)}


def judges(*edits, parts=None, **known):
    """Return a program with an evaluation, changed by edits."""
    return (parts or program(model=cnn())) | {"evaluate": written(EVALUATE, *edits, **known)}


def right_step(model, images, labels, loss_function, optimizer):
    model.train()
    optimizer.zero_grad()
    loss = loss_function(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss


def prepared(change, labels=lambda y: y, shuffle=True, batch_size=16):
    """Return a loader over prepared tensors: images as ``change`` makes them of bytes."""
    images = torch.from_numpy(pictures.train_images)
    targets = labels(torch.from_numpy(pictures.train_labels))
    return DataLoader(TensorDataset(change(images), targets), batch_size, shuffle=shuffle)


def normal(images):
    return (images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


images, labels = prepared(normal).dataset.tensors


def loader(x=images, y=labels, **options):
    return DataLoader(TensorDataset(x, y), **{"batch_size": 16, "shuffle": True, **options})


def plain(picture):
    return torch.from_numpy(np.asarray(picture).transpose(2, 0, 1) / 127.5 - 1).float()


class Speckle:
    def __init__(self):
        self.random = np.random.default_rng(0)

    def __call__(self, picture):
        return plain(picture) + torch.from_numpy(self.random.normal(size=(3, 32, 32))).float()


class Items(Dataset):
    """Numbered items that ``item`` makes; as a learner's own set, it holds other things, too."""

    def __init__(self, count, item, **held):
        self.count, self.item = count, item
        vars(self).update(held)

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.item(index)


def by_name(inner):
    """Return the items of another set as dictionaries, the label first."""
    return Items(len(inner), lambda n: dict(zip(("label", "image"), inner[n][::-1], strict=True)))


def mirror(images, generator):
    chosen = torch.rand(len(images), generator=generator) < 0.5
    images[chosen] = images[chosen].flip(-1)
    return images


def one_number(right, last=nn.Identity, **changes):
    """Return a program with one output for each of 200 short rows."""
    x = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1), last())
    loaders = [DataLoader(TensorDataset(x, right(x)), 20, shuffle=s) for s in (True, False)]
    return program(
        model=model, optimizer=torch.optim.Adam(model.parameters(), 3e-3), train_batches=loaders[0],
        validation_batches=loaders[1],
    ) | changes  # fmt: skip


class Words(nn.Module):
    """A transformer without dropout; ``masks`` make masks of the words."""

    def __init__(self, classes, whole, **masks):
        super().__init__()
        self.words = nn.Embedding(20, 16)
        self.place = nn.Parameter(torch.randn(8, 16))
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head, self.whole, self.masks = nn.Linear(16, classes), whole, masks

    def forward(self, x):
        masks = {name: mask(x) for name, mask in self.masks.items()}
        x = self.layer(self.words(x) + self.place[: x.shape[1]], **masks)
        return self.head(x if self.whole else x[:, 0])


def reading(model, inputs, targets):
    return program(
        model=model, optimizer=torch.optim.Adam(model.parameters(), 3e-3),
        train_batches=loader(inputs, targets), validation_batches=None,
        loss_function=lambda out, y: F.cross_entropy(out.reshape(-1, out.shape[-1]), y.flatten()),
    )  # fmt: skip


def words(places, low=1):
    return torch.randint(low, 20, (128, places), generator=torch.Generator().manual_seed(0))


outside = program()


class Outside:
    """A step that steps another model than it is given, where no copy can stand in for it."""

    __slots__ = ()

    def __call__(self, model, images, labels, loss_function, optimizer):
        right_step(outside["model"], images, labels, loss_function, outside["optimizer"])


def registering(faults):
    """Return a decorator for each kind: the program has the fault, and with ``right`` has not."""
    return lambda kind: lambda make: faults.append((kind, make)) or make


def is_named_and_its_twin_is_not_accused(kind, make):
    """Assert it of a fault, and of ``make(right=True)``, each with the same random numbers."""
    torch.manual_seed(0)
    report = examine(**make(False))
    torch.manual_seed(0)
    twin = examine(**make(True))
    assert kind in report.kinds, str(report)
    assert kind not in twin.kinds and not twin.faults, str(twin)
