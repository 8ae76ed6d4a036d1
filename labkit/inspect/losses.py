"""The rules of faults for a loss that is computed inside a forward pass.

Each returns what the loss got, what it expected and the mend, or None where it does not apply.
"""

import torch
from torch import nn

from labkit.inspect.mends import function, given, shape_text
from labkit.inspect.recording import Call
from labkit.text import _

_OF_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss)
_OF_PAIRS = (
    *(nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss),
    *(nn.BCELoss, nn.BCEWithLogitsLoss),
)
_PAIR_FUNCTIONS = {
    *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits"),
}


def apart(call: Call, tensors: list, fed: torch.Size):
    """Tell targets that are not where the logits are."""
    if not _is_of_classes(call) and not _is_of_pairs(call):
        return None
    guesses, targets = given(call, "input", "target")
    if not isinstance(guesses, torch.Tensor):
        return None
    if not isinstance(targets, torch.Tensor):
        if targets is None:
            change = _("give it the targets, too, loss(logits, targets)")
            return _("no targets"), _("two tensors"), change
        got = _("targets of type {kind}").format(kind=type(targets).__name__)
        return got, _("two tensors"), _("write torch.tensor(targets)")
    if guesses.device == targets.device:
        return None
    got = _("targets on {device}").format(device=targets.device)
    change = _("write targets.to({device!r})").format(device=str(guesses.device))
    return got, str(guesses.device), change


def _is_of_classes(call: Call) -> bool:
    return isinstance(call.module, _OF_CLASSES) or function(call) in {"cross_entropy", "nll_loss"}


def _is_of_pairs(call: Call) -> bool:
    return isinstance(call.module, _OF_PAIRS) or function(call) in _PAIR_FUNCTIONS


def of_classes(call: Call, tensors: list, fed: torch.Size):
    """Tell the targets that do not fit the logits of a cross-entropy."""
    if not _is_of_classes(call):
        return None
    logits, targets, weights = given(call, "input", "target", "weight")
    if not isinstance(logits, torch.Tensor) or not isinstance(targets, torch.Tensor):
        return None
    if not logits.is_floating_point() and targets.is_floating_point():
        got = _("whole numbers {first} and then {second}").format(
            first=shape_text(logits.shape), second=shape_text(targets.shape)
        )
        return got, _("the logits first, then the targets"), _("write loss(logits, targets)")
    shape, goal = tuple(logits.shape), tuple(targets.shape)
    if not shape or targets.is_meta:
        return None
    classes, fitting = shape[min(1, len(shape) - 1)], (*shape[:1], *shape[2:])
    if len(shape) == 1:
        fitting = ()
    if goal == fitting:
        weights = getattr(call.module, "weight", weights)
        return _numbers(call, targets, classes) or _weights(weights, classes)
    got = _("logits {first} and targets {second}").format(
        first=shape_text(shape), second=shape_text(goal)
    )
    expected = _("a whole number for each prediction, targets {shape}").format(
        shape=shape_text(fitting)
    )
    change = None
    if len(shape) > 2 and goal in (shape[:-1], (shape[0] * shape[1],)):
        expected = _("logits with the classes in axis 1")
    if shape != goal:
        change = _other_shape(shape, goal, fitting, fed)
    elif not targets.is_floating_point():
        change = _("write targets.argmax({axis})").format(axis=min(1, len(shape) - 1))
        if len(shape) == 1:
            change = _("with one logit per image, take nn.BCEWithLogitsLoss() and targets.float()")
    return (got, expected, change) if change else None


def _other_shape(shape: tuple, goal: tuple, fitting: tuple, fed: torch.Size) -> str:
    """Return the mend of targets that have another shape than the logits ask for."""
    if goal == (*fitting[:1], 1, *fitting[1:]):
        return _("write targets.squeeze(1)")
    if len(shape) > 2 and goal == shape[:-1]:
        order = ", ".join(map(str, (0, len(shape) - 1, *range(1, len(shape) - 1))))
        return _("move the classes to axis 1, logits.permute({order})").format(order=order)
    if len(shape) == 2 and torch.Size(goal).numel() == shape[0] and goal:
        return _("write targets.flatten()")
    if len(shape) == 3 and goal == (shape[0] * shape[1],):
        return _("write logits.flatten(0, 1)")
    if len(goal) == 3 == len(fitting) and goal[0] == shape[0]:
        text = _("bring the logits to the targets, nn.functional.interpolate(logits, {size})")
        return text.format(size=goal[1:])
    if len(goal) == len(shape) and goal[:1] == shape[:1] and goal[2:] == shape[2:]:
        text = _("give the last layer {n} outputs, as many as the targets have classes")
        return text.format(n=goal[1])
    if goal[:1] == fed[:1] != shape[:1]:
        text = _(
            "keep the batch apart on the way, torch.flatten(x, 1): {n} went in, logits for {m} "
            "came out"
        )
        return text.format(n=fed[0], m=shape[0])
    text = _("give it the targets of this batch, in the shape {shape}")
    return text.format(shape=shape_text(fitting))


def _numbers(call: Call, targets: torch.Tensor, classes: int):
    """Tell class numbers of a wrong type, or without a logit."""
    if targets.dtype not in (torch.int64, torch.uint8):
        dtype = str(targets.dtype).removeprefix("torch.")
        got = _("targets of type {dtype}").format(dtype=dtype)
        return got, _("class numbers of type int64"), _("write targets.long()")
    ignored = getattr(call.module, "ignore_index", call.options.get("ignore_index", -100))
    counted = targets[targets != ignored]
    if not counted.numel() or 0 <= counted.min() <= counted.max() < classes:
        return None
    low, high = counted.min().item(), counted.max().item()
    got = _("targets from {low} to {high}").format(low=low, high=high)
    expected = _("class numbers from 0 to {high} ({n} logits)").format(high=classes - 1, n=classes)
    if low < 0:
        return got, expected, _("give it no negative numbers")
    change = _("give the last layer {n} outputs").format(n=high + 1)
    if low > 0 and high == classes:
        change = _("count the classes from 0, targets - 1")
    if classes == 1:
        change = _("with one logit for two classes, take nn.BCEWithLogitsLoss()")
    return got, expected, change


def _weights(weights: torch.Tensor | None, classes: int):
    if not isinstance(weights, torch.Tensor) or len(weights) == classes:
        return None
    got = _("weights for {n} classes").format(n=len(weights))
    expected = _("a weight for each of {n} logits").format(n=classes)
    return got, expected, _("give it weight=torch.ones({n}), or your {n}").format(n=classes)


def of_pairs(call: Call, tensors: list, fed: torch.Size):
    """Tell predictions and targets that do not pair, number by number."""
    if not _is_of_pairs(call):
        return None
    guesses, targets = given(call, "input", "target")
    if not isinstance(guesses, torch.Tensor) or not isinstance(targets, torch.Tensor):
        return None
    shape, goal = tuple(guesses.shape), tuple(targets.shape)
    if targets.is_meta:
        return None
    if shape != goal:
        got = _("predictions {first} and targets {second}").format(
            first=shape_text(shape), second=shape_text(goal)
        )
        expected = _("a target for each prediction, {shape}").format(shape=shape_text(shape))
        return got, expected, _paired(shape, goal, targets)
    if not targets.is_floating_point():
        dtype = str(targets.dtype).removeprefix("torch.")
        got = _("targets of type {dtype}").format(dtype=dtype)
        return got, _("targets of type float32"), _("write targets.float()")
    if "binary_cross_entropy" != function(call) and not isinstance(call.module, nn.BCELoss):
        return None
    return _probabilities(guesses, targets)


def _probabilities(guesses: torch.Tensor, targets: torch.Tensor):
    mends = (
        _("take nn.BCEWithLogitsLoss(), or put torch.sigmoid(x) before it"),
        _("bring the targets between 0 and 1"),
    )
    for numbers, change in zip((guesses, targets), mends, strict=True):
        if numbers.numel() and not 0 <= numbers.min() <= numbers.max() <= 1:
            low, high = f"{numbers.min():.2f}", f"{numbers.max():.2f}"
            got = _("numbers from {low} to {high}").format(low=low, high=high)
            return got, _("probabilities, numbers from 0 to 1"), change
    return None


def _paired(shape: tuple, goal: tuple, targets: torch.Tensor) -> str:
    """Return the mend of targets that have another shape than the predictions."""
    if shape == (*goal, 1):
        return _("write targets.unsqueeze(-1)")
    if (*shape, 1) == goal:
        return _("write targets.squeeze(-1)")
    if torch.Size(goal).numel() == torch.Size(shape).numel():
        return _("write targets.reshape({sizes})").format(sizes=", ".join(map(str, shape)))
    if goal == shape[:1] and targets.dtype == torch.int64:
        text = _("write nn.functional.one_hot(targets, {n}).float(), or take nn.CrossEntropyLoss()")
        return text.format(n=shape[-1])
    return _("give it targets of the shape {shape}").format(shape=shape_text(shape))


RULES = (apart, of_classes, of_pairs)
