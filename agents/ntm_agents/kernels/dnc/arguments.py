"""Arguments of the compiled loops: named tuples of arrays and numbers.

Arrays are C-contiguous, float32 or float64, all of one type, but for indices, which are int64: for each type
the loops are compiled once.

Shape letters: T steps, B sequences, N slots, M width of a slot, R read heads, H = 1 + R heads, C hidden size,
V = R * M values that are read, P values of the interface vector, G gates of the controller. A row of links
has J entries: N, filled up to panels, of a link matrix, K of sparse links, 0 without links.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.dnc.parameters import Layout

Numbers = TypeVar("Numbers")
"""Arrays for the compiled loops, tensors for autograd."""


class Settings(NamedTuple):
    """Numbers that do not depend on the data."""

    layout: Layout
    """Places of the values of the interface vector."""
    epsilons: Epsilons
    """Terms that keep the similarity finite."""
    write_activation: int
    """Activation of the write vector."""
    deallocation: bool
    """True if the free gates erase what they release."""
    least_usage: Any
    """Usage below which look-ups leave a slot out; 0 to leave none out."""
    every: int
    """Steps between checkpoints of memory and links; 0 without a backward pass."""


class Store(NamedTuple, Generic[Numbers]):
    """Memory and links of all sequences."""

    memory: Numbers
    """``[B, M, N]``."""
    links: Numbers
    """Link matrix or entries ``[B, N, J]``."""
    columns: Numbers
    """Columns of sparse links, int64 ``[B, N, K]``; ``[B, N, 0]`` of others."""


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
    """``[T + 1, B, H, N]``, the first set."""
    usage: Numbers
    """``[T + 1, B, N]``, the first set."""
    precedence: Numbers
    """``[T + 1, B, N]``, the first set; ``[0, 0, 0]`` without links."""
    orders: Numbers
    """Slots in the order of their usage, int64 ``[T + 1, B, N]``, the first set to any order."""
    ways: Numbers
    """Backward weightings of all read heads, then forward ones, before they are sharpened ``[T, B, 2 R, N]``;
    ``[T, B, 0, N]`` without links."""
    choices: Numbers
    """What sparse links keep, int64 ``[T, B, (3 + 2 K) K]``; ``[T, B, 0]`` of others."""
    memories: Numbers
    """Memory before each `every`-th step ``[T / every, B, M, N]``."""
    links: Numbers
    """Links before each `every`-th step ``[T / every, B, N, J]``."""
    columns: Numbers
    """Columns of sparse links before each `every`-th step, int64 ``[T / every, B, N, K]``."""


class Gradients(NamedTuple, Generic[Numbers]):
    """Gradients that the backward loop reads and writes."""

    features: Numbers
    """Given, of the features behind the first ``[T, B, V + C]``."""
    weightings: Numbers
    """Given, of the weightings behind the first ``[T, B, H, N]``; ``[0, 0, 0, 0]`` if there are none."""
    cells: Numbers
    """Of the last cells ``[B, C]``; afterwards, of the first."""
    memory: Numbers
    """Of the memory at the end ``[B, M, N]``; afterwards, at the start."""
    links: Numbers
    """Of the links at the end ``[B, N, J]``; afterwards, at the start."""
    precedence: Numbers
    """Of the last precedence weighting ``[B, N]``; afterwards, of the first. ``[0, 0]`` without links."""
    usage: Numbers
    """Of the last usage ``[B, N]``; afterwards, of the first."""
    weighting: Numbers
    """Zeros ``[B, H, N]``; afterwards, of the first weightings."""
    first: Numbers
    """Written, of the first features ``[B, V + C]``."""
    gates: Numbers
    """Written, of the addends of the pre-activations ``[T, B, G * C]``."""
    parameters: Numbers
    """Written, of the addends of the interface vectors ``[T, B, P]``."""
