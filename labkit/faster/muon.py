"""Muon: momentum SGD whose step for a layer has the same strength in all directions.

Keller Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024),
https://kellerjordan.github.io/posts/muon/.
"""

import torch


def orthogonalised(matrix: torch.Tensor, steps: int = 3) -> torch.Tensor:
    """Return the matrix with its singular values brought near 1, its directions kept.

    ``matrix`` is ``[m, n]``, float. Each step is an odd polynomial of the matrix, so it acts on
    the singular values alone. Its coefficients (Jordan et al., 2024) favour speed: the values end
    between about 0.3 and 1.3, which is near enough.
    """
    wide = matrix.T if matrix.size(0) > matrix.size(1) else matrix
    x = (wide / (wide.norm() + 1e-7)).bfloat16()  # the largest singular value is at most 1
    for _step in range(steps):
        squared = x @ x.T
        x = 3.4445 * x + (-4.7750 * squared + 2.0315 * squared @ squared) @ x
    x = x.to(matrix.dtype)
    return x.T if matrix.size(0) > matrix.size(1) else x


class Muon(torch.optim.Optimizer):
    """Train the filters ``[out, in, h, w]`` of convolutions that batch norm follows.

    Each filter bank keeps the norm ``sqrt(out)``: behind it, batch norm removes any other. So the
    learning rate says by which part of itself a bank turns in one step.
    """

    def __init__(self, filters, lr: float = 0.1, momentum: float = 0.6):
        super().__init__(filters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # ty: ignore[incompatible-method-override]
        """Change the filters once."""
        for group in self.param_groups:
            for filters in group["params"]:
                state, gradient = self.state[filters], filters.grad
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(gradient)
                average = state["momentum"].mul_(group["momentum"]).add_(gradient)
                ahead = gradient.add(average, alpha=group["momentum"])  # Nesterov's look ahead
                change = orthogonalised(ahead.flatten(1)).view_as(filters)
                filters.mul_(len(filters) ** 0.5 / filters.norm())
                filters.sub_(change, alpha=group["lr"])
