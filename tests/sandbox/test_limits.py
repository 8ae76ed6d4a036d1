import importlib
import signal
import threading
import time

import pytest
import torch
from torch import nn

from labkit.sandbox import limits as sandbox


def _python_loop():
    while True:
        pass


def _torch_loop():
    layer, images = nn.Conv2d(3, 8, 3), torch.rand(8, 3, 16, 16)
    while True:
        layer(images).sum().backward()


def _deaf_loop():
    while True:
        try:
            torch.rand(10).sum()
        except Exception:
            pass


def _stone_deaf_loop():
    while True:
        try:
            torch.rand(10).sum()
        except:  # noqa: E722
            pass


def _sleeps():
    time.sleep(60)


LOOPS = [_python_loop, _torch_loop, _deaf_loop, _stone_deaf_loop]


@pytest.mark.parametrize("loop", [*LOOPS, _sleeps])
def test_a_loop_without_end_is_ended(loop):
    started = time.monotonic()
    with pytest.raises(sandbox.TimeUp):
        sandbox.within(0.2, loop)
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("loop", LOOPS)
def test_it_is_ended_outside_the_main_thread_too(loop):
    ended = []

    def work():
        try:
            sandbox.within(0.2, loop)
        except sandbox.TimeUp:
            ended.append(True)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(60)
    assert ended == [True]


def test_it_is_ended_where_the_system_has_no_alarm(monkeypatch):
    monkeypatch.delattr(signal, "setitimer", raising=False)
    with pytest.raises(sandbox.TimeUp):
        sandbox.within(0.2, _python_loop)


@pytest.mark.parametrize("alarm", [True, False])
def test_nothing_rings_after_code_that_was_quick_enough(alarm, monkeypatch):
    if not alarm:
        monkeypatch.delattr(signal, "setitimer", raising=False)
    for _ in range(200):
        assert sandbox.within(0.05, sum, [1, 2]) == 3
    time.sleep(0.3)


@pytest.mark.alarm
def test_an_alarm_that_comes_too_late_sets_no_other():
    with sandbox._alarm(60):
        late = signal.getsignal(signal.SIGALRM)
    try:
        late(signal.SIGALRM, None)
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.mark.parametrize("alarm", [True, False])
def test_an_import_is_not_cut_off_half_way(alarm, monkeypatch, tmp_path):
    if not alarm:
        monkeypatch.delattr(signal, "setitimer", raising=False)
    name = f"slow_to_import_{alarm}"
    (tmp_path / f"{name}.py").write_text(
        "import time\nfor _ in range(50):\n    time.sleep(0.01)\ndone = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def imports_and_loops():
        importlib.import_module(name)
        while True:
            pass

    with pytest.raises(sandbox.TimeUp):
        sandbox.within(0.1, imports_and_loops)
    assert importlib.import_module(name).done


@pytest.mark.alarm
def test_an_alarm_of_somebody_else_still_rings():
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        sandbox.within(5, time.sleep, 0.1)
        assert heard == []
        time.sleep(0.4)
        assert heard == [True]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_settings_are_those_of_a_new_session_and_restored_after_an_error_too():
    with torch.no_grad():
        with pytest.raises(KeyError), sandbox.settings_kept():
            assert torch.is_grad_enabled()
            torch.set_default_dtype(torch.float64)
            raise KeyError
        assert not torch.is_grad_enabled()
        assert torch.get_default_dtype() == torch.float32
