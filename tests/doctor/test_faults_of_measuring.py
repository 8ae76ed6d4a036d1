"""Faults of evaluations, splits and augmentations: a broken program for each, and it fixed."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from labkit.doctor import examine
from tests.doctor.programs import (
    cnn,
    images,
    labels,
    loader,
    normal,
    pictures,
    program,
    written,
)

FAULTS = []
"""The kind of a finding, and a program that has to get it, and with ``right`` must not."""

judged = normal(torch.from_numpy(pictures.test_images))
answers = torch.from_numpy(pictures.test_labels)


def faulty(kind):
    def register(make):
        FAULTS.append((kind, make))
        return make

    return register


class Numbered(Dataset):
    """Images whose labels can be read without them."""

    def __init__(self, x, y, kind):
        self.x, self.labels = x, kind(y)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, n):
        return self.x[n], int(self.labels[n])


STORED = """
def evaluate(model, batches):
    model.eval()
    with torch.no_grad():
        answers = [model(images).argmax(1) for images, _labels in batches]
    answers = torch.cat(answers).numpy()
    return float((answers == np.asarray(batches.dataset.labels)).mean())
"""
KINDS = {"list": list, "array": lambda y: y.numpy(), "tensor": lambda y: y}


def of_stored_labels(right, kind="array", copies=1, source=STORED, **options):
    data = Numbered(judged.repeat(copies, 1, 1, 1), answers.repeat(copies), KINDS[kind])
    batches = DataLoader(data, 25, **{"shuffle": not right, **options})
    parts = program(model=cnn(), validation_batches=batches)
    return parts | {"evaluate": written(source, np=np)}


@faulty("two-orders")
def labels_of_the_set_for_a_loader_that_shuffles(right):
    return of_stored_labels(right)


@faulty("two-orders")
def labels_of_a_large_set(right):
    return of_stored_labels(right, "list", 36)


def test_counting_the_labels_of_a_set_that_is_shuffled_is_right():
    source = """
def evaluate(model, batches):
    model.eval()
    right = 0
    with torch.no_grad():
        for images, labels in batches:
            right += (model(images).argmax(1) == labels).sum().item()
    return right / len(batches.dataset.labels)
"""
    for copies in (1, 36):
        report = examine(**of_stored_labels(False, "tensor", copies, source))
        assert not report.faults, str(report)


RECALL = """
def mean_recall(model, batches):
    model.eval()
    table = torch.zeros(10, 10)
    with torch.no_grad():
        for images, labels in batches:
            for t, p in zip(labels, model(images).argmax(1)):
                table[t, p] += 1
    recall = table.diag() / table.sum(0).clamp(min=1)
    return recall.mean().item()
"""


def uneven(*edits):
    """Return a program that judges by 60 images, few of some classes."""
    keep = [n for n in range(60) if answers[n] < 4 or n % 2]
    batches = DataLoader(TensorDataset(judged[keep], answers[keep]), 20)
    return program(model=cnn(), validation_batches=batches) | {"evaluate": written(RECALL, *edits)}


@faulty("recall-is-precision")
def the_axis_of_the_answers(right):
    return uneven(*(("sum(0)", "sum(1)") if right else ()))


OTHERS = {
    "precision": ("recall", "precision"),
    "f1": ("table.sum(0).clamp(min=1)", "((table.sum(0) + table.sum(1)) / 2).clamp(min=1)"),
    "iou": ("table.sum(0)", "(table.sum(0) + table.sum(1) - table.diag())"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_measure_than_the_accuracy_is_not_called_wrong(name):
    report = examine(**uneven(*OTHERS[name]))
    assert not {"wrong-accuracy", "recall-is-precision"} & set(report.kinds), str(report)


def test_a_measure_that_is_none_of_the_usual_ones_is_asked_about():
    report = examine(**uneven("recall.mean()", "recall.square().mean()"))
    assert [f.kind for f in report.questions] == ["wrong-accuracy"], str(report)
    assert "argmax" not in str(report)


SEVERAL = """
def evaluate(model, batches):
    model.eval()
    right = examples = 0
    with torch.no_grad():
        for images, labels in batches:
            right += ((YES) == (labels > 0)).all(1).sum().item()
            examples += len(labels)
    return right / examples
"""


def several(yes, *last):
    """Return a program with four answers for each image."""
    table = (torch.arange(10)[:, None] >> torch.arange(4) & 1).float()
    model = nn.Sequential(cnn(4), *last)
    return program(
        model=model,
        loss_function=nn.BCELoss() if last else nn.BCEWithLogitsLoss(),
        train_batches=loader(images, table[labels]),
        validation_batches=loader(judged, table[answers], shuffle=False),
        evaluate=written(SEVERAL, "YES", yes),
    )


@faulty("wrong-accuracy")
def a_second_sigmoid(right):
    return several(
        "model(images) > 0.5" if right else "model(images).sigmoid() > 0.5", nn.Sigmoid()
    )


@faulty("wrong-accuracy")
def probabilities_above_0(right):
    return several("model(images) > 0.3" if right else "model(images) > 0", nn.Sigmoid())


@faulty("wrong-accuracy")
def logits_above_a_half(right):
    return several("model(images).sigmoid() > 0.3" if right else "model(images) > 0.5")


@pytest.mark.parametrize(("kind", "make"), FAULTS)
def test_a_fault_is_named_and_its_fixed_twin_is_not_accused(kind, make):
    torch.manual_seed(0)
    report = examine(**make(False))
    torch.manual_seed(0)
    twin = examine(**make(True))
    assert kind in report.kinds, str(report)
    assert kind not in twin.kinds and not twin.faults, str(twin)
