"""Keyed random numbers: the random words of an episode are a pure function of its key.

Word ``i`` of key ``k`` in a domain is

    mix(mix(k XOR domain) + i * 0x9E3779B97F4A7C15  mod 2**64)

where ``mix`` is the finaliser of SplitMix64 (Steele, Lea and Flood, *Fast splittable pseudorandom number
generators*, OOPSLA 2014). This counter-based generator has no state, is vectorised over keys, and returns the
same words on every platform and with every version of NumPy. The key is mixed *before* the counter is added,
so the words of neighbouring keys are unrelated.

Shape letter: B keys.

Example:
    >>> words(np.array([7, 8]), DATA, 2)
    array([[14561412221020562249,  6406849666937232612],
           [ 8075571724733738497, 10825054427420629861]], dtype=uint64)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Keys = NDArray[np.int64]
Words = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""The increment of SplitMix64, 2**64 divided by the golden ratio."""

# Each use of a key has a domain of its own, so no two uses draw the same words. `mix` maps zero to zero. No
# key cancels a domain to zero, because the top bit of every domain is set and keys have 63 bits.
SIZES = np.uint64(0xA0761D6478BD642F)
"""Domain of the sizes of an episode."""
DATA = np.uint64(0xE7037ED1A0B428DB)
"""Domain of the data of an episode."""
RARE = np.uint64(0xD6E8FEB86659FD93)
"""Domain of the choice of data that training oversamples, such as blank vectors and near misses."""
STREAM = np.uint64(0x8EBC6AF09C88C6E3)
"""Domain of the episode keys of a stream."""
MEMORY = np.uint64(0xC2B2AE3D27D4EB4F)
"""Domain of the size of the memory in training."""
FIXED = np.uint64(0x9FB21C651E98DF25)
"""Domain of the data that all episodes of a task share; the key is a constant of the task."""


def mix(words: Words) -> Words:
    """Apply the finaliser of SplitMix64, a bijection of the 64-bit integers, to each word."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def words(keys: Keys, domain: np.uint64, count: int, start: int | NDArray[np.int64] = 0) -> Words:
    """Return ``count`` consecutive random words of each key.

    Args:
        keys: Keys ``[B]``, as :func:`as_keys` returns them.
        domain: The use of the words, such as :data:`DATA`.
        count: Number of words per key.
        start: Index of the first word; an array ``[B]`` has one for each key.

    Returns:
        Uniform 64-bit words ``[B, count]``.
    """
    indices = np.asarray(start)[..., None] + np.arange(count)
    counters = indices.astype(np.uint64) * GOLDEN
    return mix(mix(keys.view(np.uint64) ^ domain)[:, None] + counters)


def below(words: Words, bounds: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Map random words to integers that are uniform in ``[0, bounds)``, up to a bias of ``bounds / 2**32``.

    Args:
        words: Random words of any shape; only their upper 32 bits are used.
        bounds: Positive bounds below 2**31, broadcastable to ``words``.

    Returns:
        Integers of the broadcast shape.
    """
    scaled = (words >> np.uint64(32)) * np.asarray(bounds, dtype=np.uint64)
    return (scaled >> np.uint64(32)).astype(np.int64)


def stream_keys(streams: Keys, indices: NDArray[np.int64]) -> Keys:
    """Return the keys of episodes of streams.

    Args:
        streams: Stream keys ``[B]``.
        indices: Non-negative index of the episode in each stream ``[B]``.

    Returns:
        Episode keys ``[B]``, in ``[0, 2**63)``.
    """
    state = mix(streams.view(np.uint64) ^ STREAM) + indices.astype(np.uint64) * GOLDEN
    return (mix(state) >> np.uint64(1)).view(np.int64)


def as_keys(keys: ArrayLike) -> Keys:
    """Validate keys and return them as a contiguous int64 array ``[B]``.

    Args:
        keys: One key or a sequence of keys, of any integer dtype, each in ``[0, 2**63)``.

    Raises:
        TypeError: If the keys are not integers.
        ValueError: If a key is out of range, or there is more than one dimension.
    """
    array = np.atleast_1d(np.asarray(keys))
    if array.ndim != 1:
        raise ValueError(f"keys have the shape {array.shape}; expected one dimension [B]")
    # NumPy stores Python integers beyond 64 bits as objects; these fail the range check below.
    if array.dtype.kind not in "iu" and not all(type(key) is int for key in array):
        raise TypeError(f"keys are of type {array.dtype}; expected integers")
    wrong = [int(key) for key in array[(array < 0) | (array > 2**63 - 1)][:1]]
    if wrong:
        raise ValueError(f"the key {wrong[0]} is out of range; expected 0 <= key < 2**63")
    return np.ascontiguousarray(array, dtype=np.int64)
