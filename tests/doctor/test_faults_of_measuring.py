"""Faults of evaluations, splits and augmentations: a broken program for each, and it fixed."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

from labkit.doctor import examine
from tests.doctor.programs import (
    EVALUATE,
    Items,
    cnn,
    images,
    is_named_and_its_twin_is_not_accused,
    labels,
    loader,
    normal,
    pictures,
    program,
    registering,
    right_evaluation,
    right_loop,
    trains,
    written,
)
from tests.doctor.test_faults_of_a_whole_epoch import whole

faulty = registering(FAULTS := [])
judged = normal(torch.from_numpy(pictures.test_images))
answers = torch.from_numpy(pictures.test_labels)


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
    """Return a program whose labels can be read without the images."""
    x, y = judged.repeat(copies, 1, 1, 1), answers.repeat(copies)
    data = Items(len(y), lambda n: (x[n], int(y[n])), labels=KINDS[kind](y))
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
    source = EVALUATE.replace("/ examples", "/ len(batches.dataset.labels)")
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


def several(yes, *last):
    """Return a program with four answers for each image."""
    table = (torch.arange(10)[:, None] >> torch.arange(4) & 1).float()
    model = nn.Sequential(cnn(4), *last)
    equal = "(outputs.argmax(1) == labels)", f"(({yes}) == (labels > 0)).all(1)"
    return program(
        model=model,
        loss_function=nn.BCELoss() if last else nn.BCEWithLogitsLoss(),
        train_batches=loader(images, table[labels]),
        validation_batches=loader(judged, table[answers], shuffle=False),
        evaluate=written(EVALUATE, *equal),
    )


@faulty("wrong-accuracy")
def a_second_sigmoid(right):
    return several("outputs > 0.5" if right else "outputs.sigmoid() > 0.5", nn.Sigmoid())


@faulty("wrong-accuracy")
def probabilities_above_0(right):
    return several("outputs > 0.3" if right else "outputs > 0", nn.Sigmoid())


@faulty("wrong-accuracy")
def logits_above_a_half(right):
    return several("outputs.sigmoid() > 0.3" if right else "outputs > 0.5")


SPLITS = """
def train(model, batches, loss_function, optimizer):
    learnt, asked = random_split(batches.dataset, [0.8, 0.2])
    right_loop(model, DataLoader(learnt, 16, shuffle=True), loss_function, optimizer)
    return right_evaluation(model, DataLoader(asked, 16))
"""


@faulty("split-again")
def a_split_in_each_epoch(right):
    once = "random_split(batches.dataset, [0.8, 0.2], torch.Generator().manual_seed(0))"
    known = {"right_loop": right_loop, "right_evaluation": right_evaluation}
    known |= {"random_split": random_split, "DataLoader": DataLoader}
    edits = ("random_split(batches.dataset, [0.8, 0.2])", once) if right else ()
    parts = program(model=cnn(), train_batches=loader(), validation_batches=None)
    return parts | {"train": written(SPLITS, *edits, **known)}


def test_what_is_learnt_and_asked_about_in_the_same_epoch_is_no_split():
    asked = SPLITS.replace("DataLoader(asked, 16)", "DataLoader(batches.dataset, 16)")
    parts = program(model=cnn(), train_batches=loader(), validation_batches=None)
    known = {"right_loop": right_loop, "right_evaluation": right_evaluation}
    known |= {"random_split": random_split, "DataLoader": DataLoader}
    assert "split-again" not in examine(**parts | {"train": written(asked, **known)}).kinds


def keeping(line):
    """Return a program whose loop is one epoch, and keeps the best model so far."""
    parts, best = program(model=cnn()), {"loss": float("inf")}
    end = "    return total / examples"
    keep = f"    if total < best['loss']:\n        best['model'] = {line}\n"
    return trains(end, keep + end, parts=parts, best=best, copy=copy)


@faulty("best-by-reference")
def a_shallow_copy_of_the_best_model(right):
    return keeping("copy.deepcopy(model)" if right else "copy.copy(model)")


@faulty("best-by-reference")
def the_state_of_the_best_epoch(right):
    return keeping("copy.deepcopy(model.state_dict())" if right else "model.state_dict()")


@faulty("seeded-again")
def a_seed_in_each_item(right):
    def item(n):
        if not right:
            torch.manual_seed(n)
        return images[n].roll(int(torch.randint(5, ())), -1), labels[n]

    batches = DataLoader(Items(240, item), 16, shuffle=True)
    return program(model=cnn(), train_batches=batches)


def test_noise_that_is_the_same_for_each_image_is_no_seed_of_the_training():
    def item(n):
        noise = torch.randn(images[n].shape, generator=torch.Generator().manual_seed(n))
        np.random.seed(n)
        with torch.random.fork_rng():
            torch.manual_seed(n)
        return images[n] + 0.1 * noise + 0.1 * np.random.rand(), labels[n]

    batches = DataLoader(Items(240, item), 16, shuffle=True)
    assert "seeded-again" not in examine(**program(model=cnn(), train_batches=batches)).kinds


def scene(n, size=40):
    """Return a bright disc on a dark ground, and its mask."""
    dice = torch.Generator().manual_seed(n)
    x, y = torch.randint(10, size - 10, (2,), generator=dice)
    rows, columns = torch.arange(size)[:, None], torch.arange(size)
    mask = ((rows - y) ** 2 + (columns - x) ** 2 < 36).long()
    noise = 0.1 * torch.randn(3, size, size, generator=dice)
    return mask + noise - 0.5, mask


@faulty("mask-left-behind")
def image_and_mask_cropped_one_after_the_other(right):
    def crop(part, at):
        return part[..., at[0] : at[0] + 32, at[1] : at[1] + 32]

    def item(n):
        image, mask = scene(n)
        one, other = torch.randint(8, (2, 2)).tolist()
        return crop(image, one), crop(mask, one if right else other)

    judging = DataLoader(Items(40, lambda n: scene(1000 + n, 32)), 20)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    batches = DataLoader(Items(128, item), 16, shuffle=True)
    return program(model=model, train_batches=batches, validation_batches=judging)


@faulty("mask-left-behind")
def a_noisy_image_flipped_without_its_mask_of_floats(right):
    def item(n):
        image, mask = scene(n)
        image, mask = image + 0.6 * torch.randn_like(image), mask[None].float()
        turn = torch.rand(2) < 0.5
        for axis in (-1, -2):
            image = image.flip(axis) if turn[axis] else image
            mask = mask.flip(axis) if turn[axis] and right else mask
        return image, mask

    judging = DataLoader(Items(40, lambda n: (scene(n)[0], scene(n)[1][None].float())), 20)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    batches = DataLoader(Items(128, item), 16, shuffle=True)
    parts = {"train_batches": batches, "validation_batches": judging}
    return program(model=model, loss_function=nn.BCEWithLogitsLoss(), **parts)


class Changed:
    """Steps, one after the other, as torchvision's Compose has them."""

    def __init__(self, *steps):
        self.transforms = list(steps)

    def __call__(self, x):
        for step in self.transforms:
            x = step(x)
        return x


def flip(x):
    return x.flip(-1) if torch.rand(()) < 0.5 else x


def lift(x):
    return x.roll(int(torch.randint(-1, 2, ())), -2)


@faulty("changes-class")
def a_flip_of_classes_that_are_mirrored(right):
    return whole(transform=Changed(lift, lift if right else flip))


MIRRORED = ("af", "bg", "ch", "di", "ej")


def test_the_step_and_the_classes_are_named_that_look_alike_after_it():
    report = examine(**whole(transform=Changed(lift, flip)) | {"classes": list("abcdefghij")})
    (finding,) = report.questions
    assert "flip" in finding.where and "lift" not in finding.where
    assert any(f"'{a}'" in finding.what and f"'{b}'" in finding.what for a, b in MIRRORED)


@pytest.mark.parametrize(("kind", "make"), FAULTS)
def test_a_fault_is_named_and_its_fixed_twin_is_not_accused(kind, make):
    is_named_and_its_twin_is_not_accused(kind, make)
