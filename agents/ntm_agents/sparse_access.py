"""Sparse access to a memory: reads of a few slots, and writes to what was read or has not been used for long.

Source: Rae, Hunt et al., *Scaling Memory-Augmented Neural Networks with Sparse Reads and Writes* (NIPS 2016),
section 3. These functions define what is computed; with tensors of all slots they are not fast.

Shape letters: B batch, H heads, N memory slots, M width of a slot, K slots that a head reads.

Example:
    >>> similarities = torch.tensor([[[0.1, 0.9, -0.5, 0.8]]])
    >>> largest(similarities, 2)
    (tensor([[[0.9000, 0.8000]]]), tensor([[[1, 3]]]))
"""

from __future__ import annotations

import torch
from torch import Tensor

USED = 0.005
"""Weight above which an access counts as a use of the slot, delta."""


def largest(similarities: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the K largest similarities of ``[..., N]``, largest first, and their slots, both ``[..., K]``.

    Of equal ones those of lower slots come first. No gradient goes through the choice.
    """
    ordered, order = similarities.sort(dim=-1, descending=True, stable=True)
    return ordered[..., :count], order[..., :count]


def merge(weights: Tensor, slots: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the K largest sums of weights of the same slot, and these slots, both ``[..., K]``.

    Of equal sums those of lower slots come first. If there are fewer slots than K, zeros of slot 0 fill up.

    Args:
        weights: Weights of slots, at least 0, ``[..., A]``.
        slots: These slots, of which some may occur several times, int64 ``[..., A]``.
        count: Number of slots K to keep, at most A.
    """
    ordered, order = slots.sort(dim=-1, stable=True)
    places = (ordered.diff(dim=-1, prepend=ordered[..., :1]) != 0).cumsum(-1)  # one for each distinct slot
    sums = torch.zeros_like(weights).scatter_add(-1, places, weights.gather(-1, order))
    distinct = torch.zeros_like(slots).scatter(-1, places, ordered)
    found, chosen = largest(sums, count)
    return found, distinct.gather(-1, chosen)


def dense(weightings: Tensor, slots: Tensor, count: int) -> Tensor:
    """Return weightings of all N slots ``[B, H, N]``, given those of some slots, both ``[B, H, K]``."""
    zeros = weightings.new_zeros(*weightings.shape[:2], count)
    return zeros.scatter_add(2, slots, weightings)


def least_recently_used(usage: Tensor, heads: int) -> Tensor:
    """Return indicators of the slots whose last use is longest ago, one for each head: I^U, ``[B, H, N]``.

    Args:
        usage: Times of the last use of each slot, int64 ``[B, N]``; of equal ones lower slots come first.
        heads: Number of heads H, at most N. The first gets the least recently used slot, the second the next.
    """
    slots = usage.sort(dim=1, stable=True).indices[:, :heads].unsqueeze(2)
    return usage.new_zeros(len(usage), heads, usage.shape[1]).scatter(2, slots, 1)


def use(usage: Tensor, access: Tensor) -> Tensor:
    """Return the times of the last use after a step, whose time is one after the latest: the paper's U^(2).

    Args:
        usage: Times of the last use before the step, int64 ``[B, N]``.
        access: Sum of all read and write weightings of the step ``[B, N]``.
    """
    return torch.where(access > USED, usage.amax(1, keepdim=True) + 1, usage)


def write_weighting(previous: Tensor, free: Tensor, write_gates: Tensor, read_gates: Tensor) -> Tensor:
    """Return where to write ``[B, H, N]``: to the slots that were read last, and to a free one.

    Args:
        previous: Read weightings of the last step ``[B, H, N]``.
        free: Indicators of the least recently used slots ``[B, H, N]``.
        write_gates: Share that is written at all, alpha in [0, 1], ``[B, H, 1]``.
        read_gates: Share of it that goes to what was read, gamma in [0, 1], ``[B, H, 1]``.
    """
    return write_gates * (read_gates * previous + (1 - read_gates) * free)


def write(memory: Tensor, writing: Tensor, free: Tensor, add: Tensor) -> Tensor:
    """Return the memory ``[B, N, M]`` after a write, which sets free slots to zero first.

    Args:
        memory: ``[B, N, M]``.
        writing: Write weightings ``[B, H, N]``.
        free: Indicators of the slots to erase ``[B, H, N]``.
        add: Vectors to add, a, ``[B, H, M]``.
    """
    kept = 1 - free.amax(1).unsqueeze(2).to(memory.dtype)
    return torch.baddbmm(kept * memory, writing.transpose(1, 2), add)
