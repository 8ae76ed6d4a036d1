"""Correct programs, and their parts, for the doctor's tests."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from labkit.data.drawn import draw
from labkit.data.loaders import BatchLoader
from labkit.data.sets import ImageSet

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


def right_step(model, images, labels, loss_function, optimizer):
    model.train()
    optimizer.zero_grad()
    loss = loss_function(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss


def right_loop(model, batches, loss_function, optimizer):
    model.train()
    total, examples = 0.0, 0
    for images, labels in batches:
        loss = right_step(model, images, labels, loss_function, optimizer)
        total += loss.item() * len(labels)
        examples += len(labels)
    return total / examples


outside = program()


class Outside:
    """A step that steps another model than it is given, where no copy can stand in for it."""

    __slots__ = ()

    def __call__(self, model, images, labels, loss_function, optimizer):
        right_step(outside["model"], images, labels, loss_function, outside["optimizer"])


def right_evaluation(model, batches):
    model.eval()
    right, examples = 0, 0
    with torch.no_grad():
        for images, labels in batches:
            right += (model(images).argmax(1) == labels).sum().item()
            examples += len(labels)
    return right / examples


def prepared(change, labels=lambda y: y, shuffle=True, batch_size=16):
    """Return a loader over prepared tensors: images as ``change`` makes them of bytes."""
    images = torch.from_numpy(pictures.train_images)
    targets = labels(torch.from_numpy(pictures.train_labels))
    return DataLoader(TensorDataset(change(images), targets), batch_size, shuffle=shuffle)


def normal(images):
    return (images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


def plain(picture):
    return torch.from_numpy(np.asarray(picture).transpose(2, 0, 1) / 127.5 - 1).float()


class Speckle:
    def __init__(self):
        self.random = np.random.default_rng(0)

    def __call__(self, picture):
        return plain(picture) + torch.from_numpy(self.random.normal(size=(3, 32, 32))).float()


class ByName(Dataset):
    """The items of another set as dictionaries, the label first."""

    def __init__(self, inner):
        self.inner = inner

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, index):
        image, label = self.inner[index]
        return {"label": label, "image": image}


def mirror(images, generator):
    chosen = torch.rand(len(images), generator=generator) < 0.5
    images[chosen] = images[chosen].flip(-1)
    return images
