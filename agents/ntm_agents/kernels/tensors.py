"""Tensors and gradients on their way into compiled loops and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

NUMBERS: dict[torch.dtype, Any] = {torch.float32: np.float32, torch.float64: np.float64}
"""Types of numbers that the loops are compiled for."""


def behind(first: Tensor, steps: int) -> Tensor:
    """Return room for a tensor of each step, with the first one set."""
    room = first.new_empty(steps + 1, *first.shape)
    room[0] = first
    return room


def arrays(*tensors: Tensor) -> list[Any]:
    """Return tensors as arrays of NumPy, which share their memory."""
    return [tensor.detach().numpy() for tensor in tensors]


def copy_or_zeros(gradient: Tensor | None, like: Tensor) -> Tensor:
    """Return a gradient that may be written to."""
    if gradient is None:
        return torch.zeros_like(like)
    return gradient.clone(memory_format=torch.contiguous_format)


def refuse_second_derivatives(gradients: tuple[Tensor | None, ...]) -> None:
    """Raise an error in a backward pass that is to be differentiable itself, or is vectorised.

    `once_differentiable` would raise it in a part of the graph that does not lead to the inputs, so
    `autograd.grad` would skip it and take missing second derivatives for zeros.
    """
    batched = torch._C._are_functorch_transforms_active() or any(
        gradient is not None and torch._C._functorch.is_legacy_batchedtensor(gradient)
        for gradient in gradients
    )
    if torch.is_grad_enabled() or batched:
        raise RuntimeError(
            "the fused kernel has neither second derivatives (create_graph=True) nor vectorised ones "
            "(is_grads_batched=True); build the machine with kernel='reference'"
        )
