import numpy as np
import pytest
import torch

from labkit.checks import evaluation as check
from tests.checks.exercises import own_progress  # noqa: F401


def wrong(verdict, mistake):
    assert not verdict.solved
    assert verdict.mistake == mistake, verdict


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
    ("answer", "mistake"),
    [
        (lambda m, c: m[c, c] / m[c].sum(), "matrix[c, c] / matrix[c].sum()"),
        (lambda m, c: m.diag().sum() / m.sum(), "matrix.trace() / matrix.sum()"),
        (lambda m, c: m[c, c] / m.sum(), "matrix[c, c] / matrix.sum()"),
        (lambda m, c: 100 * m[c, c] / m[:, c].sum(), "percent"),
        (lambda m, c: m[0, 0] / m[:, 0].sum(), "input unused"),
        (lambda m, c: m.diag() / m.sum(0), "matrix.diagonal() / matrix.sum(dim=0)"),
    ],
)
def test_a_wrong_precision_is_recognised(answer, mistake):
    wrong(check.precision(answer), mistake)


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
    ("answer", "mistake"),
    [
        (lambda m: divmod((m + m.T).argmax().item(), len(m)), "_largest(matrix + matrix.T)"),
        (
            lambda m: divmod(m.fill_diagonal_(0).argmax().item(), len(m)),
            "_largest(matrix.clone().fill_diagonal_(0))",
        ),
        (
            lambda m: (m + m.T).fill_diagonal_(0).argmax(),
            "(matrix + matrix.T).fill_diagonal_(0).argmax().item()",
        ),
        (
            lambda m: (m + m.T).fill_diagonal_(0).max(),
            "(matrix + matrix.T).fill_diagonal_(0).max().item()",
        ),
        (lambda m: (0, 1), "input unused"),
    ],
)
def test_a_wrong_pair_is_recognised(answer, mistake):
    wrong(check.most_confused(answer), mistake)


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
    ("answer", "mistake"),
    [
        (
            lambda p, y, k: (p.topk(k, 1).indices == y[:, None]).float().mean(),
            "_among(probabilities, labels, k).float().mean()",
        ),
        (lambda p, y, k: (p.topk(k, 1)[0] == y[:, None]).any(1).float().mean(), "values compared"),
        (
            lambda p, y, k: (p.topk(k, 1)[1][:, k - 1] == y).float().mean(),
            "_among(probabilities, labels, k)[:, -1].float().mean()",
        ),
        (
            lambda p, y, k: (p.argmax(1) == y).float().mean(),
            "_among(probabilities, labels, 1).any(dim=1).float().mean()",
        ),
        (lambda p, y, k: _sorted(p, y, k) * len(y), "_among(probabilities, labels, k).sum()"),
        (lambda p, y, k: _sorted(p, y, 2), "input unused"),
        (
            lambda p, y, k: (p.topk(k, 1).indices == y).any(1).float().mean(),
            "(probabilities.topk(k, dim=1).indices == labels).any(dim=1).float().mean()",
        ),
        (lambda p, y, k: p[:, :k].mean() + 0 * y.sum(), ""),
    ],
)
def test_a_wrong_share_in_the_top_is_recognised(answer, mistake):
    wrong(check.share_in_top(answer), mistake)


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
    ("answer", "mistake"),
    [
        (lambda p, y, t: ((p.argmax(1) == y) & (p.amax(1) >= t)).float().mean(), "among all"),
        (
            lambda p, y, t: (p.amax(1) >= t).float().mean(),
            "_right_and_sure(probabilities, labels, least)[1].float().mean()",
        ),
        (lambda p, y, t: (p.argmax(1) == y)[p.amax(1) > t].float().mean(), "strictly more"),
        (
            lambda p, y, t: (p.argmax(1) == y).float().mean(),
            "_right_and_sure(probabilities, labels, least)[0].float().mean()",
        ),
        (lambda p, y, t: 1.0, "always the same"),
    ],
)
def test_wrongly_counted_sure_answers_are_recognised(answer, mistake):
    wrong(check.right_when_sure(answer), mistake)


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
    ("answer", "mistake"),
    [
        (lambda net, x: (net(x) + net(x.flip(-1))).argmax(1), "logits added"),
        (lambda net, x: (net(x).softmax(1) + net(x.flip(2)).softmax(1)).argmax(1), "upside down"),
        (lambda net, x: net(x.flip(-1)).argmax(1), "only mirrored"),
        (lambda net, x: net(x).argmax(1), "only plain"),
        (lambda net, x: net(x).softmax(1) + net(x.flip(3)).softmax(1), "sums"),
        (
            lambda net, x: (net(x).softmax(1) + net(x.flip(3)).softmax(1)).max(1),
            "(_probabilities(model, images) + _probabilities(model, images.flip(-1))).max(dim=1)",
        ),
        (
            lambda net, x: (net(x).log_softmax(1) + net(x.flip(3)).log_softmax(1)).argmax(1),
            "logits added",
        ),
        (
            lambda net, x: (net(x).softmax(0) + net(x.flip(3)).softmax(0)).argmax(1),
            "softmax down the batch",
        ),
    ],
)
def test_a_wrong_second_look_is_recognised(answer, mistake):
    wrong(check.seen_twice(answer), mistake)
