"""What a page needs so that an explorer lives in it: its parts by name, and data.

Imported in the kernel that runs a notebook for the site. ``static/*.js`` holds the arithmetic that
answers the controls there; ``tests/site/test_alive.py`` compares it with Python's.
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
    for kind, make in MAKERS.items():
        if type(explorer) is kind:
            return make(explorer)
    return None


def _windows(explorer: ConvolutionExplorer | PoolingExplorer) -> dict:
    return {
        "kind": KINDS[type(explorer)],
        "parts": _parts(explorer, ["stage"]) | _image_parts(explorer),
        "hidden": [explorer.choice.path.model_id],
        "data": {"images": _images(explorer)},
    }


def _alone(explorer: Explorer) -> dict:
    """Return that nothing is needed: the stage answers for itself."""
    return {"kind": KINDS[type(explorer)]}


def _live_training(panel: LiveTraining) -> dict:
    """Return a still of what a learner sees after an epoch, in place of an empty one."""
    panel.live.epoch()
    panel.live.wait()
    bundle = panel._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    return {"still": data["text/html"]}


def _parts(explorer: Explorer, names) -> dict:
    def identity(part):
        return part.model_id if isinstance(part, widgets.Widget) else list(map(identity, part))

    return {name: identity(getattr(explorer, name)) for name in names}


def _image_parts(explorer) -> dict:
    return {"image": explorer.choice.choice.model_id, "upload": explorer.choice.upload.model_id}


def _images(explorer) -> list[str]:
    return [coded(image) for image in explorer.choice.samples.values()]


def coded(array: np.ndarray | bytes) -> str:
    """Return bytes as text."""
    return base64.b64encode(array if isinstance(array, bytes) else array.tobytes()).decode()


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
    return {
        "kind": "network",
        "parts": _parts(explorer, names) | _image_parts(explorer),
        "hidden": [explorer.choice.path.model_id],
        "data": {"images": _images(explorer), "snapshots": _snapshots(explorer)},
    }


def _snapshots(explorer: NetworkExplorer) -> list[str]:
    """Return the weights of each snapshot, in 16 bits, so that the page does not grow too large."""
    batch = as_batch(explorer.prepare(explorer.choice.image))
    found = []
    for number in range(len(explorer.snapshots)):
        weights = np.frombuffer(read(explorer._weighted(number), batch).weights, "<f4")
        found.append(coded(weights.astype("<f2")))
    return found


MAKERS = {
    ConvolutionExplorer: _windows,
    PoolingExplorer: _windows,
    SoftmaxExplorer: _alone,
    LandscapeExplorer: _alone,
    ShapeCoach: _alone,
    LiveTraining: _live_training,
    NetworkExplorer: _network,
}

KINDS = {
    ConvolutionExplorer: "convolution",
    PoolingExplorer: "pooling",
    SoftmaxExplorer: "softmax",
    LandscapeExplorer: "landscape",
    ShapeCoach: "shapes",
}
"""What a page calls explorers whose stage answers for itself."""
