"""Choose the source of the images for all notebooks, and see what is chosen now."""

import os
from pathlib import Path

import ipywidgets as widgets

from labkit.data import DataError, choose, chosen, status
from labkit.data.choice import typed
from labkit.data.layout import survey
from labkit.explorers.shared.looks import Explorer, reporting, row
from labkit.text import _

FOLDER = "folder"


class DataChoice(Explorer):
    """Radio buttons for the sources, a line for a folder's path, and a button that saves.

    Nothing is loaded or downloaded here: the next cell that calls ``load()`` does that, and shows
    its progress. A sentence says what cannot be used, and the choice stays as it was.
    """

    def __init__(self):
        """Start at the source that ``load()`` would use now."""
        self.source = widgets.RadioButtons(
            description=_("Images"), options=_options(), layout=widgets.Layout(width="auto")
        ).add_class("lk-source")
        self.folder = widgets.Text(
            description=_("Folder"),
            placeholder=_("path of a folder that holds one folder per class"),
            tooltip=_("Path of your own folder of images"),
            continuous_update=False,  # sent when it loses the focus, so before the click
        ).add_class("lk-source-folder")
        self.button = widgets.Button(description=_("Use these images")).add_class("lk-wide")
        super().__init__(self.source, row(self.folder, self.button))
        self.source.observe(self._selected, "value")
        self.button.on_click(self._use)
        self._start()

    def _start(self) -> None:
        try:
            now = chosen()
        except DataError as error:
            self._selected()
            self.screen.sentence = str(error)
            return
        if isinstance(now.source, Path):
            self.source.value, self.folder.value = FOLDER, str(now.source)
        else:
            self.source.value = now.source
        self._selected()
        self.screen.sentence = _in_use()

    def _selected(self, _change=None) -> None:
        self.folder.disabled = self.source.value != FOLDER

    @reporting
    def _use(self, _button) -> None:
        try:
            choose(self._wanted())
        except DataError as error:
            self.screen.sentence = _("Nothing was changed. {error}").format(error=error)
        else:
            self.screen.sentence = _in_use()

    def _wanted(self) -> str | Path:
        """Return the selected source; raise ``DataError`` where it is a folder without images."""
        if self.source.value != FOLDER:
            return self.source.value
        if not self.folder.value.strip():
            raise DataError(_("Type the path of your folder first."))
        path = typed(self.folder.value)
        survey(path)
        return path


def _options() -> list[tuple[str, str]]:
    says = {known.source: known.says for known in status()}
    return [
        (_("automatic: CIFAR-10 if it can be downloaded, otherwise the drawn images"), "auto"),
        (_("CIFAR-10, 60,000 photographs ({state})").format(state=says["cifar10"]), "cifar10"),
        (_("drawn images, no network needed ({state})").format(state=says["drawn"]), "drawn"),
        (_("a folder of your own images"), FOLDER),
    ]


def _in_use() -> str:
    now = chosen()
    names = {
        "auto": _("CIFAR-10 if it can be downloaded, otherwise the drawn images"),
        "cifar10": _("CIFAR-10"),
        "drawn": _("the drawn images"),
    }
    name = names.get(now.source) or _("the images in {folder}").format(folder=now.source)
    sentence = _("All notebooks use {name}. {why}").format(name=name, why=now.why)
    if os.environ.get("LABKIT_DATA"):
        sentence += " " + _("It overrides what you choose here, until you unset it.")
    return sentence
