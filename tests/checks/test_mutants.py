"""No small change of a right answer is accepted in silence, but for those that change nothing."""

import pytest

from tests.checks import exercises
from tests.checks.mutants import mutants

ENDLESS = 0.5  # seconds

SAME = {
    "megabytes": {
        "return images * 3 * 32 * 32 * bytes_each / 1000001",  # within what rounding may do
        "return images * 3 * 32 * 32 * bytes_each / 999999",
    },
    "reddest": {"classes = labels.max() + 1"},  # range() takes a tensor
    "batches": {"order = torch.randperm(count) if shuffle else range(count)"},  # so does an index
    "padding_that_keeps": {  # kernels are odd
        "return kernel // 2",
        "return (kernel - 0) // 2",
    },
    "sgd_step_with_decay": {
        "for parameter, velocity in zip(parameters, velocities):",
        "for parameter, velocity in zip(parameters, velocities, strict=False):",
    },
    "losses_along": {"losses.append(loss_function(model(images), labels))"},  # a tensor is a number
    "train_one_epoch": {"total += loss * len(labels)", "model.zero_grad()"},
    "accuracy": {"correct += (model(images).argmax(dim=1) == labels).sum()"},
    "train_in_portions": {"model.zero_grad()"},
    "most_confused": {
        "both = (matrix + matrix.T).fill_diagonal_(-1)",
        "both = (matrix + matrix.mT).fill_diagonal_(0)",
    },
    "share_in_top": {"top = probabilities.topk(k).indices"},  # the last axis by default
    "cheaper_on_gpu": {  # both have the same batch sizes
        "return [batch for batch in gpu if gpu[batch] > price_ratio * cpu[batch]]"
    },
    "combined_gradient": {
        "total = sum((gradient * size for gradient, size in zip(gradients, sizes)))",
        "total = sum((gradient * size for gradient, size in zip(sizes, gradients, strict=True)))",
        "total = sum((gradient * size for gradient, size in zip(gradients, sizes, strict=False)))",
    },
}
"""Exercise -> changes, by their line, after which the answer is right all the same."""


@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # e.g. of 0(x)
@pytest.mark.parametrize(
    "exercise",
    [exercise for exercise in exercises.everywhere() if exercise.name != "flipping"],
    ids=exercises.full_name,
)
def test_a_small_change_of_the_right_answer_is_not_accepted_in_silence(exercise, monkeypatch):
    monkeypatch.setattr(exercise, "seconds", ENDLESS)
    accepted, tried = set(), 0
    for change, source in mutants(exercise.source):
        answer, tried = exercise.defined(source, exercise.name), tried + 1
        if exercises.accepts(exercise, answer) and not exercise(answer).lines:
            accepted.add(change)
    assert tried >= 4
    assert accepted == SAME.get(exercise.name, set())


def test_one_line_has_these_mutants():
    source = "def f(a, b):\n    return a.mean(dim=1) < b"
    assert {change for change, _source in mutants(source)} == {
        "return a.mean(dim=1) <= b",
        "return a.mean(dim=1) > b",
        "return a < b",
        "return a.mean() < b",
        "return a.sum(dim=1) < b",
        "return b.mean(dim=1) < b",
        "return a.mean(dim=2) < b",
        "return a.mean(dim=0) < b",
        "return a.mean(dim=1) < a",
    }
