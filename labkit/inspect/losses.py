"""The rule for a loss inside a forward pass: targets that do not fit what the model gives."""

import torch
from torch import nn

from labkit.inspect.fixes import Fix, argument, both, computes, function
from labkit.inspect.recording import Call, Recording
from labkit.inspect.rules import Diagnosis, earlier
from labkit.text import _

_OF_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss, "cross_entropy", "nll_loss")
_OF_PAIRS = (
    *(nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss, nn.BCEWithLogitsLoss),
    *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits"),
)
_CLASS_CHANGES = (
    *("targets.squeeze(1)", "targets.long()", "targets.argmax(1)", "targets.flatten()"),
    *("logits.transpose(1, -1)", "logits.flatten(0, 1)", "targets - 1"),
)
_PAIR_CHANGES = (
    *("targets.float()", "targets.unsqueeze(-1)", "targets.squeeze(-1)"),
    *("torch.sigmoid(logits)", "nn.functional.one_hot(targets, logits.shape[-1]).float()"),
    *("targets.unsqueeze(-1).float()", "targets.reshape(logits.shape)"),
)


def losses(broken: Recording, x: torch.Tensor) -> Diagnosis:
    """Diagnose targets of another shape, type or range than the loss takes."""
    call = broken.call
    changes = _changes(call)
    if not changes:
        return None
    logits, targets = argument(call, 0, "input"), argument(call, 1, "target")
    if not isinstance(logits, torch.Tensor) or not isinstance(targets, torch.Tensor):
        text = _("give it the targets as a tensor, too: loss(logits, targets)")
        return _("no targets that are a tensor"), _("two tensors"), [Fix(text)]
    if len(call.arguments) < 2:
        changes = ()  # given by name: nothing is tried
    got = _("{shapes}, of type {first} and {second}").format(
        shapes=both((logits.shape, targets.shape)),
        first=str(logits.dtype).removeprefix("torch."),
        second=str(targets.dtype).removeprefix("torch."),
    )
    expected = _("a target of the same shape and type for each prediction")
    more = []
    if _changes(call) is _CLASS_CHANGES:
        if targets.dtype == torch.int64 and targets.numel() and not targets.is_meta:
            low, high = int(targets.min()), int(targets.max())
            got = _("{got}, from {low} to {high}").format(got=got, low=low, high=high)
            more = earlier(broken, broken.sources[0], logits.shape[-1], high + 1)
        if targets.shape != logits.shape:
            changes = [change for change in changes if "argmax" not in change]
        expected = _(
            "logits [N, classes], and a class number from 0 for each, targets [N] of int64"
        )
    fixes = [Fix(_("write loss(logits, targets)"), given=_swapped)] if _in_order(call) else []
    fixes += [_changed(change) for change in changes if _computes(change, logits, targets)]
    return got, expected, fixes + more


def _changes(call: Call) -> tuple[str, ...]:
    for kinds, changes in ((_OF_CLASSES, _CLASS_CHANGES), (_OF_PAIRS, _PAIR_CHANGES)):
        if type(call.module) in kinds or (function(call) or None) in kinds:
            return changes
    return ()


def _in_order(call: Call) -> bool:
    first, second = call.tensors[:2]
    return not first.is_floating_point() and second.is_floating_point()


def _swapped(arguments: tuple, options: dict) -> tuple[tuple, dict]:
    return (arguments[1], arguments[0], *arguments[2:]), options


def _value(change: str, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return eval(change, {"torch": torch, "nn": nn, "logits": logits, "targets": targets})


def _computes(change: str, logits: torch.Tensor, targets: torch.Tensor) -> bool:
    return computes(_value, change, logits, targets)


def _changed(change: str) -> Fix:
    def given(arguments: tuple, options: dict) -> tuple[tuple, dict]:
        logits, targets = arguments[:2]
        value = _value(change, logits, targets)
        pair = (
            (value, targets) if change.startswith(("logits", "torch.sigmoid")) else (logits, value)
        )
        return (*pair, *arguments[2:]), options

    return Fix(_("write {change}").format(change=change), given=given)


def spread(call: Call, shapes: tuple[tuple[int, ...], ...]) -> str:
    """Return a warning where a loss of pairs has spread one shape over another in silence."""
    if _changes(call) is not _PAIR_CHANGES or len(shapes) < 2 or shapes[0] == shapes[1]:
        return ""
    text = _(
        "The loss got predictions {first} and targets {second}, and PyTorch spread one over the "
        "other: each prediction was compared with the targets of other images. "
        "Give both one shape, e.g. targets.reshape(logits.shape)."
    )
    return text.format(first=list(shapes[0]), second=list(shapes[1]))
