"""Allocation and temporal links of the DNC, as pure functions.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods, "Dynamic memory allocation" and "Temporal memory linkage". `sharpen_links` is from
Csordas and Schmidhuber, *Improving Differentiable Neural Computers* (arXiv 1904.10278), section 3.3.

Shape letters: B batch, R read heads, N memory slots.

Example:
    >>> usage = torch.tensor([[1.0, 0.5, 0.0]])  # the last slot is free, the first one is in use
    >>> allocate(usage).round(decimals=2)
    tensor([[0., 0., 1.]])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ntm_agents.addressing import TINY

EPSILON = 1e-6
"""Smallest usage that counts in `allocate`, and addend of the denominators of `sharpen_links`."""


def retention(reading: Tensor, free_gates: Tensor) -> Tensor:
    """Return the share of each slot that the free gates do not release: psi, ``[B, N]``.

    Args:
        reading: Read weightings of the last step ``[B, R, N]``.
        free_gates: Free gates f in [0, 1] ``[B, R, 1]``.
    """
    return (1 - free_gates * reading).prod(1)


def use(usage: Tensor, writing: Tensor, retained: Tensor) -> Tensor:
    """Return the usage u in [0, 1] of the slots ``[B, N]``.

    Args:
        usage: Usage at the last step ``[B, N]``.
        writing: Write weighting of the last step ``[B, N]``.
        retained: What `retention` returned ``[B, N]``.
    """
    return (usage + writing * (1 - usage)) * retained  # u + w - u w, which rounding cannot take above 1


def allocate(usage: Tensor) -> Tensor:
    """Return the allocation weighting a ``[B, N]`` of a usage ``[B, N]``: most to the least used slot.

    Its sum is at most 1. Slots of equal usage come in order. No gradient goes through the order.
    """
    # Of many zeros, the gradient of a product would be 0 / 0.
    ordered, order = (EPSILON + (1 - EPSILON) * usage).sort(dim=1, stable=True)
    before = torch.cat((torch.ones_like(ordered[:, :1]), ordered[:, :-1]), 1).cumprod(1)
    return torch.zeros_like(usage).scatter(1, order, (1 - ordered) * before)


def precede(precedence: Tensor, writing: Tensor) -> Tensor:
    """Return the precedence weighting p ``[B, N]``: how much each slot is the one that was written last."""
    return (1 - writing.sum(1, keepdim=True)) * precedence + writing


def link(links: Tensor, precedence: Tensor, writing: Tensor) -> Tensor:
    """Return the link matrix L ``[B, N, N]``: how much row i was written right after column j.

    Args:
        links: Link matrix of the last step ``[B, N, N]``.
        precedence: Precedence weighting of the last step ``[B, N]``.
        writing: Write weighting ``[B, N]``.
    """
    rows, columns = writing.unsqueeze(2), writing.unsqueeze(1)
    linked = (1 - rows - columns) * links + rows * precedence.unsqueeze(1)
    return linked * (1 - torch.eye(links.shape[1], dtype=links.dtype, device=links.device))


def follow(links: Tensor, reading: Tensor) -> tuple[Tensor, Tensor]:
    """Return backward and forward weightings ``[B, R, N]``: what was written before and after what was read.

    Args:
        links: Link matrix ``[B, N, N]``.
        reading: Read weightings of the last step ``[B, R, N]``.
    """
    return torch.bmm(reading, links), torch.bmm(reading, links.transpose(1, 2))


def sharpen_links(weighting: Tensor, power: Tensor) -> Tensor:
    """Raise weightings ``[B, R, N]`` to a power of at least 1 ``[B, R, 1]``, and normalise.

    A weighting of zeros stays one.
    """
    # Relative to the largest, so that small weightings do not underflow; rounding may make weights negative.
    relative = weighting.clamp(min=0) / (weighting.amax(2, keepdim=True) + EPSILON)
    raised = ((relative + TINY).log() * power).exp()
    return raised / (raised.sum(2, keepdim=True) + EPSILON)
