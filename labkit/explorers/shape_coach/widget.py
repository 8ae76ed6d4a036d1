"""The shape coach: guess what a stack of layers makes of an image, then see it."""

import re
from collections.abc import Sequence

import ipywidgets as widgets
from torch import nn

from labkit.explorers.shape_coach.draw import Side, strips
from labkit.explorers.shape_coach.forward_coach import ForwardCoach
from labkit.explorers.shape_coach.stack_table import StackTable, as_window
from labkit.explorers.shared.looks import Busy, Explorer, Slider, reporting, row
from labkit.inspect.shapes import Stage, Window, seen_by, stack
from labkit.text import _, written

WORKSHOP = (
    Window(5, out_channels=6),
    Window(2, stride=2),
    Window(5, out_channels=16),
    Window(2, stride=2),
)
"""The convolutions and poolings of the workshop's network."""

LAYERS_AT_MOST = 6


class ShapeCoach(Explorer):
    """Guess the side of every map and the flattened length; then see them, and why.

    ``table.layers`` holds the numbers, ``table.guesses`` what was guessed (the flattened length
    last) and ``table.results`` the answers. ``stages`` is what ``inspect.shapes.stack`` gives for
    the layers, as far as their windows fit. ``reveal`` shows all answers.
    """

    def __init__(self, layers: Sequence[Window] = WORKSHOP, *, size: int = 32, channels: int = 3):
        """Start with ``layers`` (those of the workshop's network) and an image of ``size``."""
        self.channels = channels
        self.stages: tuple[Stage, ...] = ()
        self.windows: list[Window] = []
        self._busy = Busy()
        self.size = Slider(label=_("Image's side"), minimum=4, maximum=64, value=size)
        self.more = widgets.Button(description=_("Add a layer"))
        self.fewer = widgets.Button(description=_("Remove the last"))
        self.reveal = widgets.ToggleButton(description=_("Show all answers"))
        self.unit = Slider(label=_("Follow unit"), maximum=0)
        self.table = StackTable(layers)
        top = row(self.size, self.more, self.fewer, self.reveal, self.unit.add_class("lk-wide"))
        super().__init__(top, self.table)
        self.add_class("lk-shapes")
        self._compute()
        self.size.observe(self._compute, "value")
        self.table.observe(self._compute, "layers")
        self.table.observe(self._show, "guesses")
        self.reveal.observe(self._show, "value")
        self.unit.observe(self._show, "value")
        self.more.on_click(self._add)
        self.fewer.on_click(self._remove)

    @classmethod
    def of(cls, model: nn.Module, input_shape: Sequence[int]) -> ForwardCoach:
        """Return the coach for any model: its real forward pass, and where it breaks."""
        return ForwardCoach(model, input_shape)

    @reporting
    def _add(self, _button) -> None:
        if len(self.table.layers) == LAYERS_AT_MOST:
            raise ValueError(_("There is room for {n} layers.").format(n=LAYERS_AT_MOST))
        self.table.add(Window(3, padding=1, out_channels=16))

    @reporting
    def _remove(self, _button) -> None:
        if len(self.table.layers) == 1:
            raise ValueError(_("One layer must stay."))
        self.table.remove()

    @reporting
    def _compute(self, _change=None) -> None:
        """Follow the image through the layers as far as they fit; the rest is a sentence."""
        self.stages, self.windows, problem = (), [], None
        for number, layer in enumerate(self.table.layers, 1):
            try:
                windows = [*self.windows, as_window(layer, number)]
                self.stages, self.windows = stack(self.size.value, self.channels, windows), windows
            except ValueError as error:
                problem = error
                break
        last = self.stages[-1].size if self.stages else 1
        with self._busy, self.unit.hold_sync():
            self.unit.maximum = last - 1
            self.unit.value = last // 2
        self._show()
        if problem:
            raise problem

    @property
    def _complete(self) -> bool:
        """Say whether the image gets through all layers."""
        return len(self.stages) == len(self.table.layers)

    def _show(self, _change=None) -> None:
        """Answer the guesses, and draw the sides that are known by now."""
        if self._busy:
            return
        answers = [stage.size for stage in self.stages]
        answers += [self.stages[-1].flattened] if self._complete else []
        self.table.results = [
            self._result(n, guess.strip(), answers[n] if n < len(answers) else None)
            for n, guess in enumerate(self.table.guesses)
        ]
        hidden = [result["state"] not in ("right", "shown") for result in self.table.results]
        known = min([*hidden, True].index(True), len(self.stages))
        wait = not self._complete or known < len(self.stages)
        with self.unit.hold_sync():
            self.unit.disabled = wait
            self.unit.texts = [_("when all is guessed")] * (self.unit.maximum + 1) if wait else []
        words = ["?"] * (len(self.stages) - known)
        words += ["✗"] * (len(self.table.layers) - len(self.stages))
        self.screen.show(strips(self._sides(known), words), self._sentence(known))

    def _result(self, n: int, guess: str, answer: int | None) -> dict:
        """Return what line ``n`` of the table says to a guess."""
        blank = {"why": "", "parameters": "", "field": ""}
        if answer is None:
            said = _("✗ does not fit") if n == len(self.stages) else "–"
            return {**blank, "state": "broken", "answer": said}
        number = re.sub(r"(?<=\d)[.,\s](?=\d{3})", "", guess)  # as in 1,024
        shown = written(answer, ",")
        if number.isdecimal() and int(number) == answer:
            return {"state": "right", "answer": f"✓ {shown}", **self._details(n)}
        if self.reveal.value:
            return {"state": "shown", "answer": shown, **self._details(n)}
        if not guess:
            return {**blank, "state": "open", "answer": ""}
        if not number.isdecimal():
            hint = _("a whole number?")
        else:
            hint = _("too small") if int(number) < answer else _("too large")
        return {**blank, "state": "wrong", "answer": f"✗ {hint}"}

    def _details(self, n: int) -> dict:
        """Return why line ``n`` has its answer, its parameters, and what a unit of it sees."""
        if n == len(self.stages):
            end, total = self.stages[-1], sum(stage.parameters for stage in self.stages)
            why = f"{end.channels} · {end.size} · {end.size}"
            return {"why": why, "parameters": written(total, ","), "field": ""}
        before = self.stages[n - 1].size if n else self.size.value
        stage = self.stages[n]
        return {
            "why": _formula(before, self.windows[n]),
            "parameters": written(stage.parameters, ","),
            "field": f"{stage.field} × {stage.field}",
        }

    def _sides(self, known: int) -> list[Side]:
        """Return the strips: the image's side, and those of the first ``known`` maps."""
        windows, stages = self.windows[:known], self.stages[:known]
        sizes = [self.size.value, *(stage.size for stage in stages)]
        names = [_("image"), *(_name(n, window) for n, window in enumerate(windows, 1))]
        follow = known == len(self.table.layers)
        sides, start, jump = [], 0.5, 1
        for n, size in enumerate(sizes):
            missed = stages[n].unvisited if n < known else ()
            seen = seen_by(size, windows[n:], self.unit.value) if follow else ()
            note = _("{n} never visited").format(n=len(missed)) if missed else ""
            sides.append(Side(names[n], size, start, jump, missed, seen, note))
            if n < known:
                middle = windows[n].dilation * (windows[n].kernel - 1) / 2 - windows[n].padding
                start, jump = start + middle * jump, stages[n].jump
        return sides

    def _sentence(self, known: int) -> str:
        """Say how the side shrinks, what the followed unit sees, and what is never visited."""
        stages = self.stages[:known]
        sides = [self.size.value, *(stage.size for stage in stages)]
        sizes = " → ".join(map(str, sides))
        if known < len(self.stages):
            text = _("{sizes} → ? Guess the side that layer {n} makes.")
            return text.format(sizes=sizes, n=known + 1)
        if not self._complete:
            text = _("{sizes}, and there it ends: layer {n} does not fit.")
            return text.format(sizes=sizes, n=known + 1)
        unit, seen = self.unit.value, seen_by(self.size.value, self.windows, self.unit.value)
        if not seen:
            text = _("{sizes}. Unit {unit} of the last map sees nothing but padding.")
            return text.format(sizes=sizes, unit=unit)
        text = _("{sizes}. Unit {unit} of the last map sees the pixels {first} to {last}.")
        said = [text.format(sizes=sizes, unit=unit, first=seen[0], last=seen[-1])]
        text = _("Layer {layer} never visits {n} of the {total} places along its side.")
        for n, stage in enumerate(stages):
            if stage.unvisited:
                numbers = {"layer": n + 1, "n": len(stage.unvisited), "total": sides[n]}
                said.append(text.format(**numbers))
        return " ".join(said)


def _formula(n: int, window: Window) -> str:
    """Return the size formula with its numbers, and what the floor cuts off where it bites."""
    span = window.dilation * (window.kernel - 1) + 1
    padded = f"{n} + 2·{window.padding}" if window.padding else f"{n}"
    room, stride = n + 2 * window.padding - span, window.stride
    parts = [f"⌊({padded} − {span}) / {stride}⌋ + 1"]
    parts += [f"= ⌊{room / stride:.4g}⌋ + 1"] if room % stride else []
    return " ".join(part.replace(" ", "\u00a0") for part in parts)  # a line ends before the "="


def _name(number: int, window: Window) -> str:
    kind = _("pool") if window.out_channels is None else _("conv")
    return f"{number} {kind}"
