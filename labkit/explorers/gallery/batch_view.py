"""A batch from a DataLoader, unpacked into images and labels."""

from collections.abc import Callable

import ipywidgets as widgets
import torch
from torch.utils.data import DataLoader

from labkit.data import ImageSet
from labkit.display import Html, escaped, table
from labkit.explorers.gallery.compute import Shown
from labkit.explorers.shared.contact_sheet import png
from labkit.explorers.shared.looks import complaint, row
from labkit.plots.base import image_html
from labkit.sandbox import randomness
from labkit.text import _

SHOWN_AT_MOST = 8


class BatchView(widgets.VBox):
    """One batch at a time: the two tensors' shapes, and the images and labels in them.

    ``images`` and ``labels`` are what the loader gave.
    """

    def __init__(self, pictures: ImageSet, transform: Callable, batch_size: int):
        """Show the first of the shuffled batches of ``pictures``."""
        self.classes = pictures.classes
        data = (pictures.data, pictures.targets, pictures.classes)
        seen = ImageSet(*data, source=pictures.source, transform=transform)
        order = torch.Generator().manual_seed(0)
        self.loader = DataLoader(seen, batch_size, shuffle=True, generator=order)
        self.number = 0
        self.images, self.labels = torch.empty(0), torch.empty(0, dtype=torch.int64)
        self.next = widgets.Button(description=_("Next batch")).add_class("lk-gallery-batch")
        self.table, self.message = widgets.HTML(), widgets.HTML()
        super().__init__([row(self.next), self.message, self.table.add_class("lk-batch")])
        self.next.on_click(self._draw)
        self._draw()

    def _draw(self, _button=None) -> None:
        """Take the next batch; say in words what keeps the loader from making one."""
        self.number = self.number % len(self.loader) + 1
        reason = ""
        try:
            with randomness.kept(self.number):
                if self.number == 1:
                    self._batches = iter(self.loader)
                self.images, self.labels = next(self._batches)
        except Exception as error:  # a learner's transform may raise anything
            self.number = 0
            text = _("The loader cannot make a batch. {kind}: {error}")
            reason = text.format(kind=type(error).__name__, error=error)
        else:
            if not isinstance(self.images, torch.Tensor) or self.images.ndim != 4:
                reason = _("The images of this batch are no tensor of the shape [N, C, H, W].")
        self.message.value = complaint(reason) if reason else ""
        self.table.value = "" if reason else self._unpacked()

    def _unpacked(self) -> str:
        """Return a table: the images of the batch in one row, their labels in the next."""
        shown = self.images[:SHOWN_AT_MOST].float().numpy()
        labels = self.labels[:SHOWN_AT_MOST].tolist()
        names = [self.classes[label] for label in labels]
        pixels = [Shown("", "", image).pixels() for image in shown]
        images = [
            Html(image_html(png(image), name, width=128, pixelated=True))
            for image, name in zip(pixels, names, strict=True)
        ]
        rows = (
            (_typed("images", self.images), *images),
            (_typed("labels", self.labels), *(Html(f"<b>{label}</b>") for label in labels)),
            (_("classes"), *names),
        )
        caption = _("Batch {n} of {count:,}.").format(n=self.number, count=len(self.loader))
        if len(self.images) > len(shown):
            caption += " " + _("Its first {n} images:").format(n=len(shown))
        columns = ("", *(f"[{n}]" for n in range(len(shown))))
        text = _(
            "images: {n} images of {c} channels, {h} rows, {w} columns. "
            "labels: one whole number for each image."
        )
        n, c, h, w = self.images.shape
        said = escaped(text.format(n=n, c=c, h=h, w=w))
        return table(columns, rows, caption=caption, row_heads=True) + f"<p>{said}</p>"


def _typed(name: str, tensor: torch.Tensor) -> Html:
    kind = str(tensor.dtype).removeprefix("torch.")
    return Html(f"<code>{name}</code><br>{kind}<br>{list(tensor.shape)}")
