"""The loop is PyTorch's own; a run ends the same however it was interrupted."""

import math
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from labkit.sandbox import randomness
from labkit.training import History, Run, TrainingStopped, evaluate, fit, train_epoch
from tests.training import same


@pytest.fixture
def examples():
    torch.manual_seed(0)
    images = torch.randn(30, 3, 8, 8)
    return TensorDataset(images, (images.mean(dim=(1, 2, 3)) > 0).long())


def _model(dropout=0.0, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Dropout(dropout), nn.Linear(8, 3))


def _sgd(model, lr=0.05):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)


def _run(examples, *, dropout=0.0, epochs=2, shuffle=True, **options):
    model = _model(dropout)
    return Run(
        model,
        DataLoader(examples, 4, shuffle=shuffle),
        DataLoader(examples, 7),
        _sgd(model),
        epochs=epochs,
        **options,
    )


def _taken_up(second, first, steps, meanwhile=lambda run: None):
    """Let a run take so many steps, and another go on from there to the end."""
    for _step in range(steps):
        first.advance()
    second.model.load_state_dict(first.model.state_dict())
    second.load_state_dict(first.state_dict())
    meanwhile(second)
    second.finish()
    return second


def test_an_epoch_does_what_the_five_lines_do(examples):
    by_hand, ours = _model(), _model()
    optimizer = _sgd(by_hand)
    for images, labels in DataLoader(examples, 4):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(by_hand(images), labels)
        loss.backward()
        optimizer.step()
    train_epoch(ours, DataLoader(examples, 4), nn.CrossEntropyLoss(), _sgd(ours))
    assert same(by_hand, ours)


def test_the_loss_of_an_epoch_counts_every_example_once(examples):
    model = _model()  # 30 examples in batches of 4: the last batch has 2
    still = torch.optim.SGD(model.parameters(), lr=0.0)
    loss = train_epoch(model, DataLoader(examples, 4), nn.CrossEntropyLoss(), still)
    images, labels = examples.tensors
    assert loss == pytest.approx(nn.functional.cross_entropy(model(images), labels).item())


def test_on_step_hears_of_every_batch(examples):
    model, heard = _model(), []
    hear = {"on_step": lambda step, loss: heard.append((step, loss))}
    train_epoch(model, DataLoader(examples, 4), nn.CrossEntropyLoss(), _sgd(model), **hear)
    assert [step for step, _loss in heard] == list(range(1, 9))
    assert all(math.isfinite(loss) for _step, loss in heard)


def test_an_evaluation_agrees_with_the_whole_set_at_once(examples):
    model = _model(dropout=0.5).train()
    result = evaluate(model, DataLoader(examples, 7))
    images, labels = examples.tensors
    logits = model.eval()(images)
    assert result.loss == pytest.approx(nn.functional.cross_entropy(logits, labels).item())
    assert torch.equal(result.predictions, logits.argmax(dim=1))
    assert result.accuracy == pytest.approx((logits.argmax(dim=1) == labels).float().mean().item())
    assert torch.allclose(result.probabilities.sum(dim=1), torch.ones(30), atol=1e-6)
    assert torch.equal(result.targets, labels)


@pytest.mark.parametrize("training", [True, False])
def test_an_evaluation_leaves_the_model_in_the_mode_it_had(examples, training):
    model = _model().train(training)
    evaluate(model, DataLoader(examples, 7))
    assert model.training is training
    with pytest.raises(RuntimeError):
        evaluate(model, [(torch.zeros(1, 5), torch.zeros(1, dtype=torch.int64))])
    assert model.training is training


@pytest.mark.parametrize("label", [3, -1])
def test_a_label_without_an_output_of_its_own_is_said(label):
    batch = (torch.zeros(2, 4), torch.tensor([0, label]))
    with pytest.raises(ValueError, match=f"{label}.* the model has 3 outputs"):
        evaluate(nn.Linear(4, 3), [batch])


def test_nothing_to_train_on_and_nothing_to_evaluate_are_said():
    model = _model()
    with pytest.raises(ValueError, match="not one batch"):
        train_epoch(model, [], nn.CrossEntropyLoss(), _sgd(model))
    with pytest.raises(ValueError, match="not one batch"):
        evaluate(model, [])


def test_a_loss_that_is_no_number_stops_the_training_in_words(examples):
    model = _model()
    with pytest.raises(TrainingStopped, match="at step .* learning rate below 1e\\+30"):
        train_epoch(model, DataLoader(examples, 4), nn.CrossEntropyLoss(), _sgd(model, lr=1e30))


def test_a_fit_learns_and_returns_plain_data(examples):
    model = _model()
    history = fit(model, DataLoader(examples, 4), DataLoader(examples, 7), _sgd(model), epochs=12)
    assert isinstance(history, History)
    assert len(history.training_loss) == len(history.validation_accuracy) == 12
    assert history.validation_loss[-1] < history.validation_loss[0]
    assert history.steps == list(range(1, 12 * 8 + 1))
    assert all(type(x) is float for x in history.running_loss + history.validation_loss)


def test_the_running_loss_averages_to_the_loss_of_the_epoch(examples):
    run = _run(examples, epochs=1)
    run.finish()
    points = run.history.running_loss  # one per batch here: seven of 4 examples and one of 2
    weighed = (sum(points[:7]) * 4 + points[7] * 2) / 30
    assert run.history.training_loss == [pytest.approx(weighed)]


def test_one_batch_after_a_point_does_not_make_the_running_loss_leap(examples):
    many = TensorDataset(*(torch.cat([part] * 6)[:160] for part in examples.tensors))
    run = _run(many, epochs=1)  # 40 batches: a point takes two of them
    losses = [run.advance() for _batch in range(3)]
    point = (losses[0] + losses[1]) / 2
    assert run.history.running_loss == [pytest.approx(point)]
    assert run.running_loss == pytest.approx((point + losses[2]) / 2)
    last = run.advance()
    assert run.running_loss == run.history.running_loss[-1] == pytest.approx((losses[2] + last) / 2)


def test_a_run_trains_as_the_bare_loop_does(examples):
    run = _run(examples, epochs=1, shuffle=False)
    run.finish()
    bare = _model()
    train_epoch(bare, DataLoader(examples, 4), nn.CrossEntropyLoss(), _sgd(bare))
    assert same(run.model, bare)


def test_a_run_leaves_the_random_numbers_of_other_cells_alone(examples):
    run = _run(examples, dropout=0.5)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run.finish()
    assert torch.equal(torch.rand(3), expected)


def test_another_seed_gives_another_run(examples):
    one, other = _run(examples, seed=0), _run(examples, seed=1)
    one.finish()
    other.finish()
    assert not same(one.model, other.model)


@pytest.mark.parametrize("steps", [0, 1, 5, 8, 11])
def test_a_run_taken_up_at_any_batch_ends_bit_for_bit_thesame(examples, steps):
    straight, first = _run(examples, dropout=0.5), _run(examples, dropout=0.5)
    straight.finish()
    second = _taken_up(_run(examples, dropout=0.5, seed=99), first, steps)
    assert same(straight.model, second.model)
    assert straight.history.running_loss == second.history.running_loss
    assert straight.history.validation_loss == second.history.validation_loss


@pytest.mark.parametrize("steps", [1, 8, 11, 19])
def test_a_loader_with_a_generator_of_its_own_goes_on_in_its_order(examples, steps):
    def make():
        run = _run(examples, epochs=3)
        own = torch.Generator().manual_seed(5)
        return Run(
            run.model,
            DataLoader(examples, 4, shuffle=True, generator=own),
            run.validation_batches,
            run.optimizer,
            epochs=3,
        )

    straight = make()
    straight.finish()
    second = _taken_up(make(), make(), steps, meanwhile=lambda run: list(run.train_batches))
    assert same(straight.model, second.model)


class Noisy(TensorDataset):
    """Examples that are augmented one by one, with the random numbers of NumPy and of Python."""

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return image * float(np.random.rand()) + random.random(), label


@pytest.mark.parametrize("steps", [3, 11])
def test_a_run_taken_up_in_mid_epoch_augments_as_it_would_have(examples, steps):
    noisy = Noisy(*examples.tensors)
    straight, first, second = (_run(noisy, dropout=0.5) for _run_number in range(3))
    random.seed(1)
    np.random.seed(1)
    begin = randomness.python_and_numpy()
    straight.finish()
    randomness.set_python_and_numpy(begin)
    assert same(straight.model, _taken_up(second, first, steps).model)


def test_a_scheduler_steps_after_every_batch(examples):
    run = _run(examples, epochs=1)
    run.scheduler = torch.optim.lr_scheduler.LambdaLR(run.optimizer, lambda step: 1 / (step + 1))
    run.finish()
    assert run.optimizer.param_groups[0]["lr"] == pytest.approx(0.05 / 9)


def test_a_scheduler_whose_plan_is_too_short_is_refused_before_the_first_step(examples):
    run = _run(examples, epochs=2)

    def planned(steps):
        return torch.optim.lr_scheduler.OneCycleLR(run.optimizer, 0.1, total_steps=steps)

    def anew(scheduler):
        batches = run.train_batches, run.validation_batches
        return Run(run.model, *batches, run.optimizer, epochs=2, scheduler=scheduler)

    with pytest.raises(ValueError, match="has learning rates for 15 more steps.* there are 16"):
        anew(planned(15))
    exact = anew(planned(16))
    exact.finish()
    with pytest.raises(ValueError, match="for 0 more steps.* epoch 3 there are 8.* total_steps=24"):
        exact.set_epochs(3)
    assert exact.epochs == 2
    with pytest.raises(ValueError, match="for 0 more steps.* there are 16.* total_steps=16"):
        anew(exact.scheduler)  # used up by another run


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"lr": 0.0}, "learning rate is 0.0"),
        ({"lr": float("nan")}, "learning rate is nan"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"momentum": -0.1}, "momentum is -0.1"),
    ],
)
def test_a_setting_out_of_range_is_refused(examples, setting, said):
    with pytest.raises(ValueError, match=said):
        _run(examples).set(**setting)


def test_momentum_is_refused_where_there_is_none(examples):
    run = _run(examples)
    run.optimizer = torch.optim.Adam(run.model.parameters())
    with pytest.raises(ValueError, match="Adam has no momentum"):
        run.set(momentum=0.5)


def test_a_finished_run_says_so_and_one_of_no_epochs_is_refused(examples):
    run = _run(examples, epochs=1)
    run.finish()
    with pytest.raises(TrainingStopped, match="All epochs are done"):
        run.advance()
    with pytest.raises(ValueError, match="epochs is 0"):
        _run(examples, epochs=0)


@pytest.mark.parametrize("step", [0, 3])
def test_a_step_that_failed_is_taken_again_with_the_same_batch(examples, step):
    straight, run = _run(examples, dropout=0.5), _run(examples, dropout=0.5)
    straight.finish()
    for _step in range(step):
        run.advance()
    good = run.loss_function

    def too_much(_outputs, _labels):
        raise MemoryError

    run.loss_function = too_much
    with pytest.raises(MemoryError):
        run.advance()
    run.loss_function = good
    run.finish()
    assert same(straight.model, run.model)
    assert straight.history.running_loss == run.history.running_loss


def test_a_validation_that_failed_is_made_up_for_and_no_batch_is_taken_twice(examples):
    straight, run = _run(examples, dropout=0.5), _run(examples, dropout=0.5)
    straight.finish()
    good, run.validation_batches = run.validation_batches, [(torch.zeros(1, 5), torch.zeros(1))]
    with pytest.raises(RuntimeError):
        run.finish()
    run.validation_batches = good
    run.finish()
    assert same(straight.model, run.model)
    assert straight.history.validation_loss == run.history.validation_loss


def test_what_a_cell_draws_during_a_step_is_not_disturbed_unless_the_step_draws(examples):
    torch.manual_seed(3)
    expected = torch.rand(4)
    run, drawn = _run(examples), []

    def loss_function(outputs, labels):
        if run.step:  # the first step of an epoch finds out whether the model draws
            drawn.append(torch.rand(1))
        return nn.functional.cross_entropy(outputs, labels)

    run.loss_function = loss_function
    run.advance()
    torch.manual_seed(3)
    for _step in range(4):
        run.advance()
    assert torch.equal(torch.cat(drawn), expected)


def test_a_live_training_waits_for_an_evaluation_and_for_a_move(examples, monkeypatch):
    modes, run = [], _run(examples)

    class Lock:
        def __enter__(self):
            modes.append(run.model.training)

        def __exit__(self, *_error):
            modes.append(run.model.training)

    monkeypatch.setattr("labkit.training.loop.model_lock", Lock())
    evaluate(run.model, run.validation_batches)
    assert modes == [True, True]  # it is switched to evaluation and back while it is held
    monkeypatch.setattr("labkit.training.run.model_lock", Lock())
    run.to("cpu")
    assert len(modes) == 4


def test_a_run_takes_the_weights_of_its_loss_along():
    class Loss(nn.CrossEntropyLoss):
        asked = None

        def to(self, device):
            self.asked = device
            return super().to(device)

    model, loss = nn.Linear(4, 2), Loss(weight=torch.tensor([1.0, 2.0]))
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = [(torch.rand(3, 4), torch.tensor([0, 1, 1]))]
    run = Run(model, batches, batches, sgd, epochs=1, loss_function=loss)
    run.to("cpu")
    assert loss.asked == torch.device("cpu")


def test_a_history_says_in_one_line_where_it_ended():
    history = History(
        steps_per_epoch=2, validation_loss=[2.0, 1.5], validation_accuracy=[0.2, 0.41]
    )
    assert repr(history) == "History of 2 epochs: validation loss 1.500, accuracy 41.0% at the end"
    assert repr(History(steps_per_epoch=2)) == "History of 0 epochs"


def test_random_numbers_are_those_of_the_very_card(monkeypatch):
    """A stand-in for two cards: a state for each, and a log of which was asked."""
    cards = {0: torch.tensor([10]), 1: torch.tensor([11])}

    class Module:
        def get_rng_state(device):
            return cards[device.index]

        def set_rng_state(state, device):
            cards[device.index] = state

    monkeypatch.setattr(torch, "get_device_module", lambda kind: Module)
    states = {"cpu": torch.get_rng_state(), "cuda": torch.tensor([5])}
    with randomness.borrowed(states, torch.device("cuda:1")):
        assert (cards[0], cards[1]) == (10, 5)
        cards[1] = torch.tensor([6])
    assert states["cuda"] == 6
    assert (cards[0], cards[1]) == (10, 11)
    with randomness.borrowed(states, torch.device("cpu")):  # it has moved on to the CPU since
        assert (cards[0], cards[1]) == (10, 11)
