"""Base classes of tasks. A task is a pure function from keys and sizes to episodes.

Tasks do not depend on environments or agents. There are two kinds:

- An episode of a :class:`SequenceTask` is a fixed sequence of inputs and targets. A subclass names its
  channels, answer type and sizes, counts the steps, and fills in the episodes. `tasks/classic/copy.py` is
  the shortest example.
- In an :class:`ntm_envs.tasks.state_machine.InteractiveTask`, the observations depend on the actions.

:func:`ntm_envs.testing.check_task` checks a task and reports what is wrong.

Shape letters: B episodes, T time steps of the longest episode, I input channels, O symbols per answer.
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
from ntm_envs.rendering import View
from ntm_envs.tasks.lessons import Lesson
from ntm_envs.tasks.sizes import Bounds, Integers, Size, check_sizes, draw_sizes, is_whole


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """The base class of both kinds of tasks, a frozen dataclass whose fields are the task's parameters."""

    lessons: ClassVar[tuple[Lesson, ...]] = ()
    """The curriculum with which the task was published, if there is one."""

    @property
    @abstractmethod
    def input_channels(self) -> tuple[str, ...]:
        """The names of the I input channels."""

    @property
    @abstractmethod
    def output_channels(self) -> tuple[str, ...]:
        """The names of the O symbols per answer."""

    @property
    @abstractmethod
    def answers(self) -> Answers:
        """The answer type."""

    @property
    @abstractmethod
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """The smallest and the largest permitted value of each size, by name."""

    @abstractmethod
    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return the largest number of steps of episodes of the given sizes, elementwise."""

    @abstractmethod
    def return_bounds(self, sizes: Mapping[str, Integers]) -> tuple[Any, Any]:
        """Return the lowest and the highest possible return of episodes of the given sizes, each ``[B]``."""

    def oracle(self) -> Agent | None:
        """Return the optimal agent, which sees only the observations; None if it is unknown."""
        return None

    def reference(self) -> Agent | None:
        """Return a strong agent that replaces the oracle in scores if there is none, or None."""
        return None

    def view(self, key: int, sizes: Mapping[str, int]) -> View | None:
        """Return the task's own rendering of the episode of a key; None if grids of channels are enough."""
        return None

    @property
    def input_bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The smallest and the largest value of each input channel for all sizes, each ``[I]``."""
        return np.zeros(self.input_size, np.float32), np.ones(self.input_size, np.float32)

    @property
    def constant_output(self) -> NDArray[Any]:
        """The best constant answer ``[O]``: the one with the highest mean return."""
        return np.zeros(self.answers.width, self.answers.dtype)

    @property
    def input_size(self) -> int:
        """The number of input channels I."""
        return len(self.input_channels)

    @property
    def output_size(self) -> int:
        """The number of logits L that a model outputs at each step."""
        return self.answers.logits

    @property
    def step_bytes(self) -> int:
        """The memory per step in bytes that environments budget, at least one cache line (64 bytes).

        The lower bound limits how many episodes of tasks with few channels are generated ahead of time.
        Spread over too much memory, such episodes cost more cache misses than their generation saves.
        """
        return max(64, 4 * self.input_size + self.answers.width * self.answers.dtype.itemsize + 1)

    def steps(self, **sizes: Size) -> int:
        """Return the largest number of steps of episodes of the given sizes, which may be ranges."""
        checked = self.check_sizes(sizes, None)
        return int(self.max_steps({name: high for name, (_, high) in checked.items()}).max())

    def check_sizes(
        self, sizes: Mapping[str, Size], batch_size: int | None
    ) -> dict[str, tuple[Integers, Integers]]:
        """Validate sizes against the limits of this task, and return them as bounds.

        Trainers and environments call this method early, so that invalid sizes fail before any episode is
        generated. :func:`ntm_envs.tasks.sizes.check_sizes` describes arguments, result and errors.
        """
        return check_sizes(type(self).__name__, self.limits, sizes, batch_size)

    def draw_sizes(self, keys: keyed.Keys, bounds: Bounds) -> dict[str, Integers]:
        """Return the sizes ``[B]`` of the episodes of keys, given the bounds from :meth:`check_sizes`.

        Trainers call this method to know the sizes of a batch before they generate it.
        """
        return draw_sizes(keys, bounds)


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """A batch of episodes of a sequence task, padded with zeros to the number of steps of the longest.

    Attributes:
        keys: Keys of the episodes, int64 ``[B]``.
        sizes: Sizes of the episodes by name, int64 ``[B]`` each.
        steps: Numbers of steps of the episodes, int64 ``[B]``.
        inputs: Observations, float32 ``[T, B, I]``.
        targets: Targets ``[T, B, O]`` of the dtype of the answer type; 0 where the mask is false.
        mask: Scored steps, bool ``[T, B]``.
    """

    keys: keyed.Keys
    sizes: dict[str, Integers]
    steps: Integers
    inputs: NDArray[np.float32]
    targets: NDArray[Any]
    mask: NDArray[np.bool_]

    def buckets(self, size: int) -> Iterator[Batch]:
        """Split the batch into parts of similar numbers of steps, in ascending order, to reduce padding.

        A batch whose episodes all have the same number of steps is not split.

        Args:
            size: Number of episodes per part.
        """
        if (self.steps == self.steps[0]).all():
            yield self
            return
        order = np.argsort(self.steps, kind="stable")
        for start in range(0, len(order), size):
            yield self.rows(order[start : start + size])

    def rows(self, rows: Integers | slice) -> Batch:
        """Return the selected episodes, padded only to the longest of them."""
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
    """A task whose episodes are fixed sequences of inputs and targets."""

    keyed_steps: ClassVar[bool] = False
    """True if the number of steps, or of scored steps, depends on the key as well as on the sizes."""
    metrics: ClassVar[Mapping[str, str]] = {}
    """Further metrics that evaluation reports: a description of each by its name."""

    @abstractmethod
    def fill(self, batch: Batch) -> None:
        """Write the inputs, targets and mask of a batch, which are initialised to zeros.

        The data must depend only on the key and the sizes of each episode. Draw them with
        :func:`ntm_envs.keyed.words`, with word indices that do not depend on the other episodes of the
        batch.
        """

    def count_steps(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> Integers:
        """Return the number of steps ``[B]`` of the episodes of the given keys and sizes.

        Override this method, and set `keyed_steps`, if the number of steps depends on the data.
        """
        return self.max_steps(sizes)

    def measure(self, batch: Batch, right: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
        """Return the further metrics of episodes, ``[B]`` each; some may be missing for some sizes.

        Args:
            batch: The episodes.
            right: True at the scored steps whose symbols were all correct, bool ``[T, B]``.
        """
        return {}

    def return_bounds(self, sizes: Mapping[str, Integers]) -> tuple[Any, Any]:
        """Return the returns ``[B]`` of episodes with all symbols wrong, and with all symbols correct."""
        lowest = -np.mean([1 / (k - 1) for k in self.answers.sizes])
        shape = np.shape(next(iter(sizes.values())))
        return np.full(shape, lowest), np.ones(shape)

    def episodes(self, keys: ArrayLike, **sizes: Size) -> Batch:
        """Generate the episodes of the given keys.

        Args:
            keys: Keys ``[B]`` in ``[0, 2**63)``.
            **sizes: A value for every size of the task: an int, a range ``(low, high)`` with both ends
                included, or an array ``[B]``.

        Raises:
            TypeError: If a size is missing, unknown or not an integer, or a key is not an integer.
            ValueError: If a size or a key is out of range, or there is no key.
        """
        keys = keyed.as_keys(keys)
        if not len(keys):
            raise ValueError("keys is empty; expected at least one")
        drawn = self.draw_sizes(keys, self.check_sizes(sizes, len(keys)))
        steps = self.count_steps(keys, drawn)
        B, T, answers = len(keys), int(steps.max(initial=0)), self.answers
        # Each episode is contiguous in memory; the arrays of the batch are time-major views.
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


def check_integer(task: Task, name: str, smallest: int, largest: int) -> None:
    """Check an integer parameter of a task, and convert integers of NumPy, which overflow, to Python's.

    Raises:
        TypeError: If the parameter is not an integer.
        ValueError: If the parameter is out of range.
    """
    value = getattr(task, name)
    if not is_whole(value):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    if not smallest <= value <= largest:
        raise ValueError(f"{name} is {value}; expected an integer from {smallest} to {largest}")
    object.__setattr__(task, name, int(value))


def check_fraction(task: Task, name: str) -> None:
    """Check that a parameter of a task is a number from 0 to 1.

    Raises:
        TypeError: If the parameter is not a number.
        ValueError: If the parameter is out of range.
    """
    value = getattr(task, name)
    if not (is_whole(value) or isinstance(value, float | np.floating)):
        raise TypeError(f"{name} is {value!r}; expected a number")
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; expected a fraction from 0 to 1")


def check_range(task: Task, name: str, smallest: int, largest: int) -> None:
    """Check a parameter of a task that is a range (low, high), and convert it to a tuple of integers.

    Raises:
        TypeError: If the parameter is not a tuple or a list of two integers.
        ValueError: If they are out of range, or in the wrong order.
    """
    value = getattr(task, name)
    if not (isinstance(value, tuple | list) and len(value) == 2 and all(map(is_whole, value))):
        raise TypeError(f"{name} is {value!r}; expected a range (low, high) of two integers")
    if not smallest <= value[0] <= value[1] <= largest:
        raise ValueError(f"{name} is {value!r}; expected {smallest} <= low <= high <= {largest}")
    object.__setattr__(task, name, (int(value[0]), int(value[1])))


def channel_names(name: str, count: int) -> tuple[str, ...]:
    """Return the names of the channels of a vector: ``("data 0", "data 1", ...)``."""
    return tuple(f"{name} {i}" for i in range(count))
