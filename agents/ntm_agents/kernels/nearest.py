"""Slots that are most similar to keys, one by one: the K largest cosines, and a softmax over these alone.

A memory lies with its slots first, ``[N, M]``, so that a slot is one piece. Of slots with the same similarity
those that are offered first come first. A similarity that is not a number is never among the largest.

Shape letters: N slots, M width of a slot, H heads, K slots that a head reads.
"""

from __future__ import annotations

import math
from typing import Any

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline
from ntm_agents.kernels.content import Epsilons

BLOCK = 64
"""Slots that are compared at a time."""


@inline
def dot(a: Array, b: Array) -> Any:
    """Return the dot product of vectors ``[M]``."""
    total = a.dtype.type(0)
    for m in range(len(a)):
        total += a[m] * b[m]
    return total


@inline
def begin(best: Array, slots: Array) -> None:
    """Start a list of the largest similarities ``[K]``; its slots ``[K]`` are the first ones."""
    for k in range(len(best)):
        best[k], slots[k] = -math.inf, k


@inline
def offer(similarity: Any, slot: int, best: Array, slots: Array) -> None:
    """Enter a slot into a list of the largest similarities ``[K]``, which are in order, if it is one."""
    k = len(best) - 1
    if similarity > best[k]:
        while k > 0 and similarity > best[k - 1]:
            best[k], slots[k] = best[k - 1], slots[k - 1]
            k -= 1
        best[k], slots[k] = similarity, slot


@inline
def scan(
    memory: Array,
    p: Array,
    stride: int,
    key_norms: Array,
    epsilons: Epsilons,
    block: Array,
    best: Array,
    slots: Array,
) -> None:
    """Find the slots that are most similar to the keys of all heads, by a comparison with every slot.

    Args:
        memory: ``[N, M]``.
        p: Parameters, in which the key of head h begins at ``h * stride``.
        stride: Distance of keys.
        key_norms: Norms of the keys ``[H]``.
        epsilons: Terms that keep the similarity finite.
        block: Scratch ``[H + 1, BLOCK]``.
        best: Similarities, largest first, written ``[H, K]``.
        slots: Their slots, written ``[H, K]``.
    """
    N, M = memory.shape
    H, norms = len(best), block[len(best)]
    for h in range(H):
        begin(best[h], slots[h])
    for first in range(0, N, BLOCK):
        count = min(BLOCK, N - first)
        for i in range(count):
            row = memory[first + i]
            norms[i] = dot(row, row) + epsilons.inside
            for h in range(H):
                block[h, i] = dot(row, p[h * stride : h * stride + M])
        for i in range(count):
            norms[i] = math.sqrt(norms[i])
        for h in range(H):
            similarities, key_norm = block[h], key_norms[h]
            for i in range(count):
                similarities[i] /= key_norm * norms[i] + epsilons.product
            for i in range(count):
                offer(similarities[i], first + i, best[h], slots[h])


@inline
def compare_rows(rows: Array, key: Array, epsilons: Epsilons, dots: Array, norms: Array) -> None:
    """Write dot products of rows ``[K, M]`` with a key ``[M]``, and the norms of the rows, both ``[K]``."""
    for k in range(len(rows)):
        dots[k] = dot(rows[k], key)
        norms[k] = math.sqrt(dot(rows[k], rows[k]) + epsilons.inside)
