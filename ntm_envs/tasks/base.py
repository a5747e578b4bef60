"""What a task is: a pure function from keys and sizes to episodes.

A task knows nothing of environments or agents. There are two kinds:

- of a :class:`SequenceTask` an episode is fixed: inputs, targets, and the steps at which an answer is due.
  To add one, name its channels, its answers and its sizes, count its steps and fill in its episodes;
  `tasks/formal/parity.py` is the shortest example.
- of an :class:`ntm_envs.tasks.state_machine.InteractiveTask` what is observed depends on the actions.

:func:`ntm_envs.testing.check_task` reports what is wrong with a task.

Shape letters: B episodes, T time steps (of the longest episode), I input channels, O symbols of an answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntm_envs import keyed
from ntm_envs.agent import Agent
from ntm_envs.answers import Answers
from ntm_envs.tasks.sizes import Bounds, Integers, Size, check_sizes, draw_sizes


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """What both kinds of tasks have in common. Free parameters are the fields of a frozen dataclass."""

    @property
    @abstractmethod
    def input_channels(self) -> tuple[str, ...]:
        """The names of the I input channels."""

    @property
    @abstractmethod
    def output_channels(self) -> tuple[str, ...]:
        """The names of the O symbols of an answer."""

    @property
    @abstractmethod
    def answers(self) -> Answers:
        """The type of its answers."""

    @property
    @abstractmethod
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """The smallest and the largest value that each size may have, in order, by name."""

    @abstractmethod
    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return the largest number of steps that episodes of these sizes have, element by element."""

    @abstractmethod
    def return_bounds(self, sizes: Mapping[str, Integers]) -> tuple[Any, Any]:
        """Return the lowest and the highest return that episodes of these sizes can have, each ``[B]``."""

    def oracle(self) -> Agent | None:
        """Return the best possible agent, which sees only what any agent sees; None if nobody knows it."""
        return None

    def reference(self) -> Agent | None:
        """Return a good agent that stands in the place of an oracle where there is none, or None."""
        return None

    @property
    def input_bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The smallest and the largest value of each input channel, whatever the sizes, each ``[I]``."""
        return np.zeros(self.input_size, np.float32), np.ones(self.input_size, np.float32)

    @property
    def constant_output(self) -> NDArray[Any]:
        """The answer ``[O]`` that, given at every step, earns the most."""
        return np.zeros(self.answers.width, self.answers.dtype)

    @property
    def input_size(self) -> int:
        """The number of input channels I."""
        return len(self.input_channels)

    @property
    def output_size(self) -> int:
        """The number of logits that a model outputs at each step."""
        return self.answers.logits

    def steps(self, **sizes: Size) -> int:
        """Return the largest number of steps that episodes of these sizes may have."""
        checked = self.check_sizes(sizes, None)
        return int(self.max_steps({name: high for name, (_, high) in checked.items()}).max())

    def check_sizes(
        self, sizes: Mapping[str, Size], batch_size: int | None
    ) -> dict[str, tuple[Integers, Integers]]:
        """Return sizes as bounds; see :func:`ntm_envs.tasks.sizes.check_sizes`."""
        return check_sizes(type(self).__name__, self.limits, sizes, batch_size)

    def draw_sizes(self, keys: keyed.Keys, bounds: Bounds) -> dict[str, Integers]:
        """Return the sizes ``[B]`` that keys draw; see :func:`ntm_envs.tasks.sizes.draw_sizes`."""
        return draw_sizes(keys, bounds)


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Episodes side by side, padded at the end with zeros to the longest of them.

    Attributes:
        keys: The key of each episode, int64 ``[B]``.
        sizes: Each size by its name, int64 ``[B]``.
        steps: The number of steps of each episode, int64 ``[B]``.
        inputs: What an agent observes, float32 ``[T, B, I]``.
        targets: The right answers, of their own dtype ``[T, B, O]``, 0 where the mask is false.
        mask: The answer steps, bool ``[T, B]``: only these are scored.
    """

    keys: keyed.Keys
    sizes: dict[str, Integers]
    steps: Integers
    inputs: NDArray[np.float32]
    targets: NDArray[Any]
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
            yield self.rows(order[start : start + size])

    def rows(self, rows: Integers | slice) -> Batch:
        """Return some of the episodes, without the padding that only the others need."""
        steps = self.steps[rows]
        longest = steps.max(initial=0)
        return Batch(
            keys=self.keys[rows],
            sizes={name: values[rows] for name, values in self.sizes.items()},
            steps=steps,
            inputs=self.inputs[:longest, rows],
            targets=self.targets[:longest, rows],
            mask=self.mask[:longest, rows],
        )


@dataclass(frozen=True, kw_only=True)
class SequenceTask(Task):
    """A task whose episodes are fixed sequences of inputs and targets; see the module."""

    keyed_steps: ClassVar[bool] = False
    """Whether episodes of one size may have different numbers of steps, or of answers."""

    @abstractmethod
    def fill(self, batch: Batch) -> None:
        """Write inputs, targets and mask of a batch, which arrive as zeros.

        The data must be a function of each episode's own key and sizes: take them from
        :func:`ntm_envs.keyed.words`, from word indices that do not depend on the other episodes of the
        batch.
        """

    def count_steps(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> Integers:
        """Return the number of steps ``[B]`` of the episodes of these keys and sizes.

        Override it, and set `keyed_steps`, where the data decide, not the sizes alone.
        """
        return self.max_steps(sizes)

    def return_bounds(self, sizes: Mapping[str, Integers]) -> tuple[Any, Any]:
        """Return the returns of episodes with every symbol wrong, and right, each ``[B]``."""
        lowest = -np.mean([1 / (k - 1) for k in self.answers.sizes])
        shape = np.shape(next(iter(sizes.values())))
        return np.full(shape, lowest), np.ones(shape)

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
        steps = self.count_steps(keys, drawn)
        B, T, answers = len(keys), int(steps.max(initial=0)), self.answers
        # Each episode is contiguous in memory; the arrays are time-major views of it.
        batch = Batch(
            keys=keys,
            sizes=drawn,
            steps=steps,
            inputs=np.zeros((B, T, self.input_size), np.float32).transpose(1, 0, 2),
            targets=np.zeros((B, T, answers.width), answers.dtype).transpose(1, 0, 2),
            mask=np.zeros((B, T), np.bool_).T,
        )
        self.fill(batch)
        return batch

    @property
    def step_bytes(self) -> int:
        """The memory that a step of an episode is counted as: at least a line of a cache, 64 bytes.

        Episodes of narrow tasks are long, and many of them ahead of time cost more, by their distance in
        memory, than they save.
        """
        return max(64, 4 * self.input_size + self.answers.width * self.answers.dtype.itemsize + 1)


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
