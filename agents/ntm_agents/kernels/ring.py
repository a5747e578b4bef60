"""The slots of a memory in the order of their last use: a circular list, doubly linked.

The newest slot is followed by the oldest, so a use of the oldest moves no links. All operations take the same
time for any number of slots.

Source: Rae, Hunt et al., *Scaling Memory-Augmented Neural Networks with Sparse Reads and Writes* (NIPS 2016).

Shape letters: N slots.
"""

from __future__ import annotations

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


@inline
def make_ring(order: Array, newer: Array, older: Array) -> None:
    """Link slots that are given in their order ``[N]``, the oldest first; the rings are written ``[N]``."""
    last = order[len(order) - 1]
    for i in range(len(order)):
        slot = order[i]
        newer[last], older[slot] = slot, last
        last = slot


@inline
def renew(slot: int, oldest: int, newer: Array, older: Array) -> int:
    """Move a slot behind the newest, and return the slot that is then the oldest.

    Args:
        slot: The slot.
        oldest: The oldest slot.
        newer: The next slot of each ``[N]``.
        older: The slot before each ``[N]``.
    """
    if slot == oldest:
        return int(newer[slot])
    before, behind, newest = older[slot], newer[slot], older[oldest]
    newer[before], older[behind] = behind, before
    newest = older[oldest]
    newer[newest], older[slot] = slot, newest
    newer[slot], older[oldest] = oldest, slot
    return oldest
