"""Scratch memory of the DNC's loops.

Shape letters: B sequences of a tile, N slots, M width of a slot, R read heads, H = 1 + R heads, J entries of
a row of links, K of sparse links, V values that are read, C hidden size.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.dnc.arguments import Settings, Store
from ntm_agents.kernels.dnc.lookup import Comparison
from ntm_agents.kernels.products import panels
from ntm_agents.kernels.scratch import parts
from ntm_agents.kernels.weights import Matrices


class Scratch(NamedTuple):
    """Scratch memory of a tile."""

    recurrent: Array
    """Packed weights."""
    output: Array
    """Packed weights."""
    last: Array
    """Packed weights."""
    columns: Array
    """Columns of sparse links at the steps of a segment, int64 ``[steps, B, N, K]``."""
    room: Array
    """Slots that are being sorted, int64 ``[N]``."""
    memories: Array
    """Memories at the steps of a segment ``[steps, B, M, N]``."""
    links: Array
    """Links at the steps of a segment ``[steps, B, N, J]``."""
    released: Array
    """Memory after the release ``[M, N]``."""
    comparison: Comparison
    """Scratch of look-ups."""
    factors: Array
    """Vectors whose products with the others are gradients of a link matrix ``[2 R, N]``."""
    others: Array
    """``[2 R, J]``."""
    ways: Array
    """Sharpened backward and forward weighting of a head ``[2, N]``."""
    dways: Array
    """``[2 R, N]``."""
    products: Array
    """``[R, N]``."""
    retained: Array
    """Share of each slot that is not released ``[N]``."""
    dretained: Array
    """``[N]``."""
    bounded: Array
    """Usage of slots, at least that of a free one ``[N]``."""
    allocation: Array
    """Allocation weighting ``[N]``."""
    dallocation: Array
    """``[N]``."""
    content: Array
    """Weighting by content ``[N]``."""
    used: Array
    """1 for slots that look-ups may find, 0 for others ``[N]``; ``[0]`` if they may find all."""
    kept: Array
    """The largest weights of a write weighting ``[N]``."""
    dkept: Array
    """``[N]``."""
    dreading: Array
    """Gradients of the read weightings of the last step ``[R, N]``."""
    candidates: Array
    """Entries that a row of sparse links might keep ``[2 K]``."""
    values: Array
    """The largest of some values ``[K]``."""
    erased: Array
    """What `write_backward` takes as scratch ``[1, N]``."""
    dfeatures: Array
    """Gradients of the features of a step ``[B, V + C]``."""
    doutput: Array
    """Gradients of the controller's output ``[B, C]``."""


def scratch(
    weights: Matrices, settings: Settings, store: Store[Array], sequences: int, steps: int = 0
) -> Scratch:
    """Return scratch memory for a tile.

    Args:
        weights: Weights to be packed.
        settings: Numbers that do not depend on the data.
        store: Memory and links of all sequences.
        sequences: Number of sequences of a tile.
        steps: Memories and links of each sequence that the backward loop has at a time; 0 for the forward
            loop.
    """
    (_, M, N), J, K = store.memory.shape, store.links.shape[2], store.columns.shape[2]
    kind, C, R = weights.output.dtype, weights.output.shape[1], settings.layout.readers
    H, B = 1 + R, sequences
    each, heads, keys = (N,), (H, N), (H, M)
    shapes = (
        *((steps, B, M, N), (steps, B, N, J), (M, N)),
        *((2 * R, N), (2 * R, J), (2, N), (2 * R, N), (R, N), each, each, each, each, each, each),
        *((N if settings.least_usage else 0,), each, each),
        *((R, N), (2 * K,), (K,), (1, N), (B, R * M + C), (B, C)),
    )
    recurrent, output, last = (panels(matrix if steps else matrix.T) for matrix in weights)
    columns, room = np.empty((steps, B, N, K), np.int64), np.empty(N, np.int64)
    rows = (heads, heads, heads, heads, keys, keys, keys, keys, (H,), (H,))
    found = parts(shapes + rows, kind)
    memories, links, released, *others = found[: len(shapes)]
    comparison = Comparison(*found[len(shapes) :])
    return Scratch(recurrent, output, last, columns, room, memories, links, released, comparison, *others)
