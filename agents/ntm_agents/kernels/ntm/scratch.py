"""Scratch memory of the NTM's loops.

Shape letters: B sequences of a tile, N slots, M width of a slot, W write heads, H heads, V values that
are read, C hidden size, S shift options.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.ntm.arguments import Matrices
from ntm_agents.kernels.ntm.parameters import Layout
from ntm_agents.kernels.products import panels
from ntm_agents.kernels.scratch import parts


class Scratch(NamedTuple):
    """Scratch memory of a tile."""

    recurrent: Array
    """Packed weights."""
    heads: Array
    """Packed weights."""
    spans: Array
    """First slot of each weighting that counts and the one behind the last ``[B, H, 2]``."""
    memories: Array
    """Memories at the steps of a segment ``[steps, B, M, N]``."""
    dots: Array
    """Dot products of keys and slots, then similarities ``[H, N]``."""
    ddots: Array
    """``[H, N]``."""
    kept: Array
    """Rows of a memory that the pairs of write heads leave ``[W, N]``."""
    norms: Array
    """Norms of slots ``[N]``."""
    dnorms: Array
    """``[N]``."""
    content: Array
    """Weighting by content ``[N]``."""
    shifted: Array
    """Shifted weighting ``[N]``."""
    logs: Array
    """Its logarithms ``[N]``."""
    ring: Array
    """Interpolated weighting ``[N + S - 1]``."""
    dring: Array
    """``[N + S - 1]``."""
    dkey_norms: Array
    """``[H]``."""
    dfeatures: Array
    """Gradients of the features of a step ``[B, V + C]``."""
    doutput: Array
    """Gradients of the controller's output ``[B, C]``."""


def scratch(weights: Matrices, layout: Layout, memory: tuple[int, ...], steps: int = 0) -> Scratch:
    """Return scratch memory for a tile.

    Args:
        weights: Weights to be packed.
        layout: Places of the head parameters.
        memory: Shape of the memories of a tile, ``(B, M, N)``.
        steps: Memories of each sequence that the backward loop has at a time; 0 for the forward loop.
    """
    B, width, slots = memory
    kind, units = weights.heads.dtype, weights.heads.shape[1]
    each, ring, H, W = (slots,), (slots + layout.shifts - 1,), layout.heads, layout.writers
    shapes = (
        *((steps, B, width, slots), (H, slots), (H, slots), (W, slots)),
        *(each, each, each, each, each, ring, ring, (H,)),
        *((B, (H - W) * width + units), (B, units)),
    )
    spans = np.zeros((B, H, 2), np.int64)
    recurrent, heads = (panels(matrix if steps else matrix.T) for matrix in weights)
    return Scratch(recurrent, heads, spans, *parts(shapes, kind))
