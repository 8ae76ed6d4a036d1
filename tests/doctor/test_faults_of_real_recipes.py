"""Faults of recipes as people copy them: averages, mixed images, segmentation, losses of one's own.

Each was missed once in a program that had been written without a look at the doctor's rules.
"""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, lr_scheduler
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms

from labkit.data.loaders import BatchLoader
from labkit.doctor import examine
from tests.doctor.programs import (
    EVALUATE,
    STEP,
    Parts,
    Small,
    cnn,
    is_named_and_its_twin_is_not_accused,
    program,
    registering,
    right_evaluation,
    right_loop,
    split,
    trains,
    written,
)

faulty = registering(FAULTS := [])


@faulty("average-unchanged")
def an_average_without_the_statistics_of_its_norms(right):
    parts = program()
    average = copy.deepcopy(parts["model"]).eval()
    follow = """        for a, p in zip(average.parameters(), model.parameters()):
            a.data.mul_(0.9).add_(p.data, alpha=0.1)
"""
    more = """        for a, p in zip(average.buffers(), model.buffers()):
            a.copy_(p)
"""
    edits = (STEP, STEP + follow + (more if right else ""))
    judge = written(EVALUATE, "= model(images)", "= average(images)", average=average)
    return trains(*edits, parts=parts, average=average) | {"evaluate": judge}


@faulty("warm-up-in-epochs")
def one_cycle_of_batches_stepped_by_epochs(right):
    parts = program(model=cnn())
    cycle = lr_scheduler.OneCycleLR(parts["optimizer"], 0.01, total_steps=40 * 15)
    end = "    return total / examples"
    edits = (STEP, f"{STEP}        cycle.step()\n") if right else (end, f"    cycle.step()\n{end}")
    return trains(*edits, parts=parts, cycle=cycle)


class Proxies(nn.Module):
    """A loss with a learnt centre for each class."""

    def __init__(self):
        super().__init__()
        self.centres = nn.Parameter(torch.randn(10, 10))

    def forward(self, outputs, labels):
        return F.cross_entropy(outputs @ self.centres.T, labels)


@faulty("left-out")
def the_weights_of_a_loss_are_left_out(right):
    model, loss = cnn(), Proxies()
    learnt = [*model.parameters(), *(loss.parameters() if right else ())]
    return program(model=model, loss_function=loss, optimizer=SGD(learnt, 0.01))


@faulty("checkpoint-keys")
def weights_made_again_after_they_were_loaded(right):
    model = cnn()
    saved = copy.deepcopy(model.state_dict())
    if not right:
        model.apply(lambda m: m.reset_parameters() if hasattr(m, "reset_parameters") else None)
    return program(model=model, checkpoint=saved)


class Places(BatchLoader):
    """Batches whose labels are a class for each pixel: bright or dark."""

    def __iter__(self):
        for images, _labels in super().__iter__():
            yield images, (images.mean(1) > 0).long()


@faulty("pixels-scrambled")
def rows_of_pixels_in_place_of_classes(right):
    def loss(outputs, masks):
        rows = outputs.permute(0, 2, 3, 1) if right else outputs
        return F.cross_entropy(rows.reshape(-1, 2), masks.reshape(-1))

    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    batches = Places(split(), 16, shuffle=True)
    changes = {"train_batches": batches, "validation_batches": None, "loss_function": loss}
    return program(model=model, **changes, optimizer=Adam(model.parameters(), 1e-3))


@faulty("targets-spoilt")
def noise_in_the_target_too(right):
    body = """        noisy = {}
        noisy += 0.3 * torch.randn_like(noisy)
        outputs = model(noisy)
        loss = F.mse_loss(outputs, images)
""".format("images.clone()" if right else "images")
    lines = "        outputs = model(images)\n        loss = loss_function(outputs, labels)\n"
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))
    parts = program(model=model, optimizer=Adam(model.parameters(), 1e-3))
    return trains(lines, body, parts=parts | {"loss_function": None, "validation_batches": None})


@faulty("norm-of-one")
def a_group_for_each_number(right):
    def forward(self, x):
        x = self.backbone(x)
        return self.head(self.norm(x).mean((2, 3)) if right else self.norm(x.mean((2, 3))))

    model = Parts(forward)
    model.norm, model.head = nn.GroupNorm(12, 12), nn.Linear(12, 10)
    return program(model=model)


@faulty("bytes")
def normalised_and_never_scaled(right):
    steps = [transforms.PILToTensor(), transforms.Lambda(lambda x: x / 255 if right else x.float())]
    steps.append(transforms.Normalize((0.5,) * 3, (0.25,) * 3))
    batches = DataLoader(split(transform=transforms.Compose(steps)), 16, shuffle=True)
    return program(model=cnn(), train_batches=batches, validation_batches=None)


@faulty("mixed-labels")
def a_box_whose_share_goes_to_the_wrong_label(right):
    lines = "        outputs = model(images)\n        loss = loss_function(outputs, labels)\n"
    own = "(1 - area)" if right else "area"
    other = "area" if right else "(1 - area)"
    body = f"""        order, side = torch.randperm(len(images)), int(torch.randint(4, 30, ()))
        area, images = side**2 / 32**2, images.clone()
        images[:, :, :side, :side] = images[order, :, :side, :side]
        outputs = model(images)
        loss = {own} * loss_function(outputs, labels)
        loss = loss + {other} * loss_function(outputs, labels[order])
"""
    return trains(lines, body)


class Twins(nn.Module):
    """Two images of a pair through one network; their embeddings, or how far these are apart."""

    def __init__(self, distance):
        super().__init__()
        self.body, self.distance = cnn(), distance

    def forward(self, both):
        one, other = (F.normalize(self.body(x), dim=1) for x in both.unbind(1))
        return F.pairwise_distance(one, other) if self.distance else (one, other)


def judged_pairs(right, distance):
    far = "outputs" if distance else "F.pairwise_distance(*outputs)"
    judge = written(EVALUATE, "(outputs.argmax(1) == labels)", f"(({far} < 0.5) == (labels > 0))")

    def loss(outputs, labels):
        d, same = outputs if distance else F.pairwise_distance(*outputs), labels
        same = same if right else 1 - same
        return (same * d**2 + (1 - same) * torch.relu(1 - d) ** 2).mean()

    loaders = [BatchLoader(split(part), 20) for part in ("train", "test")]
    batches = [
        [(torch.stack([x, x.roll(1, 0)], 1), torch.arange(len(y)) % 2 * 1.0) for x, y in loader]
        for loader in loaders
    ]
    model = Twins(distance)
    parts = {"train_batches": batches[0], "validation_batches": batches[1], "loss_function": loss}
    made = program(model=model, optimizer=Adam(model.parameters(), 1e-3), **parts)
    return made | {"train": right_loop, "evaluate": judge}


@faulty("loss-against-evaluation")
def pairs_whose_loss_has_the_other_convention(right):
    return judged_pairs(right, distance=False)


@faulty("loss-against-evaluation")
def distances_whose_loss_has_the_other_convention(right):
    return judged_pairs(right, distance=True)


def taught(model, x, y, loss_function, **others):
    loader = DataLoader(TensorDataset(x, y), 40, shuffle=True)
    parts = {"train_batches": loader, "loss_function": loss_function, "validation_batches": None}
    made = program(model=model, optimizer=Adam(model.parameters(), 1e-3), **parts)
    return made | {"train": right_loop} | others


@faulty("class-weights-inverted")
def rare_labels_that_count_for_less(right):
    x, y = torch.randn(640, 3, 8, 8), (torch.rand(640, 4) < 0.1).float()
    rare = (1 - y).sum(0) / y.sum(0)
    loss = nn.BCEWithLogitsLoss(pos_weight=rare if right else 1 / rare)
    return taught(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)), x, y, loss)


@faulty("targets-without-signs")
def pairs_that_are_1_or_0(right):
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 8))
    x, y = torch.randn(400, 2, 3, 8, 8), torch.randint(2, (400,)).float()
    loss = nn.CosineEmbeddingLoss()
    made = taught(model, x, 2 * y - 1 if right else y, loss)

    def train():
        for both, same in made["train_batches"]:
            made["optimizer"].zero_grad()
            loss(model(both[:, 0]), model(both[:, 1]), same).backward()
            made["optimizer"].step()

    return made | {"train": train}


@faulty("channels-scrambled")
def noisy_images_cut_at_the_wrong_axis(right):
    things = F.interpolate(torch.randn(400, 3, 6, 6), 24) + 3 * torch.randn(400, 3, 24, 24)
    last = things.permute(0, 2, 3, 1)
    x = last.permute(0, 3, 1, 2) if right else last.reshape(-1, 3, 24, 24)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 22 * 22, 2))
    return taught(model, x / x.std(), torch.randint(2, (400,)), nn.CrossEntropyLoss())


@faulty("nearly-the-same")
def rows_jittered_before_the_split(right):
    rows, labels = torch.randn(300, 30), torch.randint(2, (300,))
    x, y = torch.cat([rows + 0.05 * torch.randn_like(rows) for _copy in range(3)]), labels.repeat(3)
    order = torch.arange(900) if right else torch.randperm(900)
    there = torch.randn(100, 30) if right else x[order[700:800]]
    judging = DataLoader(TensorDataset(there, torch.zeros(100).long()), 50)
    model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
    here = (x[order[:700]], y[order[:700]])
    return taught(model, *here, nn.CrossEntropyLoss(), validation_batches=judging)


class Coder(nn.Module):
    """A variational autoencoder of 64 pixels; what it gives are logits, means and variances."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(64, 8), nn.Linear(4, 64)

    def forward(self, x):
        mean, spread = self.encoder(3 * x).relu().chunk(2, dim=1)
        noise = torch.randn_like(mean) if self.training else 0
        return self.decoder(mean + noise * (0.5 * spread).exp()), mean, spread


@faulty("penalty-too-strong")
def a_sum_beside_a_mean(right):
    model, x = Coder(), (torch.rand(400, 64) < 0.3).float()

    def loss_function(outputs, x):
        logits, mean, spread = outputs
        how = "sum" if right else "mean"
        own = F.binary_cross_entropy_with_logits(logits, x, reduction=how)
        near = 0.5 * (spread.exp() + mean**2 - 1 - spread).sum()
        return (own + near) / len(x) if right else own + near

    made = taught(model, x, torch.zeros(400).long(), loss_function)

    def train():
        for x, _label in made["train_batches"]:
            made["optimizer"].zero_grad()
            loss_function(model(x), x).backward()
            made["optimizer"].step()

    return made | {"train": train}


@faulty("divided-twice")
def means_that_are_meant_for_bytes(right):
    x, y = torch.rand(400, 3, 16, 16), torch.randint(2, (400,))
    mean, spread = torch.tensor([123.7, 116.3, 103.5]), torch.tensor([58.4, 57.1, 57.4])
    times = 255 if right else 1
    x = (times * x - mean[:, None, None]) / spread[:, None, None]
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 2))
    return taught(model, x, y, nn.CrossEntropyLoss())


@faulty("bytes-wrapped")
def a_difference_of_bytes(right):
    frames = (100 + 4 * torch.randn(2, 400, 1, 16, 16)).to(torch.uint8)
    after, before = frames.to(torch.int16) if right else frames
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 2))
    x = (after - before).float() / 255 * 10
    return taught(model, x, torch.randint(2, (400,)), nn.CrossEntropyLoss())


@faulty("learning-rate-zero")
def an_optimizer_loaded_from_the_end_of_a_schedule(right):
    parts = program(model=cnn())
    parts["model"](torch.randn(2, 3, 32, 32)).sum().backward()
    parts["optimizer"].step()  # so that it has a state
    saved = parts["optimizer"].state_dict()
    saved["param_groups"][0]["lr"] = 0.01 if right else 0.0
    parts["optimizer"].load_state_dict(saved)
    return trains(parts=parts)


@pytest.mark.parametrize(("kind", "make"), FAULTS)
def test_a_fault_is_named_and_its_fixed_twin_is_not_accused(kind, make):
    is_named_and_its_twin_is_not_accused(kind, make)


def test_outputs_are_no_scores_where_the_loss_holds_the_classes():
    """The evaluation asks the loss for the nearest centre: that is not counting wrongly."""
    model, loss = cnn(), Proxies()
    nearest = ("outputs.argmax(1)", "(outputs @ loss.centres.T).argmax(1)")
    parts = {
        "loss_function": loss,
        "optimizer": SGD([*model.parameters(), *loss.parameters()], 0.01),
        "evaluate": written(EVALUATE, *nearest, loss=loss),
    }
    assert not examine(**program(model=model, train=right_loop, **parts)).faults


def test_a_mean_of_several_answers_may_be_at_random():
    class Many(Small):
        def forward(self, x):
            x = torch.relu(self.norm(self.conv(x))).flatten(1)
            return self.head(F.dropout(x, 0.3, training=True))

        def several(self, x):
            return torch.stack([self(x).softmax(1) for _time in range(5)]).mean(0)

    judge = written(EVALUATE, "= model(images)", "= model.several(images)")
    report = examine(**program(model=Many(), evaluate=judge))
    assert "active-in-eval" in report.kinds and not report.faults, str(report)
    assert examine(**program(model=Many(), evaluate=right_evaluation)).faults


def test_a_program_that_warms_up_is_not_compared_with_one_that_does_not():
    parts = program(model=cnn())
    warm = lr_scheduler.LambdaLR(parts["optimizer"], lambda n: min(1, (n + 1) / 60))
    made = trains(STEP, f"{STEP}        warm.step()\n", parts=parts, warm=warm)
    assert "learns-less" not in examine(**made, evaluate=right_evaluation).kinds


def test_a_distance_is_no_score():
    """With a loss of its own, a small number may be the yes: nothing is known of a threshold."""

    class Far(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = cnn()

        def forward(self, x):
            return self.body(x).norm(dim=1)

    def loss(far, same):
        return (same * far**2 + (1 - same) * torch.relu(2 - far) ** 2).mean()

    model = Far()
    judge = written(EVALUATE, "(outputs.argmax(1) == labels)", "((outputs < 1) == (labels > 0))")
    two = BatchLoader(split(), 16, shuffle=True), BatchLoader(split("test"), 25)
    batches = [[(x, (y < 5).float()) for x, y in loader] for loader in two]
    parts = {"train_batches": batches[0], "validation_batches": batches[1], "loss_function": loss}
    made = program(model=model, optimizer=Adam(model.parameters(), 1e-3), **parts)
    assert not examine(**made, train=right_loop, evaluate=judge).faults


def test_a_sum_that_is_divided_is_no_sum():
    back = "        loss.backward()\n"
    parts = program(model=cnn()) | {"loss_function": nn.CrossEntropyLoss(reduction="sum")}
    made = trains(back, "        (loss / len(labels)).backward()\n", parts=parts)
    assert not examine(**made).findings


def test_several_labels_of_an_image_are_no_empty_rows():
    loader = BatchLoader(split(), 16, shuffle=True)
    hot = F.one_hot(torch.arange(10), 10) + F.one_hot(torch.arange(1, 11) % 10, 10)
    batches = [(x, hot[y].float() * (y > 0)[:, None]) for x, y in loader]
    parts = {"train_batches": batches, "validation_batches": None}
    [finding] = examine(**program(model=cnn(), **parts), train=right_loop).faults
    assert finding.kind == "targets-empty" and "BCEWithLogitsLoss" in finding.fix


def test_weights_of_a_loss_may_have_an_optimizer_of_their_own():
    loss, parts = Proxies(), program(model=cnn())
    other = SGD(loss.parameters(), 0.5)
    edits = (STEP, STEP + "        other.step()\n        other.zero_grad()\n")
    made = trains(*edits, parts=parts | {"loss_function": loss}, other=other)
    assert not examine(**made).findings


def test_images_that_are_equal_by_chance_are_asked_about():
    def strokes(n):
        drawn = (torch.rand(n, 10, 1) < 0.3) | (torch.rand(n, 1, 10) < 0.3)
        return drawn.float().flatten(1)

    here, there = (DataLoader(TensorDataset(x, (x.sum(1) > 50).long()), 50)
                   for x in (strokes(2000), strokes(400)))  # fmt: skip
    model = nn.Sequential(nn.Linear(100, 16), nn.ReLU(), nn.Linear(16, 2))
    report = examine(**program(model=model, train_batches=here, validation_batches=there))
    assert "overlap" in report.kinds and "overlap" not in {one.kind for one in report.faults}


def test_layers_that_begin_at_0_behind_a_head_that_does_are_no_equal_units():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.block = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1)
            self.head = nn.Linear(8, 10)
            for layer in (self.block, self.head):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

        def forward(self, x):
            x = F.relu(self.stem(x))
            return self.head((x + self.block(x)).mean((2, 3)))

    model = Shared()
    made = program(model=model, optimizer=Adam(model.parameters(), 1e-2))
    assert not examine(**trains(parts=made)).faults


def test_labels_that_an_autoencoder_does_not_use_may_be_all_alike():
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 64))
    made = taught(model, torch.randn(400, 64), torch.zeros(400).long(), nn.MSELoss())
    there = DataLoader(TensorDataset(torch.randn(100, 64), torch.zeros(100).long()), 50)

    def train():
        for x, _label in made["train_batches"]:
            made["optimizer"].zero_grad()
            F.mse_loss(model(x), x).backward()
            made["optimizer"].step()

    def evaluate():
        with torch.no_grad():
            return sum(F.mse_loss(model(x), x).item() for x, _label in there) / len(there)

    made |= {"train": train, "evaluate": evaluate, "validation_batches": there}
    assert not examine(**made).faults
