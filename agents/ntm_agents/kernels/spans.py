"""Spans: the slots of a sharp weighting that have any weight, from the first to the one behind the last.

Without a look-up, a head that only shifts moves, reads and writes its span alone. This is for computation
without gradients: the backward pass needs each slot's share.

Shape letters: N slots, S shift options.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array, log
from ntm_agents.kernels.compilation import inline
from ntm_agents.kernels.location import TINY, sharpen

CLOSED = 1e-20
"""Least weight of a slot, and least gate of a look-up, that can be seen beside weights that add up to 1."""


@inline
def find_span(weighting: Array, first: int, behind: int, span: Array) -> None:
    """Write first slot and the one behind the last, of those between two whose weight is above CLOSED or NaN.

    One after the other: mostly those at the ends are.

    Args:
        weighting: ``[N]``.
        first: Slot to begin with.
        behind: Slot to end before.
        span: The result ``[2]``.
    """
    least = weighting.dtype.type(CLOSED)
    while first < behind and weighting[first] <= least:
        first += 1
    while behind > first and weighting[behind - 1] <= least:
        behind -= 1
    span[0], span[1] = first, behind


@inline
def move_span(
    previous: Array, first: int, behind: int, moves: Array, sharpening: Any, logs: Array, weighting: Array
) -> None:
    """Shift and sharpen a weighting that is zero but for some slots, away from the memory's ends.

    Args:
        previous: The weighting before ``[N]``.
        first: First slot that it may reach.
        behind: The one behind the last.
        moves: Distribution over shifts ``[S]``.
        sharpening: The power gamma.
        logs: Scratch ``[N]``.
        weighting: The result, written ``[N]``.
    """
    shifts, length, zero = len(moves), behind - first, weighting.dtype.type(0)
    tiny = weighting.dtype.type(TINY)
    for n in range(len(weighting)):
        weighting[n] = zero
    moved, logs = weighting[first:behind], logs[:length]
    for i in range(length):
        moved[i] = tiny
    for j in range(shifts):
        share, before = moves[j], previous[first + shifts // 2 - j : behind + shifts // 2 - j]
        for i in range(length):
            moved[i] += share * before[i]
    for i in range(length):
        logs[i] = log(moved[i])
    sharpen(logs, sharpening, moved)
