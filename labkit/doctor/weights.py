"""Do the optimizer, the checkpoint and the model speak of the same weights?"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import nn

from labkit.doctor.case import Case
from labkit.doctor.findings import Finding
from labkit.text import _, ngettext


def look(case: Case) -> Iterator[Finding]:
    """Compare the model's parameters with those that the optimizer holds."""
    yield from _hidden_layers(case.model)
    if case.optimizer is not None:
        yield from _other_weights(case)
        yield from _left_out(case)
    yield from _frozen(case)


def _hidden_layers(model: nn.Module) -> Iterator[Finding]:
    registered = set(model.modules())
    for owner, module in model.named_modules():
        for name, value in vars(module).items():
            if name.startswith("_"):
                continue
            content = value.values() if isinstance(value, dict) else value
            if not isinstance(value, (list, tuple, dict)):
                continue
            hidden = [m for m in content if isinstance(m, nn.Module) and m not in registered]
            if any(True for m in hidden for _p in m.parameters()):
                place = f"{owner}.{name}" if owner else name
                yield Finding(
                    "hidden-layers",
                    _("The layers in {place} are not part of the model.").format(place=place),
                    _("self.{name}, a {kind}").format(name=name, kind=type(value).__name__),
                    _(
                        "PyTorch does not look into plain lists and dictionaries: parameters(), "
                        "to(device) and state_dict() pass these layers over, so they never learn."
                    ),
                    _("Wrap it: self.{name} = nn.ModuleList(...) or nn.ModuleDict(...).").format(
                        name=name
                    ),
                )


def _stepped(case: Case) -> set[int]:
    return {id(p) for group in case.optimizer.param_groups for p in group["params"]}


def _other_weights(case: Case) -> Iterator[Finding]:
    known = {id(p) for p in case.model.parameters()}
    if isinstance(case.loss_function, nn.Module):
        known |= {id(p) for p in case.loss_function.parameters()}
    stepped = _stepped(case)
    strangers = stepped - known
    if not strangers:
        return
    everything = not stepped & {id(p) for p in case.model.parameters()}
    yield Finding(
        "other-weights",
        _("The optimizer does not hold this model's weights.")
        if everything
        else ngettext(
            "The optimizer holds {n} tensor that is not in the model.",
            "The optimizer holds {n} tensors that are not in the model.",
            len(strangers),
        ).format(n=len(strangers)),
        _("optimizer.param_groups"),
        _(
            "It was built for another model, or before these weights were replaced (by a new "
            "layer, a new model, a move to a device). It steps tensors that nobody uses, and the "
            "model stays as it is."
        ),
        _(
            "Make the optimizer last: the model first, then .to(device), then "
            "{optimizer}(model.parameters(), ...)."
        ).format(optimizer=type(case.optimizer).__name__),
        "fault" if everything else "question",
    )


def _left_out(case: Case) -> Iterator[Finding]:
    stepped = _stepped(case)
    wanted = [(name, id(p) in stepped) for name, p in case.model.named_parameters() if _learns(p)]
    missing = [name for name, is_in in wanted if not is_in]
    if not missing or len(missing) == len(wanted):
        return
    backbone = not any(is_in for _name, is_in in wanted[: len(missing)])
    yield Finding(
        "left-out",
        ngettext(
            "{n} parameter is not in the optimizer.",
            "{n} parameters are not in the optimizer.",
            len(missing),
        ).format(n=len(missing)),
        _listed(missing),
        _("Gradients are computed for them, but step() never changes them: they do not learn."),
        _(
            "Give the optimizer model.parameters(). If the first layers are to stay as they are, "
            "call requires_grad_(False) on them: that says so, and saves the work."
        ),
        "question" if backbone else "fault",
    )


def _frozen(case: Case) -> Iterator[Finding]:
    frozen = [name for name, p in case.model.named_parameters() if not _learns(p)]
    total = sum(1 for _p in case.model.parameters())
    if not frozen:
        return
    everything = len(frozen) == total
    yield Finding(
        "frozen",
        _("All parameters are frozen.")
        if everything
        else _("{n} of {total} parameters are frozen. On purpose?").format(
            n=len(frozen), total=total
        ),
        _listed(frozen),
        _("They have requires_grad=False: no gradient is computed, and they keep their values."),
        _("If they should learn: parameter.requires_grad_(True), then make a new optimizer."),
        "fault" if everything else "question",
    )


def _learns(parameter: nn.Parameter) -> bool:
    return parameter.requires_grad


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    more = len(names) - 4
    return _("{names} and {n} more").format(names=shown, n=more) if more > 0 else shown


def look_at_checkpoint(case: Case) -> Iterator[Finding]:
    """Compare the names of the weights in a checkpoint with the model's."""
    missing, unexpected = _difference(case)
    if not missing and not unexpected:
        return
    names = [name for name, _p in case.model.state_dict().items()]
    head = _is_head(missing, names)
    where = _("missing in the checkpoint: {names}").format(names=_listed(missing) or "-")
    if unexpected:
        where += "; " + _("only in the checkpoint: {names}").format(names=_listed(unexpected))
    yield Finding(
        "checkpoint-keys",
        _("{n} of {total} weights were not loaded.").format(n=len(missing), total=len(names))
        if missing
        else _("{n} weights of the checkpoint have no place in the model.").format(
            n=len(unexpected)
        ),
        where,
        _(
            "With strict=False load_state_dict passes over names that do not match, without an "
            "error. What was not loaded is still random."
        ),
        _prefix_mend(missing, unexpected)
        or _(
            "Load with strict=True and correct the names until it passes. If you replace the last "
            "layer on purpose, load first and replace it afterwards."
        ),
        "question" if head else "fault",
    )


def _difference(case: Case) -> tuple[list[str], list[str]]:
    found = case.checkpoint
    if hasattr(found, "missing_keys"):  # what load_state_dict() returns
        return list(found.missing_keys), list(found.unexpected_keys)
    if isinstance(found, (str, Path)):
        found = torch.load(found, map_location="cpu", weights_only=True)
    found = getattr(found, "model", found)
    for name in ("model", "state_dict", "model_state_dict"):
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    here = case.model.state_dict()
    missing = [name for name in here if name not in found]
    return missing, [name for name in found if name not in here]


def _is_head(missing: list[str], names: list[str]) -> bool:
    """Tell whether what is missing is the last layer alone, as when it is new on purpose."""
    last = names[-1].rpartition(".")[0] if names else ""
    return bool(missing) and all(name.rpartition(".")[0] == last for name in missing)


def _prefix_mend(missing: list[str], unexpected: list[str]) -> str:
    for prefix in ("module.", "_orig_mod."):
        if missing and {prefix + name for name in missing} <= set(unexpected):
            return _(
                "The names in the file begin with {prefix!r}, from a wrapped model. Take it off: "
                "{{name.removeprefix({prefix!r}): value for name, value in weights.items()}}."
            ).format(prefix=prefix)
    return ""
