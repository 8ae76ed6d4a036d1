"""One button per device; the pressed one is where the following cells compute."""

from pathlib import Path

import anywidget
import ipywidgets as widgets
import torch
import traitlets

from labkit.device import available, choose, missing
from labkit.display import escaped
from labkit.explorers.device_toggle import compute
from labkit.explorers.shared.looks import SHEET, Explorer, Slider, reporting, row
from labkit.text import _, written
from labkit.timing import recordings


class Track(anywidget.AnyWidget):
    """Two bars that fill at ``rates`` images per second, from 0 again at each ``revision``."""

    _esm = Path(__file__).with_name("race.js")
    _css = SHEET

    rates = traitlets.Dict().tag(sync=True)
    unit = traitlets.Unicode().tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)


class DeviceToggle(Explorer):
    """Choose a device by pressing its button; ``toggle.device`` is the ``torch.device``.

    Where there is no GPU, one more button replays the newest recording of one in ``folder``, or
    races the CPU's threads if there is none; ``toggle.device`` stays the CPU then.
    ``toggle.observe(function, "device")`` calls a function at each change, with the new device as
    ``change.new``: a running training can follow.
    """

    device = traitlets.Instance(torch.device)

    def __init__(
        self, device: str | torch.device | None = None, *, folder: str | Path = recordings.FOLDER
    ):
        """Start with ``device``, chosen as `labkit.device.choose` does; raises its ValueError."""
        self._there = {found.name: found for found in available()}
        self._buttons = {
            name: _button(name, found.kind, _("Compute on {device}").format(device=found))
            for name, found in self._there.items()
        }
        self._race = compute.recorded(folder)
        if self._race:
            name, hint = (
                _("GPU, recorded"),
                _("Race a GPU that was recorded: nothing computes there"),
            )
        else:
            name, hint = (
                _("CPU race"),
                _("Race one thread against all: no GPU has been recorded yet"),
            )
        self.replay = _button(name, "gpu", hint)
        self._make_race()
        absent = missing()
        buttons = [*self._buttons.values()]
        super().__init__(
            row(*buttons, *([self.replay] if len(buttons) == 1 else [])),
            self.race,
            widgets.HTML(_reasons(absent)),
        )
        for button in buttons:
            button.observe(self._pressed, "value")
        self.replay.observe(self._replay, "value")
        self.device = choose(device)

    def _make_race(self) -> None:
        self.words, self.track = widgets.HTML(), Track(unit=_("{n} images/s"))
        self.batch = Slider(label=_("batch"))
        self.again = widgets.Button(
            description=_("Again"), icon="refresh", tooltip=_("Race once more with this batch size")
        )
        self.again.on_click(lambda _button: self._run())
        self.batch.observe(lambda _change: self._run(), "value")
        self.race = widgets.VBox([self.words, row(self.batch, self.again), self.track])
        self.race.layout.display = "none"
        if self._race:
            self._offer(self._race, _("{source}. Your cells go on computing on the CPU."))

    @traitlets.validate("device")
    def _exists(self, proposal) -> torch.device:
        return choose(proposal["value"])

    @traitlets.observe("device")
    def _show(self, _change=None) -> None:
        self.replay.value = False
        for name, button in self._buttons.items():
            button.value = name == str(self.device)
            button.icon = "check" if button.value else ""
        self._say()

    def _say(self) -> None:
        text = _("The following cells compute on {device}.")
        self.screen.sentence = text.format(device=self._there[str(self.device)])

    @reporting
    def _pressed(self, change) -> None:
        name = next(name for name, button in self._buttons.items() if button is change.owner)
        if change.new:
            self.device = choose(name)
            self._show()
        elif name == str(self.device) and not self.replay.value:
            change.owner.value = True  # one is always pressed

    @reporting
    def _replay(self, change) -> None:
        self.race.layout.display = "" if change.new else "none"
        self.replay.icon = "check" if change.new else ""
        if change.new:
            for button in self._buttons.values():
                button.value, button.icon = False, ""
            self._race = self._race or self._measure()
            self._run()
        else:
            self._show()

    def _measure(self) -> compute.Race | None:
        self._tell(_("Measuring the CPU instead: 3 seconds ..."))
        race = compute.measured()
        if race:
            self._offer(
                race, _("{source}: more threads are more workers, as the cores of a GPU are.")
            )
        else:
            self._tell(_("This machine has one core, so there is nothing to race."))
        return race

    def _offer(self, race: compute.Race, says: str) -> None:
        self._tell(says.format(source=race.source))
        self.batch.texts = [written(batch, ",") for batch in race.batches]
        self.batch.maximum = len(race.batches) - 1

    def _tell(self, sentence: str) -> None:
        self.words.value = f"<p>{escaped(sentence)}</p>"

    @reporting
    def _run(self) -> None:
        if not self._race:
            return
        batch = self._race.batches[int(self.batch.value)]
        rates = {name: row[batch] for name, row in self._race.lanes.items()}
        with self.track.hold_sync():
            self.track.rates = rates
            self.track.sentence = compute.in_words(rates, batch)
            self.track.revision += 1


def _button(name: str, kind: str, hint: str) -> widgets.ToggleButton:
    layout = widgets.Layout(width="auto", min_width="8em")
    button = widgets.ToggleButton(description=name, tooltip=hint, layout=layout)
    return button.add_class(f"lk-device-{kind}")


def _reasons(absent: dict[str, str]) -> str:
    """Return, folded, why each kind of GPU that is missing is missing."""
    if not absent:
        return ""
    each = (f"<div><b>{escaped(kind)}</b>: {escaped(why)}</div>" for kind, why in absent.items())
    title = escaped(_("Which GPUs are missing here, and why?"))
    return f"<details><summary>{title}</summary>{''.join(each)}</details>"
