"""Jumps to the first slot and a counter of them, forward and backward, for machines that have both.

Not in the paper: see `jump` in :mod:`ntm_agents.addressing`. The gate of a jump is a hard sigmoid, which
opens and closes entirely. A counter adds up gates and offers of the inputs without any decay, and the
controller sees its softsign, ``c / (1 + |c|)``.

Shape letters: B sequences, R read heads, N slots, S shift options, J pre-activations of the controller.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


@inline
def count(gates: Array, counter: Any, offer: Any) -> Any:
    """Turn pre-activations ``[R]`` into gates of jumps, in place; return the counter plus offer and gates."""
    zero, one = gates.dtype.type(0), gates.dtype.type(1)
    three, six = gates.dtype.type(3), gates.dtype.type(6)
    counter += offer
    for r in range(len(gates)):
        gates[r] = min(max((gates[r] + three) / six, zero), one)
        counter += gates[r]
    return counter


@inline
def count_backward(gates: Array, dcounter: Any, dgates: Array) -> None:
    """Turn gradients of gates ``[R]``, in place, and of the counter into those of pre-activations."""
    zero, one, six = gates.dtype.type(0), gates.dtype.type(1), gates.dtype.type(6)
    for r in range(len(gates)):
        dgates[r] = (dgates[r] + dcounter) / six if zero < gates[r] and gates[r] < one else zero


@inline
def add_counts(counts: Array, weight: Array, preactivations: Array) -> None:
    """Add the softsign of counters ``[B]`` times a weight ``[J]`` to pre-activations ``[B, >= J]``."""
    one = counts.dtype.type(1)
    for b in range(len(counts)):
        shown = counts[b] / (one + abs(counts[b]))
        for j in range(len(weight)):
            preactivations[b, j] += shown * weight[j]


@inline
def add_counts_backward(counts: Array, weight: Array, dpreactivations: Array, dcounts: Array) -> None:
    """Add the contributions of pre-activations to the gradients of counters ``[B]``."""
    one = counts.dtype.type(1)
    for b in range(len(counts)):
        scale, dshown = one + abs(counts[b]), counts.dtype.type(0)
        for j in range(len(weight)):
            dshown += dpreactivations[b, j] * weight[j]
        dcounts[b] += dshown / (scale * scale)


@inline
def jump(ring: Array, gate: Any, left: int, slots: int) -> None:
    """Move a weighting to slot 0 by as much as a gate is open, in place.

    Args:
        ring: The weighting, as :mod:`ntm_agents.kernels.location` has it ``[N + S - 1]``.
        gate: Gate of the jump.
        left: Place of slot 0 in the ring.
        slots: N.
    """
    one = ring.dtype.type(1)
    for i in range(len(ring)):
        ring[i] *= one - gate
    for first in range(left, len(ring), slots):
        ring[first] += gate


@inline
def jump_backward(stayed: Array, gate: Any, left: int, slots: int, dring: Array) -> Any:
    """Backpropagate through `jump`.

    Args:
        stayed: The ring before the jump ``[N + S - 1]``.
        gate: Gate of the jump.
        left: Place of slot 0 in the ring.
        slots: N.
        dring: Gradients of the ring after the jump ``[N + S - 1]``; afterwards, of that before it.

    Returns:
        The gradient of the gate.
    """
    one, dgate = stayed.dtype.type(1), stayed.dtype.type(0)
    for first in range(left, len(dring), slots):
        dgate += dring[first]
    for i in range(len(dring)):
        dgate -= dring[i] * stayed[i]
        dring[i] *= one - gate
    return dgate
