import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision import transforms as v1
from torchvision.transforms import v2

from labkit.checks import dataloader as check
from tests.checks.exercises import own_progress  # noqa: F401


def wrong(verdict, mistake):
    assert not verdict.solved
    assert verdict.mistake == mistake, verdict


def _subtracting(pictures, batch_size):
    while pictures > batch_size:
        pictures -= batch_size
    return pictures


@pytest.mark.parametrize(
    "answer",
    [
        _subtracting,
        lambda n, b: n % b or b,
        lambda n, b: (n - 1) % b + 1,
        lambda n, b: n - (np.ceil(n / b) - 1) * b,
        lambda n, b: [len(x) for x in DataLoader(range(n), b)][-1],
        lambda n, b: torch.tensor(n).sub(1).remainder(b).add(1),
    ],
)
def test_the_last_batch_may_be_counted_in_any_way(answer):
    verdict = check.last_batch(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (lambda n, b: n % b, "remainder"),
        (lambda n, b: -(-n // b), "number of batches"),
        (lambda n, b: n // b, "whole batches"),
        (lambda n, b: -n % b, "missing"),
        (lambda n, b: b - n % b, "size less remainder"),
        (lambda n, b: min(n, b), "no more than there are"),
        (lambda n, b: 16, "always the same"),
    ],
)
def test_a_wrong_last_batch_is_recognised(answer, mistake):
    wrong(check.last_batch(answer), mistake)


def _steps(*steps):
    return lambda mean, std: v2.Compose([step(mean, std) for step in steps])


def _image(_mean, _std):
    return v2.ToImage()


def _floats(_mean, _std):
    return v2.ToDtype(torch.float32, scale=True)


def _unscaled(_mean, _std):
    return v2.ToDtype(torch.float32)


def _old(mean, std):
    return v1.Compose([v1.ToTensor(), v1.Normalize(tuple(mean), tuple(std))])


def _in_numpy(mean, std):
    def transform(picture):
        array = np.asarray(picture) / 255
        return ((array - mean) / std).transpose(2, 0, 1)

    return transform


@pytest.mark.parametrize(
    "answer",
    [
        _steps(_image, _floats, v2.Normalize),
        _old,
        _in_numpy,
        lambda mean, std: v2.Compose(
            [v2.PILToTensor(), v2.ConvertImageDtype(torch.float32), v2.Normalize(mean, std)]
        ),
        lambda mean, std: lambda p: v2.functional.normalize(v1.ToTensor()(p), mean, std),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_transform_may_be_written_in_any_way(answer):
    verdict = check.true_transform(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (
            _steps(_image, _floats, lambda m, s: v2.Normalize([0.5] * 3, [0.5] * 3)),
            "lambda picture: (_pixels(picture) / 255 - 0.5) / 0.5",
        ),
        (
            _steps(_image, _unscaled, v2.Normalize),
            "lambda picture: (_pixels(picture) - _column(mean)) / _column(std)",
        ),
        (_steps(_image, _floats), "lambda picture: _pixels(picture) / 255"),
        (
            _steps(_image, _floats, lambda m, s: v2.Normalize(s, m)),
            "lambda picture: (_pixels(picture) / 255 - _column(std)) / _column(mean)",
        ),
        (_steps(_image, _floats, v2.Normalize, v2.Normalize), "twice"),
        (lambda m, s: lambda p: (np.asarray(p) / 255 - m) / s, "channels last"),
        (_steps(v2.Normalize, _image, _floats), "normalised first by v2"),
        (lambda m, s: v1.Compose([v1.Normalize(m, s), v1.ToTensor()]), "normalised first"),
        (lambda m, s: v1.Compose([v1.ToTensor, v1.Normalize(m, s)]), "class itself"),
        (lambda m, s: [v1.ToTensor(), v1.Normalize(m, s)], "[true_transform.judge(mean, std)]"),
        (_steps(_image, v2.Normalize, _floats), "normalised too early"),
        (lambda m, s: None, ""),
        (lambda m, s: torch.tensor(m), ""),
    ],
)
def test_a_wrong_transform_is_recognised(answer, mistake):
    wrong(check.true_transform(answer), mistake)


def _summed(pixels, labels):
    red, count = {}, {}
    for picture, label in zip(pixels, labels.tolist(), strict=True):
        red[label] = red.get(label, 0) + picture[:, :, 0].sum().item()
        count[label] = count.get(label, 0) + 1
    return max(red, key=lambda label: red[label] / count[label])


def _with_bincount(pixels, labels):
    red = pixels[..., 0].double().mean(dim=(1, 2))
    return (torch.bincount(labels, red) / torch.bincount(labels)).argmax()


def _with_numpy(pixels, labels):
    x, y = pixels.numpy(), labels.numpy()
    return np.argmax([x[y == c][..., 0].mean() for c in np.unique(y)])


@pytest.mark.parametrize(
    "answer",
    [
        _summed,
        _with_bincount,
        _with_numpy,
        lambda x, y: torch.stack(
            [x[y == c].float().mean((0, 1, 2))[0] for c in range(y.max() + 1)]
        ).argmax(),
    ],
)
def test_the_reddest_class_may_be_found_in_any_way(answer):
    verdict = check.reddest(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (
            lambda x, y: torch.bincount(y, x[..., 0].double().sum((1, 2))).argmax(),
            "_extreme(pixels, labels, 0, total=True)",
        ),
        (lambda x, y: _with_numpy(x.flip(-1), y), "_extreme(pixels, labels, 2)"),
        (lambda x, y: _with_numpy(x[..., [1]], y), "_extreme(pixels, labels, 1)"),
        (
            lambda x, y: _with_numpy(x.float().mean(-1, keepdim=True), y),
            "_extreme(pixels, labels, slice(None))",
        ),
        (lambda x, y: _with_numpy(255 - x, y), "_extreme(pixels, labels, 0, pick=min)"),
        (
            lambda x, y: x[y == _summed(x, y)][..., 0].float().mean(),
            "pixels[labels == _extreme(pixels, labels, 0)][..., 0].double().mean()",
        ),
        (
            lambda x, y: y[x[..., 0].float().mean((1, 2)).argmax()],
            "labels[pixels[..., 0].double().mean(dim=(1, 2)).argmax()]",
        ),
        (
            lambda x, y: torch.stack(
                [x[y == c][..., 0].float().mean() for c in range(10)]
            ).argmax(),
            "always ten",
        ),
        (lambda x, y: x[..., 0].mean(), ""),
    ],
)
def test_a_wrong_reddest_class_is_recognised(answer, mistake):
    wrong(check.reddest(answer), mistake)


TENSOR = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
NORMALISE = v2.Normalize([0.5] * 3, [0.5] * 3)
FLIP = v2.RandomHorizontalFlip()


def _own(picture):
    image = v2.Compose([*TENSOR, NORMALISE])(picture)
    return image.flip(-1) if np.random.rand() < 0.5 else image


@pytest.mark.parametrize(
    "answer",
    [
        v2.Compose([FLIP, *TENSOR, NORMALISE]),
        v2.Compose([*TENSOR, NORMALISE, FLIP]),
        v2.Compose([v2.RandomHorizontalFlip(p=0.3), v2.Compose([*TENSOR, NORMALISE])]),
        v1.Compose([v1.RandomHorizontalFlip(), v1.ToTensor(), v1.Normalize(0.5, 0.5)]),
        torch.nn.Sequential(FLIP, *TENSOR, NORMALISE),
        _own,
    ],
)
def test_flipping_may_be_written_in_any_way(answer):
    verdict = check.flipping(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (
            v2.Compose([v2.RandomVerticalFlip(), *TENSOR, NORMALISE]),
            "_normalised(picture, turn=(1,))",
        ),
        (v2.Compose([*TENSOR, NORMALISE]), "_normalised(picture)"),
        (
            v2.Compose([v2.RandomHorizontalFlip(p=1.0), *TENSOR, NORMALISE]),
            "_normalised(picture, turn=(2,), often=1.0)",
        ),
        (v2.Compose([FLIP, *TENSOR]), "_normalised(picture, turn=(2,)) * 0.5 + 0.5"),
        (
            v2.Compose([FLIP, v2.ToImage(), v2.ToDtype(torch.float32), NORMALISE]),
            "_normalised(picture, turn=(2,), scale=1.0)",
        ),
        (
            v2.Compose([FLIP, v2.RandomVerticalFlip(), *TENSOR, NORMALISE]),
            "_normalised(_turned(picture), turn=(2,))",
        ),
        (v2.Compose([v2.RandomHorizontalFlip, *TENSOR, NORMALISE]), "not made"),
        (
            v2.Compose([FLIP, *TENSOR, NORMALISE, NORMALISE]),
            "(_normalised(picture, turn=(2,)) - 0.5) / 0.5",
        ),
        (FLIP, "_turned(picture, Image.Transpose.FLIP_LEFT_RIGHT)"),
    ],
)
def test_wrong_flipping_is_recognised(answer, mistake):
    wrong(check.flipping(answer), mistake)


def batches(dataset, batch_size, shuffle):
    count = len(dataset)
    order = torch.randperm(count).tolist() if shuffle else list(range(count))
    for start in range(0, count, batch_size):
        items = [dataset[number] for number in order[start : start + batch_size]]
        images, labels = zip(*items, strict=True)
        yield torch.stack(images), torch.tensor(labels)


def _as_a_list(dataset, batch_size, shuffle):
    import random

    numbers = list(range(len(dataset)))
    if shuffle:
        random.shuffle(numbers)
    result = []
    while numbers:
        taken, numbers = numbers[:batch_size], numbers[batch_size:]
        images = torch.cat([dataset[n][0].unsqueeze(0) for n in taken])
        result.append([images, torch.LongTensor([dataset[n][1] for n in taken])])
    return result


def _in_arrays(dataset, batch_size, shuffle):
    order = np.random.permutation(len(dataset)) if shuffle else np.arange(len(dataset))
    images = torch.stack([dataset[n][0] for n in order])
    labels = torch.tensor([dataset[n][1] for n in order])
    return zip(images.split(batch_size), labels.split(batch_size), strict=True)


class _Loader:
    def __init__(self, *settings):
        self.settings = settings

    def __iter__(self):
        return batches(*self.settings)


@pytest.mark.parametrize(
    "answer",
    [
        batches,
        _as_a_list,
        _in_arrays,
        _Loader,
        lambda data, size, shuffle: DataLoader(data, size, shuffle=shuffle),
    ],
)
def test_a_loader_may_be_written_in_any_way(answer):
    verdict = check.batches(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        (
            "range(0, count, batch_size)",
            "range(0, count - batch_size + 1, batch_size)",
            "DataLoader(dataset, batch_size, shuffle=shuffle, drop_last=True)",
        ),
        (
            " if shuffle else list(range(count))",
            "",
            "DataLoader(dataset, batch_size, shuffle=True)",
        ),
        ("torch.randperm(count).tolist() if shuffle else ", "", "DataLoader(dataset, batch_size)"),
        ("torch.randperm(count)", "torch.randint(count, (count,))", "drawn with repetition"),
        ("torch.stack(images)", "list(images)", "not stacked"),
        ("torch.tensor(labels)", "list(labels)", "labels as list"),
        ("    count =", "    torch.manual_seed(0)\n    count =", "one order for ever"),
        ("yield", "return", "next(_made(dataset, batch_size, _order(dataset, shuffle)))"),
        ("start : start + batch_size", "start:", ""),
        ("yield torch.stack(images), torch.tensor(labels)", "yield items", "list of pairs"),
        (
            "torch.stack(images), torch.tensor(labels)",
            "torch.tensor(labels), torch.stack(images)",
            "labels first",
        ),
        ("torch.stack", "torch.cat", "joined"),
        ("range(0, count, batch_size)", "range(0, count + 1, batch_size)", "empty at the end"),
    ],
)
def test_a_wrong_loader_is_recognised(old, new, mistake):
    import inspect

    source = inspect.getsource(batches)
    assert old in source
    namespace = dict(globals())
    exec(source.replace(old, new), namespace)
    wrong(check.batches(namespace["batches"]), mistake)


def test_images_and_labels_in_two_orders_are_recognised():
    def torn(dataset, batch_size, shuffle):
        pick = torch.randperm if shuffle else torch.arange
        one, two = pick(len(dataset)), pick(len(dataset))
        images = torch.stack([dataset[n][0] for n in one])
        labels = torch.tensor([dataset[n][1] for n in two])
        yield from zip(images.split(batch_size), labels.split(batch_size), strict=True)

    wrong(check.batches(torn), "torn apart")


def test_no_batch_at_all_is_an_answer_like_others():
    def none_at_all(dataset, batch_size, shuffle):
        return []

    verdict = check.batches(none_at_all)
    assert verdict.state == "wrong"
    assert "never looks at dataset, batch_size, shuffle" in str(verdict)


def test_all_items_as_one_batch_are_recognised():
    def whole(dataset, batch_size, shuffle):
        order = torch.randperm(len(dataset)) if shuffle else range(len(dataset))
        images, labels = zip(*[dataset[int(n)] for n in order], strict=True)
        return torch.stack(images), torch.tensor(labels)

    wrong(check.batches(whole), "next(_made(dataset, len(dataset), _order(dataset, shuffle)))")
