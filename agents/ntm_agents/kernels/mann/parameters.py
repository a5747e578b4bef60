"""Parameters of the heads of a MANN, and their least used slots.

Source: Santoro, Bartunov, Botvinick, Wierstra and Lillicrap, *Meta-Learning with Memory-Augmented Neural
Networks* (arXiv 1605.06065), section 3; the mathematics of :mod:`ntm_agents.machines.mann`.

Shape letters: N slots, M width of a slot, R heads, P head parameters: for each head key (M), write gate and,
if it has one, strength.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.activations import (
    TANH,
    activate,
    activate_backward,
    sigmoid,
    softplus,
    softplus_slope,
)
from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


@inline
def activate_parameters(p: Array, heads: int, width: int) -> None:
    """Turn the controller's output ``[P]`` into head parameters, in place."""
    zero, one, stride = p.dtype.type(0), p.dtype.type(1), len(p) // heads
    for h in range(heads):
        at = h * stride + width
        activate(p[at - width : at], TANH)
        p[at] = sigmoid(p[at], one)
        if stride > width + 1:
            p[at + 1] = one + softplus(p[at + 1], zero)


@inline
def activate_parameters_backward(p: Array, dp: Array, heads: int, width: int) -> None:
    """Turn gradients of head parameters ``[P]`` into those of the controller's output, in place."""
    one, stride = p.dtype.type(1), len(p) // heads
    for h in range(heads):
        at = h * stride + width
        activate_backward(p[at - width : at], dp[at - width : at], TANH)
        dp[at] *= p[at] * (one - p[at])
        if stride > width + 1:
            dp[at + 1] *= softplus_slope(p[at + 1] - one)


@inline
def strength(p: Array, heads: int, width: int, h: int) -> Any:
    """Return the key strength of a head; 1 if heads have none."""
    stride = len(p) // heads
    return p[h * stride + width + 1] if stride > width + 1 else p.dtype.type(1)


@inline
def find_least(usage: Array, slots: Array, values: Array) -> None:
    """Write the least used slots ``[R]``, that with the least usage first; of equal ones the first.

    Whatever the usage is, even NaN, they are different slots.

    Args:
        usage: ``[N]``, at least R.
        slots: The result, int64, written ``[R]``.
        values: Their usage, written ``[R]``.
    """
    count, found = len(slots), 0
    for n in range(len(usage)):
        value = usage[n]
        if found < count or value < values[count - 1]:
            place = min(found, count - 1)
            while place > 0 and value < values[place - 1]:
                values[place], slots[place] = values[place - 1], slots[place - 1]
                place -= 1
            values[place], slots[place] = value, n
            found += 1


@inline
def empty(memory: Array, slots: Array) -> None:
    """Fill slots of a memory ``[M, N]`` with zeros."""
    for i in range(len(slots)):
        for m in range(len(memory)):
            memory[m, slots[i]] = 0
