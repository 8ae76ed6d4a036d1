"""Timing is honest: it warms up, waits for the device, repeats, and says what it could not do."""

import math
import time

import pytest
import torch

from labkit.device import available
from labkit.timing import Setting, Timing, recordings
from labkit.timing import clock as timing
from labkit.timing.clock import Result
from tests.benchmarks import record_gpu


@pytest.fixture
def fake_clock(monkeypatch):
    """A clock that moves only when the work says so."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def pass_by(seconds):
        now[0] += seconds

    return pass_by


def test_the_slow_first_calls_are_not_counted(fake_clock):
    durations = iter([30.0, 5.0, *[1.0] * 100])
    measured = timing.measure(lambda: fake_clock(next(durations)), warmup=2, repeats=3, seconds=1)
    assert measured.samples == (1.0, 1.0, 1.0)


def test_the_clock_is_read_only_after_the_device_has_finished(fake_clock, monkeypatch):
    """A device that answers at once and computes later, as a GPU does."""
    queued = [0.0]

    def work():
        queued[0] += 2.0

    def synchronize(device):
        fake_clock(queued[0])
        queued[0] = 0.0

    monkeypatch.setattr(timing, "synchronize", synchronize)
    assert timing.measure(work, warmup=1, repeats=3, seconds=10).median == pytest.approx(2.0)


def test_short_work_is_repeated_until_the_clock_can_tell(fake_clock):
    calls = []

    def work():
        calls.append(1)
        fake_clock(0.001)

    measured = timing.measure(work, warmup=1, repeats=4, seconds=0.05)
    assert len(calls) == 1 + 1 + 4 * 50
    assert measured.median == pytest.approx(0.001)


def test_one_disturbed_repeat_does_not_move_the_median():
    measured = Timing((0.010, 0.011, 0.100))
    assert measured.median == 0.011
    assert str(measured) == "11.00 ms (10.00 to 100.00 ms in 3 repeats)"


def test_a_real_sleep_is_timed_about_right():
    measured = timing.measure(lambda: time.sleep(0.02), repeats=3)
    assert min(measured.samples) >= 0.02


@pytest.mark.parametrize(("seconds", "best"), [({1: 1.0, 4: 9.0}, 1), ({1: 9.0, 4: 1.0}, 4)])
def test_the_cpu_computes_with_one_thread_or_all_whichever_is_faster(seconds, best, fake_clock):
    with timing.threads(4):
        found = timing.best_threads(lambda: fake_clock(seconds[torch.get_num_threads()]))
        assert found == best
        assert torch.get_num_threads() == 4


def test_a_race_of_threads_measures_the_number_that_it_asks_for(monkeypatch):
    monkeypatch.setattr(timing, "training_step", lambda *_: torch.get_num_threads)
    monkeypatch.setattr(timing, "measure", lambda step, **_options: Timing((float(step()),)))
    assert timing.run(Setting("cpu"), cpu_threads=3).timing.median == 3
    with timing.threads(4):
        assert timing.run(Setting("cpu")).timing.median == 1  # the fewer, the quicker here


def test_the_grid_holds_every_combination_with_the_least_work_first():
    grid = timing.settings(["cpu"], [64, 4], [1, 8], ["float32", "bf16"], [False, True])
    assert len(grid) == len(set(grid)) == 16
    assert (grid[0].batch, grid[0].width) == (4, 1)
    assert (grid[-1].batch, grid[-1].width) == (64, 8)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"batch": 0}, "Batch 0 and width 1: both must be at least 1"),
        ({"width": -2}, "Batch 4 and width -2"),
        ({"precision": "fp8"}, "no precision 'fp8' here; choose one of: float32, bf16"),
    ],
)
def test_an_impossible_setting_is_refused_in_words(wrong, words):
    with pytest.raises(ValueError, match=words):
        Setting(**wrong)


@pytest.mark.parametrize("precision", timing.PRECISIONS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_step_is_measured_in_every_precision_and_layout(precision, channels_last):
    setting = Setting("cpu", 8, precision=precision, channels_last=channels_last)
    result = timing.run(setting, repeats=2)
    assert len(result.timing.samples) == 2
    assert result.images_per_second == pytest.approx(8 / result.timing.median)
    assert result.peak_bytes is None and result.note == ""


def test_a_step_changes_the_weights_it_trains(monkeypatch):
    made = []
    real = timing.Net
    monkeypatch.setattr(timing, "Net", lambda **how: made.append(real(**how)) or made[-1])
    step = timing.training_step(Setting(batch=4))
    before = [weight.clone() for weight in made[0].parameters()]
    step()
    assert not any(torch.equal(a, b) for a, b in zip(before, made[0].parameters(), strict=True))


def test_autocast_does_matrix_work_in_bfloat16_only_when_asked():
    layer, images = torch.nn.Linear(8, 4), torch.randn(2, 8)
    with timing.autocast("cpu", "bf16"):
        assert layer(images).dtype == torch.bfloat16
    with timing.autocast("cpu", "float32"):
        assert layer(images).dtype == torch.float32
    assert layer.weight.dtype == torch.float32


def test_too_little_memory_becomes_a_note_and_the_grid_goes_on(monkeypatch):
    real = timing.training_step

    def training_step(setting):
        if setting.batch == 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(setting)

    monkeypatch.setattr(timing, "training_step", training_step)
    results = timing.run_all(timing.settings(["cpu"], [4, 8, 16]), repeats=1)
    assert [bool(result.timing) for result in results] == [True, False, True]
    assert results[1].note == "out of memory"
    assert math.isnan(results[1].images_per_second)


def test_any_other_error_is_not_hidden(monkeypatch):
    def training_step(setting):
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(timing, "training_step", training_step)
    with pytest.raises(RuntimeError, match="shapes"):
        timing.run(Setting())


def test_a_compiler_that_fails_becomes_a_note(monkeypatch):
    def training_step(setting):
        raise RuntimeError("Python.h: no such file\n\nand a page of what the compiler was told")

    monkeypatch.setattr(timing, "training_step", training_step)
    monkeypatch.setattr(timing, "why_not_compile", lambda device: "")
    note = timing.run(Setting(compiled=True)).note
    assert note == "could not be compiled: Python.h: no such file"


def test_a_grid_ends_in_time_and_says_what_it_left_out(fake_clock, monkeypatch):
    def run(setting, **options):
        fake_clock(10)
        return Result(setting, Timing((1.0,)))

    monkeypatch.setattr(timing, "run", run)
    seen = []
    results = timing.run_all(timing.settings(["cpu"], [4, 8, 16]), limit=15, on_result=seen.append)
    assert [bool(result.timing) for result in results] == [True, True, False]
    assert results[2].note == "left out: the 15 s were over"
    assert seen == results


def test_without_a_compiler_the_reason_is_given_instead_of_an_error(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    result = timing.run(Setting(compiled=True))
    assert result.timing is None and "C++ compiler" in result.note
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/g++")
    assert timing.why_not_compile("cpu") == ""


def test_rates_are_those_of_the_plain_settings_that_were_measured_in_order():
    results = [
        Result(Setting("cpu", batch, width), Timing((0.1,)))
        for batch, width in [(64, 2), (4, 2), (4, 1)]
    ]
    fast = Result(Setting("cpu", 4, precision="bf16"), Timing((0.01,)))
    found = timing.rates([*results, fast, Result(Setting("cpu", 8), note="left out")])
    assert found == {"cpu": {1: {4: 40.0}, 2: {4: 40.0, 64: 640.0}}}
    assert list(found["cpu"]) == [1, 2] and list(found["cpu"][2]) == [4, 64]


@pytest.mark.parametrize(
    "slow, fast, expected",
    [
        ({4: 10, 8: 10, 16: 10}, {4: 5, 8: 11, 16: 20}, 8),
        ({4: 10, 8: 10, 16: 10}, {4: 20, 8: 20, 16: 20}, 4),
        ({4: 10, 8: 10, 16: 10}, {4: 5, 8: 5, 16: 5}, None),
        ({4: 10, 8: 10, 16: 10}, {4: 20, 8: 5, 16: 20}, 16),  # ahead once is not ahead for good
        ({4: 10, 8: 10, 16: 10}, {4: 5, 8: 20}, 8),
        ({8: 10, 16: 10}, {4: 5, 8: 20, 16: 30}, 8),
        ({4: 10, 8: 10}, {4: 10, 8: 10}, None),
        ({4: 10, 8: 10}, {}, None),
    ],
)
def test_the_batch_from_which_on_one_device_wins(slow, fast, expected):
    assert timing.wins_from(slow, fast) == expected


def test_every_other_device_is_compared_with_the_cpu():
    found = {"cpu": {1: {4: 10}}, "cuda:0": {1: {4: 20}}, "cuda:1": {1: {4: 5}}}
    assert timing.crossovers(found) == {"cuda:0": {1: 4}, "cuda:1": {1: None}}
    assert timing.crossovers({"cpu": {1: {4: 10}}}) == {}
    assert timing.crossovers({"cpu": {}, "cuda:0": {8: {4: 10}}}) == {"cuda:0": {8: None}}


@pytest.fixture
def recording():
    results = [
        Result(Setting("cpu", 4), Timing((0.001, 0.002, 0.003))),
        Result(Setting("cpu", 8, 2, "bf16", True, True), None, 10**6, "out of memory"),
    ]
    return record_gpu.here(results, "cpu", driver="1.2")


def test_a_recording_survives_the_file_unchanged(recording, tmp_path):
    path = record_gpu.save(recording, tmp_path / "gpu_test.json")
    assert recordings.load(path) == recording
    assert recordings.gpu_recordings(tmp_path) == [recording]


def test_a_recording_says_on_what_and_when_it_was_made(recording):
    assert recording.heading.startswith("Recorded on cpu (")
    assert recording.date in recording.heading
    assert f"torch {torch.__version__}" in recording.heading
    assert "driver 1.2" in recording.heading


def test_a_table_is_ordered_by_device_width_and_batch_in_whatever_order_it_was_measured():
    order = [("cuda:0", "1", "4"), ("cpu", "4", "16"), ("cpu", "1", "64"), ("cpu", "4", "4")]
    settings = [Setting(device, int(batch), int(width)) for device, width, batch in order]
    shown = [row[:3] for row in recordings.rows([Result(setting) for setting in settings])]
    assert shown == [order[place] for place in (2, 3, 1, 0)]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "device": "x"}'])
def test_a_file_that_is_no_recording_is_refused_in_words(text, tmp_path):
    path = tmp_path / "gpu_wrong.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="gpu_wrong.json is no recording.*record_gpu.py"):
        recordings.load(path)


def test_the_recording_script_writes_a_file_that_the_notebook_reads(monkeypatch, tmp_path):
    monkeypatch.setattr(record_gpu, "grid", lambda gpu: [Setting(gpu, 4), Setting(gpu, 8)])
    path = record_gpu.main(["--device", "cpu", "--out", str(tmp_path / "new")])
    (found,) = recordings.gpu_recordings(tmp_path / "new")
    assert path.parent == tmp_path / "new"
    assert [result.setting.batch for result in found.results] == [4, 8]
    assert all(result.timing for result in found.results)


def test_the_recorded_grid_compares_the_gpu_with_the_cpu_and_asks_nothing_twice():
    grid = record_gpu.grid("cuda:0")
    assert len(grid) == len(set(grid))
    assert {setting.device for setting in grid} == {"cpu", "cuda:0"}
    assert {setting.compiled for setting in grid if setting.device == "cpu"} == {False}


def test_a_row_tells_setting_time_rate_and_memory(recording):
    measured, failed = recordings.rows(recording.results)
    assert len(measured) == len(failed) == len(recordings.columns())
    assert measured == ("cpu", "1", "4", "float32", "2.00 (1.00 to 3.00)", "2,000", "-")
    assert failed[3:] == ("bf16, channels last, compiled", "out of memory", "-", "1 MB")


GPU = next((found.name for found in available() if found.kind != "cpu"), None)


@pytest.mark.gpu
@pytest.mark.skipif(GPU is None, reason="no GPU on this machine")
def test_a_gpu_is_timed_in_every_precision_and_its_memory_counted():
    for setting in timing.settings([GPU], [64], [2], timing.PRECISIONS, [False, True]):
        result = timing.run(setting, repeats=2)
        assert result.timing.median > 0
        assert result.peak_bytes is None or result.peak_bytes > 64 * 3 * 32 * 32 * 4


def test_every_compiled_network_is_compiled_anew_for_its_own_sizes(monkeypatch):
    done = []
    monkeypatch.setattr(torch.compiler, "reset", lambda: done.append("reset"))
    monkeypatch.setattr(torch, "compile", lambda model, dynamic: done.append(dynamic) or model)
    for batch in (2, 4):
        timing.training_step(Setting(batch=batch, compiled=True))()
    timing.training_step(Setting(batch=8))()
    assert done == ["reset", False] * 2
