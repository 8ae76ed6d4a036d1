"""One button per device; the pressed one is where the following cells compute."""

from pathlib import Path

import ipywidgets as widgets
import torch
import traitlets

from labkit.device import available, choose, missing
from labkit.display import escaped
from labkit.explorers.device_toggle import compute
from labkit.explorers.shared.looks import Explorer, Slider, reporting, row
from labkit.text import _, written
from labkit.timing import recordings


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
        self._race, self._runs = compute.recorded(folder), 0
        names, hints = [*self._there], [f"{one}" for one in self._there.values()]
        hints = [_("Compute on {device}").format(device=hint) for hint in hints]
        if len(names) == 1 and self._race:
            names.append(_("GPU, recorded"))
            hints.append(_("Race a GPU that was recorded: nothing computes there"))
        elif len(names) == 1:
            names.append(_("CPU race"))
            hints.append(_("Race one thread against all: no GPU has been recorded yet"))
        self.choice = widgets.ToggleButtons(options=names, tooltips=hints)
        self.choice.add_class("lk-devices").style.button_width = "auto"
        self.words, self.track = widgets.HTML(), widgets.HTML()
        self.batch = Slider(label=_("batch"))
        self.again = widgets.Button(
            description=_("Again"), icon="refresh", tooltip=_("Race once more with this batch size")
        )
        self.race = widgets.VBox([self.words, row(self.batch, self.again), self.track])
        self.race.layout.display = "none"
        super().__init__(self.choice, self.race, widgets.HTML(_reasons(missing())))
        self.device = choose(device)
        self.choice.observe(self._choose, "value")
        self.batch.observe(self._run, "value")
        self.again.on_click(self._run)
        if self._race:
            self._offer(self._race, _("{source}. Your cells go on computing on the CPU."))

    @traitlets.validate("device")
    def _exists(self, proposal) -> torch.device:
        return choose(proposal["value"])

    @traitlets.observe("device")
    def _show(self, _change=None) -> None:
        self.choice.value = str(self.device)
        text = _("The following cells compute on {device}.")
        self.screen.sentence = text.format(device=self._there[str(self.device)])

    @reporting
    def _choose(self, change) -> None:
        races = change.new not in self._there
        self.race.layout.display = "" if races else "none"
        if not races:
            self.device = choose(change.new)
            return
        if not self._race:
            self._measure()
        self._run()

    def _measure(self) -> None:
        self._tell(_("Measuring the CPU instead: 3 seconds ..."))
        self._race = compute.measured()
        if self._race:
            self._offer(
                self._race, _("{source}: more threads are more workers, as the cores of a GPU are.")
            )
        else:
            self._tell(_("This machine has one core, so there is nothing to race."))

    def _offer(self, race: compute.Race, says: str) -> None:
        self._tell(says.format(source=race.source))
        self.batch.texts = [written(batch, ",") for batch in race.batches]
        self.batch.maximum = len(race.batches) - 1

    def _tell(self, sentence: str) -> None:
        self.words.value = f"<p>{escaped(sentence)}</p>"

    @reporting
    def _run(self, _change=None) -> None:
        if self._race:
            batch = self._race.batches[int(self.batch.value)]
            rates = {name: row[batch] for name, row in self._race.lanes.items()}
            self._runs += 1  # the bars begin again only where the text is another one
            self.track.value = f"{compute.drawn(rates, batch)}<!-- {self._runs} -->"


def _reasons(absent: dict[str, str]) -> str:
    """Return, folded, why each kind of GPU that is missing is missing."""
    if not absent:
        return ""
    each = (f"<div><b>{escaped(kind)}</b>: {escaped(why)}</div>" for kind, why in absent.items())
    title = escaped(_("Which GPUs are missing here, and why?"))
    return f"<details><summary>{title}</summary>{''.join(each)}</details>"
