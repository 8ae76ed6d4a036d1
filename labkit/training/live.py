"""A run in a thread: start, pause, step, start over, and change its settings as it trains.

The thread takes the same steps that ``Run.finish`` takes, so the weights come out the same.
"""

import copy
import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import torch

from labkit.text import N_, _, ngettext
from labkit.training.failures import first_line, in_words
from labkit.training.run import Run


class State(StrEnum):
    """What a live run is doing."""

    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True)
class Progress:
    """Where a live run is: plain values, safe to read from any thread.

    ``epoch`` and ``step`` are those last worked on, counted from 1 (0 before the first step);
    ``loss`` is the running loss, NaN before the first step; ``images_per_second`` and
    ``seconds_left`` are NaN while they are not known.
    """

    state: State
    message: str
    epoch: int
    epochs: int
    step: int
    steps_per_epoch: int
    loss: float
    images_per_second: float
    seconds_left: float
    device: str


class LiveRun:
    """Train ``run`` in a thread of its own; every method returns at once, but for ``wait``.

    Nothing is printed and no exception is lost: ``state`` and ``message`` say what happened, and
    ``on_change()`` is called after each step and each change, from whichever thread made it.
    ``after_step(run)`` follows each step in the thread: a ``checkpoint.Saver``, for one. If it has
    a method ``at_rest(run)``, that follows when the run halts. Of live runs of one model, or with
    one file to save to, the one that starts pauses the others.
    """

    _all: "weakref.WeakSet[LiveRun]" = weakref.WeakSet()

    def __init__(self, run: Run, *, after_step: Callable[[Run], None] | None = None):
        self.run, self.after_step = run, after_step
        self.on_change: Callable[[], None] | None = None
        self.state, self.message = State.READY, _("Ready to start.")
        if run.finished:  # it was resumed from a file
            self.state, self.message = State.FINISHED, self._all_done()
        self._lock, self._halt = threading.RLock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._pending: list[Callable[[], None]] = []
        self._after_halt = State.PAUSED, ""
        self._start: tuple[dict, dict] | None = None  # weights and run before the first step
        self._marks: deque[tuple[float, int]] = deque(maxlen=50)  # time and images, now and then
        self._images = 0
        self._all.add(self)

    def start(self) -> None:
        """Train until the last epoch is done, or until ``pause()``; go on where it runs already."""
        self._go(math.inf)

    def step(self) -> None:
        """Train on one batch."""
        self._go(1)

    def epoch(self) -> None:
        """Train up to the end of this epoch."""
        self._go(None)

    def pause(self, message: str = "") -> None:
        """Pause after the current step, and say ``message``; ``start()`` resumes."""
        self._halt_as(State.PAUSED, message or _("Paused. Start goes on from here."))

    def start_over(self) -> None:
        """Go back to where the run stood before its first step here; settings stay as they are.

        A run that trains halts first. The learning rate, the momentum and the number of epochs
        are those of now.
        """
        with self._lock:
            self._halt_as(State.READY, _(_BACK))
            if start := self._start:
                self._change(lambda: self._restore(*copy.deepcopy(start)))

    def set(self, *, lr: float | None = None, momentum: float | None = None) -> None:
        """Set learning rate or momentum before the next step; a wrong one becomes the message."""
        self._change(lambda: self.run.set(lr=lr, momentum=momentum))

    def to(self, device: torch.device | str) -> None:
        """Move model, optimizer and batches to another device before the next step."""

        def change() -> None:
            try:
                self.run.to(device)
            except (RuntimeError, TypeError) as error:
                raise ValueError(
                    _("It stays on {here}, as it cannot move to {device}: {said}").format(
                        here=self.run.device, device=device, said=first_line(error)
                    )
                ) from error
            self._marks.clear()  # the speed is that of the new device alone
            if self.state is not State.RUNNING:
                self.message = _("Moved to {device}.").format(device=self.run.device)

        self._change(change)

    def set_epochs(self, epochs: int) -> None:
        """Let the run end after ``epochs`` epochs, but not before the one it is in."""
        self._change(lambda: self.run.set_epochs(epochs))

    def wait(self, timeout: float | None = None) -> State:
        """Wait until nothing runs, or for ``timeout`` seconds; return the state.

        Interrupting the kernel meanwhile pauses the run.
        """
        thread = self._thread
        try:
            if thread:
                thread.join(timeout)
        except KeyboardInterrupt:
            self.interrupt()
            raise
        return self.state

    def interrupt(self) -> None:
        """Pause because the kernel was interrupted, and say so."""
        self.pause(_("Paused, as the kernel was interrupted. Start goes on from here."))

    @property
    def can_start_over(self) -> bool:
        """Say whether the run has trained here, so that there is a start to go back to."""
        return self._start is not None

    @property
    def pending(self) -> bool:
        """Say whether a change still waits for the current step to end."""
        return bool(self._pending)

    def progress(self) -> Progress:
        """Return where the run is."""
        run, history = self.run, self.run.history
        per_epoch = history.steps_per_epoch
        done = run.steps_done
        speed = self._speed()
        batch = len(run.last_batch[1]) if run.last_batch else 0
        left = run.steps_left * batch / speed if batch and speed else math.nan
        return Progress(
            state=self.state,
            message=self.message,
            epoch=-(-done // per_epoch),
            epochs=run.epochs,
            step=(done - 1) % per_epoch + 1 if done else 0,
            steps_per_epoch=per_epoch,
            loss=run.running_loss,
            images_per_second=speed,
            seconds_left=0.0 if run.finished else left,
            device=str(run.device),
        )

    def _go(self, steps: float | None) -> None:
        """Let a thread take so many steps, or (None) those that are left of this epoch."""
        self._pause_others()
        with self._lock:
            if self.state is State.RUNNING:
                return None
            if self.run.finished:
                self.message = self._all_done()
                return self._notify()
            if self._start is None:
                state = self.run.model.state_dict(), self.run.state_dict()
                self._start = copy.deepcopy(state)
            if self.state is State.FAILED:
                self.run.to(self.run.device)  # accepts the weights as they are
            if steps is None:
                steps = max(1, len(self.run.train_batches) - self.run.step)
            self._halt.clear()
            self._after_halt = State.PAUSED, ""
            self._marks.clear()
            self.state, self.message = State.RUNNING, _("Training.")
            self._thread = threading.Thread(target=self._work, args=(steps,), daemon=True)
            self._thread.start()
        return self._notify()

    def _pause_others(self) -> None:
        """Pause what would train the same model or write the same file, and wait until it halts."""
        path = getattr(self.after_step, "path", None)
        for other in list(self._all - {self}):
            same_path = path is not None and path == getattr(other.after_step, "path", None)
            if other.state is State.RUNNING and (same_path or other.run.model is self.run.model):
                other.pause(_("Paused, as another panel trains now. Start goes on from here."))
                other.wait(30)

    def _restore(self, weights: dict, state: dict) -> None:
        groups = [dict(group) for group in self.run.optimizer.param_groups]
        try:
            self.run.model.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(
                _("It cannot start over, as the model has other layers now. Make a new run.")
            ) from error
        self.run.load_state_dict(state)
        for group, now in zip(self.run.optimizer.param_groups, groups, strict=True):
            if not self.run.scheduler:  # it has been brought back, and with it what it sets
                group.update({name: now[name] for name in ("lr", "momentum") if name in now})
        self.run.last_batch = None
        self._marks.clear()
        if self.state is not State.RUNNING:
            self.state, self.message = State.READY, _(_BACK)

    def _work(self, steps: float) -> None:
        try:
            while not self._ends(steps):
                self.run.advance()
                steps -= 1
                self._tell_of_step()
        except Exception as error:  # the edge of the thread: beyond it nobody would hear of it
            with self._lock:
                self.state, self.message = State.FAILED, in_words(error, self.run)
                self._apply_pending()
        finally:
            self._notify()

    def _ends(self, steps: float) -> bool:
        """Apply pending changes; return True and set the final state if training ends here.

        Changes requested later are applied at once, because nothing runs: none is lost.
        """
        rested = False
        while True:
            self._apply_pending()
            with self._lock:
                if self._pending:
                    continue
                if not (self.run.finished or self._halt.is_set() or steps <= 0):
                    return False
                if rested:
                    self.state, self.message = self._end()
                    return True
            at_rest = getattr(self.after_step, "at_rest", None)
            if at_rest and self._after_halt[0] is not State.READY:
                at_rest(self.run)  # else it starts over: the file may stay
            rested = True

    def _tell_of_step(self) -> None:
        _images, labels, _outputs = self.run.last_batch or ((), (), ())
        self._images += len(labels)
        now = time.perf_counter()
        if not self._marks or now - self._marks[-1][0] > 0.1:
            self._marks.append((now, self._images))
        if self.after_step:
            self.after_step(self.run)
        self._notify()

    def _end(self) -> tuple[State, str]:
        if self.run.finished:
            return State.FINISHED, self._done()
        if self._halt.is_set():
            return self._after_halt
        return State.PAUSED, _("Paused. Start goes on from here.")

    def _done(self) -> str:
        n = self.run.epochs
        return ngettext("The epoch is done.", "All {n} epochs are done.", n).format(n=n)

    def _all_done(self) -> str:
        return _("{done} For more, raise the number of epochs.").format(done=self._done())

    def _halt_as(self, state: State, message: str) -> None:
        """Let a run that trains halt after the current step, in ``state``."""
        with self._lock:
            if self.state is State.RUNNING:
                self._after_halt = state, message
                self._halt.set()

    def _change(self, change: Callable[[], None]) -> None:
        """Apply a change now if nothing runs; else let the thread do it between two steps."""
        with self._lock:
            self._pending.append(change)
            if self.state is not State.RUNNING:
                self._apply_pending()

    def _apply_pending(self) -> None:
        while self._pending:
            change = self._pending.pop(0)
            try:
                change()
            except ValueError as error:  # refused: the run goes on as it was
                self.message = str(error)
            self._notify()

    def _notify(self) -> None:
        if self.on_change:
            self.on_change()

    def _speed(self) -> float:
        if len(self._marks) < 2:
            return math.nan
        (start, before), (end, after) = self._marks[0], self._marks[-1]
        return (after - before) / (end - start)


_BACK = N_("Back at the start. Start trains from there.")
