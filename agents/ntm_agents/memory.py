"""Initial memories and weightings: the contents of slots and the positions of heads before the first step.

No choice depends on the number of slots, so a machine can be trained with few and evaluated with many.

Shape letters: N memory slots, M width of a slot, H heads.

Example:
    >>> initial_rows("position", slots=3, width=2, scale=1.0, like=torch.zeros(()))
    tensor([[-1., -1.],
            [ 1., -1.],
            [-1.,  1.]])
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ntm_envs import keyed

MemoryInit: TypeAlias = Literal["constant", "random", "position", "learned"]
"""Rows of the initial memory: all the same constant; random numbers keyed by the index of the slot; the bits
of that index, lowest first, as +1 and -1; or one learned row for all slots."""
HeadInit: TypeAlias = Literal["first", "learned", "uniform"]
"""Initial weightings: all on slot 0; a learned distribution over the first slots; or uniform."""

SLOTS = np.uint64(0xC2B2AE3D27D4EB4F)
"""Domain of the random rows of a memory, which are keyed by the index of their slot."""


def default_scale(kind: MemoryInit) -> float:
    """Return the scale of initial rows where none is configured: small for those that are all the same."""
    return 1e-6 if kind in ("constant", "learned") else 1.0


def initial_rows(
    kind: MemoryInit, slots: int, width: int, scale: float, like: Tensor, learned: Tensor | None = None
) -> Tensor:
    """Return the rows ``[N, M]`` of an initial memory; each depends on its own index alone.

    Args:
        kind: One of `MemoryInit`.
        slots: Number of slots N.
        width: Width M of a slot.
        scale: The constant, or the factor of random numbers, which are uniform in -1 to 1, and of bits.
        like: Any tensor of the type and on the device that the memory is to have.
        learned: The learned row ``[M]``.
    """
    if learned is not None:
        return learned.expand(slots, -1)
    if kind == "constant":
        return like.new_full((slots, width), scale)
    index = np.arange(slots, dtype=np.int64)
    if kind == "random":
        words = keyed.words(index, SLOTS, width) >> np.uint64(11)
        rows = words.astype(np.float64) * 2.0**-52 - 1
    else:
        bits = index[:, None] >> np.minimum(np.arange(width), 62) & 1
        rows = 2 * bits.astype(np.float64) - 1
    return torch.as_tensor(rows * scale, dtype=like.dtype, device=like.device)


def initial_weightings(
    kind: HeadInit, heads: int, slots: int, like: Tensor, learned: Tensor | None = None
) -> Tensor:
    """Return the initial weightings ``[H, N]`` of heads.

    Args:
        kind: One of `HeadInit`.
        heads: Number of heads H.
        slots: Number of slots N.
        like: Any tensor of the type and on the device that the weightings are to have.
        learned: Logits of the first slots ``[H, at most N]``, if they are learned.
    """
    if kind == "uniform":
        return like.new_full((heads, slots), 1 / slots)
    first = like.new_ones(heads, 1) if learned is None else learned.softmax(1)
    return functional.pad(first, (0, slots - first.shape[1]))
