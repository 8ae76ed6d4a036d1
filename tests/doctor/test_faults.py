"""For every fault a broken program, where the doctor finds it, and the same program fixed."""

import copy
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import ConcatDataset, DataLoader, Subset

from labkit.data.loaders import BatchLoader
from labkit.doctor import examine
from tests.doctor.programs import (
    ByName,
    Outside,
    Small,
    Speckle,
    mirror,
    normal,
    outside,
    pictures,
    plain,
    prepared,
    program,
    right_evaluation,
    right_loop,
    right_step,
    split,
)


@cache
def kinds(make):
    """Examine the program that ``make`` makes; many faults have the same one fixed."""
    return set(examine(**make()).kinds)


# ---------------------------------------------------------------- the model and its optimizer


def optimizer_of_another_model():
    return program(optimizer=torch.optim.SGD(Small().parameters(), lr=0.01))


def optimizer_before_the_weights_were_replaced():
    parts = program()
    for module in parts["model"].modules():  # as some devices' .to(device) does
        for name, weight in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(weight.detach().clone()))
    return parts


def a_new_head_after_the_optimizer():
    parts = program()
    parts["model"].head = nn.Linear(6 * 14 * 14, 10)
    return parts


def a_layer_left_out():
    model = Small()
    weights = [*model.conv.parameters(), *model.head.parameters()]
    return program(model=model, optimizer=torch.optim.SGD(weights, lr=0.01))


def everything_frozen():
    return program(model=Small().requires_grad_(False))


def layers_in_a_plain_list():
    model = Small()
    model.blocks = [nn.Linear(4, 4)]
    return program(model=model)


def layers_in_a_module_list():
    model = Small()
    model.blocks = nn.ModuleList([nn.Identity()])
    return program(model=model)


# ------------------------------------------------------------------------- the training step


def no_zero_grad(model, images, labels, loss_function, optimizer):
    loss_function(model(images), labels).backward()
    optimizer.step()


def clears_by_hand(model, images, labels, loss_function, optimizer):
    loss_function(model(images), labels).backward()
    optimizer.step()
    for weight in model.parameters():
        weight.grad.zero_()


def steps_first(model, images, labels, loss_function, optimizer):
    optimizer.zero_grad()
    loss = loss_function(model(images), labels)
    optimizer.step()
    loss.backward()


def never_steps(model, images, labels, loss_function, optimizer):
    optimizer.zero_grad()
    loss_function(model(images), labels).backward()


def never_goes_back(model, images, labels, loss_function, optimizer):
    optimizer.zero_grad()
    loss_function(model(images), labels)
    optimizer.step()


def clears_too_late(model, images, labels, loss_function, optimizer):
    loss_function(model(images), labels).backward()
    optimizer.zero_grad()
    optimizer.step()


def adds_up_losses(model, batches, loss_function, optimizer):
    model.train()
    total = 0.0
    for images, labels in batches:
        total += right_step(model, images, labels, loss_function, optimizer)
    return float(total) / len(batches)


def never_back_in_training_mode(model, batches, loss_function, optimizer):
    for images, labels in batches:
        optimizer.zero_grad()
        loss_function(model(images), labels).backward()
        optimizer.step()


def cuts_the_graph(model, images, labels, loss_function, optimizer):
    optimizer.zero_grad()
    maps = torch.relu(model.norm(model.conv(images))).detach()
    loss_function(model.head(torch.flatten(maps, 1)), labels).backward()
    optimizer.step()


# ------------------------------------------------------------------------------- evaluation


def evaluates_in_training_mode(model, batches):
    model.train()
    with torch.no_grad():
        answers = [(model(images).argmax(1) == labels).float() for images, labels in batches]
    return torch.cat(answers).mean()


def evaluates_with_gradients(model, batches):
    model.eval()
    answers = [(model(images).argmax(1) == labels).float() for images, labels in batches]
    return torch.cat(answers).mean()


def averages_batches(model, batches):
    model.eval()
    with torch.inference_mode():
        shares = [(model(x).argmax(1) == y).float().mean() for x, y in batches]
    print(f"accuracy {100 * sum(shares) / len(shares):.1f} %")


def averages_batches_and_cuts_off(model, batches):
    model.eval()
    with torch.no_grad():
        shares = [(model(x).argmax(1) == y).float().mean().item() for x, y in batches]
    print(f"Accuracy: {int(100 * sum(shares) / len(shares))} %")


def cuts_off(model, batches):
    print(f"Accuracy: {int(100 * right_evaluation(model, batches))} %")


def averages_losses(model, batches):
    model.eval()
    with torch.inference_mode():
        losses = [F.cross_entropy(model(x), y).item() for x, y in batches]
    return {"loss": sum(losses) / len(losses)}


def trains_on_the_judge(model, batches):
    optimizer = torch.optim.SGD(model.eval().parameters(), lr=0.1)
    for images, labels in batches:
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()


# ------------------------------------------------------------------------ pictures and labels


def greyer(images):
    return normal(images) / 4 - 0.7


def lying(picture):
    return torch.from_numpy(np.asarray(picture).T / 127.5 - 1).float()


def twice(images):
    return (normal(images) - 0.5) / 0.5


def twice_by_their_own_numbers(images):
    for _ in range(2):
        images = (images.float() / (255 if images.dtype == torch.uint8 else 1) - 0.45) / 0.24
    return images.permute(0, 3, 1, 2)


def by_their_own_numbers(images):
    return (images.permute(0, 3, 1, 2).float() / 255 - 0.45) / 0.24


class Flat(nn.Module):
    """A network that takes pictures with any order of axes."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3072, 10)

    def forward(self, x):
        return self.head(torch.flatten(x, 1))


def data(change, labels=lambda y: y, model=None):
    judged = BatchLoader(split("test"), 25)
    change_of = program(model=model, train_batches=prepared(change, labels))
    return {**change_of, "validation_batches": judged if change in (normal, greyer) else None}


# ------------------------------------------------------------------------------ loaders


def workers(start=None, transform=plain):
    data_set = split(transform=transform)
    return program(
        train_batches=DataLoader(data_set, 16, shuffle=True, num_workers=2, worker_init_fn=start)
    )


def same_seed(worker):
    np.random.seed(0)


def seed_of_its_own(worker):
    np.random.seed(torch.initial_seed() % 2**32)


def sorted_by_class():
    order = np.argsort(pictures.train_labels, kind="stable").tolist()
    images, labels = normal(torch.from_numpy(pictures.train_images)), pictures.train_labels
    return [
        (images[part], torch.from_numpy(labels[part])) for part in np.split(np.array(order), 15)
    ]


def half_in_both():
    whole = split()
    return program(
        train_batches=BatchLoader(Subset(whole, range(0, 160)), 16, shuffle=True),
        validation_batches=BatchLoader(Subset(whole, range(80, 240)), 16),
    )


def judged_by(*parts):
    return program(validation_batches=DataLoader(ConcatDataset(parts), 25))


def some_in_both_behind_others():
    return judged_by(split("test", plain), Subset(split(transform=plain), range(20)))


def others_behind_others():
    return judged_by(*(Subset(split("test", plain), half) for half in (range(30), range(30, 60))))


# ---------------------------------------------------------------------- numbers and checkpoints


class Root(Small):
    """Takes the root of numbers that may be negative: NaN, from that layer on."""

    def forward(self, x):
        return self.head(torch.flatten(torch.sqrt(self.norm(self.conv(x))), 1))


class Norm(Small):
    """Takes the root of 0 in the forward pass: finite, but its slope is not."""

    def forward(self, x):
        return super().forward(x) + torch.sqrt((self.norm.bias**2).sum())


def dead():
    model = Small()
    with torch.no_grad():
        model.norm.bias.fill_(-50)
    return program(model=model)


def all_dead():
    """Return a network whose layers cannot move, at any learning rate."""
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 225, 10)]
    with torch.no_grad():
        layers[0].bias.fill_(-100)
    return program(model=nn.Sequential(*layers))


def rate(value):
    model = Small()
    return program(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=value))


def loaded(change):
    parts = program()
    weights = change(copy.deepcopy(parts["model"].state_dict()))
    return {**parts, "checkpoint": parts["model"].load_state_dict(weights, strict=False)}


def without(prefix):
    return lambda weights: {k: v for k, v in weights.items() if not k.startswith(prefix)}


def last(layer):
    return program(model=Small(last=layer))


CASES = {
    # fault: [(broken, fixed), ...]
    "other-weights": [
        (optimizer_of_another_model, program),
        (optimizer_before_the_weights_were_replaced, program),
    ],
    "left-out": [(a_layer_left_out, program), (a_new_head_after_the_optimizer, program)],
    "frozen": [(everything_frozen, program)],
    "hidden-layers": [(layers_in_a_plain_list, layers_in_a_module_list)],
    "no-zero-grad": [
        (lambda: program(step=no_zero_grad), lambda: program(step=right_step)),
        (lambda: program(step=no_zero_grad), lambda: program(step=clears_by_hand)),
    ],
    "step-before-backward": [(lambda: program(step=steps_first), lambda: program(step=right_step))],
    "no-step": [(lambda: program(step=never_steps), lambda: program(step=right_step))],
    "no-backward": [(lambda: program(step=never_goes_back), lambda: program(step=right_step))],
    "cleared-too-late": [(lambda: program(step=clears_too_late), lambda: program(step=right_step))],
    "no-gradient": [(lambda: program(step=cuts_the_graph), lambda: program(step=right_step))],
    "reaches-past": [
        (lambda: {**outside, "step": Outside()}, lambda: program(step=right_step)),
    ],
    "graph-kept": [(lambda: program(train=adds_up_losses), lambda: program(train=right_loop))],
    "training-in-eval-mode": [
        (
            lambda: program(model=Small().eval(), train=never_back_in_training_mode),
            lambda: program(model=Small().eval(), train=right_loop),
        ),
        (
            lambda: program(train=never_back_in_training_mode, evaluate=right_evaluation),
            lambda: program(train=right_loop, evaluate=right_evaluation),
        ),
    ],
    "softmax-before-loss": [(lambda: last(nn.Softmax(dim=1)), program)],
    "log-softmax-before-loss": [
        (
            lambda: last(nn.LogSoftmax(dim=1)),
            lambda: {**last(nn.LogSoftmax(dim=1)), "loss_function": nn.NLLLoss()},
        )
    ],
    "sigmoid-before-loss": [(lambda: last(nn.Sigmoid()), program)],
    "relu-before-loss": [(lambda: last(nn.ReLU()), program)],
    "no-log-softmax": [(lambda: program(loss_function=nn.NLLLoss()), program)],
    "width": [
        (lambda: program(model=Small(classes=12)), program),
        (lambda: program(classes=["cat", "dog"]), lambda: program(classes=10)),
        (lambda: program(model=Small(classes=5), step=right_step), program),
    ],
    "label-range": [
        (lambda: data(normal, labels=lambda y: y + 1, model=Small(11)) | {"classes": 10}, program),
        (lambda: data(normal, labels=lambda y: y + 1), program),
    ],
    "label-type": [(lambda: data(normal, labels=lambda y: y.double()), lambda: data(normal))],
    "one-hot": [
        (lambda: data(normal, labels=lambda y: F.one_hot(y, 10).float()), lambda: data(normal)),
        (lambda: data(normal, labels=lambda y: F.one_hot(y, 10)), lambda: data(normal)),
    ],
    "evaluating-in-train-mode": [
        (
            lambda: program(evaluate=evaluates_in_training_mode),
            lambda: program(evaluate=right_evaluation),
        )
    ],
    "gradients-in-evaluation": [
        (
            lambda: program(evaluate=evaluates_with_gradients),
            lambda: program(evaluate=right_evaluation),
        )
    ],
    "evaluation-trains": [
        (lambda: program(evaluate=trains_on_the_judge), lambda: program(evaluate=right_evaluation))
    ],
    "accuracy-of-batches": [
        (lambda: program(evaluate=averages_batches), lambda: program(evaluate=right_evaluation)),
        (
            lambda: program(evaluate=averages_batches_and_cuts_off),
            lambda: program(evaluate=cuts_off),
        ),
    ],
    "loss-of-batches": [
        (lambda: program(evaluate=averages_losses), lambda: program(evaluate=right_evaluation))
    ],
    "bytes": [(lambda: data(lambda x: x.permute(0, 3, 1, 2).float()), lambda: data(normal))],
    "divided-twice": [
        (lambda: data(lambda x: x.permute(0, 3, 1, 2) / 255 / 255), lambda: data(normal))
    ],
    "not-normalised": [(lambda: data(lambda x: x.permute(0, 3, 1, 2) / 255), lambda: data(normal))],
    "normalised-twice": [
        (lambda: data(twice), lambda: data(normal)),
        (lambda: data(twice_by_their_own_numbers), lambda: data(by_their_own_numbers)),
    ],
    "differently-prepared": [
        (lambda: data(greyer), lambda: data(normal)),
    ],
    "images-not-finite": [(lambda: data(lambda x: normal(x) / 0), lambda: data(normal))],
    "channels-last": [
        (
            lambda: data(lambda x: x / 127.5 - 1, model=Flat()),
            lambda: data(normal, model=Flat()),
        )
    ],
    "channels-scrambled": [
        (lambda: data(lambda x: x.reshape(-1, 3, 32, 32) / 127.5 - 1), lambda: data(normal))
    ],
    "sideways": [
        (
            lambda: program(train_batches=DataLoader(split(transform=lying), 16, shuffle=True)),
            lambda: program(train_batches=DataLoader(split(transform=plain), 16, shuffle=True)),
        )
    ],
    "dtype": [
        (
            lambda: data(lambda x: normal(x).double()) | {"step": right_step},
            lambda: data(normal) | {"step": right_step},
        )
    ],
    "device": [
        (lambda: program(model=Small().to("meta"), step=right_step), program),
    ],
    "not-shuffled": [
        (lambda: program(train_batches=BatchLoader(split(), 16)), program),
        (
            lambda: program(train_batches=DataLoader(split(transform=plain), 16)),
            lambda: program(train_batches=DataLoader(split(transform=plain), 16, shuffle=True)),
        ),
        (
            lambda: program(train_batches=sorted_by_class()),
            lambda: program(train_batches=list(BatchLoader(split(), 16, shuffle=True))),
        ),
    ],
    "augmented": [
        (
            lambda: program(validation_batches=BatchLoader(split("test"), 25, augment=mirror)),
            lambda: program(train_batches=BatchLoader(split(), 16, shuffle=True, augment=mirror)),
        ),
        (
            lambda: program(validation_batches=DataLoader(ByName(split("test", Speckle())), 25)),
            lambda: program(validation_batches=DataLoader(ByName(split("test", plain)), 25)),
        ),
        (
            lambda: program(validation_batches=DataLoader(split("test", Speckle()), 25)),
            lambda: program(validation_batches=DataLoader(split("test", plain), 25)),
        ),
    ],
    "overlap": [(half_in_both, program), (some_in_both_behind_others, others_behind_others)],
    "worker-seeds": [
        (lambda: workers(same_seed), lambda: workers(seed_of_its_own)),
        (lambda: workers(transform=Speckle()), workers),
    ],
    "learning-rate-too-large": [(lambda: rate(100.0), lambda: rate(0.01))],
    "learning-rate-too-small": [
        (lambda: rate(1e-9), lambda: rate(0.01)),
        (lambda: rate(0.0), lambda: rate(0.01)),
    ],
    "loss-not-finite": [(lambda: program(model=Root()), program)],
    "gradient-not-finite": [(lambda: program(model=Norm()), program)],
    "dead-relu": [(dead, program)],
    "checkpoint-keys": [
        (lambda: loaded(without("conv")), lambda: loaded(without("nothing"))),
        (
            lambda: loaded(lambda weights: {f"module.{k}": v for k, v in weights.items()}),
            lambda: loaded(dict),
        ),
    ],
}


ROWS = [(kind, *pair) for kind, pairs in CASES.items() for pair in pairs]
IDS = [f"{kind}-{i}" for kind, pairs in CASES.items() for i in range(len(pairs))]


@pytest.mark.parametrize(("kind", "broken", "fixed"), ROWS, ids=IDS)
def test_a_fault_is_found_where_it_is_and_not_where_it_is_fixed(kind, broken, fixed):
    assert kind in kinds(broken)
    assert not kinds(fixed)


ALONE = {
    "another model's optimizer": (
        lambda: {**optimizer_of_another_model(), "train": right_loop},
        "other-weights",
    ),
    "a layer left out": (lambda: {**a_layer_left_out(), "train": right_loop}, "left-out"),
    "too few outputs": (lambda: program(model=Small(5), train=right_loop), "width"),
    "labels from 1": (lambda: data(normal, labels=lambda y: y + 1), "label-range"),
    "labels as floats": (lambda: data(normal, labels=lambda y: y.double()), "label-type"),
    "everything frozen": (everything_frozen, "frozen"),
    "every unit dead": (all_dead, "dead-relu"),
    "one-hot labels": (lambda: data(normal, labels=lambda y: F.one_hot(y, 10)), "one-hot"),
}


@pytest.mark.parametrize("name", ALONE)
def test_what_follows_from_a_fault_is_not_called_another(name):
    make, kind = ALONE[name]
    assert kinds(make) == {kind}


def test_a_training_of_all_epochs_is_asked_what_comes_after_the_evaluation():
    def all_epochs(model, batches, loss_function, optimizer):
        for _epoch in range(3):
            never_back_in_training_mode(model, batches, loss_function, optimizer)

    report = examine(**program(train=all_epochs, evaluate=right_evaluation))
    assert report.kinds == ("training-in-eval-mode",) and not report.faults
    assert "If it is called again after an evaluation" in str(report)
