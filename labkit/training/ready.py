"""A trained network and an image to work with, also for those who bring neither."""

import os

import numpy as np
import torch

from labkit.data import BatchLoader, ImageSet
from labkit.data.drawn import draw_one
from labkit.data.read_image import read_image
from labkit.display import ProgressBar, tell
from labkit.files import work
from labkit.model import Net
from labkit.sandbox import randomness
from labkit.sandbox.model_lock import one_thread
from labkit.text import _
from labkit.training import checkpoint, train_epoch


def load_or_train(train_set: ImageSet) -> Net:
    """Return the network that notebook 5 saved, on the CPU, or train one for an epoch.

    Where ``net.pt`` is missing, damaged, or of other images or classes than ``train_set``, a notice
    says so, and a bar shows the training: batches of 16, SGD, learning rate 0.01, momentum 0.9.
    Nothing is saved, and torch's own random numbers are left as they were.
    """
    places = (checkpoint.folder() / "net.pt", work() / "net.pt")  # two where a disk is full by now
    path = next((place for place in places if place.exists()), places[0])
    with randomness.kept(0):
        net = Net(classes=len(train_set.classes))
    try:
        checkpoint.load(path).restore(net, train_set)
        return net
    except checkpoint.CheckpointError as error:
        wait = _("That takes about 20 seconds with photographs, and 5 with the drawn images.")
        if path.exists():
            text = _("The network of notebook 5 cannot be used here, so we train one for an epoch.")
            tell(text, wait, str(error))
        else:
            tell(_("There is no network from notebook 5 yet, so we train one for an epoch."), wait)
    _train(net, train_set)
    return net


def _train(net: Net, train_set: ImageSet) -> None:
    batches = BatchLoader(train_set, batch_size=16, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    with one_thread(), ProgressBar(total=len(batches), unit=_(" batches")) as bar:
        train_epoch(
            net,
            batches,
            torch.nn.CrossEntropyLoss(),
            optimizer,
            on_step=lambda _step, _loss: bar.update(),
        )


def own_image(path: str | os.PathLike = "") -> np.ndarray:
    """Return the image at ``path`` as uint8 ``[32, 32, 3]``, or a drawn cat where it is empty.

    Raise what ``read_image`` does for a file that cannot be used.
    """
    return read_image(path) if path else draw_one("cat", size=32)
