"""Leaf through a set of images: one through its transforms, a class, a batch unpacked."""

from collections.abc import Callable

import ipywidgets as widgets
import numpy as np

from labkit.data import ImageSet
from labkit.explorers.gallery.batch_view import BatchView
from labkit.explorers.gallery.compute import Shown, follow
from labkit.explorers.gallery.value_view import ValueView
from labkit.explorers.shared.bars import bars
from labkit.explorers.shared.contact_sheet import ContactSheet
from labkit.explorers.shared.looks import Explorer, complaint, reporting, row
from labkit.explorers.shared.own_image import ImageChoice
from labkit.plots.samples import gallery
from labkit.text import _, written

COLUMNS, ROWS = 7, 6
"""So many images of a class are shown at once."""

CLASSES_AT_MOST = 16
"""Of more classes, the balance shows those with the most and with the fewest images."""


class SampleGallery(Explorer):
    """Look at the images of a set: one by one, class by class, and in a batch.

    ``one.stages`` holds the image before and after each transform. Random transforms draw from
    a seed of the gallery's own; the learner's random numbers are left alone.
    """

    def __init__(
        self, pictures: ImageSet, transform: Callable | None = None, *, batch_size: int = 4
    ):
        """Show ``pictures`` through ``transform``, or through their own where none is given."""
        transform = pictures.transform if transform is None else transform
        self.one = OnePicture(pictures, transform)
        self.classes = ClassView(pictures, self._open)
        views = {_("One image"): self.one, _("Classes"): self.classes}
        if transform is not None:
            self.batch = BatchView(pictures, transform, batch_size)
            views[_("A batch")] = self.batch
        self.tabs = widgets.Tab(list(views.values()), titles=list(views), selected_index=0)
        super().__init__(screen=self.tabs)
        self.add_class("lk-gallery")

    @reporting
    def _open(self, index: int) -> None:
        self.one.go(index)
        self.tabs.selected_index = 0

    def still(self) -> tuple[bytes, str]:
        """Return the image before and after each transform, and what the last one holds."""
        stages = self.one.stages
        picture = gallery([stage.pixels() for stage in stages], [stage.name for stage in stages])
        return picture.png(), f"{picture.alt} {self.one.view.sentence}"


class OnePicture(widgets.VBox):
    """One image of a set, or the learner's own, before and after each transform."""

    def __init__(self, pictures: ImageSet, transform: Callable | None):
        """Start with image 0 of ``pictures``, seen through ``transform``."""
        self.pictures, self.transform = pictures, transform
        self.targets = np.asarray(pictures.targets)
        self.dice = np.random.default_rng()
        self.seed = 0
        self.own = ImageChoice({"": pictures.data[0]})
        self.view, self.message = ValueView(), widgets.HTML()
        self._controls()
        super().__init__([self.leaf, self.load, self.own.message, self.message, self.view])
        self.label.observe(self._choose, "value")
        self.number.observe(self._typed, "value")
        self.own.observe(self._show_own, "image")
        self._show()

    def _controls(self) -> None:
        classes = [(name, number) for number, name in enumerate(self.pictures.classes)]
        options = [(_("all"), -1), *classes]
        self.label = widgets.Dropdown(options=options, description=_("Class"))
        self.number = widgets.BoundedIntText(
            max=len(self.pictures) - 1, description=_("Number")
        ).add_class("lk-gallery-number")
        for control in (self.label, self.number):
            control.add_class("lk-narrow")
        self.back = button("◀ " + _("Back"), lambda _button: self._step(-1), "back")
        self.next = button(_("Next") + " ▶", lambda _button: self._step(1), "next")
        self.any = button(_("At random"), lambda _button: self._step(None), "any")
        self.again = button(_("Draw again"), self._draw_again, "again")
        self.again.tooltip = _("Draw new random numbers for the random transforms")
        self.leaf = row(self.label, self.number, self.back, self.next, self.any)
        self.load = row(self.own.upload, self.own.path, self.again)

    def go(self, index: int) -> None:
        """Show image ``index`` of the set."""
        if self.number.value != index:
            self.number.value = index  # which shows it
        else:
            self._show()

    def _members(self) -> np.ndarray:
        """Return the numbers of all images of the chosen class."""
        if self.label.value < 0:
            return np.arange(len(self.targets))
        return np.flatnonzero(self.targets == self.label.value)

    @reporting
    def _choose(self, _change) -> None:
        members = self._members()
        if not len(members):
            name = self.pictures.classes[self.label.value]
            raise ValueError(_("This set has no image of the class {name}.").format(name=name))
        if self.number.value not in members:
            self.go(int(members[0]))

    @reporting
    def _typed(self, _change) -> None:
        if self.label.value not in (-1, self.targets[self.number.value]):
            self.label.value = -1  # the typed number is of another class
        self._show()

    def _step(self, by: int | None) -> None:
        """Go on by so many images of the class, round and round; None: to any of them."""
        members = self._members()
        if len(members):
            here = int(np.searchsorted(members, self.number.value))
            step = int(self.dice.integers(1, max(len(members), 2))) if by is None else by
            self.go(int(members[(here + step) % len(members)]))

    def _draw_again(self, _button) -> None:
        self.seed += 1
        self._follow()

    def _show(self) -> None:
        index = self.number.value
        label = int(self.targets[index])
        self.picture = self.pictures.data[index]
        self.own.path.value = self.own.message.value = ""
        self.title = _("Image {index} of {count:,}: {name}, label {label}.").format(
            index=index, count=len(self.targets), name=self.pictures.classes[label], label=label
        )
        self._follow()

    def _show_own(self, _change) -> None:
        self.picture = self.own.image
        self.title = _("Your own image, {name}.").format(name=self.own.name)
        self._follow()

    def _follow(self) -> None:
        """Send the image through the transforms and show all that it becomes."""
        self.stages: list[Shown]
        self.stages, complaints = follow(self.picture, self.transform, seed=self.seed)
        random = any(stage.random for stage in self.stages)
        self.again.layout.display = "" if random else "none"
        self.view.show_image(self.stages, self.title)
        self.message.value = complaint(" ".join(complaints)) if complaints else ""


class ClassView(widgets.VBox):
    """How many images each class has, and many images of one class."""

    def __init__(self, pictures: ImageSet, on_pick: Callable[[int], None]):
        """Start with the class of image 0; ``on_pick(index)`` hears which image is clicked."""
        self.pictures = pictures
        self.targets = np.asarray(pictures.targets)
        self.counts = np.bincount(self.targets, minlength=len(pictures.classes))
        self.start = 0
        self.balance = widgets.HTML(self._balance()).add_class("lk-balance")
        self.sheet = ContactSheet(COLUMNS, ROWS, lambda n: on_pick(int(self.shown[n])), scale=1.9)
        self.label = widgets.Dropdown(
            options=[(name, number) for number, name in enumerate(pictures.classes)],
            value=int(self.targets[0]),
            description=_("Class"),
        ).add_class("lk-gallery-sheet")
        self.more = button(_("Others of this class"), self._more, "more")
        self.message = widgets.HTML()
        sides = widgets.HBox([self.balance, self.sheet]).add_class("lk-columns")
        super().__init__([row(self.label, self.more.add_class("lk-wide")), self.message, sides])
        self.label.observe(self._choose, "value")
        self._draw()

    def _balance(self) -> str:
        """Return bars of the number of images of each class."""
        order = np.argsort(-self.counts, kind="stable")
        half = CLASSES_AT_MOST // 2
        cut = len(order) > CLASSES_AT_MOST
        chosen = np.r_[order[:half], order[-half:]] if cut else np.arange(len(order))
        names = [self.pictures.classes[number] for number in chosen]
        counts = self.counts[chosen].tolist()
        caption = self.pictures.split or _("images")
        if cut:
            text = _("Of {n} classes, the {half} with the most and the {half} with the fewest.")
            caption += ". " + text.format(n=len(order), half=half)
        texts = [written(count, ",") for count in counts]
        shares = [count / max(*counts, 1) for count in counts]
        return bars(names, shares, caption, texts=texts)

    @reporting
    def _choose(self, _change) -> None:
        self.start = 0
        self._draw()

    @reporting
    def _more(self, _button) -> None:
        self.start += self.sheet.page
        self._draw()

    def _draw(self) -> None:
        members = np.flatnonzero(self.targets == self.label.value)
        name = self.pictures.classes[self.label.value]
        if not len(members):
            raise ValueError(_("This set has no image of the class {name}.").format(name=name))
        self.start = self.start if self.start < len(members) else 0
        self.shown = members[self.start :][: self.sheet.page]
        self.more.disabled = len(members) <= self.sheet.page
        sentence = _(
            "{name}, label {label}: {first} to {last} of {count:,}. Click one to see it enlarged."
        ).format(
            name=name,
            label=self.label.value,
            first=self.start + 1,
            last=self.start + len(self.shown),
            count=len(members),
        )
        self.sheet.show_images(self.pictures.data[self.shown], sentence)


def button(text: str, callback: Callable, name: str) -> widgets.Button:
    """Return a button as wide as its text, with the class ``lk-gallery-NAME``."""
    made = widgets.Button(description=text)
    made.on_click(callback)
    return made.add_class(f"lk-gallery-{name}")
