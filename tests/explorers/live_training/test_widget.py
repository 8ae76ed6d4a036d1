"""The live panel, pressed from Python: no browser."""

import threading
import time

import pytest
import torch
import traitlets
from jupyter_client.manager import start_new_kernel
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from labkit.explorers.live_training import LiveTraining
from labkit.training import Run
from labkit.training.live import LiveRun

torch.manual_seed(0)
EXAMPLES = TensorDataset(torch.rand(24, 3, 8, 8), torch.arange(24) % 2)


def _run(*, epochs=2, optimizer=None, lr=0.1):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    batches = DataLoader(EXAMPLES, 4)
    return Run(model, batches, DataLoader(EXAMPLES, 24), optimizer, epochs=epochs)


class Named(TensorDataset):
    """Examples that know the names of their classes, as our data sets do."""

    classes = ["cat", "dog"]


@pytest.fixture
def panel():
    return LiveTraining(_run())


def test_a_new_panel_shows_a_picture_and_trains_nothing(panel):
    assert panel.screen.png.startswith(b"\x89PNG")
    assert panel.screen.sentence == "Nothing is trained yet."
    assert "Ready to start." in panel.status.value
    assert panel.live.run.steps_done == 0


def test_start_trains_to_the_end(panel):
    panel.start.click()
    panel.live.wait()
    assert "All 2 epochs are done." in panel.status.value
    assert "epoch 2 of 2, batch 6 of 6" in panel.status.value
    assert "Validation accuracy" in panel.screen.sentence
    assert panel.live.run.finished


class Toggle(traitlets.HasTraits):
    """What a `DeviceToggle` is to the panel: a device that can change."""

    device = traitlets.Instance(torch.device)


def test_the_run_goes_where_the_toggle_is_and_follows_it(monkeypatch):
    moves = []
    monkeypatch.setattr(LiveRun, "to", lambda live, device: moves.append(str(device)))
    toggle = Toggle(device=torch.device("cpu"))
    panel = LiveTraining(_run(), device=toggle)
    assert "Ready to start." in panel.status.value and moves == []  # it is there already
    toggle.device = torch.device("meta")
    LiveTraining(_run(), device=toggle)
    assert moves == ["meta", "meta"]


def test_without_a_toggle_a_panel_stays_where_its_run_is(panel):
    assert str(panel.live.run.device) == "cpu"


def test_step_and_epoch_do_what_they_say(panel):
    panel.step.click()
    panel.live.wait()
    assert panel.live.run.steps_done == 1
    assert "epoch 1 of 2, batch 1 of 6" in panel.status.value
    panel.epoch.click()
    panel.live.wait()
    assert (panel.live.run.epoch, panel.live.run.step) == (1, 0)


def test_pause_and_stop_halt_a_run():
    panel = LiveTraining(_run(epochs=1000), after_step=lambda run: time.sleep(0.001))
    for button, said in ((panel.pause, "Paused"), (panel.stop, "Stopped")):
        panel.start.click()
        assert panel.start.disabled and not button.disabled
        button.click()
        panel.live.wait(30)
        assert said in panel.status.value
        assert not panel.start.disabled and button.disabled
    assert not panel.live.run.finished


def test_a_run_that_fails_while_its_start_is_still_being_shown_leaves_a_start_button(panel):
    live, progress = panel.live, panel.live.progress

    def slow_to_show():
        seen = progress()
        if seen.state == "running" and threading.current_thread() is threading.main_thread():
            live.wait(1)  # the thread fails meanwhile, and shows that
        return seen

    live.progress = slow_to_show
    live.run.model[1] = nn.Linear(192, 2)  # unknown to the optimizer
    panel.start.click()
    live.wait()
    assert "does not know" in panel.status.value
    assert not panel.start.disabled and panel.pause.disabled


def test_a_screen_reader_is_spared_every_batch_and_told_how_it_ended():
    heard = []

    def listen(run):
        heard.append((panel.screen.spoken, 'aria-live="off"' in panel.status.value))

    panel = LiveTraining(_run(epochs=2), after_step=listen)
    assert panel.screen.spoken
    panel.start.click()
    panel.live.wait()
    assert heard[1:] == [(False, True)] * 11
    assert panel.screen.spoken and 'aria-live="polite"' in panel.status.value


def test_a_second_start_is_answered_at_once():
    panel = LiveTraining(_run(epochs=1000), after_step=lambda run: time.sleep(0.001))
    panel.start.click()
    panel.live.start()  # as from another cell: the button itself is disabled
    assert "It is training already" in panel.status.value
    panel.stop.click()
    panel.live.wait(30)


def test_buttons_that_make_no_sense_now_are_disabled(panel):
    assert panel.pause.disabled and panel.stop.disabled
    panel.start.click()
    panel.live.wait()
    assert all(b.disabled for b in (panel.start, panel.step, panel.epoch, panel.pause, panel.stop))


def test_more_epochs_wake_the_buttons_of_a_finished_run(panel):
    panel.start.click()
    panel.live.wait()
    panel.epochs.value = 3
    assert not panel.start.disabled
    panel.start.click()
    panel.live.wait()
    assert len(panel.live.run.history.validation_loss) == 3


def test_a_run_that_was_finished_before_says_so_and_can_go_on():
    run = _run(epochs=1)
    run.finish()
    panel = LiveTraining(run)
    assert "The epoch is done. For more, raise the number of epochs." in panel.status.value
    assert panel.start.disabled
    panel.epochs.value = 2
    assert not panel.start.disabled
    panel.start.click()
    panel.live.wait()
    assert len(run.history.validation_loss) == 2


def test_too_few_epochs_are_said_and_the_number_goes_back(panel):
    panel.start.click()
    panel.live.wait()
    panel.epochs.value = 1
    assert "too few" in panel.status.value
    assert panel.epochs.value == 2


def test_the_knobs_show_and_change_what_the_optimizer_has(panel):
    group = panel.live.run.optimizer.param_groups[0]
    assert panel.learning_rate.texts[panel.learning_rate.value] == "0.1"
    assert panel.momentum.texts[panel.momentum.value] == "0.9"
    panel.learning_rate.value -= 1
    panel.momentum.value = 0
    assert (group["lr"], group["momentum"]) == (0.03, 0.0)
    assert "learning rate 0.03" in panel.status.value


def test_an_unusual_learning_rate_has_its_place_on_the_slider():
    panel = LiveTraining(_run(lr=0.02))
    assert panel.learning_rate.texts[panel.learning_rate.value] == "0.02"


def test_knobs_that_the_optimizer_does_not_have_are_disabled():
    run = _run()
    run.optimizer = torch.optim.Adam(run.model.parameters())
    assert LiveTraining(run).momentum.disabled


def test_a_failure_is_in_words_and_can_be_read():
    panel = LiveTraining(_run())
    panel.live.run.loss_function = lambda outputs, _labels: outputs.sum() * float("nan")
    panel.start.click()
    panel.live.wait()
    assert "Start again with a new model" in panel.status.value
    assert panel.live.state == "failed"


def test_words_of_an_exception_cannot_become_markup(panel):
    def loss_function(_outputs, _labels):
        raise ValueError("<img src=x>")

    panel.live.run.loss_function = loss_function
    panel.start.click()
    panel.live.wait()
    assert "&lt;img src=x&gt;" in panel.status.value


def test_the_pictures_of_the_batch_are_what_went_in(panel):
    panel.step.click()
    panel.live.wait()
    images, truths, answers = panel._last_batch()
    expected = (EXAMPLES.tensors[0][:4] * 0.5 + 0.5) * 255
    assert torch.allclose(torch.tensor(images).permute(0, 3, 1, 2).float(), expected, atol=1)
    assert truths == ["0", "1", "0", "1"]
    assert set(answers) <= {"0", "1"}


def test_classes_have_their_names():
    run = _run()
    run.train_batches = DataLoader(Named(*EXAMPLES.tensors), 4)
    panel = LiveTraining(run)
    panel.step.click()
    panel.live.wait()
    assert panel._last_batch()[1] == ["cat", "dog", "cat", "dog"]


def test_pictures_are_drawn_at_most_ten_times_a_second():
    panel = LiveTraining(_run(epochs=40))
    before, began = panel.screen.revision, time.monotonic()
    panel.start.click()
    panel.live.wait()
    seconds = time.monotonic() - began
    assert panel.live.run.steps_done == 240
    assert panel.screen.revision - before <= 10 * seconds + 3  # the first, the last, and the start


def test_every_control_says_what_it_is(panel):
    buttons = [panel.start, panel.pause, panel.step, panel.epoch, panel.stop]
    assert all(button.tooltip and button.description for button in buttons)
    assert panel.learning_rate.label and panel.momentum.label and panel.epochs.tooltip


def test_a_reader_without_a_kernel_sees_picture_and_sentence(panel):
    bundle = panel._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "Nothing is trained yet." in data["text/html"]


def test_interrupting_the_kernel_pauses_and_says_so():
    panel = LiveTraining(_run(epochs=1000), after_step=lambda run: time.sleep(0.001))
    panel.start.click()
    panel.live.interrupt()
    panel.live.wait(30)
    assert "interrupted" in panel.status.value
    assert panel.live.state == "paused"


IN_A_KERNEL = """
import time, torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from labkit.training import Run
from labkit.explorers.live_training.widget import LiveTraining
data = TensorDataset(torch.rand(24, 3, 8, 8), torch.arange(24) % 2)
model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
sgd = torch.optim.SGD(model.parameters(), lr=0.1)
run = Run(model, DataLoader(data, 4), DataLoader(data, 24), sgd, epochs=100_000)
panel = LiveTraining(run, after_step=lambda run: time.sleep(0.001))
panel.start.click()
"""


@pytest.fixture
def kernel():
    manager, client = start_new_kernel(startup_timeout=120)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def _printed(client, code):
    said = []
    client.execute_interactive(
        code, timeout=120, output_hook=lambda m: said.append(m["content"].get("text", ""))
    )
    return "".join(said)


def test_interrupting_a_real_kernel_between_two_cells_pauses_the_run(kernel):
    manager, client = kernel
    _printed(client, IN_A_KERNEL)
    assert "running" in _printed(client, "print(panel.live.state)")
    time.sleep(1)  # no cell runs; the panel looks for that five times a second
    manager.interrupt_kernel()
    _printed(client, "panel.live.wait(60)")
    said = _printed(client, "print(panel.live.state, panel.live.message)")
    assert "paused Paused, as the kernel was interrupted." in said


def test_the_curve_ends_at_the_last_batch_and_at_the_loss_that_is_said(panel):
    losses = []
    panel.live.after_step = lambda run: losses.append(run.running_loss)
    for _time in range(2):
        panel.step.click()
        panel.live.wait()
    drawn = panel._picture().axes[0].lines[0].get_xydata()
    assert drawn[:, 0].tolist() == pytest.approx([1 / 6, 2 / 6])
    assert f"running loss {drawn[-1, 1]:.3f}" in panel.status.value
    assert f"to {drawn[-1, 1]:.2f}." in panel.screen.sentence


def test_a_point_in_the_making_is_drawn_before_the_first_is_complete():
    torch.manual_seed(0)
    many = TensorDataset(torch.rand(160, 3, 8, 8), torch.arange(160) % 2)  # a point in two steps
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    panel = LiveTraining(Run(model, DataLoader(many, 4), DataLoader(many, 160), sgd, epochs=1))
    panel.step.click()
    panel.live.wait()
    line = panel._picture().axes[0].lines[0]
    assert line.get_xydata().tolist() == [[1 / 40, panel.live.run.running_loss]]
    assert line.get_marker() == "o"  # a line of one point would not be seen
    assert f"begins at {panel.live.run.running_loss:.2f}." in panel.screen.sentence


def test_the_status_names_the_device(panel):
    assert " · on cpu · " in panel.status.value
