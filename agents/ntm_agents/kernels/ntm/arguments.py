"""Arguments of the compiled loops: named tuples of arrays and numbers.

Arrays are C-contiguous, float32 or float64, all of one type: for each type the loops are compiled once.

Shape letters: T steps, B sequences, N slots, M width of a slot, W write heads, R read heads, H = W + R, C
hidden size, V = R * M values that are read, P head parameters, G gates of the controller; with jumps,
their R pre-activations lie behind those of the controller, J = G * C or G * C + R.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.ntm.parameters import Layout

Numbers = TypeVar("Numbers")
"""Arrays for the compiled loops, tensors for autograd."""


class Settings(NamedTuple):
    """Numbers that do not depend on the data."""

    layout: Layout
    """Places of the head parameters."""
    epsilons: Epsilons
    """Terms that keep the similarity finite."""
    followers: int
    """Number of trailing write heads that reuse the latest weighting of the leading read heads."""
    strength_factor: Any
    """Factor of all key strengths."""
    write_first: bool
    """True if heads read the memory as it is after the write of the same step."""
    every: int
    """Steps between checkpoints of the memory; 0 without a backward pass."""


class Matrices(NamedTuple):
    """Weights of the recurrence, which multiply columns on their right."""

    recurrent: Array
    """From features to pre-activations ``[J, V or V + C]``."""
    heads: Array
    """From the controller's output to head parameters ``[P, C]``."""


class Stand(NamedTuple):
    """Slots that stand for slots which were cut: see :mod:`ntm_agents.kernels.cut`."""

    slots: Array
    """One slot of each sequence ``[B]``."""
    count: Any
    """Number of slots that each stands for besides itself, of the memory's type; 0 if none was cut."""


class Trail(NamedTuple, Generic[Numbers]):
    """Arrays that hold each step: the forward loop fills them, and the backward loop reads them."""

    gates: Numbers
    """Addends of the pre-activations ``[T, B, J]``; afterwards, gates of an LSTM and of jumps."""
    cells: Numbers
    """Cells of an LSTM ``[T + 1, B, C]``, the first set; ``[0, 0, 0]`` for a feed-forward controller."""
    features: Numbers
    """Read vectors and output of the controller ``[T + 1, B, V + C]``, the first set."""
    parameters: Numbers
    """Addends of the head parameters ``[T, B, P]``; afterwards, the parameters."""
    weightings: Numbers
    """``[T + 1, B, H, N]``, the first set. With room for L < T + 1, step t leaves its own at (t + 1) % L."""
    checkpoints: Numbers
    """Memory before each `every`-th step ``[T / every, B, M, N]``."""


class Counter(NamedTuple, Generic[Numbers]):
    """Counters of a machine that jumps; without one, None takes its place."""

    weight: Numbers
    """From the softsign of a counter to the controller's pre-activations ``[G * C]``."""
    counts: Numbers
    """Counters ``[T + 1, B]``, the first set."""
    offers: Numbers
    """Increments of the counters by the inputs ``[T, B]``."""


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
    weighting: Numbers
    """Zeros ``[B, H, N]``; afterwards, of the first weightings."""
    first: Numbers
    """Written, of the first features ``[B, V + C]``."""
    gates: Numbers
    """Written, of the addends of the pre-activations ``[T, B, J]``."""
    parameters: Numbers
    """Written, of the addends of the head parameters ``[T, B, P]``."""


class CounterGradients(NamedTuple, Generic[Numbers]):
    """Gradients of counters."""

    counts: Numbers
    """Of the last counters ``[B]``; afterwards, of the first."""
    offers: Numbers
    """Written, of the offers ``[T, B]``."""
