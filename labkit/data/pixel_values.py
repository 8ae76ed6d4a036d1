"""From bytes to the numbers that a network takes, and back."""

import numpy as np
import torch


def normalise(pixels: np.ndarray, mean: float = 0.5, std: float = 0.5) -> torch.Tensor:
    """Return images uint8 ``[..., H, W, 3]`` as float32 ``[..., 3, H, W]``, by default -1 to 1.

    The same numbers as from ``BatchLoader``, or from ``ToTensor`` and ``Normalize(mean, std)``.
    """
    return (torch.tensor(pixels).movedim(-1, -3) / 255 - mean) / std


def denormalise(images: torch.Tensor, mean: float = 0.5, std: float = 0.5) -> np.ndarray:
    """Undo ``normalise``: float ``[..., 3, H, W]`` to uint8 ``[..., H, W, 3]`` on the CPU."""
    shares = (images.detach().cpu() * std + mean).clamp(0, 1)
    return (shares * 255).round().to(torch.uint8).movedim(-3, -1).numpy()
