"""Watching how busy a device is, where it says so."""

import sys
import time
from types import SimpleNamespace

import pytest
import torch

from labkit.timing import utilisation
from labkit.timing.utilisation import Trace


def test_a_busy_program_shows_and_a_sleeping_one_does_not():
    with Trace("cpu", every=0.05) as asleep:
        time.sleep(0.4)
    with Trace("cpu", every=0.05) as awake:
        end = time.perf_counter() + 0.4
        while time.perf_counter() < end:
            sum(range(1000))
    assert len(asleep.percent) == len(asleep.seconds) >= 2
    assert sum(awake.percent) / len(awake.percent) > sum(asleep.percent) / len(asleep.percent)
    assert awake.seconds == sorted(awake.seconds)


def test_watching_ends_with_the_block_even_if_it_fails():
    with pytest.raises(KeyError), Trace("cpu", every=0.01) as trace:
        raise KeyError
    assert not trace._thread.is_alive()


def test_a_device_that_reports_nothing_is_refused_with_the_reason():
    assert "kind mps" in utilisation.why_not("mps")
    with pytest.raises(ValueError, match="kind xpu"):
        Trace("xpu")


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("pynvml is not installed"), RuntimeError("no driver")]
)
def test_a_gpu_that_cannot_be_asked_says_why(error, monkeypatch):
    def utilization(device):
        raise error

    monkeypatch.setattr(torch.cuda, "utilization", utilization)
    assert str(error) in utilisation.why_not("cuda:0")


def test_a_gpu_whose_driver_refuses_to_say_is_heard_out(monkeypatch):
    class NVMLError(Exception):
        pass

    def utilization(device):
        raise NVMLError("Not Supported")  # as a part of a divided GPU answers

    monkeypatch.setitem(sys.modules, "pynvml", SimpleNamespace(NVMLError=NVMLError))
    monkeypatch.setattr(torch.cuda, "utilization", utilization)
    assert "Not Supported" in utilisation.why_not("cuda:0")


def test_an_nvidia_gpu_is_asked_itself(monkeypatch):
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: 42)
    with Trace("cuda:0", every=0.01) as trace:
        time.sleep(0.1)
    assert set(trace.percent) == {42.0}
