"""What a page needs so that an explorer lives in it: its parts by name, and data.

Imported in the kernel that runs a notebook for the site. ``static/*.js`` holds the arithmetic that
answers the controls there; ``tests/browser/test_site.py`` compares it with Python's.
"""

import base64

import ipywidgets as widgets
import numpy as np
from IPython.display import display

from labkit.data import normalise
from labkit.explorers.convolution.widget import ConvolutionExplorer, PoolingExplorer
from labkit.explorers.landscape.widget import LandscapeExplorer
from labkit.explorers.live_training import LiveTraining
from labkit.explorers.network.compute import as_batch, read
from labkit.explorers.network.widget import NetworkExplorer
from labkit.explorers.shape_coach.widget import ShapeCoach
from labkit.explorers.shared.looks import Explorer
from labkit.explorers.softmax.widget import SoftmaxExplorer
from tests.site.pages import ALIVE


def tell() -> None:
    """Show, as the output of a cell, what each explorer of this kernel needs, by its model id."""
    explorers = [one for one in widgets.Widget.widgets.values() if isinstance(one, Explorer)]
    found = {one.model_id: asked for one in explorers if (asked := needed(one))}
    display({ALIVE: found}, raw=True)


def needed(explorer: Explorer) -> dict | None:
    """Return what ``host.js`` asks for: kind, parts, data, hidden; None: it stays as it is."""
    if isinstance(explorer, LiveTraining):
        return _after_an_epoch(explorer)
    if isinstance(explorer, NetworkExplorer):
        return _network(explorer)
    if kind := KINDS.get(type(explorer)):
        return {"kind": kind} | (_with_images(explorer, "stage") if kind in WINDOWS else {})
    return None


def _with_images(explorer, *parts: str, **data) -> dict:
    """Return the parts and data that let a reader choose an image; without a kernel, by no path."""
    choice = explorer.choice
    found = {name: getattr(explorer, name) for name in parts}
    found |= {"image": choice.choice, "upload": choice.upload}
    return {
        "parts": {name: part.model_id for name, part in found.items()},
        "hidden": [choice.path.model_id],
        "data": {"images": [_coded(image) for image in choice.samples.values()], **data},
    }


def _after_an_epoch(panel: LiveTraining) -> dict:
    """Return a still of what a learner sees after an epoch, in place of an empty one."""
    panel.live.epoch()
    panel.live.wait()
    return {"still": panel._repr_mimebundle_()["text/html"]}


def _coded(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _network(explorer: NetworkExplorer) -> dict | None:
    """Return what is needed to run the network in the page, if it has only what is known there."""
    plan = explorer.reading.plan
    known = all(
        line["kind"] in ("input", "products", "largest", "mean", "softmax")
        and (line["kind"] != "products" or line["filters"] is not None)
        and set(line["activations"]) <= {"ReLU"}
        for line in plan
    )
    if not known or explorer.prepare is not normalise:
        return None
    names = ("weights", "stage") if explorer.snapshots else ("stage",)
    shown = _with_images(explorer, *names, snapshots=_snapshots(explorer))
    return {"kind": "network", **shown}


def _snapshots(explorer: NetworkExplorer) -> list[str]:
    """Return the weights of each snapshot, in 16 bits, so that the page does not grow too large."""
    batch = as_batch(explorer.prepare(explorer.choice.image))
    found = []
    for number in range(len(explorer.snapshots)):
        weights = np.frombuffer(read(explorer._weighted(number), batch).weights, "<f4")
        found.append(_coded(weights.astype("<f2")))
    return found


KINDS = {
    ConvolutionExplorer: "convolution",
    PoolingExplorer: "pooling",
    SoftmaxExplorer: "softmax",
    LandscapeExplorer: "landscape",
    ShapeCoach: "shapes",
}
"""What a page calls explorers whose stage answers for itself."""

WINDOWS = ("convolution", "pooling")
"""Those that move over an image which the reader may choose."""
