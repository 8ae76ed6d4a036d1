"""Training with buttons and sliders that work while it runs, drawn in the browser as it learns."""

import math
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import traitlets
from IPython import get_ipython

from labkit.explorers.live_training import compute
from labkit.explorers.shared.interrupt import on_interrupt
from labkit.explorers.shared.looks import STATIC, Explorer, Slider, joined, reporting, row
from labkit.explorers.shared.stage import Stage
from labkit.plots.curves import loss_curve, loss_sentence
from labkit.text import _, written
from labkit.training import Run
from labkit.training.live import LiveRun, Progress, State

RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)

_BETWEEN_FRAMES = 1 / 13
"""Seconds from one frame to the next, at the least: ten a second are left, validation included."""

_SHARE_OF_FRAMES = 0.03
"""Of all time at the most; the rest is for training. One of 3 ms may come ten times a second."""

_BETWEEN_WORDS = 0.3
"""Seconds from one frame with new words and probabilities to the next: nobody reads faster."""

_STEPS_PER_STILL = 20
"""A run that halts leaves a new still if it came so far since the last: drawing takes time."""

_panels: "weakref.WeakValueDictionary[str, LiveTraining]" = weakref.WeakValueDictionary()
"""The panel that each cell showed last, by the cell's id."""


class Scene(Stage):
    """What the browser draws of a run: ``moving`` is new many times a second, ``scene`` at times.

    ``watched`` holds what hardly ever changes: the image that is asked about, the first filters.
    """

    _esm = joined(STATIC / "parts.js", STATIC / "chart.js", Path(__file__).with_name("stage.js"))

    moving = traitlets.Dict().tag(sync=True)
    watched = traitlets.Dict().tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)


class LiveTraining(Explorer):
    """Buttons and knobs for one run, with its losses, accuracy, filters, and one image's answer.

    ``live`` is the `LiveRun` behind it: ``live.wait()`` waits, ``live.message`` says what happened.
    It pauses when its last view is closed, and when its cell shows another panel.

    run: shown as it stands
    after_step: called as ``after_step(run)`` after each step, e.g. a ``checkpoint.Saver``
    mean, std: what the loader normalised with; they bring back the image that is asked about
    device: a `DeviceToggle`: the run moves there, and follows at each press of its buttons
    """

    def __init__(
        self, run: Run, *, after_step=None, mean: float = 0.5, std: float = 0.5, device=None
    ):
        """Show ``run`` as it stands; nothing starts before a button is pressed."""
        _pause_the_panel_before(self)
        self.live = LiveRun(run, after_step=after_step)
        self._mean, self._std = mean, std
        self._showing, self._message, self._seen = threading.Lock(), "", True
        self._shown_at = self._said_at = self._cost = 0.0
        self._still_at = run.steps_done
        self._recent, self._watched = compute.Recent(), compute.Watched.of(run)
        self._before: list[tuple[float, float]] = []
        self._first = compute.filters(run)
        self._make_buttons()
        self._make_knobs(run)
        super().__init__(
            row(self.start, self.pause, self.step, self.epoch, self.start_over, self.another),
            row(self.learning_rate, self.momentum, self.epochs),
            screen=Scene(words=_words()),
        )
        self.screen.on_msg(self._hear)
        self.screen.watched = self._what_is_watched()
        self.live.on_change = self._changed
        self._changed()
        if device is not None:
            if device.device != run.device:
                self.live.to(device.device)
            device.observe(lambda change: self.live.to(change.new), "device")

    def _make_buttons(self) -> None:
        live = self.live

        def button(label: str, icon: str, tooltip: str, action: Callable) -> widgets.Button:
            layout = widgets.Layout(width="auto", min_width="5.5em")
            made = widgets.Button(description=label, icon=icon, tooltip=tooltip, layout=layout)
            made.on_click(lambda _button: self._press(action))
            return made.add_class(f"lk-live-{icon}")

        self.start = button(_("Start"), "play", _("Train until the last epoch is done"), live.start)
        self.pause = button(_("Pause"), "pause", _("Halt after the present batch"), live.pause)
        self.step = button(_("Step"), "step-forward", _("Train on one batch"), live.step)
        self.epoch = button(
            _("Epoch"), "fast-forward", _("Train to the end of this epoch"), live.epoch
        )
        again = _("Go back to the weights of the start, with these settings")
        self.start_over = button(_("Start over"), "undo", again, self._start_over)
        other = _("Ask about another image of the validation set")
        self.another = button(_("Another image"), "image", other, self._next_image)

    @reporting
    def _press(self, action: Callable[[], None]) -> None:
        action()
        on_interrupt(self.live.interrupt, while_=lambda: self.live.state is State.RUNNING)

    def _start_over(self) -> None:
        self._before = compute.curve(self.live.run)
        self.live.start_over()

    def _next_image(self) -> None:
        if self._watched:
            self._watched.number = (self._watched.number + 1) % len(self._watched.labels)
            self.screen.watched = self._what_is_watched()
            self._show()

    def _hear(self, _scene, message, _buffers) -> None:
        if "seen" in message:
            self._seen = message["seen"]
            return self._show() if self._seen else None
        self.live.pause(_("Paused, as its panel was closed. Start goes on from here."))

    def _make_knobs(self, run: Run) -> None:
        group = run.optimizer.param_groups[0]

        def knob(name: str, label: str, usual: tuple[float, ...]) -> Slider:
            now = group.get(name, 0.0)
            values = sorted({*usual, now})
            slider = Slider.of(label, [written(x, "g") for x in values], values.index(now))
            slider.observe(lambda change: self._set(**{name: values[change.new]}), "value")
            return slider

        self.learning_rate = knob("lr", _("Learning rate"), RATES)
        self.learning_rate.disabled = run.scheduler is not None
        self.momentum = knob("momentum", _("Momentum"), MOMENTA)
        self.momentum.disabled = "momentum" not in group
        self.epochs = widgets.BoundedIntText(
            value=run.epochs,
            min=1,
            max=1000,
            description=_("Epochs"),
            tooltip=_("How many epochs the whole run has"),
        ).add_class("lk-narrow")
        self.epochs.observe(lambda change: self.live.set_epochs(change.new), "value")

    @reporting
    def _set(self, **values: float) -> None:
        self.live.set(**values)

    def _changed(self) -> None:
        """Show what is new, if it is time; called after each step in the training thread, too."""
        self._recent.follow(self.live.run)
        going_on = self.live.state is State.RUNNING and self.live.message == self._message
        now = time.monotonic()
        pause = max(_BETWEEN_FRAMES, self._cost / _SHARE_OF_FRAMES)
        if not going_on:
            self._message = self.live.message
            if not self.live.pending:  # else a knob asks for another number
                self.epochs.value = self.live.run.epochs
            self._show()
        elif self._seen and now - self._shown_at > pause:
            self._show(in_words=now - self._said_at > _BETWEEN_WORDS)

    def _show(self, in_words: bool = True) -> None:
        with self._showing:  # read inside, so that the last of two threads shows the latest
            began = time.thread_time()  # what others do meanwhile is no cost of ours
            with self.screen.hold_sync():
                if in_words:
                    self.screen.scene = frame = self._in_words(self.live.progress())
                    self.screen.sentence = self._sentence(frame)
                self.screen.moving = self._moving()
            self._shown_at = time.monotonic()
            self._cost += 0.2 * (time.thread_time() - began - self._cost)
        if not self.screen.scene["running"]:
            self._refresh_still()

    def _refresh_still(self) -> None:
        steps = self.live.run.steps_done
        enough = 1 if self.live.run.finished else _STEPS_PER_STILL
        if abs(steps - self._still_at) >= enough:
            self._still_at = steps
            self.refresh_still()

    def _usable(self, state: State):
        running, over = state is State.RUNNING, self.live.run.finished
        yield from ((b, not running and not over) for b in (self.start, self.step, self.epoch))
        yield self.pause, running
        yield self.start_over, self.live.can_start_over
        yield self.another, self._watched is not None

    def _what_is_watched(self) -> dict[str, Any]:
        watched = self._watched
        found: dict[str, Any] = {}
        if self._first is not None:
            height, count, width, _colours = self._first.shape
            found |= {"filters' size": (height, count, width), "filters": self._first.tobytes()}
        if watched:
            found["blind"] = compute.blind_guess(self.live.run, len(watched.names))
            image = watched.image(self._mean, self._std)
            if image is not None:
                found |= {"image": image.tobytes(), "image shape": image.shape}
        return found

    def _moving(self) -> dict[str, bytes]:
        """Return what is new in every frame."""
        frame = {"curve": compute.packed(compute.curve(self.live.run))}
        first, now = self._first, compute.filters(self.live.run)
        if first is not None and now is not None and now.shape == first.shape:
            frame["now"] = now.tobytes()
        return frame

    def _in_words(self, progress: Progress) -> dict[str, Any]:
        """Return the rest of a frame; bring the buttons up to date."""
        run, watched, self._said_at = self.live.run, self._watched, time.monotonic()
        for button, usable in self._usable(progress.state):
            button.disabled = not usable
        frame: dict[str, Any] = {
            "said": self._said_at,
            "running": progress.state is State.RUNNING,
            "message": progress.message,
            "details": " · ".join(_details(progress)),
            "epochs": progress.epochs,
            "before": compute.packed(self._before),
            "validation": compute.packed([*enumerate(run.history.validation_loss, start=1)]),
            "accuracy": list(run.history.validation_accuracy),
            "recent": self._recent.accuracy(),
        }
        if watched and (shares := watched.probabilities(run)):
            shown = watched.likeliest(shares)
            frame["bars"] = [(watched.names[k], shares[k], k == watched.label) for k in shown]
        return frame

    def _sentence(self, frame: dict) -> str:
        history = self.live.run.history
        losses = [loss for _at, loss in compute.curve(self.live.run)]
        sentences = [loss_sentence(losses, history.validation_loss)]
        if history.validation_accuracy:
            share = history.validation_accuracy[-1]
            sentences.append(_("Validation accuracy: {share:.0%}.").format(share=share))
        if self._watched and "bars" in frame:
            name, share, _true = max(frame["bars"], key=lambda bar: bar[1])
            truth = self._watched.names[self._watched.label]
            text = _("One image: its class is {truth}, the network predicts {name}, {share:.0%}.")
            sentences.append(text.format(truth=truth, name=name, share=share))
        return " ".join(sentences)

    def still(self) -> tuple[bytes, str]:
        """Return the losses so far, and what the panel says."""
        curve, history = compute.curve(self.live.run), self.live.run.history
        if not curve:
            return b"", self.screen.sentence
        picture = loss_curve(*zip(*curve, strict=True), history.validation_loss)
        return picture.png(scale=2), self.screen.sentence


def _pause_the_panel_before(panel: LiveTraining) -> None:
    """Pause what the same cell showed before: its buttons are gone."""
    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId")
    if cell:
        before = _panels.get(cell)
        _panels[cell] = panel
        if before:
            before.live.pause(_("Paused, as its cell was run again."))


def _details(progress: Progress):
    if progress.step:
        yield _("epoch {epoch} of {epochs}, batch {step:,} of {steps:,}").format(
            epoch=progress.epoch,
            epochs=progress.epochs,
            step=progress.step,
            steps=progress.steps_per_epoch,
        )
        loss = written(progress.loss, ".3f" if progress.loss < 1000 else ".1e")
        yield _("running loss {loss}").format(loss=loss)
    yield _("on {device}").format(device=progress.device)
    if not math.isnan(progress.images_per_second):
        yield _("{n:,.0f} images/s").format(n=progress.images_per_second)
    if progress.state is State.RUNNING and not math.isnan(progress.seconds_left):
        yield _("about {n:.0f} s left").format(n=progress.seconds_left)


def _words() -> dict[str, str]:
    """Return what the browser writes, in the learner's language."""
    return {
        "loss": _("loss"),
        "epochs": _("epochs"),
        "training": _("training, running"),
        "validation": _("validation"),
        "before": _("the run before"),
        "blind": _("blind guess, ln {n} = {loss}"),
        "accuracy": _("accuracy"),
        "recent": _("of the last {n} training images"),
        "truth": _("true class: {name}"),
        "right": _("✓ predicted: {name}, {share}"),
        "wrong": _("✗ predicted: {name}, {share}"),
        "no recent": _("nothing trained yet"),
        "validated": _("validation: {share} after epoch {n}"),
        "filters": _("filters of the first layer (grey is 0)"),
        "no filters": _("No layer of this network is a convolution: there are no filters."),
        "at the start": _("start"),
        "now": _("now"),
        "answer": _("one image of the validation set"),
        "no answer": _(
            "This network takes no batch of one image, so it cannot be asked about one."
        ),
    }
