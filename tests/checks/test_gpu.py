import math

import numpy as np
import torch

from labkit.checks import gpu as check


def _forgets_to_go_on(model, batch):
    for parameter in model.parameters():
        return parameter.device == batch.device


def test_the_places_that_were_tried_are_said():
    verdict = check.in_one_place(lambda model, batch: True)
    assert "Tried with a model with parameters on" in str(verdict)
    assert "a batch on " in str(verdict)


def _by_equations(a, seconds_a, b, seconds_b):
    return np.linalg.solve([[1, a], [1, b]], [seconds_a, seconds_b])


def _earning(waiting, before, after):
    gain, steps = before - after, 0
    while waiting > 0:
        if gain <= 0:
            return float("inf")
        waiting -= gain
        steps += 1
    return steps


RIGHT = {
    check.in_one_place: [
        lambda model, batch: {p.device for p in model.parameters()} == {batch.device},
        lambda model, batch: len({p.device for p in [*model.parameters(), batch]}) == 1,
        lambda m, b: torch.tensor([p.device.type == b.device.type for p in m.parameters()]).all(),
        lambda m, b: not any(t.device != b.device for t in m.state_dict().values()),
    ],
    check.fixed_and_each: [
        _by_equations,
        lambda a, s, b, t: [(b * s - a * t) / (b - a), (t - s) / (b - a)],
        lambda a, s, b, t: torch.tensor([s - a * (s - t) / (a - b), (s - t) / (a - b)]),
        lambda a, s, b, t: np.polyfit([a, b], [s, t], 1)[::-1],
        lambda a, s, b, t: dict(zip(["fixed", "each"], _by_equations(a, s, b, t), strict=True)),
    ],
    check.batch_for_a_tenth: [
        lambda fixed, each: math.ceil((10 * fixed - fixed) / each),
        lambda fixed, each: np.ceil(9 * fixed / each),
        lambda fixed, each: int(9 * fixed / each) + (9 * fixed % each > 0),
        lambda fixed, each: torch.tensor(9 * fixed / each).ceil(),
    ],
    check.steps_to_earn_back: [
        _earning,
        lambda w, b, a: -(-w // (b - a)) if a < b else math.inf,
        lambda w, b, a: np.ceil(w / (b - a)) if b > a else np.inf,
        lambda w, b, a: torch.tensor(w / (b - a)).ceil() if b > a else torch.inf,
    ],
    check.cheaper_on_gpu: [
        lambda cpu, gpu, ratio: {b for b in gpu if ratio / gpu[b] < 1 / cpu[b]},
        lambda cpu, gpu, ratio: tuple(b for b in reversed(cpu) if gpu[b] > ratio * cpu[b]),
        lambda cpu, gpu, ratio: (b for b in cpu if gpu[b] > ratio * cpu[b]),
        lambda cpu, gpu, ratio: {b: gpu[b] for b in cpu if gpu[b] > ratio * cpu[b]}.keys(),
        lambda cpu, gpu, ratio: np.array([b for b in cpu if gpu[b] > ratio * cpu[b]]),
        lambda cpu, gpu, ratio: torch.tensor([b for b in cpu if gpu[b] > ratio * cpu[b]]),
    ],
}

WRONG = {
    check.in_one_place: (_forgets_to_go_on, "This looks at the first parameter only. A part"),
    check.fixed_and_each: (
        lambda a, s, b, t: (s, (t - s) / (b - a)),
        "A step of batch_a images is not all fixed: take",
    ),
    check.batch_for_a_tenth: (
        lambda fixed, each: math.ceil(fixed / (0.1 * each)),
        "Here the fixed cost is a tenth of what the",
    ),
    check.steps_to_earn_back: (
        lambda w, b, a: math.ceil(w / (b - a)),
        "If a step is not faster afterwards, the waiting",
    ),
    check.cheaper_on_gpu: (
        lambda cpu, gpu, ratio: [b for b in cpu if gpu[b] > cpu[b]],
        "Here the GPU is the faster one. It has to be",
    ),
}
