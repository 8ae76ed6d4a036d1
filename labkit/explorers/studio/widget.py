"""The evaluation studio: which mistakes, how sure, what a change does, what goes on inside."""

import html

import ipywidgets as widgets
import numpy as np
import torch
from torch import nn

from labkit.data import ImageSet, normalise
from labkit.explorers.network.widget import NetworkExplorer
from labkit.explorers.shared.looks import Explorer, reporting
from labkit.explorers.studio.changes_view import ChangesView
from labkit.explorers.studio.mistakes_view import MistakesView
from labkit.plots.results import confusion
from labkit.text import _
from labkit.training import Evaluation


class EvaluationStudio(Explorer):
    """Look a classifier's mistakes in the eye.

    The test images are not asked again: the mistakes are those of ``result``.
    What a change does to the accuracy is measured on the validation images.
    """

    def __init__(self, model: nn.Module, test: ImageSet, result: Evaluation, validation: ImageSet):
        """Show what ``model`` made of ``test``: ``result`` is its evaluation, in the same order.

        Raises ValueError where the evaluation is of other images, has other classes, or has
        predictions that are no numbers.
        """
        _refuse_other(test, result)
        self.model, self.test, self.result, self.validation = model, test, result, validation
        self._fresh = {0}
        self.mistakes = MistakesView(test, result, self._picture_changed)
        self.changes = ChangesView(model, validation, normalise)
        self.looked_at = widgets.HTML()
        self.inside = widgets.VBox().add_class("lk-inside")
        self.network: NetworkExplorer | None = None
        views = {
            _("Mistakes"): self.mistakes,
            _("Changed images"): self.changes,
            _("Feature maps"): self.inside,
        }
        self.tabs = widgets.Tab(list(views.values()), titles=list(views), selected_index=0)
        super().__init__(screen=self.tabs)
        self.add_class("lk-studio")
        self.tabs.observe(self._enter, "selected_index")
        self.mistakes.change.on_click(lambda _button: self._go(1))
        self.mistakes.inside.on_click(lambda _button: self._go(2))

    def still(self) -> tuple[bytes, str]:
        """Return the confusion matrix and its sentence."""
        picture = confusion(self.mistakes.matrix, self.test.classes)
        return picture.png(), picture.alt

    def _go(self, tab: int) -> None:
        self.tabs.selected_index = tab

    def _picture_changed(self) -> None:
        self._fresh = {0}  # the others show one image

    @reporting
    def _enter(self, change) -> None:
        """Bring the tab up to date when it is opened: most are not, after most clicks."""
        tab = change["new"]
        if tab is None or tab in self._fresh:
            return
        if self.mistakes.index is None:
            raise ValueError(_("No image is framed. Choose a cell that has images."))
        picture, title = self.test.data[self.mistakes.index], self.mistakes.one.sentence
        self.changes.show(picture, title) if tab == 1 else self._look_inside(picture, title)
        self._fresh.add(tab)

    def _look_inside(self, picture: np.ndarray, title: str) -> None:
        if self.network is None:
            self.network = NetworkExplorer(self.model, self.test, prepare=self._prepare)
            self.network.choice.layout.display = "none"  # the image is chosen among the mistakes
            self.inside.children = [self.looked_at, self.network]
        self.looked_at.value = html.escape(title)
        self.network.choice.show(title, picture)

    def _prepare(self, picture: np.ndarray) -> torch.Tensor:
        weight = next(self.model.parameters(), torch.empty(0))
        return normalise(picture).to(weight.device)


def _refuse_other(test: ImageSet, result: Evaluation) -> None:
    if len(result.targets) != len(test) or result.targets.tolist() != test.targets:
        text = _(
            "This evaluation is not of these images in their order: {n:,} predictions, {m:,} "
            "images. Evaluate with BatchLoader(test_set, 500), without shuffling."
        )
        raise ValueError(text.format(n=len(result.targets), m=len(test)))
    count = result.probabilities.shape[1]
    if count != len(test.classes):
        text = _(
            "The network has {n} classes, and the images have {m}. Make it with Net(classes={m}) "
            "and train it on these images."
        )
        raise ValueError(text.format(n=count, m=len(test.classes)))
    spoilt = int((~result.probabilities.isfinite().all(dim=1)).sum())
    if spoilt:
        text = _(
            "For {n} of {m} images the network computes NaN, which is not a number. "
            "labkit.doctor.examine(net, ...) finds where it begins."
        )
        raise ValueError(text.format(n=spoilt, m=len(test)))
