"""A live run trains as a straight one does, obeys at once, and says in words what went wrong."""

import math
import threading
import time

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from labkit.sandbox.untouched import untouched
from labkit.training import Run, checkpoint
from labkit.training.live import LiveRun, State
from tests.training import same

EXAMPLES = TensorDataset(torch.arange(96.0).view(32, 3) / 96, torch.arange(32) % 2)


class Gate(nn.Module):
    """Lets a forward pass through only while it is open, so a test can halt a run in a step."""

    def __init__(self):
        super().__init__()
        self.open, self.entered = threading.Event(), threading.Event()
        self.open.set()

    def forward(self, x):
        self.entered.set()
        assert self.open.wait(30)
        return x


class Held:
    """Batches to validate with, which wait for a gate."""

    def __init__(self, gate):
        self.gate = gate

    def __iter__(self):
        self.gate(None)
        return iter(DataLoader(EXAMPLES, 32))


def _live(*, epochs=2, lr=0.1, gate=None, **options):
    torch.manual_seed(0)
    model = nn.Sequential(gate or nn.Identity(), nn.Linear(3, 4), nn.Dropout(), nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    batches = DataLoader(EXAMPLES, 4, shuffle=True)
    return LiveRun(
        Run(model, batches, DataLoader(EXAMPLES, 32), optimizer, epochs=epochs), **options
    )


def _step(live, times=1):
    """Take so many steps; return the state after the last."""
    for _time in range(times):
        live.step()
        live.wait()
    return live.state


def _end(live):
    """Train to the end; return the state there."""
    live.start()
    return live.wait()


def _halted_in_a_step():
    """Return a live run that is held inside its first step, and the gate that holds it."""
    gate = Gate()
    gate.open.clear()
    live = _live(gate=gate)
    live.start()
    assert gate.entered.wait(30)
    return live, gate


def test_steps_pauses_and_other_cells_change_no_bit_of_the_weights():
    straight, live = _live(), _live()
    straight.run.finish()
    for _time in range(3):
        _step(live)
        torch.rand(5)
    live.epoch()
    live.wait()
    live.start()
    live.pause()
    live.wait()
    if live.state is not State.FINISHED:  # the pause came in time
        _end(live)
    assert same(straight.run.model, live.run.model)
    assert straight.run.history.running_loss == live.run.history.running_loss


def test_a_step_is_one_batch_and_an_epoch_ends_where_the_epoch_ends():
    live = _live()
    assert _step(live) is State.PAUSED and live.run.steps_done == 1
    live.epoch()
    assert live.wait() is State.PAUSED
    assert (live.run.epoch, live.run.step) == (1, 0)


def test_start_returns_at_once_and_pause_halts_after_the_present_batch():
    live, gate = _halted_in_a_step()
    assert live.state is State.RUNNING
    live.pause()
    gate.open.set()
    assert live.wait(30) is State.PAUSED
    assert live.run.steps_done == 1


def test_a_run_that_starts_over_repeats_itself_with_the_settings_of_now():
    live = _live()
    assert not live.can_start_over
    _end(live)
    trained = {name: weight.clone() for name, weight in live.run.model.state_dict().items()}
    live.start_over()
    assert live.state is State.READY and "Back at the start." in live.message
    assert live.run.steps_done == 0 and live.run.last_batch is None
    _end(live)
    for name, weight in live.run.model.state_dict().items():
        assert torch.equal(weight, trained[name])
    live.set(lr=0.5)
    live.set_epochs(3)
    live.start_over()
    assert live.run.optimizer.param_groups[0]["lr"] == 0.5 and live.run.epochs == 3
    _end(live)
    assert not torch.equal(live.run.model[1].weight, trained["1.weight"])


def test_start_over_halts_a_run_first_and_keeps_what_was_saved():
    saved = []

    class Keeper:
        def __call__(self, run):
            pass

        def at_rest(self, run):
            saved.append(run.steps_done)

    live, gate = _halted_in_a_step()
    live.after_step = Keeper()
    live.start_over()
    assert live.state is State.RUNNING
    gate.open.set()
    assert live.wait(30) is State.READY
    assert live.run.steps_done == 0 and saved == []
    _end(live)
    assert saved == [16]


def test_start_over_helps_after_a_loss_that_is_no_number():
    live = _live(lr=1e30)
    assert _end(live) is State.FAILED
    assert "new model and a learning rate below 1e+30" in live.message
    live.set(lr=0.1)
    assert live.run.optimizer.param_groups[0]["lr"] == 0.1  # at once, as it rests
    live.start_over()
    assert live.state is State.READY
    assert _end(live) is State.FINISHED


def test_a_model_with_other_layers_cannot_start_over_and_says_so():
    live = _live()
    _step(live)
    live.run.model[1] = nn.Linear(3, 5)
    live.start_over()
    assert "other layers" in live.message


def test_two_live_runs_of_one_model_do_not_train_it_at_once():
    first = _live(epochs=100_000)
    second = LiveRun(first.run)
    first.start()
    second.step()
    assert second.wait(30) is State.PAUSED
    assert first.state is State.PAUSED and "another panel" in first.message


def test_starting_twice_trains_only_once():
    live, gate = _halted_in_a_step()
    live.start()
    assert live.message == "Training."
    threads = threading.active_count()
    live.step()
    assert threading.active_count() == threads
    gate.open.set()
    live.wait(30)
    assert live.run.steps_done == 16


def test_buttons_out_of_season_are_answered_in_words():
    live = _live(epochs=1)
    live.pause()
    live.start_over()
    assert live.message == "Ready to start."
    _end(live)
    live.start()
    assert live.message == "The epoch is done. For more, raise the number of epochs."


def test_more_epochs_can_be_asked_for_at_the_end():
    live = _live(epochs=1)
    _end(live)
    live.set_epochs(2)
    _end(live)
    assert len(live.run.history.validation_loss) == 2


def test_fewer_epochs_than_are_begun_are_refused():
    live = _live(epochs=3)
    live.epoch()
    live.wait()
    _step(live)
    live.set_epochs(1)
    assert live.run.epochs == 3 and "Epoch 2 is begun already: 1 would be too few" in live.message


@pytest.mark.parametrize(("epochs", "wanted"), [(3, 1), (1, 2)])
def test_the_end_can_be_moved_while_an_epoch_is_being_validated(epochs, wanted):
    gate = Gate()
    live = _live(epochs=epochs)
    live.run.validation_batches = Held(gate)
    gate.open.clear()
    live.start()
    assert gate.entered.wait(30)
    live.set_epochs(wanted)
    gate.open.set()
    assert live.wait(30) is State.FINISHED, live.message
    assert live.run.epoch == wanted


def test_a_knob_turned_while_it_runs_holds_from_the_next_step_on():
    live, gate = _halted_in_a_step()
    live.set(lr=0.02, momentum=0.5)
    assert live.run.optimizer.param_groups[0]["lr"] == 0.1  # not in the middle of a step
    gate.open.set()
    live.wait(30)
    assert live.run.history.learning_rate == [0.1] + [0.02] * 15
    assert live.run.optimizer.param_groups[0]["momentum"] == 0.5


def test_a_knob_out_of_range_is_said_and_the_run_goes_on():
    live, gate = _halted_in_a_step()
    live.set(lr=-1.0)
    heard = []
    live.on_change = lambda: heard.append(live.message)
    gate.open.set()
    assert live.wait(30) is State.FINISHED
    assert "The learning rate is -1.0: it must be above 0." in heard


def test_weights_changed_underneath_are_said_and_start_accepts_them():
    live = _live()
    _step(live)
    nn.init.zeros_(live.run.model[1].weight)
    assert _end(live) is State.FAILED and "changed since the last step" in live.message
    assert _end(live) is State.FINISHED


def _another_layer(run):
    run.model[3] = nn.Linear(4, 2)


def _another_shape(run):
    run.train_batches = [(torch.zeros(4, 5), torch.zeros(4, dtype=torch.int64))]


def _loss_that_raises(error):
    def loss_function(_outputs, _labels):
        raise error

    return lambda run: setattr(run, "loss_function", loss_function)


CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
CPU = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes")
FAULTS = [
    (_another_layer, "Make a new optimizer"),
    (_another_shape, "cannot take this batch"),
    *((_loss_that_raises(error), "half the batch size") for error in (MemoryError(), CUDA, CPU)),
    (_loss_that_raises(KeyError("cat")), "Training stopped at step 1: KeyError: 'cat'"),
]


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_what_ends_a_training_is_said_with_what_to_do(fault, said):
    live = _live()
    fault(live.run)
    assert _end(live) is State.FAILED and said in live.message


def _full(_file):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("seconds", [0, 1e9], ids=["after a step", "at a pause"])
def test_a_full_disk_is_said_with_what_to_do_and_the_run_can_go_on(tmp_path, monkeypatch, seconds):
    live = _live(after_step=checkpoint.Saver(tmp_path / "live.pt", seconds=seconds))
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", _full)
        assert _step(live) is State.FAILED
    assert live.message.endswith("No space left on device. Make room or choose another folder.")
    _end(live)
    assert checkpoint.load(tmp_path / "live.pt").run["epoch"] == 2


def test_what_a_pause_leaves_is_saved_once(tmp_path):
    saver = checkpoint.Saver(tmp_path / "live.pt", seconds=1e9)
    live = _live(after_step=saver)
    for steps in (1, 2):
        assert _step(live) is State.PAUSED
        assert checkpoint.load(saver.path).run["step"] == steps
    saver.path.unlink()
    live.epoch()
    live.wait()
    saved = saver.path.stat().st_mtime_ns
    saver.at_rest(live.run)  # the end of the epoch is saved already
    assert saver.path.stat().st_mtime_ns == saved and live.run.step == 0


def test_a_run_that_was_halted_before_its_first_step_replaces_no_file(tmp_path):
    saver = checkpoint.Saver(tmp_path / "live.pt")
    saver.at_rest(_live().run)
    assert not saver.path.exists()


def test_an_exception_while_drawing_is_not_lost():
    def broken():
        if live.run.steps_done == 1:
            live.on_change = None
            raise ZeroDivisionError("drawing")

    live = _live()
    live.on_change = broken
    live.start()
    assert live.wait() is State.FAILED and "ZeroDivisionError: drawing" in live.message


def test_interrupting_a_wait_pauses_the_run(monkeypatch):
    live, gate = _halted_in_a_step()

    def interrupted(_timeout):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(live._thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            live.wait()
    gate.open.set()
    assert live.wait(30) is State.PAUSED
    assert "interrupted" in live.message and live.run.steps_done == 1


def test_after_step_follows_each_step():
    seen = []
    _end(_live(epochs=1, after_step=lambda run: seen.append(run.steps_done)))
    assert seen == list(range(1, 9))


def test_progress_tells_where_the_run_is():
    live = _live()
    before = live.progress()
    assert (before.state, before.epoch, before.step) == ("ready", 0, 0)
    assert math.isnan(before.images_per_second) and math.isnan(before.seconds_left)
    _step(live, times=3)
    during = live.progress()
    assert (during.epoch, during.epochs, during.step, during.steps_per_epoch) == (1, 2, 3, 8)
    _end(live)
    after = live.progress()
    assert (after.epoch, after.step, after.seconds_left) == (2, 8, 0.0)
    assert after.message == "All 2 epochs are done."


def test_speed_and_time_left_agree(monkeypatch):
    live = _live(epochs=10)
    live.after_step = lambda run: time.sleep(0.03)
    live.start()
    until = time.monotonic() + 20
    while math.isnan(live.progress().images_per_second) and time.monotonic() < until:
        time.sleep(0.02)
    live.pause()
    live.wait()
    now = live.progress()
    assert 0 < now.images_per_second < 4 / 0.03
    images_left = live.run.steps_left * 4
    assert now.seconds_left == pytest.approx(images_left / now.images_per_second)


def test_a_device_that_is_not_there_is_said():
    live = _live()
    live.to("no such device")
    assert "no such device" in live.message
    assert _end(live) is State.FINISHED


def test_a_device_with_too_little_memory_is_said_and_the_run_stays(monkeypatch):
    live = _live(epochs=1)
    _step(live)

    def full(model, optimizer, device):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nand much more")

    with monkeypatch.context() as patch:
        patch.setattr("labkit.training.run.move", full)
        live.to("cuda:1")
    expected = "It stays on cpu, as it cannot move to cuda:1: CUDA out of memory. Tried to allocate"
    assert live.message.startswith(expected) and "\n" not in live.message
    assert _end(live) is State.FINISHED


def test_where_a_resting_run_was_moved_to_is_said():
    live = _live()
    live.to("cpu")
    assert (live.message, live.progress().device) == ("Moved to cpu.", "cpu")


def test_a_look_inside_a_model_in_training_changes_nothing_of_the_training():
    straight, looked_at = _live(epochs=20), _live(epochs=20)
    _end(straight)
    looked_at.start()
    while looked_at.state is State.RUNNING:
        with untouched(looked_at.run.model):
            looked_at.run.model(EXAMPLES.tensors[0])
            torch.rand(3)
        time.sleep(0.001)
    assert looked_at.wait(30) is State.FINISHED, looked_at.message
    assert same(straight.run.model, looked_at.run.model)
