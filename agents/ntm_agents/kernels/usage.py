"""Usage of a DNC's slots, forward and backward: what was written and has not been released.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods, "Dynamic memory allocation"; the mathematics of `retention` and `use` in
:mod:`ntm_agents.allocation`.

Shape letters: N slots, M width of a slot, R read heads.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


@inline
def retain(reading: Array, gates: Array, retained: Array) -> None:
    """Write the share of each slot that the free gates do not release, psi.

    Args:
        reading: Read weightings of the last step ``[R, N]``.
        gates: Free gates f in [0, 1] ``[R]``.
        retained: The result, written ``[N]``.
    """
    one = retained.dtype.type(1)
    for n in range(len(retained)):
        retained[n] = one
    for r in range(len(reading)):
        gate, row = gates[r], reading[r]
        for n in range(len(retained)):
            retained[n] *= one - gate * row[n]


@inline
def retain_backward(
    reading: Array, gates: Array, dretained: Array, others: Array, dreading: Array, dgates: Array
) -> None:
    """Backpropagate through `retain`.

    Args:
        reading: Read weightings of the last step ``[R, N]``.
        gates: Free gates ``[R]``.
        dretained: Gradients of the shares ``[N]``; afterwards, something else.
        others: Scratch ``[R, N]``, for the product of the factors of the heads before each.
        dreading: Gradients of the read weightings ``[R, N]``, added to.
        dgates: Gradients of the gates, written ``[R]``.
    """
    zero, one = dretained.dtype.type(0), dretained.dtype.type(1)
    for n in range(len(dretained)):
        others[0, n] = one
    for r in range(1, len(reading)):
        gate, row, before, product = gates[r - 1], reading[r - 1], others[r - 1], others[r]
        for n in range(len(dretained)):
            product[n] = before[n] * (one - gate * row[n])
    for r in range(len(reading) - 1, -1, -1):
        gate, row, product, drow, total = gates[r], reading[r], others[r], dreading[r], zero
        for n in range(len(dretained)):
            d = dretained[n] * product[n]
            total -= d * row[n]
            drow[n] -= d * gate
            dretained[n] *= one - gate * row[n]
        dgates[r] = total


@inline
def use(before: Array, written: Array, retained: Array, usage: Array) -> None:
    """Write the usage u in [0, 1] ``[N]``.

    Args:
        before: Usage at the last step ``[N]``.
        written: Write weighting of the last step ``[N]``.
        retained: What `retain` wrote ``[N]``.
        usage: The result, written ``[N]``.
    """
    one = usage.dtype.type(1)
    for n in range(len(usage)):
        usage[n] = (before[n] + written[n] * (one - before[n])) * retained[n]


@inline
def use_backward(
    before: Array, written: Array, retained: Array, dusage: Array, dwritten: Array, dretained: Array
) -> None:
    """Backpropagate through `use`.

    Args:
        before: Usage at the last step ``[N]``.
        written: Write weighting of the last step ``[N]``.
        retained: What `retain` wrote ``[N]``.
        dusage: Gradients of the usage ``[N]``; afterwards, of that at the last step.
        dwritten: Gradients of the write weighting, written ``[N]``.
        dretained: Gradients of the retained shares ``[N]``, added to.
    """
    one = dusage.dtype.type(1)
    for n in range(len(dusage)):
        u, w, d = before[n], written[n], dusage[n]
        dretained[n] += d * (u + w * (one - u))
        d *= retained[n]
        dwritten[n] = d * (one - u)
        dusage[n] = d * (one - w)


@inline
def mark_used(usage: Array, writing: Array, least: Any, used: Array) -> None:
    """Write 1 for slots whose usage after a write is at least `least`, and 0 for the others.

    Args:
        usage: Usage before the write ``[N]``.
        writing: Write weighting ``[N]``.
        least: Least usage.
        used: The result, written ``[N]``.
    """
    one, none = usage.dtype.type(1), usage.dtype.type(0)
    for n in range(len(usage)):
        used[n] = one if usage[n] + writing[n] * (one - usage[n]) >= least else none


@inline
def release(memory: Array, retained: Array) -> None:
    """Erase from a memory ``[M, N]``, in place, what the free gates release."""
    for m in range(len(memory)):
        row = memory[m]
        for n in range(len(retained)):
            row[n] *= retained[n]


@inline
def release_into(memory: Array, retained: Array, after: Array) -> None:
    """Release like `release`, but into another memory ``[M, N]``."""
    for m in range(len(memory)):
        row, new = memory[m], after[m]
        for n in range(len(retained)):
            new[n] = row[n] * retained[n]


@inline
def release_backward(memory: Array, retained: Array, dmemory: Array, dretained: Array) -> None:
    """Backpropagate through `release`.

    Args:
        memory: Memory before the release ``[M, N]``.
        retained: What `retain` wrote ``[N]``.
        dmemory: Gradients of the memory after the release ``[M, N]``; afterwards, before it.
        dretained: Gradients of the retained shares ``[N]``, added to.
    """
    for m in range(len(memory)):
        row, drow = memory[m], dmemory[m]
        for n in range(len(retained)):
            d = drow[n]
            dretained[n] += d * row[n]
            drow[n] = d * retained[n]
