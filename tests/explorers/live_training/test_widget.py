"""The live panel, pressed from Python: no browser."""

import threading
import time

import numpy as np
import pytest
import torch
import traitlets
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from labkit.explorers.live_training import LiveTraining
from labkit.training import Run, checkpoint
from labkit.training.live import LiveRun
from tests.explorers.shared.test_threads import printed

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


def status(panel):
    return "{message} · {details}".format(**panel.screen.scene)


def curve(panel):
    return np.frombuffer(panel.screen.moving["curve"], np.float32).reshape(-1, 2)


@pytest.fixture
def panel():
    return LiveTraining(_run())


def test_a_new_panel_shows_an_image_and_trains_nothing(panel):
    assert panel.still()[0] == b""
    assert panel.screen.sentence.startswith("Nothing is trained yet. One image: its class is 0,")
    assert "Ready to start." in status(panel)
    assert panel.live.run.steps_done == 0


def test_start_trains_to_the_end(panel):
    panel.start.click()
    panel.live.wait()
    assert "All 2 epochs are done." in status(panel)
    assert "epoch 2 of 2, batch 6 of 6" in status(panel)
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
    assert "Ready to start." in status(panel) and moves == []  # it is there already
    toggle.device = torch.device("meta")
    LiveTraining(_run(), device=toggle)
    assert moves == ["meta", "meta"]


def test_pause_halts_a_run():
    panel = LiveTraining(_run(epochs=1000), after_step=lambda run: time.sleep(0.001))
    panel.start.click()
    assert panel.start.disabled and not panel.pause.disabled
    panel.pause.click()
    panel.live.wait(30)
    assert "Paused" in status(panel)
    assert not panel.start.disabled and panel.pause.disabled
    assert not panel.live.run.finished


def test_start_over_keeps_the_curve_that_was_and_goes_back_to_the_first_filters(panel):
    assert panel.start_over.disabled
    panel.start.click()
    panel.live.wait()
    trained, shares = panel.screen.moving["curve"], panel.screen.scene["bars"]
    panel.start_over.click()
    assert "Back at the start." in status(panel) and panel.live.run.steps_done == 0
    assert panel.screen.scene["before"] == trained and panel.screen.moving["curve"] == b""
    assert panel.screen.scene["bars"] != shares and panel.screen.scene["recent"] is None
    panel.start.click()
    panel.live.wait()
    assert panel.screen.moving["curve"] == trained  # the same run once more, bit by bit


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
    assert "does not know" in status(panel)
    assert not panel.start.disabled and panel.pause.disabled


def test_a_screen_reader_is_spared_every_batch_and_told_how_it_ended():
    heard = []

    def listen(run):
        heard.append(panel.screen.sentence)

    panel = LiveTraining(_run(epochs=2), after_step=listen)
    panel.start.click()
    panel.live.wait()
    assert len(set(heard)) <= 3  # at the start, and once an epoch
    assert panel.screen.sentence not in heard
    assert "Validation accuracy" in panel.screen.sentence


def test_of_two_panels_with_one_file_the_one_that_starts_pauses_the_other(tmp_path):
    def make():
        saver = checkpoint.Saver(tmp_path / "live.pt")
        return LiveTraining(_run(epochs=100_000), after_step=saver)

    first, second = make(), make()
    first.start.click()
    second.start.click()
    assert first.live.state == "paused" and second.live.state == "running"
    assert "another panel trains now" in status(first)
    second.pause.click()
    second.live.wait(30)


def test_a_panel_whose_last_view_is_closed_pauses():
    panel = LiveTraining(_run(epochs=1000), after_step=lambda run: time.sleep(0.001))
    panel.start.click()
    panel.screen._handle_custom_msg({"closed": True}, [])
    assert panel.live.wait(30) == "paused"
    assert "its panel was closed" in status(panel)


def test_a_run_that_nobody_sees_sends_no_frame_until_somebody_looks():
    panel = LiveTraining(_run(epochs=1000), after_step=lambda run: time.sleep(0.001))

    def frame_after(steps):
        end = panel.live.run.steps_done + steps
        while panel.live.run.steps_done < end:
            time.sleep(0.001)
        return panel.screen.moving

    panel.start.click()
    panel.screen._handle_custom_msg({"seen": False}, [])
    frame = frame_after(2)  # the frame that was in the making is shown
    assert frame_after(500) is frame
    panel.screen._handle_custom_msg({"seen": True}, [])
    assert panel.screen.moving["curve"] != frame["curve"]
    panel.pause.click()
    panel.live.wait(30)


class Shell:
    """What a kernel is to a panel: it knows which cell runs."""

    cell = "a"

    def get_parent(self):
        return {"metadata": {"cellId": self.cell}}


def test_a_new_panel_of_the_same_cell_pauses_the_one_before(monkeypatch):
    shell = Shell()
    monkeypatch.setattr("labkit.explorers.live_training.widget.get_ipython", lambda: shell)
    slow = {"after_step": lambda run: time.sleep(0.001)}
    first = LiveTraining(_run(epochs=1000), **slow)
    first.start.click()
    shell.cell = "b"
    LiveTraining(_run())
    assert first.live.state == "running"
    shell.cell = "a"
    LiveTraining(_run())
    assert first.live.wait(30) == "paused"
    assert "its cell was run again" in status(first)


def test_buttons_that_make_no_sense_now_are_disabled(panel):
    assert panel.pause.disabled and panel.start_over.disabled
    panel.start.click()
    panel.live.wait()
    assert all(b.disabled for b in (panel.start, panel.step, panel.epoch, panel.pause))
    assert not panel.start_over.disabled


def test_a_run_that_was_finished_before_says_so_and_can_go_on():
    run = _run(epochs=1)
    run.finish()
    panel = LiveTraining(run)
    assert "The epoch is done. For more, raise the number of epochs." in status(panel)
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
    assert "too few" in status(panel)
    assert panel.epochs.value == 2


def test_the_knobs_show_and_change_what_the_optimizer_has(panel):
    group = panel.live.run.optimizer.param_groups[0]
    assert panel.learning_rate.texts[panel.learning_rate.value] == "0.1"
    assert panel.momentum.texts[panel.momentum.value] == "0.9"
    panel.learning_rate.value -= 1
    panel.momentum.value = 0
    assert (group["lr"], group["momentum"]) == (0.03, 0.0)


def test_an_unusual_learning_rate_has_its_place_on_the_slider():
    panel = LiveTraining(_run(lr=0.02))
    assert panel.learning_rate.texts[panel.learning_rate.value] == "0.02"


def test_knobs_that_the_optimizer_does_not_have_are_disabled():
    run = _run()
    run.optimizer = torch.optim.Adam(run.model.parameters())
    assert LiveTraining(run).momentum.disabled


def test_classes_have_their_names():
    run = _run()
    run.train_batches = DataLoader(Named(*EXAMPLES.tensors), 4)
    assert [name for name, _share, _true in LiveTraining(run).screen.scene["bars"]] == [
        "cat",
        "dog",
    ]


def test_another_image_is_the_next_one_and_after_the_last_comes_the_first(panel):
    shown = []
    for _image in range(25):
        shown.append((panel.screen.watched["image"], panel.screen.scene["bars"]))
        panel.another.click()
    assert shown[0] == shown[24] != shown[1]
    expected = (EXAMPLES.tensors[0][1] * 0.5 + 0.5) * 255
    pixels = np.frombuffer(shown[1][0], np.uint8).reshape(8, 8, 3)
    assert torch.allclose(torch.tensor(pixels).permute(2, 0, 1).float(), expected, atol=1)
    assert [right for _name, _share, right in shown[1][1]] == [False, True]


def test_words_are_not_worked_out_for_every_frame_but_for_the_last(monkeypatch):
    monkeypatch.setattr("labkit.explorers.live_training.widget._BETWEEN_WORDS", float("inf"))
    monkeypatch.setattr("labkit.explorers.live_training.widget._BETWEEN_FRAMES", 0)
    panel = LiveTraining(_run(epochs=40))
    heard = {"scene": [], "moving": []}
    panel.screen.observe(lambda change: heard[change.name].append(change.new), [*heard])
    panel.start.click()
    panel.live.wait()
    words = [scene for scene in heard["scene"] if scene["running"]]
    assert len(words) <= 2 < len({frame["curve"] for frame in heard["moving"]})
    assert "epoch 40 of 40, batch 6 of 6" in status(panel) and not panel.screen.scene["running"]


def test_there_are_at_most_fifteen_frames_a_second():
    panel = LiveTraining(_run(epochs=40))
    heard, began = [], time.monotonic()
    panel.screen.observe(heard.append, "moving")
    panel.start.click()
    panel.live.wait()
    seconds = time.monotonic() - began
    assert panel.live.run.steps_done == 240
    assert len(heard) <= 15 * seconds + 3  # the first, the last, and the start


def test_a_network_without_a_convolution_shows_no_filters_and_says_so(panel):
    assert "now" not in panel.screen.moving


def test_a_network_that_is_changed_meanwhile_is_shown_without_bars_until_it_works_again(panel):
    layer, panel.live.run.model[1] = panel.live.run.model[1], nn.Linear(7, 2)
    panel.start.click()
    panel.live.wait()
    assert panel.live.state == "failed" and "bars" not in panel.screen.scene
    panel.live.run.model[1] = layer
    panel.step.click()
    panel.live.wait()
    assert panel.live.state == "paused" and "bars" in panel.screen.scene


def test_weights_that_have_run_away_are_no_numbers_that_a_browser_cannot_read(panel):
    with torch.no_grad():
        panel.live.run.model[1].weight.fill_(float("nan"))
    panel.another.click()
    assert [share for _name, share, _true in panel.screen.scene["bars"]] == [0, 0]


def test_a_network_that_takes_whole_batches_alone_is_not_asked_about_one_image():
    run = _run()
    run.model.insert(0, Whole())
    panel = LiveTraining(run)
    panel.start.click()
    panel.live.wait()
    assert panel.live.run.finished, panel.live.message
    assert "bars" not in panel.screen.scene and panel.another.disabled
    assert panel.still()[0].startswith(b"\x89PNG")


class Whole(nn.Module):
    """Takes batches of 4 or 24, as a network does that has a size written into a ``view``."""

    def forward(self, images):
        return images.view(4, -1, 3, 8, 8).flatten(0, 1)


def test_every_control_says_what_it_is(panel):
    buttons = [panel.start, panel.pause, panel.step, panel.epoch, panel.start_over, panel.another]
    assert all(button.tooltip and button.description for button in buttons)
    assert panel.learning_rate.label and panel.momentum.label and panel.epochs.tooltip


def test_a_reader_without_a_kernel_sees_picture_and_sentence(panel):
    data = panel._repr_mimebundle_()
    assert "Nothing is trained yet." in data["text/html"]


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


def test_interrupting_a_real_kernel_between_two_cells_pauses_the_run(kernel):
    manager, client = kernel
    printed(client, IN_A_KERNEL)
    assert "running" in printed(client, "print(panel.live.state)")
    time.sleep(1)  # no cell runs; the panel looks for that five times a second
    manager.interrupt_kernel()
    printed(client, "panel.live.wait(60)")
    said = printed(client, "print(panel.live.state, panel.live.message)")
    assert "paused Paused, as the kernel was interrupted." in said


def test_the_curve_ends_at_the_last_batch_and_at_the_loss_that_is_said(panel):
    for _time in range(2):
        panel.step.click()
        panel.live.wait()
    drawn = curve(panel)
    assert drawn[:, 0].tolist() == pytest.approx([1 / 6, 2 / 6])
    assert f"running loss {drawn[-1, 1]:.3f}" in status(panel)
    assert f"to {drawn[-1, 1]:.2f}." in panel.screen.sentence


def test_a_point_in_the_making_is_drawn_before_the_first_is_complete():
    torch.manual_seed(0)
    many = TensorDataset(torch.rand(160, 3, 8, 8), torch.arange(160) % 2)  # a point in two steps
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    panel = LiveTraining(Run(model, DataLoader(many, 4), DataLoader(many, 160), sgd, epochs=1))
    panel.step.click()
    panel.live.wait()
    assert curve(panel).tolist() == [
        [pytest.approx(1 / 40), pytest.approx(panel.live.run.running_loss)]
    ]
    assert f"begins at {panel.live.run.running_loss:.2f}." in panel.screen.sentence


def test_the_status_names_the_device(panel):
    assert status(panel).endswith(" · on cpu")
