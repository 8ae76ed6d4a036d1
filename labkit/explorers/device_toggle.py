"""One button per device; the pressed one is where the following cells compute."""

import html

import ipywidgets as widgets
import torch
import traitlets

from labkit.device import Device, available, choose, missing
from labkit.explorers.shared.looks import Explorer, reporting, row
from labkit.text import _


class DeviceToggle(Explorer):
    """Choose a device by pressing its button; ``toggle.device`` is the ``torch.device``.

    A kind of GPU that is not there has a button that cannot be pressed; the reason is folded
    below. ``toggle.observe(function, "device")`` calls a function at each change, with the new
    device as ``change.new``: a running training can follow.
    """

    device = traitlets.Instance(torch.device)

    def __init__(self, device: str | torch.device | None = None):
        """Start with ``device``, chosen as `labkit.device.choose` does; raises its ValueError."""
        self._there = {found.name: found for found in available()}
        self._buttons = {name: _button(found) for name, found in self._there.items()}
        absent = missing()
        super().__init__(
            row(*self._buttons.values(), *(_absent_button(kind) for kind in absent)),
            widgets.HTML(_reasons(absent)),
        )
        for button in self._buttons.values():
            button.observe(self._pressed, "value")
        self.device = choose(device)

    @traitlets.validate("device")
    def _exists(self, proposal) -> torch.device:
        return choose(proposal["value"])

    @traitlets.observe("device")
    def _show(self, _change) -> None:
        for name, button in self._buttons.items():
            button.value = name == str(self.device)
            button.icon = "check" if button.value else ""
        self.screen.sentence = _("The following cells compute on {device}.").format(
            device=self._there[str(self.device)]
        )

    @reporting
    def _pressed(self, change) -> None:
        name = next(name for name, button in self._buttons.items() if button is change.owner)
        if change.new:
            self.device = choose(name)
        elif name == str(self.device):
            change.owner.value = True  # one is always pressed


def _button(found: Device) -> widgets.ToggleButton:
    return widgets.ToggleButton(
        description=found.name,
        tooltip=_("Compute on {device}").format(device=found),
        layout=widgets.Layout(width="auto", min_width="8em"),
    ).add_class(f"lk-device-{found.kind}")


def _absent_button(kind: str) -> widgets.ToggleButton:
    return widgets.ToggleButton(
        description=kind,
        disabled=True,
        tooltip=_("{kind} is not available here").format(kind=kind),
        layout=widgets.Layout(width="auto", min_width="8em"),
    ).add_class(f"lk-device-{kind}")


def _reasons(absent: dict[str, str]) -> str:
    """Return, folded, why each kind of GPU that is missing is missing."""
    if not absent:
        return ""
    each = (
        f"<div><b>{html.escape(kind)}</b>: {html.escape(why)}</div>" for kind, why in absent.items()
    )
    title = html.escape(_("Why are some buttons grey?"))
    return f"<details><summary>{title}</summary>{''.join(each)}</details>"
