"""What a task is: a pure function from keys and sizes to a batch of episodes.

A task knows nothing of environments, rewards or agents. To add one, subclass :class:`Task`, name its
channels and its sizes, count its steps, fill in its episodes and say how an oracle solves it;
`tasks/copy.py` is the shortest example, and :func:`ntm_envs.testing.check_task` tells what is wrong.

Shape letters: B episodes, T time steps (of the longest episode), I input channels, O output channels.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntm_envs import keyed
from ntm_envs.agent import Agent

Integers = NDArray[np.int64]
Bits = NDArray[np.int8]
Size = int | Sequence[int] | Integers
"""A size of an episode: an int; a range ``(low, high)``, both ends included, from which it is drawn by
the episode's key; or an array ``[B]`` with one size for each episode."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Episodes side by side, padded at the end with zeros to the longest of them.

    Attributes:
        keys: The key of each episode, int64 ``[B]``.
        sizes: Each size by its name, int64 ``[B]``.
        steps: The number of steps of each episode, int64 ``[B]``.
        inputs: What an agent observes, float32 ``[T, B, I]``.
        targets: The right answers, int8 ``[T, B, O]``, 0 where the mask is false.
        mask: The answer steps, bool ``[T, B]``: only these are scored.
    """

    keys: keyed.Keys
    sizes: dict[str, Integers]
    steps: Integers
    inputs: NDArray[np.float32]
    targets: Bits
    mask: NDArray[np.bool_]

    def buckets(self, size: int) -> Iterator[Batch]:
        """Cut the batch into parts of episodes of like length, the shortest first, with little padding.

        Args:
            size: Number of episodes of a part. Episodes that all have as many steps stay together.
        """
        if (self.steps == self.steps[0]).all():
            yield self
            return
        order = np.argsort(self.steps, kind="stable")
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            steps = self.steps[rows]
            yield Batch(
                keys=self.keys[rows],
                sizes={name: values[rows] for name, values in self.sizes.items()},
                steps=steps,
                inputs=self.inputs[: steps.max(), rows],
                targets=self.targets[: steps.max(), rows],
                mask=self.mask[: steps.max(), rows],
            )


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """A sequence task. Its free parameters are the fields of a frozen dataclass; see the module."""

    bits: int = 8
    """Number of bits of a data vector, at least 1."""

    def __post_init__(self) -> None:
        at_least("bits", self.bits, 1)

    @property
    @abstractmethod
    def input_channels(self) -> tuple[str, ...]:
        """The names of the I input channels."""

    @property
    @abstractmethod
    def output_channels(self) -> tuple[str, ...]:
        """The names of the O output channels."""

    @property
    @abstractmethod
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """The smallest and the largest value that each size may have, in order, by name."""

    @abstractmethod
    def count_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return the number of steps T of episodes of these sizes, element by element."""

    @abstractmethod
    def fill(self, batch: Batch) -> None:
        """Write inputs, targets and mask of a batch, which arrive as zeros.

        The data must be a function of each episode's own key and sizes: take them from
        :func:`ntm_envs.keyed.words` or :meth:`vectors`, from word indices that do not depend on the
        other episodes of the batch.
        """

    @abstractmethod
    def oracle(self) -> Agent:
        """Return the best possible agent, which sees only what any agent sees."""

    @property
    def input_bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The smallest and the largest value of each input channel, whatever the sizes, each ``[I]``."""
        return np.zeros(self.input_size, np.float32), np.ones(self.input_size, np.float32)

    @property
    def constant_output(self) -> Bits:
        """The output int8 ``[O]`` that, given at every step, earns the most."""
        return np.zeros(self.output_size, np.int8)

    @property
    def input_size(self) -> int:
        """The number of input channels I."""
        return len(self.input_channels)

    @property
    def output_size(self) -> int:
        """The number of output channels O."""
        return len(self.output_channels)

    def episodes(self, keys: ArrayLike, **sizes: Size) -> Batch:
        """Return the episodes of these keys.

        Args:
            keys: Keys ``[B]`` in ``[0, 2**63)``.
            **sizes: Every size of the task: an int, a range ``(low, high)`` or an array ``[B]``.

        Raises:
            TypeError: If a size is missing, unknown or not an integer, or a key is not an integer.
            ValueError: If a size or a key is out of range.
        """
        keys = keyed.as_keys(keys)
        drawn = self.draw_sizes(keys, self.check_sizes(sizes, len(keys)))
        steps = self.count_steps(drawn)
        B, T = len(keys), int(steps.max(initial=0))
        # Each episode is contiguous in memory; the arrays are time-major views of it.
        batch = Batch(
            keys=keys,
            sizes=drawn,
            steps=steps,
            inputs=np.zeros((B, T, self.input_size), np.float32).transpose(1, 0, 2),
            targets=np.zeros((B, T, self.output_size), np.int8).transpose(1, 0, 2),
            mask=np.zeros((B, T), np.bool_).T,
        )
        self.fill(batch)
        return batch

    def steps(self, **sizes: Size) -> int:
        """Return the number of steps of the longest episode that these sizes allow."""
        checked = self.check_sizes(sizes, None)
        return int(self.count_steps({name: high for name, (_, high) in checked.items()}).max())

    def check_sizes(
        self, sizes: Mapping[str, Size], batch_size: int | None
    ) -> dict[str, tuple[Integers, Integers]]:
        """Return each size as bounds ``(low, high)``, arrays of shape ``[]`` or ``[B]``.

        Args:
            sizes: Every size of the task, as :meth:`episodes` takes them.
            batch_size: The length that an array of sizes must have; None for any.

        Raises:
            TypeError: If a size is missing, unknown or not an integer.
            ValueError: If a size is out of range or has the wrong shape.
        """
        names = ", ".join(self.limits)
        for name in sizes:
            if name not in self.limits:
                raise TypeError(f"{type(self).__name__} has no size {name!r}; its sizes: {names}")
        checked = {}
        for name, (smallest, largest) in self.limits.items():
            if name not in sizes:
                raise TypeError(
                    f"{type(self).__name__} needs the size {name!r}, such as "
                    f"{name}={smallest} or {name}=({smallest}, {min(smallest + 9, largest)})"
                )
            given = sizes[name]
            low, high = _bounds(name, given, batch_size)
            if (low > high).any():
                raise ValueError(f"the range {name}={given} is empty; expected (low, high), low <= high")
            if (low < smallest).any() or (high > largest).any():
                raise ValueError(
                    f"{name}={given} is out of range; {type(self).__name__} takes "
                    f"{smallest} <= {name} <= {largest}"
                )
            checked[name] = (low, high)
        return checked

    def draw_sizes(
        self, keys: keyed.Keys, bounds: Mapping[str, tuple[Integers, Integers]]
    ) -> dict[str, Integers]:
        """Return the sizes ``[B]`` that the keys draw uniformly between bounds from :meth:`check_sizes`."""
        drawn = {}
        for i, (name, (low, high)) in enumerate(bounds.items()):
            if low is high:
                drawn[name] = np.array(np.broadcast_to(low, len(keys)))
            else:
                word = keyed.words(keys, keyed.SIZES, 1, start=i)[:, 0]
                drawn[name] = low + keyed.below(word, high - low + 1)
        return drawn

    def vectors(self, keys: keyed.Keys, counts: Integers, blank: float = 0.0) -> Bits:
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


def unpack(words: keyed.Words, bits: int) -> Bits:
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


def at_least(name: str, value: int, smallest: int) -> None:
    """Raise an error unless a parameter is an integer that is not too small."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    if value < smallest:
        raise ValueError(f"{name} is {value}; expected at least {smallest}")


def share(name: str, value: float) -> None:
    """Raise an error unless a parameter is from 0 to 1."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; expected a share, from 0 to 1")


def channels(name: str, count: int) -> tuple[str, ...]:
    """Name the channels of a vector: ``("data 0", "data 1", ...)``."""
    return tuple(f"{name} {i}" for i in range(count))


def _bounds(name: str, size: Size, batch_size: int | None) -> tuple[Integers, Integers]:
    """Return a size as ``(low, high)``, integers of shape ``[]`` or ``[B]``."""
    array = np.asarray(size)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}={size!r} is not an integer, a range (low, high) or an array of integers")
    array = array.astype(np.int64)
    if isinstance(size, Sequence):
        if array.shape != (2,):
            raise ValueError(f"{name}={size!r} is not a range; expected two integers (low, high)")
        return array[0], array[1]
    if array.ndim and batch_size is not None and array.shape != (batch_size,):
        raise ValueError(
            f"{name} is an array of shape {array.shape}; expected one size an episode, ({batch_size},)"
        )
    return array, array


UNBOUNDED = math.isqrt(2**62)
"""The upper limit of a size that has none of its own: products of two still fit into 64 bits."""
