"""Programs written before the doctor's rules were read: faults, and correct code that is unusual.

A faulty program takes ``right``: with it, the same program without its fault.
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from tests.doctor.programs import normal, prepared, program, right_evaluation, right_loop

FAULTY, CORRECT = {}, {}


def faulty(*kinds):
    """Register a program; ``kinds`` are the findings that name its fault."""

    def register(make):
        FAULTY[make.__name__] = (make, set(kinds))
        return make

    return register


def correct(make):
    CORRECT[make.__name__] = make
    return make


def cnn(last=10, act=nn.ReLU):
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), act(), nn.Conv2d(8, 12, 3, stride=2), act(),
        nn.Flatten(), nn.Linear(12 * 49, 32), act(), nn.Linear(32, last),
    )  # fmt: skip


class Parts(nn.Module):
    """A backbone and a head, joined by any function."""

    def __init__(self, forward, last=10):
        super().__init__()
        self.backbone, self.head = cnn(last)[:4], nn.Linear(12 * 49, last)
        self.joined = forward

    def forward(self, x):
        return self.joined(self, x)


@faulty("vanishing-gradient")
def sigmoids_in_ten_layers(right):
    layers = [nn.Flatten(), nn.Linear(3072, 32)]
    for _ in range(9):
        layers += [nn.ReLU() if right else nn.Sigmoid(), nn.Linear(32, 32)]
    return program(model=nn.Sequential(*layers, nn.ReLU(), nn.Linear(32, 10)), train=right_loop)


@faulty("learning-rate-zero")
def a_warm_up_that_nobody_steps(right):
    parts = program(model=cnn())
    scheduler = torch.optim.lr_scheduler.LambdaLR(parts["optimizer"], lambda n: min(1, n / 5))

    def train(model, batches, loss_function, optimizer):
        model.train()
        for images, labels in batches:
            if right:
                scheduler.step()
            optimizer.zero_grad()
            loss_function(model(images), labels).backward()
            optimizer.step()

    return parts | {"train": train}


@faulty("wrong-accuracy")
def labels_compared_by_broadcasting(right):
    def evaluate(model, batches):
        model.eval()
        hits = total = 0
        with torch.no_grad():
            for images, labels in batches:
                guess = model(images).argmax(1, keepdim=not right)
                hits += (guess == labels).float().mean().item() * len(labels)
                total += len(labels)
        return hits / total

    return program(evaluate=evaluate)


@faulty("first-batch-only", "wrong-accuracy")
def a_return_inside_the_loop(right):
    def evaluate(model, batches):
        model.eval()
        hits = total = 0
        with torch.no_grad():
            for images, labels in batches:
                hits += (model(images).argmax(1) == labels).sum().item()
                total += len(labels)
                if not right:
                    return hits / total
        return hits / total

    return program(evaluate=evaluate)


@faulty("no-gradient")
def a_backbone_under_no_grad(right):
    def forward(self, x):
        with torch.set_grad_enabled(right):
            x = self.backbone(x)
        return self.head(x.flatten(1))

    return program(model=Parts(forward))


@faulty("shapes-broadcast")
def targets_of_one_dimension_for_mse(right):
    def step(model, images, labels, loss_function, optimizer):
        optimizer.zero_grad()
        target = labels.float() / 10
        F.mse_loss(model(images), target[:, None] if right else target).backward()
        optimizer.step()

    return program(model=cnn(1), step=step)


@faulty("learning-rate-too-small")
def adam_with_a_learning_rate_of_1e_7(right):
    model = cnn()
    rate = 1e-3 if right else 1e-7
    return program(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=rate))


@faulty("active-in-eval")
def functional_dropout_that_is_always_on(right):
    def forward(self, x):
        x = F.dropout(self.backbone(x).flatten(1), 0.5, training=self.training or not right)
        return self.head(x)

    return program(model=Parts(forward), evaluate=right_evaluation)


@faulty("scheduler-per-batch")
def a_rate_halved_after_each_batch(right):
    parts = program(model=cnn())
    scheduler = torch.optim.lr_scheduler.ExponentialLR(parts["optimizer"], 0.5)

    def train(model, batches, loss_function, optimizer):
        model.train()
        for images, labels in batches:
            optimizer.zero_grad()
            loss_function(model(images), labels).backward()
            optimizer.step()
            if not right:
                scheduler.step()
        if right:
            scheduler.step()

    return parts | {"train": train}


@faulty("images-mixed")
def axes_swapped_before_flattening(right):
    def forward(self, x):
        x = self.backbone(x)
        return self.head((x if right else x.transpose(0, 1)).reshape(len(x), -1))

    return program(model=Parts(forward))


@faulty("out-of-step")
def images_reordered_without_their_labels(right):
    def train(model, batches, loss_function, optimizer):
        model.train()
        for images, labels in batches:
            order = torch.randperm(len(images))
            optimizer.zero_grad()
            target = labels[order] if right else labels
            loss_function(model(images[order]), target).backward()
            optimizer.step()

    return program(model=cnn(), train=train)


@faulty("frozen-not")
def a_freeze_that_freezes_nothing(right):
    parts = program(model=Parts(lambda self, x: self.head(self.backbone(x).flatten(1))))
    for weight in parts["model"].backbone.parameters():
        if right:
            weight.requires_grad = False
        else:
            weight.require_grad = False
    return parts


@faulty("module-repeated")
def one_block_three_times(right):
    def block():
        return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())

    blocks = [block() for _ in range(3)] if right else [block()] * 3
    ends = nn.Conv2d(3, 8, 3, stride=2), nn.Flatten(), nn.Linear(8 * 225, 10)
    return program(model=nn.Sequential(ends[0], *blocks, *ends[1:]))


@faulty("no-step")
def a_step_with_the_log_line(right):
    def train(model, batches, loss_function, optimizer):
        model.train()
        for number, (images, labels) in enumerate(batches):
            optimizer.zero_grad()
            loss = loss_function(model(images), labels)
            loss.backward()
            if right or number % 100 == 99:
                optimizer.step()

    return program(model=cnn(), train=train)


# ---------------------------------------------------------------- correct


@correct
def sharpness_aware_steps():
    def step(model, images, labels, loss_function, optimizer):
        optimizer.zero_grad()
        loss_function(model(images), labels).backward()
        kept = [p.detach().clone() for p in model.parameters()]
        with torch.no_grad():
            for p in model.parameters():
                p.add_(0.05 * p.grad / (p.grad.norm() + 1e-9))
        optimizer.zero_grad()
        loss_function(model(images), labels).backward()
        with torch.no_grad():
            for p, old in zip(model.parameters(), kept, strict=True):
                p.copy_(old)
        optimizer.step()

    return program(model=cnn(), step=step)


@correct
def an_optimizer_for_each_half():
    model = Parts(lambda self, x: self.head(self.backbone(x).flatten(1)))
    slow = torch.optim.SGD(model.backbone.parameters(), lr=0.003, momentum=0.9)
    quick = torch.optim.SGD(model.head.parameters(), lr=0.01, momentum=0.9)

    def train(model, batches, loss_function, optimizer):
        model.train()
        for images, labels in batches:
            slow.zero_grad()
            optimizer.zero_grad()
            loss_function(model(images), labels).backward()
            slow.step()
            optimizer.step()

    return program(model=model, optimizer=quick, train=train)


@correct
def an_evaluation_that_collects_lists():
    def evaluate(model, batches):
        model.eval()
        guesses, truths = [], []
        with torch.inference_mode():
            for images, labels in batches:
                guesses += model(images).softmax(1).max(1).indices.tolist()
                truths += labels.tolist()
        recalls = []
        for c in sorted(set(truths)):
            mine = [g == c for g, t in zip(guesses, truths, strict=True) if t == c]
            recalls.append(sum(mine) / len(mine))
        return {"balanced accuracy": sum(recalls) / len(recalls), "n": len(truths)}

    return program(model=cnn(), evaluate=evaluate)


@correct
def views_pulled_together():
    """A loss without labels that compares the images of a batch with each other, as in SimCLR."""

    def step(model, images, labels, loss_function, optimizer):
        one, two = (F.normalize(model(v), dim=1) for v in (images, images.flip(3)))
        optimizer.zero_grad()
        F.cross_entropy(one @ two.T / 0.2, torch.arange(len(images))).backward()
        optimizer.step()

    return program(model=cnn(16), step=step, validation_batches=None)


@correct
def an_autoencoder():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh()
    )

    def step(model, images, labels, loss_function, optimizer):
        optimizer.zero_grad()
        loss_function(model(images), images).backward()
        optimizer.step()

    adam = torch.optim.Adam(model.parameters(), 1e-3)
    return program(model=model, optimizer=adam, loss_function=nn.MSELoss(), step=step)


@correct
def logistic_regression_with_one_cycle():
    parts = program(model=nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)))
    steps = len(parts["train_batches"])
    cycle = torch.optim.lr_scheduler.OneCycleLR(parts["optimizer"], 0.01, total_steps=steps)

    def train(model, batches, loss_function, optimizer):
        for images, labels in batches:
            optimizer.zero_grad()
            loss_function(model(images), labels).backward()
            optimizer.step()
            cycle.step()

    return parts | {"train": train}


@correct
def two_classes_with_one_output():
    def step(model, images, labels, loss_function, optimizer):
        optimizer.zero_grad()
        loss_function(model(images).squeeze(1), labels.float()).backward()
        optimizer.step()

    def evaluate(model, batches):
        model.eval()
        hits = []
        with torch.no_grad():
            for images, labels in batches:
                hits.append(((model(images)[:, 0] > 0) == (labels == 1)).float())
        return torch.cat(hits).mean().item()

    images, labels = prepared(normal, labels=lambda y: y % 2).dataset.tensors
    return program(
        model=cnn(1), loss_function=nn.BCEWithLogitsLoss(), step=step, evaluate=evaluate,
        train_batches=DataLoader(TensorDataset(images[:180], labels[:180]), 16, shuffle=True),
        validation_batches=DataLoader(TensorDataset(images[180:], labels[180:]), 25),
    )  # fmt: skip


@correct
def a_moving_average_is_evaluated():
    parts = program()
    average = copy.deepcopy(parts["model"]).requires_grad_(False)

    def train(model, batches, loss_function, optimizer):
        model.train()
        for images, labels in batches:
            optimizer.zero_grad()
            loss_function(model(images), labels).backward()
            optimizer.step()
            for slow, quick in zip(
                average.state_dict().values(), model.state_dict().values(), strict=True
            ):
                slow.copy_(slow * 0.9 + quick * 0.1)

    return parts | {"train": train}


@correct
def an_evaluation_over_two_views():
    def evaluate(model, batches):
        model.eval()
        hits = total = 0
        with torch.no_grad():
            for images, labels in batches:
                scores = sum(model(v).softmax(1) for v in (images, images.flip(3)))
                hits += int((scores.argmax(1) == labels).sum())
                total += labels.numel()
        print(f"{hits} of {total}")
        return 100 * hits / total

    return program(evaluate=evaluate)


@correct
def max_pooling_is_all_that_bends():
    model = nn.Sequential(
        nn.Conv2d(3, 12, 5), nn.MaxPool2d(4), nn.Conv2d(12, 16, 3), nn.Flatten(),
        nn.Linear(400, 10),
    )  # fmt: skip
    return program(model=model)


@correct
def rare_classes_drawn_more_often():
    data = prepared(normal).dataset
    counts = data.tensors[1].bincount()
    sampler = WeightedRandomSampler((1 / counts)[data.tensors[1]], len(data))
    model = cnn()
    loader = DataLoader(data, 16, sampler=sampler, drop_last=True)
    return program(model=model, train_batches=loader, train=right_loop)


@correct
def a_mixture_of_pairs_with_soft_targets():
    def step(model, images, labels, loss_function, optimizer):
        share = torch.distributions.Beta(0.4, 0.4).sample()
        order = torch.randperm(len(images))
        soft = F.one_hot(labels, 10).float()
        optimizer.zero_grad()
        mixed = share * images + (1 - share) * images[order]
        loss_function(model(mixed), share * soft + (1 - share) * soft[order]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()

    return program(model=cnn(), step=step)


@correct
def a_small_set_of_its_own_kind():
    """Few images, batches of one kind of tensor each, labels of 32 bits turned in the loop."""
    images, labels = prepared(normal).dataset.tensors
    data = DataLoader(TensorDataset(images[:40], labels[:40].int()), 8, shuffle=True)

    def train(model, batches, loss_function, optimizer):
        for images, labels in batches:
            loss = loss_function(model(images), labels.long())
            for weight in model.parameters():
                weight.grad = None
            loss.backward()
            optimizer.step()

    return program(model=cnn(), train_batches=data, validation_batches=None, train=train)
