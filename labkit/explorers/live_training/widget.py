"""Training with buttons: start, pause, step, stop, and sliders that work while it runs."""

import html
import math
import threading
import time
from collections.abc import Callable

import ipywidgets as widgets

from labkit.data import denormalise
from labkit.explorers.shared.interrupt import on_interrupt
from labkit.explorers.shared.looks import Explorer, Slider, reporting, row
from labkit.plots import Plot
from labkit.plots import curves as figures
from labkit.text import _
from labkit.training import Run
from labkit.training.live import LiveRun, Progress, State

RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)

_BETWEEN_PICTURES = 0.1
"""Seconds from one live figure to the next, at the least: ten a second are enough for the eye."""

_SHARE_OF_DRAWING = 0.2
"""Of all time at the most; the rest is for training."""


class LiveTraining(Explorer):
    """Buttons and knobs for one run, with its losses, its speed and its last batch.

    ``live`` is the `LiveRun` behind it: ``live.wait()`` waits, ``live.message`` says what happened.
    ``after_step(run)`` follows each step: a ``checkpoint.Saver``, for one. ``mean`` and ``std``
    are those that the loader normalised with; they bring the images of the batch back.
    ``device`` is a `DeviceToggle`: the run moves there, and follows at each press of its buttons.
    """

    def __init__(
        self, run: Run, *, after_step=None, mean: float = 0.5, std: float = 0.5, device=None
    ):
        """Show ``run`` as it stands; nothing starts before a button is pressed."""
        self.live = LiveRun(run, after_step=after_step)
        self._mean, self._std = mean, std
        self._showing, self._message = threading.Lock(), ""
        self._said_at = self._drawn_at = self._cost = 0.0
        self._make_buttons()
        self._make_knobs(run)
        self.status = widgets.HTML().add_class("lk-live-status")
        super().__init__(
            row(self.start, self.pause, self.step, self.epoch, self.stop),
            row(self.learning_rate, self.momentum, self.epochs),
            self.status,
        )
        self.live.on_change = self._changed
        self._changed()
        if device is not None:
            if device.device != run.device:
                self.live.to(device.device)
            device.observe(lambda change: self.live.to(change.new), "device")

    def _make_buttons(self) -> None:
        live = self.live
        self.start = _button(_("Start"), "play", _("Train until the last epoch is done"))
        self.pause = _button(_("Pause"), "pause", _("Halt after the present batch"))
        self.step = _button(_("Step"), "step-forward", _("Train on one batch"))
        self.epoch = _button(_("Epoch"), "fast-forward", _("Train to the end of this epoch"))
        self.stop = _button(_("Stop"), "stop", _("End this run after the present batch"))
        for button, action in (
            (self.start, live.start),
            (self.pause, live.pause),
            (self.step, live.step),
            (self.epoch, live.epoch),
            (self.stop, live.stop),
        ):
            button.on_click(lambda _button, action=action: self._press(action))

    @reporting
    def _press(self, action: Callable[[], None]) -> None:
        action()
        on_interrupt(self.live.interrupt, while_=lambda: self.live.state is State.RUNNING)

    def _make_knobs(self, run: Run) -> None:
        group = run.optimizer.param_groups[0]
        self._rates = sorted({*RATES, group["lr"]})
        self._momenta = sorted({*MOMENTA, group.get("momentum", 0.0)})
        self.learning_rate = Slider.of(
            _("learning rate"), [f"{x:g}" for x in self._rates], self._rates.index(group["lr"])
        )
        self.momentum = Slider.of(
            _("momentum"),
            [f"{x:g}" for x in self._momenta],
            self._momenta.index(group.get("momentum", 0.0)),
        )
        self.momentum.disabled = "momentum" not in group
        self.learning_rate.disabled = run.scheduler is not None
        self.epochs = widgets.BoundedIntText(
            value=run.epochs,
            min=1,
            max=1000,
            description=_("epochs"),
            tooltip=_("How many epochs the whole run has"),
            layout=widgets.Layout(width="11em"),
        )
        self.learning_rate.observe(self._set, "value")
        self.momentum.observe(self._set, "value")
        self.epochs.observe(lambda change: self.live.set_epochs(change.new), "value")

    @reporting
    def _set(self, change) -> None:
        if change.owner is self.learning_rate:
            self.live.set(lr=self._rates[change.new])
        else:
            self.live.set(momentum=self._momenta[change.new])

    def _changed(self) -> None:
        """Show what is new, if it is time; called after each step in the training thread, too."""
        going_on = self.live.state is State.RUNNING and self.live.message == self._message
        if not going_on:
            self._follow()
        now = time.monotonic()
        if not going_on or now - self._said_at > _BETWEEN_PICTURES:
            self._say()
        if not going_on or now - self._drawn_at > max(
            _BETWEEN_PICTURES, self._cost / _SHARE_OF_DRAWING
        ):
            self._draw()

    def _say(self) -> None:
        with self._showing:  # read inside, so that the last of two threads shows the latest
            progress = self.live.progress()
            self.status.value = _status(progress)
            self.screen.spoken = progress.state is not State.RUNNING  # nobody listens so fast
            for button, usable in self._usable(progress.state):
                if button.disabled is usable:
                    button.disabled = not usable
            self._said_at = time.monotonic()

    def _draw(self) -> None:
        with self._showing:
            began = time.monotonic()
            picture = self._picture()
            self.screen.show(picture.png(), picture.alt)
            self._drawn_at = time.monotonic()
            self._cost = self._drawn_at - began

    def _follow(self) -> None:
        """Show what the run has, where it was not what a knob asked for; remember its message."""
        self._message = self.live.message
        if not self.live.pending:
            self.epochs.value = self.live.run.epochs

    def _usable(self, state: State):
        running, over = state is State.RUNNING, self.live.run.finished
        yield from ((b, not running and not over) for b in (self.start, self.step, self.epoch))
        yield from ((b, running) for b in (self.pause, self.stop))

    def _picture(self) -> Plot:
        run = self.live.run
        points = list(zip(run.history.at, run.history.running_loss, strict=False))  # it may train
        now = run.running_loss
        if not math.isnan(now):  # the next point in the making: the curve ends at now
            points.append((run.steps_done / run.history.steps_per_epoch, now))
        return figures.live(
            [at for at, _loss in points],
            [loss for _at, loss in points],
            list(run.history.validation_loss),
            list(run.history.validation_accuracy),
            run.epochs,
            self._last_batch(),
        )

    def _last_batch(self):
        run = self.live.run
        if run.last_batch is None or run.last_batch[0].dim() != 4:
            return None
        images, labels, outputs = (tensor[:8].detach().cpu() for tensor in run.last_batch)
        dataset = getattr(run.train_batches, "dataset", None)
        names = getattr(getattr(dataset, "dataset", dataset), "classes", None)
        names = names or [str(k) for k in range(outputs.shape[1])]
        predictions = outputs.argmax(dim=1).tolist()
        return (
            denormalise(images, self._mean, self._std),
            [names[k] for k in labels.tolist()],
            [names[k] for k in predictions],
        )


def _button(label: str, icon: str, tooltip: str) -> widgets.Button:
    layout = widgets.Layout(width="auto", min_width="5.5em")
    button = widgets.Button(description=label, icon=icon, tooltip=tooltip, layout=layout)
    return button.add_class(f"lk-live-{icon}")


def _status(progress: Progress) -> str:
    parts = [f"<strong>{html.escape(progress.message)}</strong>"]
    if progress.step:
        parts.append(
            _("epoch {epoch} of {epochs}, batch {step:,} of {steps:,}").format(
                epoch=progress.epoch,
                epochs=progress.epochs,
                step=progress.step,
                steps=progress.steps_per_epoch,
            )
        )
        loss = f"{progress.loss:.3f}" if progress.loss < 1000 else f"{progress.loss:.1e}"
        parts.append(_("running loss {loss}").format(loss=loss))
    parts.append(_("on {device}").format(device=progress.device))
    parts.append(_("learning rate {rate:g}").format(rate=progress.learning_rate))
    if not math.isnan(progress.momentum):
        parts.append(_("momentum {momentum:g}").format(momentum=progress.momentum))
    if not math.isnan(progress.images_per_second):
        parts.append(_("{n:,.0f} images/s").format(n=progress.images_per_second))
    if progress.state is State.RUNNING and not math.isnan(progress.seconds_left):
        parts.append(_("about {n:.0f} s left").format(n=progress.seconds_left))
    spoken = "off" if progress.state is State.RUNNING else "polite"
    return f'<div role="status" aria-live="{spoken}">{" · ".join(parts)}</div>'
