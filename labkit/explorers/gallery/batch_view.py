"""A batch from a DataLoader, unpacked into images and labels."""

import html
from collections.abc import Callable

import ipywidgets as widgets
import torch
from torch.utils.data import DataLoader

from labkit.data import ImageSet
from labkit.explorers.gallery.compute import Stage
from labkit.explorers.shared.looks import complaint, row
from labkit.plots.base import image_html
from labkit.plots.samples import tiled
from labkit.sandbox import randomness
from labkit.text import _

SHOWN_AT_MOST = 8


class BatchView(widgets.VBox):
    """One batch at a time: the two tensors' shapes, and the images and labels in them.

    ``images`` and ``labels`` are what the loader gave.
    """

    def __init__(self, pictures: ImageSet, transform: Callable, batch_size: int):
        """Show the first of the shuffled batches of ``pictures``."""
        self.pictures = pictures
        data = (pictures.data, pictures.targets, pictures.classes)
        seen = ImageSet(*data, source=pictures.source, transform=transform)
        order = torch.Generator().manual_seed(0)
        self.loader = DataLoader(seen, batch_size, shuffle=True, generator=order)
        self.number = 0
        self.images, self.labels = torch.empty(0), torch.empty(0, dtype=torch.int64)
        self.next = widgets.Button(description=_("Next batch")).add_class("lk-gallery-batch")
        self.table, self.message = widgets.HTML(), widgets.HTML()
        super().__init__([row(self.next), self.message, self.table])
        self.next.on_click(self._draw)
        self._draw()

    def _draw(self, _button=None) -> None:
        """Take the next batch; say in words what keeps the loader from making one."""
        self.number = self.number % len(self.loader) + 1
        try:
            with randomness.kept(self.number):
                if self.number == 1:
                    self._batches = iter(self.loader)
                self.images, self.labels = next(self._batches)
        except Exception as error:  # a learner's transform may raise anything
            self.number = 0
            text = _("The loader cannot make a batch. {kind}: {error}")
            reason = text.format(kind=type(error).__name__, error=error)
            self.message.value, self.table.value = complaint(reason), ""
            return
        if isinstance(self.images, torch.Tensor) and self.images.ndim == 4:
            self.message.value, self.table.value = "", self._unpacked()
        else:
            text = _("The images of this batch are no tensor of the shape [N, C, H, W].")
            self.message.value, self.table.value = complaint(text), ""

    def _unpacked(self) -> str:
        """Return a table: the images of the batch in one row, their labels in the next."""
        shown = range(min(len(self.images), SHOWN_AT_MOST))
        names = [self.pictures.classes[label] for label in self.labels.tolist()]
        pixels = [Stage("", "", self.images[n].float().numpy()).shown() for n in shown]
        images = [image_html(_png(pixels[n]), names[n], width=128, pixelated=True) for n in shown]
        rows = (
            _row(_typed("images", self.images), [f"images[{n}]<br>{images[n]}" for n in shown]),
            _row(
                _typed("labels", self.labels),
                [f"labels[{n}] = <b>{int(self.labels[n])}</b>" for n in shown],
            ),
            _row(html.escape(_("classes")), [html.escape(names[n]) for n in shown]),
        )
        caption = _("Batch {n} of {count:,}.").format(n=self.number, count=len(self.loader))
        if len(self.images) > len(shown):
            caption += " " + _("Its first {n} images:").format(n=len(shown))
        return (
            f'<table class="lk-batch"><caption>{html.escape(caption)}</caption>'
            f"{''.join(rows)}</table><p>{html.escape(self._shapes())}</p>"
        )

    def _shapes(self) -> str:
        count, channels, height, width = self.images.shape
        text = _(
            "images: {n} images of {c} channels, {h} rows, {w} columns. "
            "labels: one whole number for each image."
        )
        return text.format(n=count, c=channels, h=height, w=width)


def _row(name: str, cells: list[str]) -> str:
    return f'<tr><th scope="row">{name}</th>' + "".join(f"<td>{c}</td>" for c in cells) + "</tr>"


def _typed(name: str, tensor: torch.Tensor) -> str:
    kind = str(tensor.dtype).removeprefix("torch.")
    return f"<code>{name}</code><br>{kind}<br><b>{list(tensor.shape)}</b>"


def _png(pixels) -> bytes:
    return tiled(pixels[None], columns=1, scale=1, gap=0)
