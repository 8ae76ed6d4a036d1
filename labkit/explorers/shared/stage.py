"""A part of an explorer that the browser computes and draws: no move in it waits for the kernel."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from labkit.explorers.shared.looks import SHEET, STATIC, joined
from labkit.text import signs

Plan = dict[str, Any]
"""A control as the browser makes it; its ``name`` is that of its value in ``Stage.settings``."""


class Stage(anywidget.AnyWidget):
    """What a subclass names as ``_esm`` draws this; `script` puts around it what all share.

    scene: what is shown, in plain values
    words: every word that the browser writes, translated here because it cannot do it
    controls: what can be moved, as `slider`, `menu`, `field` and `button` plan it
    settings: where it all stands now; the browser changes it, and so may a cell, by ``set``
    """

    _css = SHEET

    scene = traitlets.Dict().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    controls = traitlets.List().tag(sync=True)
    settings = traitlets.Dict().tag(sync=True, echo_update=False)
    signs = traitlets.Dict(help="How the language writes numbers.").tag(sync=True)

    @traitlets.default("signs")
    def _signs(self) -> dict[str, str]:
        return signs()

    def set(self, **settings) -> None:
        """Move controls, as the learner does."""
        self.settings = self.settings | settings


def script(*files: Path) -> str:
    """Return a stage's own files as one module, what all share before and behind them."""
    return joined(STATIC / "parts.js", STATIC / "controls.js", *files, STATIC / "start.js")


def slider(
    name: str,
    label: str,
    minimum: float = 0,
    maximum: float = 0,
    step: float = 1,
    *,
    texts: Sequence[str] = (),
    wide: bool = False,
) -> Plan:
    """Plan a slider.

    name: the key of its value in ``settings``
    label: what stands before it
    minimum, maximum, step: of the value; not used where there are ``texts``
    texts: a word for each position from 0 on
    wide: whether it takes two columns of the controls, else one
    """
    ends = {"minimum": minimum, "maximum": len(texts) - 1 if texts else maximum, "step": step}
    return _plan("slider", name, label, wide) | ends | {"texts": list(texts)}


def menu(name: str, label: str, options: Sequence[str], *, wide: bool = False) -> Plan:
    """Plan a list to choose from; its value is the place of what is chosen."""
    return _plan("menu", name, label, wide) | {"options": list(options)}


def field(name: str, label: str, *, wide: bool = False) -> Plan:
    """Plan a line of text, which counts when Enter is pressed or the line is left."""
    return _plan("field", name, label, wide)


def button(name: str, label: str) -> Plan:
    """Plan a button; where ``settings`` has its name, it stays pressed while that is True."""
    return _plan("button", name, label, False)


def _plan(kind: str, name: str, label: str, wide: bool) -> Plan:
    return {"kind": kind, "name": name, "label": label, "wide": wide}
