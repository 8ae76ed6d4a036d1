"""Compare the names and shapes of two state_dicts, whatever wraps their models."""

import torch
from torch import nn

from labkit.text import _


def is_state_dict(content) -> bool:
    """Return whether something is a dictionary of names and tensors."""
    return isinstance(content, dict) and all(
        isinstance(name, str) and torch.is_tensor(part) for name, part in content.items()
    )


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the model inside ``torch.compile``, ``DataParallel`` or its distributed relative."""
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while isinstance(model, wrappers) or hasattr(model, "_orig_mod"):
        model = getattr(model, "module" if isinstance(model, wrappers) else "_orig_mod")
    return model


def bare_names(state: dict) -> dict[str, str]:
    """Return the names in a state_dict by what they are without the marks of a wrapper."""
    bare = {name: name.replace("_orig_mod.", "") for name in state}
    if all(name.startswith("module.") for name in bare.values()):
        bare = {name: short.removeprefix("module.") for name, short in bare.items()}
    return {short: name for name, short in bare.items()}


def difference(saved: dict, here: dict) -> str:
    """Return the first difference in names or shapes, in words; nothing if they are the same."""
    for name in [*saved, *here]:
        if name not in here:
            return _("{name} is only in the file").format(name=name)
        if name not in saved:
            return _("{name} is only in the model").format(name=name)
        if saved[name].shape != here[name].shape:
            return _("{name} is {saved} in the file and {here} in the model").format(
                name=name, saved=list(saved[name].shape), here=list(here[name].shape)
            )
    return ""
