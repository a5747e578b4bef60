"""Arguments of the compiled loops: named tuples of arrays and numbers, and their scratch memory.

Arrays are C-contiguous, float32 or float64, all of one type, but for slots, which are int64: for each type
the loops are compiled once.

Shape letters are those of :mod:`ntm_agents.kernels.mann.interface`.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.products import panels
from ntm_agents.kernels.scratch import parts
from ntm_agents.kernels.weights import Matrices

Numbers = TypeVar("Numbers")
"""Arrays for the compiled loops, tensors for autograd."""


class Settings(NamedTuple):
    """Numbers that do not depend on the data."""

    heads: int
    """R."""
    width: int
    """M."""
    stride: int
    """Parameters of a head: key (M), write gate and, if there is one more, strength."""
    epsilons: Epsilons
    """Terms that keep the similarity finite."""
    decay: Any
    """Decay of the usage at each step."""
    write_first: bool
    """True if heads read the memory as it is after the write of the same step."""
    every: int
    """Steps between checkpoints of the memory; 0 without a backward pass."""


class Store(NamedTuple, Generic[Numbers]):
    """What a sequence has of each slot, at the start; afterwards, at the end."""

    memory: Numbers
    """``[B, M, N]``."""
    usage: Numbers
    """``[B, N]``."""


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
    """Addends of the head parameters ``[T, B, P]``; afterwards, the parameters."""
    weightings: Numbers
    """``[T + 1, B, 2 * R, N]``, the first set."""
    free: Numbers
    """The least used slots, one for each head, int64 ``[T, B, R]``."""
    memories: Numbers
    """Memory before each `every`-th step ``[T / every, B, M, N]``."""


class Gradients(NamedTuple, Generic[Numbers]):
    """Gradients that the backward loop reads and writes."""

    features: Numbers
    """Given, of the features behind the first ``[T, B, V + C]``."""
    weightings: Numbers
    """Given, of the weightings behind the first ``[T, B, 2 * R, N]``; ``[0, 0, 0, 0]`` if there are none."""
    cells: Numbers
    """Of the last cells ``[B, C]``; afterwards, of the first."""
    memory: Numbers
    """Of the memory at the end ``[B, M, N]``; afterwards, at the start."""
    usage: Numbers
    """Of the usage at the end ``[B, N]``; afterwards, at the start."""
    weighting: Numbers
    """Zeros ``[B, 2 * R, N]``; afterwards, of the first weightings."""
    first: Numbers
    """Written, of the first features ``[B, V + C]``."""
    gates: Numbers
    """Written, of the addends of the pre-activations ``[T, B, G * C]``."""
    parameters: Numbers
    """Written, of the addends of the head parameters ``[T, B, P]``."""


class Scratch(NamedTuple):
    """Scratch memory of a tile of B sequences."""

    recurrent: Array
    """Packed weights."""
    output: Array
    """Packed weights."""
    last: Array
    """Packed weights."""
    memories: Array
    """Memories at the steps of a segment ``[steps, B, M, N]``."""
    least: Array
    """Usage of the least used slots ``[R]``."""
    dots: Array
    """Dot products of keys and slots, then similarities ``[R, N]``."""
    norms: Array
    """Norms of slots ``[N]``."""
    dnorms: Array
    """``[N]``."""
    dkey_norms: Array
    """``[R]``."""
    dvectors: Array
    """Gradients of the keys as vectors that are written; they lie as head parameters do ``[P]``."""
    dfeatures: Array
    """Gradients of the features of a step ``[B, V + C]``."""
    doutput: Array
    """Gradients of the controller's output ``[B, C]``."""


def scratch(
    weights: Matrices, settings: Settings, slots: int, sequences: int, backward: bool = False
) -> Scratch:
    """Return scratch memory for a tile.

    Args:
        weights: Weights to be packed.
        settings: Numbers that do not depend on the data.
        slots: Number of slots N.
        sequences: Number of sequences of a tile.
        backward: True for the backward loop, which has the memories of a segment at a time.
    """
    R, M, N, B = settings.heads, settings.width, slots, sequences
    (P, C), kind = weights.output.shape, weights.output.dtype
    recurrent, output, last = (panels(matrix if backward else matrix.T) for matrix in weights)
    steps = settings.every + 1 if backward else 0
    shapes = (
        *((steps, B, M, N), (R,), (R, N), (N,), (N,), (R,), (P,)),
        *((B, R * M + C), (B, C)),
    )
    return Scratch(recurrent, output, last, *parts(shapes, kind))
