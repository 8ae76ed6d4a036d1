"""Faults that show when something is tried on a copy: each as a program, and the same one fixed."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset, WeightedRandomSampler

from labkit.doctor import examine
from labkit.model import Net
from tests.doctor.programs import normal, prepared, program, right_evaluation
from tests.doctor.unseen import Parts, cnn

images, labels = prepared(normal).dataset.tensors
PROGRAMS = []


def faulty(kind):
    """Register a program; ``kind`` is the finding that names its fault."""

    def register(make):
        PROGRAMS.append(pytest.param(make, kind, id=make.__name__))
        return make

    return register


def loop(each):
    """Return a training loop whose step is ``each(model, images, labels, loss, optimizer)``."""

    def train(model, batches, loss_function, optimizer):
        model.train()
        for x, y in batches:
            optimizer.zero_grad()
            each(model, x, y, loss_function, optimizer)
            optimizer.step()

    return train


def one_number(right, last=nn.Identity):
    """Return a program with one output for each of 200 short rows."""
    x = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1), last())
    loaders = [DataLoader(TensorDataset(x, right(x)), 20, shuffle=s) for s in (True, False)]
    return program(
        model=model, optimizer=torch.optim.Adam(model.parameters(), 3e-3), train_batches=loaders[0],
        validation_batches=loaders[1],
    )  # fmt: skip


@faulty("not-divided")
def sixteen_batches_added_up(right):
    def train(model, batches, loss_function, optimizer):
        for number, (x, y) in enumerate(batches, start=1):
            (loss_function(model(x), y) / (16 if right else 1)).backward()
            if number % 16 == 0:
                optimizer.step()
                optimizer.zero_grad()

    model = cnn()
    sgd = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    batches = prepared(normal, batch_size=4)
    return program(model=model, optimizer=sgd, train=train, train_batches=batches)


@faulty("gradients-clipped")
def clipped_to_a_thousandth(right):
    def each(model, x, y, loss_function, optimizer):
        loss_function(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0 if right else 1e-3)

    return program(model=cnn(), train=loop(each))


@faulty("clipped-too-early")
def clipped_before_backward(right):
    def each(model, x, y, loss_function, optimizer):
        loss = loss_function(model(x), y)
        for task in (loss.backward, lambda: nn.utils.clip_grad_norm_(model.parameters(), 1.0))[
            :: 1 if right else -1
        ]:
            task()

    return program(model=cnn(), train=loop(each))


@faulty("best-by-reference")
def the_best_weights_kept_by_reference(right):
    def train(model, batches, loss_function, optimizer):
        best, least = None, float("inf")
        for _epoch in range(3):
            total = 0.0
            for x, y in batches:
                optimizer.zero_grad()
                loss = loss_function(model(x), y)
                loss.backward()
                optimizer.step()
                total += loss.item()
            if total < least:
                state = model.state_dict()
                best, least = copy.deepcopy(state) if right else state, total
                del state
        model.load_state_dict(best)

    return program(model=cnn(), train=train)


@faulty("average-unchanged")
def an_average_that_is_bound_to_new_tensors(right):
    parts = program(model=cnn())
    average = copy.deepcopy(parts["model"])

    def each(model, x, y, loss_function, optimizer):
        loss_function(model(x), y).backward()
        with torch.no_grad():
            for slow, quick in zip(average.parameters(), model.parameters(), strict=True):
                if right:
                    slow.mul_(0.9).add_(quick, alpha=0.1)
                else:
                    slow = 0.9 * slow + 0.1 * quick  # noqa: PLW2901

    return parts | {"train": loop(each)}


@faulty("evaluates-another")
def an_evaluation_of_an_old_copy(right):
    parts = program(model=cnn())
    old = copy.deepcopy(parts["model"])

    def evaluate(model, batches):
        return right_evaluation(model if right else old, batches)

    def each(model, x, y, loss_function, optimizer):
        loss_function(model(x), y).backward()

    return parts | {"train": loop(each), "evaluate": evaluate}


@faulty("loss-negated")
def a_likelihood_that_is_made_small(right):
    def likelihood(outputs, y):
        return (-1 if right else 1) * outputs.log_softmax(1)[torch.arange(len(y)), y].mean()

    return program(model=cnn(), loss_function=likelihood)


@faulty("layer-in-forward")
def a_layer_made_in_forward(right):
    def forward(self, x):
        x = self.backbone(x).flatten(1)
        layer = self.head if right else nn.Linear(x.shape[1], 10)
        return layer(x)

    return program(model=Parts(forward))


@faulty("outputs-dropped")
def dropout_behind_the_last_layer(right):
    model = cnn() if right else nn.Sequential(*cnn(), nn.Dropout(0.5))
    return program(model=model)


@faulty("joined-with-itself")
def a_skip_connection_to_itself(right):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.body = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
            self.head = nn.Linear(16, 10)

        def forward(self, x):
            one = F.relu(self.down(x))
            two = F.relu(self.body(one))
            return self.head(torch.cat([two, one if right else two], 1).mean((2, 3)))

    return program(model=Net())


@faulty("targets-out-of-reach")
def a_relu_behind_a_regression(right):
    last = nn.Identity if right else nn.ReLU
    return one_number(lambda x: x[:, :1] - x[:, 1:2], last) | {"loss_function": nn.MSELoss()}


@faulty("wrong-accuracy")
def a_threshold_for_probabilities_on_logits(right):
    def evaluate(model, batches):
        model.eval()
        with torch.no_grad():
            hits = [(model(x)[:, 0] > (0 if right else 0.9)) == (y > 0.5) for x, y in batches]
        return torch.cat(hits).float().mean().item()

    parts = one_number(lambda x: (x[:, 0] > 0).float())
    entropy = F.binary_cross_entropy_with_logits
    return parts | {
        "loss_function": lambda out, y: entropy(out[:, 0], y), "evaluate": evaluate,
    }  # fmt: skip


@faulty("wrong-accuracy")
def an_argmax_over_the_batch(right):
    def evaluate(model, batches):
        model.eval()
        hits = total = 0
        with torch.no_grad():
            for x, y in batches:
                hits += (model(x).argmax(1 if right else 0) == y).sum().item()
                total += len(y)
        return 100 * hits / total

    batches = prepared(normal, shuffle=False, batch_size=10)
    return program(model=cnn(), evaluate=evaluate, validation_batches=batches, train_batches=None)


@faulty("low-precision")
def weights_of_bfloat16(right):
    dtype = torch.float32 if right else torch.bfloat16
    model = cnn().to(dtype)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4)
    batches = prepared(lambda x: normal(x).to(dtype))
    return program(model=model, optimizer=adam, train_batches=batches, validation_batches=None)


@faulty("images-again")
def a_sampler_with_weights_of_classes(right):
    weights = 1 / labels.bincount().double()
    sampler = WeightedRandomSampler(weights[labels] if right else weights, len(labels))
    data = TensorDataset(images, labels)
    return program(model=cnn(), train_batches=DataLoader(data, 16, sampler=sampler))


@faulty("first-batch-again")
def the_first_batch_in_every_step(right):
    def train(model, batches, loss_function, optimizer):
        these = iter(batches)
        for _step in range(len(batches)):
            x, y = next(these if right else iter(batches))
            optimizer.zero_grad()
            loss_function(model(x), y).backward()
            optimizer.step()

    batches = prepared(normal, shuffle=right)
    return program(model=cnn(), train=train, train_batches=batches)


class Masked(Dataset):
    def __init__(self, right):
        self.right = right
        self.x = torch.randn(64, 3, 16, 16, generator=torch.Generator().manual_seed(0))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        x = self.x[index]
        mask = (x[0] > 0).long()
        if torch.rand(()) < 0.5:
            x, mask = x.flip(-1), mask.flip(-1) if self.right else mask
        return x, mask


@faulty("mask-left-behind")
def an_image_flipped_without_its_mask(right):
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    batches = DataLoader(Masked(right), 16, shuffle=True)
    return program(model=model, train_batches=batches, validation_batches=None)


class Named(Dataset):
    def __init__(self, names, start):
        self.index, self.start = {name: number for number, name in enumerate(names)}, start

    def __len__(self):
        return 60

    def __getitem__(self, index):
        return images[self.start + index], self.index["abc"[index % 3]]


@faulty("labels-numbered")
def names_numbered_in_each_set(right):
    sets = Named("abc", 0), Named("abc" if right else "cab", 60)
    training, validation = (DataLoader(one, 20, shuffle=True) for one in sets)
    parts = program(model=cnn(3), train_batches=training)
    return parts | {"validation_batches": None, "test_batches": validation}


@faulty("frozen")
def a_backbone_frozen_before_it_learnt(right):
    model = Parts(lambda self, x: self.head(self.backbone(x).flatten(1)))
    if not right:
        model.backbone.requires_grad_(False)
    return program(model=model)


@faulty("targets-are-inputs")
def words_that_are_their_own_targets(right):
    words = torch.randint(0, 20, (128, 9), generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(nn.Embedding(20, 16), nn.Linear(16, 20))
    data = TensorDataset(words[:, :-1], words[:, 1:] if right else words[:, :-1])
    return program(
        model=model, train_batches=DataLoader(data, 16, shuffle=True), validation_batches=None,
        loss_function=lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten()),
    )  # fmt: skip


@faulty("overlap")
def a_set_of_ones_own_that_is_in_both(right):
    class Own(Dataset):
        def __init__(self, start):
            self.start = start

        def __len__(self):
            return 100

        def __getitem__(self, index):
            return images[self.start + index], int(labels[self.start + index])

    sets = Own(0), Own(100 if right else 20)
    training, validation = (DataLoader(one, 20, shuffle=True) for one in sets)
    return program(model=cnn(), train_batches=training, validation_batches=validation)


@faulty("evaluation-remembers")
def counters_that_are_never_set_to_zero(right):
    counted = {"hits": 0, "seen": 0}

    def evaluate(model, batches):
        model.eval()
        if right:
            counted.update(hits=0, seen=0)
        with torch.no_grad():
            for x, y in batches:
                counted["hits"] += (model(x).argmax(1) == y).sum().item()
                counted["seen"] += len(y)
        return counted["hits"] / counted["seen"]

    return program(model=cnn(), evaluate=evaluate, train_batches=None)


class Words(nn.Module):
    """A transformer without dropout; ``mask`` makes a mask of the words."""

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
    loader = DataLoader(TensorDataset(inputs, targets), 16, shuffle=True)
    adam = torch.optim.Adam(model.parameters(), 3e-3)
    return program(
        model=model, optimizer=adam, train_batches=loader, validation_batches=None,
        loss_function=lambda out, y: F.cross_entropy(out.reshape(-1, out.shape[-1]), y.flatten()),
    )  # fmt: skip


@faulty("sees-ahead")
def the_next_word_is_in_sight(right):
    words = torch.randint(1, 20, (128, 9), generator=torch.Generator().manual_seed(0))
    later = torch.ones(8, 8, dtype=torch.bool).triu(1)
    masks = {"src_mask": lambda x: later} if right else {}
    return reading(Words(20, True, **masks), words[:, :-1], words[:, 1:])


@faulty("input-without-effect")
def a_padding_mask_that_is_upside_down(right):
    words = torch.randint(1, 20, (128, 8), generator=torch.Generator().manual_seed(0))
    words[:, 6:] = 0
    model = Words(2, False, src_key_padding_mask=lambda x: (x == 0) if right else (x != 0))
    return reading(model, words, (words[:, 1] > 9).long())


@faulty("norm-of-one")
def batches_of_two_for_batch_normalisation(right):
    return program(train_batches=prepared(normal, batch_size=16 if right else 2))


@faulty("targets-empty")
def one_hot_rows_that_are_shifted(right):
    def rows(y):
        return F.one_hot(y, 10 if right else 11)[:, 0 if right else 1 :].float()

    return program(model=cnn(), train_batches=prepared(normal, labels=rows))


@faulty("targets-far-away")
def prices_as_they_are(right):
    parts = one_number(lambda x: x[:, :1] * (1 if right else 80_000) + (0 if right else 300_000))
    return parts | {"loss_function": nn.MSELoss()}


@faulty("sigmoid-before-loss")
def a_sigmoid_before_a_loss_that_has_one(right):
    parts = one_number(lambda x: (x[:, :1] > 0).float(), nn.Identity if right else nn.Sigmoid)
    return parts | {"loss_function": nn.BCEWithLogitsLoss()}


@faulty("learning-rate-zero")
def a_warm_up_that_stays_at_its_start(right):
    parts = program(model=cnn())
    share = (lambda n: min(1, n / 200 + 1e-4)) if not right else (lambda n: 1)
    torch.optim.lr_scheduler.LambdaLR(parts["optimizer"], share)

    def each(model, x, y, loss_function, optimizer):
        loss_function(model(x), y).backward()

    return parts | {"train": loop(each)}


@faulty("bytes-wrapped")
def a_mean_subtracted_from_bytes(right):
    def change(x):
        x = x.permute(0, 3, 1, 2)
        return (x.float() - 127 if right else (x - 127).float()) / 64

    return program(
        model=cnn(), train_batches=prepared(change), validation_batches=None
    )  # fmt: skip


@pytest.mark.parametrize("make, kind", PROGRAMS)
def test_a_fault_is_named_and_its_fixed_twin_is_not_accused(make, kind):
    torch.manual_seed(0)
    report = examine(**make(False))
    assert kind in report.kinds, str(report)
    torch.manual_seed(0)
    fixed = examine(**make(True))
    assert not fixed.faults and kind not in fixed.kinds, str(fixed)


def bytes_that_the_model_scales():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = cnn()

        def forward(self, x):
            return self.body((x.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25)

    return program(
        model=Net(), train_batches=prepared(lambda x: x), validation_batches=None
    )  # fmt: skip


def partners_drawn_at_random():
    class Pairs(Dataset):
        def __len__(self):
            return 40

        def __getitem__(self, index):
            other = int(torch.randint(200, 240, ()))
            return images[other], labels[other]

    data = TensorDataset(images[:200], labels[:200])
    batches = DataLoader(data, 20, shuffle=True), DataLoader(Pairs(), 20)
    return program(model=cnn(), train_batches=batches[0], validation_batches=batches[1])


def rows_that_are_equal_by_chance():
    x = torch.randint(0, 3, (240, 4), generator=torch.Generator().manual_seed(0)).float()
    y = x.sum(1).long()
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 10))
    halves = [
        DataLoader(TensorDataset(x[s], y[s]), 20, shuffle=True)
        for s in (slice(180), slice(180, 240))
    ]
    adam = torch.optim.Adam(model.parameters(), 3e-3)
    return program(
        model=model, optimizer=adam, train_batches=halves[0], validation_batches=halves[1]
    )  # fmt: skip


def the_recipe_of_the_course():
    """Little in each step, but there are very many: 3,000 batches of four."""
    many = TensorDataset(images.repeat(50, 1, 1, 1), labels.repeat(50))
    model = Net()
    slow = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    loader = DataLoader(many, 4, shuffle=True)
    return program(model=model, optimizer=slow, train_batches=loader, validation_batches=None)


def a_discriminator_whose_outputs_are_small():
    parts = one_number(lambda x: (x[:, :1] > 0).float())
    with torch.no_grad():
        parts["model"][2].weight.mul_(0.01)
        parts["model"][2].bias.fill_(0.4)
    return parts | {"loss_function": nn.BCEWithLogitsLoss()}


@pytest.mark.parametrize(
    "make",
    [
        the_recipe_of_the_course,
        a_discriminator_whose_outputs_are_small,
        bytes_that_the_model_scales,
        partners_drawn_at_random,
        rows_that_are_equal_by_chance,
    ],
)
def test_a_correct_program_that_came_close_is_not_accused(make):
    torch.manual_seed(0)
    report = examine(**make())
    assert not report.faults, str(report)
    assert not any(kind.startswith("learning-rate") for kind in report.kinds), str(report)
    assert not any("(" in text and "Error" in text for text in report.not_looked_at), str(report)
