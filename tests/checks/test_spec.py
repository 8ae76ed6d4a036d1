import linecache
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from labkit.checks import cnn, dataloader, gpu
from labkit.checks import tensors as check
from labkit.checks.engine import values
from labkit.checks.engine.spec import exercise
from labkit.sandbox.reading import Answer


def cell(source: str, name: str):
    """Run source as a notebook would run a cell; return what it defines under a name."""
    namespace = {"__name__": "__main__", "torch": torch}
    linecache.cache["<cell>"] = (len(source), None, source.splitlines(keepends=True), "<cell>")
    exec(compile(source, "<cell>", "exec"), namespace)
    return namespace[name]


@exercise(1, lambda: [(n, k) for n in (32, 33, 5) for k in (2, 3, 5)])
def places(n, k):
    return len(range(0, n - k + 1, 2))


places.sentences = {"(n - k) / 2 + 1": "There is no floor here."}


STUBS = [
    "def stub(n, k): ...",
    "def stub(n, k):\n    pass",
    'def stub(n, k):\n    """Return the number of places."""',
    'def stub(n, k):\n    """Return the number of places."""\n    ...',
    "def stub(n, k):\n    return ...",
    "def stub(n, k):\n    # Your answer goes here.\n    return None",
    "stub = ...",
    "class stub(torch.nn.Linear): ...",
    "stub = lambda n, k: ...",
    "@torch.no_grad()\ndef stub(n, k): ...",
]


@pytest.mark.parametrize("source", STUBS)
def test_a_stub_is_seen_to_be_untouched(source):
    assert Answer(cell(source, "stub")).untouched


ANSWERS = [
    "def answer(n, k):\n    return 0",
    "def answer(n, k):\n    return (n - k) // 2 + 1",
    "def answer(n, k):\n    print(n)",
    "def answer(n, k):\n    result = n",
    "def answer(n, k):\n    raise NotImplementedError",
    "class answer(torch.nn.Linear):\n    def forward(self, x): return x",
    "answer = 3",
    "answer = len",
]


@pytest.mark.parametrize("source", ANSWERS)
def test_whatever_was_written_is_an_answer(source):
    assert not Answer(cell(source, "answer")).untouched


def test_a_wrong_answer_is_told_input_yours_expected_and_the_mistake():
    verdict = places(lambda n, k: (n - k) / 2 + 1)
    assert str(verdict).splitlines() == [
        "✗ Not yet.",
        "Tried with n = 32, k = 3",
        "Yours: 15.5",
        "Expected: 15",
        "There is no floor here.",
    ]


def test_what_an_answer_prints_is_shown_once_and_shortened(capsys):
    def talkative(n, k):
        for _line in range(500):
            print("n is", n)
        return n

    lines = str(places(talkative)).splitlines()
    shown = [line for line in lines if "n is" in line]
    assert len(shown) == 1 and len(shown[0]) < 600
    assert shown[0].startswith("It printed: n is 32 | n is 32 | ")
    assert capsys.readouterr().out == ""


def test_a_right_answer_may_print_and_says_nothing(capsys):
    def talkative(n, k):
        print(n, k)
        return (n - k) // 2 + 1

    assert str(places(talkative)) == "✓ Right, on all 9 inputs tried."
    assert capsys.readouterr().out == ""


def test_an_answer_that_asks_gets_no_answer_and_its_line():
    verdict = places(cell("def answer(n, k):\n    return int(input('n?'))\n", "answer"))
    assert (verdict.state, verdict.code) == ("raised", "return int(input('n?'))")
    assert "EOFError: input() waits" in str(verdict)


@exercise(1, lambda: [(torch.arange(1.0, 7).view(2, 3),), (torch.tensor([[1.0, 4], [5, 9]]),)])
def doubled(x):
    return 2 * x


@exercise(2, lambda: [([1.0, 2.5],), ([4.5],), ([0.75, 0.25, 8.0],)])
def total(numbers):
    return sum(numbers)


MISTAKES = [
    (doubled, lambda x: x, "given back", "comes back as it was"),
    (doubled, lambda x: 2 * x[0], "first only", "the first one alone"),
    (doubled, lambda x: 2 * x.T, "axes swapped", "are swapped"),
    (doubled, lambda x: x / 5, "factor", "0.1 times what it should be"),
    (total, lambda numbers: int(sum(numbers)), "cut off", "cut off the fraction"),
    (total, lambda numbers: 1 - sum(numbers), "one minus", "1 minus"),
    (total, lambda numbers: 1 / sum(numbers), "reciprocal", "1 divided by"),
    (total, lambda numbers: -sum(numbers), "wrong sign", "wrong way round"),
    (total, lambda numbers: sum(numbers) * 0 / torch.tensor(0.0), "not a number", "0 / 0"),
    (places, lambda n, k: (n - k) // 2 + 2, "one too many", "1 too many"),
    (places, lambda n, k: (n - k) // 2, "one too few", "1 too few"),
    (places, lambda n, k: n * 0 + k * 0 + 15, "always the same", "the same for every input"),
    (places, lambda n, k: (n - 3) // 2 + 1, "input unused", "never looks at `k`"),
    (places, lambda n, k: print(end=""), "nothing returned", "Is a return missing"),
    (places, lambda n, k: n if k < 5 else None, "nothing returned sometimes", "no return"),
    (places, lambda n, k: f"{n - k} places", "text returned", "returns text"),
]


@pytest.mark.parametrize(("check", "answer", "name", "words"), MISTAKES)
def test_what_goes_wrong_in_any_exercise_has_a_name(check, answer, name, words):
    verdict = check(answer)
    assert verdict.mistake == name and words in verdict.hints[0]


def test_an_error_is_shown_as_theirs_at_their_line():
    source = "def answer(n, k):\n    sides = [n]\n    return torch.zeros(2, 2) @ torch.zeros(3)\n"
    verdict = places(cell(source, "answer"))
    assert verdict.state == "raised"
    assert verdict.code == "return torch.zeros(2, 2) @ torch.zeros(3)"
    assert "In line 3" in str(verdict) and "RuntimeError: size mismatch" in str(verdict)
    assert "spec.py" not in str(verdict)


@pytest.mark.parametrize(
    "source",
    [
        "def inner(n):\n    return n / 0\n\ndef answer(n, k):\n    return inner(n)\n",
        "@torch.inference_mode()\ndef answer(n, k):\n    return n / 0\n",
    ],
)
def test_an_error_in_a_function_that_theirs_calls_or_under_a_decorator_is_shown_there(source):
    verdict = places(cell(source, "answer"))
    assert (verdict.state, verdict.code) == ("raised", "return n / 0")


def test_an_error_for_one_input_only_is_shown_with_that_input():
    def answer(n, k):
        if n == 5 and k == 5:
            raise KeyError(n)
        return (n - k) // 2 + 1

    assert "n = 5, k = 5" in str(places(answer))


@pytest.mark.parametrize("answer", [lambda n: n, lambda: 1, lambda n, k, s, p: 1])
def test_a_wrong_number_of_arguments_is_said(answer):
    assert "It is called with 2 arguments: `n`, `k`." in str(places(answer))


def test_a_result_that_cannot_be_used_is_not_taken_for_a_wrong_call():
    verdict = dataloader.batches(lambda dataset, batch_size, shuffle: print(end=""))
    assert verdict.state == "wrong"
    assert "Yours: nothing (None)" in str(verdict) and "Is a return missing" in str(verdict)
    assert "arguments" not in str(verdict)
    verdict = dataloader.true_transform(lambda mean, std: "a transform")
    assert "Yours: 'a transform'" in str(verdict) and "cannot be used" in str(verdict)


def test_a_librarys_line_is_not_taken_for_theirs():
    flip = v2.Compose([v2.RandomHorizontalFlip(), v2.Normalize([0.5] * 3, [0.5] * 3)])
    verdict = dataloader.flipping(flip)
    assert "does not support PIL" in str(verdict)
    assert "In line" not in str(verdict) and not verdict.code


def test_an_input_in_an_inner_function_is_looked_at():
    verdict = places(lambda n, k: [n + k for _ in range(k)][0])
    assert verdict.mistake == ""


def test_a_verdict_is_a_box_whose_text_cannot_become_html():
    verdict = places(lambda n, k: "<script>alert(1)</script>")
    assert "<script>" not in verdict._repr_html_()
    assert "&lt;script&gt;" in verdict._repr_html_()
    assert 'role="note"' in verdict._repr_html_()


class Unspeakable:
    def __repr__(self):
        raise RuntimeError("no word for it")


class NoSpecial:
    pass


LOOP = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (LOOP, "Yours: list"),
        (Unspeakable(), "Yours: Unspeakable"),
        (np.array(["a", None]), "Yours: "),
        (np.array(["a"]), "Yours: "),
        (torch.eye(3).to_sparse(), "[[1, 0, 0], [0, 1, 0], [0, 0, 1]]"),
        (torch.zeros(2, device="meta"), "a tensor [2] on meta"),
        (list(range(100_000)), "[100000], from 0 to 1e+05"),
        ("n" * 10**6, "'nnn"),
        (10**400, "Yours: 1000"),
        (float("nan"), "Yours: nan"),
        (torch.nn.Linear, "Linear"),
        ({}, "Yours: {}"),
        (["a"] * 10**4, "Yours: a, a, a"),
        (dict.fromkeys(range(10**4), 1), "Yours: {0: 1, "),
        (NoSpecial(), "Yours: an object of class NoSpecial"),
    ],
)
def test_the_strangest_answer_is_wrong_in_a_few_words(value, words):
    verdict = places(lambda n, k: value)
    assert verdict.state == "wrong"
    assert words in str(verdict) and len(str(verdict)) < 1_000


@pytest.mark.parametrize(
    "value",
    [
        14,
        14.0,
        np.int64(14),
        np.float32(14),
        np.array(14),
        torch.tensor(14),
        torch.tensor([14.0]),
        torch.tensor(14.0, requires_grad=True),
        torch.tensor(14, dtype=torch.uint8),
        torch.tensor(14.0, dtype=torch.bfloat16),
        Fraction(28, 2),
        Decimal(14),
    ],
)
def test_a_number_may_be_of_any_type(value):
    assert values.same(values.plain(14), values.plain(value), 1e-4)


@pytest.mark.parametrize(
    "shape", [[2, 3], (2, 3), torch.Size([2, 3]), np.array([2, 3]), range(2, 4), iter([2, 3])]
)
def test_a_shape_may_be_list_or_tuple(shape):
    shape = list(shape) if isinstance(shape, range) else shape
    assert values.same(values.plain((2, 3)), values.plain(shape), 1e-4)


@pytest.mark.parametrize(
    "value", [13, 15, 14.2, "14", None, [14, 14], [], float("nan"), ..., int, {14: 14}, 14j]
)
def test_another_value_is_another_value(value):
    assert not values.same(values.plain(14), values.plain(value), 1e-4)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing (None)"),
        (torch.tensor([[1.0, 2.5]]), "[[1, 2.5]]"),
        (torch.zeros(3, 32, 32), "[3, 32, 32], all 0"),
        (torch.linspace(0, 1, 100), "[100], from 0 to 1"),
        (0.123456789, "0.1235"),
        (True, "True"),
        ("cat", "'cat'"),
        (torch.nn.Conv2d(3, 6, 5), "Conv2d(3, 6, kernel_size=(5, 5), stride=(1, 1))"),
        (torch.nn.Sequential(torch.nn.ReLU()), "Sequential"),
        ({4: 900, 64: 3_000}, "{4: 900, 64: 3000}"),
        ({"loss": 0.5, "shape": "[2, 3]"}, "loss: 0.5; shape: [2, 3]"),
        ([True, False], "[True, False]"),
        (iter([1, 2]), "list_iterator"),
        ((torch.zeros(2), 3), "([0, 0], 3)"),
        (torch.zeros(2, 2, device="meta"), "a tensor [2, 2] on meta"),
    ],
)
def test_values_are_said_in_few_words(value, words):
    assert values.describe(value) == words


def test_the_first_place_that_differs_is_named():
    expected, came = np.zeros((4, 5)), np.zeros((4, 5))
    came[2, 3] = came[3, 0] = 7
    sentence = values.difference(expected, came)
    assert sentence.startswith("2 of 20 numbers differ, first at [2, 3]: yours is 7")


@pytest.mark.parametrize(
    ("exercise", "answer", "words"),
    [
        (check.swap_red_and_blue, lambda image: [*image.flip(0)], "list of tensors"),
        (cnn.padding_that_keeps, lambda kernel: (kernel - 1) / 2, "yours are floats"),
    ],
)
def test_right_numbers_of_another_type_are_not_praised_in_silence(exercise, answer, words):
    assert words in " ".join(exercise(answer).lines)
    assert not exercise(exercise.solution).lines[1:]


def test_a_layer_inside_of_a_block_counts_in_one_place():
    def first_level(model, batch):
        layers = model.children()
        return all(p.device == batch.device for m in layers for p in m.parameters(recurse=False))

    assert not gpu.in_one_place(first_level).solved


def test_an_answer_that_is_right_for_some_inputs_says_for_how_many():
    verdict = cnn.padding_that_keeps(lambda kernel: max(kernel - 3, 1))
    assert verdict.state == "wrong"
    assert re.search(r"right for [1-9] of the \d inputs tried", " ".join(verdict.hints))
