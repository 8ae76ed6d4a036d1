import numpy as np
import pytest
import torch

from labkit.checks import evaluation as check
from tests.checks.exercises import wrong


def _counted(matrix, c):
    called = 0
    for true in range(len(matrix)):
        called += int(matrix[true][c])
    return int(matrix[c][c]) / called


@pytest.mark.parametrize(
    "answer",
    [
        _counted,
        lambda m, c: m[c, c] / m[:, c].sum(),
        lambda m, c: (m.diag() / m.sum(dim=0))[c],
        lambda m, c: m.numpy()[c, c] / m.numpy().sum(axis=0)[c],
        lambda m, c: [m[c, c] / sum(m[:, c])],
    ],
)
def test_precision_may_be_computed_in_any_way(answer):
    verdict = check.precision(answer)
    assert verdict.solved, verdict


def test_a_class_that_was_never_predicted_is_a_remark_and_no_fault():
    assert "nan" not in str(check.precision(lambda m, c: m[c, c] / m[:, c].sum()))
    verdict = check.precision(_counted)
    assert verdict.solved
    assert "never predicted" in str(verdict)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda m, c: m[c, c] / m[c].sum(), "This is the row: of all images of the class,"),
        (lambda m, c: m.diag().sum() / m.sum(), "This is the accuracy over all"),
        (lambda m, c: m[c, c] / m.sum(), "Divided by all images, it is small for every"),
    ],
)
def test_a_wrong_precision_is_recognised(answer, words):
    wrong(check.precision(answer), words)


def _searched(matrix):
    best, pair = -1, None
    for a in range(len(matrix)):
        for b in range(a + 1, len(matrix)):
            if matrix[a, b] + matrix[b, a] > best:
                best, pair = matrix[a, b] + matrix[b, a], [b, a]
    return pair


def _by_numpy(matrix):
    both = matrix.numpy() + matrix.numpy().T
    np.fill_diagonal(both, 0)
    return np.unravel_index(both.argmax(), both.shape)


def _by_eye(matrix):
    both = (matrix + matrix.T) * (1 - torch.eye(len(matrix)))
    return torch.nonzero(both == both.max())[0]


@pytest.mark.parametrize(
    "answer",
    [
        _searched,
        _by_numpy,
        _by_eye,
        lambda m: set(_searched(m)),
        lambda m: divmod(int((m + m.T).fill_diagonal_(0).argmax()), len(m)),
    ],
)
def test_the_pair_may_be_found_in_any_way_and_order(answer):
    verdict = check.most_confused(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda m: divmod((m + m.T).argmax().item(), len(m)),
            "The diagonal holds the correct predictions. Set",
        ),
        (
            lambda m: divmod(m.fill_diagonal_(0).argmax().item(), len(m)),
            "This counts one direction. a for b and b for a",
        ),
        (
            lambda m: (m + m.T).fill_diagonal_(0).argmax(),
            "argmax numbers all places of the matrix, row by",
        ),
    ],
)
def test_a_wrong_pair_is_recognised(answer, words):
    wrong(check.most_confused(answer), words)


def _sorted(probabilities, labels, k):
    hits = 0
    for row, label in zip(probabilities, labels, strict=True):
        hits += int(label in row.argsort(descending=True)[:k])
    return hits / len(labels)


@pytest.mark.parametrize(
    "answer",
    [
        _sorted,
        lambda p, y, k: (p.topk(k, 1).indices == y[:, None]).any(1).float().mean(),
        lambda p, y, k: (p.topk(k, 1).indices == y[:, None]).sum() / len(y),
        lambda p, y, k: ((p > p[torch.arange(len(y)), y][:, None]).sum(1) < k).double().mean(),
        lambda p, y, k: np.mean(
            [int(c) in np.argsort(-r.numpy())[:k] for r, c in zip(p, y, strict=True)]
        ),
    ],
)
def test_the_share_in_the_top_may_be_counted_in_any_way(answer):
    verdict = check.share_in_top(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda p, y, k: (p.topk(k, 1).indices == y[:, None]).float().mean(),
            "Every image counts once: divide by the images,",
        ),
        (
            lambda p, y, k: (p.topk(k, 1)[0] == y[:, None]).any(1).float().mean(),
            "topk gives values and indices. The classes are",
        ),
        (
            lambda p, y, k: (p.topk(k, 1)[1][:, k - 1] == y).float().mean(),
            "This looks at the k-th place only. All of the",
        ),
    ],
)
def test_a_wrong_share_in_the_top_is_recognised(answer, words):
    wrong(check.share_in_top(answer), words)


def _looped(probabilities, labels, least):
    right = sure = 0
    for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        if max(row) >= least:
            sure += 1
            right += row.index(max(row)) == label
    return right / sure


@pytest.mark.parametrize(
    "answer",
    [
        _looped,
        lambda p, y, t: (p.argmax(1) == y)[p.amax(1) >= t].float().mean(),
        lambda p, y, t: (p.argmax(1)[p.max(1)[0] >= t] == y[p.max(1)[0] >= t]).double().mean(),
        lambda p, y, t: np.mean((p.argmax(1) == y).numpy()[p.numpy().max(1) >= t]),
    ],
)
def test_sure_answers_may_be_counted_in_any_way(answer):
    verdict = check.right_when_sure(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda p, y, t: ((p.argmax(1) == y) & (p.amax(1) >= t)).float().mean(),
            "These are the sure and correct ones among all.",
        ),
        (
            lambda p, y, t: (p.amax(1) >= t).float().mean(),
            "This is the share of sure ones. How many of",
        ),
        (
            lambda p, y, t: (p.argmax(1) == y)[p.amax(1) > t].float().mean(),
            "A confidence of exactly least counts as sure:",
        ),
    ],
)
def test_wrongly_counted_sure_answers_are_recognised(answer, words):
    wrong(check.right_when_sure(answer), words)


def _one_batch(model, images):
    both = model(torch.cat([images, images.flip(3)])).softmax(dim=-1)
    return both[: len(images)].add(both[len(images) :]).argmax(-1)


def _one_by_one(model, images):
    classes = []
    for image in images:
        logits = model(torch.stack([image, image.flip(2)]))
        classes.append(torch.softmax(logits, 1).mean(0).argmax().item())
    return classes


@pytest.mark.parametrize(
    "answer",
    [
        _one_batch,
        _one_by_one,
        lambda net, x: (net(x).softmax(1) + net(x.flip(-1)).softmax(1)).argmax(1),
        lambda net, x: np.argmax(sum(net(i).softmax(1).data.numpy() for i in (x, x.flip(3))), 1),
    ],
)
def test_pictures_may_be_seen_twice_in_any_way(answer):
    verdict = check.seen_twice(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda net, x: (net(x) + net(x.flip(-1))).argmax(1),
            "Logits are added here",
        ),
        (
            lambda net, x: (net(x).softmax(1) + net(x.flip(2)).softmax(1)).argmax(1),
            "flip(2) turns the images upside down: axis 3 is",
        ),
        (
            lambda net, x: net(x.flip(-1)).argmax(1),
            "These are the predictions for the mirror images",
        ),
    ],
)
def test_a_wrong_second_look_is_recognised(answer, words):
    wrong(check.seen_twice(answer), words)
