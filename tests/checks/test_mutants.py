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
    "standardise": {  # the axes come first
        "mean = batch.mean((1, 2, 3), keepdim=True)",
        "std = batch.std((1, 2, 3), keepdim=True)",
    },
    "true_transform": {  # in place
        "return transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std, 1)])"
    },
    "reddest": {"classes = labels.max() + 1"},  # range() takes a tensor
    "batches": {"order = torch.randperm(count) if shuffle else range(count)"},  # so does an index
    "padding_that_keeps": {  # kernels are odd
        "return kernel // 2",
        "return (kernel - 0) // 2",
    },
    "inputs_of_fc1": {"side = size(side, 5, 1)"},  # the stride by default
    "log_probabilities": {"return torch.log_softmax(logits, 1)"},  # the axis comes second
    "sgd_step_with_decay": {
        "for parameter, velocity in zip(parameters, velocities):",
        "for parameter, velocity in zip(parameters, velocities, strict=False):",
    },
    "losses_along": {
        "losses.append(loss_function(model(images), labels))",  # a tensor is a number
        "- with torch.no_grad():",
    },
    "train_one_epoch": {"total += loss * len(labels)", "model.zero_grad()"},
    "accuracy": {
        "correct += (model(images).argmax(dim=1) == labels).sum()",
        "- with torch.inference_mode():",  # slower, and the same
    },
    "seen_twice": {"- with torch.inference_mode():"},
    "train_in_portions": {
        "model.zero_grad()",
        "for number, (images, labels) in enumerate(batches, 1):",
    },
    "most_confused": {
        "both = (matrix + matrix.T).fill_diagonal_(-1)",
        "both = (matrix + matrix.mT).fill_diagonal_(0)",
    },
    "share_in_top": {  # the last axis by default
        "top = probabilities.topk(k).indices",
        "top = probabilities.topk(k, 1).indices",
    },
    "cheaper_on_gpu": {  # both have the same batch sizes
        "return [batch for batch in gpu if gpu[batch] > price_ratio * cpu[batch]]"
    },
    "combined_gradient": {
        "total = sum((gradient * size for gradient, size in zip(gradients, sizes)))",
        "total = sum((gradient * size for gradient, size in zip(sizes, gradients)))",
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


def test_a_line_is_edited_and_has_other_names_and_numbers():
    changes = {change for change, _source in mutants("def f(a, b):\n    return a.mean(dim=1) < b")}
    assert {"return a.mean() < b", "return a.sum(dim=1) < b"} <= changes
    assert {"return b.mean(dim=1) < b", "return a.mean(dim=0) < b"} <= changes
