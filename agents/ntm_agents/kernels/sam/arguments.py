"""Arguments of the compiled loops: named tuples of arrays and numbers, and their scratch memory.

Arrays are C-contiguous, float32 or float64, all of one type, but for slots, times and tables, which are
integers: for each type the loops are compiled once.

Shape letters are those of :mod:`ntm_agents.kernels.sam.interface`.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import numpy as np

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.hashed import WEAK
from ntm_agents.kernels.nearest import BLOCK
from ntm_agents.kernels.products import panels
from ntm_agents.kernels.scratch import parts
from ntm_agents.kernels.weights import Matrices

Numbers = TypeVar("Numbers")
"""Arrays for the compiled loops, tensors for autograd."""


class Settings(NamedTuple):
    """Numbers that do not depend on the data."""

    heads: int
    """H."""
    width: int
    """M."""
    epsilons: Epsilons
    """Terms that keep the similarity finite."""


class Store(NamedTuple, Generic[Numbers]):
    """What a sequence has of each slot, at the start; afterwards, at the end."""

    memory: Numbers
    """``[B, N, M]``."""
    usage: Numbers
    """Times of the last use, int64 ``[B, N]``."""
    order: Numbers
    """Slots at the start in the order of their last use, int64 ``[B, N]``."""
    tables: Numbers
    """Tables of the index, int32 ``[B, L, 2 ** J, LINE]``; ``[B, 0, 0, 0]`` without one."""


class Trail(NamedTuple, Generic[Numbers]):
    """Arrays that hold each step: the forward loop fills them, and the backward loop reads them.

    With room for fewer steps than there are, the later ones take the places of earlier ones, in turn.
    """

    gates: Numbers
    """Addends of the pre-activations ``[T, B, G * C]``; afterwards, gates of an LSTM."""
    cells: Numbers
    """Cells of an LSTM ``[T + 1, B, C]``, the first set; ``[0, 0, 0]`` for a feed-forward controller."""
    features: Numbers
    """Read vectors and output of the controller ``[T + 1, B, V + C]``, the first set."""
    parameters: Numbers
    """Addends of the interface vectors ``[T, B, P]``; afterwards, the parameters."""
    weightings: Numbers
    """``[T + 1, B, H, K]``, the first set."""
    slots: Numbers
    """Int64 ``[T + 1, B, H, K]``, the first set."""
    free: Numbers
    """The least recently used slots, one for each head, int64 ``[T, B, H]``."""
    rows: Numbers
    """Contents of the slots that were read ``[T, B, H, K, M]``."""


class Gradients(NamedTuple, Generic[Numbers]):
    """Gradients that the backward loop reads and writes."""

    features: Numbers
    """Given, of the features behind the first ``[T, B, V + C]``."""
    weightings: Numbers
    """Given, of the weightings behind the first ``[T, B, H, K]``; ``[0, 0, 0, 0]`` if there are none."""
    cells: Numbers
    """Of the last cells ``[B, C]``; afterwards, of the first."""
    memory: Numbers
    """Of the memory at the end ``[B, N, M]``; afterwards, at the start."""
    weighting: Numbers
    """Zeros ``[B, H, K]``; afterwards, of the first weightings."""
    first: Numbers
    """Written, of the first features ``[B, V + C]``."""
    gates: Numbers
    """Written, of the addends of the pre-activations ``[T, B, G * C]``."""
    parameters: Numbers
    """Written, of the addends of the interface vectors ``[T, B, P]``."""


class Scratch(NamedTuple):
    """Scratch memory of a tile of B sequences."""

    recurrent: Array
    """Packed weights."""
    output: Array
    """Packed weights."""
    last: Array
    """Packed weights."""
    newer: Array
    """Rings of the slots in the order of their last use, int64 ``[B, N]``."""
    older: Array
    """Int64 ``[B, N]``."""
    oldest: Array
    """The oldest slot of each ring, int64 ``[B]``."""
    now: Array
    """Time of the next use of each sequence, int64 ``[B]``."""
    used: Array
    """Slots that a step uses, int64 ``[H * (2 K + 1)]``."""
    access: Array
    """Zeros ``[N]``, between steps."""
    planes: Array
    """Normals of the index's hyperplanes ``[L * J, M]``."""
    weak: Array
    """Scratch of `search`, int64 ``[WEAK]``."""
    projections: Array
    """Scratch of the index ``[L * J]``."""
    block: Array
    """Scratch of `scan` ``[H + 1, BLOCK]``."""
    key_norms: Array
    """``[H]``."""
    best: Array
    """Largest similarities ``[H, K]``."""
    dots: Array
    """``[K]``."""
    norms: Array
    """``[K]``."""
    dnorms: Array
    """``[K]``."""
    content: Array
    """``[K]``."""
    dcontent: Array
    """``[K]``."""
    dfeatures: Array
    """Gradients of the features of a step ``[B, V + C]``."""
    doutput: Array
    """Gradients of the controller's output ``[B, C]``."""


def scratch(
    weights: Matrices, planes: Array, trail: Trail[Array], slots: int, sequences: int, backward: bool = False
) -> Scratch:
    """Return scratch memory for a tile.

    Args:
        weights: Weights to be packed.
        planes: Normals of the index's hyperplanes ``[L * J, M]``.
        trail: Arrays that hold each step.
        slots: Number of slots N.
        sequences: Number of sequences of a tile.
        backward: True for the backward loop, which has no ring.
    """
    (H, K, M), B = trail.rows.shape[2:], sequences
    kind, C = weights.output.dtype, weights.output.shape[1]
    N = 0 if backward else slots
    recurrent, output, last = (panels(matrix if backward else matrix.T) for matrix in weights)
    newer, older, oldest, now, used, weak = (
        np.empty(shape, np.int64) for shape in ((B, N), (B, N), B, B, H * (2 * K + 1), WEAK)
    )
    each, projections = (K,), (len(planes),)
    rows = (projections, (H + 1, BLOCK), (H,), (H, K), *(5 * (each,)), (B, H * M + C), (B, C))
    integers = (newer, older, oldest, now, used)
    return Scratch(*(recurrent, output, last, *integers, np.zeros(N, kind), planes, weak, *parts(rows, kind)))
