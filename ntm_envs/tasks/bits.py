"""Base classes and array functions of tasks on vectors of bits.

Shape letters: B episodes, T time steps, K vectors, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.answers import Bits
from ntm_envs.tasks.base import SequenceTask, channel_names, check_fraction, check_integer
from ntm_envs.tasks.sizes import Integers

Vectors = NDArray[np.int8]

WIDEST = 2**16
"""Largest number of bits per vector, and of vectors per item."""


@dataclass(frozen=True, kw_only=True)
class BitTask(SequenceTask):
    """A sequence task whose data are vectors of ``bits`` bits, and whose answers are bits."""

    bits: int = 8
    """Number of bits per data vector, from 1 to 65536."""

    def __post_init__(self) -> None:
        check_integer(self, "bits", 1, WIDEST)

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The bits of a data vector."""
        return channel_names("data", self.bits)

    @property
    def answers(self) -> Bits:
        """One bit for each output channel."""
        return Bits(len(self.output_channels))


@dataclass(frozen=True, kw_only=True)
class CopyTask(BitTask):
    """A bit task whose episodes begin with a sequence of random vectors, some of which may be blank."""

    blank: float = 0.0
    """Fraction of vectors that are set to zero, in addition to those that are zero by chance. Models learn
    zero vectors late, as these are rare (one in 256 of 8 bits) and look like the zeros after the sequence.
    Used in training only; evaluation always uses 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction(self, "blank")

    def vectors(self, keys: keyed.Keys, counts: Integers) -> Vectors:
        """Return ``counts[b]`` random vectors for each key, padded with zeros, int8 ``[K, B, bits]``.

        Vector ``v`` consists of the words ``v * n .. (v + 1) * n - 1`` of :data:`ntm_envs.keyed.DATA`, where
        n is the number of words that hold `bits` bits.
        """
        most, width = int(counts.max(initial=0)), words_for(self.bits)
        words = keyed.words(keys, keyed.DATA, most * width)
        words *= np.arange(most * width) < counts[:, None] * width
        if self.blank:
            drawn = keyed.words(keys, keyed.RARE, most) >> np.uint64(32)
            words *= np.repeat(drawn >= self.blank * 2**32, width, axis=1)
        return unpack(words, self.bits)


def unpack(words: keyed.Words, bits: int) -> Vectors:
    """Convert random words ``[B, K * n]`` to vectors of bits, int8 ``[K, B, bits]``; n words per vector."""
    B, count = len(words), words.shape[1] // words_for(bits)
    data = np.ascontiguousarray(words, "<u8").view(np.uint8).reshape(B, count, -1)
    data = np.ascontiguousarray(data[:, :, : -(-bits // 8)])
    vectors = np.unpackbits(data, bitorder="little").reshape(B, count, -1)
    return vectors[:, :, :bits].view(np.int8).transpose(1, 0, 2)


def words_for(bits: int) -> int:
    """Return the number of 64-bit words that hold a vector of ``bits`` bits."""
    return -(-bits // 64)


def place(values: NDArray[Any], at: Integers, out: NDArray[Any]) -> None:
    """Copy ``values[:, b]`` to ``out[at[b] : at[b] + K, b]`` for every episode b.

    Args:
        values: Vectors ``[K, B, C]``.
        at: First step of each episode ``[B]``; ``at[b] + K`` is at most T.
        out: Array of a batch ``[T, B, C]``.
    """
    (K, B, C), T = values.shape, len(out)
    if not values.size:
        return
    # The K vectors of an episode are copied as one opaque item; `places` has one for each possible start.
    item, step = f"V{K * C * out.itemsize}", C * out.itemsize
    places: NDArray[np.void] = np.ndarray((B * T - K + 1,), item, out.transpose(1, 0, 2), strides=(step,))
    episodes = np.ascontiguousarray(values.transpose(1, 0, 2), out.dtype).reshape(B, K * C)
    places[at + T * np.arange(B)] = episodes.view(item)[:, 0]


def pick(values: NDArray[Any], step: NDArray[Any]) -> NDArray[Any]:
    """Return ``values[step[t, b], b]`` for all t and b: ``[T, B, C]`` from ``[K, B, C]``."""
    K, B, C = values.shape
    vectors = values.transpose(1, 0, 2).reshape(B * K, C)
    picked: NDArray[Any] = vectors.take(step.T + K * np.arange(B)[:, None], axis=0)
    return picked.transpose(1, 0, 2)
