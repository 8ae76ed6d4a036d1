"""What can the network learn at all? It is asked twice, image by image, and once backwards."""

import math
from collections import Counter
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from labkit.doctor import effects
from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.findings import Finding
from labkit.doctor.sample import fitting, length, pairs
from labkit.doctor.trials import better
from labkit.inspect.recording import FAILURES, record
from labkit.sandbox import randomness
from labkit.sandbox.copies import Copies
from labkit.sandbox.untouched import untouched

_VANISHED = 5e-4
"""Gradient over weight of the first layer, as a share of the largest of the layers behind it."""

_MOST_DROPOUT, _MOST_DECAY, _MOST_MOMENTUM = 0.75, 0.1, 0.98


def look(case: Case) -> Iterator[Finding]:
    """Ask a copy of the model for outputs and gradients; read the numbers of its layers."""
    yield from _numbers(case)
    yield from _coarse(case)
    images = _images(case)
    if images is None:
        return
    made = list(_made_on_the_way(case.double, images))
    yield from made or _asked(case, images)
    yield from _recorded(case, images)
    yield from _places(case.double, images)
    yield from _lost_numbers(case.double, images)
    yield from _backwards(case)
    yield from effects.look(case, images)


def _made_on_the_way(model: nn.Module, images: torch.Tensor) -> Iterator[Finding]:
    """Look for weights that are new in each forward pass."""
    known, passes = {id(p) for p in model.parameters()}, []
    for _again in range(2):
        given = [(step, t) for step in record(model, images).steps for t in step.call.tensors]
        weights = [(step, t) for step, t in given if isinstance(t, nn.Parameter)]
        passes.append([(step, t) for step, t in weights if id(t) not in known])
    old = {id(t) for _step, t in passes[0]}
    new = [step for step, t in passes[1] if id(t) not in old]
    if new and len(passes[0]) == len(passes[1]):
        yield found("layer-in-forward", new[0].layer)


_REACH = {"ReLU": (0, torch.inf), "Sigmoid": (0, 1), "Tanh": (-1, 1), "Softmax": (0, 1)}
"""What the last function of a network can return."""


def _recorded(case: Case, images: torch.Tensor) -> Iterator[Finding]:
    """Read what one recorded forward pass does: dropped or cut outputs, a tensor joined twice."""
    recording = record(case.double, images, keep=True)
    for step in recording.steps:
        tensors = step.call.tensors
        twice = len(tensors) > len(set(map(id, tensors)))
        if step.call.name.startswith("cat") and twice and None not in step.sources:
            yield found("joined-with-itself", step.layer, shape=list(step.shape))
            break
    if not recording.steps or not isinstance(recording.output, torch.Tensor):
        return
    last = recording.steps[-1]
    if isinstance(last.call.module, _DropoutNd) and last.call.module.p > 0:
        yield found("outputs-dropped", last.layer, p=last.call.module.p)
    kind = last.call.kind if last.call.kind in _REACH else _functions.get(last.call.name, "")
    direct = [call for call in case.log.judged if call.direct]
    if kind == "Sigmoid":
        twice = [c for c in direct if c.function == "binary_cross_entropy_with_logits"]
        yield from (found("sigmoid-before-loss/twice", call.where) for call in twice[:1])
    judged = [call for call in direct if call.function in _DISTANCES]
    judged = [c for c in judged if c.targets is not None and c.targets.shape == c.outputs.shape]
    if judged and kind in _REACH:
        low, high = _REACH[kind]
        targets = torch.cat([call.targets.flatten() for call in judged if call.targets is not None])
        share = ((targets < low - 1e-3) | (targets > high + 1e-3)).float().mean().item()
        if share > 0.05:
            yield found("targets-out-of-reach", last.layer, function=kind, share=share)


_DISTANCES = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}
_functions = {f"{kind.lower()}()": kind for kind in _REACH}


def _coarse(case: Case) -> Iterator[Finding]:
    """Look whether steps are lost in the rounding of half precision."""
    half, seen = (torch.bfloat16, torch.float16), case.trained
    named = case.model.named_parameters()
    names = [name for name, p in named if name in case.held and p.dtype in half]
    if not names or seen is None or not seen.log.steps:
        return
    before, after = (dict(model.named_parameters()) for model in (case.model, seen.model))
    stayed = [(before[name] == after[name]).float().mean().item() for name in names]
    share = sum(stayed) / len(stayed)
    dtype = str(before[names[0]].dtype).removeprefix("torch.")
    yield found("low-precision", n=len(seen.log.steps), dtype=dtype, share=share)


def _images(case: Case) -> torch.Tensor | None:
    """Return up to 12 images as they enter the model."""
    weight = next(iter(case.model.parameters()), None)
    if not case.entered or weight is None or weight.is_meta or case.entered[0].ndim < 2:
        return None
    return fitting(case.entered[0][:12], case.model)


def _asked(case: Case, images: torch.Tensor) -> Iterator[Finding]:
    model = case.double
    with untouched(model):
        randomness.seed_all(0)
        together = model(images)
        randomness.seed_all(1)
        again = model(images)
    if not isinstance(together, torch.Tensor) or not together.isfinite().all():
        return
    size = together.std() + 1e-6 if together.numel() > 1 else 1e-6
    if together.shape == again.shape and (together - again).abs().max() > 1e-3 * size:
        passes = len(case.evaluation.log.forwards) if case.evaluate else None
        ask = passes is not None and passes != case.evaluation.given  # it has its own way to ask
        yield found("active-in-eval", _random_layer(model, images), ask=ask)
        return
    by, alike = _alone(model, images, together), (together - together[:1]).abs().max()
    mixed = by > 0.01 * size
    # where all answers are the same, what a layer mixes does not show in them
    if mixed or len(images) > 1 and alike < 1e-5 * together.abs().max():
        layer, inside = _mixing_layer(model, images)
        if mixed or layer:
            own = any(isinstance(m, _BatchNorm) and m.running_mean is None for m in model.modules())
            by = float(by) if mixed else inside
            yield found("images-mixed", layer or type(model).__name__, ask=own, by=by)
            return
    weights = [m for m in model.modules() if _weight(m) is not None]
    if len(weights) >= 2 and together.ndim == 2 and _is_linear(model, images):
        yield found("no-activation", type(model).__name__)


def _alone(model: nn.Module, images: torch.Tensor, together: torch.Tensor) -> torch.Tensor:
    """Return how much the outputs differ where each image is alone, or among others."""
    if len(together) != len(images):
        return together.new_tensor(float("inf"))
    try:
        with untouched(model):
            alone = torch.cat([model(images[i : i + 1]) for i in range(len(images))])
    except FAILURES:
        return together.new_tensor(0.0)  # made for batches of one size
    return (alone - together).abs().max() if alone.shape == together.shape else together.sum() * 0


def _mixing_layer(model: nn.Module, images: torch.Tensor) -> tuple[str, float]:
    """Return the first layer whose output for the first image depends on the rest, if there is."""
    one, many = record(model, images[:1], keep=True), record(model, images, keep=True)
    for alone, among in zip(one.steps, many.steps, strict=False):
        shapes = enumerate(zip(alone.shape, among.shape, strict=False))
        axes = [axis for axis, (one_image, all_of) in shapes if one_image != all_of]
        if len(axes) == 1 and alone.shape[axes[0]] == 1 and alone.values.is_floating_point():
            first = among.values.narrow(axes[0], 0, 1)
            if not torch.allclose(alone.values, first, 1e-2, 1e-4):
                return alone.layer, float((alone.values - first).abs().max())
    return "", 0.0


def _random_layer(model: nn.Module, images: torch.Tensor) -> str:
    one, other = (record(model, images, keep=True) for _ in range(2))
    pairs_of = zip(one.steps, other.steps, strict=False)
    names = [a.layer for a, b in pairs_of if not torch.equal(a.values, b.values)]
    return names[0] if names else type(model).__name__


def _is_linear(model: nn.Module, images: torch.Tensor) -> bool:
    """Tell whether f(a) + f(b) = f(a + b) + f(0), up to what a log-softmax takes off."""
    half = len(images) // 2
    if half == 0 or not images.is_floating_point():
        return False
    a, b = images[:half], images[half : 2 * half]
    with untouched(model):
        outputs = [model(x).double() for x in (a, b, a + b, a * 0)]
    if outputs[0].shape[1] > 1:
        outputs = [out - out.mean(dim=1, keepdim=True) for out in outputs]
    one, other, both, none = outputs
    size = max(out.abs().max().item() for out in (one - none, other - none))
    return size > 1e-6 and bool((one + other - both - none).abs().max() < 1e-3 * size)


def _places(model: nn.Module, images: torch.Tensor) -> Iterator[Finding]:
    """Look for layers that stand in several places."""
    names: dict[nn.Module, list[str]] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        names.setdefault(module, []).append(name)
    twice = {m: n for m, n in names.items() if len(n) > 1 and any(True for _ in m.parameters())}
    if twice:
        yield found("module-repeated", names=", ".join(next(iter(twice.values()))[:4]))
        return
    calls = Counter(
        step.call.module for step in record(model, images).steps if step.call.module is not None
    )
    others = [n for m, n in calls.items() if _weight(m) is not None]
    shared = [names[m][0] for m, n in calls.items() if isinstance(m, _BatchNorm) and n > 1]
    if shared and others and min(others) == 1:
        yield found("norm-shared", names=", ".join(shared))


def _lost_numbers(model: nn.Module, images: torch.Tensor) -> Iterator[Finding]:
    """Look for a normalisation of groups that are a single number each."""
    for step in record(model, images).steps:
        module, shape = step.call.module, list(step.shape)
        kind = isinstance(module, (nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d))
        groups = getattr(module, "num_groups", shape[1] if len(shape) > 1 else 0)
        if kind and groups and math.prod(shape[1:]) == groups:
            yield found("norm-of-one/group", ask=False, layer=step.layer, shape=shape)
            return


def _weight(module: nn.Module) -> torch.Tensor | None:
    weight = getattr(module, "weight", None)
    return weight if isinstance(weight, torch.Tensor) and weight.ndim > 1 else None


def _backwards(case: Case) -> Iterator[Finding]:
    """Compare the gradients of the layers, before and after the rehearsal."""
    if not case.lessons or not case.trained:
        return
    before = _slopes(case.double, *case.lessons[0])
    if not before:
        return
    later = {n: _weight(m) for n, m in case.trained.model.named_modules() if n in before}
    stay = {n for n, w in later.items() if w is not None and torch.equal(w, before[n][0])}
    alike = [name for name, (weight, slope) in before.items() if _rows(weight) and _rows(slope)]
    alike = [name for name in alike if name in stay or before[name][1].any()]
    if alike:
        yield found("equal-units", ", ".join(alike[:4]))
        return
    if case.optimizer is None:
        return
    after = _slopes(case.trained.model, *case.lessons[-1])
    ratios = [_ratio(slopes) for slopes in (before, after) if len(slopes) >= 4]
    if len(ratios) == 2 and max(ratios) < _VANISHED:
        yield found("vanishing-gradient", next(iter(before)), ratio=max(ratios))


def _slopes(model: nn.Module, images, targets) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Return weight and gradient of each layer that learns, in the order of the model."""
    model = Copies().model(model).train()
    outputs = model(images)
    if not isinstance(outputs, torch.Tensor):
        return {}
    if targets.shape == outputs.shape and targets.is_floating_point():
        loss = functional.mse_loss(outputs, targets)
    elif outputs.ndim == 2 and targets.ndim == 1 and not targets.is_floating_point():
        loss = functional.cross_entropy(outputs, targets)
    else:
        return {}
    loss.backward()
    return {
        name: (module.weight.detach(), module.weight.grad)
        for name, module in model.named_modules()
        if _weight(module) is not None and module.weight.grad is not None
    }


def _rows(values: torch.Tensor) -> bool:
    """Tell whether all units have the same numbers."""
    rows = values.flatten(1).float()
    same = (rows - rows[:1]).abs().max() <= 1e-6 * rows.abs().max()
    return len(rows) > 1 and rows.shape[1] > 1 and bool(same)


def _ratio(slopes: dict) -> float:
    sizes = [(slope.norm() / (weight.norm() + 1e-12)).item() for weight, slope in slopes.values()]
    between = max(sizes[1:-1])  # the last one may start at 0, which makes all others small
    return sizes[0] / between if between > 0 else 1.0


def _without_harm(case: Case, **settings: float) -> bool:
    """Tell whether a copy learns no more with other settings of the optimizer."""

    def change(copies, _model):
        for group in copies.optimizer(case.optimizer).param_groups:
            group.update(settings)

    return better(case, change) is False


def _numbers(case: Case) -> Iterator[Finding]:
    """Read the numbers of layers and optimizer that are far from the usual ones."""
    for name, module in case.model.named_modules():
        if isinstance(module, _DropoutNd) and module.p > _MOST_DROPOUT:
            layer = f"{type(module).__name__}({module.p:g})"
            yield found("dropout-too-strong", name, layer=layer, p=module.p)
            break
    norms = [(n, m) for n, m in case.model.named_modules() if isinstance(m, _BatchNorm)]
    strong = [(n, m) for n, m in norms if m.momentum is not None and m.momentum >= 0.8]
    for name, module in strong[:1]:
        yield found("norm-momentum", name, layer=type(module).__name__, value=module.momentum)
    slow = [(n, m) for n, m in norms if m.momentum and m.training and not m.num_batches_tracked]
    for name, module in slow[:1]:
        left = (1 - module.momentum) ** (10 * (length(case.train_batches) or 1_000))
        if left > 0.2:
            layer, value = type(module).__name__, module.momentum
            yield found("norm-momentum/slow", name, layer=layer, value=value, left=left)
    sizes = [len(images) for images, _labels in pairs(case.sample)]
    if norms and sizes and max(sizes) < 4 and any(m.training for _n, m in norms):
        yield found("norm-of-one", norms[0][0], n=max(sizes))
    for group in case.optimizer.param_groups if case.optimizer is not None else ():
        decay, rate = group.get("weight_decay", 0), float(group.get("lr", 0))
        decoupled = group.get("decoupled_weight_decay") or "AdamW" in type(case.optimizer).__name__
        most = max(_MOST_DECAY, 0.003 / max(rate, 1e-9)) if decoupled else 0.09
        theirs = type(case.optimizer).__module__.startswith("torch.")
        if theirs and decay > most and not _without_harm(case, weight_decay=0):
            yield found("weight-decay", type(case.optimizer).__name__, value=decay)
        momentum = group.get("momentum", 0) or 0
        if momentum > _MOST_MOMENTUM and not _without_harm(case, momentum=0.9):
            n = round(1 / (1 - momentum)) if momentum < 1 else 1_000
            yield found("momentum", type(case.optimizer).__name__, value=momentum, n=n)
        if 0 < momentum < 0.1 and 0.8 <= rate <= 1:
            yield found("rate-for-momentum", rate=rate, momentum=momentum)
        eps, dtypes = group.get("eps"), {p.dtype for p in group["params"]}
        if eps and torch.float16 in dtypes and torch.tensor(eps, dtype=torch.float16) == 0:
            yield found("eps-vanishes", type(case.optimizer).__name__, dtype="float16", eps=eps)
