"""One place for model and batch."""

import torch
from torch import nn

from labkit.checks.engine.spec import exercise
from labkit.text import N_, _


class _Model(nn.Sequential):
    """A model described by the devices of its parameters."""

    @property
    def words(self) -> str:
        devices = dict.fromkeys(parameter.device.type for parameter in self.parameters())
        return _("a model with parameters on {devices}").format(devices=_(" and ").join(devices))


def _batch(device: str) -> torch.Tensor:
    batch = torch.zeros(4, 2, device=device)
    batch.words = _("a batch on {device}").format(device=device)
    return batch


def _places():
    def model(*devices):
        return _Model(*[nn.Linear(2, 2, device=device) for device in devices])

    one_bias = model("cpu", "cpu")
    one_bias[0].bias = nn.Parameter(torch.zeros(2, device="meta"))
    here, there = _batch("cpu"), _batch("meta")
    return [
        (model("cpu", "cpu"), here),
        (model("cpu", "cpu"), there),
        (model("meta", "meta"), here),
        (model("meta", "meta"), there),
        (model("cpu", "meta"), here),
        (model("meta", "cpu"), here),
        (model("cpu", "meta", "cpu"), here),
        (one_bias, here),
    ]


@exercise(1, _places)
def in_one_place(model, batch):
    return all(parameter.device == batch.device for parameter in model.parameters())


@in_one_place.mistake(
    N_("This looks at the first parameter only. A model may be moved by halves: look at them all.")
)
def _first_parameter(model, batch):
    return next(model.parameters()).device == batch.device


@in_one_place.mistake(N_("The batch is left out: it has a device as well."))
def _only_the_model(model, batch):
    return len({parameter.device for parameter in model.parameters()}) == 1


@in_one_place.mistake(N_("One parameter in the right place is not enough: all(), not any()."))
def _any(model, batch):
    return any(parameter.device == batch.device for parameter in model.parameters())


@in_one_place.mistake(N_("One place is wanted, whichever it is. It need not be the CPU."))
def _on_the_cpu(model, batch):
    return {p.device.type for p in [*model.parameters(), batch]} == {"cpu"}


@in_one_place.mistake(N_("This is the wrong way round: True where they are in one place."))
def _negated(model, batch):
    return any(parameter.device != batch.device for parameter in model.parameters())


@in_one_place.mistake(N_("This looks at the last parameter only. Look at them all."))
def _last_parameter(model, batch):
    return list(model.parameters())[-1].device == batch.device


@in_one_place.mistake(N_("These are the answers one by one. all(...) makes one of them."))
def _one_by_one(model, batch):
    return [parameter.device == batch.device for parameter in model.parameters()]


@in_one_place.mistake(N_("This is how many agree. all(...) says whether every one does."))
def _how_many(model, batch):
    return sum(_one_by_one(model, batch))


@in_one_place.mistake(
    N_("This is True every time. Only look where they are; do not move the model to the batch.")
)
def _moved(model, batch):
    return True
