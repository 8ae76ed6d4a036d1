import math

import numpy as np
import pytest
import torch

from labkit.checks import gpu as check
from tests.checks.exercises import wrong


def _with_loop(model, batch):
    for parameter in model.parameters():
        if parameter.device != batch.device:
            return False
    return True


@pytest.mark.parametrize(
    "answer",
    [
        _with_loop,
        lambda model, batch: {p.device for p in model.parameters()} == {batch.device},
        lambda model, batch: len({p.device for p in [*model.parameters(), batch]}) == 1,
        lambda m, b: torch.tensor([p.device.type == b.device.type for p in m.parameters()]).all(),
        lambda m, b: not any(t.device != b.device for t in m.state_dict().values()),
    ],
)
def test_one_place_may_be_found_in_any_way(answer):
    verdict = check.in_one_place(answer)
    assert verdict.solved, verdict


def _forgets_to_go_on(model, batch):
    for parameter in model.parameters():
        return parameter.device == batch.device


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_forgets_to_go_on, "This looks at the first parameter only. A model"),
        (
            lambda m, b: len({p.device for p in m.parameters()}) == 1,
            "The batch is left out: it has a device as",
        ),
        (
            lambda m, b: any(p.device == b.device for p in m.parameters()),
            "One parameter in the right place is not enough:",
        ),
    ],
)
def test_a_wrong_look_at_places_is_recognised(answer, words):
    wrong(check.in_one_place(answer), words)


def test_the_places_that_were_tried_are_said():
    verdict = check.in_one_place(lambda model, batch: True)
    assert "Tried with a model with parameters on" in str(verdict)
    assert "a batch on " in str(verdict)


def _by_equations(a, seconds_a, b, seconds_b):
    return np.linalg.solve([[1, a], [1, b]], [seconds_a, seconds_b])


@pytest.mark.parametrize(
    "answer",
    [
        _by_equations,
        lambda a, s, b, t: [(b * s - a * t) / (b - a), (t - s) / (b - a)],
        lambda a, s, b, t: torch.tensor([s - a * (s - t) / (a - b), (s - t) / (a - b)]),
        lambda a, s, b, t: np.polyfit([a, b], [s, t], 1)[::-1],
        lambda a, s, b, t: dict(zip(["fixed", "each"], _by_equations(a, s, b, t), strict=True)),
    ],
)
def test_the_fixed_cost_may_be_computed_in_any_way(answer):
    verdict = check.fixed_and_each(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda a, s, b, t: (s, (t - s) / (b - a)),
            "A step of batch_a images is not all fixed: take",
        ),
        (
            lambda a, s, b, t: (s - a * t / b, t / b),
            "seconds / batch shares the fixed cost out among",
        ),
        (
            lambda a, s, b, t: ((t - s) / (b - a), s - a * (t - s) / (b - a)),
            "The numbers are right, their order is not: the",
        ),
    ],
)
def test_a_wrong_fixed_cost_is_recognised(answer, words):
    wrong(check.fixed_and_each(answer), words)


def _counts(fixed, each):
    batch = 1
    while fixed / (fixed + batch * each) > 0.1:
        batch = batch + 1
    return batch


@pytest.mark.parametrize(
    "answer",
    [
        _counts,
        lambda fixed, each: math.ceil((10 * fixed - fixed) / each),
        lambda fixed, each: np.ceil(9 * fixed / each),
        lambda fixed, each: int(9 * fixed / each) + (9 * fixed % each > 0),
        lambda fixed, each: torch.tensor(9 * fixed / each).ceil(),
    ],
)
def test_the_batch_for_a_tenth_may_be_found_in_any_way(answer):
    verdict = check.batch_for_a_tenth(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda fixed, each: math.ceil(fixed / (0.1 * each)),
            "Here the fixed cost is a tenth of what the",
        ),
        (
            lambda fixed, each: int(9 * fixed / each),
            "Rounded down, the fixed cost is still a little",
        ),
        (lambda fixed, each: 9 * fixed / each, "A batch is a whole number of images: round up,"),
    ],
)
def test_a_wrong_batch_for_a_tenth_is_recognised(answer, words):
    wrong(check.batch_for_a_tenth(answer), words)


def _earning(waiting, before, after):
    gain, steps = before - after, 0
    while waiting > 0:
        if gain <= 0:
            return float("inf")
        waiting -= gain
        steps += 1
    return steps


@pytest.mark.parametrize(
    "answer",
    [
        _earning,
        lambda w, b, a: -(-w // (b - a)) if a < b else math.inf,
        lambda w, b, a: np.ceil(w / (b - a)) if b > a else np.inf,
        lambda w, b, a: torch.tensor(w / (b - a)).ceil() if b > a else torch.inf,
    ],
)
def test_the_steps_may_be_counted_in_any_way(answer):
    verdict = check.steps_to_earn_back(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda w, b, a: math.ceil(w / (b - a)), "If a step is not faster afterwards, the waiting"),
        (
            lambda w, b, a: math.ceil(w / a) if a < b else math.inf,
            "Each step earns the difference, before - after,",
        ),
        (
            lambda w, b, a: int(w / (b - a)) if a < b else math.inf,
            "Rounded down, a little of the waiting is left.",
        ),
    ],
)
def test_wrongly_counted_steps_are_recognised(answer, words):
    wrong(check.steps_to_earn_back(answer), words)


def _first_cheaper(cpu, gpu, price_ratio):
    for batch in cpu:
        if gpu[batch] > price_ratio * cpu[batch]:
            return batch


def _by_cost(cpu, gpu, price_ratio):
    cheaper = set()
    for batch in gpu:
        if price_ratio / gpu[batch] < 1 / cpu[batch]:
            cheaper.add(batch)
    return cheaper


@pytest.mark.parametrize(
    "answer",
    [
        _by_cost,
        lambda cpu, gpu, ratio: [b for b in cpu if gpu[b] / cpu[b] > ratio],
        lambda cpu, gpu, ratio: tuple(b for b in reversed(cpu) if gpu[b] > ratio * cpu[b]),
        lambda cpu, gpu, ratio: (b for b in cpu if gpu[b] > ratio * cpu[b]),
        lambda cpu, gpu, ratio: {b: gpu[b] for b in cpu if gpu[b] > ratio * cpu[b]}.keys(),
        lambda cpu, gpu, ratio: np.array([b for b in cpu if gpu[b] > ratio * cpu[b]]),
        lambda cpu, gpu, ratio: torch.tensor([b for b in cpu if gpu[b] > ratio * cpu[b]]),
    ],
)  # fmt: skip
def test_what_is_cheaper_may_be_found_in_any_way(answer):
    verdict = check.cheaper_on_gpu(answer)
    assert verdict.solved, verdict


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda cpu, gpu, ratio: [b for b in cpu if gpu[b] > cpu[b]],
            "Here the GPU is the faster one. It has to be",
        ),
        (
            lambda cpu, gpu, ratio: [b for b in cpu if gpu[b] * ratio < cpu[b]],
            "These are images per second: more is better.",
        ),
        (
            lambda cpu, gpu, ratio: [b for b in cpu if gpu[b] >= ratio * cpu[b]],
            "At the same cost per image it is not cheaper: >",
        ),
    ],
)
def test_a_wrong_choice_of_the_cheaper_is_recognised(answer, words):
    wrong(check.cheaper_on_gpu(answer), words)
