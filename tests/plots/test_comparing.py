"""What notebook 7 measures, it also shows: chart, sentences, table, and where they come from."""

from dataclasses import replace

import pytest
import torch

from labkit.plots import comparing
from labkit.plots.comparing import Comparison, busy, compare, cpu_and_gpu, recorded_gpus
from labkit.timing import Setting, Timing
from labkit.timing import clock as timing
from labkit.timing.clock import Result
from labkit.timing.recordings import RecordedGrid
from tests.benchmarks import record_gpu

SECONDS = {("cpu", 4): 0.001, ("cpu", 64): 0.008, ("cuda:0", 4): 0.002, ("cuda:0", 64): 0.003}
MEASURED = tuple(Result(Setting(*where), Timing((time,))) for where, time in SECONDS.items())
ALONE = "No GPU has been recorded for this notebook yet: this is the CPU alone."


@pytest.fixture
def quick(monkeypatch):
    """Measure nothing: a step takes a millisecond, whatever it trains; return what was asked."""
    asked = []

    def run(setting, **_options):
        asked.append(setting)
        return Result(setting, Timing((0.001,)))

    monkeypatch.setattr(timing, "run", run)
    return asked


def recorded(folder, name, date):
    """Write a recording that was made elsewhere, on the GPU called ``name``."""
    folder.mkdir(exist_ok=True)
    recording = RecordedGrid(f"cuda:0 ({name}, 16 GB)", date, {"torch": "2.6"}, MEASURED)
    record_gpu.save(recording, folder / f"gpu_{name}.json")


def test_a_device_that_is_named_twice_is_measured_once(quick):
    compare(["cpu", torch.device("cpu")], [4, 64], [1, 2])
    assert len(quick) == len(set(quick)) == 4


def test_a_step_is_really_measured():
    (result,) = compare(["cpu"], [4]).results
    assert result.timing.median > 0


def test_batch_sizes_are_shown_as_a_chart_and_all_numbers_as_a_folded_table(quick):
    shown = compare(["cpu"], [4, 64])._repr_html_()
    assert 'alt="Images trained per second on cpu.' in shown
    folded = shown[shown.index("<details>") :]
    assert "The numbers behind the chart" in folded
    assert folded.count("<tr>") == 1 + 2


def test_with_a_single_batch_size_the_table_stands_alone(quick):
    ways = compare(["cpu"], [64], [4], precisions=["float32", "bf16"], channels_last=[False, True])
    assert ways.chart is None
    assert ways._repr_html_().startswith("<table>")
    assert ways._repr_html_().count("<tr>") == 1 + 4


def test_a_grid_without_a_cpu_is_drawn_as_speed():
    gpu = Comparison(MEASURED[2:], "GPU")
    assert gpu.chart.alt.startswith("Images trained per second on cuda:0.")


def test_nothing_measured_is_a_table_that_says_why():
    late = Comparison((Result(Setting("cpu", 4), note="left out"),), "cpu")
    assert late.chart is None
    assert "left out" in late._repr_html_() and "left out" in str(late)


def test_without_a_recording_the_cpu_is_measured_alone_and_that_is_said(quick, tmp_path):
    shown = cpu_and_gpu("cpu", tmp_path)
    assert {setting.device for setting in quick} == {"cpu"}
    assert shown.notes[0] == f"Measured on this machine, now. {ALONE}"
    assert ALONE in shown._repr_html_()


def test_a_recording_is_shown_as_soon_as_it_is_there(quick, tmp_path):
    recorded(tmp_path, "T4", "2026-01-02")
    shown = cpu_and_gpu("cpu", tmp_path)
    assert quick == []
    assert shown.chart.alt.startswith("Speed of cuda:0 as a multiple of cpu.")
    assert shown.notes == (
        "Recorded on cuda:0 (T4, 16 GB), 2026-01-02, torch 2.6.",
        "cpu: a step with 64 images takes 8.0 times as long as one with 4.",
        "cuda:0: a step with 64 images takes 1.5 times as long as one with 4.",
    )


def test_a_guess_can_ask_how_many_times_as_long_a_large_batch_takes(quick):
    assert Comparison(MEASURED, "").times_as_long == pytest.approx({"cpu": 8.0, "cuda:0": 1.5})
    assert compare(["cpu"], [64]).times_as_long == {}


def test_of_several_recordings_the_newest_is_shown_and_all_are_listed(tmp_path):
    recorded(tmp_path, "A100", "2026-03-01")
    recorded(tmp_path, "T4", "2026-01-02")
    assert "A100" in cpu_and_gpu("cpu", tmp_path).notes[0]
    assert [one.notes[0].split("(")[1][:2] for one in recorded_gpus(tmp_path)] == ["A1", "T4"]


def test_a_gpu_that_is_here_is_measured_here_whatever_was_recorded(quick, tmp_path):
    recorded(tmp_path, "T4", "2026-01-02")
    shown = cpu_and_gpu("cuda:0", tmp_path)
    assert {setting.device for setting in quick} == {"cpu", "cuda:0"}
    assert shown.notes[0] == "Measured on this machine, now."


def test_notes_cannot_break_the_page():
    strange = replace(Comparison(MEASURED, "cpu"), notes=("<b>bold</b>",))
    assert "&lt;b&gt;bold" in strange._repr_html_()


def test_how_busy_the_cpu_was_is_drawn_for_each_batch_size():
    alt = busy("cpu", (4, 8), seconds=0.4).alt
    assert alt.startswith("How busy cpu was, in percent. batch 4: ")
    assert "batch 8: " in alt


def test_a_device_that_cannot_be_asked_is_watched_by_its_cpu(monkeypatch):
    monkeypatch.setattr(comparing, "why_not", lambda device: "it says nothing")
    monkeypatch.setattr(comparing, "training_step", lambda setting: lambda: None)
    monkeypatch.setattr(comparing, "synchronize", lambda device: None)
    assert busy("mps:0", (4,), seconds=0.3).alt.startswith("How busy cpu was")
