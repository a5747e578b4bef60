"""The short causal convolution of linear recurrent networks, whose last inputs are a state."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def initial_kernels(channels: int, width: int) -> nn.Parameter:
    """Return initial kernels ``[channels, width]``, as PyTorch's own convolutions have them."""
    return nn.Parameter(torch.empty(channels, width).uniform_(-(width**-0.5), width**-0.5))


def convolve(inputs: Tensor, recent: Tensor, kernels: Tensor) -> tuple[Tensor, Tensor]:
    """Convolve each channel with a kernel of its own, which sees the present step and those before it.

    Args:
        inputs: ``[B, T, channels]``.
        recent: The last inputs before them ``[B, K - 1, channels]``.
        kernels: ``[channels, K]``, the present step last.

    Returns:
        What was convolved ``[B, T, channels]``, and the last inputs.
    """
    seen = torch.cat((recent, inputs), 1)
    convolved = functional.conv1d(seen.transpose(1, 2), kernels[:, None], groups=len(kernels))
    return convolved.transpose(1, 2), seen[:, inputs.shape[1] :]
