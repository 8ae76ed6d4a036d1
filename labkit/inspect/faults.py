"""Say in words why a forward pass broke: the layer, what it got, what it expected, the fix."""

import linecache
import math
import re
import traceback
from dataclasses import dataclass

import torch
from torch import nn

from labkit.inspect import (
    alignment,
    dtypes,
    functional,
    heads,
    joins,
    messages,
    reshapes,
    rewriting,
    rules,
    search,
    slips,
    soundness,
    too_small,
)
from labkit.inspect.fixes import Fix, best, both, changed, layer_text, of_size, reach, shape_text
from labkit.inspect.recording import Recording, is_layer
from labkit.text import _

RULES = (
    *(slips.no_forward, slips.inputs, slips.no_tensor, reshapes.in_place, reshapes.batch_lost),
    *(functional.groups, functional.along_another_axis, functional.smaller_than_meant),
    *(alignment.too_long, alignment.stacked, alignment.swollen),
    *(functional.odd_one, functional.unpooled, functional.channels_for, functional.rows),
    *(dtypes.plain, dtypes.types, heads.replaced, heads.keys, rules.counts, rules.axes),
    *(too_small.windows, joins.products, joins.sums, joins.joined, reshapes.views),
    *(reshapes.permutes, reshapes.no_such_axis),
)
"""In the order in which they are asked; the first that knows the call is believed."""


@dataclass(frozen=True)
class Fault:
    """Where a forward pass broke, and the change that would fix it."""

    layer: str
    got: str
    expected: str
    change: str
    message: str

    def __str__(self) -> str:
        return "\n".join(
            [
                _("{layer} got {got}.").format(layer=self.layer, got=self.got),
                _("It expected {expected}.").format(expected=self.expected),
                _("To fix it: {change}.").format(change=self.change),
                _("The error says: {message}").format(message=self.message),
            ]
        )


def find_fault(broken: Recording, x: torch.Tensor) -> Fault:
    """Return the fault of a recording that ended in an error; ``x`` is what was fed in."""
    call = broken.broken
    message = f"{type(broken.error).__name__}: {broken.error}".split("\n")[0]
    layer = layer_text(call, broken) if call else _("The model")
    got = both(tensor.shape for tensor in (call.tensors if call else [x])) or _("no tensor")
    empty = slips.nothing_returned(broken)
    if empty:
        layer = empty.name if empty.name == empty.kind else f"{empty.name} ({empty.kind})"
        text = _("let the forward of {kind} end with return and its result: it returned None")
        got = both(tensor.shape for tensor in empty.tensors)
        return Fault(layer, got, _("to return a tensor"), text.format(kind=empty.kind), message)
    got, expected, fixes = _diagnosis(broken, x, got)
    change = _change(fixes, broken, x)
    if type(broken.model).__module__.partition(".")[0] in ("torch", "torchvision"):
        change = re.sub(r"\bself\.(\w+ = )", r"model.\1", change)  # no class of the learner's
    return Fault(layer, got, expected, change, message)


def _diagnosis(broken: Recording, x: torch.Tensor, got: str) -> tuple[str, str, list[Fix]]:
    """Return what the call that broke got, what it expected and what may fix it."""
    call = broken.broken
    found = next(filter(None, (rule(broken, x) for rule in RULES)), None) if call else None
    if found:
        return found
    if isinstance(broken.error, AssertionError):
        expected = _("what it asserts: {message}").format(message=broken.error)
        return got, expected, messages.own_line(broken)
    line = _line(broken) if not call or call.module is None or not is_layer(call.module) else ""
    expected = _("something else, as the message says")
    if line:
        expected = _("to get past its own line: {line}").format(line=line)
    return got, expected, messages.own_line(broken)


def _change(fixes: list[Fix], broken: Recording, x: torch.Tensor) -> str:
    """Return in words what lets the whole pass run; else what takes it furthest, if anything does.

    Several changes are told where the first one only uncovers the next fault of the same kind.
    """
    tried = [fix for fix in fixes if _can_be_tried(fix)]
    for fix in tried:
        if fix.certain:
            with changed(fix, broken, x) as (again, _fed):
                runs = not again.error
            if words := fix.words if runs else _with_the_next(fix, broken, x):
                return words
    fed = _of_the_input(broken, x)
    if fed:
        return fed
    edits = rewriting.edits(broken)
    for fix in soundness.sound(edits, broken, x, 0, 0.5):  # a layer that is made and never called
        return fix.words
    steps, found = best((fix for fix in tried if not fix.layers), broken, x)
    if steps < math.inf or not any(fix.given for fix in found):
        # replacing a layer always lets it run, so a slip before it comes first
        for fix in soundness.sound(edits, broken, x, 0.5, 1.5):
            return fix.words
        steps, found = best(tried, broken, x)
    if steps < math.inf:
        wholes = [whole for fix in found if (whole := _with_the_next(fix, broken, x))]
        alike = [whole for whole in wholes if len(set(_kinds(whole))) == 1]
        sure = alike or _is_sure(fixes, broken)
        more = [] if sure else soundness.sound(edits, broken, x, 1.5, math.inf)
        for words in alike + [fix.words for fix in more] + wholes:
            return words
        loose = [] if sure else soundness.sound(edits, broken, x, 0, math.inf, strict=False)
        for fix in loose:  # what comes out is no row of scores for each image
            return fix.words
    untried = (fix.words for fix in fixes if not _can_be_tried(fix))
    said = [fix.words for fix in found] or list(untried)[:1]
    if not said and broken.live is None:  # no source is at hand, or the line is right
        searched = (fix for fix in search.edits(broken) if reach(fix, broken, x) == math.inf)
        said = [fix.words for fix in searched][:1]
    said = said or [_after(broken)]
    return _("; or {other}").format(other="").join(said)


def _kinds(words: str) -> list[str]:
    """Return what several changes in one sentence have in common: all but their numbers."""
    parts = words.split(_("{first}, and {second}").format(first="", second=""))
    return [re.sub(r"\d+", "", part) for part in parts]


def _is_sure(fixes: list[Fix], broken: Recording) -> bool:
    """Tell whether the cause is known, though its fix cannot be tried."""
    error = broken.error
    if any(map(_can_be_tried, fixes)) or not fixes:
        return False
    if isinstance(error, AttributeError):
        return not isinstance(error.obj, (tuple, list))
    missing = isinstance(error, NameError) or "missing" in str(error)
    return missing or fixes != messages.own_line(broken)


def _with_the_next(fix: Fix, broken: Recording, x: torch.Tensor, more: int = 8) -> str:
    """Return in words the fix and those of what breaks behind it; "" if the pass does not end."""
    with changed(fix, broken, x) as (again, fed):
        if not again.error or not again.broken or not more:
            return ""
        steps, found = best(filter(_can_be_tried, _diagnosis(again, fed, "")[2]), again, fed)
        for then in sorted(found, key=lambda then: _kinds(then.words) != _kinds(fix.words))[:1]:
            rest = then.words if steps == math.inf else _with_the_next(then, again, fed, more - 1)
            if fix.words in rest:  # the same in each of several blocks
                return rest
            if rest:
                return _("{first}, and {second}").format(first=fix.words, second=rest)
        for then in soundness.sound(rewriting.edits(again), again, fed, 0, 3):
            return _("{first}, and {second}").format(first=fix.words, second=then.words)
    return ""


def _can_be_tried(fix: Fix) -> bool:
    return bool(fix.layers or fix.given or fix.fed)


def _of_the_input(broken: Recording, x: torch.Tensor) -> str:
    """Return in words the change of what is fed in with which the whole pass runs, if there is."""
    sizes = {int(n) for n in re.findall(r"\d+", str(broken.error))} if x.ndim == 4 else set()
    here = {kind for module in broken.model.modules() for kind in type(module).__mro__}
    rows = [row[1:] for row in _INPUTS if row[0] in here]
    fixes = [fix for fix in map(_input_fix, rows) if fix.fed and fix.fed(x) is not None]
    if isinstance(broken.error, AssertionError):
        fixes += [of_size(n, n) for n in sorted(sizes) if 7 < n < 1025 and n != x.shape[2]]
    return next((fix.words for fix in fixes if reach(fix, broken, x) == math.inf), "")


def _input_fix(row: tuple) -> Fix:
    applies, words, expression = row

    def fed(x: torch.Tensor) -> torch.Tensor | None:
        return expression(x) if applies(x) else None

    return Fix(words(), fed=fed)


_INPUTS = (
    (nn.Module, lambda x: not x.is_floating_point(),
     lambda: _("convert the images first, x.float()"), lambda x: x.float()),
    (nn.Module, lambda x: x.ndim == 3 and len(x) <= 4,
     lambda: _("feed it a batch, also of one image, x.unsqueeze(0)"), lambda x: x.unsqueeze(0)),
    (nn.Conv2d, lambda x: x.ndim == 2 and len(x) > 7 and x.shape[1] < 2 * len(x),
     lambda: _("feed it a batch whose images have a channel axis, x[None, None]"),
     lambda x: x[None, None]),
    (nn.Conv2d, lambda x: x.ndim == 3,
     lambda: _("give each image its channel axis, x.unsqueeze(1)"), lambda x: x.unsqueeze(1)),
    (nn.Module, lambda x: x.ndim == 3 and x.shape[2] <= 4 < x.shape[0],
     lambda: _("move the channels to the front and feed a batch, x.permute(2, 0, 1).unsqueeze(0)"),
     lambda x: x.permute(2, 0, 1).unsqueeze(0)),
    (nn.Module, lambda x: x.ndim == 5 and x.shape[1] == 1,
     lambda: _("take away the axis that is too much, x.squeeze(1)"), lambda x: x.squeeze(1)),
    (nn.Module, lambda x: x.ndim == 5 and len(x) == 1,
     lambda: _("take away the axis that is too much, x.squeeze(0)"), lambda x: x.squeeze(0)),
    (nn.Conv1d, lambda x: x.ndim == 2,
     lambda: _("give each series its channel axis, x.unsqueeze(1)"), lambda x: x.unsqueeze(1)),
    (nn.ConvTranspose2d, lambda x: x.ndim == 2,
     lambda: _("make maps of one pixel of the numbers, x[:, :, None, None]"),
     lambda x: x[:, :, None, None]),
    (nn.Module, lambda x: x.ndim == 4 and x.shape[3] <= 4 < x.shape[1],
     lambda: _("move the channels to axis 1 first, x.permute(0, 3, 1, 2)"),
     lambda x: x.permute(0, 3, 1, 2)),
    (nn.Module, lambda x: x.ndim == 2 and math.isqrt(x.shape[1]) ** 2 == x.shape[1] > 1,
     lambda: _("make images of the rows first: channels, height and width, as in "
               "x.view(-1, 1, 28, 28)"),
     lambda x: x.reshape(len(x), 1, math.isqrt(x.shape[1]), math.isqrt(x.shape[1]))),
)  # fmt: skip
"""What is fed in the wrong way: in a model with which layers and when, in words, what to feed."""


def _line(broken: Recording) -> str:
    """Return the line that the module's own forward had reached, if it began."""
    module = broken.broken.module if broken.broken else broken.model
    code = getattr(type(module).forward, "__code__", None) if module is not None else None
    frames = traceback.walk_tb(getattr(broken.error, "__traceback__", None))
    lines = [line for frame, line in frames if frame.f_code is code]
    return linecache.getline(code.co_filename, lines[-1]).strip() if code and lines else ""


def _after(broken: Recording) -> str:
    if not broken.steps:
        return _("compare this line with what is fed in: no layer has run before it")
    step = broken.steps[-1]
    text = _("compare this with what comes before it: {layer} gave {shape}")
    layer = f"{step.layer} ({step.call.kind})" if step.call.module is not None else step.layer
    return text.format(layer=layer, shape=shape_text(step.shape))
