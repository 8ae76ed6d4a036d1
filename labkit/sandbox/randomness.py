"""Random number generators: save their states, and restore them exactly."""

import copy
import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

States = dict[str, torch.Tensor]
"""The state of torch's generator for each kind of device: ``{"cpu": uint8, "cuda": uint8}``.

Under ``"loader"``, that of the generator that a ``DataLoader`` was given, if it was.
"""


def torch_states(device: torch.device) -> States:
    """Return the states of torch's own generators for the CPU and for ``device``."""
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states[device.type] = torch.get_device_module(device.type).get_rng_state(device)
    return states


def set_torch_states(states: States, device: torch.device) -> None:
    """Restore what ``torch_states`` saved, for the CPU and for ``device``; no other card."""
    torch.set_rng_state(states["cpu"])
    if device.type in states.keys() - {"cpu"}:
        torch.get_device_module(device.type).set_rng_state(states[device.type], device)


def loader_state(loader) -> States:
    """Return the state of the generator that ``loader`` or its sampler was given, if it was."""
    generator = _own_generator(loader)
    return {} if generator is None else {"loader": generator.get_state()}


def set_loader_state(loader, states: States) -> None:
    """Restore what ``loader_state`` saved; a loader without a generator is left as it is."""
    generator = _own_generator(loader)
    if generator is not None and "loader" in states:
        generator.set_state(states["loader"])


def _own_generator(loader) -> torch.Generator | None:
    sampler = getattr(loader, "sampler", None)
    return getattr(loader, "generator", None) or getattr(sampler, "generator", None)


def same(one: States, other: States) -> bool:
    """Say whether nothing was drawn between two states of the same generators."""
    return all(torch.equal(one[kind], other[kind]) for kind in one)


def seeded_states(seed: int, device: torch.device) -> States:
    """Return the states that generators have right after they were seeded with ``seed``."""
    return {
        kind: torch.Generator(kind).manual_seed(seed).get_state() for kind in {"cpu", device.type}
    }


@contextmanager
def borrowed(states: States, device: torch.device, draws: bool = True) -> Generator[States]:
    """Let torch draw from ``states`` inside the block, and write back where it got to.

    A block that raises leaves ``states`` as they were, so that it can be repeated. Whatever else
    uses torch's generators finds them unchanged afterwards. They belong to all threads, and what
    other cells draw meanwhile would be lost: say ``draws=False`` for a block that draws nothing.
    """
    if not draws:
        yield states
        return
    before = torch_states(device)
    set_torch_states({**before, **states}, device)
    try:
        yield states
        states.update(torch_states(device))
    finally:
        set_torch_states(before, device)


def on_cpu(states: States) -> States:
    """Return states that may lie on a GPU as generators want them: on the CPU."""
    return {kind: state.cpu() for kind, state in states.items()}


@contextmanager
def kept(seed: int | None = None) -> Generator[None]:
    """Restore ``random``, ``numpy.random`` and torch's generators after a block.

    The block begins with the given ``seed`` (see ``seed_all``), or where the generators are. Of
    torch's generators, those of the CPU and of CUDA, if it is in use, are restored.
    """
    python, numbers = random.getstate(), np.random.get_state()
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=list(gpus)):
        try:
            if seed is not None:
                seed_all(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numbers)


def seed_all(seed: int) -> None:
    """Seed ``random``, ``numpy.random`` and torch on the CPU.

    ``torch.manual_seed`` would wake a GPU, or queue a call for each kind of it, and is slow.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)


def python_and_numpy() -> dict:
    """Return the states of ``random`` and ``numpy.random`` as plain numbers.

    Plain numbers because ``torch.load(weights_only=True)`` refuses the objects themselves.
    """
    version, numbers, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [name, np.asarray(keys).tolist(), position, has_gauss, cached],
    }


def set_python_and_numpy(states: dict) -> None:
    """Restore what ``python_and_numpy`` saved."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))


_GENERATORS = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)


def own_generators(thing: Any, name: str = "dataset", depth: int = 5) -> dict[str, Any]:
    """Return by name the random number generators that a data set or its transform holds."""
    if isinstance(thing, _GENERATORS):
        return {name: thing}
    if depth == 0 or isinstance(thing, (np.ndarray, torch.Tensor, str, bytes, int, float, type)):
        return {}
    if isinstance(thing, (list, tuple)):
        inner = [(f"{name}[{i}]", value) for i, value in enumerate(thing[:20])]
    else:
        inner = [(f"{name}.{key}", value) for key, value in getattr(thing, "__dict__", {}).items()]
    found = {}
    for key, value in inner:
        found.update(own_generators(value, key, depth - 1))
    return found


@contextmanager
def generators_kept(datasets: list) -> Generator[None]:
    """Run a block, and put back the data sets' attributes and the states of their generators."""
    attributes = [(vars(one), dict(vars(one))) for one in datasets if hasattr(one, "__dict__")]
    generators = [found for one in datasets for found in own_generators(one).values()]
    states = [_state(generator) for generator in generators]
    try:
        yield
    finally:
        for now, before in attributes:
            now.clear()
            now.update(before)
        for generator, state in zip(generators, states, strict=True):
            _set_state(generator, state)


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return copy.deepcopy(generator.bit_generator.state)
    return generator.getstate() if isinstance(generator, random.Random) else generator.get_state()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, random.Random):
        generator.setstate(state)
    else:
        generator.set_state(state)
