"""Do the optimizer, the checkpoint and the model speak of the same weights?"""

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from labkit.doctor.case import Case
from labkit.doctor.catalogue import found
from labkit.doctor.catalogue_phrases import phrase
from labkit.doctor.findings import Finding
from labkit.sandbox import randomness


def look(case: Case) -> Iterator[Finding]:
    """Compare the model's parameters with those that the optimizer holds."""
    yield from _hidden_layers(case)
    if case.optimizer is not None:
        yield from _other_weights(case)
        yield from _left_out(case)
    frozen = [name for name, p in case.model.named_parameters() if not p.requires_grad]
    total = sum(1 for _p in case.model.parameters())
    *_rest, last = [name for name, _p in case.model.named_parameters()] or [""]
    if last in frozen and len(frozen) < total:
        yield found("frozen/last", last, ask=True, n=len(frozen), total=total)
    elif frozen:
        fresh = len(frozen) < total and _fresh(case.model)
        kind = "frozen/random" if fresh else "frozen"
        yield found(kind, _listed(frozen), ask=len(frozen) < total, n=len(frozen), total=total)
    yield from _not_frozen(case.model)


def _fresh(model: nn.Module) -> bool:
    """Tell whether all frozen layers look as PyTorch makes them: never trained, never loaded."""
    layers: list[Any] = [
        module
        for module in model.modules()
        if isinstance(getattr(module, "weight", None), torch.Tensor)
        and not module.weight.requires_grad
        and callable(getattr(module, "reset_parameters", None))
    ]
    big = [module for module in layers if module.weight.ndim > 1 and module.weight.numel() >= 64]
    for module in layers:
        if isinstance(module, _BatchNorm) and module.num_batches_tracked:
            return False
    return bool(big) and all(map(_as_made, big))


def _as_made(module: Any) -> bool:
    other = copy.deepcopy(module)
    with randomness.kept(0):
        other.reset_parameters()
    mine, new = (m.weight.detach().float().flatten() for m in (module, other))
    most = mine.abs().max() / new.abs().max().clamp(min=1e-12)
    spread = mine.std() / new.std().clamp(min=1e-12)
    room = 4 / len(mine) ** 0.5
    middle = (mine.mean() - new.mean()).abs() < room * new.std()
    return bool(0.9 < most < 1.05 and 1 - room < spread < 1 + room and middle)


def _hidden_layers(case: Case) -> Iterator[Finding]:
    registered = set(case.model.modules())
    known = {id(p) for p in case.model.parameters()}
    known |= {id(p) for group in case.groups for p in group["params"]}
    for owner, module in case.model.named_modules():
        for name, value in vars(module).items():
            if name.startswith("_") or not isinstance(value, (list, tuple, dict, torch.Tensor)):
                continue
            content = value.values() if isinstance(value, dict) else value
            content = [value] if isinstance(value, torch.Tensor) else list(content)
            hidden = [m for m in content if isinstance(m, nn.Module) and m not in registered]
            tensors = [x for x in content if isinstance(x, torch.Tensor) and id(x) not in known]
            layers = any(True for m in hidden for _p in m.parameters())
            if layers or any(x.requires_grad and x.is_leaf for x in tensors):
                where = phrase("attribute", name=name, kind=type(value).__name__)
                place = f"{owner}.{name}" if owner else name
                kind = "hidden-layers" if layers else "hidden-layers/tensor"
                yield found(kind, where, place=place, name=name)


def _not_frozen(model: nn.Module) -> Iterator[Finding]:
    """Look for requires_grad set on a module, or misspelt on a parameter."""
    for name, module in model.named_modules():
        if vars(module).get("requires_grad") is False and any(
            p.requires_grad for p in module.parameters()
        ):
            yield found("frozen-not", name, place="module.requires_grad")
            return
    for name, parameter in model.named_parameters():
        wrong = [key for key in vars(parameter) if "grad" in key and not vars(parameter)[key]]
        if wrong and parameter.requires_grad:
            yield found("frozen-not", name, place=f"parameter.{wrong[0]}")
            return


def _other_weights(case: Case) -> Iterator[Finding]:
    known = {id(p) for p in case.model.parameters()}
    stepped = {id(p) for group in case.groups for p in group["params"]}
    if isinstance(case.loss_function, nn.Module):
        known |= {id(p) for p in case.loss_function.parameters()}
    strangers = stepped - known
    if strangers:
        learn = {name for name, p in case.model.named_parameters() if p.requires_grad}
        some = "/some" if case.held & learn else ""
        parts = {"n": len(strangers), "optimizer": type(case.optimizer).__name__}
        yield found(f"other-weights{some}", "optimizer.param_groups", ask=bool(some), **parts)


def _left_out(case: Case) -> Iterator[Finding]:
    moved = case.trained.moved if case.own_code and case.trained else set()
    names = [name for name, p in case.model.named_parameters() if p.requires_grad]
    wanted = [(name, name in case.held | moved) for name in names]
    missing = [name for name, is_in in wanted if not is_in]
    if missing and len(missing) < len(wanted):
        backbone = not any(is_in for _name, is_in in wanted[: len(missing)])
        yield found("left-out", _listed(missing), ask=backbone, n=len(missing))

    if isinstance(case.loss_function, nn.Module):
        stepped = {id(p) for group in case.groups for p in group["params"]}
        own = [(name, p) for name, p in case.loss_function.named_parameters() if p.requires_grad]
        lost = [name for name, p in own if id(p) not in stepped]
        if lost and not (case.trained and case.trained.log.elsewhere):  # by an optimizer of its own
            yield found("left-out/loss", _listed(lost), n=len(lost))


def _listed(names: Sequence[str]) -> str:
    shown, more = ", ".join(names[:4]), len(names) - 4
    return phrase("and more", names=shown, n=more) if more > 0 else shown


def look_at_checkpoint(case: Case) -> Iterator[Finding]:
    """Compare the names of the weights in a checkpoint with the model's."""
    weights = _weights_of(case.checkpoint)
    missing, unexpected = _difference(case, weights)
    if not missing and not unexpected:
        yield from _overwritten(case.model, weights)
        return
    names = list(case.model.state_dict())
    where = phrase("missing in checkpoint", names=_listed(missing) or "-")
    if unexpected:
        where += "; " + phrase("only in checkpoint", names=_listed(unexpected))
    prefixes = ("module.", "_orig_mod.")
    prefix = next(
        (p for p in prefixes if missing and {p + n for n in missing} <= {*unexpected}), ""
    )
    counts = {"n": len(missing), "total": len(names), "more": len(unexpected)}
    kind = "checkpoint-keys/prefix" if prefix else "checkpoint-keys"
    yield found(kind, where, ask=_is_head(missing, names), prefix=prefix, **counts)


def _weights_of(checkpoint: Any) -> Any:
    """Return the state_dict of a checkpoint, or what ``load_state_dict`` said."""
    weights = checkpoint
    if isinstance(weights, (str, Path)):
        weights = torch.load(weights, map_location="cpu", weights_only=True)
    weights = getattr(weights, "model", weights)
    for name in ("model", "state_dict", "model_state_dict"):
        if isinstance(weights, dict) and isinstance(weights.get(name), dict):
            weights = weights[name]
    return weights


def _overwritten(model: nn.Module, weights: Any) -> Iterator[Finding]:
    """Tell whether the model has nothing of a checkpoint whose names and shapes fit."""
    own = [
        (p, weights.get(name)) for name, p in model.named_parameters() if hasattr(weights, "get")
    ]
    own = [(p, w) for p, w in own if p.ndim > 1 and isinstance(w, torch.Tensor)]
    both = [(p, w) for p, w in own if w.shape == p.shape]
    if len(both) > 1 and not any(torch.equal(p.detach().cpu(), w.cpu()) for p, w in both):
        yield found("checkpoint-keys/overwritten", ask=True, n=len(both))


def _difference(case: Case, weights: Any) -> tuple[list[str], list[str]]:
    if hasattr(weights, "missing_keys"):
        return list(weights.missing_keys), list(weights.unexpected_keys)
    here = case.model.state_dict()
    missing = [name for name in here if name not in weights]
    return missing, [name for name in weights if name not in here]


def _is_head(missing: list[str], names: list[str]) -> bool:
    """Tell whether what is missing is the last layer alone, as when it is new on purpose."""
    last = names[-1].rpartition(".")[0] if names else ""
    return bool(missing) and all(name.rpartition(".")[0] == last for name in missing)
