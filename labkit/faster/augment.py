"""Changes to whole batches of images, for ``BatchLoader(augment=...)``."""

import torch
from torch.nn import functional


class Shift:
    """Move each image by up to ``pixels`` in each direction; mirror what comes in at the edges."""

    def __init__(self, pixels: int = 2):
        self.pixels = pixels

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return ``images [N, C, H, W]`` moved, each by its own number of whole pixels."""
        count, _channels, height, width = images.shape
        padded = functional.pad(images, (self.pixels,) * 4, mode="reflect")
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # [N, C, dy, dx, H, W], no copy
        places = torch.randint(2 * self.pixels + 1, (2, count), generator=generator)
        down, right = places.to(images.device)
        return windows[torch.arange(count, device=images.device), :, down, right]
