"""Mixtures of weightings, forward and backward: content and allocation for a write, three ways for a read.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods.

Shape letters: N slots.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


@inline
def gate_write(towards: Any, gate: Any, content: Array, free: Array, writing: Array) -> None:
    """Write the write weighting ``[N]``.

    Args:
        towards: Allocation gate.
        gate: Write gate.
        content: Weighting by content ``[N]``.
        free: Allocation weighting ``[N]``.
        writing: The result, written ``[N]``.
    """
    for n in range(len(writing)):
        writing[n] = gate * (content[n] + towards * (free[n] - content[n]))


@inline
def gate_write_backward(
    towards: Any, gate: Any, content: Array, free: Array, dwriting: Array, dcontent: Array, dfree: Array
) -> tuple[Any, Any]:
    """Backpropagate through `gate_write`.

    Args:
        towards: Allocation gate.
        gate: Write gate.
        content: Weighting by content ``[N]``.
        free: Allocation weighting ``[N]``.
        dwriting: Gradients of the write weighting ``[N]``.
        dcontent: Gradients of the weighting by content, written ``[N]``.
        dfree: Gradients of the allocation weighting, written ``[N]``.

    Returns:
        The gradients of allocation gate and write gate.
    """
    one, dtowards, dgate = content.dtype.type(1), content.dtype.type(0), content.dtype.type(0)
    for n in range(len(content)):
        d, difference = dwriting[n], free[n] - content[n]
        dgate += d * (content[n] + towards * difference)
        dtowards += d * difference
    for n in range(len(content)):
        d = dwriting[n] * gate
        dcontent[n] = d * (one - towards)
        dfree[n] = d * towards
    return dtowards * gate, dgate


@inline
def mix(modes: Array, backward: Array, content: Array, forward: Array, out: Array) -> None:
    """Write the sum of the ways of a head, weighted by its modes ``[N]``."""
    first, second, third = modes[0], modes[1], modes[2]
    for n in range(len(out)):
        out[n] = first * backward[n] + second * content[n] + third * forward[n]


@inline
def mix_backward(
    modes: Array,
    backward: Array,
    content: Array,
    forward: Array,
    dout: Array,
    dmodes: Array,
    dbackward: Array,
    dcontent: Array,
    dforward: Array,
) -> None:
    """Write gradients of the modes of a head, and of its ways, given those of their sum ``[N]``."""
    first, second, third = modes[0], modes[1], modes[2]
    zero = dout.dtype.type(0)
    dfirst, dsecond, dthird = zero, zero, zero
    for n in range(len(dout)):
        d = dout[n]
        dfirst += d * backward[n]
        dsecond += d * content[n]
        dthird += d * forward[n]
    for n in range(len(dout)):
        dbackward[n] = first * dout[n]
        dcontent[n] = second * dout[n]
        dforward[n] = third * dout[n]
    dmodes[0], dmodes[1], dmodes[2] = dfirst, dsecond, dthird
