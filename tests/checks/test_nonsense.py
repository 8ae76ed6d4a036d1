"""Whatever is handed to a check: a calm sentence, and nothing of the learner's has changed."""

import asyncio
import functools
import sys
import threading
import warnings

import numpy
import pytest
import torch
from torch import nn

from labkit.checks.engine.spec import exercise
from labkit.sandbox import limits as sandbox
from labkit.sandbox import reading
from tests.checks.exercises import own_progress  # noqa: F401


@exercise(1, lambda: [(n,) for n in (3, 4, 9)])
def half(n):
    return n / 2


@half.right
def _by_a_tensor(n):
    return torch.full((), float(n), requires_grad=True) / 2


@half.mistake("This is the double.")
def _double(n):
    return 2 * n


class Mute(Exception):
    def __str__(self):
        raise ValueError("no word")

    __repr__ = __str__


class NoText(Exception):
    def __str__(self):
        return None


class Final(BaseException):
    pass


class Named(type):
    def __getattr__(cls, name):
        raise KeyError(name)


class Answered(metaclass=Named):
    def name(self):
        return 1


class NoSpecial:
    pass


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Mute(), "Mute"),
        (NoText(), "NoText"),
        (Final("over"), "Final: over"),
        (GeneratorExit(), "GeneratorExit"),
        (asyncio.CancelledError(), "CancelledError"),
        (
            BaseExceptionGroup("two", [Final(), Final()]),
            "BaseExceptionGroup: two (2 sub-exceptions)",
        ),
    ],
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
    assert half(Answered).state == "raised"


@pytest.mark.parametrize("kind", [int, str, dict, type, range, ValueError])
def test_a_class_of_pythons_own_is_not_taken_for_a_stub(kind):
    assert half(kind).state in ("wrong", "raised")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "Yours: {}"),
        (["a"] * 10**5, "Yours: a, a, a"),
        (dict.fromkeys(range(10**5), 1), "Yours: {0: 1, "),
        (NoSpecial(), "Yours: an object of class NoSpecial"),
    ],
)
def test_any_value_is_said_in_a_few_words(value, words):
    text = str(half(lambda n: value))
    assert words in text and len(text) < 1_000


def test_a_coroutine_is_told_and_nobody_is_warned_of_it():
    async def answer(n):
        return n / 2

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = half(answer)
    assert verdict.mistake == "coroutine returned"
    assert "Yours: coroutine" in str(verdict)

    async def yielding(n):
        yield n / 2

    assert half(yielding).mistake == "coroutine returned"


def test_only_several_transforms_are_told_of_compose():
    assert "Compose" not in str(half([]))
    assert "Compose" not in str(half([1.5, 2]))


_inference = torch.inference_mode()
SETTINGS = {
    "type": lambda: torch.set_default_dtype(torch.float64),
    "device": lambda: torch.set_default_device("meta"),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "gradients": lambda: torch.set_grad_enabled(False),
    "inference": lambda: _inference.__enter__(),
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True),
    "determinism": lambda: torch.use_deterministic_algorithms(True),
    "errors": lambda: numpy.seterr(all="raise"),
}


def _settings():
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        numpy.geterr(),
    )


@pytest.mark.parametrize("change", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_that_an_answer_changes_is_as_before(change):
    before = _settings()
    with sandbox.settings_kept():  # for the tests after this one
        half(lambda n: (change(), n)[1])
        after = _settings()
    assert after == before


@pytest.mark.parametrize("change", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_that_an_answer_changes_does_not_reach_the_next_input(change):
    before = _settings()

    def answer(n):
        if _settings() != before:
            raise ValueError("left over")
        change()
        return n / 2

    with sandbox.settings_kept():
        assert half(answer).solved


def _notebook(source: str) -> dict:
    namespace = {"__name__": "__main__", "torch": torch, "nn": nn, "functools": functools}
    setup = (
        "history = {'loss': [1.0]}\n"
        "models = [nn.Linear(1, 1)]\n"
        "net = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1))\n"
        "counts = torch.zeros(3)\n"
        "with torch.inference_mode():\n"
        "    logits = torch.zeros(3)\n"
        "sparse = torch.eye(2).to_sparse()\n"
        "class State:\n"
        "    def __init__(self):\n"
        "        self.steps, self.seen = 0, []\n"
        "state = State()\n"
    )
    exec(setup + source, namespace)
    return namespace


def _content(namespace: dict) -> str:
    tensors = [*namespace["models"][0].parameters(), *namespace["net"].parameters()]
    tensors += [namespace[name] for name in ("counts", "logits", "sparse")]
    values = [(tensor.requires_grad, tensor.to_dense().tolist()) for tensor in tensors]
    parts = [namespace[name] for name in ("history", "net")], vars(namespace["state"])
    return repr((values, parts, sorted(vars(namespace["net"]))))


CHANGES = [
    "history['loss'].append(0.5)",
    "nn.init.zeros_(models[0].weight)",
    "net[0] = nn.Linear(1, 1)",
    "del net[0]",
    "net.note = 5",
    "net[0].weight = nn.Parameter(torch.ones(1, 1))",
    "net.requires_grad_(False)",
    "counts.resize_(5)",
    "counts.requires_grad_()",
    "torch.inference_mode()(logits.add_)(1)",
    "sparse",
    "state.steps += 1",
    "state.seen.append(n)",
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_an_answer_changes_in_the_notebook_is_as_before(change):
    namespace = _notebook(f"def answer(n):\n    {change}\n    return n / 2\n")
    before = _content(namespace)
    assert half(namespace["answer"]).solved
    assert _content(namespace) == before


WAYS = {
    "a partial": "def f(x, n):\n    {}\n    return n / 2\nanswer = functools.partial(f, 1)\n",
    "an object": "class C:\n    def __call__(self, n):\n        {}\n        return n / 2\n"
    "answer = C()\n",
    "a method": "class C:\n    def f(self, n):\n        {}\n        return n / 2\nanswer = C().f\n",
    "a cache": "@functools.cache\ndef answer(n):\n    {}\n    return n / 2\n",
    "a module": "class C(nn.Module):\n    def forward(self, n):\n        {}\n        return n / 2\n"
    "answer = C()\n",
    "a closure": "def make(counts):\n    def answer(n):\n        {}\n        return n / 2\n"
    "    return answer\nanswer = make(counts)\n",
    "a default": "def answer(n, counts=counts):\n    {}\n    return n / 2\n",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_it_is_as_before_in_whatever_way_the_answer_is_written(way):
    namespace = _notebook(way.format("counts.add_(1)"))
    before = _content(namespace)
    assert half(namespace["answer"]).solved
    assert _content(namespace) == before


def test_a_large_list_is_not_followed_into_its_parts():
    namespace = _notebook("images = [torch.zeros(1)] * 5000\ndef answer(n):\n    return images\n")
    assert len(reading.reached(namespace["answer"], namespace)) < 10
