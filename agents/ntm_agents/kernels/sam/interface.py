"""Arguments and results of a SAM's recurrence, as tensors.

Terms that do not depend on the state are passed as addends, and functions of the results of a step are
computed outside, as for the NTM.

Shape letters: T steps, B sequences, N slots, M width of a slot, H heads, K slots that a head reads, L tables
of the index, J projections of a table, C hidden size, G gates of the controller (4 for an LSTM, otherwise 1),
V = H * M values that are read, P = H * (2 M + 3) values of the interface vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a SAM that its recurrence depends on, and that follow from no tensor's shape."""

    epsilon: float
    """Addend of the product of the norms, which keeps the similarity finite."""


class Inputs(NamedTuple):
    """Addends of T steps, which do not depend on the state."""

    preactivations: Tensor
    """Shares of inputs and bias in the controller's pre-activations ``[T, B, G * C]``. Overwritten."""
    vectors: Tensor
    """Shares of inputs and bias in the interface vectors ``[T, B, P]``: for each head key (M), strength,
    write gate, read gate, and vector to add (M)."""


class Weights(NamedTuple):
    """Weights of the recurrence."""

    recurrent: Tensor
    """From the last reads and, for an LSTM, the last output to the pre-activations, ``[G * C, V]`` or
    ``[G * C, V + C]``."""
    interface: Tensor
    """From the controller's output to the interface vector ``[P, C]``; ``[P, V + C]`` if the vector sees the
    last reads too, before the output."""
    planes: Tensor
    """Normals of the index's hyperplanes ``[L * J, M]``; ``[0, M]`` without one."""


class State(NamedTuple):
    """State before the first or after the last step."""

    memory: Tensor
    """``[B, N, M]``."""
    weightings: Tensor
    """Weights of the slots that each head read ``[B, H, K]``."""
    slots: Tensor
    """Those slots, int64 ``[B, H, K]``."""
    usage: Tensor
    """Times of the last use of each slot, int64 ``[B, N]``."""
    tables: tuple[Tensor, ...]
    """Tables of an approximate index, int32 ``[B, L, 2 ** J, LINE]``; empty for an exact search."""
    reads: Tensor
    """Read vectors ``[B, V]``."""
    controller: tuple[Tensor, ...]
    """Output and cells of an LSTM, each ``[B, C]``; empty for a feed-forward controller."""


class Result(NamedTuple):
    """Results of T steps."""

    features: Tensor
    """Read vectors and output of the controller after each step ``[T, B, V + C]``."""
    weightings: Tensor | None
    """Weights of the slots that were read at each step ``[T, B, H, K]``; None of :func:`infer`."""
    state: State
    """State after the last step."""
