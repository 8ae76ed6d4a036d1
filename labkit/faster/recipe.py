"""A recipe is all that decides how a network is trained; ``train`` follows it for a given time."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Subset

from labkit.data.loaders import BatchLoader
from labkit.data.sets import ImageSet
from labkit.data.workers import usable_workers
from labkit.faster import memory
from labkit.faster.augment import Shift
from labkit.faster.fast_net import FastNet
from labkit.faster.hardest import HardestLoader
from labkit.faster.muon import Muon
from labkit.model import Net

ALL_AGAIN = 0.85
"""The part of the time from which on the easy images are shown again, with ``hardest``."""

Spent = Callable[[int], float]
"""Which part of the training is over, 0 to 1, given the number of steps done."""


@dataclass(frozen=True)
class Recipe:
    """How to train and how to answer. As it stands, the recipe of notebook 0.

    one_by_one: whether a ``DataLoader`` fetches image by image (default), or the whole set is ready
    fast_net: whether ``FastNet`` is trained and not ``Net``
    batch_size: images in a batch
    learning_rate, momentum: of the optimizer
    warmup: part of the time in which the learning rate rises; then it falls to 0 (None: constant)
    mirror, shift: whether images are mirrored at random, and by how many pixels they are moved
    bf16: whether it computes in bfloat16
    whiten: whether the first layer's filters are made of the images before the training
    smoothing: of the labels, 0 to 1
    muon: whether Muon trains the filters
    sizes: pairs (pixels, part of the time until which images have this size); at the end, all
    hardest: the part of the images, those with the largest losses, that an epoch shows
    mirror_answers: whether it answers for each image and its mirror image
    second_look: whether the less sure half is asked again, moved by a pixel
    keep_memory: whether what a step frees is kept for the next one
    """

    one_by_one: bool = True
    fast_net: bool = False
    batch_size: int = 4
    learning_rate: float = 0.001
    momentum: float = 0.9
    warmup: float | None = None
    mirror: bool = False
    shift: int = 0
    bf16: bool = False
    whiten: bool = False
    smoothing: float = 0.0
    muon: bool = False
    sizes: tuple[tuple[int, float], ...] = ()
    hardest: float = 1.0
    mirror_answers: bool = False
    second_look: bool = False
    keep_memory: bool = False


def by_clock(seconds: float) -> Spent:
    """Let the training last ``seconds`` from now on, however many steps that takes (0: none)."""
    start = time.perf_counter()
    return lambda _steps: (time.perf_counter() - start) / seconds if seconds > 0 else 1.0


class Trained(NamedTuple):
    """A trained model, and how many steps on how many images made it."""

    model: nn.Module
    steps: int
    images: int


def train(
    recipe: Recipe,
    dataset: ImageSet,
    spent: Spent,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Trained:
    """Follow ``recipe`` on ``dataset`` until ``spent`` says that all is spent.

    recipe: what to do
    dataset: the training images
    spent: called with the steps done, returns the share that is spent, from 0 to 1; learning rates
        and sizes of images follow it, so that a schedule fits its time on any machine
    seed: of weights and batches
    device: where model and batches are (default: the CPU)
    """
    torch.manual_seed(seed)
    model = network(recipe, dataset).to(device)
    optimizers = make_optimizers(recipe, model)
    loss_function = nn.CrossEntropyLoss(label_smoothing=recipe.smoothing, reduction="none")
    loader = batches(recipe, dataset, seed=seed, device=device)
    stream = itertools.chain.from_iterable(itertools.repeat(loader))
    model.train()
    steps = seen = 0
    with memory.kept(recipe.keep_memory):
        while (part := spent(steps)) < 1:
            images, labels = next(stream)
            images, labels = images.to(device), labels.to(device)  # only the DataLoader's move
            images = resized(images, recipe, part)
            set_learning_rates(optimizers, recipe, part)
            for optimizer in optimizers:
                optimizer.zero_grad()
            with precision(recipe, images.device):
                outputs = model(images)
            losses = loss_function(outputs.float(), labels)  # [B]
            losses.mean().backward()
            if isinstance(loader, HardestLoader):
                loader.tell(losses, everything=part >= ALL_AGAIN)
            for optimizer in optimizers:
                optimizer.step()
            steps, seen = steps + 1, seen + len(labels)
    return Trained(model, steps, seen)


def answer(recipe: Recipe, model: nn.Module, dataset: ImageSet) -> torch.Tensor:
    """Return the logits ``[N, classes]`` that ``model`` gives for ``dataset``, on the CPU.

    With ``mirror_answers`` they are the mean over each image and its mirror image. With
    ``second_look`` the half of the images whose two likeliest classes are closest is answered
    again, moved by one pixel to either corner.
    """
    model.eval()
    with torch.inference_mode(), memory.kept(recipe.keep_memory):
        logits = _looked_at(recipe, model, dataset)
        if recipe.second_look and len(logits) > 1:
            first, second = logits.softmax(dim=1).topk(2).values.T
            unsure = (first - second).argsort()[: len(logits) // 2]
            again = [_looked_at(recipe, model, Subset(dataset, unsure), move) for move in (-1, 1)]
            logits[unsure] = (logits[unsure] + sum(again) / 2) / 2
    return logits


def _looked_at(
    recipe: Recipe, model: nn.Module, dataset: ImageSet | Subset, move: int = 0
) -> torch.Tensor:
    """Return the logits for images that are moved by ``move`` pixels down and to the right."""
    logits = []
    device = next(model.parameters()).device
    for images, _labels in BatchLoader(dataset, 500, device=device):
        images = moved(images, move).contiguous(memory_format=layout(recipe))
        with precision(recipe, images.device):
            outputs = model(images).float()
            if recipe.mirror_answers:
                outputs = (outputs + model(images.flip(3)).float()) / 2
        logits.append(outputs.cpu())
    return torch.cat(logits)


def moved(images: torch.Tensor, pixels: int) -> torch.Tensor:
    """Return the images moved down and to the right; mirror what comes in at the edges."""
    reach, side = abs(pixels), images.shape[-2:]
    padded = functional.pad(images, (reach,) * 4, mode="reflect")
    start = reach - pixels
    return padded[..., start : start + side[0], start : start + side[1]]


def accuracy(logits: torch.Tensor, dataset: ImageSet) -> float:
    """Return the part of the images whose largest logit is that of their class."""
    return (logits.argmax(dim=1) == torch.tensor(dataset.targets)).float().mean().item()


def network(recipe: Recipe, dataset: ImageSet) -> nn.Module:
    """Return the network of the recipe, its first layer whitened if the recipe says so."""
    classes = len(dataset.classes)
    model = FastNet(classes) if recipe.fast_net else Net(classes)
    if recipe.whiten and isinstance(model, FastNet):
        images, _labels = next(iter(BatchLoader(dataset, 1000, shuffle=True)))
        model.whiten(images)
    return model.to(memory_format=layout(recipe))


def batches(
    recipe: Recipe, dataset: ImageSet, *, seed: int = 0, device: torch.device | str = "cpu"
) -> DataLoader | BatchLoader | HardestLoader:
    """Return the batches of an epoch: from one array, or one image at a time."""
    if recipe.one_by_one:
        return original_loader(dataset, recipe.batch_size)
    size = min(recipe.batch_size, len(dataset))
    options: dict[str, Any] = {
        "shuffle": True,
        "seed": seed,
        "augment": Shift(recipe.shift) if recipe.shift else None,
        "mirror": recipe.mirror,
        "drop_last": True,
        "device": device,
    }
    if recipe.hardest < 1:
        return HardestLoader(dataset, size, part=recipe.hardest, **options)
    return BatchLoader(dataset, size, **options)


def original_loader(dataset: ImageSet, batch_size: int) -> DataLoader:
    """Return the loader of PyTorch's tutorial, with each image transformed by itself.

    It has two workers as there, or fewer where this machine cannot use them.
    """
    from torchvision.transforms import Compose, Normalize, ToTensor

    transform = Compose([ToTensor(), Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
    one_by_one = ImageSet(
        dataset.data,
        dataset.targets,
        dataset.classes,
        source=dataset.source,
        transform=transform,
    )
    return DataLoader(one_by_one, batch_size, shuffle=True, num_workers=usable_workers(2))


def make_optimizers(recipe: Recipe, model: nn.Module) -> list[torch.optim.Optimizer]:
    """Return SGD for all weights; with ``muon``, Muon for the filters and SGD for the others."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    filters = [weight for weight in weights if recipe.muon and weight.ndim == 4]
    others = [weight for weight in weights if all(weight is not one for one in filters)]
    sgd = torch.optim.SGD(
        others, recipe.learning_rate, recipe.momentum, nesterov=recipe.warmup is not None
    )
    optimizers: list[torch.optim.Optimizer] = [sgd, Muon(filters)] if filters else [sgd]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["highest"] = group["lr"]
    return optimizers


def set_learning_rates(optimizers: list[torch.optim.Optimizer], recipe: Recipe, part: float):
    """Let the learning rates rise, and then fall to 0 in a straight line."""
    if recipe.warmup is None:
        return
    factor = min(part / recipe.warmup if recipe.warmup else 1, (1 - part) / (1 - recipe.warmup))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["highest"] * factor


def resized(images: torch.Tensor, recipe: Recipe, part: float) -> torch.Tensor:
    """Return the images in the size for this part of the training, in the recipe's layout."""
    for pixels, until in recipe.sizes:
        if part < until:
            images = functional.interpolate(
                images, size=(pixels, pixels), mode="bilinear", antialias=True
            )
            break
    return images.contiguous(memory_format=layout(recipe))


def layout(recipe: Recipe) -> torch.memory_format:
    """Return how images lie in memory: with ``bf16``, the channels of a pixel side by side."""
    return torch.channels_last if recipe.bf16 else torch.contiguous_format


def precision(recipe: Recipe, device: torch.device) -> torch.autocast:
    """Return a context that computes convolutions in bfloat16 if the recipe says so."""
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.bf16)
