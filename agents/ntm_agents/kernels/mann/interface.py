"""Arguments and results of the recurrence of a MANN, as tensors.

Terms that do not depend on the state are passed as addends, and functions of the results of a step are
computed outside, as for the NTM.

Shape letters: T steps, B sequences, N slots, M width of a slot, R heads, C hidden size, G gates of the
controller (4 for an LSTM, otherwise 1), V = R * M values that are read, P = R * (M + 1) head parameters, or
R * (M + 2) with key strengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a MANN that its recurrence depends on, and that follow from no tensor's shape."""

    write_first: bool
    """True if heads read the memory as it is after the write of the same step."""
    usage_decay: float
    """Decay of the usage at each step."""
    epsilon: float
    """Addend of the product of the norms, which keeps the similarity finite."""


class Inputs(NamedTuple):
    """Addends of T steps, which do not depend on the state."""

    preactivations: Tensor
    """Shares of inputs and bias in the controller's pre-activations ``[T, B, G * C]``. Overwritten."""
    parameters: Tensor
    """Shares of the bias in the head parameters ``[T, B, P]``: for each head key (M), write gate and, if keys
    have them, strength."""


class Weights(NamedTuple):
    """Weights of the recurrence."""

    recurrent: Tensor
    """From the last reads and, for an LSTM, the last output to the pre-activations, ``[G * C, V]`` or
    ``[G * C, V + C]``."""
    heads: Tensor
    """From the controller's output to the head parameters ``[P, C]``; ``[P, 2 * C]`` if these see the last
    output too, before this one."""


class State(NamedTuple):
    """State before the first or after the last step."""

    memory: Tensor
    """``[B, N, M]``."""
    weightings: Tensor
    """Write weightings, then read weightings, ``[B, 2 * R, N]``."""
    usage: Tensor
    """``[B, N]``."""
    reads: Tensor
    """Read vectors ``[B, V]``."""
    controller: tuple[Tensor, ...]
    """Output and cells of an LSTM, each ``[B, C]``; of a feed-forward controller the output, if head
    parameters see the last one, or nothing."""


class Result(NamedTuple):
    """Results of T steps."""

    features: Tensor
    """Read vectors and output of the controller after each step ``[T, B, V + C]``."""
    weightings: Tensor | None
    """Weightings after each step ``[T, B, 2 * R, N]``; None of :func:`infer`, which keeps only the last."""
    state: State
    """State after the last step."""
