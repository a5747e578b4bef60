"""Arguments and results of the NTM's recurrence, as tensors.

Terms that do not depend on the state are passed as addends, and functions of the results of a step are
computed outside. So noise, a path from the inputs round the controller, penalties on weightings
and other read-outs need no change of the kernel.

Shape letters: T steps, B sequences, N slots, M width of a slot, W write heads, R read heads, H = W + R, S
shift options, K width of a key, C hidden size, G gates of the controller (4 for an LSTM, otherwise 1),
V = R * M values that are read, P = H * (K + 3 + S) + W * M or W * 2 * M head parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of an NTM that its recurrence depends on, and that follow from no tensor's shape."""

    write_heads: int
    """Number of write heads W, which come before the read heads in weightings and head parameters."""
    key_width: int
    """Width K of keys, which are compared with the first K columns of a slot."""
    shift_width: int
    """Number of shift options S."""
    key_activation: Literal["identity", "tanh"]
    """Activation of keys."""
    add_activation: Literal["identity", "tanh", "sigmoid"]
    """Activation of add vectors."""
    epsilon: float
    """Addend of the product of the norms, which keeps the similarity finite."""
    write_first: bool
    """True if heads read the memory as it is after the write of the same step."""
    followers: int = 0
    """Number of trailing write heads that reuse the latest weighting of the leading read heads."""
    strength_factor: float = 1.0
    """Factor of all key strengths."""
    erasers: int = 0
    """Number of trailing write heads that only erase."""
    erase_limit: float = 1.0
    """Limit of the elements of their erase vectors."""


class Inputs(NamedTuple):
    """Addends of T steps, which do not depend on the state."""

    preactivations: Tensor
    """Shares of inputs and bias in the controller's pre-activations ``[T, B, G * C]``. Overwritten."""
    parameters: Tensor
    """Shares of inputs and bias in the head parameters ``[T, B, P]``. For each head, write heads first: key
    (K), strength, sharpening, gate and shifts (S). Then for each write head: add vector (M), which is 0 for
    erasers, and, unless the write interpolates, erase vector (M)."""


class Weights(NamedTuple):
    """Weights of the recurrence."""

    recurrent: Tensor
    """From the last reads and, for an LSTM, the last output to the pre-activations, ``[G * C, V]`` or
    ``[G * C, V + C]``."""
    heads: Tensor
    """From the controller's output to the head parameters ``[P, C]``."""


class State(NamedTuple):
    """State before the first or after the last step."""

    memory: Tensor
    """``[B, N, M]``."""
    weightings: Tensor
    """``[B, H, N]``, write heads first."""
    reads: Tensor
    """Read vectors ``[B, V]``."""
    controller: tuple[Tensor, ...]
    """Output and cells of an LSTM, each ``[B, C]``; empty for a feed-forward controller."""


class Jumps(NamedTuple):
    """Jumps of the read heads to the first slot, and a counter that adds them up: not in the paper."""

    gates: Tensor
    """Shares of inputs and bias in the pre-activations of the gates ``[T, B, R]``."""
    weight: Tensor
    """From the last reads to the pre-activations of the gates ``[R, V]``."""
    counts: Tensor
    """Counters before the first step ``[B]``."""
    offers: Tensor
    """Increments of the counters by the inputs ``[T, B]``."""
    counting: Tensor
    """From the softsign of a counter to the controller's pre-activations ``[G * C]``."""


class Result(NamedTuple):
    """Results of T steps."""

    features: Tensor
    """Read vectors and output of the controller after each step ``[T, B, V + C]``."""
    weightings: Tensor | None
    """Weightings after each step ``[T, B, H, N]``; None of :func:`infer`, which keeps only the last."""
    state: State
    """State after the last step."""
    counts: Tensor | None
    """Counters after the last step ``[B]``; None without jumps."""
