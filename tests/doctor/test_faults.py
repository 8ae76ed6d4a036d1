"""For every fault a broken program, where the doctor finds it, and the same program fixed.

Most are a correct program with a line changed. Half of them were written before the doctor's rules
were read.
"""

import copy
from functools import cache, partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, lr_scheduler
from torch.utils.data import ConcatDataset, DataLoader, Subset, WeightedRandomSampler

from labkit.data.loaders import BatchLoader
from labkit.doctor import catalogue, examine
from tests.doctor.programs import (
    BACK,
    CLEAR,
    FIRST,
    LEARNING,
    LOOP,
    STEP,
    Items,
    Outside,
    Parts,
    Small,
    Speckle,
    Words,
    by_name,
    cnn,
    images,
    judges,
    labels,
    loader,
    mirror,
    normal,
    one_number,
    outside,
    pictures,
    plain,
    prepared,
    program,
    reading,
    right_evaluation,
    right_loop,
    right_step,
    split,
    trains,
    words,
)
from tests.doctor.test_faults_of_a_whole_epoch import FAULTS as OF_EPOCHS
from tests.doctor.test_faults_of_a_whole_epoch import WHOLE
from tests.doctor.test_faults_of_measuring import FAULTS as OF_MEASURING
from tests.doctor.test_faults_of_real_recipes import FAULTS as OF_RECIPES

FAULTS = []
"""A kind of finding, a program that has to get it, and one that must not: each is a function."""


def fault(kind, broken, fixed=program):
    FAULTS.append((kind, broken, fixed))


def faulty(kind):
    """Register a program that takes ``right``: with it, it is fixed."""
    return lambda make: fault(kind, partial(make, False), partial(make, True)) or make


@cache
def examined(make):
    """Examine the program that ``make`` makes; many faults have the same one fixed."""
    torch.manual_seed(0)
    return examine(**make())


def edited(kind, *edits, make=trains, **options):
    fault(kind, partial(make, *edits, **options), trains if make is trains else judges)


# ---------------------------------------------------------------- the model and its optimizer


def built(change=lambda model: None, **changes):
    """Return a program whose network ``change`` has changed."""
    torch.manual_seed(0)
    model = cnn()
    with torch.no_grad():
        model = change(model) or model
    return program(model=model, **changes)


def each(values):
    """Return a change that sets every weight that is a matrix."""

    def change(model):
        for p in model.parameters():
            p.copy_(values(p)) if p.ndim > 1 else None

    return change


def stepped(lr=0.01, make=cnn, **options):
    model = make()
    return program(model=model, optimizer=SGD(model.parameters(), lr, **options))


def replaced():
    parts = program()
    for module in parts["model"].modules():  # as some devices' .to(device) does
        for name, weight in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(weight.detach().clone()))
    return parts


def a_new_head():
    parts = program()
    parts["model"].head = nn.Linear(6 * 14 * 14, 10)
    return parts


def a_layer_left_out():
    model = Small()
    weights = [*model.conv.parameters(), *model.head.parameters()]
    return program(model=model, optimizer=SGD(weights, lr=0.01))


def of_another_model():
    return program(optimizer=SGD(Small().parameters(), lr=0.01))


def everything_frozen():
    return program(model=Small().requires_grad_(False))


fault("other-weights", of_another_model)
fault("other-weights", replaced)
fault("left-out", a_layer_left_out)
fault("left-out", a_new_head)
fault("frozen", everything_frozen)
fault("hidden-layers", lambda: built(lambda m: setattr(m, "blocks", [nn.Linear(4, 4)])), built)
fault("weight-decay", lambda: stepped(weight_decay=1.0), lambda: stepped(weight_decay=5e-4))
fault("momentum", lambda: stepped(momentum=0.999), lambda: stepped(momentum=0.95))
fault("learning-rate-too-large", lambda: stepped(100.0, Small), stepped)
fault("learning-rate-too-small", lambda: stepped(1e-9), stepped)
fault("learning-rate-too-small", lambda: stepped(0.0), stepped)
fault("initial-loss", lambda: built(each(torch.randn_like)), built)
fault("equal-units", lambda: built(each(lambda p: p * 0 + 0.01)),
      lambda: built(lambda m: (nn.init.zeros_(m[7].weight), m)[1]))  # fmt: skip
fault("no-activation", lambda: program(model=cnn(act=nn.Identity)),
      lambda: program(model=cnn(act=nn.Tanh)))  # fmt: skip
fault("outputs-dropped", lambda: built(lambda m: m.append(nn.Dropout(0.5))), built)
fault("dropout-too-strong", lambda: built(lambda m: m.insert(5, nn.Dropout(0.9))),
      lambda: built(lambda m: m.insert(5, nn.Dropout(0.5))))  # fmt: skip
fault("norm-momentum", lambda: built(lambda m: m.insert(1, nn.BatchNorm2d(8, momentum=0.99))),
      lambda: built(lambda m: m.insert(1, nn.BatchNorm2d(8))))  # fmt: skip


@faulty("learning-rate-too-small")
def adam_with_a_learning_rate_of_1e_7(right):
    model = cnn()
    return program(model=model, optimizer=Adam(model.parameters(), lr=1e-3 if right else 1e-7))


@faulty("frozen")
def a_backbone_frozen_before_it_learnt(right):
    model = Parts()
    model.backbone.requires_grad_(right)
    return program(model=model)


@faulty("frozen-not")
def a_freeze_that_freezes_nothing(right):
    parts = program(model=Parts())
    for weight in parts["model"].backbone.parameters():
        setattr(weight, "requires_grad" if right else "require_grad", False)
    return parts


@faulty("module-repeated")
def one_block_three_times(right):
    def block():
        return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())

    blocks = [block() for _ in range(3)] if right else [block()] * 3
    ends = nn.Conv2d(3, 8, 3, stride=2), nn.Flatten(), nn.Linear(8 * 225, 10)
    return program(model=nn.Sequential(ends[0], *blocks, *ends[1:]))


@faulty("norm-shared")
def one_normalisation_in_two_places(right):
    def forward(self, x):
        x = self.norm(self.backbone[0](x)).relu()
        other = nn.Identity() if right else self.norm
        return self.head(other(F.interpolate(x, 7)).repeat(1, 2, 1, 1)[:, :12].flatten(1))

    model = Parts(forward)
    model.norm = nn.BatchNorm2d(8)
    model.backbone = model.backbone[:1]
    return program(model=model)


@faulty("norm-of-one")
def batches_of_one_for_batch_normalisation(right):
    model = nn.Sequential(nn.Conv2d(3, 4, 5, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    batches = loader(batch_size=16 if right else 1)
    return program(model=model.append(nn.Linear(196, 10)), train_batches=batches)


@faulty("norm-of-one")
def batches_of_two_for_batch_normalisation(right):
    return program(train_batches=prepared(normal, batch_size=16 if right else 2))


@faulty("vanishing-gradient")
def sigmoids_in_ten_layers(right):
    layers = [nn.Flatten(), nn.Linear(3072, 32)]
    for _ in range(9):
        layers += [nn.ReLU() if right else nn.Sigmoid(), nn.Linear(32, 32)]
    return program(model=nn.Sequential(*layers, nn.ReLU(), nn.Linear(32, 10)), train=right_loop)


@faulty("no-gradient")
def a_backbone_under_no_grad(right):
    def forward(self, x):
        with torch.set_grad_enabled(right):
            x = self.backbone(x)
        return self.head(x.flatten(1))

    return program(model=Parts(forward))


@faulty("active-in-eval")
def functional_dropout_that_is_always_on(right):
    def forward(self, x):
        x = F.dropout(self.backbone(x).flatten(1), 0.5, training=self.training or not right)
        return self.head(x)

    return program(model=Parts(forward), evaluate=right_evaluation)


@faulty("images-mixed")
def axes_swapped_before_flattening(right):
    def forward(self, x):
        x = self.backbone(x)
        return self.head((x if right else x.transpose(0, 1)).reshape(len(x), -1))

    return program(model=Parts(forward))


@faulty("layer-in-forward")
def a_layer_made_in_forward(right):
    def forward(self, x):
        x = self.backbone(x).flatten(1)
        return (self.head if right else nn.Linear(x.shape[1], 10))(x)

    return program(model=Parts(forward))


@faulty("joined-with-itself")
def a_skip_connection_to_itself(right):
    def forward(self, x):
        one = self.backbone[:2](x)
        two = self.backbone[2:](one)
        other = F.interpolate(one, two.shape[2:]).repeat(1, 2, 1, 1)[:, :12] if right else two
        return self.head(torch.cat([two, other], 3)[..., ::2].flatten(1))

    return program(model=Parts(forward))


@faulty("sees-ahead")
def the_next_word_is_in_sight(right):
    later = torch.ones(8, 8, dtype=torch.bool).triu(1)
    masks = {"src_mask": lambda x: later} if right else {}
    return reading(Words(20, True, **masks), words(9)[:, :-1], words(9)[:, 1:])


@faulty("input-without-effect")
def a_padding_mask_that_is_upside_down(right):
    inputs = words(8)
    inputs[:, 6:] = 0
    model = Words(2, False, src_key_padding_mask=lambda x: (x == 0) if right else (x != 0))
    return reading(model, inputs, (inputs[:, 1] > 9).long())


@faulty("targets-are-inputs")
def words_that_are_their_own_targets(right):
    model = nn.Sequential(nn.Embedding(20, 16), nn.Linear(16, 20))
    return reading(model, words(9)[:, :-1], words(9)[:, 1:] if right else words(9)[:, :-1])


@faulty("dead-relu")
def biases_that_no_image_lifts(right):
    model = Small()
    nn.init.constant_(model.norm.bias, 0 if right else -50)
    return program(model=model)


class Root(Small):
    """Takes the root of numbers that may be negative: NaN, from that layer on."""

    def forward(self, x):
        return self.head(torch.flatten(torch.sqrt(self.norm(self.conv(x))), 1))


class Norm(Small):
    """Takes the root of 0 in the forward pass: finite, but its slope is not."""

    def forward(self, x):
        return super().forward(x) + torch.sqrt((self.norm.bias**2).sum())


fault("loss-not-finite", lambda: program(model=Root()))
fault("gradient-not-finite", lambda: program(model=Norm()))


@faulty("low-precision")
def weights_of_bfloat16(right):
    return half_precision(torch.float32 if right else torch.bfloat16)


@faulty("eps-vanishes")
def an_eps_that_is_nothing_in_float16(right):
    return half_precision(torch.bfloat16 if right else torch.float16)


@faulty("eps-too-large")
def an_eps_beside_which_gradients_are_nothing(right):
    model = cnn()
    adam = Adam(model.parameters(), 1e-4, eps=1e-3 if right else 10.0)
    return program(model=model, optimizer=adam)


def half_precision(dtype):
    model = cnn().to(dtype)
    batches = loader(images.to(dtype))
    adam = Adam(model.parameters(), 1e-4)
    return program(model=model, optimizer=adam, train_batches=batches, validation_batches=None)


def loaded(change):
    parts = program()
    weights = change(copy.deepcopy(parts["model"].state_dict()))
    return {**parts, "checkpoint": parts["model"].load_state_dict(weights, strict=False)}


def with_prefix(weights):
    return {f"module.{name}": value for name, value in weights.items()}


def without_conv(weights):
    return {name: value for name, value in weights.items() if not name.startswith("conv")}


fault("checkpoint-keys", lambda: loaded(without_conv), lambda: loaded(dict))
fault("checkpoint-keys", lambda: loaded(with_prefix), lambda: loaded(dict))

# ------------------------------------------------------------------------- the training loop

CLIP = "        nn.utils.clip_grad_norm_(model.parameters(), {})\n"
UPDATE = """        with torch.no_grad():
            for p in model.parameters():
                p {} 0.01 * p.grad
        model.zero_grad()
"""
NO_EVAL = "    model.eval()\n"


def by_hand(sign):
    parts = program(model=cnn(), optimizer=None)
    return trains(CLEAR, "", STEP, UPDATE.format(sign), parts=parts)


edited("no-zero-grad", CLEAR, "")
edited("step-before-backward", BACK + STEP, STEP + BACK)
edited("no-step", STEP, "")
edited("no-step", STEP, "        if examples == 9_999:\n    " + STEP)
edited("no-backward", BACK, "")
edited("cleared-too-late", CLEAR, "", BACK, BACK + CLEAR)
edited("gradients-lost", STEP, "", "    return", STEP[4:] + "    return")
edited("optimizer-recreated", STEP, STEP + "        optimizer = new(model.parameters())\n",
       new=partial(SGD, lr=0.01, momentum=0.9))  # fmt: skip
edited("another-copy", FIRST, "    model = new()\n    optimizer = SGD(model.parameters(), 0.01)\n",
       new=cnn, SGD=SGD)  # fmt: skip
edited("graph-kept", "loss.item() * len(labels)", "loss")
edited("gradients-clipped", STEP, CLIP.format(1e-3) + STEP)
edited("clipped-too-early", BACK, CLIP.format(1.0) + BACK)
edited("clipped-too-early", BACK, CLIP.format(1.0).replace("nn.utils.", "") + BACK,
       clip_grad_norm_=nn.utils.clip_grad_norm_)  # fmt: skip
edited("loss-negated", "loss.backward", "(-loss).backward")
edited("loss-divided", "loss.backward", "(loss / len(labels)).backward")
edited("labels-collapsed", "outputs, labels", "outputs, labels // 10")
edited("labels-changed", "outputs, labels", "outputs, (labels + 1) % 10")
edited("out-of-step", "model(images)", "model(images[torch.randperm(len(images))])")
edited("first-batch-again", LOOP,
       "    for _ in range(len(batches)):\n        images, labels = next(iter(batches))\n",
       parts=program(train_batches=prepared(normal, shuffle=False)))  # fmt: skip
edited("first-batch-again", LOOP, "    left = next(iter(batches))\n"
       "    for data, target in batches:\n        images, labels = left\n")  # fmt: skip
edited("last-batch-only", BACK, "", STEP, "", "    return total",
       "    loss.backward()\n    optimizer.step()\n    return total")  # fmt: skip
edited("training-in-eval-mode", FIRST, "", parts=program(model=Small().eval()))
edited("training-in-eval-mode", FIRST, "", parts=program(evaluate=right_evaluation))
edited("no-gradient", "model(images)",
       "model.head(model.norm(model.conv(images)).relu().detach().flatten(1))",
       parts=program())  # fmt: skip
fault("nothing-moves", lambda: by_hand("= p -"), lambda: by_hand("-="))
fault("reaches-past", lambda: {**outside, "step": Outside()})
fault("shapes-broadcast",
      lambda: trains("loss_function(outputs, labels)", "F.mse_loss(outputs, labels.float() / 9)",
                     parts=program(model=cnn(1))),
      lambda: trains("loss_function(outputs, labels)",
                     "F.mse_loss(outputs, labels[:, None].float() / 9)",
                     parts=program(model=cnn(1))))  # fmt: skip


@faulty("not-divided")
def sixteen_batches_added_up(right):
    model = cnn()
    sgd = SGD(model.parameters(), lr=0.2, momentum=0.9)
    batches = prepared(normal, batch_size=4)
    return trains(
        CLEAR, "", "loss.backward", f"(loss / {16 if right else 1}).backward",
        STEP, "        if (examples + 4) % 64 == 0:\n    " + STEP + "    " + CLEAR,
        parts=program(model=model, optimizer=sgd, train_batches=batches),
    )  # fmt: skip


def scheduled(kind, scheduler, place=STEP, own=True, **options):
    """Return a program with a scheduler that is stepped at a place, or nowhere."""
    parts = program(model=cnn())
    sgd = parts["optimizer"] if own else SGD(parts["model"].parameters(), lr=0.01)
    known = {"scheduler": scheduler(sgd, **options)}
    call = place[: len(place) - len(place.lstrip())] + "scheduler.step()\n"
    return trains(*([place, call + place] if place else []), parts=parts, **known)


AFTER, HALF, WARM = "    return", partial(lr_scheduler.ExponentialLR, gamma=0.5), {}
fault("scheduler-per-batch", lambda: scheduled("", HALF), lambda: scheduled("", HALF, AFTER))
fault("scheduler-of-another", lambda: scheduled("", HALF, AFTER, own=False),
      lambda: scheduled("", HALF, AFTER))  # fmt: skip
for start in (0, 1e-4):
    warm_up = partial(lr_scheduler.LambdaLR, lr_lambda=lambda n, s=start: min(1, n / 5 + s))
    fault("learning-rate-zero", lambda w=warm_up: scheduled("", w, ""),
          lambda w=warm_up: scheduled("", w))  # fmt: skip


@faulty("best-by-reference")
def the_best_weights_kept_by_reference(right):
    def train(model, batches, loss_function, optimizer):
        best, least = None, float("inf")
        for _epoch in range(3):
            total = right_loop(model, batches, loss_function, optimizer)
            if total < least:
                state = model.state_dict()
                best, least = copy.deepcopy(state) if right else state, total
                del state
        model.load_state_dict(best)

    return program(model=cnn(), train=train)


@faulty("average-unchanged")
def an_average_that_is_bound_to_new_tensors(right):
    parts = program(model=cnn())
    body = "slow.mul_(0.9).add_(quick, alpha=0.1)" if right else "slow = 0.9 * slow + 0.1 * quick"
    average = (
        "        with torch.no_grad():\n"
        "            for slow, quick in zip(average.parameters(), model.parameters()):\n"
        f"                {body}\n"
    )
    return trains(STEP, STEP + average, parts=parts, average=copy.deepcopy(parts["model"]))


@faulty("evaluates-another")
def an_evaluation_of_an_old_copy(right):
    parts = program(model=cnn(), train=right_loop)
    old = copy.deepcopy(parts["model"])
    edits = [] if right else ["model.eval", "old.eval", "model(images)", "old(images)"]
    return judges(*edits, parts=parts, old=old)


# ------------------------------------------------------------------------------- the loss


def last(layer):
    return program(model=Small(last=layer))


def data(change, labels=lambda y: y, model=None):
    judged = BatchLoader(split("test"), 25)
    change_of = program(model=model, train_batches=prepared(change, labels))
    return {**change_of, "validation_batches": judged if change in (normal, greyer) else None}


def labelled(change, **options):
    return data(normal, change, **options)


def weighted(change):
    few = torch.cat([(labels < 5).nonzero()[:, 0], (labels >= 5).nonzero()[:20, 0]])
    counts = labels[few].bincount(minlength=10).float().clamp(min=1)
    loss = nn.CrossEntropyLoss(weight=change(counts))
    return program(model=cnn(), loss_function=loss, train_batches=loader(images[few], labels[few]))


def one_hot(y):
    return F.one_hot(y, 10)


fault("softmax-before-loss", lambda: last(nn.Softmax(dim=1)))
fault("log-softmax-before-loss", lambda: last(nn.LogSoftmax(dim=1)),
      lambda: {**last(nn.LogSoftmax(dim=1)), "loss_function": nn.NLLLoss()})  # fmt: skip
fault("sigmoid-before-loss", lambda: last(nn.Sigmoid()))
fault("relu-before-loss", lambda: last(nn.ReLU()))
fault("no-log-softmax", lambda: program(loss_function=nn.NLLLoss()))
fault("width", lambda: program(model=Small(classes=12)))
fault("width", lambda: program(classes=["cat", "dog"]), lambda: program(classes=10))
fault("width", lambda: program(model=Small(classes=5), step=right_step))
fault("label-range", lambda: labelled(lambda y: y + 1, model=Small(11)) | {"classes": 10})
fault("label-range", lambda: labelled(lambda y: y + 1))
fault("label-type", lambda: labelled(lambda y: y.double()))
fault("one-hot", lambda: labelled(lambda y: one_hot(y).float()))
fault("one-hot", lambda: labelled(one_hot))
fault("label-ignored", lambda: program(loss_function=nn.CrossEntropyLoss(ignore_index=0)),
      lambda: program(loss_function=nn.CrossEntropyLoss(ignore_index=-1)))  # fmt: skip
fault("loss-summed", lambda: stepped(1.0) | {"loss_function": nn.CrossEntropyLoss(reduction="sum")})
fault("class-weights-inverted", lambda: weighted(lambda counts: counts / counts.sum()),
      lambda: weighted(lambda counts: 24 / counts))  # fmt: skip
fault("targets-empty", lambda: labelled(lambda y: F.one_hot(y, 11)[:, 1:].float()),
      lambda: labelled(lambda y: one_hot(y).float() * 0.9 + 0.01))  # fmt: skip


@faulty("loss-negated")
def a_likelihood_that_is_made_small(right):
    def likelihood(outputs, y):
        return (-1 if right else 1) * outputs.log_softmax(1)[torch.arange(len(y)), y].mean()

    return program(model=cnn(), loss_function=likelihood)


@faulty("targets-out-of-reach")
def a_relu_behind_a_regression(right):
    last = nn.Identity if right else nn.ReLU
    return one_number(lambda x: x[:, :1] - x[:, 1:2], last, loss_function=nn.MSELoss())


@faulty("targets-far-away")
def prices_as_they_are(right):
    size, middle = (1, 0) if right else (80_000, 300_000)
    return one_number(lambda x: x[:, :1] * size + middle, loss_function=nn.MSELoss())


@faulty("sigmoid-before-loss")
def a_sigmoid_before_a_loss_that_has_one(right):
    last = nn.Identity if right else nn.Sigmoid
    return one_number(lambda x: (x[:, :1] > 0).float(), last, loss_function=nn.BCEWithLogitsLoss())


# ------------------------------------------------------------------------------- evaluation

HITS, MEAN = "(outputs.argmax(1) == labels).sum().item()", "F.cross_entropy(outputs, labels).item()"
SHARE = HITS.replace("sum()", "float().mean()")
TOLD = "    return right / examples", '    print(f"Accuracy: {int(100 * right / examples)} %")'

judged = partial(edited, make=judges)
judged("evaluating-in-train-mode", NO_EVAL, FIRST, parts=program())
judged("gradients-in-evaluation", "no_grad", "enable_grad")
judged("evaluation-trains", *LEARNING)
judged("accuracy-of-batches", HITS, SHARE, "len(labels)", "1")
fault("accuracy-of-batches", lambda: judges(HITS, SHARE, "len(labels)", "1", *TOLD),
      lambda: judges(*TOLD))  # fmt: skip
fault("loss-of-batches", lambda: judges(HITS, MEAN, "len(labels)", "1"),
      lambda: judges(HITS, f"{MEAN} * len(labels)"))  # fmt: skip
judged("first-batch-only", "    return", "            return")
judged("wrong-accuracy", HITS, SHARE.replace("argmax(1", "argmax(1, True") + " * len(labels)")
judged("evaluation-remembers", "    right = examples = 0", "    global right, examples", right=0,
       examples=0)  # fmt: skip
judged("evaluation-blind", HITS, "(outputs.max(1)[0] == labels + 0.5).sum().item()")
judged("evaluation-breaks", "argmax(1)", "argmax(0)")


@faulty("wrong-accuracy")
def an_argmax_over_the_batch(right):
    batches = prepared(normal, shuffle=False, batch_size=10)
    parts = program(model=cnn(), validation_batches=batches, train_batches=None)
    return judges("argmax(1)", f"argmax({int(right)})", "return", "return 100 *", parts=parts)


@faulty("wrong-accuracy")
def a_threshold_for_probabilities_on_logits(right):
    entropy = F.binary_cross_entropy_with_logits
    parts = one_number(
        lambda x: (x[:, 0] > 0).float(), loss_function=lambda out, y: entropy(out[:, 0], y)
    )
    middle = 0 if right else 0.9
    return judges(HITS, f"((outputs[:, 0] > {middle}) == (labels > 0.5)).sum().item()", parts=parts)


# ------------------------------------------------------------------------ images and loaders


def greyer(x):
    return normal(x) / 4 - 0.7


def by_their_own_numbers(x):
    return (x.permute(0, 3, 1, 2).float() / 255 - 0.45) / 0.24


class Flat(nn.Module):
    """A network that takes pictures with any order of axes."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3072, 10)

    def forward(self, x):
        return self.head(torch.flatten(x, 1))


def first(x):
    return x.permute(0, 3, 1, 2).float()


def right_data():
    return data(normal)


for kind, change in {
    "bytes": first,
    "divided-twice": lambda x: first(x) / 255 / 255,
    "not-normalised": lambda x: first(x) / 255,
    "differently-prepared": greyer,
    "images-not-finite": lambda x: normal(x) / 0,
    "channels-scrambled": lambda x: x.reshape(-1, 3, 32, 32) / 127.5 - 1,
    "bytes-wrapped": lambda x: first(x - 127) / 64,
}.items():
    fault(kind, partial(data, change), right_data)
edited("normalised-twice", "model(images)", "model((images - 0.5) / 0.5)",
       parts=program(model=cnn(), train_batches=prepared(normal)))  # fmt: skip
edited("normalised-twice", "model(images)", "model((images - 0.45) / 0.24)",
       parts=program(model=cnn(), train_batches=prepared(by_their_own_numbers)))  # fmt: skip
fault("normalised-twice", lambda: data(normal, model=Parts(
    lambda self, x: self.head(self.backbone((x - 0.5) / 0.5).flatten(1)))),
      lambda: data(normal, model=Parts()))  # fmt: skip
fault("channels-last", lambda: data(lambda x: x / 127.5 - 1, model=Flat()),
      lambda: data(normal, model=Flat()))  # fmt: skip
fault("dtype", lambda: data(lambda x: normal(x).double()) | {"step": right_step},
      lambda: data(normal) | {"step": right_step})  # fmt: skip
fault("device", lambda: program(model=Small().to("meta"), step=right_step))


def fed(*arguments, **options):
    return program(model=cnn(), train_batches=loader(*arguments, **options))


def sorted_by_class():
    order = np.argsort(pictures.train_labels, kind="stable")
    return [(images[part], labels[part]) for part in np.split(order, 15)]


def judged_by(batches):
    return program(validation_batches=batches)


def parts_of_one_set(start):
    whole = split()
    return program(
        train_batches=BatchLoader(Subset(whole, range(0, 160)), 16, shuffle=True),
        validation_batches=BatchLoader(Subset(whole, range(start, 240)), 16),
    )


def joined(one, other):
    return judged_by(DataLoader(ConcatDataset([one, other]), 25))


def erased(x):
    return torch.cat([x[:, :, :6], torch.zeros_like(x[:, :, 6:])], 2)


def held(count, same=False):
    """Return a data set of its own kind that says how many of the images it has."""
    known = {"images": images, "labels": labels}
    items = Items(count, lambda n: (images[0 if same else n], labels[n]), **known)
    return program(model=cnn(), train_batches=DataLoader(items, 16, shuffle=True))


fault("not-shuffled", lambda: program(train_batches=BatchLoader(split(), 16)))
fault("not-shuffled", lambda: program(train_batches=DataLoader(split(transform=plain), 16)))
fault("not-shuffled", lambda: program(train_batches=sorted_by_class()),
      lambda: program(train_batches=list(BatchLoader(split(), 16, shuffle=True))))  # fmt: skip
fault("augmented", lambda: judged_by(BatchLoader(split("test"), 25, augment=mirror)))
for wrapped in (by_name, lambda items: items):
    fault("augmented", lambda w=wrapped: judged_by(DataLoader(w(split("test", Speckle())), 25)),
          lambda w=wrapped: judged_by(DataLoader(w(split("test", plain)), 25)))  # fmt: skip


def from_workers(transform=plain, start=None):
    data_set, two = split(transform=transform), {"num_workers": 2, "worker_init_fn": start}
    return program(train_batches=DataLoader(data_set, 16, shuffle=True, **two))


def lying(image):
    return torch.from_numpy(np.asarray(image).T / 127.5 - 1).float()


def same_seed(_worker):
    np.random.seed(0)


def seed_of_its_own(_worker):
    np.random.seed(torch.initial_seed() % 2**32)


fault("normalised-twice", lambda: from_workers(lambda x: 4 * plain(x) - 3), from_workers)
fault("sideways", lambda: from_workers(lying), from_workers)
fault("worker-seeds", lambda: from_workers(start=same_seed),
      lambda: from_workers(start=seed_of_its_own))  # fmt: skip
fault("worker-seeds", lambda: from_workers(Speckle()), from_workers)
fault("overlap", lambda: parts_of_one_set(80), lambda: parts_of_one_set(160))
fault("overlap", lambda: joined(split("test", plain), Subset(split(transform=plain), range(20))),
      lambda: joined(split("test", plain), split("test", plain)))  # fmt: skip
fault("images-all-alike", lambda: held(240, True), lambda: held(240))
fault("dataset-too-short", lambda: held(100), lambda: held(240))
fault("labels-all-alike", lambda: fed(y=labels * 0), fed)
fault("imbalance", lambda: fed(y=(torch.arange(240) % 12 == 0).long()),
      lambda: fed(y=(torch.arange(240) % 3 == 0).long()))  # fmt: skip
fault("mostly-empty", lambda: fed(erased(images)), fed)
fault("cut-below-zero", lambda: fed(images.clamp(0, 1)), fed)


@faulty("images-again")
def a_sampler_with_weights_of_classes(right):
    weights = 1 / labels.bincount().double()
    sampler = WeightedRandomSampler(weights[labels] if right else weights, len(labels))
    return fed(sampler=sampler, shuffle=None)


@faulty("images-again")
def a_sampler_with_weights_of_classes_for_images_that_are_changed_as_they_come(right):
    weights = 1 / labels.bincount().double()
    sampler = WeightedRandomSampler(weights[labels] if right else weights, len(labels))
    items = Items(len(labels), lambda n: (images[n] + torch.randn(()) / 10, labels[n]))
    return program(model=cnn(), train_batches=DataLoader(items, 16, sampler=sampler))


@faulty("mask-left-behind")
def an_image_flipped_without_its_mask(right):
    x = torch.randn(64, 3, 16, 16, generator=torch.Generator().manual_seed(0))

    def item(index):
        image = x[index]
        mask = (image[0] > 0).long()
        if torch.rand(()) < 0.5:
            image, mask = image.flip(-1), mask.flip(-1) if right else mask
        return image, mask

    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    batches = DataLoader(Items(64, item), 16, shuffle=True)
    return program(model=model, train_batches=batches, validation_batches=None)


@faulty("labels-numbered")
def names_numbered_in_each_set(right):
    def named(names, start):
        index = {name: number for number, name in enumerate(names)}
        items = Items(60, lambda n: (images[start + n], index["abc"[n % 3]]), index=index)
        return DataLoader(items, 20, shuffle=True)

    training, validation = named("abc", 0), named("abc" if right else "cab", 60)
    parts = program(model=cnn(3), train_batches=training)
    return parts | {"validation_batches": None, "test_batches": validation}


@faulty("overlap")
def a_set_of_ones_own_that_is_in_both(right):
    def own(start):
        items = Items(100, lambda n: (images[start + n], int(labels[start + n])))
        return DataLoader(items, 20, shuffle=True)

    batches = {"train_batches": own(0), "validation_batches": own(100 if right else 20)}
    return program(model=cnn(), **batches)


# ---------------------------------------------------------------------------------- tests


def name_of(value):
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("kind", "broken", "fixed"), FAULTS, ids=name_of)
def test_a_fault_is_named_and_its_fixed_twin_is_not_accused(kind, broken, fixed):
    report, twin = examined(broken), examined(fixed)
    assert kind in report.kinds, str(report)
    assert kind not in twin.kinds and not twin.faults, str(twin)


def test_every_kind_of_the_catalogue_has_a_program_that_shows_it():
    kinds = {key.partition("/")[0] for key in catalogue._ALL} - {"squashed"}
    every = [*FAULTS, *OF_EPOCHS, *OF_MEASURING, *OF_RECIPES]
    shown = {kind for kind, *_programs in every}
    shown |= {kind.partition("/")[0] for kind in WHOLE}
    assert kinds - shown == {"breaks", "outputs-too-small"}  # tested with their lines


def all_dead():
    """Return a network whose layers cannot move, at any learning rate."""
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 225, 10)]
    nn.init.constant_(layers[0].bias, -100)
    return program(model=nn.Sequential(*layers))


ALONE = {
    "other-weights": lambda: {**of_another_model(), "train": right_loop},
    "left-out": lambda: {**a_layer_left_out(), "train": right_loop},
    "width": lambda: program(model=Small(5), train=right_loop),
    "label-range": lambda: labelled(lambda y: y + 1),
    "label-type": lambda: labelled(lambda y: y.double()),
    "frozen": everything_frozen,
    "dead-relu": all_dead,
    "one-hot": lambda: labelled(one_hot),
    "loss-divided": lambda: trains("loss.backward", "(loss / len(labels)).backward"),
    "eps-too-large": partial(an_eps_beside_which_gradients_are_nothing, False),
}


@pytest.mark.parametrize("kind", ALONE)
def test_what_follows_from_a_fault_is_not_called_another(kind):
    assert examined(ALONE[kind]).kinds == (kind,)


def test_a_training_of_all_epochs_is_asked_what_comes_after_the_evaluation():
    parts = trains(FIRST, "", LOOP, "    for images, labels in [*batches, *batches, *batches]:\n")
    report = examine(**program(train=parts["train"], evaluate=right_evaluation))
    assert report.kinds == ("training-in-eval-mode",) and not report.faults
    assert "If it is called again after an evaluation" in str(report)
