"""Faults of whole sets and whole epochs: for each a broken program, and the same one fixed."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, lr_scheduler
from torch.utils.data import DataLoader, Dataset, TensorDataset

from labkit.data.drawn import draw
from labkit.doctor import examine
from labkit.doctor.catalogue_evaluation import LEARNING
from tests.doctor.programs import (
    EVALUATE,
    LOOP,
    STEP,
    TRAIN,
    cnn,
    images,
    is_named_and_its_twin_is_not_accused,
    judges,
    labels,
    loader,
    normal,
    one_number,
    pictures,
    program,
    registering,
    right_evaluation,
    trains,
    written,
)

faulty = registering(FAULTS := [])


def held():
    x = normal(torch.from_numpy(pictures.test_images))
    return list(zip(x.split(20), torch.from_numpy(pictures.test_labels).split(20), strict=True))


@faulty("some-batches")
def a_return_inside_the_loop(right):
    back = "    return total / examples"
    return trains(*(() if right else (back, f"    {back}")))


@faulty("validation-learnt")
def a_step_in_both_phases(right):
    judging = held()
    parts = program(model=cnn(), validation_batches=judging)
    both = "    for images, labels in (x for some in (batches, judging) for x in some):\n"
    return trains(*(() if right else (LOOP, both)), parts=parts, judging=judging)


@faulty("evaluates-training")
def an_evaluation_of_what_was_learnt(right):
    parts = program(model=cnn())
    edits = () if right else ("in batches:", "in training:")
    return judges(*edits, parts=parts, training=parts["train_batches"])


@faulty("data-changed")
def an_evaluation_that_normalises_in_place(right):
    change = "images = images.sub(0.05)" if right else "images.sub_(0.05)"
    line = "            outputs = model(images)"
    parts = program(model=cnn(), validation_batches=held())
    return judges(line, f"            {change}\n{line}", parts=parts)


class Holes(Dataset):
    """Images out of which a square is cut: in a copy, or in what is stored."""

    def __init__(self, keep):
        self.images, self.labels, self.keep = images.numpy().copy(), labels, keep

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index].copy() if self.keep else self.images[index]
        row, column = np.random.randint(0, 24, 2)
        image[:, row : row + 8, column : column + 8] = 0
        return torch.from_numpy(image), self.labels[index]


def test_what_reading_changes_is_named_and_put_back():
    broken, fixed = (
        program(model=cnn(), train_batches=DataLoader(Holes(keep), 16, shuffle=True))
        for keep in (False, True)
    )
    stored = broken["train_batches"].dataset.images
    before = stored.copy()
    assert "data-changed" in examine(**broken).kinds
    assert (stored == before).all()
    assert not examine(**fixed).findings


@faulty("second-time-idle")
def an_iterator_made_once(right):
    parts = program(model=cnn(), train_batches=loader())
    batches = parts["train_batches"]
    edits = () if right else ("in batches:", "in once:")
    return trains(*edits, parts=parts, once=iter(batches))


@faulty("weights-reset")
def the_first_weights_in_each_epoch(right):
    parts = program(model=cnn())
    first = copy.deepcopy(parts["model"].state_dict())
    begin = "    model.load_state_dict(first)\n    model.train()\n"
    edits = () if right else ("    model.train()\n", begin)
    return trains(*edits, parts=parts, first=first)


@faulty("seeded-again")
def a_seed_in_each_epoch(right):
    seed = "    torch.manual_seed(0)\n    model.train()\n"
    return trains(*(() if right else ("    model.train()\n", seed)))


@faulty("plateau-upside-down")
def a_plateau_of_the_accuracy(right):
    parts = program(model=cnn(), validation_batches=held())
    schedule = lr_scheduler.ReduceLROnPlateau(parts["optimizer"], mode="max" if right else "min")
    judging = parts["validation_batches"]
    known = {"schedule": schedule, "judge": right_evaluation, "judging": judging}
    end = "    return total / examples"
    return trains(end, f"    schedule.step(judge(model, judging))\n{end}", parts=parts, **known)


@faulty("warm-up-in-epochs")
def a_warm_up_of_batches_stepped_by_epochs(right):
    parts = program(model=cnn())
    warm = lr_scheduler.LambdaLR(parts["optimizer"], lambda n: min(1, (n + 1) / 200))
    end = "    return total / examples"
    edits = (STEP, f"{STEP}        warm.step()\n") if right else (end, f"    warm.step()\n{end}")
    return trains(*edits, parts=parts, warm=warm)


@faulty("average-slow")
def an_average_that_hardly_moves(right):
    parts = program(model=cnn(), optimizer=None)
    parts["optimizer"] = SGD(parts["model"].parameters(), 0.01)
    average, decay = copy.deepcopy(parts["model"]), 0.9 if right else 0.9999
    follow = """        for a, p in zip(average.parameters(), model.parameters()):
            a.data.mul_(decay).add_(p.data, alpha=1 - decay)
"""
    code = {
        "train": written(TRAIN, STEP, STEP + follow, average=average, decay=decay),
        "evaluate": written(EVALUATE, "= model(images)", "= average(images)", average=average),
    }
    return parts | code


@faulty("second-best-counts")
def the_five_best(right):
    best = "outputs.topk(5, dim=1).indices.eq(labels[:, None]).any(1).sum().item()"
    return judges(*(() if right else ("(outputs.argmax(1) == labels).sum().item()", best)))


@faulty("mixed-labels")
def a_mixture_with_one_label(right):
    mix = """        order = torch.randperm(len(images))
        images = 0.6 * images + 0.4 * images[order]
        optimizer.zero_grad()
"""
    edits = ("        optimizer.zero_grad()\n", mix)
    loss = "loss = loss_function(outputs, labels)"
    both = "loss = 0.6 * {0}labels) + 0.4 * {0}labels[order])".format("loss_function(outputs, ")
    return trains(*edits, *((loss, both) if right else ()))


@faulty("penalty-too-strong")
def a_penalty_that_is_all(right):
    loss = "loss = loss_function(outputs, labels)"
    factor = 1e-6 if right else 0.1
    penalty = f"{loss} + {factor} * sum(p.abs().sum() for p in model.parameters())"
    parts = program(model=(model := cnn()), optimizer=Adam(model.parameters(), 1e-3))
    return trains(loss, penalty, parts=parts)


@faulty("learning-rate-too-large")
def a_rate_far_too_large(right):
    """Its units die at once; the cause is told, and not the consequence."""
    model = cnn()
    return program(model=model, optimizer=SGD(model.parameters(), 0.01 if right else 100))


def test_a_learning_rate_of_a_hundred_is_not_told_as_dead_units():
    report = examine(**a_rate_far_too_large(False))
    assert report.kinds == ("learning-rate-too-large",), str(report)


@faulty("rate-for-momentum")
def a_momentum_in_the_place_of_the_rate(right):
    model = cnn()
    numbers = (0.01, 0.9) if right else (0.9, 0.01)
    return program(model=model, optimizer=SGD(model.parameters(), *numbers))


@faulty("norm-momentum")
def statistics_that_hardly_move(right):
    model = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8, momentum=0.1 if right else 0.001)),
        *(nn.ReLU(), nn.Flatten(), nn.Linear(8 * 225, 10)),
    )
    return program(model=model, optimizer=Adam(model.parameters(), 1e-3))


many = draw(train=1000, test=100, seed=1)
x, y = normal(torch.from_numpy(many.train_images)), torch.from_numpy(many.train_labels)


def of_many(x, y, **others):
    model = cnn()
    batches = DataLoader(TensorDataset(x, y), 50, shuffle=True)
    optimizer = Adam(model.parameters(), 1e-3)
    parts = program(model=model, optimizer=optimizer, train_batches=batches)
    return parts | {"validation_batches": None} | others


@faulty("labels-unrelated")
def labels_shuffled_alone(right):
    return of_many(x, y if right else y[torch.randperm(len(y))])


@faulty("stamp")
def a_stamp_that_tells_the_class(right):
    stamped = x.clone()
    for image, label in zip(stamped, [] if right else y.tolist(), strict=False):
        image[:, :2, 3 * label + 1 : 3 * label + 3] = 3
    return of_many(stamped, y)


@faulty("nearly-the-same")
def copies_made_before_the_split(right):
    copies = torch.cat([x[:300] + 0.1 * torch.randn_like(x[:300]) for _copy in range(3)])
    order = torch.randperm(900)
    judging = x[300:400] if right else copies[order[700:800]]
    batches = DataLoader(TensorDataset(judging, torch.zeros(100).long()), 50)
    return of_many(copies[order[:700]], y[:300].repeat(3)[order[:700]], validation_batches=batches)


class Patches(nn.Module):
    """A transformer of patches, with places that begin at 0, or with none."""

    def __init__(self, places):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.places = nn.Parameter(torch.zeros(1, 16, 16)) if places else 0
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).mT + self.places
        return self.head(self.layer(x).mean(1))


@faulty("places-without-effect")
def a_transformer_without_places(right):
    model = Patches(right)
    return program(model=model, optimizer=Adam(model.parameters(), 1e-3))


dice = torch.Generator().manual_seed(0)
kinds_of_image = F.interpolate(torch.randn(10, 3, 8, 8, generator=dice), size=32)
kinds_of_image[5:] = kinds_of_image[:5].flip(-1)
shown = torch.arange(700) % 10
seen = kinds_of_image[shown] + 0.7 * torch.randn(700, 3, 32, 32, generator=dice)


class Mirrored(Dataset):
    """Images that ``transform`` changes."""

    def __init__(self, x, y, transform=None):
        self.x, self.y, self.transform = x, y, transform

    def __len__(self):
        return len(self.x)

    def __getitem__(self, n):
        return self.transform(self.x[n]) if self.transform else self.x[n], self.y[n]


def whole(*edits, transform=None, judged=shown[600:], model=None, collate=None):
    """Return a program that learns ``seen`` well, if nothing is changed."""
    torch.manual_seed(0)
    model, taught = model or cnn(), Mirrored(seen[:600], shown[:600], transform)
    return program(
        model=model,
        train_batches=DataLoader(taught, 20, shuffle=True, collate_fn=collate),
        validation_batches=DataLoader(Mirrored(seen[600:], judged), 50),
        train=written(TRAIN, *edits),
        evaluate=right_evaluation,
    )


class Cold(nn.Module):
    """A network whose outputs are divided."""

    def __init__(self):
        super().__init__()
        self.net = cnn()

    def forward(self, x):
        return self.net(x) / 200


def tiny():
    model = cnn()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(0.05)
    return model


def cut_off(outputs, labels):
    return F.cross_entropy(outputs.clamp(-0.05, 0.05), labels)


def turned(items):
    x, y = (torch.stack(part) for part in zip(*items, strict=True))
    return x, y.roll(1)


LINES = {
    "outputs = model(images.flip(2)) → outputs = model(images)": lambda: whole(
        "model(images)", "model(images.flip(2))"
    ),
    "outputs = model(images.flip(1)) → outputs = model(images)": lambda: (
        whole() | {"evaluate": written(EVALUATE, "model(images)", "model(images.flip(1))")}
    ),
    "return x, y.roll(1) → return (x, y)": lambda: whole(collate=turned),
    "return self.net(x) / 200 → return self.net(x)": lambda: whole(model=Cold()),
    "clamp(-0.05, 0.05), labels) → return F.cross_entropy(outputs, labels)": lambda: (
        whole() | {"loss_function": cut_off}
    ),
}
WHOLE = {
    "learns-less/data": lambda: whole(judged=(shown[600:] + 3) % 10),
    "learns-less/augmented": lambda: whole(
        transform=lambda x: seen[torch.randint(600, ())] if torch.rand(()) < 0.9 else x
    ),
    "learns-less/start": lambda: whole(model=tiny()),
}


@pytest.mark.parametrize("line", LINES)
def test_the_line_is_named_with_whose_edit_a_program_learns(line):
    report = examine(**LINES[line]())
    assert report.kinds == ("learns-less",), str(report)
    assert line in report.findings[0].where


def test_a_program_that_learns_is_not_asked_about():
    assert not examine(**whole()).questions


@pytest.mark.parametrize("kind", WHOLE)
def test_what_keeps_a_program_from_learning_is_found_by_exchanging_it(kind):
    report = examine(**WHOLE[kind]())
    assert [finding.fix for finding in report] == [LEARNING[kind][2]], str(report)


class Blind(nn.Module):
    """A network that looks at a part of its images only."""

    def __init__(self, part):
        super().__init__()
        self.net, self.part = cnn(), part

    def forward(self, x):
        return self.net(self.part(x))


OTHER = images[:1].clone()
PARTS = {
    "images": lambda x: OTHER.expand(len(x), -1, -1, -1),
    "images[:, [1, 2]]": lambda x: x[:, :1].expand(-1, 3, -1, -1),
    "images[:, :, 16:32]": lambda x: torch.cat([x[:, :, :16], x[:, :, :16]], 2),
}


@pytest.mark.parametrize("where", PARTS)
def test_what_forward_does_not_look_at_is_asked_about(where):
    report = examine(**program(model=Blind(PARTS[where])))
    asked = [x.where for x in report.questions if x.kind == "input-without-effect"]
    assert asked == [where], str(report)
    last = nn.init.zeros_
    whole = Blind(lambda x: x.flip(-1))
    last(whole.net[-1].weight)
    assert "input-without-effect" not in examine(**program(model=whole)).kinds


@faulty("weights-reset")
def the_best_weights_are_never_replaced(right):
    parts = program(model=cnn())
    keep = "    best = {k: v.clone() for k, v in model.state_dict().items()}\n    model.train()\n"
    end = "    return total / examples"
    edits = ("    model.train()\n", keep, end, f"    model.load_state_dict(best)\n{end}")
    return trains(*(() if right else edits), parts=parts)


@faulty("learning-rate-zero")
def a_rate_where_a_factor_is_meant(right):
    parts = program(model=cnn())
    rate = 1 if right else 0.02
    parts["keep"] = lr_scheduler.LambdaLR(parts["optimizer"], lambda epoch: rate * 0.95**epoch)
    scheduler = parts.pop("keep")
    return trains(parts=parts, scheduler=scheduler)


@faulty("label-smoothing")
def the_share_that_is_kept(right):
    return program(
        model=cnn(), loss_function=nn.CrossEntropyLoss(label_smoothing=0.1 if right else 0.9)
    )


@faulty("label-ignored")
def a_class_without_weight(right):
    weights = torch.ones(10)
    weights[3] = 1 if right else 0
    return program(model=cnn(), loss_function=nn.CrossEntropyLoss(weight=weights))


@faulty("no-log-softmax")
def a_divergence_of_probabilities(right):
    def loss(outputs, y):
        given = outputs.log_softmax(1) if right else outputs.softmax(1)
        return F.kl_div(given, F.one_hot(y, 10) * 0.9 + 0.01, reduction="batchmean")

    return program(model=cnn(), loss_function=loss)


@faulty("hidden-layers")
def a_tensor_that_is_no_parameter(right):
    model = cnn()
    weight = torch.ones(10, requires_grad=True)
    model.scale = nn.Parameter(weight) if right else weight
    model.forward = lambda x: nn.Sequential.forward(model, x) * model.scale
    return program(model=model)


@faulty("shapes-broadcast")
def a_column_minus_a_row(right):
    def squares(outputs, y):
        return ((outputs[:, 0] if right else outputs) - y).square().mean()

    return one_number(lambda x: x[:, 0], loss_function=squares)


class Attention(nn.Module):
    """Patches, and a place without an image whose answer counts."""

    def __init__(self, batch_first):
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 16, 8, stride=8), nn.Linear(16, 10)
        self.place = nn.Parameter(torch.randn(1, 1, 16))
        self.attention = nn.MultiheadAttention(16, 2, batch_first=batch_first)

    def forward(self, x):
        x = self.patches(x).flatten(2).mT
        x = torch.cat([self.place.expand(len(x), 1, 16), x], dim=1)
        return self.head((x + self.attention(x, x, x)[0])[:, 0])


@faulty("images-mixed")
def attention_among_images(right):
    return program(model=Attention(right))


@faulty("learning-rate-zero")
def one_cycle_that_never_turns(right):
    model = cnn()
    sgd = SGD(model.parameters(), 0.05)
    cycle = lr_scheduler.OneCycleLR(sgd, 0.05, epochs=3, steps_per_epoch=15)
    step = STEP + "        cycle.step()\n" if right else STEP + "        cycle\n"
    return trains(STEP, step, parts=program(model=model, optimizer=sgd), cycle=cycle)


@faulty("classes-missing")
def a_set_that_is_split_while_it_is_sorted(right):
    order = torch.arange(len(y)) if right else y.argsort()
    judging = DataLoader(TensorDataset(x[order[800:]], y[order[800:]]), 50)
    return of_many(x[order[:800]], y[order[:800]], validation_batches=judging)


@faulty("divided-twice")
def floats_turned_into_bytes(right):
    lost = x if right else (x * 0.4 + 0.5).byte().float()
    return of_many(lost, y)


@faulty("loader-breaks")
def a_batch_that_is_larger_than_the_set(right):
    batches = DataLoader(TensorDataset(images, labels), 16 if right else 512, drop_last=True)
    return program(model=cnn(), train_batches=batches, validation_batches=None)


@faulty("loss-negated")
def a_weight_that_favours_what_is_known(right):
    def focal(outputs, y):
        cost = F.cross_entropy(outputs, y, reduction="none")
        p = (-cost).exp()
        return ((1 - p if right else p) ** 2 * cost).mean()

    return program(model=cnn(), loss_function=focal)


TWO_PASSES = """
def evaluate(model, batches):
    model.eval()
    with torch.no_grad():
        answers = torch.cat([model(images).argmax(1) for images, _labels in batches])
    labels = torch.cat([labels for _images, labels in batches])
    return (answers == labels).float().mean().item()
"""


@faulty("two-orders")
def two_passes_over_a_loader_that_shuffles(right):
    judging = DataLoader(TensorDataset(x[:100], y[:100]), 25, shuffle=not right)
    parts = program(model=cnn(), validation_batches=judging)
    return parts | {"evaluate": written(TWO_PASSES)}


@faulty("evaluation-remembers")
def a_counter_that_is_never_set_back(right):
    begin = ("    right = examples = 0", "    global right\n    examples = 0")
    return judges(*(() if right else begin), right=0)


@faulty("wrong-accuracy")
def hits_among_all_numbers_of_the_one_hot_rows(right):
    hits = "((torch.sigmoid(outputs) > 0.5) == F.one_hot(labels, 10)).{}.sum().item()"
    same = hits.format("all(1)" if right else "float().mean(1)")
    edits = ("(outputs.argmax(1) == labels).sum().item()", same)
    return judges(*edits, parts=program(model=cnn(), validation_batches=held()))


def test_a_mean_over_batches_of_one_size_is_right():
    batches = DataLoader(TensorDataset(x[:100], y[:100]), 25)
    edits = (
        "(outputs.argmax(1) == labels).sum().item()",
        "(outputs.argmax(1) == labels).float().mean().item()",
    )
    report = examine(
        **judges(*edits, "len(labels)", "1", parts=program(model=cnn(), validation_batches=batches))
    )
    assert "accuracy-of-batches" not in report.kinds


@pytest.mark.parametrize(("kind", "make"), FAULTS)
def test_a_fault_is_named_and_its_fixed_twin_is_not_accused(kind, make):
    is_named_and_its_twin_is_not_accused(kind, make)
