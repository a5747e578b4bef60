"""Keyed permutations: random numbers of which no two are equal, and random orders.

Numbers of a few bits are permuted in rounds. A round multiplies by an odd number, adds another, and adds the
upper half of the bits to the lower half (exclusive or). Each of these steps is a bijection of the numbers of
n bits, as are the steps of :func:`ntm_envs.keyed.mix`. Any part of the permutation costs as much as its own
numbers.

Shape letters: B keys, K elements.

Example:
    >>> permuted(np.array([7]), 8, 3).tolist()
    [[6, 3, 2, 4, 7, 1, 5, 0]]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.sizes import Integers

ROUNDS = 12
"""Number of rounds, each with its own two words of the key."""


def permuted(keys: keyed.Keys, count: int, bits: int) -> keyed.Words:
    """Return the first ``count`` numbers of each key's permutation of ``0 .. 2**bits - 1``.

    Args:
        keys: Keys ``[B]``, whose first words of :data:`ntm_envs.keyed.DATA` draw the permutation.
        count: Number of numbers, at most ``2**bits``.
        bits: Number of bits, from 1 to 64.

    Returns:
        Different numbers ``[B, count]``.
    """
    words = keyed.words(keys, keyed.DATA, 2 * ROUNDS)[:, :, None]
    mask, half = np.uint64(2**bits - 1), np.uint64((bits + 1) // 2)
    numbers = np.repeat(np.arange(count, dtype=np.uint64)[None], len(keys), axis=0)
    for i in range(0, 2 * ROUNDS, 2):
        numbers = numbers * (words[:, i] | np.uint64(1)) + words[:, i + 1] & mask
        numbers ^= numbers >> half
    return numbers


def shuffled(keys: keyed.Keys, start: int, there: NDArray[np.bool_]) -> Integers:
    """Return the elements that are there in random order, as indices ``[B, K]``, and then the others.

    Args:
        keys: Keys ``[B]``.
        start: Index of the first word of :data:`ntm_envs.keyed.DATA` that draws the order.
        there: Whether an episode has an element, bool ``[B, K]``.
    """
    words = keyed.words(keys, keyed.DATA, there.shape[1], start) >> np.uint64(1)
    words[~there] = 2**64 - 1
    order: Integers = words.argsort(axis=1, kind="stable")
    return order
