import importlib
import random
import signal
import threading
import time

import numpy
import pytest
import torch
from torch import nn

from labkit.sandbox import limits as sandbox
from labkit.sandbox import reading


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


def _endless_generator():
    return list(iter(int, 1))


def _sleeps():
    time.sleep(60)


LOOPS = [_python_loop, _torch_loop, _deaf_loop, _stone_deaf_loop, _endless_generator]


@pytest.mark.parametrize("loop", [*LOOPS[:4], _sleeps])
def test_a_loop_without_end_is_ended(loop):
    started = time.monotonic()
    with pytest.raises(sandbox.TimeUp):
        sandbox.within(0.2, loop)
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("loop", LOOPS[:4])
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
    monkeypatch.delattr(signal, "setitimer")
    with pytest.raises(sandbox.TimeUp):
        sandbox.within(0.2, _python_loop)


@pytest.mark.parametrize("alarm", [True, False])
def test_nothing_rings_after_code_that_was_quick_enough(alarm, monkeypatch):
    if not alarm:
        monkeypatch.delattr(signal, "setitimer")
    for _ in range(200):
        assert sandbox.within(0.05, sum, [1, 2]) == 3
    time.sleep(0.3)


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
        monkeypatch.delattr(signal, "setitimer")
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


def test_random_numbers_are_fixed_inside_and_go_on_as_before_outside():
    def draw():
        return random.random(), numpy.random.rand(), torch.rand(1).item()

    random.seed(5), numpy.random.seed(5), torch.manual_seed(5)
    expected = draw()
    random.seed(5), numpy.random.seed(5), torch.manual_seed(5)
    inside = []
    for _ in range(2):
        with sandbox.unmarked():
            inside.append(draw())
    assert inside[0] == inside[1]
    assert draw() == expected


def test_the_learners_model_and_optimizer_are_as_before():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout())
    model[2].eval()  # modes may differ within a model
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    batch = torch.rand(4, 2)
    model(batch).sum().backward()
    optimizer.step()
    weights = [t.clone() for t in model.state_dict().values()]
    gradients = [(p.grad, p.grad.clone()) for p in model.parameters()]
    speed = [s["momentum_buffer"].clone() for s in optimizer.state_dict()["state"].values()]
    with sandbox.unmarked([model, optimizer, batch]):
        model.train()
        for _ in range(3):
            model(batch).sum().backward()
            optimizer.step()
        optimizer.zero_grad()
        model.eval()
    assert all(map(torch.equal, weights, model.state_dict().values()))
    assert [m.training for m in model.modules()] == [True, True, True, False]
    for parameter, (gradient, value) in zip(model.parameters(), gradients, strict=True):
        assert parameter.grad is gradient and torch.equal(gradient, value)
    state = optimizer.state_dict()["state"].values()
    assert all(map(torch.equal, speed, [s["momentum_buffer"] for s in state]))


def test_gradient_mode_and_default_type_are_as_before():
    torch.set_grad_enabled(False)
    try:
        with sandbox.unmarked():
            assert torch.is_grad_enabled()
            torch.set_default_dtype(torch.float64)
        assert not torch.is_grad_enabled()
        assert torch.get_default_dtype() == torch.float32
    finally:
        torch.set_grad_enabled(True)


def test_all_is_restored_after_an_error_too():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    with pytest.raises(KeyError), sandbox.unmarked():
        torch.set_default_dtype(torch.float64)
        raise KeyError
    assert torch.get_default_dtype() == torch.float32
    assert torch.equal(torch.rand(1), expected)


def test_what_an_answer_reaches_is_followed_through_functions_and_no_further():
    namespace = {"torch": torch, "__name__": "__main__"}
    exec(
        "net, other, trained = (torch.nn.Linear(1, 1) for _ in range(3))\n"
        "def inner():\n    return [other for _ in range(3)]\n"
        "@torch.no_grad()\n"
        "def answer(x):\n    return net(x), inner(), answer\n",
        namespace,
    )
    found = reading.reached(namespace["answer"], namespace)
    assert any(value is namespace["net"] for value in found)
    assert any(value is namespace["other"] for value in found)
    assert not any(value is namespace["trained"] for value in found)


def test_tensors_arrays_and_containers_of_the_learner_are_as_before():
    counts, numbers = torch.zeros(3), numpy.zeros(3)
    history, best, seen = [1, 2], {"loss": 2.0}, {5}
    with sandbox.unmarked([counts, numbers, history, best, seen]):
        counts += 1
        numbers[0] = 7
        history.append(3)
        best["loss"] = 0.5
        seen.clear()
    assert counts.tolist() == numbers.tolist() == [0, 0, 0]
    assert (history, best, seen) == ([1, 2], {"loss": 2.0}, {5})


def test_names_of_the_notebook_stand_for_what_they_did():
    net = nn.Linear(1, 1)
    namespace = {"net": net, "epochs": 3}
    with sandbox.names_kept(namespace):
        exec("net, found = 4, 5\ndel epochs", namespace)
    assert namespace == {"net": net, "epochs": 3}


def test_a_model_that_trains_in_the_background_goes_on():
    namespace = {"torch": torch, "__name__": "__main__"}
    exec("net = torch.nn.Linear(1, 1)\ndef answer(x):\n    return x\n", namespace)
    with sandbox.unmarked(reading.reached(namespace["answer"], namespace)):
        with torch.no_grad():
            namespace["net"].weight.fill_(7)  # by another thread
    assert namespace["net"].weight.item() == 7
