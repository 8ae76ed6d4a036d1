"""Correct programs of many kinds, in which the doctor must find nothing; and what it asks about."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, Subset, TensorDataset

from labkit.data.loaders import BatchLoader
from labkit.doctor import examine
from labkit.model import Net
from labkit.training import Run, evaluate, train_epoch, train_step
from labkit.training.live import LiveRun
from tests.doctor.programs import (
    ByName,
    Small,
    mirror,
    normal,
    pictures,
    plain,
    prepared,
    program,
    right_evaluation,
    right_loop,
    right_step,
    split,
)


def accumulating(every):
    def train(model, batches, loss_function, optimizer):
        model.train()
        optimizer.zero_grad()
        for number, (images, labels) in enumerate(batches, start=1):
            (loss_function(model(images), labels) / every).backward()
            if number % every == 0:
                optimizer.step()
                optimizer.zero_grad()

    return train


def accumulating_losses(model, batches, loss_function, optimizer):
    model.train()
    total = 0.0
    for number, (images, labels) in enumerate(batches, start=1):
        total = total + loss_function(model(images), labels) / 3
        if number % 3 == 0:
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            total = 0.0


def clipping(model, images, labels, loss_function, optimizer):
    optimizer.zero_grad(set_to_none=False)
    loss_function(model(images), labels).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def mixed_precision():
    scaler = torch.amp.GradScaler("cpu")

    def step(model, images, labels, loss_function, optimizer):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_function(model(images), labels)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()

    return program(step=step)


def warming_up():
    parts = program()
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        parts["optimizer"], max_lr=0.1, total_steps=1_000, div_factor=1e9
    )

    def train(model, batches, loss_function, optimizer):
        model.train()
        for images, labels in batches:
            right_step(model, images, labels, loss_function, optimizer)
            scheduler.step()

    return {**parts, "train": train}


def a_script_without_arguments():
    parts = program()
    model, optimizer, criterion = parts["model"], parts["optimizer"], parts["loss_function"]
    train_batches, validation_batches = parts["train_batches"], parts["validation_batches"]
    losses = []

    def train():
        for _epoch in range(2):
            model.train()
            for images, labels in train_batches:
                right_step(model, images, labels, criterion, optimizer)
                losses.append(criterion(model(images), labels).item())

    def judge():
        return right_evaluation(model, validation_batches)

    return {**parts, "train": train, "evaluate": judge}


class Trainer:
    def __init__(self, model, optimizer):
        self.model, self.optimizer, self.losses = model, optimizer, []

    def step(self, model, images, labels, loss_function, optimizer):
        loss = right_step(self.model, images, labels, loss_function, self.optimizer)
        self.losses.append(loss.item())
        return loss


def a_trainer_object():
    parts = program()
    return {**parts, "step": Trainer(parts["model"], parts["optimizer"]).step}


def second_order(model, images, labels, loss_function, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = loss_function(model(images), labels)
        loss.backward()
        return loss

    optimizer.step(closure)


def lbfgs():
    model = Net(10)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=2)
    return program(model=model, optimizer=optimizer, step=second_order)


def adam(**options):
    model = Small()
    groups = [{"params": model.conv.parameters(), "lr": 1e-4}, {"params": model.norm.parameters()}]
    groups.append({"params": model.head.parameters()})
    return program(model=model, optimizer=torch.optim.AdamW(groups, lr=1e-3), **options)


def functional_loss(model, images, labels, loss_function, optimizer):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)
    loss.backward()
    optimizer.step()
    return loss.item()


def keeps_the_last_loss(model, batches, loss_function, optimizer):
    model.train()
    before = None
    for images, labels in batches:
        loss = right_step(model, images, labels, loss_function, optimizer)
        if before is not None and loss > before:
            pass
        before = loss
    return before


def validates_inside(model, batches, loss_function, optimizer):
    right_loop(model, batches, loss_function, optimizer)
    return evaluate(model, batches).accuracy


def mixed_labels():
    def mixed(batch):
        images, labels = torch.utils.data.default_collate(batch)
        soft = F.one_hot(labels, 10).float()
        return 0.7 * images + 0.3 * images.flip(0), 0.7 * soft + 0.3 * soft.flip(0)

    loader = DataLoader(split(transform=plain), 16, shuffle=True, collate_fn=mixed)
    return program(train_batches=loader)


def several_answers():
    """Labels of several answers, some with one answer alone, and the loss that is made for them."""
    return program(
        train_batches=prepared(normal, labels=lambda y: F.one_hot(y, 10).float()),
        loss_function=nn.BCEWithLogitsLoss(),
        validation_batches=None,
        step=right_step,
    )


def one_cycle():
    parts = program()
    schedule = torch.optim.lr_scheduler.OneCycleLR(parts["optimizer"], 0.1, total_steps=500)

    def step(model, images, labels, loss_function, optimizer):
        right_step(model, images, labels, loss_function, optimizer)
        schedule.step()

    return {**parts, "step": step}


def a_step_down_each_epoch():
    parts = program()
    schedule = torch.optim.lr_scheduler.StepLR(parts["optimizer"], 1, gamma=0.1)

    def epochs(model, batches, loss_function, optimizer):
        for _epoch in range(3):
            right_loop(model, batches, loss_function, optimizer)
            schedule.step()

    return {**parts, "train": epochs}


def an_average_beside_it():
    parts = program()
    average = torch.optim.swa_utils.AveragedModel(parts["model"])

    def step(model, images, labels, loss_function, optimizer):
        right_step(model, images, labels, loss_function, optimizer)
        average.update_parameters(model)

    return {**parts, "step": step}


def moved_to(device):
    def step(model, images, labels, loss_function, optimizer):
        model.to(device).train()
        images, labels = images.to(device), labels.to(device)
        return train_step(model, images, labels, loss_function, optimizer)

    return step


def probabilities_with_nll():
    return program(model=Small(last=nn.LogSoftmax(dim=1)), loss_function=nn.NLLLoss())


def live():
    parts = program()
    run = Run(
        parts["model"],
        parts["train_batches"],
        parts["validation_batches"],
        parts["optimizer"],
        epochs=1,
    )
    LiveRun(run)
    return {**parts, "train": train_epoch, "evaluate": evaluate}


def trained(epochs=15):
    parts = program(model=Net(10), train_batches=BatchLoader(split(), 16, shuffle=True))
    parts["optimizer"] = torch.optim.SGD(parts["model"].parameters(), lr=0.05, momentum=0.9)
    for _epoch in range(epochs):
        train_epoch(
            parts["model"], parts["train_batches"], parts["loss_function"], parts["optimizer"]
        )
    return {**parts, "train": train_epoch, "evaluate": evaluate}


def double():
    model = Small().double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return program(
        model=model,
        optimizer=optimizer,
        train_batches=prepared(lambda images: normal(images).double()),
        validation_batches=None,
    )


class Stream(IterableDataset):
    def __iter__(self):
        order = torch.randperm(len(pictures.train_labels)).tolist()
        return ((plain(pictures.train_images[i]), int(pictures.train_labels[i])) for i in order)


def with_loader(*arguments, **options):
    return program(train_batches=DataLoader(split(transform=plain), *arguments, **options))


class Leaky(nn.Module):
    """Layers with their own graph left on them, and one used twice."""

    def __init__(self):
        super().__init__()
        self.net, self.last = Small(), None

    def forward(self, x):
        self.last = self.net(x)
        return self.last


def a_graph_left_on_the_model():
    model = Leaky()
    model(torch.zeros(2, 3, 32, 32))
    return program(model=model, step=right_step)


def model_and_optimizer():
    parts = program()
    return {"model": parts["model"], "optimizer": parts["optimizer"]}


class InTwos(torch.utils.data.Sampler):
    def __iter__(self):
        return iter(torch.randperm(240).view(-1, 16).tolist())

    def __len__(self):
        return 15


def numbers_and_not_pictures():
    torch.manual_seed(0)
    rows, prices = 50 + 20 * torch.randn(200, 5), torch.randn(200, 1)
    model = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 1))
    return {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.01),
        "loss_function": nn.MSELoss(),
        "train_batches": DataLoader(TensorDataset(rows, prices), 16, shuffle=True),
    }


def batches_by_name():
    def named(batch):
        images, labels = torch.utils.data.default_collate(batch)
        return {"images": images, "labels": labels}

    def train(model, batches, loss_function, optimizer):
        model.train()
        for batch in batches:
            right_step(model, batch["images"], batch["labels"], loss_function, optimizer)

    loader = DataLoader(split(transform=plain), 16, shuffle=True, collate_fn=named)
    return program(train_batches=loader, train=train)


def many_epochs(model, batches, loss_function, optimizer):
    for _epoch in range(1_000_000):
        try:
            right_loop(model, batches, loss_function, optimizer)
        except Exception as error:
            raise AssertionError("a loop of their own must not see how it is ended") from error


def takes_the_next_batch(model, batches, loss_function, optimizer):
    source = iter(batches)
    for _step in range(1_000_000):
        right_step(model, *next(source), loss_function, optimizer)


def steps_once_before(model, batches, loss_function, optimizer):
    optimizer.step()  # keeps a scheduler from warning
    right_loop(model, batches, loss_function, optimizer)


CORRECT = {
    "nothing but a model": lambda: {"model": Small()},
    "a model and its optimizer": model_and_optimizer,
    "no code at hand": program,
    "the five lines": lambda: program(step=train_step),
    "our loop and evaluation": lambda: program(train=train_epoch, evaluate=evaluate),
    "a plain loop": lambda: program(train=right_loop, evaluate=right_evaluation),
    "a live run": live,
    "a trained network": trained,
    "the workshop's recipe": lambda: program(
        model=Net(10), train_batches=BatchLoader(split(), 4, shuffle=True), step=train_step
    ),
    "accumulation over 4": lambda: program(train=accumulating(4)),
    "accumulation over 32": lambda: program(
        train_batches=BatchLoader(split(), 4, shuffle=True), train=accumulating(32)
    ),
    "many epochs": lambda: program(train=many_epochs),
    "the next batch": lambda: program(train=takes_the_next_batch),
    "a step before the first": lambda: program(train=steps_once_before),
    "accumulated losses": lambda: program(train=accumulating_losses),
    "clipping": lambda: program(step=clipping),
    "mixed precision": mixed_precision,
    "a scheduler that warms up": warming_up,
    "a script without arguments": a_script_without_arguments,
    "a trainer object": a_trainer_object,
    "LBFGS": lbfgs,
    "Adam with groups": adam,
    "a loss of its own": lambda: program(step=functional_loss),
    "the last loss kept": lambda: program(train=keeps_the_last_loss),
    "validation in the loop": lambda: program(train=validates_inside),
    "many passes of evaluation": lambda: program(
        evaluate=lambda model, batches: [right_evaluation(model, batches) for _ in range(9)][0]
    ),
    "mixed labels": mixed_labels,
    "several answers": several_answers,
    "smoothed labels": lambda: program(
        loss_function=nn.CrossEntropyLoss(label_smoothing=0.1), train=right_loop
    ),
    "one cycle": one_cycle,
    "a step down each epoch": a_step_down_each_epoch,
    "an average beside it": an_average_beside_it,
    "moved in the step": lambda: program(step=moved_to("cpu")),
    "log-softmax and NLLLoss": probabilities_with_nll,
    "float64": double,
    "augmented training": lambda: program(
        train_batches=BatchLoader(split(), 16, shuffle=True, augment=mirror)
    ),
    "DataLoader with workers": lambda: with_loader(16, shuffle=True, num_workers=2),
    "DataLoader with a sampler": lambda: with_loader(
        16, sampler=RandomSampler(range(240), replacement=True, num_samples=100)
    ),
    "DataLoader with a generator": lambda: with_loader(
        16, shuffle=True, generator=torch.Generator().manual_seed(3)
    ),
    "DataLoader with a batch sampler": lambda: with_loader(batch_sampler=InTwos()),
    "batches by name": batches_by_name,
    "items by name": lambda: program(
        validation_batches=DataLoader(ByName(split("test", plain)), 25)
    ),
    "numbers and not pictures": numbers_and_not_pictures,
    "a stream": lambda: program(train_batches=DataLoader(Stream(), 16)),
    "a list of batches": lambda: program(
        train_batches=list(BatchLoader(split(), 16, shuffle=True)), step=train_step
    ),
    "parts of one set": lambda: program(
        train_batches=BatchLoader(Subset(split(), range(0, 240, 2)), 16, shuffle=True),
        validation_batches=BatchLoader(Subset(split(), range(1, 240, 2)), 16),
    ),
    "a graph left on the model": a_graph_left_on_the_model,
    "a compiled model": lambda: program(model=torch.compile(Small()), step=right_step),
    "no optimizer yet": lambda: program(optimizer=None),
}


@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_program_gets_no_finding(name):
    report = examine(**CORRECT[name]())
    assert report.findings == (), str(report)


def frozen_backbone():
    model = Small()
    model.conv.requires_grad_(False)
    return program(
        model=model,
        optimizer=torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01),
        step=right_step,
    )


def head_alone_in_the_optimizer():
    model = Small()
    return program(model=model, optimizer=torch.optim.SGD(model.head.parameters(), lr=0.01))


def new_head(parts):
    weights = {name: p for name, p in parts["model"].state_dict().items() if "head" not in name}
    return {**parts, "checkpoint": weights}


ASKED = {
    "frozen": frozen_backbone,
    "left-out": head_alone_in_the_optimizer,
    "checkpoint-keys": lambda: new_head(program()),
    "not-normalised": lambda: program(
        train_batches=prepared(lambda x: x.permute(0, 3, 1, 2) / 255), validation_batches=None
    ),
    "training-in-eval-mode": lambda: program(model=Net(10).eval(), step=train_step),
    "evaluating-in-train-mode": lambda: program(
        model=Net(10),
        evaluate=torch.no_grad()(lambda model, batches: [model(x) for x, _ in batches]),
    ),
}


@pytest.mark.parametrize("kind", ASKED)
def test_what_may_be_on_purpose_is_asked_and_not_called_a_fault(kind):
    report = examine(**ASKED[kind]())
    assert report.kinds == (kind,) and not report.faults
    assert str(report).startswith("The doctor found no fault, and has 1 question.")


def test_a_fresh_network_of_two_classes_has_no_sigmoid_though_all_its_logits_are_above_0():
    model = Net(classes=2)
    nn.init.constant_(model.fc3.bias, 0.1)
    both = split()
    both.classes = both.classes[:2]
    keep = np.flatnonzero(np.asarray(both.targets) < 2)
    both.data, both.targets = both.data[keep], np.asarray(both.targets)[keep].tolist()
    batches = BatchLoader(both, 16, shuffle=True)
    report = examine(**program(model=model, train_batches=batches, validation_batches=None))
    assert report.kinds == ()


def test_pictures_of_noise_are_not_called_scrambled():
    noise = np.random.default_rng(0).normal(size=(240, 3, 32, 32)).astype("float32")
    parts = program(train_batches=prepared(lambda _: torch.from_numpy(noise)))
    assert not examine(**{**parts, "validation_batches": None}).findings


def test_an_evaluation_that_asks_the_data_set_for_its_classes_is_run():
    def judge(model, batches):
        hits = dict.fromkeys(batches.dataset.classes, 0)
        model.eval()
        with torch.no_grad():
            for images, labels in batches:
                for label in labels[model(images).argmax(1) == labels].tolist():
                    hits[batches.dataset.classes[label]] += 1
        assert len(batches.dataset.targets) == len(batches.dataset) > sum(hits.values())
        return sum(hits.values()) / len(batches.dataset)

    assert not examine(**program(evaluate=judge)).findings
