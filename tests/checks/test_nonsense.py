"""Whatever is handed to a check: a calm sentence, and nothing of the learner's has changed."""

import functools
import sys
import threading

import pytest
import torch

from labkit.checks.engine.spec import exercise
from labkit.sandbox import limits as sandbox


@exercise(1, lambda: [(n,) for n in (3, 4, 9)])
def half(n):
    return n / 2


half.sentences = {"2 * n": "This is the double."}


class Mute(Exception):
    def __str__(self):
        raise ValueError("no word")

    __repr__ = __str__


class Final(BaseException):
    pass


@pytest.mark.parametrize(
    ("error", "said"),
    [(Mute(), "Mute"), (Final("over"), "Final: over"), (SystemExit(3), "SystemExit: 3")],
)
def test_any_exception_is_shown_as_the_learners(error, said):
    def answer(n):
        raise error

    verdict = half(answer)
    assert (verdict.state, verdict.code) == ("raised", "raise error")
    assert said in verdict.lines


def test_an_interrupt_is_the_learners_own():
    def answer(n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half(answer)


def test_halves_of_characters_do_not_keep_a_verdict_from_the_notebook():
    def answer(n):
        raise ValueError("half of \ud800")

    for text in (str(half(answer)), half(answer)._repr_html_()):
        assert r"half of \ud800" in text
        assert text.encode()


def test_an_answer_may_close_what_it_prints_to():
    def answer(n):
        print("seen")
        sys.stdout.close()
        sys.stderr.close()
        return n

    assert "It printed: seen" in str(half(answer))


def test_what_another_thread_prints_meanwhile_is_printed(capsys):
    def answer(n):
        print("mine")
        training = threading.Thread(target=print, args=("epoch", n))
        training.start()
        training.join()
        return n

    assert "It printed: mine" in half(answer).lines
    assert capsys.readouterr().out.splitlines() == ["epoch 3", "epoch 4", "epoch 9"]


class Answering:
    """Has an answer for every name, and it is an error."""

    def __getattr__(self, name):
        raise KeyError(name)

    def __call__(self, n):
        return n


def _of_itself(n):
    return n


_of_itself.__wrapped__ = _of_itself


STRANGE = {
    "an answer for every name": Answering(),
    "wrapped in itself": _of_itself,
    "wrapped around a class": functools.wraps(int)(lambda n: n),
    "wrapped around a function of C": functools.wraps(len)(lambda n: n),
}


@pytest.mark.parametrize("answer", STRANGE.values(), ids=STRANGE)
def test_what_is_strange_to_look_into_can_be_called_all_the_same(answer):
    assert "Yours: 3" in str(half(answer))


@pytest.mark.parametrize("kind", [int, dict, type, ValueError])
def test_a_class_of_pythons_own_is_not_taken_for_a_stub(kind):
    assert half(kind).state in ("wrong", "raised")


def test_only_several_transforms_are_told_of_compose():
    assert "v2.Compose" in str(half([len, abs]))
    assert "Compose" not in str(half([]))
    assert "Compose" not in str(half([1.5, 2]))


_inference = torch.inference_mode()
SETTINGS = {
    "type": lambda: torch.set_default_dtype(torch.float64),
    "device": lambda: torch.set_default_device("meta"),
    "no device": lambda: torch.set_default_device(None),
    "gradients": lambda: torch.set_grad_enabled(False),
    "inference": lambda: _inference.__enter__(),
}


def _settings():
    return (
        torch.get_default_dtype(),
        sandbox.default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
    )


@pytest.mark.parametrize("change", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_that_an_answer_changes_reaches_neither_the_next_input_nor_the_notebook(change):
    before = _settings()

    def answer(n):
        if _settings() != before:
            raise ValueError("left over")
        change()
        return n / 2

    with sandbox.settings_kept():  # for the tests after this one
        assert half(answer).solved
        assert _settings() == before


def test_a_default_device_and_type_that_the_notebook_has_set_do_not_reach_a_check():
    torch.set_default_device("meta")
    torch.set_default_dtype(torch.float64)
    try:
        assert half(lambda n: torch.tensor(float(n)) / 2).solved
        assert sandbox.default_device().type == "meta"
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)


def test_the_default_device_is_read_where_pytorch_cannot_tell_it(monkeypatch):
    def broken():  # PyTorch 2.6 after set_default_device(None)
        raise AttributeError("'NoneType' object has no attribute 'device'")

    monkeypatch.setattr(torch, "get_default_device", broken)
    assert half(lambda n: n / 2).solved


@exercise(1, lambda: [([1.0, n], torch.full((2,), n)) for n in (2.0, 5.0)])
def added(numbers, tensor):
    return tensor + torch.tensor(numbers)


@pytest.mark.parametrize(
    ("change", "named"),
    [("numbers[0] += 1", "numbers"), ("tensor += 1", "tensor"), ("numbers.append(3)", "numbers")],
)
def test_a_right_answer_that_spoils_what_it_was_given_is_told(change, named):
    source = "def answer(numbers, tensor):\n    result = tensor + torch.tensor(numbers)\n"
    exec(f"{source}    {change}\n    return result", namespace := {"torch": torch})
    verdict = added(namespace["answer"])
    assert verdict.solved
    assert f"it changes `{named}` itself" in str(verdict)
    assert "changes" not in str(added(added.solution))
