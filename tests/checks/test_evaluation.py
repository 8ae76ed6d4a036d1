import numpy as np
import torch

from labkit.checks import evaluation as check


def _counted(matrix, c):
    called = 0
    for true in range(len(matrix)):
        called += int(matrix[true][c])
    return int(matrix[c][c]) / called


def test_a_class_that_was_never_predicted_is_a_remark_and_no_fault():
    assert "nan" not in str(check.precision(check.precision.solution))
    verdict = check.precision(_counted)
    assert verdict.solved
    assert "never predicted" in str(verdict)


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


def _one_batch(model, images):
    both = model(torch.cat([images, images.flip(3)])).softmax(dim=-1)
    return both[: len(images)].add(both[len(images) :]).argmax(-1)


def _one_by_one(model, images):
    classes = []
    for image in images:
        logits = model(torch.stack([image, image.flip(2)]))
        classes.append(torch.softmax(logits, 1).mean(0).argmax().item())
    return classes


RIGHT = {
    check.precision: [
        _counted,
        lambda m, c: (m.diag() / m.sum(dim=0))[c],
        lambda m, c: m.numpy()[c, c] / m.numpy().sum(axis=0)[c],
        lambda m, c: [m[c, c] / sum(m[:, c])],
    ],
    check.most_confused: [_searched, _by_numpy, _by_eye, lambda m: set(_searched(m))],
    check.share_in_top: [
        lambda p, y, k: (p.topk(k, 1).indices == y[:, None]).sum() / len(y),
        lambda p, y, k: ((p > p[torch.arange(len(y)), y][:, None]).sum(1) < k).double().mean(),
        lambda p, y, k: np.mean(
            [int(c) in np.argsort(-r.numpy())[:k] for r, c in zip(p, y, strict=True)]
        ),
    ],
    check.right_when_sure: [
        lambda p, y, t: (p.argmax(1)[p.max(1)[0] >= t] == y[p.max(1)[0] >= t]).double().mean(),
        lambda p, y, t: np.mean((p.argmax(1) == y).numpy()[p.numpy().max(1) >= t]),
    ],
    check.seen_twice: [
        _one_batch,
        _one_by_one,
        lambda net, x: np.argmax(sum(net(i).softmax(1).data.numpy() for i in (x, x.flip(3))), 1),
    ],
}

WRONG = {
    check.precision: (lambda m, c: m.diag().sum() / m.sum(), "This is the accuracy over all"),
    check.most_confused: (
        lambda m: divmod((m + m.T).argmax().item(), len(m)),
        "The diagonal holds the correct predictions. Set",
    ),
    check.share_in_top: (
        lambda p, y, k: (p.topk(k, 1).indices == y[:, None]).float().mean(),
        "Every image counts once: divide by the images,",
    ),
    check.right_when_sure: (
        lambda p, y, t: ((p.argmax(1) == y) & (p.amax(1) >= t)).float().mean(),
        "These are the sure and correct ones among all.",
    ),
    check.seen_twice: (
        lambda net, x: (net(x) + net(x.flip(-1))).argmax(1),
        "Logits are added here",
    ),
}
