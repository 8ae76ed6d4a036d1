"""The device toggle, pressed through its traits."""

import re

import pytest
import torch
import traitlets

from labkit.device import available
from labkit.explorers.device_toggle import DeviceToggle, compute
from labkit.model import Net
from labkit.timing.clock import Result, Setting, Timing
from labkit.timing.recordings import RecordedGrid
from labkit.training import Run
from labkit.training.live import LiveRun
from tests.benchmarks.record_gpu import save

GPU = next((found.name for found in available() if found.kind != "cpu"), None)
EACH_DEVICE = [
    "cpu",
    pytest.param(
        GPU,
        marks=[pytest.mark.gpu, pytest.mark.skipif(GPU is None, reason="no GPU on this machine")],
    ),
]


def reasons(toggle):
    return toggle.children[2].value


def recording(date, gpu, rates):
    """A recording made up for these tests: ``rates`` is images per second by device and batch."""
    results = [
        Result(Setting(device, batch), Timing((batch / rate,)))
        for device, row in rates.items()
        for batch, rate in row.items()
    ]
    return RecordedGrid(f"cuda:0 ({gpu})", date, {"torch": "0.0 (made up)"}, tuple(results))


@pytest.fixture
def folder(tmp_path):
    """A folder with two recordings; the newer one has a GPU that wins at large batches alone."""
    old = recording("2001-01-01", "Old card", {"cpu": {4: 1.0}, "cuda:0": {4: 2.0}})
    rates = {"cpu": {4: 1000.0, 64: 2000.0}, "cuda:0": {4: 500.0, 64: 40_000.0, 256: 90_000.0}}
    save(old, tmp_path / "gpu_a.json")
    save(recording("2002-02-02", "Test card", rates), tmp_path / "gpu_b.json")
    return tmp_path


def test_without_a_gpu_the_cpu_is_pressed_and_a_gpu_can_be_watched(no_gpu, folder):
    toggle = DeviceToggle(folder=folder)
    assert toggle.device == torch.device("cpu")
    assert list(toggle.choice.options) == ["cpu", "GPU, recorded"]
    assert toggle.choice.value == "cpu" and toggle.race.layout.display == "none"


def test_the_button_of_a_gpu_that_is_not_there_replays_the_newest_recording(no_gpu, folder):
    toggle = DeviceToggle(folder=folder)
    toggle.choice.value = "GPU, recorded"
    assert toggle.race.layout.display == ""
    assert "Recorded on cuda:0 (Test card), 2002-02-02, torch 0.0 (made up)" in toggle.words.value
    assert toggle.batch.texts == ["4", "64"]  # 256 was recorded on one of the two alone
    assert "500 images per second (GPU) and 1,000 (CPU)" in toggle.track.value
    toggle.batch.value = 1
    assert "2,000 images per second (CPU) and 40,000 (GPU)" in toggle.track.value
    assert ", 20 times as many." in toggle.track.value


def test_hundreds_of_times_as_many_are_no_power_of_ten():
    said = compute.drawn({"CPU": 1000.0, "GPU": 234567.0}, 256)
    assert "(GPU), 230 times as many." in said


def test_two_lanes_that_train_alike_are_said_to():
    said = compute.drawn({"1 thread": 1000.0, "2 threads": 1040.0}, 4)
    assert "(2 threads), about the same." in said and "times" not in said


def test_each_bar_fills_as_fast_as_its_lane_trains():
    drawn = compute.drawn({"CPU": 234.6, "GPU": 938.0}, 4)
    assert "235 images/s" in drawn and "938 images/s" in drawn
    assert re.findall(r"([\d,]+) ✓ ([\d.]+) s", drawn) == [("1,400", "5.97"), ("1,400", "1.49")]
    assert re.findall(r"duration: ([\d.]{4})", drawn) == ["5.97", "1.49"]


def test_a_recording_is_watched_and_nothing_computes_there(no_gpu, folder):
    toggle, heard = DeviceToggle(folder=folder), []
    toggle.observe(heard.append, "device")
    toggle.choice.value = "GPU, recorded"
    assert toggle.device == torch.device("cpu") and heard == []
    assert "compute on cpu" in toggle.screen.sentence
    toggle.choice.value = "cpu"
    assert toggle.choice.value == "cpu" and toggle.race.layout.display == "none" and heard == []


def test_without_a_recording_it_races_the_threads_of_this_machine(no_gpu, tmp_path, monkeypatch):
    monkeypatch.setattr(compute, "cores", lambda: 2)
    monkeypatch.setattr(compute, "BATCHES", (4,))
    threads = torch.get_num_threads()
    toggle = DeviceToggle(folder=tmp_path)
    toggle.choice.value = "CPU race"
    assert "Measured on this machine&#x27;s CPU, now: more threads" in toggle.words.value
    for lane in ("1 thread", f"{max(threads, 2)} threads"):
        assert f'<th scope="row">{lane}</th>' in toggle.track.value
    assert torch.get_num_threads() == threads


def test_where_there_is_one_core_it_says_that_there_is_nothing_to_race(
    no_gpu, tmp_path, monkeypatch
):
    monkeypatch.setattr(compute, "measured", lambda: None)
    toggle = DeviceToggle(folder=tmp_path)
    toggle.choice.value = "CPU race"
    toggle.again.click()
    assert "one core, so there is nothing to race" in toggle.words.value
    assert toggle.track.value == ""


def test_the_reason_why_a_device_is_missing_is_text_that_can_be_unfolded(no_gpu):
    words = reasons(DeviceToggle())
    assert words.startswith("<details><summary>Which GPUs are missing here, and why?</summary>")
    for kind in ("cuda", "mps", "xpu"):
        assert f"<b>{kind}</b>: " in words
    assert "built without" in words or "no NVIDIA or AMD GPU" in words


def test_with_gpus_the_first_one_is_pressed_and_each_has_a_button(two_cards):
    toggle = DeviceToggle()
    assert list(toggle.choice.options) == ["cpu", "cuda:0", "cuda:1"]
    assert toggle.choice.value == "cuda:0"
    assert "<b>cuda</b>" not in reasons(toggle)


def test_pressing_a_button_changes_the_device_and_releases_the_other(two_cards):
    toggle = DeviceToggle("cpu")
    toggle.choice.value = "cuda:1"
    assert toggle.device == torch.device("cuda", 1)
    assert toggle.choice.value == "cuda:1"
    assert toggle.screen.sentence == "The following cells compute on cuda:1 (Card B, 8 GB)."


def test_setting_the_device_from_a_cell_presses_its_button(two_cards):
    toggle = DeviceToggle("cpu")
    toggle.device = torch.device("cuda")
    assert toggle.choice.value == "cuda:0"
    assert toggle.device == torch.device("cuda", 0)


def test_whoever_observes_the_device_hears_each_change_once(two_cards):
    toggle = DeviceToggle("cpu")
    heard = []
    toggle.observe(lambda change: heard.append(str(change.new)), "device")
    toggle.choice.value = "cuda:0"
    toggle.choice.value = "cpu"
    assert heard == ["cuda:0", "cpu"]


def test_a_device_that_does_not_exist_is_refused(no_gpu):
    with pytest.raises(ValueError, match="There is no device 'cuda' on this machine"):
        DeviceToggle("cuda")
    toggle = DeviceToggle()
    with pytest.raises((ValueError, traitlets.TraitError)):
        toggle.device = torch.device("cuda", 0)
    assert toggle.device == torch.device("cpu")


def test_a_reader_without_a_kernel_reads_where_it_computes(no_gpu):
    toggle = DeviceToggle()
    data = toggle._repr_mimebundle_()
    assert data["text/plain"].startswith("The following cells compute on cpu (")
    assert "<img" not in data["text/html"]


def a_run():
    torch.manual_seed(0)
    model = Net()
    batches = [(torch.randn(4, 3, 32, 32), torch.randint(10, (4,))) for _batch in range(6)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return Run(model, batches, batches[:1], optimizer, epochs=2)


@pytest.mark.parametrize("device", EACH_DEVICE)
def test_a_live_training_that_follows_the_toggle_ends_where_one_that_stayed_does(device):
    stayed, moved = a_run(), a_run()
    stayed.finish()

    live, toggle, where = LiveRun(moved), DeviceToggle("cpu"), []
    live.after_step = lambda run: where.append(str(next(run.model.parameters()).device))
    toggle.observe(lambda change: live.to(change.new), "device")
    for name in ("cpu", device, "cpu", device):  # within an epoch, there and back
        toggle.choice.value = name
        for _step in range(3):
            live.step()
            live.wait(30)
    assert live.state == "finished", live.message
    assert where == ["cpu"] * 3 + [device] * 3 + ["cpu"] * 3 + [device] * 3
    for a, b in zip(stayed.model.parameters(), moved.model.parameters(), strict=True):
        torch.testing.assert_close(a, b.cpu(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("device", EACH_DEVICE)
def test_a_toggle_pressed_while_it_trains_moves_the_training_between_two_steps(device):
    live, toggle = LiveRun(a_run()), DeviceToggle("cpu")
    toggle.observe(lambda change: live.to(change.new), "device")

    def press(run):
        if run.steps_done == 4:
            toggle.choice.value = device

    live.after_step = press
    live.start()
    assert live.wait(60) == "finished", live.message
    assert {str(p.device) for p in live.run.model.parameters()} == {device}
