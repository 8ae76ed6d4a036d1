"""Take the README's picture of a widget, `images/widget.png`: ``python -m tests.browser.portrait``.

It is the convolution explorer in JupyterLab, on a drawn picture, with a filter that the workshop's
network learned in three short epochs on the drawn pictures.
"""

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.lab import ROOT, Notebook, jupyterlab, launch, write_notebook

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
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        write_notebook(Path(home) / "portrait.ipynb", CELL)
        with jupyterlab(Path(home), root=Path(home)) as address:
            browser = launch(playwright)
            page = browser.new_page(viewport={"width": 1280, "height": 1200})
            opened = Notebook(page, *address, "portrait.ipynb")
            page.evaluate("window.jupyterapp.shell.collapseLeft()")
            opened.run_all()
            page.wait_for_timeout(1000)
            png = page.locator(".lk-explorer").screenshot()
            assert not opened.errors(), opened.errors()
            browser.close()
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    image.save(ROOT / "images" / "widget.png", optimize=True)


if __name__ == "__main__":
    main()
