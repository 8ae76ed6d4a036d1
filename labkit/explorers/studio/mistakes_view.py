"""The mistakes of a classifier: a cell of the confusion matrix, its images, one of them."""

from collections.abc import Callable
from threading import Lock

import ipywidgets as widgets
import torch

from labkit.data import ImageSet
from labkit.evaluation.scores import confusion_matrix, find, most_confused
from labkit.explorers.shared.bars import prediction
from labkit.explorers.shared.contact_sheet import ContactSheet, png
from labkit.explorers.shared.looks import Screen, Slider, reporting, row
from labkit.explorers.studio.confusion_grid import NOWHERE, ConfusionGrid, say_cell
from labkit.sandbox.model_lock import one_thread
from labkit.text import _
from labkit.training import Evaluation

CLASSES_AT_MOST = 10
"""Of more classes, the matrix shows those with the most mistakes; the menus name them all."""

OTHER = -1


class MistakesView(widgets.VBox):
    """Choose a cell by mouse, arrow keys or menus; see its images, the surest predictions first.

    ``found`` are the numbers of the cell's images, ``index`` is that of the framed one or None.
    """

    def __init__(self, pictures: ImageSet, result: Evaluation, on_change: Callable[[], None]):
        """Show all mistakes first; call ``on_change`` whenever another image is framed."""
        self.pictures, self.result, self.on_change = pictures, result, on_change
        self.classes = pictures.classes
        self.matrix = confusion_matrix(result)
        self.shown = most_confused(self.matrix, CLASSES_AT_MOST)
        self.found = torch.empty(0, dtype=torch.int64)
        self._busy = Lock()  # held while several controls change: draw once, after it
        self.grid = ConfusionGrid(self.matrix, self.classes, self.shown)
        self.truth, self.answer = self._menu(_("Is")), self._menu(_("Predicted as"))
        self.which = Slider(label=_("Image"), minimum=1, maximum=1, value=1)
        self.sheet = ContactSheet(7, 3, self._pick, scale=1.2)
        self.one = Screen(width=130).add_class("lk-pixelated")
        self.bars, self.message, self.part = widgets.HTML(), widgets.HTML(), widgets.HTML()
        if len(self.shown) < len(self.classes):
            text = _("The {n} of {all} classes with the most mistakes; the menus have them all.")
            self.part.value = text.format(n=len(self.shown), all=len(self.classes))
        self.inside, self.change = (
            widgets.Button(description=name) for name in (_("Feature maps"), _("Change it"))
        )
        super().__init__([self._laid_out(), self.message])
        self.add_class("lk-mistakes")
        self.grid.observe(self._walk, "settings")
        for menu in (self.truth, self.answer):
            menu.observe(self._choose, "value")
        self.which.observe(self._frame, "value")
        self._choose()

    def _menu(self, name: str) -> widgets.Dropdown:
        options = [
            (_("any other class"), OTHER),
            *((name, k) for k, name in enumerate(self.classes)),
        ]
        return widgets.Dropdown(options=options, description=name).add_class("lk-narrow")

    def _laid_out(self) -> widgets.Widget:
        one = widgets.HBox([self.one, self.bars]).add_class("lk-framed")
        menus, walk = row(self.truth, self.answer), row(self.which, self.inside, self.change)
        beside = widgets.VBox([menus, self.sheet, walk, one]).add_class("lk-beside")
        matrix = widgets.VBox([self.grid, self.part])
        return widgets.HBox([matrix, beside]).add_class("lk-columns")

    @property
    def index(self) -> int | None:
        """Return the number of the framed image in the set; None where the cell is empty."""
        return int(self.found[self.which.value - 1]) if len(self.found) else None

    def go_to(self, truth: int = OTHER, answer: int = OTHER) -> None:
        """Open a cell by the numbers of its classes; -1 stands for any other class."""
        with self.truth.hold_sync(), self.answer.hold_sync():  # the browser gets the images first
            with self._busy:
                self.truth.value, self.answer.value = truth, answer
            self._choose()

    @reporting
    def _walk(self, change) -> None:
        chosen = change["new"]["chosen"]
        if chosen == NOWHERE:
            return  # the menus have led out of the matrix
        cell = [OTHER if place < 0 else self.shown[place] for place in chosen]
        if cell != [self.truth.value, self.answer.value]:
            self.go_to(*cell)

    @reporting
    @one_thread()
    def _choose(self, _change=None) -> None:
        if self._busy.locked():
            return
        truth, answer = (
            None if menu.value == OTHER else menu.value for menu in (self.truth, self.answer)
        )
        self.found = find(self.result, truth, answer)
        self._mark(truth, answer)
        with self.which.hold_sync():  # the browser gets the images first
            with self._busy:
                self.which.maximum, self.which.value = max(len(self.found), 1), 1
                self.which.disabled = len(self.found) < 2
            self._draw()

    def _mark(self, truth: int | None, answer: int | None) -> None:
        """Mark the chosen cell in the grid, or none if the grid does not have it."""
        place = NOWHERE
        if all(k is None or k in self.shown for k in (truth, answer)):
            place = [OTHER if k is None else self.shown.index(k) for k in (truth, answer)]
        self.grid.set(chosen=place)

    @reporting
    def _frame(self, _change) -> None:
        if not self._busy.locked():
            self._draw()

    def _pick(self, number: int) -> None:
        self.which.value = self._first + number + 1

    @property
    def _first(self) -> int:
        """The place of the first image on the page of the framed one."""
        return (self.which.value - 1) // self.sheet.page * self.sheet.page

    def _draw(self) -> None:
        """Show the page of the framed image, the image, and what the network says of it."""
        first = self._first
        page = self.found[first : first + self.sheet.page].numpy()
        framed = self.which.value - 1 - first
        self.sheet.show_images(self.pictures.data[page], self._say_cell(first, len(page)), framed)
        for button in (self.inside, self.change):
            button.disabled = not len(page)
        if len(page):
            self.one.show(png(self.pictures.data[self.index]), self._say_one())
            probabilities = self.result.probabilities[self.index].tolist()
            self.bars.value = prediction(self.classes, probabilities)
        else:
            self.one.show(b"", "")
            self.bars.value = ""
        self.on_change()

    def _say_cell(self, first: int, count: int) -> str:
        truth, answer = (
            None if menu.value == OTHER else self.classes[menu.value]
            for menu in (self.truth, self.answer)
        )
        text = say_cell(len(self.found), truth, answer) + "."
        if truth is not None and not self.matrix[self.truth.value].any():
            return _("There are no test images of the class {name}.").format(name=truth)
        if count < len(self.found):
            more = _("Shown: {first} to {last}, the surest first.")
            text += " " + more.format(first=first + 1, last=first + count)
        elif count > 1:
            text += " " + _("The surest first.")
        return text

    def _say_one(self) -> str:
        index = self.index
        return _("Image {index}: {truth}, predicted as {answer}, {share:.0%} sure.").format(
            index=index,
            truth=self.classes[int(self.result.targets[index])],
            answer=self.classes[int(self.result.predictions[index])],
            share=float(self.result.probabilities[index].max()),
        )
