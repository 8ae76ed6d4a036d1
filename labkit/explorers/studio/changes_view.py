"""What a change of brightness, blur, noise or rotation does to an image and to the accuracy."""

from collections.abc import Callable

import ipywidgets as widgets
import numpy as np
import torch
from torch import nn

from labkit.data import ImageSet
from labkit.evaluation.corruptions import CORRUPTIONS, Corruption, accuracy_under, corrupt
from labkit.evaluation.scores import Share
from labkit.explorers.network.draw import bars
from labkit.explorers.shared.looks import Busy, Screen, Slider, reporting, row
from labkit.explorers.studio.draw import BOTH_WIDTH, UnderChange, before_after
from labkit.sandbox.model_lock import one_thread
from labkit.sandbox.untouched import untouched
from labkit.text import _


class ChangesView(widgets.VBox):
    """One image before and after a change, and the accuracy at each amount of it.

    ``measured`` holds the shares of correct predictions by kind, ``probabilities`` what the network
    predicts for the changed image.
    """

    def __init__(
        self,
        model: nn.Module,
        pictures: ImageSet,
        prepare: Callable[[np.ndarray], torch.Tensor],
    ):
        """Measure the accuracy on ``pictures``, once for each kind that is chosen.

        ``prepare`` turns an image, uint8 ``[32, 32, 3]``, into the ``[3, 32, 32]`` that the model
        takes. Nothing is measured before the first ``show``.
        """
        self.model, self.pictures, self.prepare = model, pictures, prepare
        self.measured: dict[str, list[Share]] = {}
        self._curves: dict[str, UnderChange] = {}
        self._before = np.empty(0)
        self.picture, self.title = pictures.data[0], ""
        self.probabilities = np.empty(0)
        self._busy = Busy()
        self.kind = widgets.Dropdown(
            options=[(_(change.name), kind) for kind, change in CORRUPTIONS.items()],
            description=_("Change"),
        )
        self.amount = Slider.of(_("Amount"), ["–"])
        self.both, self.curve = Screen(width=BOTH_WIDTH), Screen(width=UnderChange.WIDTH)
        self.before, self.after, self.message = widgets.HTML(), widgets.HTML(), widgets.HTML()
        answers = widgets.HBox([self.before, self.after]).add_class("lk-answers")
        left = widgets.VBox([self.both, answers]).add_class("lk-both")
        sides = widgets.HBox([left, self.curve.add_class("lk-curve")]).add_class("lk-columns")
        super().__init__([row(self.kind, self.amount.add_class("lk-wide")), self.message, sides])
        self.add_class("lk-changes")
        self.kind.observe(self._choose, "value")
        self.amount.observe(self._move, "value")

    def show(self, picture: np.ndarray, title: str) -> None:
        """Show an image, uint8 ``[32, 32, 3]``, and say in ``title`` what it is."""
        self.picture, self.title = picture, title
        self._before = self._ask(picture)
        self.before.value = bars(self.pictures.classes, self._before.tolist())
        if self._curves:
            self._draw()
        else:
            self._choose()

    @reporting
    def _choose(self, _change=None) -> None:
        """Measure the chosen kind, if it is new, and start at a moderate amount of it."""
        if self._before is None:
            return  # there is no image yet
        kind = CORRUPTIONS[self.kind.value]
        words = [kind.say(amount) for amount in kind.amounts]
        with self._busy, self.amount.hold_sync():
            self.amount.texts, self.amount.maximum = words, len(words) - 1
            self.amount.value = kind.amounts.index(0) + 2
        if self.kind.value not in self._curves:
            self._draw_image()  # it need not wait for the others
            self.curve.show(b"", _("Measuring on validation images ..."))
            model, pictures, device = self.model, self.pictures, self._device()
            shares = accuracy_under(model, pictures, self.kind.value, device=device)
            self.measured[self.kind.value] = shares
            self._curves[self.kind.value] = UnderChange(_(kind.name), kind.amounts, words, shares)
        self._draw()

    @reporting
    def _move(self, _change) -> None:
        if self._curves and not self._busy:
            self._draw()

    def _device(self) -> torch.device:
        return next((weight.device for weight in self.model.parameters()), torch.device("cpu"))

    def _ask(self, picture: np.ndarray) -> np.ndarray:
        """Return the probabilities that the model gives an image, float32 ``[C]``."""
        with untouched(self.model):
            outputs = self.model(self.prepare(picture)[None].to(self._device()))
        return outputs[0].float().softmax(0).cpu().numpy()

    @one_thread()
    def _draw_image(self) -> None:
        kind, place = CORRUPTIONS[self.kind.value], self.amount.value
        changed = corrupt(self.picture[None], self.kind.value, kind.amounts[place])[0]
        self.probabilities = self._ask(changed)
        self.both.show(before_after(self.picture, changed), self._say_picture(kind, place))
        self.after.value = bars(self.pictures.classes, self.probabilities.tolist())

    def _draw(self) -> None:
        self._draw_image()
        kind, place = CORRUPTIONS[self.kind.value], self.amount.value
        share = self.measured[self.kind.value][place]
        low, high = share.interval
        text = _(
            "With {name} {words}, {share:.1%} of {n:,} validation images are recognised (95% "
            "interval: {low:.0%} to {high:.0%})."
        )
        numbers = {"share": share.value, "n": share.of, "low": low, "high": high}
        said = text.format(name=_(kind.name), words=kind.say(kind.amounts[place]), **numbers)
        self.curve.show(self._curves[self.kind.value].png(place), said)

    def _say_picture(self, kind: Corruption, place: int) -> str:
        names, best = self.pictures.classes, int(self.probabilities.argmax())
        before = int(self._before.argmax())
        text = (
            _("{title} With {name} {words}: still {after}.")
            if best == before
            else _("{title} With {name} {words}: no longer {before}, but {after}.")
        )
        return text.format(
            title=self.title,
            name=_(kind.name),
            words=kind.say(kind.amounts[place]),
            before=names[before],
            after=names[best],
        )
