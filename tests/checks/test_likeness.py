"""What a wrong answer is like, and a right one that the text of its exercise forbids."""

import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from labkit.checks import cnn, dataloader, faster, gpu
from labkit.checks.engine.spec import exercise
from tests.checks.test_spec import cell


@exercise(1, lambda: [(n, k) for n in (32, 33, 6) for k in (2, 3, 5)])
def shares(n, k):
    return n / (k + 1)


shares.sentences = {}
LIKENESSES = [
    ("return n / (k - 1)", "in line 3 makes it right. It now reads: return n / (k - 1)"),
    ("return n / (k + 1) if n > 20 else -1", "6 of the 9 inputs tried: those where n >= 32."),
    ("return n / (k + 1) if k < 4 else 0", "those where k <= 3."),
    ("return n / 3", "Your function never looks at `k`."),
    ("return n / (k + len(pixels))", "reads `pixels` of the notebook."),
    ("x = n\n    x = x * n\n    return x / (k + 1)", "Leave line 4 out, and your answer is right."),
    (
        "x = 0\n    for y in (n, 1, -1):\n        x += y\n        x /= k + 1\n    return x",
        "Move line 6 out",
    ),
    ("n /= k\n    k += 1\n    return n", "Swap lines 3 and 4, and your answer is right."),
    ("return {2: n / 3, 3: n / 4}[k]", "This lists inputs one by one, but the function will"),
    ("return n / 3 if k == 2 else n / 4 if k == 3 else 0", "This lists inputs one by one"),
    ("return ['n', 'k']", "For a class, return its number, not its name."),
    ("return str(n / (k + 1))", "returns text. Numbers, or True and False, are expected."),
]


FORBIDDEN = [
    (cnn.average_pool, torch.nn.AvgPool2d(2), "PyTorch's own pooling. Write your own."),
    (dataloader.batches, DataLoader, "PyTorch's own DataLoader. Write the loop"),
    (dataloader.batches, lambda *settings: iter(DataLoader(*settings)), "Write the loop yourself"),
    (faster.normed_in_evaluation, lambda x, norm: norm.eval()(x), "Compute them by hand."),
    (
        faster.normed_in_evaluation,
        lambda x, n: torch.nn.functional.batch_norm(
            x, n.running_mean, n.running_var, n.weight, n.bias, eps=n.eps
        ),
        "PyTorch's own batch norm.",
    ),
]


@pytest.mark.parametrize("check, answer, said", FORBIDDEN)
def test_what_the_text_of_an_exercise_forbids_is_not_yet_right(check, answer, said):
    verdict = check(answer)
    assert verdict.state == "wrong" and said in verdict.hints[0]
    assert "Yours" not in str(verdict)


def _of_even_sides(maps):
    n, c, h, w = maps.shape
    return maps.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))


def _of_two(gradients, sizes):
    one, other = sizes
    return (gradients[0] * one + gradients[1] * other) / (one + other)


def _in_a_row(gradients, sizes):
    shares = torch.tensor(sizes).float() / sum(sizes)
    return torch.einsum("k,kd->d", shares, torch.stack(gradients))


def test_code_of_ones_own_that_takes_a_plain_tensor_only_is_not_taken_for_what_is_forbidden():
    def plain_alone(maps):
        assert type(maps) is torch.Tensor
        return cnn.average_pool.solution(maps)

    assert cnn.average_pool(plain_alone).solved


RELATIVES = [
    (cnn.average_pool, _of_even_sides, "A side may be odd."),
    (cnn.inputs_of_fc1, lambda side: 16 * (((side - 4) // 2) - 4) ** 2, "The second pooling is"),
    (faster.combined_gradient, _of_two, "not always two"),
    (faster.combined_gradient, _in_a_row, "The sizes are multiplied along the wrong axis"),
    (gpu.in_one_place, lambda model, batch: batch.is_cuda, "nothing is on a GPU"),
]


@pytest.mark.parametrize("check, answer, said", RELATIVES)
def test_a_mistake_is_the_same_whatever_its_error_says(check, answer, said):
    assert said in check(answer).hints[0]


def test_two_coins_in_a_row_are_too_few():
    flip = v2.RandomApply([v2.RandomHorizontalFlip()], p=0.5)
    image = [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.5] * 3, [0.5] * 3),
    ]
    assert "mirror only a quarter" in dataloader.flipping(v2.Compose([flip, *image])).hints[0]


@pytest.mark.parametrize("line, said", LIKENESSES)
def test_a_wrong_answer_is_told_what_it_is_like(line, said):
    answer = cell(f"pixels = torch.zeros(5, 5)\ndef shares(n, k):\n    {line}", "shares")
    assert said in str(shares(answer))


def test_nan_is_told_only_where_it_is_all_that_is_wrong():
    answer = cell(
        "def shares(n, k):\n    return float('nan') if k == 2 else 7 * n + k * k", "shares"
    )
    assert "0 / 0" not in str(shares(answer))
    answer = cell("def shares(n, k):\n    return float('nan') if k == 2 else n / (k + 1)", "shares")
    assert "0 / 0" in str(shares(answer))
