"""Does each training step clear, compute and step, in this order and in the right mode?"""

from collections.abc import Iterator

from labkit.doctor import loss
from labkit.doctor.case import Case, Rehearsal, message
from labkit.doctor.findings import Finding
from labkit.doctor.pictures import differing
from labkit.inspect import summary
from labkit.text import _, ngettext
from labkit.training import TrainingStopped


def look(case: Case) -> Iterator[Finding]:
    """Look at what the learner's own step or loop did on copies."""
    seen = case.rehearsal
    if seen is None:
        return
    if seen.error and not isinstance(seen.error, TrainingStopped):
        frozen = not any(p.requires_grad for p in case.model.parameters())
        if not frozen and not loss.explains(case, seen.error):  # else it is said better there
            yield _broken(case, seen)
    if seen.error or not case.own_code:
        return
    if seen.reached_past:
        yield _reached_past(case, seen)
        return
    yield from _order(case, seen)
    yield from _mode(case, seen)
    if seen.log.graphs_kept >= 2:
        yield _graph_kept(seen)


def _broken(case: Case, seen: Rehearsal) -> Finding:
    """Return the finding for code that raises an error: devices, types, or the error itself."""
    images = next((f.images for f in reversed(seen.log.forwards) if f.images is not None), None)
    weight = next(iter(seen.model.parameters()), None)
    if images is not None and weight is not None:
        if images.device != weight.device:
            where = seen.error_at
            return differing("device", str(images.device), str(weight.device), where)
        if images.is_floating_point() and images.dtype != weight.dtype:
            return differing("dtype", str(images.dtype), str(weight.dtype), seen.error_at)
    fault = summary(seen.model, images).fault if images is not None else None
    if fault:
        why = _("{layer} got {got}; it expected {expected}.").format(
            layer=fault.layer, got=fault.got, expected=fault.expected
        )
        mend = fault.change
    else:
        why = _("Nothing after this line was run, so the doctor has not seen the rest.")
        mend = _("Read the message from its last line up; fix this first, and ask again.")
    where = seen.error_at if case.own_code else _("a training step on your first batch")
    return Finding("breaks", message(seen.error), where, why, mend)


def _reached_past(case: Case, seen: Rehearsal) -> Finding:
    name = getattr(case.own_code, "__name__", "step")
    return Finding(
        "reaches-past",
        _("{function}() changes something that it was not given.").format(function=name),
        _("the {things} outside of it").format(things=", ".join(seen.reached_past)),
        _(
            "It was called with copies, and the originals changed: it trains another model than "
            "the one in its arguments. (They have been put back.)"
        ),
        _("Use only what comes in as an argument."),
    )


def _order(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    log, held = seen.log, _held(case)
    if case.optimizer is None and not log.steps:
        return
    if not held:
        return  # another model's optimizer: whatever it clears and steps is not here
    if not log.steps:
        yield Finding(
            "no-step",
            _("The optimizer never takes a step."),
            _last(log.backwards) or _("your code"),
            _("backward() only computes gradients. Without step() no weight ever changes."),
            _("Call optimizer.step() after loss.backward()."),
        )
    elif not log.reached:
        yield Finding(
            "no-backward",
            _("No gradient is ever computed."),
            log.steps[0].where,
            _("step() goes by the gradients that backward() leaves. Without them it does nothing."),
            _("Call loss.backward() before optimizer.step(); no detach() or item() before it."),
        )
    elif (log.order[0], log.order[-1]) == ("step", "backward") and not log.steps[0].after_backward:
        yield Finding(
            "step-before-backward",
            _("step() comes before backward()."),
            log.steps[0].where,
            _(
                "The step is taken with the gradients of the batch before, or with none at all: "
                "what this batch teaches comes late or is thrown away."
            ),
            _("The order is zero_grad(), forward, loss, backward(), step()."),
        )
    elif log.slopes and not any(step.gradient for step in log.steps):
        yield Finding(
            "cleared-too-late",
            _("zero_grad() comes between backward() and step()."),
            log.steps[0].where,
            _("It throws away the gradients that backward() has computed: the step has none."),
            _("Call zero_grad() before backward(), best as the first line of the step."),
        )
    stale = [where for name, where in log.stale.items() if name in held]
    if stale and len(stale) * 2 >= len(log.reached & held):
        yield Finding(
            "no-zero-grad",
            _("The gradients are not cleared between the steps."),
            stale[0],
            _(
                "backward() adds to what is there. Each step then follows the sum over all batches "
                "so far: its direction is old, and it grows and grows."
            ),
            _("Call optimizer.zero_grad() in each step, before loss.backward()."),
        )
    if log.reached and case.optimizer is not None:
        yield from _unreached(case, seen)


def _held(case: Case) -> set[str]:
    """Return the names of the weights that the optimizer holds; all if none is at hand."""
    named = dict(case.model.named_parameters())
    if case.optimizer is None:
        return set(named)
    stepped = {id(p) for group in case.optimizer.param_groups for p in group["params"]}
    return {name for name, p in named.items() if id(p) in stepped}


def _unreached(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    held = _held(case)
    missed = [
        name
        for name, p in case.model.named_parameters()
        if p.requires_grad and name in held and name not in seen.log.reached
    ]
    if missed:
        yield Finding(
            "no-gradient",
            ngettext(
                "No gradient reaches {n} parameter.",
                "No gradient reaches {n} parameters.",
                len(missed),
            ).format(n=len(missed)),
            ", ".join(missed[:4]) + (", ..." if len(missed) > 4 else ""),
            _(
                "Either forward() does not use them, or the way back to them is cut: by detach(), "
                ".data, numpy or no_grad(). They never learn."
            ),
            _("Use them in forward(), or do not cut the graph; or leave them out of the model."),
            "question",
        )


def _mode(case: Case, seen: Rehearsal) -> Iterator[Finding]:
    yield from _evaluation_mode(case, seen, first=True)
    again = case.second_training
    if again and not again.error:
        before = {kind.kind for kind in _evaluation_mode(case, seen, first=True)}
        if not before:
            yield from _evaluation_mode(case, again, first=False)


def _evaluation_mode(case: Case, seen: Rehearsal, *, first: bool) -> Iterator[Finding]:
    trained = [forward for forward in seen.log.forwards if forward.trained]
    wrong = [forward for forward in trained if not all(forward.modes.values())]
    if not wrong:
        return
    names = [name for name, training in wrong[0].modes.items() if not training]
    matters = names != [""]
    part = matters and any(wrong[0].modes.values())
    if part and not _own_weights_learn(seen, names):
        return  # frozen layers that are kept in evaluation mode on purpose
    # a loop over all epochs may be called once, and the evaluation after it
    certain = case.train if first else seen.passes == 1
    layers = ", ".join(names[:4])
    where = wrong[0].where + (_(" (layers: {names})").format(names=layers) if matters else "")
    yield Finding(
        "training-in-eval-mode",
        _("The model is in evaluation mode while it trains.")
        if first
        else _("After an evaluation, the model trains on in evaluation mode.")
        if certain
        else _("If it is called again after an evaluation, it trains in evaluation mode."),
        where,
        _(
            "Dropout drops nothing, and batch normalisation uses and keeps old statistics instead "
            "of those of the batch."
        )
        if matters
        else _("This model has no layer that behaves differently; the day it has, it will matter."),
        _("Call model.train() at the start of each epoch."),
        "fault" if matters and not part and certain else "question",
    )


def _own_weights_learn(seen: Rehearsal, names: list[str]) -> bool:
    modules = dict(seen.model.named_modules())
    own = [list(modules[name].parameters()) for name in names]
    return any(not parameters or any(p.requires_grad for p in parameters) for parameters in own)


def _graph_kept(seen: Rehearsal) -> Finding:
    return Finding(
        "graph-kept",
        _("The graphs of earlier batches are kept alive."),
        _("{n} of them at one time, made at: {line}").format(
            n=seen.log.graphs_kept, line=_last(seen.log.backwards) or "-"
        ),
        _(
            "A loss is a tensor that holds the record of how it was computed. Added up or put "
            "into a list, it keeps that record for every batch, and the memory grows."
        ),
        _("Add up loss.item(), or keep loss.detach()."),
    )


def _last(lines: list[str]) -> str:
    return lines[-1] if lines else ""
