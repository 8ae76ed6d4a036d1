"""The doctor leaves no mark, says where, and words its report well."""

import copy
import random
import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from labkit.data.loaders import BatchLoader
from labkit.doctor import Finding, Report, calls, examine
from labkit.model import Net
from labkit.training import Run, checkpoint, evaluate, train_epoch, train_step
from labkit.training.live import LiveRun, State
from tests.doctor.programs import (
    BACK,
    CLEAR,
    EVALUATE,
    LEARNING,
    STEP,
    TRAIN,
    Outside,
    Small,
    Speckle,
    by_name,
    normal,
    outside,
    plain,
    prepared,
    program,
    right_loop,
    trains,
    written,
)
from tests.doctor.programs import split as pictures_of

STEPS_FIRST = written(TRAIN, BACK + STEP, STEP + BACK)
TRAINS_ON_THE_JUDGE = written(EVALUATE, *LEARNING)


def state(parts, generators=()):
    """Return all that a program consists of, as values that can be compared."""
    model, optimizer = parts["model"], parts["optimizer"]
    gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    return {
        "weights": {name: value.clone() for name, value in model.state_dict().items()},
        "versions": [(id(p), p._version) for p in (*model.parameters(), *model.buffers())],
        "gradients": gradients,
        "modes": [module.training for module in model.modules()],
        "hooks": [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()],
        "optimizer": copy.deepcopy(optimizer.state_dict()),
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state()[1].copy(),
        "python": random.getstate(),
        "generators": [copy.deepcopy(generator.bit_generator.state) for generator in generators],
        "gradients on": torch.is_grad_enabled(),
    }


def same(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (torch.Tensor, np.ndarray)):
        return np.array_equal(np.asarray(one), np.asarray(other))
    return one == other


def in_the_middle_of_training(**changes):
    parts = program(**changes)
    for images, labels in list(parts["train_batches"])[:2]:
        train_step(parts["model"], images, labels, parts["loss_function"], parts["optimizer"])
    parts["model"].drop.eval()
    return parts


@pytest.mark.parametrize(
    "code",
    [
        {},
        {"step": train_step, "evaluate": evaluate},
        {"train": train_epoch, "evaluate": evaluate},
        {"train": STEPS_FIRST, "evaluate": TRAINS_ON_THE_JUDGE},
        {"step": lambda model, x, y, loss, optimizer: model(x[:, :2])},
    ],
    ids=["none", "step", "loop", "broken order", "error"],
)
def test_everything_is_left_exactly_as_it_was(code):
    parts = in_the_middle_of_training(**code)
    before = state(parts)
    examine(**parts)
    after = state(parts)
    assert {name: same(before[name], after[name]) for name in before} == dict.fromkeys(before, True)


def test_the_next_batches_are_those_that_would_have_come():
    speckle = Speckle()

    def loaders():
        generator = torch.Generator().manual_seed(1)
        return (
            BatchLoader(pictures_of(), 16, shuffle=True),
            DataLoader(pictures_of(transform=plain), 16, shuffle=True, generator=generator),
        )

    for examined, fresh in zip(loaders(), loaders(), strict=True):
        examine(**program(train_batches=examined))
        assert same([list(pair) for pair in examined], [list(pair) for pair in fresh])

    before = copy.deepcopy(speckle.random.bit_generator.state)
    examine(**program(train_batches=DataLoader(pictures_of(transform=speckle), 16, shuffle=True)))
    assert speckle.random.bit_generator.state == before


def test_a_shuffled_loader_without_a_generator_keeps_its_order_too():
    loader = DataLoader(pictures_of(transform=plain), 16, shuffle=True)
    torch.manual_seed(5)
    expected = [labels for _images, labels in loader]
    torch.manual_seed(5)
    examine(**program(train_batches=loader) | {"model": outside["model"], "optimizer": None})
    torch.manual_seed(5)
    examine(outside["model"], train_batches=loader)
    assert same([labels for _images, labels in loader], expected)


def test_code_that_reaches_past_its_arguments_is_put_back_too():
    before = state(outside)
    report = examine(**{**outside, "step": Outside()})
    after = state(outside)
    assert "reaches-past" in report.kinds
    assert same(before["weights"], after["weights"]) and same(before["modes"], after["modes"])
    assert same(before["gradients"], after["gradients"])
    assert same(before["optimizer"], after["optimizer"])


def test_a_live_run_that_goes_on_meanwhile_is_not_disturbed():
    def new_run():
        batches = BatchLoader(pictures_of(), 4, shuffle=True)
        torch.manual_seed(0)
        parts = program(model=Net(10), train_batches=batches)
        rest = batches, parts["validation_batches"], parts["optimizer"]
        return parts, Run(parts["model"], *rest, epochs=2)

    parts, run = new_run()
    live = LiveRun(run)
    live.start()
    while live.state is State.RUNNING:
        assert not examine(**parts, step=train_step).faults
    live.wait()

    other, straight = new_run()
    straight.finish()
    assert live.state is State.FINISHED, live.message
    assert same(dict(parts["model"].state_dict()), dict(other["model"].state_dict()))


def test_what_code_changes_around_it_is_changed_in_a_copy():
    losses, count = [], 0

    def step(model, images, labels, loss_function, optimizer):
        nonlocal count
        losses.append(train_step(model, images, labels, loss_function, optimizer))
        count += 1

    assert not examine(**program(step=step)).findings
    assert (losses, count) == ([], 0)


def test_nothing_is_printed_by_the_code_that_is_examined(capsys):
    assert not examine(**trains(CLEAR, CLEAR + "        print(loss_function)\n")).findings
    assert capsys.readouterr() == ("", "")


def test_a_finding_names_the_line_of_the_code():
    found = {finding.kind: finding.where for finding in examine(**program(train=STEPS_FIRST))}
    assert found["step-before-backward"] == "line 8 of train(): optimizer.step()"


def test_a_layer_where_nan_begins_is_named():
    class Root(Small):
        def forward(self, x):
            x = torch.log(self.norm(self.conv(x)))
            return self.head(torch.flatten(x, 1))

    (finding,) = [f for f in examine(**program(model=Root())) if f.kind == "loss-not-finite"]
    assert "it begins in log()" in finding.where


def test_pictures_that_are_not_finite_are_not_blamed_on_the_learning_rate():
    batches = list(BatchLoader(pictures_of(), 16, shuffle=True))
    batches[5][0][0, 0] = float("nan")
    parts = program(train_batches=batches, step=train_step)
    assert examine(**parts).kinds == ("images-not-finite",)


@pytest.mark.parametrize("save", ["torch.save", "labkit.training.checkpoint", "nested"])
def test_a_checkpoint_file_is_compared_by_name(tmp_path, save):
    model, other, path = Small(), nn.Sequential(nn.Linear(2, 2)), tmp_path / "net.pt"
    for saved, expected in ((model, ()), (other, ("checkpoint-keys",))):
        if save == "labkit.training.checkpoint":
            checkpoint.save(path, saved)
        else:
            weights = saved.state_dict()
            torch.save(weights if save == "torch.save" else {"model_state_dict": weights}, path)
        assert examine(model, checkpoint=path).kinds == expected


def test_a_loader_that_breaks_is_a_finding_and_not_an_error():
    def broken(picture):
        raise KeyError("size")

    loader = DataLoader(pictures_of(transform=broken), 16, shuffle=True)
    (finding,) = examine(**program(train_batches=loader)).faults
    assert finding.kind == "loader-breaks" and "line 2 of broken()" in finding.where


def test_an_error_in_the_code_is_a_finding_with_its_line_and_the_fix():
    def step(model, images, labels, loss_function, optimizer):
        loss_function(model(images[:, :2]), labels)

    (finding,) = examine(**program(step=step)).faults
    assert finding.kind == "breaks"
    assert "line 2 of step()" in finding.where and "[16, 2, 32, 32]" in finding.why


def test_the_report_says_what_was_looked_at_and_what_was_not():
    report = examine(Small())
    assert str(report).startswith("The doctor found nothing wrong.")
    assert "step= / train=" in str(report) and "evaluate=" in str(report)
    assert len(report) == 0 and report.looked_at == ("the model's parameters",)


def test_a_report_counts_faults_before_questions_and_escapes_what_it_shows():
    fault = Finding("a", "what <b>", "where", "why", "fix")
    question = Finding("b", "what", "where", "why", "fix", "question")
    report = Report((fault, question), (), ())
    assert str(report).startswith("The doctor found 1 fault, and has 1 question.")
    html = report._repr_html_()
    assert "what &lt;b&gt;" in html and "<b>" not in html
    assert html.index("Fault:") < html.index("Question:")


def test_an_iterator_another_order_and_other_arguments_are_refused_in_words():
    parts = program()
    with pytest.raises(ValueError, match="not iter"):
        examine(**{**parts, "train_batches": iter(parts["train_batches"])})
    with pytest.raises(ValueError, match="The optimizer is a CrossEntropyLoss"):
        examine(parts["model"], parts["loss_function"], parts["optimizer"])
    with pytest.raises(ValueError, match="cannot be called as step"):
        examine(**parts, step=lambda model, images: None)


def test_a_network_that_does_not_fit_its_pictures_is_a_finding():
    model = nn.Sequential(nn.Conv2d(3, 6, 5), nn.Flatten(), nn.Linear(400, 10))
    (finding,) = examine(model, train_batches=prepared(normal)).faults
    assert finding.kind == "breaks" and "4704" in finding.why and "4704" in finding.fix


def test_batches_by_name_without_a_loop_are_said_not_to_have_been_trained_on():
    report = examine(**program(train_batches=DataLoader(by_name(pictures_of(transform=plain)), 16)))
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
    monkeypatch.setattr(calls, "SECONDS", 0.5)

    def evaluate(model, batches):
        while True:
            time.sleep(0.01)

    report = examine(**program(evaluate=evaluate))
    assert not report.findings
    assert any("takes too long" in text for text in report.not_looked_at)
