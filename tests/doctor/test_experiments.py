"""What only an experiment on copies shows: one broken program for each kind, and its fixed twin."""

import time
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, SubsetRandomSampler, TensorDataset

from labkit.doctor import case, catalogue, examine
from tests.doctor.programs import ByName, normal, plain, prepared, program, right_loop, split
from tests.doctor.test_faults import CASES
from tests.doctor.test_seen_by_trying import PROGRAMS
from tests.doctor.unseen import FAULTY, Parts, cnn

images, labels = prepared(normal).dataset.tensors


def losses(change):
    """Return a step that goes back from ``change(loss_function, outputs, labels)``."""

    def step(model, x, y, loss_function, optimizer):
        optimizer.zero_grad()
        change(loss_function, model(x), y).backward()
        optimizer.step()

    return program(model=cnn(), step=step)


right = partial(losses, lambda loss, out, y: loss(out, y))


def built(change):
    """Return a program whose network ``change`` has changed."""
    torch.manual_seed(0)
    model = cnn()
    with torch.no_grad():
        model = change(model) or model
    return program(model=model)


def each(values):
    """Return a change that sets every weight that is a matrix."""

    def change(model):
        for p in model.parameters():
            p.copy_(values(p)) if p.ndim > 1 else None

    return change


def stepped(lr=0.01, **options):
    model = cnn()
    return program(model=model, optimizer=torch.optim.SGD(model.parameters(), lr, **options))


def loader(x=images, y=labels, **options):
    return DataLoader(TensorDataset(x, y), **{"batch_size": 16, "shuffle": True, **options})


def evaluated(measure):
    def evaluate(model, batches):
        model.eval()
        hits = total = 0
        with torch.no_grad():
            for x, y in batches:
                hits += measure(model(x), y)
                total += len(y)
        return hits / total

    return program(model=cnn(), evaluate=evaluate)


def counted(outputs, y):
    return (outputs.argmax(1) == y).sum().item()


def by_hand(inplace):
    def train(model, batches, loss_function, optimizer):
        for x, y in batches:
            loss_function(model(x), y).backward()
            with torch.no_grad():
                for p in model.parameters():
                    if inplace:
                        p -= 0.01 * p.grad
                    p = p - 0.01 * p.grad
            model.zero_grad()

    return program(model=cnn(), optimizer=None, train=train)


def loop(each_batch):
    """Return a program whose loop calls ``each_batch(model, loss, optimizer, last)``."""

    def train(model, batches, loss_function, optimizer):
        model.train()
        for number, (x, y) in enumerate(batches, start=1):
            optimizer.zero_grad()
            loss_function(model(x), y).backward()
            optimizer = each_batch(optimizer, number == len(batches)) or optimizer

    return program(model=cnn(), train=train)


def new_one(optimizer, last):
    optimizer.step()
    return torch.optim.SGD(optimizer.param_groups[0]["params"], lr=0.01, momentum=0.9)


def copied(deep):
    def train(model, batches, loss_function, optimizer):
        if deep:
            model = cnn()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        right_loop(model, batches, loss_function, optimizer)

    return program(model=cnn(), train=train)


def scheduled(own):
    parts = program(model=cnn())
    other = torch.optim.SGD(parts["model"].parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(parts["optimizer"] if own else other, 5)

    def train(model, batches, loss_function, optimizer):
        right_loop(model, batches, loss_function, optimizer)
        scheduler.step()

    return parts | {"train": train}


class Held(Dataset):
    def __init__(self, count, same=False):
        self.images, self.labels, self.count, self.same = images, labels, count, same

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.images[0 if self.same else index], self.labels[index]


def held(*arguments):
    batches = DataLoader(Held(*arguments), 16, shuffle=True)
    return program(model=cnn(), train_batches=batches)


def half_precision(dtype):
    model = cnn().to(dtype)
    batches = loader(images.to(dtype))
    adam = torch.optim.Adam(model.parameters(), 1e-4)
    return program(model=model, optimizer=adam, train_batches=batches, validation_batches=None)


def normed(shared):
    def forward(self, x):
        x = self.norm(self.backbone[0](x)).relu()
        other = self.norm if shared else nn.Identity()
        return self.head(other(F.interpolate(x, 7)).repeat(1, 2, 1, 1)[:, :12].flatten(1))

    model = Parts(forward)
    model.norm = nn.BatchNorm2d(8)
    model.backbone = model.backbone[:1]
    return program(model=model)


def normed_one(size):
    model = nn.Sequential(nn.Conv2d(3, 4, 5, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    model.append(nn.Linear(196, 10))
    return program(model=model, train_batches=loader(batch_size=size))


def weighted(change):
    few = torch.cat([(labels < 5).nonzero()[:, 0], (labels >= 5).nonzero()[:20, 0]])
    counts = labels[few].bincount(minlength=10).float().clamp(min=1)
    loss = nn.CrossEntropyLoss(weight=change(counts))
    return program(model=cnn(), loss_function=loss, train_batches=loader(images[few], labels[few]))


def erased(x):
    return torch.cat([x[:, :, :6], torch.zeros_like(x[:, :, 6:])], 2)


EXPERIMENTS = {
    "another-copy": (lambda: copied(True), lambda: copied(False)),
    "nothing-moves": (lambda: by_hand(False), lambda: by_hand(True)),
    "gradients-lost": (
        lambda: loop(lambda optimizer, last: optimizer.step() if last else None),
        lambda: loop(lambda optimizer, last: optimizer.step()),
    ),
    "optimizer-recreated": (lambda: loop(new_one), lambda: loop(lambda o, last: o.step())),
    "scheduler-of-another": (lambda: scheduled(False), lambda: scheduled(True)),
    "loss-negated": (lambda: losses(lambda loss, out, y: -loss(out, y)), right),
    "loss-divided": (lambda: losses(lambda loss, out, y: loss(out, y) / len(y)), right),
    "labels-collapsed": (lambda: losses(lambda loss, out, y: loss(out, y // 10)), right),
    "labels-changed": (lambda: losses(lambda loss, out, y: loss(out, (y + 1) % 10)), right),
    "label-ignored": (
        lambda: program(model=cnn(), loss_function=nn.CrossEntropyLoss(ignore_index=0)),
        lambda: program(model=cnn(), loss_function=nn.CrossEntropyLoss(ignore_index=-1)),
    ),
    "loss-summed": (
        lambda: stepped(lr=1.0) | {"loss_function": nn.CrossEntropyLoss(reduction="sum")},
        lambda: stepped() | {"loss_function": nn.CrossEntropyLoss(reduction="mean")},
    ),
    "class-weights-inverted": (
        lambda: weighted(lambda counts: counts / counts.sum()),
        lambda: weighted(lambda counts: 24 / counts),
    ),
    "initial-loss": (lambda: built(each(torch.randn_like)), lambda: built(lambda m: None)),
    "equal-units": (
        lambda: built(each(lambda p: p * 0 + 0.01)),
        lambda: built(lambda m: (nn.init.zeros_(m[7].weight), m)[1]),
    ),
    "no-activation": (
        lambda: program(model=cnn(act=nn.Identity)),
        lambda: program(model=cnn(act=nn.Tanh)),
    ),
    "norm-shared": (lambda: normed(True), lambda: normed(False)),
    "dropout-too-strong": (
        lambda: built(lambda m: m.insert(5, nn.Dropout(0.9))),
        lambda: built(lambda m: m.insert(5, nn.Dropout(0.5))),
    ),
    "norm-momentum": (
        lambda: built(lambda m: m.insert(1, nn.BatchNorm2d(8, momentum=0.99))),
        lambda: built(lambda m: m.insert(1, nn.BatchNorm2d(8))),
    ),
    "norm-of-one": (lambda: normed_one(1), lambda: normed_one(16)),
    "weight-decay": (lambda: stepped(weight_decay=1.0), lambda: stepped(weight_decay=5e-4)),
    "momentum": (lambda: stepped(momentum=0.999), lambda: stepped(momentum=0.95)),
    "eps-vanishes": (
        lambda: half_precision(torch.float16),
        lambda: half_precision(torch.bfloat16),
    ),
    "images-all-alike": (lambda: held(240, True), lambda: held(240)),
    "dataset-too-short": (lambda: held(100), lambda: held(240)),
    "labels-all-alike": (
        lambda: program(train_batches=loader(y=labels * 0)),
        lambda: program(train_batches=loader()),
    ),
    "imbalance": (
        lambda: program(train_batches=loader(y=(torch.arange(240) % 12 == 0).long())),
        lambda: program(train_batches=loader(y=(torch.arange(240) % 3 == 0).long())),
    ),
    "mostly-empty": (
        lambda: program(train_batches=loader(erased(images))),
        lambda: program(train_batches=loader()),
    ),
    "evaluation-blind": (
        lambda: evaluated(lambda out, y: (out.max(1)[0] == y + 0.5).sum().item()),
        lambda: evaluated(counted),
    ),
    "evaluation-breaks": (
        lambda: evaluated(lambda out, y: (out.argmax(0) == y).sum().item()),
        lambda: evaluated(counted),
    ),
}


@pytest.mark.parametrize("kind", EXPERIMENTS)
def test_an_experiment_shows_a_fault_and_is_quiet_about_its_fixed_twin(kind):
    broken, fixed = EXPERIMENTS[kind]
    torch.manual_seed(0)
    assert kind in examine(**broken()).kinds
    assert kind not in examine(**fixed()).kinds and not examine(**fixed()).faults


def test_every_kind_of_the_catalogue_has_a_program_that_shows_it():
    shown = {*CASES, *EXPERIMENTS, *(kind for _make, kinds in FAULTY.values() for kind in kinds)}
    shown |= {param.values[1] for param in PROGRAMS}
    kinds = {key.partition("/")[0] for key in catalogue._ALL} - {"squashed"}
    assert kinds - shown == {"breaks", "loader-breaks"}  # tested with their lines


def test_two_samplers_that_share_no_image_are_no_overlap_and_two_that_do_are():
    def parts(one, other):
        data = TensorDataset(images, labels)
        samplers = (SubsetRandomSampler(part) for part in (one, other))
        train, judge = (DataLoader(data, 16, sampler=sampler) for sampler in samplers)
        return program(train_batches=train, validation_batches=judge)

    assert not examine(**parts(range(160), range(160, 240))).findings
    assert "overlap" in examine(**parts(range(160), range(100, 240))).kinds


def test_batches_by_name_without_a_loop_are_said_not_to_have_been_trained_on():
    report = examine(**program(train_batches=DataLoader(ByName(split(transform=plain)), 16)))
    assert not any("steps on copies" in text for text in report.looked_at)
    assert any("hand over train=" in text for text in report.not_looked_at)


def test_what_a_loop_writes_to_a_file_is_not_written_and_can_be_read_in_the_loop(tmp_path):
    path = tmp_path / "net.pt"
    path.write_text("mine")

    def train(model, batches, loss_function, optimizer):
        right_loop(model, batches, loss_function, optimizer)
        (tmp_path / "runs").mkdir()
        torch.save(model.state_dict(), path)
        model.load_state_dict(torch.load(path))
        open(tmp_path / "log.txt", "w").write("done")

    assert not examine(**program(train=train)).findings
    assert path.read_text() == "mine" and [p.name for p in tmp_path.iterdir()] == ["net.pt"]


def test_an_evaluation_that_never_ends_is_said_not_to_have_been_looked_at(monkeypatch):
    monkeypatch.setattr(case, "SECONDS", 0.2)

    def evaluate(model, batches):
        while True:
            time.sleep(0.01)

    report = examine(**program(evaluate=evaluate))
    assert not report.findings
    assert any("takes too long" in text for text in report.not_looked_at)
