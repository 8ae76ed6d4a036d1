"""Without a kernel: an exported page shows a still picture, or a table, and a sentence."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]

CELLS = """
import numpy as np
from labkit.model import Net
from labkit.explorers.convolution import ConvolutionExplorer, PoolingExplorer
from labkit.explorers.landscape.widget import LandscapeExplorer
from labkit.explorers.network.widget import NetworkExplorer
from labkit.explorers.shape_coach.widget import ShapeCoach
from labkit.explorers.softmax.widget import SoftmaxExplorer
samples = {"grey": np.full((32, 32, 3), 90, np.uint8)}
---
ConvolutionExplorer(samples)
---
PoolingExplorer(samples)
---
ShapeCoach()
---
NetworkExplorer(Net(), samples)
---
LandscapeExplorer("bowl")
---
SoftmaxExplorer(["bird", "cat", "dog"])
---
ShapeCoach.of(Net(), (4, 3, 52, 52))
""".split("---")


def test_an_exported_page_shows_every_explorer_as_a_still_picture_and_a_sentence(tmp_path):
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, tmp_path / "stills.ipynb")
    options = ["--to=html", "--execute", "--ExecutePreprocessor.store_widget_state=False"]
    command = [sys.executable, "-m", "nbconvert", *options, str(tmp_path / "stills.ipynb")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "stills.html").read_text()
    assert not re.search(r'<script type="application/vnd.jupyter.widget', page)
    shown = re.findall(r"""<img [^>]*alt=(["'])(.+?)\1[^>]*>\s*<p>([^<]+)</p>""", page)
    assert len(shown) == 5 and all(alt == sentence for _quote, alt, sentence in shown)
    assert "<p>32 → ? Guess the side that layer 1 makes.</p>" in page
    assert "It breaks at fc1 (Linear)" in page and "<p>With [4, 3, 52, 52] the forward" in page
