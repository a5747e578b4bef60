"""Arguments and results of the DNC's recurrence, as tensors.

Terms that do not depend on the state are passed as addends, and functions of the results of a step are
computed outside, as for the NTM.

Shape letters: T steps, B sequences, N slots, M width of a slot, R read heads, H = 1 + R heads, K entries of a
row of sparse links, C hidden size, G gates of the controller (4 for an LSTM, otherwise 1), V = R * M values
that are read, P values of the interface vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a DNC that its recurrence depends on, and that follow from no tensor's shape."""

    masking: bool
    """True if each key comes with a mask."""
    deallocation: bool
    """True if the free gates erase what they release."""
    link_sharpening: bool
    """True if backward and forward weightings are sharpened."""
    write_activation: Literal["identity", "tanh"]
    """Activation of the write vector."""
    least_usage: float
    """Usage below which look-ups leave a slot out; 0 to leave none out."""
    epsilon: float
    """Addend of the product of the norms, which keeps the similarity finite."""


class Inputs(NamedTuple):
    """Addends of T steps, which do not depend on the state."""

    preactivations: Tensor
    """Shares of inputs and bias in the controller's pre-activations ``[T, B, G * C]``. Overwritten."""
    vectors: Tensor
    """Shares of inputs and bias in the interface vectors ``[T, B, P]``. For each head, the write head first:
    key (M), strength and, with masks, mask (M); with links, for each read head three modes; if these are
    sharpened, for each read head two powers; R free gates; allocation gate and write gate; write vector (M)
    and erase vector (M)."""


class Weights(NamedTuple):
    """Weights of the recurrence."""

    recurrent: Tensor
    """From the last reads and, for an LSTM, the last output to the pre-activations, ``[G * C, V]`` or
    ``[G * C, V + C]``."""
    interface: Tensor
    """From the controller's output to the interface vector ``[P, C]``; ``[P, V + C]`` if the vector sees the
    last reads too, before the output."""


class State(NamedTuple):
    """State before the first or after the last step."""

    memory: Tensor
    """``[B, N, M]``."""
    weightings: Tensor
    """``[B, H, N]``, the write head first."""
    usage: Tensor
    """``[B, N]``."""
    links: tuple[Tensor, ...]
    """Precedence weighting ``[B, N]`` and link matrix ``[B, N, N]``; of sparse links, precedence weighting,
    entries ``[B, N, K]`` and their columns, int64 ``[B, N, K]``; empty without links."""
    reads: Tensor
    """Read vectors ``[B, V]``."""
    controller: tuple[Tensor, ...]
    """Output and cells of an LSTM, each ``[B, C]``; empty for a feed-forward controller."""


class Result(NamedTuple):
    """Results of T steps."""

    features: Tensor
    """Read vectors and output of the controller after each step ``[T, B, V + C]``."""
    weightings: Tensor | None
    """Weightings after each step ``[T, B, H, N]``; None of :func:`infer`, which keeps only the last."""
    state: State
    """State after the last step."""
