"""Allocation of a DNC's slots, forward and backward: an order of the slots, and a weighting by that order.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods, "Dynamic memory allocation"; the mathematics of `allocate` in
:mod:`ntm_agents.allocation`.

Shape letters: N slots.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline

EPSILON = 1e-6
"""Least usage of a slot."""


@inline
def bound(usage: Array, bounded: Array) -> None:
    """Write usages ``[N]`` that are at least EPSILON: those that are ordered and multiplied."""
    least, one = usage.dtype.type(EPSILON), usage.dtype.type(1)
    share = one - least
    for n in range(len(usage)):
        bounded[n] = least + share * usage[n]


@inline
def _behind(keys: Array, i: Any, j: Any) -> Any:
    """Return whether slot i comes behind slot j: it has a larger key, or an equal one and a larger index."""
    return keys[i] > keys[j] or (keys[i] == keys[j] and i > j)


@inline
def sort(keys: Array, order: Array, room: Array) -> None:
    """Put slots in the order of their keys ``[N]``, and equal ones in that of their indices.

    Runs that are in order are merged two by two, until there is one. The order of the last step mostly has
    a few long runs, so this takes time linear in N. Whatever the keys are, even NaN, no slot gets lost.

    Args:
        keys: ``[N]``.
        order: All slots in any order, int64 ``[N]``; afterwards, in order.
        room: Scratch, int64 ``[N]``.
    """
    slots = len(order)
    runs = 2
    while runs > 1:
        runs, at = 0, 0
        while at < slots:
            middle = at + 1
            while middle < slots and not _behind(keys, order[middle - 1], order[middle]):
                middle += 1
            end = middle
            if middle < slots:
                end += 1
                while end < slots and not _behind(keys, order[end - 1], order[end]):
                    end += 1
            left, right = at, middle
            for k in range(at, end):
                if right >= end or (left < middle and not _behind(keys, order[left], order[right])):
                    room[k] = order[left]
                    left += 1
                else:
                    room[k] = order[right]
                    right += 1
            runs += 1
            at = end
        for k in range(slots):
            order[k] = room[k]


@inline
def allocate(bounded: Array, order: Array, allocation: Array) -> None:
    """Write the allocation weighting a ``[N]``: most to the slot that is used least.

    Args:
        bounded: What `bound` wrote ``[N]``.
        order: Slots in the order of their usage ``[N]``.
        allocation: The result, written ``[N]``.
    """
    one = bounded.dtype.type(1)
    before = one
    for k in range(len(order)):
        n = order[k]
        allocation[n] = (one - bounded[n]) * before
        before *= bounded[n]


@inline
def allocate_backward(
    bounded: Array, order: Array, dallocation: Array, products: Array, dusage: Array
) -> None:
    """Backpropagate through `allocate` and `bound`, but not through the order.

    Args:
        bounded: What `bound` wrote ``[N]``.
        order: Slots in the order of their usage ``[N]``.
        dallocation: Gradients of the allocation weighting ``[N]``.
        products: Scratch ``[N]``.
        dusage: Gradients of the usage ``[N]``, added to.
    """
    zero, one = bounded.dtype.type(0), bounded.dtype.type(1)
    share = one - bounded.dtype.type(EPSILON)
    before = one
    for k in range(len(order)):
        products[k] = before
        before *= bounded[order[k]]
    dbehind = zero  # gradient of the product of all usages up to this slot
    for k in range(len(order) - 1, -1, -1):
        n = order[k]
        u, d, product = bounded[n], dallocation[n], products[k]
        dusage[n] += share * product * (dbehind - d)
        dbehind = dbehind * u + d * (one - u)
