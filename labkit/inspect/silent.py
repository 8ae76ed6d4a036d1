"""What a forward pass did without an error, though nobody may have meant it."""

import math

import torch
from torch import nn

from labkit.inspect.faults import find_fault
from labkit.inspect.fixes import Fix, changed, function, path
from labkit.inspect.joins import doubling
from labkit.inspect.recording import Recording, Step
from labkit.text import _, ngettext


def in_silence(recording: Recording, x: torch.Tensor) -> tuple[str, ...]:
    """Return a sentence for each thing that a pass did without an error and nobody may have meant.

    recording: of a pass that ran to its end; of one that broke, only what else is to be known
    x: what was fed in
    """
    if recording.error and recording.live is not None:
        return (_("Without gradients this pass runs; in training, with gradients, it breaks."),)
    if recording.error:
        return ()
    found = []
    single = [step.layer for step in recording.steps if _one_value(step)]
    if single and recording.model.training:
        text = _(
            "{layer} gets one value for each channel, and a normalisation over the batch cannot "
            "train on that: train on batches of 2 or more, and predict after model.eval()."
        )
        found.append(text.format(layer=single[0]))
    if recording.output is None:
        found.append(_("The forward pass returned None: let it end with return and its result."))
    fed, last = x.shape, recording.steps[-1].shape if recording.steps else ()
    mixing = next((step for step in recording.steps if _rearranges_batch(step, fed)), None)
    if mixing and last and last[:1] != fed[:1] and len(fed) != 3:  # (): a loss, one number
        found.append(
            _(
                "{count} images went in and {rows} rows came out: {layer} made {after} of "
                "{before} and mixed the images. torch.flatten(x, 1) keeps them apart."
            ).format(
                count=fed[0],
                rows=last[0],
                layer=mixing.layer,
                before=list(mixing.inputs[0]),
                after=list(mixing.shape),
            )
        )
        found += _then(recording, mixing, x)
    found += _in_time(recording, fed, last) + _crossed(recording)
    found += _smaller(recording, x) + _left_over(recording)
    if recording.unused:
        shown = ", ".join(recording.unused[:3]) + (
            _(" and others") if len(recording.unused) > 3 else ""
        )
        found.append(
            ngettext(
                "{n} parameter took no part in this pass (in evaluation mode): {names}.",
                "{n} parameters took no part in this pass (in evaluation mode): {names}.",
                len(recording.unused),
            ).format(n=len(recording.unused), names=shown)
        )
        found += _beside(recording)
    return tuple(found)


def _then(recording: Recording, mixing: Step, x: torch.Tensor) -> list[str]:
    """Tell what else has to change where the images are kept apart."""

    def given(arguments: tuple, _options: dict) -> tuple[tuple, dict]:
        return (arguments[0], len(x), -1), {}

    if function(mixing.call) not in ("view", "reshape"):
        return []
    with changed(Fix("", given=given, at=(mixing.layer,)), recording, x) as (again, kept):
        if not again.broken:
            return []
        fault = find_fault(again, kept)
    return [_("Then {layer} gets {got}: {change}.").format(**vars(fault))]


def _one_value(step: Step) -> bool:
    norm = isinstance(step.call.module, nn.modules.batchnorm._BatchNorm)
    return norm and math.prod(step.inputs[0]) == step.inputs[0][1]


def _rearranges_batch(step: Step, fed: torch.Size) -> bool:
    """Tell whether a step put the same numbers into another number of rows."""
    if not fed or len(step.inputs) != 1 or step.layer.endswith("unbind()"):
        return False
    (given,), made = step.inputs, step.shape
    moved = given[:1] == fed[:1] != made[:1]
    return moved and math.prod(given) == math.prod(made)


def _in_time(recording: Recording, fed: torch.Size, last: tuple) -> list[str]:
    """Tell of a recurrent layer that took the batch for time steps."""
    for step in recording.steps:
        first = getattr(step.call.module, "batch_first", None)
        taken = step.inputs[0][:2] == fed[:2] and last[:1] == fed[1:2] != fed[:1]
        if first and taken:
            text = _(
                "{count} sequences went in and {rows} rows came out: {layer} has batch_first=True, "
                "so out[-1] is the last sequence. out[:, -1] is the last step of each."
            )
            return [text.format(count=fed[0], rows=last[0], layer=step.layer)]
        if first is False and taken:
            text = _(
                "{count} sequences went in and {rows} rows came out: {layer} expects time on the "
                "first axis. If the first axis is your batch, write batch_first=True, and take the "
                "last step as out[:, -1]."
            )
            return [text.format(count=fed[0], rows=last[0], layer=step.layer)]
    return []


def _crossed(recording: Recording) -> list[str]:
    """Tell of [N, 1] and [N], which become [N, N]: each image's number meets every other's."""
    for step in recording.steps:
        n = step.shape[0] if len(step.shape) == 2 else 0
        if n > 1 and sorted(step.inputs) == [(n,), (n, 1)] and step.shape == (n, n):
            text = _(
                "From {first} and {second}, {layer} made {shape}: each number of one is combined "
                "with every number of the other. x.squeeze(1) first gives both the shape [{n}]."
            )
            first, second = map(list, step.inputs)
            shape = list(step.shape)
            return [text.format(layer=step.layer, shape=shape, first=first, second=second, n=n)]
    return []


def _smaller(recording: Recording, x: torch.Tensor) -> list[str]:
    """Tell of an autoencoder that gives back maps some pixels smaller than it was given."""
    output = recording.output
    like = isinstance(output, torch.Tensor) and output.ndim == x.ndim == 4
    if not like or output.shape[1] != x.shape[1]:
        return []
    steps = [s for s in recording.steps if isinstance(s.call.module, nn.ConvTranspose2d)]
    for fix in doubling(steps[::-1]) if output.shape[2] < x.shape[2] else ():
        with changed(fix, recording, x) as (again, _fed):
            fits = not again.error and again.output.shape == x.shape
        if fits:
            text = _("The output is {after}, the input {before}; to make them agree, {change}.")
            shapes = {"after": list(output.shape), "before": list(x.shape)}
            return [text.format(**shapes, change=fix.words)]
    return []


def _beside(recording: Recording) -> list[str]:
    """Tell of a new head that was set beside the last layer, under another name."""
    last, model = recording.steps[-1].call if recording.steps else None, recording.model
    idle = {name.rpartition(".")[0] for name in recording.unused}
    head = model.get_submodule(idle.pop()) if len(idle) == 1 else None
    if last and isinstance(head, nn.Linear) and isinstance(last.module, nn.Linear):
        if head.in_features == last.module.in_features and head.out_features != 1000:
            place = path(last.name).replace("self.", "model.", 1)
            text = _("If that is the new head, put it in the place of the last layer, {layer}.")
            return [text.format(layer=place)]
    return []


def _left_over(recording: Recording) -> list[str]:
    """Tell of an axis of one number between the batch and the scores."""
    output, last = recording.output, recording.steps[-1].call.module if recording.steps else None
    for step in recording.steps:
        size = step.call.options.get("start_dim", step.call.arguments[1:2])
        flat = step.layer.endswith("flatten()") or isinstance(step.call.module, nn.Flatten)
        if flat and len(step.inputs[0]) == 4 and len(step.shape) == 3 and step.shape[1] == 1:
            if isinstance(last, nn.Linear) and output.ndim == 3 and size != (1,):
                text = _(
                    "The output is {shape}: {layer} has kept the channel axis. Flatten from axis 1 "
                    "on, x.flatten(1)."
                )
                return [text.format(shape=list(output.shape), layer=step.layer)]
    return []
