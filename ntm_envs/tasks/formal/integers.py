"""Random integers of any size and their bits, in arrays of Python's integers.

Shape letters: B episodes, W bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.formal.tokens import Tokens
from ntm_envs.tasks.sizes import Integers

Large = NDArray[Any]
"""An array of Python's integers, of dtype object."""

_bit_length: Any = np.frompyfunc(int.bit_length, 1, 1)


def positive(keys: keyed.Keys, bits: Integers, start: Integers | int = 0) -> Large:
    """Draw positive integers of at most the given numbers of bits.

    Args:
        keys: Keys ``[B]``.
        bits: Largest numbers of bits ``[B]``.
        start: Index of the first word that is used, which may differ by key; there are :func:`words_for`.

    Returns:
        Integers ``[B]``, uniform from 1 to ``2**bits - 1``, up to a bias of ``2**-64``.
    """
    count = words_for(bits)
    most = int(count.max(initial=0))
    words = keyed.words(keys, keyed.DATA, most, start)
    words[np.arange(most) >= count[:, None]] = 0
    # The words are the digits of a fraction, which is scaled.
    weights = [2 ** (64 * (most - 1 - digit)) for digit in range(most)]
    numerator = words.astype(object) @ np.array(weights, object)
    scaled: Large = 1 + ((numerator * (2 ** bits.astype(object) - 1)) >> (64 * most))
    return scaled


def words_for(bits: Integers) -> Integers:
    """Return how many words :func:`positive` uses for integers of the given numbers of bits."""
    return bits // 64 + 2


def binary(integers: Large, width: int) -> Tokens:
    """Return the ``width`` lowest bits of integers ``[B]``, the lowest first, int8 ``[W, B]``."""
    return ((integers >> np.arange(width, dtype=object)[:, None]) & 1).astype(np.int8)


def lengths(integers: Large) -> Integers:
    """Return the numbers of bits of positive integers ``[B]``."""
    counted: Integers = _bit_length(integers).astype(np.int64)
    return counted
