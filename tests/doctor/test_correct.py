"""Correct programs of many kinds, in which the doctor must find nothing; and what it asks about.

The last ones were written before the doctor's rules were read, or came close to being accused.
"""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, lr_scheduler
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.utils.data import (
    DataLoader,
    IterableDataset,
    RandomSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from labkit.data.loaders import BatchLoader
from labkit.doctor import examine
from labkit.model import Net
from labkit.training import Run, evaluate, train_epoch, train_step
from labkit.training.live import LiveRun
from tests.doctor.programs import (
    BACK,
    CLEAR,
    FIRST,
    LOOP,
    STEP,
    Items,
    Parts,
    Small,
    by_name,
    cnn,
    images,
    judges,
    labels,
    loader,
    mirror,
    normal,
    one_number,
    pictures,
    plain,
    prepared,
    program,
    right_evaluation,
    right_loop,
    right_step,
    split,
    trains,
)

CLIP = "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"


def small(*edits, **known):
    """Return a program with a training loop, changed by edits, for a network with two modes."""
    return trains(*edits, parts=program(), **known)


def accumulating(every, size=16):
    batches = BatchLoader(split(), size, shuffle=True)
    step = f"        if examples % {every * size} == {(every - 1) * size}:\n    {STEP}    {CLEAR}"
    edits = (FIRST, FIRST + CLEAR[4:], CLEAR, "", "loss.backward", f"(loss / {every}).backward")
    return trains(*edits, STEP, step, parts=program(train_batches=batches))


def accumulated_losses(model, batches, loss_function, optimizer):
    model.train()
    total = 0.0
    for number, (x, y) in enumerate(batches, start=1):
        total = total + loss_function(model(x), y) / 3
        if number % 3 == 0:
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            total = 0.0


def mixed_precision():
    half = "        with torch.autocast('cpu', dtype=torch.bfloat16):\n            outputs"
    unscale = "        scaler.unscale_(optimizer)\n" + CLIP
    step = "        scaler.step(optimizer)\n        scaler.update()\n"
    edits = ("        outputs", half, "loss.backward", "scaler.scale(loss).backward")
    return small(*edits, STEP, unscale + step, scaler=torch.amp.GradScaler("cpu"))


def scheduled(schedule, place=STEP, **options):
    parts = program()
    known = {"scheduler": schedule(parts["optimizer"], **options)}
    return trains(place, place + "        scheduler.step()\n", parts=parts, **known)


def a_script_without_arguments():
    parts = program()
    model, optimizer, criterion = parts["model"], parts["optimizer"], parts["loss_function"]
    losses = []

    def train():
        for _epoch in range(2):
            model.train()
            for x, y in parts["train_batches"]:
                right_step(model, x, y, criterion, optimizer)
                losses.append(criterion(model(x), y).item())

    def judge():
        return right_evaluation(model, parts["validation_batches"])

    return {**parts, "train": train, "evaluate": judge}


class Trainer:
    def __init__(self, model, optimizer):
        self.model, self.optimizer, self.losses = model, optimizer, []

    def step(self, model, x, y, loss_function, optimizer):
        loss = right_step(self.model, x, y, loss_function, self.optimizer)
        self.losses.append(loss.item())
        return loss


def a_trainer_object():
    parts = program()
    return {**parts, "step": Trainer(parts["model"], parts["optimizer"]).step}


def lbfgs():
    def step(model, x, y, loss_function, optimizer):
        def closure():
            optimizer.zero_grad()
            loss = loss_function(model(x), y)
            loss.backward()
            return loss

        optimizer.step(closure)

    model = Net(10)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=2)
    return program(model=model, optimizer=optimizer, step=step)


def adam_with_groups():
    model = Small()
    groups = [{"params": model.conv.parameters(), "lr": 1e-4}, {"params": model.norm.parameters()}]
    groups.append({"params": model.head.parameters()})
    return program(model=model, optimizer=torch.optim.AdamW(groups, lr=1e-3))


def mixed_labels():
    def mixed(batch):
        x, y = torch.utils.data.default_collate(batch)
        soft = F.one_hot(y, 10).float()
        return 0.7 * x + 0.3 * x.flip(0), 0.7 * soft + 0.3 * soft.flip(0)

    return with_loader(16, shuffle=True, collate_fn=mixed)


def several_answers():
    """Labels of several answers, some with one answer alone, and the loss that is made for them."""
    batches = prepared(normal, labels=lambda y: F.one_hot(y, 10).float())
    loss = nn.BCEWithLogitsLoss()
    return program(
        train_batches=batches, loss_function=loss, validation_batches=None, step=right_step
    )


def a_step_down_each_epoch():
    parts = program()
    schedule = lr_scheduler.StepLR(parts["optimizer"], 1, gamma=0.1)

    def epochs(model, batches, loss_function, optimizer):
        for _epoch in range(3):
            right_loop(model, batches, loss_function, optimizer)
            schedule.step()

    return {**parts, "train": epochs}


def an_average_beside_it():
    parts = program()
    average = torch.optim.swa_utils.AveragedModel(parts["model"])
    update = "        average.update_parameters(model)\n"
    return trains(STEP, STEP + update, parts=parts, average=average)


def live():
    parts = program()
    loaders = parts["train_batches"], parts["validation_batches"]
    LiveRun(Run(parts["model"], *loaders, parts["optimizer"], epochs=1))
    return {**parts, "train": train_epoch, "evaluate": evaluate}


def a_trained_network():
    model = Net(10)
    sgd = SGD(model.parameters(), lr=0.05, momentum=0.9)
    parts = program(model=model, optimizer=sgd, train=train_epoch, evaluate=evaluate)
    for _epoch in range(15):
        train_epoch(model, parts["train_batches"], parts["loss_function"], sgd)
    return parts


def double():
    model = Small().double()
    return program(
        model=model,
        optimizer=SGD(model.parameters(), lr=0.01),
        train_batches=prepared(lambda x: normal(x).double()),
        validation_batches=None,
    )


class Stream(IterableDataset):
    def __iter__(self):
        order = torch.randperm(len(pictures.train_labels)).tolist()
        return ((plain(pictures.train_images[i]), int(pictures.train_labels[i])) for i in order)


def with_loader(*arguments, **options):
    return program(train_batches=DataLoader(split(transform=plain), *arguments, **options))


class Leaky(nn.Module):
    """Leaves the graph of its last output on itself."""

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


class InTwos(torch.utils.data.Sampler):
    def __iter__(self):
        return iter(torch.randperm(240).view(-1, 16).tolist())

    def __len__(self):
        return 15


def numbers_and_not_pictures():
    torch.manual_seed(0)
    rows, prices = 50 + 20 * torch.randn(200, 5), torch.randn(200, 1)
    model = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 1))
    return program(
        model=model,
        optimizer=SGD(model.parameters(), lr=0.01),
        loss_function=nn.MSELoss(),
        train_batches=loader(rows, prices),
        validation_batches=None,
    )


def batches_by_name():
    def named(batch):
        return dict(zip(("x", "y"), torch.utils.data.default_collate(batch), strict=True))

    batch = LOOP.replace("images, labels", "batch") + "        images, labels = batch.values()\n"
    return trains(LOOP, batch, parts=with_loader(16, shuffle=True, collate_fn=named))


def many_epochs(model, batches, loss_function, optimizer):
    for _epoch in range(1_000_000):
        try:
            right_loop(model, batches, loss_function, optimizer)
        except Exception as error:
            raise AssertionError("a loop of their own must not see how it is ended") from error


def two_samplers():
    data, halves = TensorDataset(images, labels), (range(160), range(160, 240))
    train, judge = (DataLoader(data, 16, sampler=SubsetRandomSampler(half)) for half in halves)
    return program(train_batches=train, validation_batches=judge)


def halves_of_one_set():
    halves = (Subset(split(), range(start, 240, 2)) for start in (0, 1))
    train, judge = (BatchLoader(half, 16, shuffle=True) for half in halves)
    return program(train_batches=train, validation_batches=judge)


def counted_by_name(model, batches):
    """Evaluate with the class names and the length of the data set."""
    hits = dict.fromkeys(batches.dataset.classes, 0)
    model.eval()
    with torch.no_grad():
        for x, y in batches:
            for label in y[model(x).argmax(1) == y].tolist():
                hits[batches.dataset.classes[label]] += 1
    assert len(batches.dataset.targets) == len(batches.dataset) > sum(hits.values())
    return sum(hits.values()) / len(batches.dataset)


def two_classes_without_a_negative_logit():
    model = Net(classes=2)
    nn.init.constant_(model.fc3.bias, 0.1)
    both = split()
    both.classes = both.classes[:2]
    keep = np.flatnonzero(np.asarray(both.targets) < 2)
    both.data, both.targets = both.data[keep], np.asarray(both.targets)[keep].tolist()
    batches = BatchLoader(both, 16, shuffle=True)
    return program(model=model, train_batches=batches, validation_batches=None)


def noise():
    x = np.random.default_rng(0).normal(size=(240, 3, 32, 32)).astype("float32")
    batches = prepared(lambda _: torch.from_numpy(x))
    return program(train_batches=batches, validation_batches=None)


def clearing_by_hand():
    each = "        for p in model.parameters():\n            p.grad.zero_()\n"
    return small(CLEAR, "", STEP, STEP + each)


class Wrapper(torch.optim.Optimizer):
    """Steps another optimizer; never calls super().__init__(), so it has no state_dict()."""

    def __init__(self, inner):
        self.inner, self.param_groups, self.state = inner, inner.param_groups, inner.state
        self.defaults = inner.defaults

    def step(self, closure=None):
        return self.inner.step(closure)

    def zero_grad(self, set_to_none=True):
        self.inner.zero_grad(set_to_none)


def wrapped_optimizer():
    model = Small()
    return program(
        model=model, optimizer=Wrapper(SGD(model.parameters(), lr=0.01)), step=right_step
    )


CORRECT = {
    "nothing but a model": lambda: {"model": Small()},
    "a model and its optimizer": lambda: {
        k: v for k, v in program().items() if k in ("model", "optimizer")
    },
    "no code at hand": program,
    "the five lines": lambda: program(step=train_step),
    "our loop and evaluation": lambda: program(train=train_epoch, evaluate=evaluate),
    "a plain loop": lambda: program(train=right_loop, evaluate=right_evaluation),
    "a live run": live,
    "a trained network": a_trained_network,
    "the workshop's recipe": lambda: program(
        model=Net(10), train_batches=BatchLoader(split(), 4, shuffle=True), step=train_step
    ),
    "accumulation over 4": lambda: accumulating(4),
    "accumulation over 32": lambda: accumulating(32, 4),
    "gradients cleared by hand": clearing_by_hand,
    "many epochs": lambda: program(train=many_epochs),
    "the next batch": lambda: small(
        FIRST,
        FIRST + "    source = iter(batches)\n",
        LOOP,
        "    for _ in range(10**6):\n        images, labels = next(source)\n",
    ),
    "a step before the first": lambda: small(FIRST, FIRST + STEP[4:]),  # for a scheduler
    "accumulated losses": lambda: program(train=accumulated_losses),
    "clipping": lambda: small(STEP, CLIP + STEP, "zero_grad()", "zero_grad(set_to_none=False)"),
    "mixed precision": mixed_precision,
    "a scheduler that warms up": lambda: scheduled(
        lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=1_000, div_factor=1e9
    ),
    "a script without arguments": a_script_without_arguments,
    "a trainer object": a_trainer_object,
    "LBFGS": lbfgs,
    "Adam with groups": adam_with_groups,
    "a loss of its own": lambda: small(
        "loss_function(outputs, labels)", "F.cross_entropy(outputs, labels, label_smoothing=0.1)"
    ),
    "the last loss kept": lambda: small(CLEAR, CLEAR + "        before = loss if total else 0\n"),
    "validation in the loop": lambda: small(
        "    return", "    evaluate(model, batches)\n    return", evaluate=evaluate
    ),
    "many passes of evaluation": lambda: program(
        evaluate=lambda model, batches: [right_evaluation(model, batches) for _ in range(9)][0]
    ),
    "mixed labels": mixed_labels,
    "several answers": several_answers,
    "smoothed labels": lambda: program(
        loss_function=nn.CrossEntropyLoss(label_smoothing=0.1), train=right_loop
    ),
    "one cycle": lambda: scheduled(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=500),
    "a step down each epoch": a_step_down_each_epoch,
    "an average beside it": an_average_beside_it,
    "moved in the step": lambda: small(
        LOOP, LOOP + "        images, labels = images.to('cpu'), labels.to('cpu')\n"
    ),
    "log-softmax and NLLLoss": lambda: program(
        model=Small(last=nn.LogSoftmax(dim=1)), loss_function=nn.NLLLoss()
    ),
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
        validation_batches=DataLoader(by_name(split("test", plain)), 25)
    ),
    "numbers and not pictures": numbers_and_not_pictures,
    "a stream": lambda: program(train_batches=DataLoader(Stream(), 16)),
    "a list of batches": lambda: program(
        train_batches=list(BatchLoader(split(), 16, shuffle=True)), step=train_step
    ),
    "halves of one set": halves_of_one_set,
    "two samplers that share no image": two_samplers,
    "a graph left on the model": a_graph_left_on_the_model,
    "a compiled model": lambda: program(model=torch.compile(Small()), step=right_step),
    "no optimizer yet": lambda: program(optimizer=None),
    "an optimizer around another": wrapped_optimizer,
    "an evaluation that asks the data set": lambda: program(evaluate=counted_by_name),
    "two classes without a negative logit": two_classes_without_a_negative_logit,
    "pictures of noise": noise,
}


@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_program_gets_no_finding(name):
    report = examine(**CORRECT[name]())
    assert report.findings == (), str(report)


def frozen_backbone():
    model = Small()
    model.conv.requires_grad_(False)
    learning = [p for p in model.parameters() if p.requires_grad]
    return program(model=model, optimizer=SGD(learning, lr=0.01), step=right_step)


def head_alone_in_the_optimizer():
    model = Small()
    return program(model=model, optimizer=SGD(model.head.parameters(), lr=0.01))


def new_head():
    parts = program()
    weights = {name: p for name, p in parts["model"].state_dict().items() if "head" not in name}
    return {**parts, "checkpoint": weights}


def test_a_backbone_frozen_in_evaluation_mode_is_asked_for_and_not_accused():
    body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten())
    model = nn.Sequential(body.requires_grad_(False), nn.Linear(8 * 15 * 15, 10)).eval()
    head = SGD(model[1].parameters(), lr=0.01)
    report = examine(**trains(FIRST, "", parts=program(model=model, optimizer=head)))
    assert report.kinds == ("frozen",) and not report.faults, str(report)


ASKED = {
    "frozen": frozen_backbone,
    "left-out": head_alone_in_the_optimizer,
    "checkpoint-keys": new_head,
    "not-shuffled": lambda: program(train_batches=BatchLoader(split(), 16)),
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


# ------------------------------------------------------------- unusual, or close to a fault


def sharpness_aware_steps():
    there = """
        kept = [p.detach().clone() for p in model.parameters()]
        with torch.no_grad():
            for p in model.parameters():
                p.add_(0.05 * p.grad / (p.grad.norm() + 1e-9))
        optimizer.zero_grad()
        loss_function(model(images), labels).backward()
        with torch.no_grad():
            for p, old in zip(model.parameters(), kept):
                p.copy_(old)
"""
    return trains(BACK, BACK + there)


def an_optimizer_for_each_half():
    model = Parts()
    slow = SGD(model.backbone.parameters(), lr=0.003, momentum=0.9)
    quick = SGD(model.head.parameters(), lr=0.01, momentum=0.9)
    both = CLEAR + CLEAR.replace("optimizer", "slow"), STEP + STEP.replace("optimizer", "slow")
    parts = program(model=model, optimizer=quick)
    return trains(CLEAR, both[0], STEP, both[1], parts=parts, slow=slow)


def an_evaluation_that_collects_lists():
    def evaluate(model, batches):
        model.eval()
        guesses, truths, recalls = [], [], []
        with torch.inference_mode():
            for x, y in batches:
                guesses += model(x).softmax(1).max(1).indices.tolist()
                truths += y.tolist()
        for c in sorted(set(truths)):
            mine = [g == c for g, t in zip(guesses, truths, strict=True) if t == c]
            recalls.append(sum(mine) / len(mine))
        return {"balanced accuracy": sum(recalls) / len(recalls), "n": len(truths)}

    return program(model=cnn(), evaluate=evaluate)


def views_pulled_together():
    """A loss without labels that compares the images of a batch with each other, as in SimCLR."""
    views = "one, two = (F.normalize(model(v), dim=1) for v in (images, images.flip(3)))"
    loss = "F.cross_entropy(one @ two.T / 0.2, torch.arange(len(images)))"
    edits = ("outputs = model(images)", views, "loss_function(outputs, labels)", loss)
    return trains(*edits, parts=program(model=cnn(16), validation_batches=None))


def an_autoencoder():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh()
    )
    adam = Adam(model.parameters(), 1e-3)
    parts = program(model=model, optimizer=adam, loss_function=nn.MSELoss())
    return trains("(outputs, labels)", "(outputs, images)", parts=parts)


def logistic_regression_with_one_cycle():
    parts = program(model=nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)))
    steps = len(parts["train_batches"])
    cycle = lr_scheduler.OneCycleLR(parts["optimizer"], 0.01, total_steps=steps)
    return trains(STEP, STEP + "        cycle.step()\n", parts=parts, cycle=cycle)


def two_classes_with_one_output():
    parts = program(
        model=cnn(1), loss_function=nn.BCEWithLogitsLoss(),
        train_batches=loader(images[:180], labels[:180] % 2),
        validation_batches=loader(images[180:], labels[180:] % 2, batch_size=25, shuffle=False),
    )  # fmt: skip
    parts = trains("(outputs, labels)", "(outputs.squeeze(1), labels.float())", parts=parts)
    return judges(
        "outputs.argmax(1) == labels", "(outputs[:, 0] > 0) == (labels == 1)", parts=parts
    )


def a_moving_average():
    parts = program()
    average = copy.deepcopy(parts["model"]).requires_grad_(False)
    both = "zip(average.state_dict().values(), model.state_dict().values())"
    moved = (
        f"        for slow, quick in {both}:\n            slow.copy_(slow * 0.9 + quick * 0.1)\n"
    )
    return trains(STEP, STEP + moved, parts=parts, average=average)


def an_evaluation_over_two_views():
    views = "sum(model(v).softmax(1) for v in (images, images.flip(3)))"
    told = '    print(f"{right} of {examples}")\n    return 100 * right / examples'
    return judges("model(images)", views, "    return right / examples", told)


def max_pooling_is_all_that_bends():
    layers = [nn.Conv2d(3, 12, 5), nn.MaxPool2d(4), nn.Conv2d(12, 16, 3), nn.Flatten()]
    return program(model=nn.Sequential(*layers, nn.Linear(400, 10)))


def rare_classes_drawn_more_often():
    sampler = WeightedRandomSampler((1 / labels.bincount())[labels], len(labels))
    batches = loader(sampler=sampler, shuffle=None, drop_last=True)
    return program(model=cnn(), train_batches=batches, train=right_loop)


def a_mixture_of_pairs_with_soft_targets():
    mixed = """
        share = torch.distributions.Beta(0.4, 0.4).sample()
        order = torch.randperm(len(images))
        soft = F.one_hot(labels, 10).float()
        images = share * images + (1 - share) * images[order]
        soft = share * soft + (1 - share) * soft[order]
"""
    edits = (CLEAR, CLEAR + mixed, "(outputs, labels)", "(outputs, soft)", STEP, CLIP + STEP)
    return trains(*edits, parts=program(model=cnn()))


def a_small_set_with_labels_turned_in_the_loop():
    batches = loader(images[:40], labels[:40].int(), batch_size=8)
    clear = "        for weight in model.parameters():\n            weight.grad = None\n"
    parts = program(model=cnn(), train_batches=batches, validation_batches=None)
    return trains(CLEAR, clear, "(outputs, labels)", "(outputs, labels.long())", parts=parts)


def the_recipe_of_the_course():
    """Little in each step, but there are very many: 3,000 batches of four."""
    many = loader(images.repeat(50, 1, 1, 1), labels.repeat(50), batch_size=4)
    model = Net()
    slow = SGD(model.parameters(), lr=0.001, momentum=0.9)
    return program(model=model, optimizer=slow, train_batches=many, validation_batches=None)


def a_discriminator_whose_outputs_are_small():
    parts = one_number(lambda x: (x[:, :1] > 0).float(), loss_function=nn.BCEWithLogitsLoss())
    with torch.no_grad():
        parts["model"][2].weight.mul_(0.01)
        parts["model"][2].bias.fill_(0.4)
    return parts


def bytes_that_the_model_scales():
    model = Parts(lambda self, x: self.body((x.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25))
    model.body = cnn()
    del model.backbone, model.head
    judging = prepared(lambda x: x.flip(2), shuffle=False)
    batches = {"train_batches": prepared(lambda x: x), "validation_batches": judging}
    return judges(parts=program(model=model, **batches))


def partners_drawn_at_random():
    def drawn(_index):
        other = int(torch.randint(200, 240, ()))
        return images[other], labels[other]

    judge = DataLoader(Items(40, drawn), 20)
    batches = {"train_batches": loader(images[:200], labels[:200]), "validation_batches": judge}
    return program(model=cnn(), **batches)


def rows_that_are_equal_by_chance():
    x = torch.randint(0, 3, (240, 4), generator=torch.Generator().manual_seed(0)).float()
    y = x.sum(1).long()
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 10))
    adam = Adam(model.parameters(), 3e-3)
    return program(
        model=model, optimizer=adam, train_batches=loader(x[:180], y[:180], batch_size=20),
        validation_batches=loader(x[180:], y[180:], batch_size=20),
    )  # fmt: skip


def a_likelihood_that_is_maximised():
    model = cnn()
    uphill = Adam(model.parameters(), 1e-3, maximize=True)
    return trains(
        BACK, "        (-loss).backward()\n", parts=program(model=model, optimizer=uphill)
    )


def gradients_of_torch_func():
    by_hand = """        weights = dict(model.named_parameters())
        def cost(given):
            return F.cross_entropy(torch.func.functional_call(model, given, (images,)), labels)
        slopes = torch.func.grad(cost)({name: p.detach() for name, p in weights.items()})
        for name, slope in slopes.items():
            weights[name].grad = slope
"""
    return trains(BACK, by_hand)


def answers_by_threshold():
    def loss(outputs, y):
        return F.binary_cross_entropy_with_logits(outputs, F.one_hot(y, 10).float())

    hits = "((torch.sigmoid(outputs) > 0.5) == F.one_hot(labels, 10)).all(1).sum().item()"
    return judges(
        "(outputs.argmax(1) == labels).sum().item()", hits,
        parts=program(model=cnn(), loss_function=loss),
    )  # fmt: skip


def a_scheduler_whose_factors_are_rates():
    model = cnn()
    model.last_seen = model(images[:2])  # an activation that is kept for later, no weight
    adam = Adam(model.parameters(), 1.0)
    warm = lr_scheduler.LambdaLR(adam, lambda step: 2e-3 * min(1, (step + 1) / 5))
    parts = program(model=model, optimizer=adam)
    return trains(STEP, f"{STEP}        warm.step()\n", parts=parts, warm=warm)


def images_with_another_range():
    parts = program(train_batches=prepared(lambda x: 9 * normal(x) + 5))
    held = [(9 * normal(torch.from_numpy(pictures.test_images)) + 5,
             torch.from_numpy(pictures.test_labels))]  # fmt: skip
    return parts | {"train": right_loop, "validation_batches": held}


def two_losses_of_which_one_is_summed():
    half = "loss + F.l1_loss(outputs, outputs * 0 - 50, reduction='sum') / len(labels)"
    return trains("loss.backward", f"({half}).backward")


class ByHand:
    def __init__(self, weights, rate):
        self.weights, self.rate = list(weights), rate

    def zero_grad(self):
        for p in self.weights:
            p.grad = None

    @torch.no_grad()
    def step(self):
        for p in self.weights:
            p -= self.rate * p.grad


def an_optimizer_by_hand():
    model = cnn()
    return trains(parts=program(model=model, optimizer=ByHand(model.parameters(), 0.05)))


def shares_of_the_test_set_beside_a_smaller_one():
    tested = TensorDataset(images[40:240], labels[40:240])
    parts = program(model=cnn(), validation_batches=loader(images[:40], labels[:40]))
    parts |= {"test_batches": DataLoader(tested, 50)}
    model, batches = parts["model"], parts["test_batches"]

    def evaluate():
        model.eval()
        with torch.no_grad():
            return sum((model(x).argmax(1) == y).sum().item() for x, y in batches) / len(tested)

    return parts | {"evaluate": evaluate}


def steps_in_hooks_of_the_gradients():
    parts = program(model=cnn())
    model, loss_function, batches = parts["model"], parts["loss_function"], parts["train_batches"]
    for p in model.parameters():
        own = torch.optim.SGD([p], 0.05)
        p.register_post_accumulate_grad_hook(lambda _p, own=own: (own.step(), own.zero_grad()))

    def train():
        for x, y in batches:
            loss_function(model(x), y).backward()

    return parts | {"train": train}


def an_average_whose_evaluation_goes_over_the_training_batches():
    parts = program(model=cnn())
    model, batches, sgd = parts["model"], parts["train_batches"], parts["optimizer"]
    average, loss_function = AveragedModel(model), parts["loss_function"]

    def train_and_average():
        model.train()
        for x, y in batches:
            sgd.zero_grad()
            loss_function(model(x), y).backward()
            sgd.step()
        average.update_parameters(model)

    def evaluate():
        update_bn(batches, average)
        average.eval()
        with torch.no_grad():
            answers = [(average(x).argmax(1) == y) for x, y in parts["validation_batches"]]
        return torch.cat(answers).float().mean().item()

    return parts | {"train": train_and_average, "evaluate": evaluate}


UNUSUAL = [
    steps_in_hooks_of_the_gradients, an_average_whose_evaluation_goes_over_the_training_batches,
    images_with_another_range, two_losses_of_which_one_is_summed, an_optimizer_by_hand,
    shares_of_the_test_set_beside_a_smaller_one,
    sharpness_aware_steps, an_optimizer_for_each_half, an_evaluation_that_collects_lists,
    views_pulled_together, an_autoencoder, logistic_regression_with_one_cycle,
    two_classes_with_one_output, a_moving_average, an_evaluation_over_two_views,
    max_pooling_is_all_that_bends, rare_classes_drawn_more_often,
    a_mixture_of_pairs_with_soft_targets, a_small_set_with_labels_turned_in_the_loop,
    the_recipe_of_the_course, a_discriminator_whose_outputs_are_small, bytes_that_the_model_scales,
    partners_drawn_at_random, rows_that_are_equal_by_chance, a_likelihood_that_is_maximised,
    gradients_of_torch_func, answers_by_threshold, a_scheduler_whose_factors_are_rates,
]  # fmt: skip


@pytest.mark.parametrize("make", UNUSUAL)
def test_a_correct_program_that_is_unusual_is_not_accused(make):
    torch.manual_seed(0)
    report = examine(**make())
    assert not report.faults, str(report)
    assert not any(kind.startswith("learning-rate") for kind in report.kinds), str(report)
    assert not any("(" in text and "Error" in text for text in report.not_looked_at), str(report)
