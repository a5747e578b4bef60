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
MOVES = 8
"""Moves a slot after which an order is not nearly right."""


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
def sort(keys: Array, order: Array, values: Array, room: Array) -> None:
    """Put slots in the order of their keys ``[N]``, and equal ones in that of their indices.

    The order of the last step mostly needs few moves. Where it needs many, runs that are in order are merged,
    in at most N log N steps. Whatever the keys are, even NaN, no slot gets lost.

    Args:
        keys: ``[N]``.
        order: All slots in any order, int64 ``[N]``; afterwards, in order.
        values: Scratch ``[N]``.
        room: Scratch, int64 ``[N]``.
    """
    slots = len(order)
    moves, k = 0, 0
    while k < slots and moves <= MOVES * slots:
        n, place = order[k], k
        key = keys[n]
        while place > 0 and (values[place - 1] > key or (values[place - 1] == key and order[place - 1] > n)):
            values[place], order[place] = values[place - 1], order[place - 1]
            place -= 1
        values[place], order[place] = key, n
        moves += k - place
        k += 1
    if k < slots:
        _merge_runs(keys, order, room)


@inline
def _merge_runs(keys: Array, order: Array, room: Array) -> None:
    """Sort like `sort`: merge runs that are in order two by two, until there is one."""
    slots = len(order)
    runs = 2
    while runs > 1:
        runs, at = 0, 0
        while at < slots:
            middle = _end_of_run(keys, order, at)
            end = _end_of_run(keys, order, middle)
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
def _end_of_run(keys: Array, order: Array, start: Any) -> Any:
    """Return the place behind the slots that are in order from a place on."""
    end = min(start + 1, len(order))
    while end < len(order) and not _behind(keys, order[end - 1], order[end]):
        end += 1
    return end


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
