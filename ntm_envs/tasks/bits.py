"""Tasks on vectors of bits, and what they are made of.

Shape letters: B episodes, T time steps, K vectors, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.answers import Bits
from ntm_envs.tasks.base import SequenceTask, at_least
from ntm_envs.tasks.sizes import Integers

Vectors = NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class BitTask(SequenceTask):
    """A sequence task whose data are vectors of ``bits`` bits, and whose answers are bits."""

    bits: int = 8
    """Number of bits of a data vector, at least 1."""

    def __post_init__(self) -> None:
        at_least("bits", self.bits, 1)

    @property
    def answers(self) -> Bits:
        """One bit for each output channel."""
        return Bits(len(self.output_channels))

    def vectors(self, keys: keyed.Keys, counts: Integers, blank: float = 0.0) -> Vectors:
        """Return ``counts[b]`` random data vectors of each key, padded with zeros, int8 ``[K, B, bits]``.

        Vector ``v`` is made of the words ``v * n .. (v + 1) * n - 1`` of :data:`ntm_envs.keyed.DATA`,
        where n is the number of words that hold `bits` bits. A share `blank` of them is made all zeros.
        """
        most, width = int(counts.max(initial=0)), words_for(self.bits)
        words = keyed.words(keys, keyed.DATA, most * width)
        words *= np.arange(most * width) < counts[:, None] * width
        if blank:
            drawn = keyed.words(keys, keyed.RARE, most) >> np.uint64(32)
            words *= np.repeat(drawn >= blank * 2**32, width, axis=1)
        return unpack(words, self.bits)


def unpack(words: keyed.Words, bits: int) -> Vectors:
    """Cut random words ``[B, count * n]`` into vectors of bits, int8 ``[count, B, bits]``."""
    B, count = len(words), words.shape[1] // words_for(bits)
    data = np.ascontiguousarray(words, "<u8").view(np.uint8).reshape(B, count, -1)
    data = np.ascontiguousarray(data[:, :, : -(-bits // 8)])
    vectors = np.unpackbits(data, bitorder="little").reshape(B, count, -1)
    return vectors[:, :, :bits].view(np.int8).transpose(1, 0, 2)


def words_for(bits: int) -> int:
    """Return the number of 64-bit words that hold a vector of this many bits."""
    return -(-bits // 64)


def place(values: NDArray[Any], at: Integers, out: NDArray[Any]) -> None:
    """Copy ``values [K, B, C]`` to ``out [T, B, C]`` of a batch, row 0 of episode b to step ``at[b]``.

    Every ``at[b] + K`` must be at most T. Where the values of an episode are padded with zeros, these
    land behind its real ones.
    """
    (K, B, C), T = values.shape, len(out)
    if not values.size:
        return
    # All K vectors of an episode are one opaque item, and such items overlap wherever they may begin.
    item, step = f"V{K * C * out.itemsize}", C * out.itemsize
    places: NDArray[np.void] = np.ndarray((B * T - K + 1,), item, out.transpose(1, 0, 2), strides=(step,))
    episodes = np.ascontiguousarray(values.transpose(1, 0, 2), out.dtype).reshape(B, K * C)
    places[at + T * np.arange(B)] = episodes.view(item)[:, 0]


def pick(values: NDArray[Any], step: NDArray[Any]) -> NDArray[Any]:
    """Return ``values[step[t, b], b]`` for every t and b, that is ``[T, B, C]`` from ``[K, B, C]``."""
    K, B, C = values.shape
    vectors = values.transpose(1, 0, 2).reshape(B * K, C)
    picked: NDArray[Any] = vectors.take(step.T + K * np.arange(B)[:, None], axis=0)
    return picked.transpose(1, 0, 2)
