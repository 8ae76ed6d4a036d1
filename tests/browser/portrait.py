"""Take the README's picture of a widget, `images/widget.png`: ``python -m tests.browser.portrait``.

It is the convolution explorer in JupyterLab, on a drawn picture, with a filter that the workshop's
network learned in three short epochs on the drawn pictures.
"""

import io

from PIL import Image

from tests.browser.lab import ROOT, in_jupyterlab

CELL = """
import torch
from labkit.data import load
from labkit.data.drawn import draw_one
from labkit.data.loaders import BatchLoader
from labkit.model import Net
from labkit.training import train_epoch
from labkit.explorers.convolution import ConvolutionExplorer

train = load("drawn").train
torch.manual_seed(0)
net = Net(len(train.classes))
sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
for epoch in range(3):
    batches = BatchLoader(train, batch_size=16, shuffle=True, seed=epoch)
    train_epoch(net, batches, torch.nn.CrossEntropyLoss(), sgd)
explorer = ConvolutionExplorer({"bird": draw_one("bird", seed=1, size=32)}, net)
explorer.stage.set(kernel=12, position=28 * 19 + 13)
explorer
"""


def main() -> None:
    """Run the cell in JupyterLab, and save what the explorer looks like."""
    with in_jupyterlab(CELL, height=1200) as opened:
        opened.page.evaluate("window.jupyterapp.shell.collapseLeft()")
        opened.run_all()
        opened.page.wait_for_timeout(1000)
        png = opened.page.locator(".lk-explorer").screenshot()
        assert not opened.errors(), opened.errors()
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    image.save(ROOT / "images" / "widget.png", optimize=True)


if __name__ == "__main__":
    main()
